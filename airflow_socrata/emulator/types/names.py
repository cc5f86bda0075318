"""Names of column types: the view's (``calendar_date``) and the row service's (``floating_timestamp``)."""

from __future__ import annotations

from typing import Any

TEXTS = frozenset({"text", "html", "email", "flag", "drop_down_list", "meta_data", "photo", "blob"})
NUMBERS = frozenset({"number", "money", "percent", "stars"})
GEOMETRIES = {
    "point": "Point",
    "multipoint": "MultiPoint",
    "line": "LineString",
    "multiline": "MultiLineString",
    "polygon": "Polygon",
    "multipolygon": "MultiPolygon",
}
OBJECTS = frozenset({"location", "url", "phone", "document", "json"})
_OTHERS = frozenset({"double", "checkbox", "calendar_date", "date", "datestamp", "time"})
_ALIASES = {"boolean": "checkbox", "floating_timestamp": "calendar_date", "fixed_timestamp": "date"}
_SODA = {"checkbox": "boolean", "calendar_date": "floating_timestamp", "date": "fixed_timestamp"}
_KNOWN = TEXTS | NUMBERS | OBJECTS | _OTHERS | frozenset(GEOMETRIES)

# What may be a row identifier, in the view's names.
IDENTIFIERS = (
    frozenset({"text", "checkbox", "double", "calendar_date", "date", "datestamp", "time"}) | NUMBERS
)


class BadValue(Exception):
    """A cell that its column's type does not take; kills the whole request, as on the portal."""

    def __init__(self, index: int, expected: str, value: Any) -> None:
        super().__init__(f"row {index}: {expected} expected, got {value!r}")
        self.index = index
        self.expected = expected
        self.value = value


def canonical_type(name: str) -> str | None:
    """Return the view's name of a type, or None when there is no such type."""
    name = _ALIASES.get(name, name)
    return name if name in _KNOWN else None


def soda_type(name: str) -> str:
    """Return the row service's name of a type, as ``X-SODA2-Types`` carries it."""
    return _SODA.get(name, "text" if name in TEXTS else "number" if name in NUMBERS else name)


def is_numeric(name: str) -> bool:
    """Tell whether values of the type compare as numbers."""
    return name in NUMBERS or name == "double"
