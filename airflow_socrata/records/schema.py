"""The dataset's columns, and how a source's columns go with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_socrata.records.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["SYSTEM_FIELDS", "ColumnPlan", "DatasetColumn", "DatasetSchema", "compare"]

#: Fields of the platform that a row may carry; it ignores the two times, and the version is a lock.
SYSTEM_FIELDS = frozenset({":id", ":deleted", ":version", ":created_at", ":updated_at"})


@dataclass(frozen=True, slots=True)
class DatasetColumn:
    """A column of the dataset.

    :param field_name: the API field name, such as ``event_id``
    :param name: the display name, such as ``Event id``
    :param data_type: the ``dataTypeName``, such as ``calendar_date``
    """

    field_name: str
    name: str
    data_type: str


@dataclass(frozen=True, slots=True)
class DatasetSchema:
    """The dataset's columns and its row identifier (a field name; None: the dataset has none)."""

    columns: tuple[DatasetColumn, ...]
    row_identifier: str | None = None

    def column(self, field_name: str) -> DatasetColumn | None:
        """Find a column by its field name."""
        return next((column for column in self.columns if column.field_name == field_name), None)


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """Which column of the source fills which field.

    :param source: the source's columns, in its order
    :param fields: the field that each fills; None: the column is left out
    :param missing: fields of the dataset that no column fills
    """

    source: tuple[str, ...]
    fields: tuple[str | None, ...]
    missing: tuple[str, ...]

    @property
    def ignored(self) -> tuple[str, ...]:
        """Columns of the source that are left out."""
        return tuple(name for name, field in zip(self.source, self.fields, strict=True) if field is None)

    def position(self, field_name: str) -> int | None:
        """Where in the source's order the field is filled from."""
        return self.fields.index(field_name) if field_name in self.fields else None


def compare(
    source_columns: Sequence[str],
    schema: DatasetSchema,
    columns: Mapping[str, str] | None = None,
    *,
    extra_columns: Literal["error", "ignore"] = "error",
    all_columns: bool = True,
    source: str | None = None,
    line: int | None = None,
    row: int | None = None,
) -> ColumnPlan:
    """Decide which column of the source fills which field of the dataset.

    The portal refuses a request with an unknown field (new back end), or drops the field without a word
    (old back end); so nothing is guessed here: a name either is a field name, or is mapped to one.

    :param source_columns: names as the source gives them, in order
    :param columns: source column -> field name, for the columns whose name is not the field's
    :param extra_columns: what to do about columns that the dataset lacks
    :param all_columns: these are all columns of the source, so that the mapping may name no other; JSON rows
        may leave columns out
    :param source: name of the file for messages
    :param line: line of the header for messages
    :param row: number of the row for messages
    :raises SchemaError: a column is unknown, named twice, or mapped to what is not there
    """
    comparison = _Comparison(schema, columns or {}, extra_columns)
    comparison.all_columns = all_columns
    comparison.place = {"source": source, "line": line, "row": row}
    return comparison.plan(tuple(source_columns))


class _Comparison:
    """One comparison; a plain class, since every DAG file that names an operator pays for its making."""

    def __init__(
        self, schema: DatasetSchema, columns: Mapping[str, str], extra_columns: Literal["error", "ignore"]
    ) -> None:
        self.schema = schema
        self.columns = columns
        self.extra_columns = extra_columns
        self.all_columns = True
        self.place: Mapping[str, Any] = {}

    def plan(self, names: tuple[str, ...]) -> ColumnPlan:
        self._check_names(names)
        known = {column.field_name for column in self.schema.columns if not _computed(column.field_name)}
        known |= SYSTEM_FIELDS
        self._check_mapping(names, known)
        fields: list[str | None] = []
        for number, name in enumerate(names, 1):
            field = self.columns.get(name, name)
            if field not in known:
                if self.extra_columns == "error":
                    raise self._unknown(name, known) if name.strip() else self._nameless(number, names)
                fields.append(None)
                continue
            if field in fields:
                first = names[fields.index(field)]
                raise self._error(f"fills field {field!r}, which column {first!r} fills already", name)
            fields.append(field)
        self._check_row_identifier(names, fields)
        missing = tuple(
            column.field_name
            for column in self.schema.columns
            if column.field_name not in fields and not column.field_name.startswith(":")
        )
        return ColumnPlan(names, tuple(fields), missing)

    def _check_names(self, names: tuple[str, ...]) -> None:
        seen: set[str] = set()
        for name in names:
            if name in seen and name.strip():
                raise self._error("the header names this column twice; take one out", name)
            seen.add(name)

    def _check_mapping(self, names: tuple[str, ...], known: set[str]) -> None:
        for name, field in self.columns.items():
            if self.all_columns and name not in names:
                hint = _nearest(name, names)
                raise self._error(
                    f"the column mapping names it, and the source has no such column{hint}", name
                )
            if field not in known:
                problem = f"is mapped to {field!r}, which is no field of the dataset{_nearest(field, known)}"
                raise self._error(problem, name)

    def _check_row_identifier(self, names: tuple[str, ...], fields: list[str | None]) -> None:
        identifier = self.schema.row_identifier
        if identifier is None or identifier in fields:
            return
        hint = self._disguise(identifier, names) or _nearest(identifier, names)
        problem = f"no column fills the dataset's row identifier {identifier!r}, so no row could be matched"
        raise self._error(f"{problem}{hint}")

    def _disguise(self, identifier: str, names: tuple[str, ...]) -> str:
        column = self.schema.column(identifier)
        for name in names:
            if (column is not None and name == column.name) or _folded(name) == _folded(identifier):
                return f"; pass columns={{{name!r}: {identifier!r}}}"
        return ""

    def _nameless(self, number: int, names: tuple[str, ...]) -> SchemaError:
        problem = (
            f"column {number} of {len(names)} has no name; name it, or extra_columns='ignore' to leave it out"
        )
        return self._error(problem)

    def _unknown(self, name: str, known: set[str]) -> SchemaError:
        remedy = "or extra_columns='ignore' to leave it out"
        if _computed(name):
            return self._error(f"the platform computes this field; take the column out, {remedy}", name)
        for column in self.schema.columns:
            field = column.field_name
            if name == column.name and not _computed(field):
                why = f"is the display name of field {field!r}, and rows need field names"
                return self._error(f"{why}; pass columns={{{name!r}: {field!r}}}, {remedy}", name)
        for field in sorted(known, key=lambda field: (field in SYSTEM_FIELDS, field)):
            if _folded(name) == _folded(field):
                why = f"differs from field {field!r} in case or punctuation only, and the portal minds both"
                return self._error(f"{why}; pass columns={{{name!r}: {field!r}}}, {remedy}", name)
        problem = (
            f"the dataset has no such field{_nearest(name, known)}; map it with columns={{...}}, {remedy}"
        )
        return self._error(problem, name)

    def _error(self, problem: str, column: str | None = None) -> SchemaError:
        return SchemaError(problem, column=column, **self.place)


def _computed(field_name: str) -> bool:
    """Fields such as ``:@computed_region_ab12_cd34`` are the platform's own and are never sent."""
    return field_name.startswith(":@")


def _folded(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _nearest(name: str, names: Sequence[str] | set[str]) -> str:
    import difflib

    by_fold = {_folded(other) or other: other for other in sorted(names)}
    near = difflib.get_close_matches(_folded(name), by_fold, n=3, cutoff=0.6)
    return f" (nearest: {', '.join(repr(by_fold[key]) for key in near)})" if near else ""
