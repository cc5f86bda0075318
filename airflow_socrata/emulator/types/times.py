"""Dates and times: from what publishers send to what the portal keeps."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_AMERICAN = re.compile(
    r"^(\d{1,2})/(\d{1,2})/(\d{4})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?(?: ?([AaPp][Mm]))?)?$"
)
_ISO = re.compile(
    r"^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?(Z|[+-]\d{2}:?\d{2})?$"
)
_TIME = re.compile(r"^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,3}))?$")


def floating(text: str) -> str | None:
    """Return ``YYYY-MM-DDTHH:MM:SS.mmm``, or None when the text is no date without a zone."""
    match = _ISO.match(text)
    if match:
        return None if match[8] else _build(match.groups()[:7])
    match = _AMERICAN.match(text)
    if not match:
        return None
    month, day, year, hour, minute, second, fraction, half = match.groups()
    if half:
        if not 1 <= int(hour) <= 12:
            return None
        hour = str(int(hour) % 12 + (12 if half.lower() == "pm" else 0))
    return _build((year, month, day, hour, minute, second, fraction))


def fixed(text: str) -> str | None:
    """Return ``YYYY-MM-DDTHH:MM:SS.mmmZ`` in UTC; a time without a zone is taken as UTC."""
    match = _ISO.match(text)
    if not match:
        plain = floating(text)
        return None if plain is None else plain + "Z"
    plain = _build(match.groups()[:7])
    zone = match[8]
    if plain is None or zone in {None, "Z"}:
        return None if plain is None else plain + "Z"
    if ":" not in zone:
        zone = zone[:3] + ":" + zone[3:]
    try:
        moment = datetime.fromisoformat(plain + zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def day(text: str) -> str | None:
    """Return ``YYYY-MM-DD`` or None."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date().isoformat()
    except ValueError:
        return None


def time_of_day(text: str) -> str | None:
    """Return ``HH:MM:SS.mmm`` or None."""
    match = _TIME.match(text)
    return f"{match[1]}:{match[2]}:{match[3]}.{(match[4] or '').ljust(3, '0')}" if match else None


def _build(parts: tuple[str | None, ...]) -> str | None:
    year, month, date, hour, minute, second, fraction = parts
    milliseconds = (fraction or "").ljust(3, "0")[:3]
    try:
        moment = datetime(
            int(year or 0),
            int(month or 0),
            int(date or 0),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
        )
    except ValueError:
        return None
    return f"{moment.isoformat()}.{milliseconds}"
