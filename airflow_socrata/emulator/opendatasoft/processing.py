"""Processing: from resources and field configurations to records."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.opendatasoft.extracting import SourceError, is_realtime, rows_of
from airflow_socrata.emulator.opendatasoft.model import Field, Result, Table
from airflow_socrata.emulator.opendatasoft.portal import slug
from airflow_socrata.emulator.opendatasoft.values import convert, guessed

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.opendatasoft.model import Config, Dataset
    from airflow_socrata.emulator.opendatasoft.portal import Portal

log = logging.getLogger(__name__)

Row = dict[str, Any]


def process(portal: Portal, dataset: Dataset, config: Config, script: dict[str, Any]) -> Result:
    """Process a dataset as its configuration says, unless the script wants something else."""
    outcome = script.get("outcome", "success")
    if outcome == "error":
        raw = script["raw_message"] or script["message"]
        return Result("error", message=script["message"], raw_message=raw, params=script["params"])
    try:
        result = Result(table=_table(portal, dataset, config))
    except SourceError as error:
        return Result("error", message=str(error), raw_message=error.raw, params=error.params)
    except Exception:
        # A run must end, or the dataset would be stuck for good.
        log.exception("the emulator failed to process dataset %s", dataset.uid)
        return Result("error", message="Internal error", raw_message="Internal error")
    result.records_errors = _converted(result.table)
    ids = _identify(result.table)
    for each in result.records_errors:
        each["record_id"] = ids[each["record_id"]]
    if outcome == "records_errors":
        for record_id in list(result.table.records)[: script["records"]]:
            result.records_errors.append(_record_error(record_id, None, None, script["message"]))
    limit = script.get("limit") if outcome == "limit" else portal.switches.record_limit
    found = len(result.table.records)
    if limit and found > limit:
        result.internal = "limit_reached"
        result.table = result.table.first(limit)
        kind = script.get("limit_type") or portal.switches.limit_type
        result.params = {"error": {"limit_type": kind, "limit": limit, "value": found}}
    return result


def preview(portal: Portal, dataset: Dataset, resource: dict[str, Any]) -> dict[str, Any]:
    """Return the fields and the first records of a resource.

    :raises SourceError: it cannot be read.
    """
    config = dataset.config.copy()
    config.resources = [resource]
    config.fields = []
    table = _table(portal, dataset, config)
    _converted(table)
    fields: list[dict[str, Any]] = [
        {
            "name": one.name,
            "label": one.label,
            "type": one.type,
            "original_name": one.label,
            "description": one.description or "",
            "annotations": [],
        }
        for one in table.fields
    ]
    return {"fields": fields, "records": list(table.records.values())[:20]}


def _table(portal: Portal, dataset: Dataset, config: Config) -> Table:
    """Return the rows of all resources under their fields' names, not yet converted, by number."""
    fields: dict[str, Field] = {}
    records: dict[str, Row] = {}
    for resource in config.resources:
        if is_realtime(resource):
            for one in realtime_fields(resource, dataset.pushed.get(resource["uid"], {})):
                fields.setdefault(one.name, one)
            continue
        names, rows = rows_of(portal, dataset, resource)
        renamed: dict[str, str] = {}
        for name in names:
            field = Field(slug(name, "_"), name)
            while field.name in renamed.values():
                field.name += "_1"
            renamed[name] = field.name
            fields.setdefault(field.name, field)
        for row in rows:
            records[str(len(records))] = {renamed[name]: row.get(name) for name in names}
    table = Table(list(fields.values()), records)
    for spec in config.fields:
        _APPLY.get(spec["type"], _ignore)(table, spec)
    return table


def realtime_fields(resource: dict[str, Any], records: dict[str, Row]) -> list[Field]:
    """Return the fields of a realtime resource: by its bootstrap sample, else by its first records."""
    sample = (resource.get("params") or {}).get("bootstrap") or (resource.get("params") or {}).get("sample")
    if isinstance(sample, str):
        try:
            sample = json.loads(sample)
        except ValueError:
            sample = None
    rows = sample if isinstance(sample, list) else [sample] if isinstance(sample, dict) else []
    rows = [row for row in rows if isinstance(row, dict)] or list(records.values())[:20]
    names = dict.fromkeys(name for row in rows for name in row)
    return [Field(name, name, guessed([row.get(name) for row in rows])) for name in names]


def _find(table: Table, spec: dict[str, Any], name: Any) -> Field:
    for field in table.fields:
        if field.name == name:
            return field
    raise SourceError(
        "Processor {processor_id} is misconfigured for field {field}: {msg}",
        processor_id=spec["uid"],
        field=name,
        msg="unknown field",
    )


def _rename(table: Table, spec: dict[str, Any]) -> None:
    field = _find(table, spec, spec.get("from_name"))
    old, new = field.name, str(spec.get("to_name") or field.name)
    if new != old and any(one.name == new for one in table.fields):
        raise SourceError(
            "Processor {processor_id} is misconfigured for field {field}: {msg}",
            processor_id=spec["uid"],
            field=old,
            msg=f"there is a field {new} already",
        )
    field.name, field.label = new, str(spec.get("field_label") or new)
    for record in table.records.values():
        record[new] = record.pop(old, None)


def _type(table: Table, spec: dict[str, Any]) -> None:
    field = _find(table, spec, spec.get("field"))
    wanted = str(spec.get("type_param"))
    if wanted not in {"text", "int", "double", "geo_point_2d", "geo_shape", "date", "datetime", "file"}:
        raise SourceError(
            "Processor {processor_id} is misconfigured for field {field}: {msg}",
            processor_id=spec["uid"],
            field=field.name,
            msg="invalid type",
        )
    field.type = wanted
    field.annotations["_typed"] = spec["uid"]


def _annotate(table: Table, spec: dict[str, Any]) -> None:
    field = _find(table, spec, spec.get("field"))
    field.annotations[str(spec.get("annotation"))] = spec.get("args") or True


def _describe(table: Table, spec: dict[str, Any]) -> None:
    _find(table, spec, spec.get("field")).description = spec.get("description")


def _order(table: Table, spec: dict[str, Any]) -> None:
    wanted = {name: place for place, name in enumerate(spec.get("order") or ())}
    table.fields.sort(key=lambda field: wanted.get(field.name, len(wanted)))


def _delete(table: Table, spec: dict[str, Any]) -> None:
    field = _find(table, spec, spec.get("field"))
    table.fields.remove(field)
    for record in table.records.values():
        record.pop(field.name, None)


def _ignore(table: Table, spec: dict[str, Any]) -> None:
    """Kinds that the emulator does not know change nothing."""


_APPLY: dict[str, Callable[[Table, dict[str, Any]], None]] = {
    "rename": _rename,
    "type": _type,
    "annotate": _annotate,
    "description": _describe,
    "order": _order,
    "delete": _delete,
}


def _converted(table: Table) -> list[dict[str, Any]]:
    """Turn cells into values of their fields' types; return the errors of records."""
    errors = []
    for field in table.fields:
        typed = field.annotations.pop("_typed", None)
        name = field.name
        if typed is None:
            found = guessed([record.get(name) for record in table.records.values()])
            field.type = field.type if field.type != "text" and not table.records else found
        for number, record in table.records.items():
            cell = record.get(name)
            if field.type == "text" and cell and isinstance(cell, str):
                continue
            try:
                record[name] = convert(cell, field.type)
            except ValueError:
                words = f"Invalid {field.type}: {str(cell)[:80]}"
                record[name] = None
                errors.append(_record_error(number, typed, name, words))
    return errors


def _record_error(record_id: str, processor: str | None, field: str | None, message: str) -> dict[str, Any]:
    where = {"processor_uid": processor, "field_uid": field}
    known = {name: value for name, value in where.items() if value is not None}
    return {"record_id": record_id, **known, "message": message}


def _identify(table: Table) -> dict[str, str]:
    """Give each record its id, and return which row has which; of records with the same id the last stays."""
    names = id_fields(table.fields)
    ids = {number: record_id(record, names) for number, record in table.records.items()}
    table.records = {ids[number]: record for number, record in table.records.items()}
    return ids


def id_fields(fields: list[Field]) -> list[str]:
    """Return the names of the fields that make the record id; none: all make it."""
    return [field.name for field in fields if "id" in field.annotations]


def record_id(record: Row, names: list[str]) -> str:
    """Return the record id: 40 hexadecimal characters, the same for the same values."""
    chosen = [record.get(name) for name in names] if names else sorted(record.items())
    text = json.dumps(chosen, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
