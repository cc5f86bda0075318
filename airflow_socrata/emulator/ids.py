"""Ids as the portal makes them: 4x4s and row ids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

# The vendor's own alphabet: 32 characters, without 0, 1, l and o.
ALPHABET = "23456789abcdefghijkmnpqrstuvwxyz"
MARKS = "-._~"
VIEW_ID = re.compile(r"^[a-z0-9]{4}-[a-z0-9]{4}$")
ROW_ID = re.compile(r"^(?:row|rv)-[2-9a-km-np-z]{4}[-._~][2-9a-km-np-z]{4}[-._~][2-9a-km-np-z]{4}$")

_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_DIGITS = {letter: value for value, letter in enumerate(ALPHABET)}
_FULL = (1 << 64) - 1
_QUAD = (1 << 20) - 1


def new_view_id(rng: random.Random) -> str:
    """Return a fresh 4x4."""
    letters = [rng.choice(ALPHABET) for _ in range(8)]
    return "".join(letters[:4]) + "-" + "".join(letters[4:])


def _scramble(value: int) -> int:
    value ^= value >> 30
    value = value * 0xBF58476D1CE4E5B9 & _FULL
    value ^= value >> 27
    value = value * 0x94D049BB133111EB & _FULL
    return value ^ value >> 31


def _unscramble(value: int) -> int:
    value ^= value >> 31 ^ value >> 62
    value = value * 0x319642B2D24D8EC3 & _FULL
    value ^= value >> 27 ^ value >> 54
    value = value * 0x96DE1B173F119089 & _FULL
    return value ^ value >> 30 ^ value >> 60


class RowIds:
    """The row ids of one dataset: a counter made unreadable with the dataset's key.

    The text has the portal's form (three groups of four, two marks). The portal scrambles with a
    cipher; this is a reversible mix, so only the form is the portal's, not the very letters.
    """

    __slots__ = ("_key",)

    def __init__(self, key: int) -> None:
        self._key = key & _FULL

    def text(self, counter: int, prefix: str = "row") -> str:
        """Return the public form of a counter value."""
        value = _scramble((counter + self._key) & _FULL)
        first, second, third = value & _QUAD, value >> 20 & _QUAD, value >> 40 & _QUAD
        pairs = _PAIRS
        return (
            f"{prefix}-{pairs[first >> 10]}{pairs[first & 1023]}{MARKS[value >> 60 & 3]}"
            f"{pairs[second >> 10]}{pairs[second & 1023]}{MARKS[value >> 62]}"
            f"{pairs[third >> 10]}{pairs[third & 1023]}"
        )

    def texts(self, counters: Iterable[int], prefix: str = "row") -> list[str]:
        """Return the public forms of many counter values."""
        return [self.text(counter, prefix) for counter in counters]

    def counter(self, text: str) -> int | None:
        """Return the counter behind a row id or row version, or None when it is none of this dataset's."""
        if not ROW_ID.match(text):
            return None
        body = text.partition("-")[2]
        value = MARKS.index(body[4]) << 60 | MARKS.index(body[9]) << 62
        for shift, start in ((0, 0), (20, 5), (40, 10)):
            quad = 0
            for letter in body[start : start + 4]:
                quad = quad << 5 | _DIGITS[letter]
            value |= quad << shift
        return (_unscramble(value) - self._key) & _FULL
