"""Casts between types."""

from __future__ import annotations

import json
import re
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.transforms.errors import CellError, unconvertible

if TYPE_CHECKING:
    from collections.abc import Callable

    Arithmetic = Callable[[Decimal, Decimal], Decimal]

_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?\s*", re.ASCII)
_TRUTHS = {
    "true": True,
    "t": True,
    "yes": True,
    "y": True,
    "1": True,
    "false": False,
    "f": False,
    "no": False,
    "n": False,
    "0": False,
}
# Sums and products are exact far beyond what a column holds; quotients and powers have to end somewhere.
_EXACT = Context(prec=100, Emax=9999, Emin=-9999, traps=[InvalidOperation, Overflow, DivisionByZero])
_QUOTIENT = Context(prec=34, Emax=9999, Emin=-9999, traps=[InvalidOperation, Overflow, DivisionByZero])
_TROUBLES = (InvalidOperation, Overflow, DivisionByZero)


def to_number(text: str) -> Decimal:
    """Read a number.

    :raises CellError: the text is none.
    """
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    raise unconvertible(text, "text", "number")


def number_of_checkbox(value: bool) -> Decimal:
    """Return 1 or 0."""
    return Decimal(int(value))


def to_checkbox(text: str) -> bool:
    """Read true or false.

    :raises CellError: the text is neither.
    """
    try:
        return _TRUTHS[text.strip().lower()]
    except KeyError:
        raise unconvertible(text, "text", "checkbox") from None


def checkbox_of_number(number: Decimal) -> bool:
    """Return the truth of 1 or 0.

    :raises CellError: another number.
    """
    if number not in {0, 1}:
        raise unconvertible(number, "number", "checkbox")
    return number == 1


def to_json(text: str) -> Any:
    """Read JSON.

    :raises CellError: the text is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise unconvertible(text, "text", "json") from None


def _calculated(sign: str, calculate: Callable[[Decimal, Decimal], Decimal]) -> Arithmetic:
    def run(left: Decimal, right: Decimal) -> Decimal:
        try:
            return calculate(left, right)
        except _TROUBLES:
            if right == 0 and sign in {"/", "%"}:
                raise CellError(f"Unable to divide {left} by zero", "division_by_zero") from None
            raise CellError(f"{left} {sign} {right} is out of range", "number_out_of_range") from None

    return run


# Each raises CellError where there is no result.
ARITHMETIC: dict[str, Arithmetic] = {
    "+": _calculated("+", _EXACT.add),
    "-": _calculated("-", _EXACT.subtract),
    "*": _calculated("*", _EXACT.multiply),
    "/": _calculated("/", _QUOTIENT.divide),
    "%": _calculated("%", _EXACT.remainder),
    "^": _calculated("^", _QUOTIENT.power),
}
