"""Calls of the Explore API v2.1: what the public sees, for verification and for a copy of the records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.messages import Call, CallKind, Reply, UnreadableReply
from airflow_socrata.client.parsing import integer, mapping, objects, text
from airflow_socrata.opendatasoft.bodies import items_of, nothing, object_of, piece
from airflow_socrata.opendatasoft.models import CatalogEntry, FieldInfo, RecordsPage, epoch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client.messages import ReplySink

BASE = "/api/explore/v2.1"
#: What one page of records takes, and how far pages reach.
MOST_RECORDS, FURTHEST_RECORD = 100, 10_000
EXPORT_FORMATS = frozenset({"csv", "json", "jsonl", "geojson", "parquet", "xlsx"})


def catalog_entry(dataset_id: str) -> Call[CatalogEntry]:
    """Read a published dataset's entry; :func:`actions.published_entry` names the nearest id if absent."""
    return Call(
        CallKind.READ,
        "GET",
        _path(dataset_id),
        _parse_entry,
        f"read {dataset_id} in Explore",
        if_absent=_absent(dataset_id),
    )


def dataset_ids(limit: int = 100) -> Call[tuple[str, ...]]:
    """List ids of published datasets.

    :param limit: at most 100.
    """

    def parse(reply: Reply) -> tuple[str, ...]:
        items, _ = items_of(reply, "results", "datasets")
        return tuple(name for one in items if (name := text(one.get("dataset_id"))))

    params = (("select", "dataset_id"), ("limit", str(limit)))
    return Call(
        CallKind.READ, "GET", f"{BASE}/catalog/datasets", parse, "list Explore's datasets", params=params
    )


def count(dataset_id: str, where: str | None = None) -> Call[int]:
    """Count the public records.

    :param where: an ODSQL condition.
    """
    params = (("limit", "1"), *((("where", where),) if where else ()))
    return Call(
        CallKind.READ,
        "GET",
        f"{_path(dataset_id)}/records",
        lambda reply: _parse_page(reply).total,
        f"count the records of {dataset_id} in Explore",
        params=params,
        if_absent=_absent(dataset_id),
    )


def records(
    dataset_id: str,
    *,
    where: str | None = None,
    select: str | None = None,
    order_by: str | None = None,
    group_by: str | None = None,
    limit: int = MOST_RECORDS,
    offset: int = 0,
) -> Call[RecordsPage]:
    """Read some records.

    :param limit: at most 100.
    :param offset: with ``limit``, below 10,000; what is further is for an export.
    :raises ConfigurationError: if limit or offset reach too far.
    """
    if not 0 < limit <= MOST_RECORDS or offset < 0 or limit + offset > FURTHEST_RECORD:
        raise ConfigurationError(
            f"a page of Explore has at most {MOST_RECORDS} records and ends before {FURTHEST_RECORD:,}:"
            " export what is further"
        )
    clauses = (("where", where), ("select", select), ("order_by", order_by), ("group_by", group_by))
    params = [("limit", str(limit)), ("offset", str(offset))]
    params += [(key, value) for key, value in clauses if value]
    return Call(
        CallKind.READ,
        "GET",
        f"{_path(dataset_id)}/records",
        _parse_page,
        f"read records of {dataset_id} in Explore",
        params=tuple(params),
        if_absent=_absent(dataset_id),
    )


def export(
    dataset_id: str,
    format: str,
    into: ReplySink,
    *,
    where: str | None = None,
    select: str | None = None,
    options: Mapping[str, str] | None = None,
) -> Call[None]:
    """Export all public records into a file, by technical field names.

    :param format: ``csv``, ``json``, ``jsonl``, ``geojson``, ``parquet`` or ``xlsx``.
    :param into: e.g. :class:`~airflow_socrata.client.multipart.FileSink`.
    :param options: of the format, e.g. ``delimiter`` of csv.
    :raises ConfigurationError: if the format is unknown.
    """
    if format not in EXPORT_FORMATS:
        raise ConfigurationError(
            f"format {format!r} is unknown: use one of {', '.join(sorted(EXPORT_FORMATS))}"
        )
    params = {"limit": "-1", "use_labels": "false", **(options or {})}
    params |= {key: value for key, value in (("where", where), ("select", select)) if value}
    return Call(
        CallKind.READ,
        "GET",
        f"{_path(dataset_id)}/exports/{format}",
        nothing,
        f"export {dataset_id} as {format}",
        params=tuple(params.items()),
        headers=(("Accept", "*/*"),),
        into=into,
        if_absent=_absent(dataset_id),
    )


def _path(dataset_id: str) -> str:
    return f"{BASE}/catalog/datasets/{piece(dataset_id)}"


def _absent(dataset_id: str) -> str:
    return (
        f"Explore has no dataset {dataset_id}: check the id (not the uid), and that it is published and the"
        " connection may explore it"
    )


def _parse_entry(reply: Reply) -> CatalogEntry:
    body = object_of(reply, "a dataset")
    dataset_id = text(body.get("dataset_id"))
    if dataset_id is None:
        raise UnreadableReply("a dataset lacks dataset_id")
    default = mapping(mapping(body.get("metas")).get("default"))
    has_records = body.get("has_records")
    return CatalogEntry(
        dataset_id=dataset_id,
        uid=text(body.get("dataset_uid")),
        records_count=integer(default.get("records_count")),
        data_processed=epoch(default.get("data_processed")),
        metadata_processed=epoch(default.get("metadata_processed")),
        modified=epoch(default.get("modified")),
        has_records=has_records if isinstance(has_records, bool) else None,
        fields=tuple(_field(one) for one in objects(body.get("fields"))),
        raw=body,
    )


def _field(body: Mapping[str, Any]) -> FieldInfo:
    return FieldInfo(text(body.get("name")) or "", text(body.get("type")), text(body.get("label")))


def _parse_page(reply: Reply) -> RecordsPage:
    body = object_of(reply, "records")
    total = integer(body.get("total_count"))
    if total is None:
        raise UnreadableReply("a page of records lacks total_count")
    return RecordsPage(total, objects(body.get("results")))
