"""Excel files, old and new: a layer for each sheet that has rows."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import openpyxl
import xlrd
from openpyxl.utils.exceptions import InvalidFileException
from xlrd.biffh import XLRDError
from xlrd.compdoc import CompDocError

from airflow_socrata.emulator.dsmapi.parsing.archives import DAMAGED, unpacked
from airflow_socrata.emulator.dsmapi.parsing.memory import cell_text, table_layer
from airflow_socrata.emulator.dsmapi.parsing.model import Layer, ParsedFile, UnparsableFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from airflow_socrata.emulator.dsmapi.parsing.options import ParseOptions

# What the two libraries raise on files that are damaged inside.
_DAMAGED = (*DAMAGED, IndexError, TypeError, AttributeError, AssertionError, SyntaxError, struct.error)


def parse_xlsx(path: Path, options: ParseOptions) -> ParsedFile:
    """Return the sheets of an XLSX file; formulas count with the values that were saved with them.

    :raises UnparsableFile: it is none, or has no rows.
    """
    if not unpacked(path, ["[content_types].xml"]):
        raise UnparsableFile("The archive is no XLSX file")
    try:
        with path.open("rb") as opened:
            book = openpyxl.load_workbook(opened, read_only=True, data_only=True)
            tables = []
            for sheet in book.worksheets:
                # Writers are known to state a size that is wrong.
                sheet.reset_dimensions()
                tables.append((sheet.title, _records(sheet.iter_rows(values_only=True))))
    except (InvalidFileException, *_DAMAGED) as error:
        raise UnparsableFile(f"The file is no XLSX file: {error!r}") from None
    return ParsedFile("xlsx", _layers(tables, options))


def parse_xls(path: Path, options: ParseOptions) -> ParsedFile:
    """Return the sheets of an XLS file.

    :raises UnparsableFile: it is none, or has no rows.
    """
    try:
        with xlrd.open_workbook(str(path), on_demand=True) as book:
            tables = [
                (sheet.name, _records(_xls_rows(sheet, book.datemode)))
                for sheet in (book.sheet_by_index(number) for number in range(book.nsheets))
            ]
    except (XLRDError, CompDocError, *_DAMAGED) as error:
        raise UnparsableFile(f"The file is no XLS file: {error!r}") from None
    return ParsedFile("xls", _layers(tables, options))


def _xls_rows(sheet: Any, datemode: Any) -> Iterable[list[Any]]:
    for number in range(sheet.nrows):
        yield [_xls_value(cell, datemode) for cell in sheet.row(number)]


def _xls_value(cell: Any, datemode: Any) -> Any:
    if cell.ctype == xlrd.XL_CELL_DATE:
        return xlrd.xldate.xldate_as_datetime(cell.value, datemode)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "#ERROR")
    return cell.value


def _records(rows: Iterable[Iterable[Any]]) -> list[list[str | None]]:
    """Return the rows as texts, all as wide as the widest, without the empty rows at the end."""
    records = []
    for row in rows:
        cells = [cell_text(value) for value in row]
        while cells and cells[-1] is None:
            cells.pop()
        records.append(cells)
    while records and not records[-1]:
        records.pop()
    width = max(map(len, records), default=0)
    return [cells + [None] * (width - len(cells)) for cells in records]


def _layers(tables: list[tuple[str, list[list[str | None]]]], options: ParseOptions) -> tuple[Layer, ...]:
    layers = tuple(table_layer(name, records, options) for name, records in tables if records)
    if not layers:
        raise UnparsableFile("No sheet of the file has any rows")
    return layers
