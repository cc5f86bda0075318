"""Values of rows as SoQL, and whether a stored value is the one that was sent."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.single_rows import identifier_text
from airflow_socrata.publication.errors import RowRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client import View

NUMBERS = frozenset({"number", "double", "money", "percent", "stars"})
TIMES = frozenset({"calendar_date", "date", "floating_timestamp", "fixed_timestamp"})
_MOST_DIGITS = 1000
TEXTS = frozenset({"text", "email", "html", "drop_down_list", "row_identifier"})
#: Types whose values SoQL compares with a literal.
COMPARABLE = NUMBERS | TIMES | TEXTS | {"checkbox", "boolean"}


def kind_of(view: View, field_name: str) -> str:
    """Return the type of a column; ``:id`` is a ``row_identifier``."""
    if field_name == ":id":
        return "row_identifier"
    return next((c.data_type_name for c in view.columns if c.field_name == field_name), "")


def literal(kind: str, value: object, what: str) -> str:
    """Return a value as a SoQL literal.

    :param what: what the value is, for the error, e.g. ``row identifier 'id'``.
    :raises RowRefused: it is no value of this type.
    """
    if kind in NUMBERS:
        number = as_number(value)
        if number is None:
            raise RowRefused(f"The {what} is a {kind}, not {str(value)[:80]!r}.")
        return f"{number:f}"
    if kind in {"checkbox", "boolean"}:
        text = identifier_text(value).lower()
        if text not in {"true", "false"}:
            raise RowRefused(f"The {what} is true or false, not {str(value)[:80]!r}.")
        return text
    text = value.isoformat() if isinstance(value, datetime) else identifier_text(value)
    return "'" + text.replace("'", "''") + "'"


def equals(view: View, field_name: str, value: object, what: str) -> str:
    """Return the SoQL condition that a field has a value.

    :param what: what the value is, for the error.
    :raises RowRefused: it is no value of the field's type.
    """
    kind = kind_of(view, field_name)
    if field_name == ":id":
        number = str(value).isdigit()  # the old back end counts its rows
        return f":id = {value if number else literal(kind, value, what)}"
    return f"`{field_name}` = {literal(kind, value, what)}"


def check_value(kind: str, value: object, what: str) -> None:
    """Refuse a value that its column would not take; the portal has the last word on the other types.

    :raises RowRefused: no number where one is wanted, or no truth value.
    """
    if value is None or value == "":
        return
    if kind in NUMBERS:
        literal(kind, value, what)
    if kind in {"checkbox", "boolean"} and not isinstance(value, bool):
        raise RowRefused(f"The {what} is true or false, not {str(value)[:80]!r}.")


def check_identifier(value: object, what: str) -> None:
    """Refuse what identifies no row, such as the result of a task that returned nothing.

    :raises RowRefused: it is None, or made of several values.
    """
    if value is None or isinstance(value, (list, tuple, dict, set, bytes)):
        raise RowRefused(f"The {what} is one value, not {str(value)[:80]!r}.")


def as_number(value: object) -> Decimal | None:
    """Return a number that may come as text; None where it is none, not finite, or of absurd size."""
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    # Written out, a number such as 1e999999999 would fill the memory.
    return number if number.is_finite() and abs(number.adjusted()) <= _MOST_DIGITS else None


def holds(stored: Mapping[str, Any], sent: Mapping[str, Any], view: View) -> bool:
    """Tell whether a stored row shows all that was sent; False also where that cannot be told."""
    return all(
        same_value(kind_of(view, name), value, stored.get(name))
        for name, value in sent.items()
        if not name.startswith(":")
    )


def same_value(kind: str, sent: object, stored: object) -> bool:
    """Tell whether a stored value is the one that was sent."""
    if sent is None or stored is None:
        return sent is None and stored is None
    if kind in NUMBERS:
        number = as_number(sent)
        return number is not None and number == as_number(stored)
    if kind in TIMES:
        moment = _moment(sent)
        return moment is not None and moment == _moment(stored)
    return sent == stored if kind not in TEXTS else str(sent) == str(stored)


def _moment(value: object) -> datetime | None:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo is None else moment.astimezone(UTC)
