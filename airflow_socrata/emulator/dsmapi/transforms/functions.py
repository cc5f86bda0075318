"""The functions that take values: which types each takes, what it gives.

Null as an argument gives null. Functions that look at nulls or errors, or that leave arguments uncalled,
are in ``lazy``. Where the portal lists signatures, these are the signatures; nothing is cast on the way.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.transforms import casts, plucking, shapes, texts, times
from airflow_socrata.emulator.dsmapi.transforms.values import text_writer
from airflow_socrata.emulator.types.names import GEOMETRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

STAMPS = frozenset({"calendar_date", "date"})
# What a signature may say beside the names of types; each stands for one type within a signature.
VARIABLES: dict[str, frozenset[str] | None] = {"a": None, "shape": frozenset(GEOMETRIES), "stamp": STAMPS}


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature of a function.

    :param checks: for arguments by number: what looks at them when they are spelled out in the expression.
    """

    takes: tuple[str, ...]
    gives: str
    run: Callable[..., Any]
    checks: Mapping[int, Callable[[Any], None]] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """How messages write it."""
        return f"({', '.join(self.takes)}) -> {self.gives}"


def _itself(value: Any) -> Any:
    return value


def _casts() -> dict[str, tuple[Overload, ...]]:
    texted = [Overload(("text",), "text", _itself)]
    for kind in ("number", "checkbox", "calendar_date", "date", *GEOMETRIES, "location", "url", "json"):
        texted.append(Overload((kind,), "text", text_writer(kind)))
    made: dict[str, tuple[Overload, ...]] = {
        "text": tuple(texted),
        "number": (
            Overload(("text",), "number", casts.to_number),
            Overload(("checkbox",), "number", casts.number_of_checkbox),
            Overload(("number",), "number", _itself),
        ),
        "checkbox": (
            Overload(("text",), "checkbox", casts.to_checkbox),
            Overload(("number",), "checkbox", casts.checkbox_of_number),
            Overload(("checkbox",), "checkbox", _itself),
        ),
        "location": (
            Overload(("text",), "location", shapes.to_location),
            Overload(("location",), "location", _itself),
        ),
        "url": (Overload(("text",), "url", shapes.to_url), Overload(("url",), "url", _itself)),
        "json": (Overload(("text",), "json", casts.to_json), Overload(("json",), "json", _itself)),
    }
    for kind in GEOMETRIES:
        made[kind] = (Overload(("text",), kind, shapes.reader(kind)), Overload((kind,), kind, _itself))
    functions = {f"to_{kind}": overloads for kind, overloads in made.items()}
    functions |= {f"cast_to_{kind}": overloads for kind, overloads in made.items()}
    functions["to_boolean"] = made["checkbox"]
    form = {1: times.check_format}
    functions["to_floating_timestamp"] = (
        Overload(("text",), "calendar_date", times.floating),
        Overload(("text", "text"), "calendar_date", times.floating_by, form),
        Overload(("date", "text"), "calendar_date", times.in_zone, {1: times.check_zone}),
        Overload(("calendar_date",), "calendar_date", _itself),
    )
    functions["to_fixed_timestamp"] = (
        Overload(("text",), "date", times.fixed),
        Overload(("text", "text"), "date", times.fixed_by, form),
        Overload(("date",), "date", _itself),
    )
    functions["to_calendar_date"] = functions["cast_to_calendar_date"] = functions["to_floating_timestamp"]
    functions["to_date"] = functions["cast_to_date"] = functions["to_fixed_timestamp"]
    return functions


def _part(start: int, end: int) -> Callable[[str], Decimal]:
    return lambda stamp: Decimal(stamp[start:end].lstrip("0") or "0")


def _day_of_week(stamp: str) -> Decimal:
    return Decimal(date.fromisoformat(stamp[:10]).isoweekday() % 7)


def _week_of_year(stamp: str) -> Decimal:
    return Decimal(date.fromisoformat(stamp[:10]).isocalendar()[1])


def _truncated(length: int, rest: str) -> Callable[[str], str]:
    return lambda stamp: stamp[:length] + rest + stamp[23:]


def _later(unit: str, stamp: str, count: Decimal) -> str:
    return times.added(stamp, **{unit: float(count)})


_PARTS = {
    "year": ("y", _part(0, 4)),
    "month": ("m", _part(5, 7)),
    "day": ("d", _part(8, 10)),
    "hour": ("hh", _part(11, 13)),
    "minute": ("mm", _part(14, 16)),
    "second": ("ss", _part(17, 19)),
    "day_of_week": ("dow", _day_of_week),
    "week_of_year": ("woy", _week_of_year),
}


def _times() -> dict[str, tuple[Overload, ...]]:
    functions: dict[str, tuple[Overload, ...]] = {}
    for name, (short, read) in _PARTS.items():
        functions[f"date_extract_{short}"] = (Overload(("stamp",), "number", read),)
        functions[f"floating_timestamp_{name}"] = (Overload(("calendar_date",), "number", read),)
    for short, cut in (
        ("y", _truncated(4, "-01-01T00:00:00.000")),
        ("ym", _truncated(7, "-01T00:00:00.000")),
        ("ymd", _truncated(10, "T00:00:00.000")),
    ):
        functions[f"date_trunc_{short}"] = (Overload(("stamp",), "stamp", cut),)
    for short, unit in (("d", "days"), ("hh", "hours"), ("mm", "minutes"), ("ss", "seconds")):
        functions[f"datetime_add_{short}"] = (Overload(("stamp", "number"), "stamp", partial(_later, unit)),)
    return functions


def _decimal(read: Callable[[dict[str, Any]], float]) -> Callable[[dict[str, Any]], Decimal]:
    return lambda point: Decimal(repr(read(point)))


def _plain() -> dict[str, tuple[Overload, ...]]:
    text, number, regex = "text", "number", {1: texts.check_pattern}
    path = {1: plucking.check_path}
    functions: dict[str, tuple[Overload, ...]] = {
        "upper": (Overload((text,), text, str.upper),),
        "lower": (Overload((text,), text, str.lower),),
        "title_case": (Overload((text,), text, texts.title_case),),
        "length": (Overload((text,), number, lambda value: Decimal(len(value))),),
        "trim": (Overload((text, text), text, texts.trim),),
        "trim_leading": (Overload((text, text), text, texts.trim_leading),),
        "trim_trailing": (Overload((text, text), text, texts.trim_trailing),),
        "left_pad": (Overload((text, number, text), text, texts.left_pad),),
        "right_pad": (Overload((text, number, text), text, texts.right_pad),),
        "slice": (Overload((text, number, number), text, texts.cut),),
        "split_select": (Overload((text, text, number), text, texts.split_select),),
        "replace": (Overload((text, text, text), text, str.replace),),
        "replace_first": (Overload((text, text, text), text, lambda old, a, b: old.replace(a, b, 1)),),
        "contains": (Overload((text, text), "checkbox", operator.contains),),
        "starts_with": (Overload((text, text), "checkbox", str.startswith),),
        "regex_replace": (Overload((text, text, text), text, texts.regex_replace, regex),),
        "regex_capture": (Overload((text, text, number), text, texts.regex_capture, regex),),
        "regex_named_capture": (Overload((text, text, text), text, texts.regex_named_capture, regex),),
        "hash": (Overload((text, text), text, texts.digest, {1: texts.check_algorithm}),),
        "url_encode": (Overload((text,), text, texts.url_encode),),
        "url_decode": (Overload((text,), text, texts.url_decode),),
        "json_pluck": (Overload((text, text), text, plucking.pluck_text, path),),
        "json_pluck_text": (Overload((text, text), text, plucking.pluck_text, path),),
        "json_pluck_number": (Overload((text, text), number, plucking.pluck_number, path),),
        "json_pluck_boolean": (Overload((text, text), "checkbox", plucking.pluck_boolean, path),),
        "abs": (Overload((number,), number, Decimal.copy_abs),),
        "make_point": (Overload((number, number), "point", shapes.make_point),),
        "parse_point": (Overload((text,), "point", shapes.parse_point),),
        "point_latitude": (Overload(("point",), number, _decimal(shapes.latitude)),),
        "point_longitude": (Overload(("point",), number, _decimal(shapes.longitude)),),
        "location_to_point": (Overload(("location",), "point", shapes.location_point),),
        "location_point": (Overload(("location",), "point", shapes.location_point),),
        "make_url": (Overload((text, text), "url", shapes.make_url),),
        "is_within": (Overload(("point", "multipolygon"), "checkbox", shapes.is_within),),
        "ensure_within": (Overload(("point", "multipolygon"), "point", shapes.ensure_within),),
        # Every geometry here is in WGS84 already: files in other projections are not read.
        "reproject_to_wgs84": (Overload(("shape",), "shape", _itself),),
    }
    for name in ("address", "city", "state", "zip"):
        functions[f"location_{name}"] = (Overload(("location",), text, shapes.location_part(name)),)
    return functions


def _signs() -> dict[str, tuple[Overload, ...]]:
    functions: dict[str, tuple[Overload, ...]] = {
        sign: (Overload(("number", "number"), "number", run),) for sign, run in casts.ARITHMETIC.items()
    }
    functions["unary -"] = (Overload(("number",), "number", Decimal.copy_negate),)
    functions["unary +"] = (Overload(("number",), "number", _itself),)
    for sign, run in (
        ("=", operator.eq),
        ("==", operator.eq),
        ("!=", operator.ne),
        ("<>", operator.ne),
        ("<", operator.lt),
        ("<=", operator.le),
        (">", operator.gt),
        (">=", operator.ge),
    ):
        functions[sign] = (Overload(("a", "a"), "checkbox", run),)
    functions["#BETWEEN"] = (
        Overload(("a", "a", "a"), "checkbox", lambda value, low, high: low <= value <= high),
    )
    functions["#NOT_BETWEEN"] = (
        Overload(("a", "a", "a"), "checkbox", lambda value, low, high: not low <= value <= high),
    )
    functions["#LIKE"] = (Overload(("text", "text"), "checkbox", texts.is_like),)
    functions["#NOT_LIKE"] = (
        Overload(("text", "text"), "checkbox", lambda value, form: not texts.is_like(value, form)),
    )
    functions["not"] = (Overload(("checkbox",), "checkbox", operator.not_),)
    return functions


FUNCTIONS: dict[str, tuple[Overload, ...]] = _casts() | _times() | _plain() | _signs()

_GEOCODER = "the emulator has no geocoder"
_BOUNDARIES = "the emulator has no boundaries of places"
_PROJECTIONS = "the emulator knows no projections but WGS84"
_CHANCE = "the emulator leaves chance out: the same file gives the same rows"
_LEFT_OUT = "the emulator leaves it out"

# The portal's functions that are not here, and why.
MISSING: dict[str, str] = {
    "geocode": _GEOCODER,
    "geocode_esri": _GEOCODER,
    "geocode_arcgis": _GEOCODER,
    "region_code": _BOUNDARIES,
    "state_boundary": _BOUNDARIES,
    "county_boundary": _BOUNDARIES,
    "reproject": _PROJECTIONS,
    "set_projection": _PROJECTIONS,
    "http_get": "the emulator calls no other servers",
    "random_number_between": _CHANCE,
    "random_number_normal": _CHANCE,
    "uuid": _CHANCE,
    "xml_pluck": _LEFT_OUT,
    "centroid": _LEFT_OUT,
    "polylabel": _LEFT_OUT,
    "from_polyline": _LEFT_OUT,
    "haversine_distance": _LEFT_OUT,
    "datetime_diff": _LEFT_OUT,
    "email_parse": _LEFT_OUT,
    "grapheme_length": _LEFT_OUT,
    "json_array_contains": _LEFT_OUT,
    "parse_address": _LEFT_OUT,
    "parse_city": _LEFT_OUT,
    "parse_state": _LEFT_OUT,
    "parse_zip": _LEFT_OUT,
    "domain_categories": _LEFT_OUT,
    "domain_licenses": _LEFT_OUT,
}
