"""Picking values out of JSON texts by a path such as ``.foo.[1].bar``."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from airflow_socrata.emulator.dsmapi.transforms.errors import CellError
from airflow_socrata.emulator.types.shapes import compact

_STEP = re.compile(r'\.?(?:\[(?:(\d+)|"([^"]*)"|([A-Za-z_][\w-]*))?\]|([A-Za-z_][\w-]*))(\?)?')
_EACH = object()
_Step = tuple[Any, bool]


@lru_cache(maxsize=500)
def steps(path: str) -> tuple[_Step, ...]:
    """Return the steps of a path.

    :raises CellError: it is none.
    """
    found: list[_Step] = []
    place = 0
    while place < len(path):
        match = _STEP.match(path, place)
        if match is None or not path.startswith("."):
            raise CellError(f"{path!r} is no path into JSON", "invalid_path")
        number, quoted, bracketed, name, optional = match.groups()
        names = next((each for each in (quoted, bracketed, name) if each is not None), None)
        key = int(number) if number is not None else _EACH if names is None else names
        found.append((key, optional is not None))
        place = match.end()
    return tuple(found)


def check_path(path: str) -> None:
    """Look at a path that is spelled out in an expression.

    :raises CellError: it is none.
    """
    steps(path)


def pluck(text: str, path: str) -> Any:
    """Return the JSON value at a path.

    :raises CellError: the text is no JSON, or the path does not lead anywhere.
    """
    try:
        value = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError):
        raise CellError(f'Unable to read "{text}" as JSON', "invalid_json") from None
    return _follow(value, steps(path))


def pluck_text(text: str, path: str) -> str | None:
    """Return the text at a path; what is no text is rendered as JSON."""
    value = pluck(text, path)
    if value is None or isinstance(value, str):
        return value
    return _rendered(value)


def pluck_number(text: str, path: str) -> Decimal | None:
    """Return the number at a path.

    :raises CellError: something else stands there.
    """
    value = pluck(text, path)
    if value is None or isinstance(value, Decimal):
        return value
    raise CellError(f"{_rendered(value)} is no number", "type_conversion_failed")


def pluck_boolean(text: str, path: str) -> bool | None:
    """Return the boolean at a path.

    :raises CellError: something else stands there.
    """
    value = pluck(text, path)
    if value is None or isinstance(value, bool):
        return value
    raise CellError(f"{_rendered(value)} is no boolean", "type_conversion_failed")


def _follow(value: Any, left: tuple[_Step, ...]) -> Any:
    for number, (key, optional) in enumerate(left):
        if value is None:
            return None
        if key is _EACH and isinstance(value, list):
            return [_follow(each, left[number + 1 :]) for each in value]
        if isinstance(key, int) and isinstance(value, list):
            value = value[key] if key < len(value) else None
        elif isinstance(key, str) and isinstance(value, dict):
            value = value.get(key)
        elif optional:
            return None
        else:
            raise CellError(f"Invalid selection from value '{_rendered(value)}'", "invalid_selection")
    return value


def _rendered(value: Any) -> str:
    return compact(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, dict) else value
