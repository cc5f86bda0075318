"""Casts between types."""

from __future__ import annotations

import json
import re
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any

from airflow_socrata.emulator.dsmapi.transforms.errors import CellError, unconvertible

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
# Sums and products are exact far beyond what a column holds; quotients have to end somewhere.
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
    except ValueError:
        raise unconvertible(text, "text", "json") from None


def add(left: Decimal, right: Decimal) -> Decimal:
    """Return the sum."""
    return _EXACT.add(left, right)


def subtract(left: Decimal, right: Decimal) -> Decimal:
    """Return the difference."""
    return _EXACT.subtract(left, right)


def multiply(left: Decimal, right: Decimal) -> Decimal:
    """Return the product.

    :raises CellError: too large.
    """
    try:
        return _EXACT.multiply(left, right)
    except _TROUBLES:
        raise CellError(f"{left} * {right} is out of range", "number_out_of_range") from None


def divide(left: Decimal, right: Decimal) -> Decimal:
    """Return the quotient.

    :raises CellError: division by zero.
    """
    if right == 0:
        raise CellError(f"Unable to divide {left} by zero", "division_by_zero")
    try:
        return _QUOTIENT.divide(left, right)
    except _TROUBLES:
        raise CellError(f"{left} / {right} is out of range", "number_out_of_range") from None


def remainder(left: Decimal, right: Decimal) -> Decimal:
    """Return what a division leaves, with the sign of the dividend.

    :raises CellError: division by zero.
    """
    if right == 0:
        raise CellError(f"Unable to divide {left} by zero", "division_by_zero")
    try:
        return _EXACT.remainder(left, right)
    except _TROUBLES:
        raise CellError(f"{left} % {right} is out of range", "number_out_of_range") from None


def power(left: Decimal, right: Decimal) -> Decimal:
    """Return a power.

    :raises CellError: there is no such number, or it is too large.
    """
    try:
        return _QUOTIENT.power(left, right)
    except _TROUBLES:
        raise CellError(f"{left} ^ {right} is out of range", "number_out_of_range") from None
