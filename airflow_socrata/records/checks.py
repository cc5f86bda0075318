"""What is checked in each row: only what is certain to be refused, or to be taken for something else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_socrata.records.errors import RecordsError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from airflow_socrata.records.csv_columns import Columns
    from airflow_socrata.records.schema import DatasetSchema

__all__ = ["DELETED", "NOT_NUMBERS", "NUMBER_TYPES", "ZONELESS_TYPES", "Place", "RowChecks", "identity"]

DELETED = ":deleted"

#: Names of the view's types and of the row server's, for the same thing.
ZONELESS_TYPES = frozenset({"calendar_date", "floating_timestamp"})
NUMBER_TYPES = frozenset({"number", "money", "percent", "stars"})

NOT_NUMBERS = frozenset({"nan", "inf", "infinity"})

#: A date, perhaps a time, and then a zone. Dates without one have many forms; the portal judges those.
_ZONED = r"""\s*(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{4})
    (?:
        [Tt\s]\s*\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*
        (?:[Zz]|[+-]\d{2}(?::?\d{2})?|UTC|GMT|[ECMP][SD]T|\[?[A-Z][a-z]+/[A-Z][A-Za-z_/]+\]?)
      | [Zz] | [+-]\d{2}:\d{2}
    )\s*"""

#: What a date without a zone is made of, and may be left out where an offset is looked for.
_DATE_FILLING = b"0123456789., APM"
#: What is left of such dates; a bar stands between them.
_DATE_REST = b"-:/T|"
_OFFSETS = (b":-", b"---", b"/-")

_BLANKS = " \t\n\r\x0b\x0c"

Place: TypeAlias = int | str
Row: TypeAlias = Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowChecks:
    """The checks of one source, by the place of a value in a row: a position, or a key.

    :param names: place -> the source's name of the column, for messages
    :param identifier: place of the row identifier
    :param identifier_type: its data type
    :param zoneless: places of dates without a zone
    :param numbers: places of numbers
    :param deleted: place of ``:deleted``
    """

    names: Mapping[Any, str]
    identifier: Any
    identifier_type: str
    zoneless: tuple[Any, ...]
    numbers: tuple[Any, ...]
    deleted: Any

    @classmethod
    def of(cls, places: Iterable[tuple[Place, str, str | None]], schema: DatasetSchema) -> RowChecks:
        """Build them.

        :param places: place in the row, the source's name of the column, the field that it fills
        """
        types = {column.field_name: column.data_type for column in schema.columns}
        filled = [(place, name, field) for place, name, field in places if field is not None]
        by_field = {field: place for place, _, field in filled}
        return cls(
            names={place: name for place, name, _ in filled},
            identifier=by_field.get(schema.row_identifier or ""),
            identifier_type=types.get(schema.row_identifier or "", "text"),
            zoneless=tuple(place for place, _, field in filled if types.get(field) in ZONELESS_TYPES),
            numbers=tuple(place for place, _, field in filled if types.get(field) in NUMBER_TYPES),
            deleted=by_field.get(DELETED),
        )

    @property
    def identifier_name(self) -> str:
        """The source's name of the row identifier's column; empty: there is none."""
        return "" if self.identifier is None else self.names[self.identifier]

    def check(self, row: Row) -> None:
        """Look at each value that can be wrong.

        :raises RecordsError: naming the column; the caller adds the place of the row
        """
        if self.identifier is not None and _blank(row[self.identifier]):
            problem = "the row identifier is blank, so the portal could not tell which row this is"
            raise self._error(problem, self.identifier)
        for place in self.zoneless:
            value = row[place]
            if _is_zoned(value):
                problem = f"{_shown(value)} has a time zone, and the column takes none; send local time"
                raise self._error(problem, place)
        for place in self.numbers:
            value = row[place]
            if isinstance(value, str) and value.strip().lstrip("+-").lower() in NOT_NUMBERS:
                raise self._error(f"{_shown(value)} is not a number; leave the cell empty for null", place)

    def is_delete(self, row: Row, *, text: bool) -> bool:
        """Whether the row asks for a delete.

        :param text: the row has cells of text, where ``true`` is a word, not JSON's literal
        :raises RecordsError: it says neither yes nor no; the portal would upsert the row
        """
        if self.deleted is None:
            return False
        value = row[self.deleted]
        if value is None or value is False or (text and value in {"", "false"}):
            return False
        if value is True or (text and value == "true"):
            return True
        literal = "true, false or empty" if text else "the literal true, false or null"
        raise self._error(
            f"must be {literal}, not {_shown(value)}: the portal would keep the row", self.deleted
        )

    def identity(self, row: Row) -> Hashable:
        """Give what the portal matches rows by; equal for two rows that it takes for one."""
        return identity(row[self.identifier], self.identifier_type)

    def deletes(self, columns: Columns) -> int | None:
        """Count the deletes of whole columns; None: rows must be looked at one by one."""
        if self.deleted is None:
            return 0
        cells = columns.cells(self.deleted)
        if cells is None or not set(cells) <= {b"", b"true", b"false"}:
            return None
        return cells.count(b"true")

    def identities(self, columns: Columns) -> Sequence[Hashable] | None:
        """Check whole columns, and give the identities of the rows.

        This finds nothing wrong where ``check`` would not, and lets nothing pass that it would not; None:
        rows must be looked at one by one.
        """
        if not all(self._zoneless(columns.cells(place)) for place in self.zoneless):
            return None
        if not all(self._numbers(columns.cells(place)) for place in self.numbers):
            return None
        if self.identifier is None:
            return ()
        cells = columns.cells(self.identifier)
        if cells is None or not all(map(bytes.strip, cells)):
            return None
        if self.identifier_type not in NUMBER_TYPES:
            return cells
        # Larger numbers exist, but int() may refuse them.
        return list(map(int, cells)) if b"".join(cells).isdigit() and max(map(len, cells)) < 1000 else None

    @staticmethod
    def _zoneless(cells: list[bytes] | None) -> bool:
        if cells is None:
            return False
        # Bare, "2026-01-31T12:00:00" is "--T::": a dash after a colon, or a third one, is an offset.
        bare = b"|".join(cells).translate(None, _DATE_FILLING)
        return not bare.translate(None, _DATE_REST) and not any(offset in bare for offset in _OFFSETS)

    @staticmethod
    def _numbers(cells: list[bytes] | None) -> bool:
        if cells is None:
            return False
        letters = b"".join(cells).translate(None, b"0123456789.-")
        return b"n" not in letters and b"N" not in letters

    def _error(self, problem: str, place: Any) -> RecordsError:
        return RecordsError(problem, column=self.names[place])


def identity(value: Any, data_type: str) -> Hashable:
    """Give what stands for a row identifier: numbers are matched by value (1 is 1.0), text as it is."""
    if data_type in NUMBER_TYPES or data_type == "double":
        try:
            number = Decimal(str(value).strip())
        except InvalidOperation:
            return str(value)
        return number if number.is_finite() else str(value)
    if isinstance(value, Mapping | list):
        return json.dumps(value, sort_keys=True, default=str)
    return str(value)


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip(_BLANKS))


def _is_zoned(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(_ZONED, value, re.VERBOSE | re.ASCII) is not None
    return getattr(value, "tzinfo", None) is not None


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= 40 else text[:37] + "...")
