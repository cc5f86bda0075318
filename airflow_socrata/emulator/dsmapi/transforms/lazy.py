"""The functions that look at nulls and errors, or leave some of their arguments uncalled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.transforms import shapes
from airflow_socrata.emulator.dsmapi.transforms.errors import CellError
from airflow_socrata.emulator.dsmapi.transforms.values import text_writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Run = Callable[[Sequence[Any]], Any]


def either(left: Run, right: Run) -> Run:
    """Return SQL's ``or``: true beats null beats false."""

    def run(row: Sequence[Any]) -> Any:
        first = left(row)
        if first:
            return True
        second = right(row)
        return True if second else None if first is None or second is None else False

    return run


def both(left: Run, right: Run) -> Run:
    """Return SQL's ``and``: false beats null beats true."""

    def run(row: Sequence[Any]) -> Any:
        first = left(row)
        if first is False:
            return False
        second = right(row)
        return False if second is False else None if first is None or second is None else True

    return run


def joined(left: Run, right: Run, left_kind: str, right_kind: str) -> Run:
    """Return ``||``: both as text; null when one is null."""
    first_text, second_text = text_writer(left_kind), text_writer(right_kind)

    def run(row: Sequence[Any]) -> Any:
        first = left(row)
        second = right(row)
        return None if first is None or second is None else first_text(first) + second_text(second)

    return run


def case(branches: Sequence[tuple[Run, Run]]) -> Run:
    """Return the value of the first condition that is true, else null."""

    def run(row: Sequence[Any]) -> Any:
        for condition, value in branches:
            if condition(row):
                return value(row)
        return None

    return run


def coalesce(runs: Sequence[Run]) -> Run:
    """Return the first value that is not null."""

    def run(row: Sequence[Any]) -> Any:
        for each in runs:
            value = each(row)
            if value is not None:
                return value
        return None

    return run


def chosen(runs: Sequence[Run], choose: Callable[[list[Any]], Any]) -> Run:
    """Return the greatest or least of the values that are not null."""

    def run(row: Sequence[Any]) -> Any:
        values = [value for value in (each(row) for each in runs) if value is not None]
        return choose(values) if values else None

    return run


def among(value: Run, others: Sequence[Run], *, negate: bool) -> Run:
    """Return SQL's ``in`` and ``not in``."""

    def run(row: Sequence[Any]) -> Any:
        wanted = value(row)
        if wanted is None:
            return None
        values = [each(row) for each in others]
        if wanted in values:
            return not negate
        return None if None in values else negate

    return run


def is_null(value: Run, *, negate: bool) -> Run:
    """Return ``is null`` and ``is not null``."""
    return lambda row: (value(row) is None) is not negate


def is_empty(value: Run) -> Run:
    """Tell whether a text is null, empty or all blanks."""

    def run(row: Sequence[Any]) -> bool:
        text = value(row)
        return text is None or not text.strip()

    return run


def forgive(value: Run, default: Run | None) -> Run:
    """Return null or a default in place of an error."""

    def run(row: Sequence[Any]) -> Any:
        try:
            return value(row)
        except CellError:
            return None if default is None else default(row)

    return run


def error(message: Run) -> Run:
    """Return what fails with a message."""

    def run(row: Sequence[Any]) -> Any:
        raise CellError(str(message(row)), "user_defined")

    return run


def make_location(parts: Sequence[Run]) -> Run:
    """Return a location of address, city, state, zip and perhaps a point; parts may be null."""
    return lambda row: shapes.make_location(*(part(row) for part in parts))


def location_of_point(point: Run) -> Run:
    """Return a location without an address."""

    def run(row: Sequence[Any]) -> Any:
        value = point(row)
        return None if value is None else shapes.location_of_point(value)

    return run
