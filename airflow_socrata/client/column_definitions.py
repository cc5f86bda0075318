"""Columns as somebody wants them: checked before anything is sent, and written as the portal wants them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_socrata.client.models import Column

FIELD_NAME_PATTERN = "^[a-z_][a-z0-9_]*$"
_FIELD_NAME = re.compile(FIELD_NAME_PATTERN)

#: Types of columns by the names that views show, and what their cells hold.
DATA_TYPES: Mapping[str, str] = MappingProxyType({
    "text": "text",
    "number": "a number",
    "checkbox": "true or false",
    "calendar_date": "date and time without a zone",
    "date": "date and time with a zone",
    "point": "one place on earth",
    "multipoint": "several places",
    "line": "a line on earth",
    "multiline": "several lines",
    "polygon": "an area",
    "multipolygon": "several areas",
    "location": "an address with a place",
    "url": "a link with a text",
    "json": "any JSON value",
    "double": "a binary floating-point number",
    "money": "a number, shown as money",
    "percent": "a number, shown as a percentage",
    "stars": "a number, shown as stars",
    "datestamp": "a day",
    "time": "a time of day",
    "phone": "a telephone number",
    "email": "an e-mail address",
    "html": "text with markup",
    "flag": "a coloured flag",
    "drop_down_list": "one of some texts",
    "document": "a file",
    "photo": "a picture",
    "blob": "a large object",
    "meta_data": "values of the platform",
})

#: Other names of the same types: those of the row service, of transforms and of older clients.
TYPE_ALIASES: Mapping[str, str] = MappingProxyType({
    "boolean": "checkbox",
    "floating_timestamp": "calendar_date",
    "fixed_timestamp": "date",
})

#: Types of columns whose values can identify rows.
IDENTIFIER_TYPES = frozenset({
    *("text", "number", "money", "percent", "stars", "double"),
    *("checkbox", "calendar_date", "date", "datestamp", "time"),
})

_KEYS = ("field_name", "data_type", "name", "description", "format", "position")


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """One column as it is wanted.

    :param field_name: the name that rows use, e.g. ``event_id``.
    :param data_type: a key of :data:`DATA_TYPES`.
    :param name: what people read; "" becomes the field name.
    :param format: how values are shown, e.g. ``{"precision": "2"}``; the portal's own keys.
    :param position: from 1; None: as it comes in a list.
    """

    field_name: str
    data_type: str
    name: str = ""
    description: str = ""
    format: Mapping[str, Any] = field(default_factory=dict, hash=False)
    position: int | None = None

    @property
    def display_name(self) -> str:
        """What people read."""
        return self.name or self.field_name

    @classmethod
    def of(cls, column: Column) -> ColumnDefinition:
        """Want a column as a dataset has it; its type by the name that views show."""
        return cls(
            column.field_name,
            canonical_type(column.data_type_name) or column.data_type_name,
            column.name,
            column.description,
            column.format,
            column.position,
        )

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> ColumnDefinition:
        """Read what a person writes: ``{"field_name": "id", "data_type": "number", "name": "Id"}``.

        :raises ConfigurationError: a key is unknown or missing, or a value is of another kind.
        """
        if not isinstance(body, Mapping):
            raise ConfigurationError(f"a column is an object with the keys {', '.join(_KEYS)}, not {body!r}")
        for key in body:
            if key not in _KEYS:
                hint = nearest(str(key).replace("fieldName", "field_name"), _KEYS)
                raise ConfigurationError(f"a column has no key {key!r}{hint}: it takes {', '.join(_KEYS)}")
        for key in ("field_name", "data_type"):
            if not isinstance(body.get(key), str):
                raise ConfigurationError(f"the column {dict(body)!r} lacks the text {key}")
        position = body.get("position")
        if position is not None and (
            isinstance(position, bool) or not isinstance(position, int) or position < 1
        ):
            raise ConfigurationError(f"position of column {body['field_name']!r} is a number from 1")
        if not isinstance(body.get("format") or {}, Mapping):
            raise ConfigurationError(f"format of column {body['field_name']!r} is an object")
        return cls(
            body["field_name"],
            body["data_type"],
            str(body.get("name") or ""),
            str(body.get("description") or ""),
            dict(body.get("format") or {}),
            position,
        )

    def to_json(self) -> dict[str, Any]:
        """The column in a request that creates it."""
        body: dict[str, Any] = {
            "name": self.display_name,
            "fieldName": self.field_name,
            "dataTypeName": self.data_type,
        }
        if self.description:
            body["description"] = self.description
        if self.format:
            body["format"] = dict(self.format)
        if self.position is not None:
            body["position"] = self.position
        return body

    def to_definition(self) -> dict[str, Any]:
        """The column as :meth:`from_json` reads it, without what is empty."""
        values = {
            "field_name": self.field_name,
            "data_type": self.data_type,
            "name": self.name,
            "description": self.description,
            "format": dict(self.format),
            "position": self.position,
        }
        return {key: value for key, value in values.items() if value not in ("", {}, None)}


def canonical_type(name: str) -> str | None:
    """Return a type by the name that views show, or None where there is no such type."""
    name = TYPE_ALIASES.get(name, name)
    return name if name in DATA_TYPES else None


def check_definitions(
    columns: Iterable[ColumnDefinition | Mapping[str, Any]],
) -> tuple[ColumnDefinition, ...]:
    """Return a list of wanted columns, their types by the names that views show, in order of position.

    Columns without a position come where the list has them; positions are then 1, 2, 3 and so on.

    :raises ConfigurationError: the list is empty; a type is unknown, a field name illegal or used twice.
    """
    wanted = definitions_of(columns)
    if not wanted:
        raise ConfigurationError("the list of columns is empty: a dataset has at least one")
    seen: set[str] = set()
    checked = []
    for column in wanted:
        _check_field_name(column.field_name, seen)
        kind = canonical_type(column.data_type)
        if kind is None:
            hint = nearest(column.data_type, (*DATA_TYPES, *TYPE_ALIASES))
            raise ConfigurationError(
                f"column {column.field_name!r}: there is no type {column.data_type!r}{hint}"
                f" (types: {', '.join(DATA_TYPES)})"
            )
        checked.append(replace(column, data_type=kind))
    places = [column.position or number for number, column in enumerate(checked, 1)]
    ordered = [checked[at] for at in sorted(range(len(checked)), key=lambda at: (places[at], at))]
    return tuple(replace(column, position=number) for number, column in enumerate(ordered, 1))


def definitions_of(columns: Iterable[ColumnDefinition | Mapping[str, Any]]) -> list[ColumnDefinition]:
    """Read columns one by one; whether they go together is not looked at.

    :raises ConfigurationError: they are no list, or see :meth:`ColumnDefinition.from_json`.
    """
    if isinstance(columns, str | bytes | Mapping) or not isinstance(columns, Iterable):
        raise ConfigurationError(f"columns are a list of objects, not {str(columns)[:80]!r}")
    return [
        column if isinstance(column, ColumnDefinition) else ColumnDefinition.from_json(column)
        for column in columns
    ]


def told_types(types: Mapping[str, str] | None) -> dict[str, str]:
    """Return the types that count instead of guessed ones, by column.

    :raises ConfigurationError: it is no mapping of texts.
    """
    if types is None:
        return {}
    if not isinstance(types, Mapping) or not all(isinstance(kind, str | None) for kind in types.values()):
        raise ConfigurationError(f"types is column to data type, not {types!r}")
    return {column: kind for column, kind in types.items() if kind}


def _check_field_name(name: str, seen: set[str]) -> None:
    if not _FIELD_NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is no field name: it must match {FIELD_NAME_PATTERN}, such as {field_name_of(name)}"
        )
    if name in seen:
        raise ConfigurationError(f"two columns have the field name {name!r}: each needs its own")
    seen.add(name)


def check_row_identifier(columns: Sequence[ColumnDefinition], field_name: str | None) -> None:
    """Check that a column can identify rows; None: no column shall.

    :raises ConfigurationError: there is no such column, or its type cannot.
    """
    if field_name is None:
        return
    for column in columns:
        if column.field_name == field_name:
            if column.data_type not in IDENTIFIER_TYPES:
                raise ConfigurationError(
                    f"column {field_name!r} is of type {column.data_type}, which cannot be the row identifier"
                    f" (types that can: {', '.join(sorted(IDENTIFIER_TYPES))})"
                )
            return
    names = [column.field_name for column in columns]
    raise ConfigurationError(f"the row identifier {field_name!r} is no column{nearest(field_name, names)}")


def field_name_of(name: str) -> str:
    """Return the field name that goes with what a file or a person calls a column.

    Lower case, an underscore for each run of other signs (as portals make them of a file's header).
    """
    made = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "column"
    return f"_{made}" if made[0].isdigit() else made


def field_names_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the field names of a file's columns; one that is taken already gets a number."""
    made: list[str] = []
    for name in names:
        stem = field_name_of(name)
        number, chosen = 1, stem
        while chosen in made:
            number += 1
            chosen = f"{stem}_{number}"
        made.append(chosen)
    return tuple(made)


def guessed_columns(
    names: Sequence[str], kinds: Sequence[str], types: Mapping[str, str] | None, source: str
) -> tuple[ColumnDefinition, ...]:
    """Make columns of those of a file, whose types were guessed.

    :param names: as the file has them; ``kinds`` are their types.
    :param types: name or field name to the type that counts instead.
    :param source: the file's name, for the error.
    :raises ConfigurationError: ``types`` names no column, or is no mapping of texts; see
        :func:`check_definitions`.
    """
    told = told_types(types)
    made = []
    for name, field_name, kind in zip(names, field_names_of(names), kinds, strict=True):
        chosen = told.pop(name, None) or told.pop(field_name, None) or kind
        shown = name.strip()
        made.append(ColumnDefinition(field_name, chosen, shown if shown != field_name else ""))
    for wrong in told:
        raise ConfigurationError(
            f"types names {wrong!r}, and {source} has no such column{nearest(wrong, names)}"
        )
    return check_definitions(made)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the known word next to a wrong one, empty where none is near."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
