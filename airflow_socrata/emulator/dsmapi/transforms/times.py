"""Reading times: the usual spellings, and formats given with ``%``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from airflow_socrata.emulator.dsmapi.transforms.errors import CellError, unconvertible
from airflow_socrata.emulator.types import times

_KEPT = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}", re.ASCII
)
_SHORT_HOUR = re.compile(r"([T ])(\d:)")
_ZONE = re.compile(r"(?<=\d)(?:Z|[+-]\d{2}:?\d{2})$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO_FORMATS = frozenset({"%+", "{ISO:Extended}", "{ISO:Extended:Z}"})
_WHOLE = {
    "D": "%m/%d/%y",
    "x": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "v": "%e-%b-%Y",
    "R": "%H:%M",
    "T": "%H:%M:%S",
    "X": "%H:%M:%S",
    "r": "%I:%M:%S %p",
    "c": "%a %b %e %T %Y",
}
_MONTH = r"(?P<b>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
_MONTH += r"|sep(?:tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_WEEKDAY = r"(?:mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
_HALF = r"(?P<p>am|pm)"
_SECONDS = r"\.(?P<f>\d{1,9})"
_SPECIFIERS = {
    "Y": r"(?P<Y>\d{4})",
    "C": r"(?P<C>\d{2})",
    "y": r"(?P<y>\d{2})",
    "m": r"(?P<m>\d{1,2})",
    "b": _MONTH,
    "B": _MONTH,
    "h": _MONTH,
    "d": r"\s*(?P<d>\d{1,2})",
    "e": r"\s*(?P<d>\d{1,2})",
    "a": _WEEKDAY,
    "A": _WEEKDAY,
    "w": r"[0-6]",
    "u": r"[1-7]",
    "j": r"(?P<j>\d{1,3})",
    "H": r"\s*(?P<H>\d{1,2})",
    "k": r"\s*(?P<H>\d{1,2})",
    "I": r"\s*(?P<I>\d{1,2})",
    "l": r"\s*(?P<I>\d{1,2})",
    "P": _HALF,
    "p": _HALF,
    "M": r"(?P<M>\d{1,2})",
    "S": r"(?P<S>\d{1,2})",
    "f": r"(?P<f>\d{1,9})",
    ".f": rf"(?:{_SECONDS})?",
    ".3f": r"\.(?P<f>\d{3})",
    ".6f": r"\.(?P<f>\d{6})",
    ".9f": r"\.(?P<f>\d{9})",
    "z": r"(?P<z>[+-]\d{2}:?\d{2})",
    ":z": r"(?P<z>[+-]\d{2}:?\d{2})",
    "s": r"(?P<s>-?\d{1,11})",
    "t": r"\t",
    "n": r"\n",
    "%": "%",
}
_SPECIFIER = re.compile(r"%[-_0]?(\.[369]?f|:z|.)", re.DOTALL)


@lru_cache(maxsize=50_000)
def floating(text: str) -> str:
    """Return the floating timestamp that a text holds; a zone is left off.

    :raises CellError: it holds none.
    """
    if _KEPT.fullmatch(text):
        return text
    plain = _SHORT_HOUR.sub(r"\g<1>0\2", text.strip(), count=1)
    read = times.floating(plain)
    if read is None and plain[4:5] == "-":
        read = times.floating(_ZONE.sub("", plain))
    if read is None:
        raise unconvertible(text, "text", "calendar_date")
    return read


@lru_cache(maxsize=50_000)
def fixed(text: str) -> str:
    """Return the fixed timestamp that a text holds, in UTC; without a zone it is taken as UTC.

    :raises CellError: it holds none.
    """
    read = times.fixed(_SHORT_HOUR.sub(r"\g<1>0\2", text.strip(), count=1))
    if read is None:
        raise unconvertible(text, "text", "date")
    return read


def floating_by(text: str, form: str) -> str:
    """Return the floating timestamp that a text holds in a format.

    :raises CellError: it holds none.
    """
    if form in _ISO_FORMATS:
        return floating(text)
    return _shown(_read(text, form, "calendar_date")[0])


def fixed_by(text: str, form: str) -> str:
    """Return the fixed timestamp that a text holds in a format, in UTC.

    :raises CellError: it holds none.
    """
    if form in _ISO_FORMATS:
        return fixed(text)
    moment, zone = _read(text, form, "date")
    try:
        return _shown(moment - zone) + "Z"
    except OverflowError:
        raise unconvertible(text, "text", "date") from None


def in_zone(stamp: str, zone: str) -> str:
    """Return a fixed timestamp as the clocks of a time zone show it."""
    moment = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    try:
        return _shown(moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None))
    except (ValueError, OSError, KeyError):
        raise CellError(f"There is no time zone {zone!r}", "no_such_time_zone") from None


def check_format(form: str) -> None:
    """Look at a format that is spelled out in an expression.

    :raises CellError: it cannot be read with.
    """
    if form not in _ISO_FORMATS:
        _pattern(form)


def check_zone(zone: str) -> None:
    """Look at a time zone that is spelled out in an expression.

    :raises CellError: there is none of that name.
    """
    in_zone("2000-01-01T00:00:00.000Z", zone)


def added(stamp: str, **span: float) -> str:
    """Return a timestamp so much later.

    :raises CellError: beyond the years 1 to 9999.
    """
    zone = "Z" if stamp.endswith("Z") else ""
    try:
        return _shown(datetime.fromisoformat(stamp.removesuffix("Z")) + timedelta(**span)) + zone
    except OverflowError:
        raise CellError(f"No date lies that far from {stamp}", "date_out_of_range") from None


def _shown(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


@lru_cache(maxsize=500)
def _pattern(form: str) -> re.Pattern[str]:
    place = 0
    parts: list[str] = []
    seen: set[str] = set()
    expanded = form
    # Twice, for %c stands for some that stand for others.
    for _ in range(2):
        expanded = _SPECIFIER.sub(lambda match: _WHOLE.get(match[1], match[0]), expanded)
    for match in _SPECIFIER.finditer(expanded):
        parts.append(_literal(expanded[place : match.start()]))
        place = match.end()
        part = _SPECIFIERS.get(match[1])
        if part is None:
            raise CellError(f"{match[0]} of {form!r} cannot be used to read times", "bad_format")
        names = set(re.findall(r"\?P<(\w)>", part))
        if names & seen:
            raise CellError(f"{form!r} asks for the same part of the time twice", "bad_format")
        seen |= names
        parts.append(part)
    if not seen:
        raise CellError(f"{form!r} is no format of times: it has no % that stands for a part", "bad_format")
    parts.append(_literal(expanded[place:]))
    return re.compile("".join(parts), re.IGNORECASE | re.ASCII)


def _literal(text: str) -> str:
    # Blanks in a format stand for any blanks, or none.
    return r"\s*".join(re.escape(part) for part in re.split(r"\s+", text))


def _read(text: str, form: str, target: str) -> tuple[datetime, timedelta]:
    match = _pattern(form).fullmatch(text.strip())
    if match is None:
        raise unconvertible(text, "text", target)
    try:
        return _built(match.groupdict())
    except (ValueError, OverflowError):
        raise unconvertible(text, "text", target) from None


def _built(parts: dict[str, str | None]) -> tuple[datetime, timedelta]:
    def part(name: str, default: int = 0) -> int:
        found = parts.get(name)
        return default if found is None else int(found)

    if parts.get("s"):
        return datetime.fromtimestamp(part("s"), UTC).replace(tzinfo=None), timedelta()
    year = part("Y", -1)
    if year < 0:
        if parts.get("y") is None:
            raise ValueError("no year")
        short = part("y")
        year = part("C", 19 if short >= 70 else 20) * 100 + short
    hour = part("H")
    if parts.get("I"):
        hour = part("I") % 12 + (12 if (parts.get("p") or "").lower() == "pm" else 0)
        if not 1 <= part("I") <= 12:
            raise ValueError("no hour of twelve")
    month = _MONTHS.index(str(parts["b"])[:3].lower()) + 1 if parts.get("b") else part("m", 1)
    fraction = int((parts.get("f") or "").ljust(6, "0")[:6])
    # A leap second is read as the last second of its minute.
    moment = datetime(year, month, part("d", 1), hour, part("M"), min(part("S"), 59), fraction)
    if part("S") > 60:
        raise ValueError("no second")
    if parts.get("j"):
        moment += timedelta(days=part("j") - 1)
        if moment.year != year:
            raise ValueError("no day of the year")
    zone = (parts.get("z") or "+0000").replace(":", "")
    sign = -1 if zone[0] == "-" else 1
    return moment, sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
