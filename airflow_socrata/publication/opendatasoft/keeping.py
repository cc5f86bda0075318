"""Keeping the former records at a path that the user names, before anything is changed."""

from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING, Any, cast

from airflow_socrata.client.errors import NotFound
from airflow_socrata.client.multipart import FileSink
from airflow_socrata.opendatasoft import explore
from airflow_socrata.publication.opendatasoft.counting import CsvCounter
from airflow_socrata.publication.opendatasoft.errors import NothingToKeep
from airflow_socrata.publication.opendatasoft.intent import KeptFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from airflow_socrata.client.messages import Call, ReplySink
    from airflow_socrata.opendatasoft.models import Dataset, Resource
    from airflow_socrata.publication.opendatasoft.intent import DatasetBaseline
    from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher, Place
    from airflow_socrata.publication.operation import Operation

_BLOCK_BYTES = 2**20
#: How an export is written, and how the portal is told to read it again.
EXPORT_PARAMS = {"separator": ";", "encoding": "utf-8", "headers_first_row": True}


def keep_records(
    publisher: DatasetPublisher,
    operation: Operation,
    dataset: Dataset,
    baseline: DatasetBaseline,
    resources: tuple[Resource, ...],
    folder: Place | None,
) -> tuple[KeptFile, ...]:
    """Copy the uploaded files of all resources into a folder; where there is none, the public records.

    :raises NothingToKeep: a copy is not whole.
    """
    if folder is None:
        publisher.log(
            f"No copy of the records of {dataset.dataset_id} is kept (no path was given): a rollback can go"
            " back to its configuration and to files that the portal still has, and to nothing else."
        )
        return ()
    own = f"{dataset.dataset_id}-{operation.key[:12]}"
    kept = []
    for number, resource in enumerate(resources):
        file_uid = resource.source.file_uid
        if file_uid is None:
            continue
        extension = file_uid.rpartition(".")[2].lower() if "." in file_uid else "data"
        place = folder / f"{own}-{number}.{extension}"
        found = _keep_file(publisher, dataset.uid, resource, file_uid, place)
        if found is not None:
            kept.append(found)
    if not kept and baseline.records is not None:
        kept.append(_keep_export(publisher, dataset, baseline.records, folder / f"{own}.csv"))
    if not kept:
        publisher.log(f"{dataset.dataset_id} has no public records and no file: there is nothing to keep.")
    return tuple(kept)


def _keep_file(
    publisher: DatasetPublisher, uid: str, resource: Resource, file_uid: str, place: Place
) -> KeptFile | None:
    def download(sink: ReplySink) -> Call[None]:
        return publisher.dialect.download_file(uid, file_uid, sink)

    try:
        size = _fetch(publisher, download, place)
    except NotFound:
        publisher.log(f"The portal has the file {file_uid} of resource {resource.title!r} no more.")
        return None
    return KeptFile(str(place), size, resource.uid, file_uid)


def _keep_export(publisher: DatasetPublisher, dataset: Dataset, records: int, place: Place) -> KeptFile:
    counter = CsvCounter(EXPORT_PARAMS)

    def download(sink: ReplySink) -> Call[None]:
        separator = {"delimiter": str(EXPORT_PARAMS["separator"])}
        return explore.export(dataset.dataset_id, "csv", sink, options=separator)

    size = _fetch(publisher, download, place, counter)
    if counter.rows is not None and counter.rows != records:
        raise NothingToKeep(
            f"The export of {dataset.dataset_id} to {place} has {counter.rows:,} records, and Explore counts"
            f" {records:,}: nothing was changed."
        )
    return KeptFile(str(place), size, None, f"{dataset.dataset_id}.csv")


def _fetch(
    publisher: DatasetPublisher,
    download: Callable[[ReplySink], Call[None]],
    place: Place,
    counter: CsvCounter | None = None,
) -> int:
    """Download to a temporary file, copy that, and see that the copy is whole; return its size."""
    with tempfile.TemporaryFile(prefix="opendatasoft-kept-") as file:
        sink = FileSink(cast("BinaryIO", file))
        publisher.run(download(sink))
        if counter is not None:
            file.seek(0)
            while block := file.read(_BLOCK_BYTES):
                counter.feed(block)
        file.seek(0)
        try:
            _make_folder(place)
            with place.open("wb") as copy:
                shutil.copyfileobj(file, copy, _BLOCK_BYTES)
            written = size_of(place)
        except OSError as error:
            raise NothingToKeep(
                f"The records cannot be kept at {place}: {error.strerror or error}; nothing was changed."
            ) from error
    if written != sink.size:
        raise NothingToKeep(
            f"The copy at {place} has {written:,} bytes instead of {sink.size:,}; nothing was changed."
        )
    return sink.size


def _make_folder(place: Any) -> None:
    """Object stores have no folders to make."""
    if getattr(place, "protocol", "file") in {"", "file"} and hasattr(place, "parent"):
        place.parent.mkdir(parents=True, exist_ok=True)


def size_of(place: Any) -> int:
    """Return the bytes of a file, as its store tells."""
    if hasattr(place, "stat"):
        return int(place.stat().st_size)
    with place.open("rb") as file:
        return int(file.seek(0, 2))
