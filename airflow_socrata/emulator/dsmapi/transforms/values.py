"""Values while expressions run.

Numbers are ``Decimal``, checkboxes ``bool``, times are text in the row service's form, geometries GeoJSON
objects, locations and urls objects as in JSON rows, null is None.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.types import csv_writer
from airflow_socrata.emulator.types.names import GEOMETRIES, NUMBERS, TEXTS, canonical_type
from airflow_socrata.emulator.types.reading import number as plain_number
from airflow_socrata.emulator.types.shapes import compact, wkt

if TYPE_CHECKING:
    from collections.abc import Callable

Value = Any


def family(soql_type: str) -> str | None:
    """Return the type that expressions see: texts are all text, numbers all number; None when unknown."""
    name = canonical_type(soql_type)
    if name is None:
        return None
    return "text" if name in TEXTS else "number" if name in NUMBERS or name == "double" else name


def number_text(value: Decimal) -> str:
    """Return a number as the portal shows it: its scale kept, no exponent unless it is very large."""
    return plain_number(str(value)) or str(value)


def to_json_value(value: Value, soql_type: str) -> Any:
    """Return a value as JSON rows carry it."""
    if value is None:
        return None
    if isinstance(value, Decimal):
        return number_text(value)
    return {"json": value} if soql_type == "json" else value


def from_json_value(value: Any, soql_type: str) -> Value:
    """Return the value of a JSON row's cell, for the columns of a source that are typed already."""
    if value is None:
        return None
    kind = family(soql_type)
    if kind == "number":
        return Decimal(str(value))
    return value["json"] if kind == "json" else value


def text_writer(kind: str) -> Callable[[Value], str]:
    """Return what turns values of a type into text."""
    if kind in GEOMETRIES:
        return wkt
    if kind in {"location", "url"}:
        write = csv_writer(kind)
        return lambda value: write(compact(value))
    return _WRITERS.get(kind, compact)


_WRITERS: dict[str, Callable[[Any], str]] = {
    "number": number_text,
    "checkbox": lambda value: "true" if value else "false",
    "text": str,
    "calendar_date": str,
    "date": str,
    "datestamp": str,
    "time": str,
}
