"""What a scan tells of a file: its columns, which types would do for them, and its first rows."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.parsing import ParseOptions, UnparsableFile, parse_file
from airflow_socrata.emulator.dsmapi.parsing.guessing import TypeGuesser
from airflow_socrata.emulator.errors import invalid_request
from airflow_socrata.emulator.types import times

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_socrata.emulator.dsmapi.parsing import Layer
    from airflow_socrata.emulator.imports.keeping import KeptFile

# The recorded scans have looked at 5,001 rows, the header among them.
_MOST_ROWS = 5001
_SAMPLE = 20
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?")
_PLACES = {"latitude": ("latitude", "lat"), "longitude": ("longitude", "long", "lon", "lng")}


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def _is_date(cell: str) -> bool:
    return times.floating(cell) is not None


_FITS: dict[str, Callable[[str], bool]] = {
    "number": _is_number,
    "text": lambda cell: True,
    "calendar_date": _is_date,
    "money": lambda cell: _is_number(cell.removeprefix("$").replace(",", "")),
    "percent": lambda cell: _is_number(cell.removesuffix("%")),
    "date": _is_date,
    "checkbox": lambda cell: cell.lower() in {"true", "false", "yes", "no", "0", "1"},
}
# The types that scans count: as recorded in 2013, and as the vendor's page has them.
_COUNTED = {
    "2013": ("number", "text", "calendar_date", "money", "percent"),
    "2011": ("number", "text", "date", "checkbox"),
}


def parsed_table(file: KeptFile, name: str, skip: int) -> Layer:
    """Return the one table of a file.

    :param name: by which the format is known.
    :param skip: rows above the data.
    :raises PortalError: 400 when the file is no table.
    """
    try:
        options = ParseOptions(header_count=skip, column_header=skip)
        return parse_file(file.path, name, _type(file, name), options).layers[0]
    except UnparsableFile as error:
        raise invalid_request(error.message) from None


def _type(file: KeptFile, name: str) -> str | None:
    # The name's extension tells the format; clients call all files octets, or csv.
    return None if "." in name else file.content_type


def summary_of(file: KeptFile, form: str) -> dict[str, Any]:
    """Return the summary of a scan.

    :param form: which types are counted: ``2013`` or ``2011``.
    :raises PortalError: 400 when the file is no table.
    """
    layer = parsed_table(file, file.name, 0)
    rows = [[_text(cell) for cell in row] for row in islice(layer.rows(), _MOST_ROWS)]
    headers = 1 if rows and _is_header(rows[0]) else 0
    names = rows[0] if headers else [f"Column {place}" for place in range(1, len(rows[0]) + 1)]
    guesser = TypeGuesser(len(names))
    guesser.look([[cell or None for cell in row] for row in rows[headers:]])
    columns = [
        _column(name, kind, [row[place] for row in rows], headers, form)
        for place, (name, kind) in enumerate(zip(names, guesser.kinds, strict=True))
    ]
    summary: dict[str, Any] = {"headers": headers, "columns": columns, "sample": rows[:_SAMPLE]}
    places = _places(names)
    return summary | {"locations": [places]} if len(places) == 2 else summary


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else ""


def _is_header(row: Sequence[str]) -> bool:
    return all(row) and not any(_is_number(cell) or _is_date(cell) for cell in row)


def _column(name: str, guessed: str, cells: Sequence[str], headers: int, form: str) -> dict[str, Any]:
    kinds = _COUNTED[form]
    if guessed == "calendar_date" and form == "2011":
        guessed = "date"
    counts = {kind: sum(map(_FITS[kind], cells[headers:])) for kind in kinds}
    counts["text"] = len(cells)
    return {
        "name": name,
        "processed": len(cells),
        "suggestion": guessed if guessed in kinds else "text",
        "types": counts,
    }


def _places(names: Sequence[str]) -> dict[str, int]:
    found = {}
    for part, words in _PLACES.items():
        place = next((n for n, name in enumerate(names) if name.strip().lower() in words), None)
        if place is not None:
            found[part] = place
    return found


def layers_of(file: KeptFile, name: str) -> tuple[Layer, ...]:
    """Return the layers of a file of shapes.

    :raises PortalError: 400 when it is none.
    """
    try:
        return parse_file(file.path, name, _type(file, name), ParseOptions()).layers
    except UnparsableFile as error:
        raise invalid_request(error.message) from None


def shape_summary_of(file: KeptFile) -> dict[str, Any]:
    """Return the summary of a scan of shapes."""
    stem = file.name.rpartition(".")[0] or file.name
    layers = [
        {"layerId": number, "name": layer.name or stem, "referenceSystem": "EPSG:4326"}
        for number, layer in enumerate(layers_of(file, file.name))
    ]
    return {"layers": layers, "totalLayers": len(layers)}
