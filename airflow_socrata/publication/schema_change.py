"""What a person wants of a dataset's columns: the whole schema, or single changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, cast, get_args

from airflow_socrata.client.column_definitions import (
    DATA_TYPES,
    ColumnDefinition,
    canonical_type,
    check_definitions,
    definitions_of,
    nearest,
)
from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.publication.choices import Others

#: What a change of a column may name, and the portal's own key for it; a type has none: it cannot be changed.
EDITS: Mapping[str, str] = MappingProxyType({
    "name": "name",
    "description": "description",
    "format": "format",
    "field_name": "fieldName",
    "data_type": "",
})


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """Wanted columns; what is told nothing about stays as it is.

    :param columns: the whole schema, or None.
    :param add: columns to add.
    :param change: field name to what changes: name, description, format, field_name, data_type.
    :param drop: field names of columns to drop.
    :param row_identifier: field name, "" for none, or None: it stays.
    :param others: what becomes of columns that ``columns`` does not name.
    :param allow_type_change: drop a column and add it anew, empty, where another type is wanted.
    :param guessed: ``columns`` are those of a file: they tell which columns there are, and nothing about
        those that are there already, but for their types with ``allow_type_change``.
    :param reorder: put the columns into the order of ``columns``.
    """

    columns: tuple[ColumnDefinition, ...] | None = None
    add: tuple[ColumnDefinition, ...] = ()
    change: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    row_identifier: str | None = None
    others: Others = "refuse"
    allow_type_change: bool = False
    guessed: bool = False
    reorder: bool = False

    @classmethod
    def of(
        cls,
        *,
        columns: Iterable[ColumnDefinition | Mapping[str, Any]] | None = None,
        add: Iterable[ColumnDefinition | Mapping[str, Any]] = (),
        change: Mapping[str, Mapping[str, Any]] | None = None,
        drop: Sequence[str] = (),
        row_identifier: str | None = None,
        others: str = "refuse",
        **more: bool,
    ) -> SchemaChange:
        """Build and check one from what a DAG author writes.

        :param more: ``allow_type_change``, ``guessed``, ``reorder``.
        :raises ConfigurationError: a type is unknown, a field name illegal or named twice, nothing is wanted.
        """
        single = {"add": add, "change": change, "drop": drop}
        if columns is not None and any(single.values()):
            raise ConfigurationError("give either columns (the whole schema) or add, change and drop")
        if columns is None and not any(single.values()) and row_identifier is None:
            raise ConfigurationError(
                "no change of columns: give columns, add, change, drop or row_identifier"
            )
        if not isinstance(drop, list | tuple) or not all(isinstance(name, str) for name in drop):
            raise ConfigurationError(f"drop is a list of field names, not {drop!r}")
        if not isinstance(change or {}, Mapping):
            raise ConfigurationError(f"change is field name to what changes, not {change!r}")
        made = cls(
            None if columns is None else _unplaced(columns),
            _checked(add),
            {name: _checked_edit(name, edit) for name, edit in (change or {}).items()},
            tuple(drop),
            row_identifier,
            _others(others),
            **more,
        )
        made._refuse_contradictions()
        return made

    def _refuse_contradictions(self) -> None:
        for name in self.drop:
            if name in self.change or any(column.field_name == name for column in self.add):
                raise ConfigurationError(
                    f"column {name!r} is to be dropped and to be changed or added: for another type give"
                    f" change={{{name!r}: {{'data_type': ...}}}}"
                )
        given_up = {name for name, edit in self.change.items() if edit.get("field_name", name) != name}
        after = [str(edit["field_name"]) for edit in self.change.values() if "field_name" in edit]
        after += [column.field_name for column in self.add]
        twice = next((name for name in after if after.count(name) > 1), None)
        if twice is not None:
            raise ConfigurationError(f"two columns would get the field name {twice!r}: each needs its own")
        taken = next((name for name in after if name in {*given_up, *self.drop}), None)
        if taken is not None:
            raise ConfigurationError(
                f"the field name {taken!r} is given up by one column and taken by another: change one of them"
                " in a task of its own, so that a retry cannot mistake the one for the other"
            )
        if self.row_identifier and self.row_identifier in self.drop:
            raise ConfigurationError(
                f"column {self.row_identifier!r} is to be dropped and to be the row identifier"
            )

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "columns": None if self.columns is None else [column.to_definition() for column in self.columns],
            "add": [column.to_definition() for column in self.add],
            "change": {name: dict(edit) for name, edit in self.change.items()},
            "drop": list(self.drop),
            "row_identifier": self.row_identifier,
            "others": self.others,
            "allow_type_change": self.allow_type_change,
            "guessed": self.guessed,
            "reorder": self.reorder,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SchemaChange:
        """Read back what :meth:`to_json` wrote."""
        return cls.of(**data)


def _others(word: str) -> Others:
    if word not in get_args(Others):
        raise ConfigurationError(f"others is {word!r}; it is one of {', '.join(get_args(Others))}")
    return cast("Others", word)


def _unplaced(columns: Iterable[ColumnDefinition | Mapping[str, Any]]) -> tuple[ColumnDefinition, ...]:
    """Check a list; its order is that of the columns, so none needs a position."""
    return tuple(replace(column, position=None) for column in check_definitions(columns))


def _checked(columns: Iterable[ColumnDefinition | Mapping[str, Any]]) -> tuple[ColumnDefinition, ...]:
    """Check single columns, which keep the positions that were told."""
    listed = definitions_of(columns)
    if not listed:
        return ()
    told = {column.field_name: column.position for column in listed}
    return tuple(replace(column, position=told[column.field_name]) for column in check_definitions(listed))


def _checked_edit(name: str, edit: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(edit, Mapping) or not edit:
        raise ConfigurationError(f"change of column {name!r} is an object with {', '.join(EDITS)}")
    for key in edit:
        if key not in EDITS:
            hint = nearest(str(key), EDITS)
            raise ConfigurationError(f"change of column {name!r} has no key {key!r}{hint}")
    made = dict(edit)
    if "data_type" in made:
        kind = canonical_type(str(made["data_type"]))
        if kind is None:
            hint = nearest(str(made["data_type"]), DATA_TYPES)
            raise ConfigurationError(f"column {name!r}: there is no type {made['data_type']!r}{hint}")
        made["data_type"] = kind
    if "field_name" in made:
        check_definitions([ColumnDefinition(str(made["field_name"]), "text")])
    if "name" in made and not str(made["name"] or "").strip():
        raise ConfigurationError(f"column {name!r} needs a name that people can read")
    if not isinstance(made.get("format") or {}, Mapping):
        raise ConfigurationError(f"format of column {name!r} is an object")
    return made
