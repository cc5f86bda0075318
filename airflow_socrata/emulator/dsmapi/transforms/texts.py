"""Functions over texts."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from airflow_socrata.emulator.dsmapi.transforms.errors import CellError

if TYPE_CHECKING:
    from decimal import Decimal

_SMALL = frozenset({
    "a",
    "an",
    "and",
    "as",
    "at",
    "but",
    "by",
    "en",
    "for",
    "if",
    "in",
    "of",
    "on",
    "or",
    "the",
    "to",
    "viz",
    "vs",
    "vs.",
})
_WORD = re.compile(r"\S+")
_NAMED_GROUP = re.compile(r"\(\?<(?=[A-Za-z_])")
_REFERENCE = re.compile(r"\$\$|\$(\d+)|\$(\w+)|\$\{(\w+)\}")
_HASHES = frozenset({"md5", "sha256"})
_LONGEST = 1_000_000


def whole(number: Decimal, what: str) -> int:
    """Return a whole number.

    :raises CellError: it has a fraction, or is too large to count characters with.
    """
    if number != number.to_integral_value() or abs(number) > _LONGEST:
        raise CellError(f"{what} must be a whole number, not {number}", "invalid_number")
    return int(number)


@lru_cache(maxsize=1000)
def pattern(text: str) -> re.Pattern[str]:
    """Return a regular expression; named groups may be written ``(?<name>…)``.

    :raises CellError: it is none.
    """
    try:
        return re.compile(_NAMED_GROUP.sub("(?P<", text))
    except (re.error, OverflowError, RecursionError) as error:
        raise CellError(f"{text!r} is no regular expression: {error}", "invalid_regex") from None


def check_pattern(text: str) -> None:
    """Look at a regular expression that is spelled out in an expression.

    :raises CellError: it is none.
    """
    pattern(text)


def regex_replace(text: str, regex: str, new: str) -> str:
    """Replace every match; ``$1`` and ``${name}`` in the new text stand for groups."""
    if "$" not in new:
        return pattern(regex).sub(lambda _: new, text)
    return pattern(regex).sub(lambda match: _filled(match, new), text)


def _filled(match: re.Match[str], new: str) -> str:
    def group(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2] or reference[3]
        if name is None:
            return "$"
        try:
            return match[int(name) if name.isdigit() else name] or ""
        except IndexError:
            return ""

    return _REFERENCE.sub(group, new)


def regex_capture(text: str, regex: str, number: Decimal) -> str:
    """Return a group of the first match, counted from 0.

    :raises CellError: no match, or no such group.
    """
    match = _found(text, regex)
    try:
        groups = match.groups() or (match[0],)
        index = whole(number, "The group")
        found = groups[index] if index >= 0 else None
    except IndexError:
        found = None
    if found is None:
        raise CellError(f"No capture found at position {number} of {regex!r}", "match_not_found")
    return str(found)


def regex_named_capture(text: str, regex: str, name: str) -> str:
    """Return a named group of the first match.

    :raises CellError: no match, or no such group.
    """
    found = _found(text, regex).groupdict().get(name)
    if found is None:
        raise CellError(f"No capture named {name!r} found by {regex!r}", "match_not_found")
    return found


def _found(text: str, regex: str) -> re.Match[str]:
    match = pattern(regex).search(text)
    if match is None:
        raise CellError(f"No match of {regex!r} found in {text!r}", "match_not_found")
    return match


def split_select(text: str, token: str, number: Decimal) -> str:
    """Split and return one part, counted from 0.

    :raises CellError: there are not so many parts.
    """
    position = whole(number, "The position")
    parts = text.split(token) if token else list(text)
    if not 0 <= position < len(parts):
        problem = f"No token found at that position, attempted to retrieve position {position}"
        raise CellError(problem, "match_not_found", position=position)
    return parts[position]


def cut(text: str, start: Decimal, length: Decimal) -> str:
    """Return so many characters from a start; a negative start counts from the end.

    :raises CellError: the length is negative.
    """
    first, count = whole(start, "The start"), whole(length, "The length")
    if count < 0:
        problem = f"Invalid length {count}. Slice length must be a nonnegative integer."
        raise CellError(problem, "invalid_length", length=count)
    if first < 0:
        first += len(text)
    return text[first : first + count] if first >= 0 else ""


def left_pad(text: str, length: Decimal, pad: str) -> str:
    """Put copies of ``pad`` before a text until it is long enough."""
    return _padding(text, length, pad) + text


def right_pad(text: str, length: Decimal, pad: str) -> str:
    """Put copies of ``pad`` after a text until it is long enough."""
    return text + _padding(text, length, pad)


def _padding(text: str, length: Decimal, pad: str) -> str:
    missing = whole(length, "The length") - len(text)
    if missing <= 0:
        return ""
    if not pad:
        raise CellError("Cannot pad with an empty text", "invalid_pad")
    return (pad * (missing // len(pad) + 1))[:missing]


def trim_leading(text: str, off: str) -> str:
    """Take copies of a text off the start."""
    while off and text.startswith(off):
        text = text[len(off) :]
    return text


def trim_trailing(text: str, off: str) -> str:
    """Take copies of a text off the end."""
    while off and text.endswith(off):
        text = text[: -len(off)]
    return text


def trim(text: str, off: str) -> str:
    """Take copies of a text off both ends."""
    return trim_trailing(trim_leading(text, off), off)


def title_case(text: str) -> str:
    """Start each word with a capital, small words only where they come first."""
    return _WORD.sub(
        lambda match: match[0] if match.start() and match[0] in _SMALL else match[0].capitalize(),
        text.lower(),
    )


@lru_cache(maxsize=1000)
def _like(text: str) -> re.Pattern[str]:
    parts = [".*" if part == "%" else "." if part == "_" else re.escape(part) for part in text]
    return re.compile("".join(parts), re.DOTALL)


def is_like(text: str, form: str) -> bool:
    """Tell whether a text has a form in which ``%`` stands for anything and ``_`` for one character."""
    return _like(form).fullmatch(text) is not None


def digest(text: str, algorithm: str) -> str:
    """Return a hash of a text in capital hexadecimal digits.

    :raises CellError: neither md5 nor sha256.
    """
    check_algorithm(algorithm)
    made = hashlib.new(algorithm.lower(), text.encode(errors="surrogatepass"), usedforsecurity=False)
    return made.hexdigest().upper()


def check_algorithm(algorithm: str) -> None:
    """Look at the name of a hash.

    :raises CellError: neither md5 nor sha256.
    """
    if algorithm.lower() not in _HASHES:
        raise CellError(f"hash knows md5 and sha256, not {algorithm!r}", "invalid_algorithm")


def url_encode(text: str) -> str:
    """Escape what may not stand in a URL; what separates its parts stays."""
    return quote(text, safe=":/?#[]@!$&'()*+,;=%~", errors="surrogatepass")


def url_decode(text: str) -> str:
    """Undo the escapes of a URL."""
    return unquote(text)
