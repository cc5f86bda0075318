"""The check after publish: the public sees the records of the file, counted, and processed since."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from airflow_socrata.publication.choices import LONGEST_GRACE
from airflow_socrata.publication.opendatasoft import waits
from airflow_socrata.publication.opendatasoft.intent import ChangePhase
from airflow_socrata.publication.opendatasoft.publishing import recorded
from airflow_socrata.publication.verifying import VerificationFailed

if TYPE_CHECKING:
    from airflow_socrata.opendatasoft.models import Resource
    from airflow_socrata.publication.opendatasoft.handle import DatasetHandle
    from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher

Expected: TypeAlias = int | Literal["file"] | None


@dataclass(frozen=True, slots=True)
class VerifiedDataset:
    """Before and after.

    :param records_before: as many as the public saw when the run began; ``None`` if it was not published.
    :param records_after: as many as it sees now.
    :param data_processed: when the data were processed, epoch seconds, where Explore tells.
    """

    dataset: str
    dataset_id: str
    records_before: int | None
    records_after: int
    data_processed: float | None
    link: str

    def to_xcom(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def wanted_of(handle: DatasetHandle, expected: Expected) -> waits.Wanted:
    """Return how many records the public is to see.

    The rows of the file are all records there are only where the dataset has no other resource.
    """
    if expected != "file":
        return waits.Wanted(expected)
    upload = handle.upload
    if upload is None or upload.records is None:
        return waits.Wanted()
    return waits.Wanted(upload.records, at_least=not upload.is_only)


def verify(
    publisher: DatasetPublisher,
    handle: DatasetHandle,
    expected: Expected = "file",
    *,
    allow_empty: bool = False,
    timeout: float = LONGEST_GRACE,
) -> VerifiedDataset:
    """Compare what Explore shows with what was to be published.

    :param expected: the data rows of the uploaded ``file``, a number, or ``None``: any but none.
    :param allow_empty: no records will do, where none or any number is expected.
    :param timeout: seconds for which Explore may lag behind.
    :raises VerificationFailed: other records, processed before the order, or not published.
    :raises HandleMismatch: the change was rolled back.
    """
    is_over = publisher.intents.load(handle.operation.key) is None and _is_source_still(publisher, handle)
    ordered_at = None if is_over else recorded(publisher, handle).ordered_at
    counted = wanted_of(handle, expected)
    wanted = waits.Wanted(counted.records, counted.at_least, ordered_at)
    patience = publisher.patience(min(timeout, LONGEST_GRACE))
    seen = publisher.run(waits.visible(handle.dataset_id, wanted, patience))
    link = publisher.link(handle.dataset_id)
    records = seen.records
    if records is None:
        raise VerificationFailed(
            f"Explore does not show {handle.dataset_id}: it is not published, or the connection may not"
            f" explore it: {link}"
        )
    if not seen.is_new(wanted):
        raise VerificationFailed(
            f"Explore shows data of {handle.dataset_id} processed before this run ordered it: {link}"
        )
    if not seen.has_count(wanted):
        least = "at least " if wanted.at_least else ""
        raise VerificationFailed(
            f"{handle.dataset_id} shows {records:,} records; {least}{wanted.records:,} were expected, and"
            f" {_shown(handle.baseline.records)} were there before: {link}. Identical rows, and rows with one"
            " value in the fields annotated 'id', are one record on this portal: if that is why, pass the"
            " number as expected_records, or None."
        )
    if not records and not allow_empty:
        raise VerificationFailed(
            f"{handle.dataset_id} shows no records ({_shown(handle.baseline.records)} before): {link}. Pass"
            " allow_empty=True if that is right."
        )
    if not is_over:
        publisher.intents.save(recorded(publisher, handle).at(ChangePhase.VERIFIED))
    publisher.log(
        f"{handle.dataset_id} shows {records:,} records (before: {_shown(handle.baseline.records)})."
    )
    return VerifiedDataset(
        handle.dataset, handle.dataset_id, handle.baseline.records, records, seen.data_processed, link
    )


def _is_source_still(publisher: DatasetPublisher, handle: DatasetHandle) -> bool:
    """Whether the resource takes its records from the uploaded file still: then nothing was rolled back."""
    if handle.upload is None:
        return False
    resources: tuple[Resource, ...] = publisher.run(publisher.dialect.resources(handle.dataset))
    return any(
        (one.uid, one.source.file_uid) == (handle.upload.resource, handle.upload.file) for one in resources
    )


def _shown(records: int | None) -> str:
    return "none" if records is None else f"{records:,}"
