"""Records: pages, groups and exports."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from airflow_socrata.emulator.opendatasoft.errors import Refused, Reply
from airflow_socrata.emulator.opendatasoft.explore.catalog import public_of, visible_fields
from airflow_socrata.emulator.opendatasoft.explore.odsql import (
    AGGREGATES,
    condition,
    matches,
    parse,
    refuse,
    value_of,
)

if TYPE_CHECKING:
    from airflow_socrata.emulator.opendatasoft.model import Field
    from airflow_socrata.emulator.opendatasoft.portal import Exchange, Portal

Record = dict[str, Any]
FORMATS = ("csv", "json", "jsonl", "geojson")
LARGEST_PAGE, FURTHEST, FURTHEST_GROUP = 100, 10_000, 20_000


def page(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /catalog/datasets/{dataset_id}/records``."""
    _, records = _found(portal, exchange)
    limit, offset = exchange.number("limit", 10), exchange.number("offset", 0)
    furthest = FURTHEST_GROUP if exchange.first("group_by") else FURTHEST
    if not -1 <= limit <= LARGEST_PAGE:
        raise refuse(f"limit must be between -1 and {LARGEST_PAGE}")
    if offset < 0 or max(limit, 0) + offset > furthest:
        raise refuse(f"offset and limit together must be below {furthest}")
    limit = LARGEST_PAGE if limit < 0 else limit
    return Reply.of({"total_count": len(records), "results": records[offset : offset + limit]})


def _found(portal: Portal, exchange: Exchange) -> tuple[list[Field], list[Record]]:
    """Return the fields, and the records that the query asks for, in order."""
    dataset, shown = public_of(portal, exchange)
    if not dataset.default_security.get("is_data_visible", True) and exchange.user is None:
        raise Refused(403, "Forbidden", "The data of this dataset are not visible.")
    fields = visible_fields(dataset, shown, exchange)
    names = [field.name for field in fields]
    where = condition(exchange.all("where"))
    records = [{name: record.get(name) for name in names} for record in shown.table.records.values()]
    records = [record for record in records if matches(where, record)]
    order = [part.strip() for text in exchange.all("order_by") for part in text.split(",") if part.strip()]
    grouped = exchange.first("group_by")
    select = ", ".join(exchange.all("select")) or ("*" if not grouped else "")
    if grouped or _aggregates(select):
        records = _groups(records, select, grouped)
        return fields, _sorted(records, order)
    return fields, _selected(_sorted(records, order), select)


def _items(select: str) -> list[tuple[str, Any]]:
    """Return name and expression of each thing selected; ``*`` is left out."""
    found = []
    for text in _split(select):
        if text == "*":
            continue
        tree = parse(text) if " as " not in text.lower() else None
        name = text
        if tree is None:
            cut = text.lower().rindex(" as ")
            name, tree = text[cut + 4 :].strip(" `\"'"), parse(text[:cut])
        elif isinstance(tree, exp.Column):
            name = tree.name
        found.append((name, tree))
    return found


def _split(text: str) -> list[str]:
    """Split at commas that stand in no brackets."""
    parts, depth, current = [], 0, ""
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += letter
    return [part for part in [*parts, current.strip()] if part]


def _aggregates(select: str) -> bool:
    return any(type(tree) in AGGREGATES for _, tree in _items(select))


def _selected(records: list[Record], select: str) -> list[Record]:
    if select.strip() == "*":
        return records
    items = [(name, value_of(tree)) for name, tree in _items(select)]
    whole = "*" in _split(select)
    return [
        {**(record if whole else {}), **{name: value(record) for name, value in items}} for record in records
    ]


def _groups(records: list[Record], select: str, grouped: str | None) -> list[Record]:
    keys = [(name, value_of(tree)) for name, tree in _items(grouped or "")]
    groups: dict[str, tuple[Record, list[Record]]] = {}
    if not keys:
        groups[""] = ({}, records)
    for record in records if keys else ():
        key = {name: value(record) for name, value in keys}
        groups.setdefault(json.dumps(key, default=str), (key, []))[1].append(record)
    results = []
    for key, members in groups.values():
        made = dict(key)
        for name, tree in _items(select):
            if type(tree) in AGGREGATES:
                made[name] = _aggregated(tree, members)
            elif name not in key:
                made[name] = value_of(tree)(members[0]) if members else None
        results.append(made)
    return results


def _aggregated(tree: Any, members: list[Record]) -> Any:
    inner = tree.this
    if isinstance(inner, exp.Star) or inner is None:
        return len(members)
    if isinstance(inner, exp.Distinct):
        value = value_of(inner.expressions[0])
        return len({json.dumps(value(one), default=str) for one in members} - {"null"})
    value = value_of(inner)
    found = [each for one in members if (each := value(one)) is not None]
    try:
        return AGGREGATES[type(tree)](found)
    except TypeError as error:
        raise refuse(str(error)) from None


def _sorted(records: list[Record], order: list[str]) -> list[Record]:
    for text in reversed(order):
        name, _, direction = text.rpartition(" ")
        if direction.lower() not in {"asc", "desc"}:
            name, direction = text, "asc"
        value = value_of(parse(name))

        def rank(record: Record, value: Any = value) -> tuple[bool, bool, Any]:
            found = value(record)
            text = not isinstance(found, int | float)
            return found is None, text, "" if found is None else str(found) if text else found

        records = sorted(records, key=rank, reverse=direction.lower() == "desc")
    return records


def export(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /catalog/datasets/{dataset_id}/exports/{format}``."""
    kind = exchange.parts["format"]
    if kind not in FORMATS:
        raise Refused(400, "InvalidRESTParameterError", f"The emulator exports {', '.join(FORMATS)} alone.")
    fields, records = _found(portal, exchange)
    limit, offset = exchange.number("limit", -1), exchange.number("offset", 0)
    records = records[offset:] if limit < 0 else records[offset : offset + limit]
    if kind == "csv":
        reply = _csv(exchange, fields, records)
    elif kind == "jsonl":
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        reply = Reply(200, lines.encode(), "application/jsonl; charset=utf-8")
    elif kind == "geojson":
        features = [_feature(record) for record in records]
        collection = {"type": "FeatureCollection", "features": features}
        reply = Reply.of(collection)
        reply.content_type = "application/geo+json; charset=utf-8"
    else:
        reply = Reply.of(records)
    reply.headers["Content-Disposition"] = f'attachment; filename="{exchange.parts["dataset_id"]}.{kind}"'
    return reply


def _csv(exchange: Exchange, fields: list[Field], records: list[Record]) -> Reply:
    labels = {field.name: field.label for field in fields}
    names = list(records[0]) if records else list(labels)
    headed = [labels.get(name, name) for name in names] if exchange.first("use_labels") == "true" else names
    text = io.StringIO()
    if exchange.first("with_bom") != "false":
        text.write("\ufeff")
    delimiter = (exchange.first("delimiter") or ";")[:1]
    every = exchange.first("quote_all") == "true"
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL)
    writer.writerow(headed)
    writer.writerows([_cell(record.get(name)) for name in names] for record in records)
    return Reply(200, text.getvalue().encode(), "text/csv; charset=utf-8")


def _cell(value: Any) -> Any:
    if isinstance(value, dict) and {"lon", "lat"} == set(value):
        return f"{value['lat']}, {value['lon']}"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value


def _feature(record: Record) -> Record:
    geometry = None
    rest = dict(record)
    for name, value in record.items():
        if isinstance(value, dict) and value.get("type") == "Feature":
            geometry = value.get("geometry")
            del rest[name]
            break
        if isinstance(value, dict) and {"lon", "lat"} <= set(value) and geometry is None:
            geometry = {"type": "Point", "coordinates": [value["lon"], value["lat"]]}
    return {"type": "Feature", "geometry": geometry, "properties": rest}
