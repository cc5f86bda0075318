"""Request bodies with rows: JSON and CSV, turned into blocks of columns for the store."""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_socrata.emulator.errors import PortalError, core_error, invalid_request, soda_error
from airflow_socrata.emulator.store.writing import RowBlock
from airflow_socrata.emulator.types import BadValue, from_csv, from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from airflow_socrata.emulator.ids import RowIds
    from airflow_socrata.emulator.store.model import Column, Copy

BLOCK_ROWS = 10_000
_CELL = re.compile(r'(?:"((?:[^"]|"")*+)"|([^",\r\n]*+))(,|\r\n|\n|\r|\Z)')
_SYSTEM = frozenset({":id", ":deleted", ":version", ":created_at", ":updated_at"})


@dataclass(frozen=True, slots=True)
class Naming:
    """How the names of a request are matched with the dataset's columns."""

    copy: Copy
    row_ids: RowIds
    ignore_unknown: bool
    display_names: bool

    def find(self, names: Sequence[str]) -> list[Column | str | None]:
        """Return a column, a system field's name or None (ignored) for each name.

        :raises PortalError: 400 for a name that the dataset lacks, where that is refused, and for doubles.
        """
        found = [self._find(name) for name in names]
        for position, each in enumerate(found):
            if each is not None and each in found[:position]:
                raise invalid_request(f"Duplicate field name sent: {names[position]}")
        return found

    def _find(self, name: str) -> Column | str | None:
        columns = self.copy.columns
        exact = next((column for column in columns if column.field_name == name), None)
        if exact is not None:
            return exact
        if name in _SYSTEM:
            return name
        # The row service folds case and takes - for _ in names.
        folded = name.lower().replace("-", "_")
        for column in columns:
            if column.field_name == folded or (self.display_names and column.name == name):
                return column
        if self.ignore_unknown:
            return None
        raise invalid_request(f"Illegal field name sent: {name}")


def inflate(body: bytes, encoding: str | None) -> bytes:
    """Return the body as it was before compression.

    :raises PortalError: 400 when it is no gzip, or is cut off; 415 for another encoding.
    """
    if encoding in {None, "", "identity"}:
        return body
    if encoding not in {"gzip", "x-gzip"}:
        raise core_error(415, "invalid_request", f"Unsupported content encoding: {encoding}")
    parts: list[bytes] = []
    try:
        while body:
            stream = zlib.decompressobj(31)
            parts.append(stream.decompress(body))
            if not stream.eof:
                raise invalid_request("The gzip body is cut off")
            body = stream.unused_data
    except zlib.error:
        raise invalid_request("The body is not gzip") from None
    return b"".join(parts)


def json_rows(body: bytes) -> Any:
    """Return the JSON of a body.

    :raises PortalError: 400 when it is none; NaN and Infinity are none.
    """

    def refuse(word: str) -> NoReturn:
        raise ValueError(word)

    try:
        return json.loads(body, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise core_error(400, "invalid_request", "Malformed JSON in the request body") from None


def csv_blocks(body: bytes, naming: Naming, reserve: Callable[[int, int], None]) -> Iterator[RowBlock]:
    """Yield the rows of a CSV body, some thousand at a time.

    :param reserve: told first position and number of the rows before each block.
    :raises PortalError: 400 for a body that is no CSV or does not fit the dataset.
    """
    rows = _records(body.replace(b"\0", b"") if b"\0" in body else body)
    header = next(rows, None)
    if header is None:
        raise invalid_request("The CSV body has no header")
    found = naming.find(header)
    first = 0
    while block := list(islice(rows, BLOCK_ROWS)):
        if [] in block:
            block = [row for row in block if row]
        for place, row in enumerate(block, first + 2):
            if len(row) != len(header):
                raise invalid_request(
                    f"Row {place} of the CSV has {len(row)} cells, the header {len(header)}"
                )
        reserve(first, len(block))
        columns: list[tuple[str, ...]] = list(zip(*block, strict=True)) or [()] * len(header)
        yield _csv_block(first, len(block), found, columns, naming)
        first += len(block)


def _records(body: bytes) -> Iterator[list[str]]:
    done = 0
    try:
        # Decoded piece by piece: a body may be hundreds of megabytes long.
        with io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", newline="") as lines:
            for record in csv.reader(lines, strict=True):
                done += 1
                yield record
    except UnicodeDecodeError:
        raise invalid_request("The CSV body is not UTF-8") from None
    except csv.Error as error:
        if "field limit" not in str(error):
            raise invalid_request(f"Malformed CSV: {error}") from None
        # The limit on cells is the whole process's, so it is not raised here; the rest goes the slow way.
        yield from islice(_long_records(body.decode("utf-8-sig")), done, None)


def _long_records(text: str) -> Iterator[list[str]]:
    record: list[str] = []
    place = 0
    while place < len(text):
        match = _CELL.match(text, place)
        if match is None:
            raise invalid_request("Malformed CSV: a quote where none may be")
        quoted, plain, end = match.groups()
        record.append(plain if quoted is None else quoted.replace('""', '"'))
        place = match.end()
        if end != ",":
            yield record if record != [""] else []
            record = []
    if record:
        yield [*record, ""]


def _csv_block(
    first: int, count: int, found: list[Column | str | None], cells: list[tuple[str, ...]], naming: Naming
) -> RowBlock:
    columns, values = [], []
    system: dict[str, tuple[str, ...]] = {}
    for target, column in zip(found, cells, strict=True):
        if isinstance(target, str):
            system[target] = column
        elif target is not None:
            columns.append(target)
            values.append(_converted(target, column, from_csv))
    deleted = [cell.lower() == "true" for cell in system[":deleted"]] if ":deleted" in system else None
    return RowBlock(
        range(first, first + count),
        tuple(columns),
        values,
        deleted,
        _sids(system.get(":id"), naming),
        _versions(system.get(":version"), naming),
    )


def json_blocks(rows: list[Any], naming: Naming) -> Iterator[RowBlock]:
    """Yield the rows of a JSON array, rows with the same keys together.

    :raises PortalError: 400 for a row that is no object or does not fit the dataset.
    """
    rows = [_as_object(row, naming) for row in rows]
    runs = [(keys, list(run)) for keys, run in groupby(range(len(rows)), key=lambda i: tuple(rows[i]))]
    if len(runs) > 64 and _all_different(rows, naming):
        together: dict[tuple[str, ...], list[int]] = {}
        for keys, run in runs:
            together.setdefault(keys, []).extend(run)
        runs = list(together.items())
    for keys, places in runs:
        yield _json_block(keys, rows, places, naming)


def _as_object(row: Any, naming: Naming) -> dict[str, Any]:
    if isinstance(row, dict):
        return row
    if isinstance(row, list) and len(row) == 1:
        # The row service's short way to delete: the identifier alone.
        identifier = naming.copy.identifier
        return {":id" if identifier is None else identifier.field_name: row[0], ":deleted": True}
    raise soda_error(400, "soda.row.upsert-row-not-an-object", "A row must be an object", {"value": row})


def _all_different(rows: list[dict[str, Any]], naming: Naming) -> bool:
    identifier = naming.copy.identifier
    name = ":id" if identifier is None else identifier.field_name
    keys = [str(row[name]) for row in rows if row.get(name) is not None]
    return len(set(keys)) == len(keys)


def _json_block(
    keys: tuple[str, ...], rows: list[dict[str, Any]], places: list[int], naming: Naming
) -> RowBlock:
    columns, values = [], []
    system: dict[str, list[Any]] = {}
    for name, target in zip(keys, naming.find(keys), strict=True):
        column = [rows[i][name] for i in places]
        if isinstance(target, str):
            system[target] = column
        elif target is not None:
            columns.append(target)
            values.append(_converted(target, column, from_json))
    deleted = [value is True for value in system[":deleted"]] if ":deleted" in system else None
    positions: Sequence[int] = places
    if places[-1] - places[0] == len(places) - 1:
        positions = range(places[0], places[-1] + 1)
    return RowBlock(
        positions,
        tuple(columns),
        values,
        deleted,
        _sids(system.get(":id"), naming),
        _versions(system.get(":version"), naming),
    )


def _converted(
    column: Column, cells: Sequence[Any], convert: Callable[[str, Sequence[Any]], list[Any]]
) -> list[Any]:
    try:
        return convert(column.kind, cells)
    except BadValue as error:
        got = json.dumps(error.value, ensure_ascii=False)
        raise invalid_request(
            f"Invalid request: Expected {error.expected} type for column {column.field_name},"
            f" but got value {got}"
        ) from None


def _sids(values: Sequence[Any] | None, naming: Naming) -> list[int | None] | None:
    if values is None:
        return None
    return [None if value in {None, ""} else row_number(value, naming.row_ids) for value in values]


def row_number(value: Any, row_ids: RowIds) -> int:
    """Return the counter behind a row id, given as ``row-…`` or as a number.

    :raises PortalError: 400 when it is neither.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        number = int(value) if value.isdigit() else row_ids.counter(value)
        if number is not None:
            return number if number < 1 << 62 else -1
    raise soda_error(400, "soda.invalid-row-identifier", f"Invalid row identifier: {value}", {"value": value})


def _versions(values: Sequence[Any] | None, naming: Naming) -> list[int | None] | None:
    if values is None:
        return None
    return [None if value in {None, ""} else row_number(value, naming.row_ids) for value in values]


def boolean_option(query: Mapping[str, str], name: str, default: bool) -> bool:
    """Return an option of a write.

    :raises PortalError: 400 when it is neither true nor false.
    """
    text = query.get(name)
    if text is None:
        return default
    if text not in {"true", "false"}:
        raise soda_error(
            400, "req.bad-parameter", f"Bad value for {name}: {text}", {"parameter": name, "value": text}
        )
    return text == "true"


__all__ = [
    "BLOCK_ROWS",
    "Naming",
    "PortalError",
    "boolean_option",
    "csv_blocks",
    "inflate",
    "json_blocks",
    "json_rows",
    "row_number",
]
