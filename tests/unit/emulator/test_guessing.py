"""Which type a column of texts is taken for."""

from __future__ import annotations

import pytest

from airflow_socrata.emulator.dsmapi.parsing import InputColumn
from airflow_socrata.emulator.dsmapi.parsing.guessing import BATCH, TypeGuesser
from airflow_socrata.emulator.dsmapi.transforms import compile_transform, default_expr


def guessed(*cells: str | None) -> str:
    guesser = TypeGuesser(1)
    guesser.look_at_all([(cell,) for cell in cells])
    return guesser.kinds[0]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (("1", "-2.5", "+3", ".5", "1e5"), "number"),
        (("1", None, "2"), "number"),
        (("1", "N/A"), "text"),
        (("1,000",), "text"),
        (("1\n2",), "text"),
        (("true", "FALSE", None), "checkbox"),
        (("true", "1"), "text"),
        (("yes", "no"), "text"),
        (("2024-02-29", "2024-01-31T23:59:59.5"), "calendar_date"),
        (("01/31/2024", "1/2/2024 3:04 PM"), "calendar_date"),
        (("2023-02-29",), "text"),
        (("2024-01-01T00:00:00Z", "2024-01-01T00:00:00+02:00"), "date"),
        (("2024-01-01", "2024-01-01T00:00:00Z"), "date"),
        (("2024-01-01T00:00:00Z", "2024-01-01"), "date"),
        (("POINT (1 2)", "point(3 4)"), "point"),
        (("SRID=4326;MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))",), "multipolygon"),
        (("POINT (1 2)", "LINESTRING (1 2, 3 4)"), "text"),
        ((None, None), "text"),
        ((), "text"),
    ],
)
def test_a_type_is_guessed_when_every_cell_fits(cells: tuple[str | None, ...], kind: str) -> None:
    assert guessed(*cells) == kind


@pytest.mark.parametrize(
    ("last", "kind"), [("3", "number"), ("x", "text"), ("2024-01-01", "text"), (None, "number")]
)
def test_cells_far_down_count(last: str | None, kind: str) -> None:
    assert guessed(*(["1"] * (2 * BATCH)), last) == kind


def test_a_column_of_times_may_widen_far_down_but_not_narrow() -> None:
    assert guessed(*(["2024-01-01"] * BATCH), "2024-01-01T00:00:00Z") == "date"
    assert guessed(*(["2024-01-01T00:00:00Z"] * BATCH), "2024-01-01") == "date"
    assert guessed(*([None] * BATCH), "2024-01-01") == "calendar_date"


@pytest.mark.parametrize(
    ("cell", "expr"),
    [
        ("1", "to_number(`a`)"),
        ("2024-01-01", "to_floating_timestamp(`a`)"),
        ("2024-01-01T00:00:00Z", "to_fixed_timestamp(`a`)"),
        ("true", "to_checkbox(`a`)"),
        ("POLYGON ((0 0, 1 0, 1 1, 0 0))", "to_polygon(`a`)"),
        ("block", "`a`"),
    ],
)
def test_the_default_expression_gives_the_guessed_type(cell: str, expr: str) -> None:
    column = InputColumn("a", "A", 1, guessed(cell))
    assert default_expr(column) == expr
    transform = compile_transform(expr, {"a": "text"})
    assert transform.output_type == column.guessed_type
    assert transform.evaluate({"a": cell}) is not None


@pytest.mark.parametrize(
    ("kind", "given", "expr"),
    [
        ("point", "point", "`a`"),
        ("money", "text", "to_number(`a`)"),
        ("percent", "number", "`a`"),
        ("floating_timestamp", "text", "to_floating_timestamp(`a`)"),
        ("html", "text", "`a`"),
        ("text", "number", "to_text(`a`)"),
        ("phone", "text", "`a`"),
    ],
)
def test_any_type_may_be_wanted_of_any_column(kind: str, given: str, expr: str) -> None:
    assert default_expr(InputColumn("a", "A", 1, kind, given)) == expr
    compile_transform(expr, {"a": given})
