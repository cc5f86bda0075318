"""From the rows of a file, through the translation, into the rows of a view."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.errors import invalid_request, view_missing
from airflow_socrata.emulator.store.writing import RowBlock, WriteOptions
from airflow_socrata.emulator.types import BadValue, from_csv, from_json
from airflow_socrata.emulator.types.names import GEOMETRIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_socrata.emulator.dsmapi.parsing import Layer
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.imports.language import Expression
    from airflow_socrata.emulator.store.model import Column, View
    from airflow_socrata.emulator.store.writing import RowWriter

_BLOCK = 2000
_ADDRESS = ("address", "city", "state", "zip")

Row = tuple[Any, ...]


def load(
    portal: Portal,
    exchange: Exchange,
    view: View,
    layer: Layer,
    outputs: Sequence[Expression] | None,
    order: Sequence[int] | None = None,
    *,
    truncate: bool,
) -> None:
    """Write all rows of a file as one transaction; what was left out stands in the view's warnings.

    :param outputs: one for each column; None: the cells as they are.
    :param order: places of the cells in the file, in the order of the columns; None: the file's own.
    :raises PortalError: 400, and nothing is kept.
    """
    columns = tuple(view.copy.columns)
    given = len(outputs) if outputs is not None else len(order or layer.columns)
    if given != len(columns):
        what = "translation gives" if outputs is not None else "file has"
        raise invalid_request(f"The {what} {given} columns, the dataset has {len(columns)}")
    fault = exchange.fault("row_errors")
    failing = frozenset(range(fault.args["rows"])) if fault else frozenset[int]()
    options = WriteOptions(truncate=truncate, failing=failing)
    hold = next((f for f in exchange.faults if f.kind == "hold" and f.args["point"] == "before_commit"), None)

    def before_commit() -> None:
        if hold is not None:
            portal.holds.hold(hold.args["hold_id"])

    user = exchange.user.id if exchange.user is not None else view.owner
    warnings = [f"Row {error.offset + 1} was left out: {error.message}" for error in layer.row_errors]
    with view.dataset.write_lock(portal.switches.write_lock_seconds, view.id):
        if portal.store.find(view.id) is not view:
            raise view_missing(view.id)
        with portal.store.writing(view, user, options, portal.switches, before_commit) as writer:
            rows = _translated(layer.rows(), outputs, order)
            warnings += _fill(writer, columns, rows, portal.switches.import_bad_cells)
    warnings += [f"Row {place + 1} was left out: {code}" for place, code, _ in writer.outcome.errors]
    _warn(view, warnings)


def _warn(view: View, warnings: list[str]) -> None:
    kept = {key: value for key, value in view.metadata.items() if key != "warnings"}
    view.metadata = kept | {"warnings": warnings} if warnings else kept


def _translated(
    rows: Iterator[Row], outputs: Sequence[Expression] | None, order: Sequence[int] | None
) -> Iterator[Row]:
    for row in rows:
        if outputs is not None:
            cells = ["" if cell is None else cell for cell in row]
            yield tuple([output(cells) for output in outputs])
        else:
            yield row if order is None else tuple([row[place] for place in order])


def _fill(writer: RowWriter, columns: tuple[Column, ...], rows: Iterator[Row], rule: str) -> list[str]:
    warnings: list[str] = []
    first = 0
    while block := list(islice(rows, _BLOCK)):
        bad: dict[int, str] = {}
        values = [
            _stored(column, cells, bad)
            for column, cells in zip(columns, zip(*block, strict=True), strict=True)
        ]
        if bad and rule == "fail":
            place = min(bad)
            raise invalid_request(f"Row {first + place + 1}: {bad[place]}")
        if bad and rule == "drop":
            kept = [place for place in range(len(block)) if place not in bad]
            values = [[column[place] for place in kept] for column in values]
            warnings += [f"Row {first + place + 1} was left out: {bad[place]}" for place in sorted(bad)]
        count = len(values[0])
        writer.reserve(first, count)
        writer.apply(RowBlock(range(first, first + count), columns, values))
        first += len(block)
    return warnings


def _stored(column: Column, cells: Sequence[Any], bad: dict[int, str]) -> list[Any]:
    """Return the stored values of a column; those of cells that do not fit are null, and noted."""
    ready = [_cell(column.kind, cell) for cell in cells]
    if all(isinstance(cell, str) for cell in ready):
        try:
            return list(from_csv(column.kind, ready))
        except BadValue:
            pass
    made = []
    for place, cell in enumerate(ready):
        try:
            made.append((from_csv if isinstance(cell, str) else from_json)(column.kind, [cell])[0])
        except BadValue as error:
            made.append(None)
            bad[place] = f"{json.dumps(error.value)} is no {error.expected} (column {column.name})"
    return made


def _cell(kind: str, cell: Any) -> Any:
    """Return what an output gives as a cell: locations as the column's type wants them."""
    if cell is None:
        return ""
    if isinstance(cell, str) and kind == "location" and cell.startswith("{"):
        try:
            cell = json.loads(cell)
        except ValueError:
            return cell
    if not isinstance(cell, dict):
        return cell if isinstance(cell, str) else str(cell)
    if kind in GEOMETRIES:
        return _point(cell) if "latitude" in cell else cell
    if kind == "location":
        address = {part: str(cell[part]) for part in _ADDRESS if part in cell}
        given = cell.get("human_address")
        return cell if given is not None or not address else cell | {"human_address": address}
    return json.dumps(cell)


def _point(cell: dict[str, Any]) -> Any:
    try:
        return {"type": "Point", "coordinates": [float(cell["longitude"]), float(cell["latitude"])]}
    except (KeyError, ValueError):
        return "" if not str(cell.get("latitude") or "").strip() else str(cell)
