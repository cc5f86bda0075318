"""The language of transforms: its grammar, its types, its errors and where they are."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_socrata.emulator.dsmapi.transforms import (
    CellError,
    CompileError,
    compile_transform,
    evaluate_rows,
    from_json_value,
    to_json_value,
)

COLUMNS = {
    "a": "text",
    "b": "text",
    "n": "number",
    "cost": "money",
    "on": "checkbox",
    "day": "calendar_date",
    "moment": "fixed_timestamp",
    "spot": "point",
    "place": "location",
}
ROW = {"a": "x", "n": Decimal(5), "cost": Decimal("2.50"), "on": True, "day": "2024-05-03T00:00:00.000"}


def value(expr: str, **row: Any) -> Any:
    return compile_transform(expr, COLUMNS).evaluate(ROW | row)


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("1 + 2 * 3", Decimal(7)),
        ("(1 + 2) * 3", Decimal(9)),
        ("10 - 4 - 3", Decimal(3)),
        ("-2 ^ 2", Decimal(-4)),
        ("2 ^ -1", Decimal("0.5")),
        ("20 / 5", Decimal(4)),
        ("5 % 2", Decimal(1)),
        ("-`n`", Decimal(-5)),
        ("- -3", Decimal(3)),
        (".5e1", Decimal(5)),
        ("'it''s' || \" \\\"ok\\\" \\u00e1\"", 'it\'s "ok" á'),
        ("'n is ' || `n` || ', ' || true", "n is 5, true"),
        ("`a` || `b`", None),
        ("A || 'y'", "xy"),
        ("1 = 1 and 1 == 1 and 1 != 2 and 1 <> 2", True),
        ("'a' < 'b' and 2 >= 2 and not 3 <= 2", True),
        ("not true or true", True),
        ("true or false and false", True),
        ("1 + 1 = 2", True),
        ("`day` > to_floating_timestamp('2024-05-02')", True),
        ("null and false", False),
        ("null or true", True),
        ("null and true", None),
        ("not (`b` = 'x')", None),
        ("`b` is null", True),
        ("`a` is not null", True),
        ("`n` in (1, 5)", True),
        ("`n` not in (1, 5)", False),
        ("`n` in (1, null)", None),
        ("`b` in ('x')", None),
        ("2 between 1 and 3 and 'b' not between 'c' and 'd'", True),
        ("'foobar' like 'f%b_r'", True),
        ("'foobar' not like '%x%'", True),
        ("'a.c' like 'abc'", False),
        ("case(`n` == 4, 'four', `n` == 5, 'five')", "five"),
        ("case(`n` == 4, 'four')", None),
        ("case(null, 1, true, 2)", Decimal(2)),
        ("case(`b` is null, 'none', true, error('never'))", "none"),
        ("coalesce(`b`, `a`)", "x"),
        ("coalesce(null, null)", None),
        ("greatest(4, 1, null, 6)", Decimal(6)),
        ("least('b', 'a')", "a"),
        ("is_empty(`b`) and is_empty(' ') and not is_empty('x')", True),
        ("forgive(to_number('x'))", None),
        ("forgive(to_number('x'), -1)", Decimal(-1)),
        ("'42'::number", Decimal(42)),
        ("`cost` * 2", Decimal("5.00")),
        ("upper(`b`)", None),
    ],
)
def test_expressions(expr: str, expected: Any) -> None:
    assert value(expr) == expected


@pytest.mark.parametrize(
    ("expr", "kind"),
    [
        ("`a`", "text"),
        ("`cost`", "number"),
        ("`moment`", "date"),
        ("`on`", "checkbox"),
        ("1 = 1", "checkbox"),
        ("null", "text"),
        ("case(`on`, 1)", "number"),
        ("coalesce(null, `spot`)", "point"),
        ("case(`on`, error('x'), true, `day`)", "calendar_date"),
        ("`moment`::floating_timestamp", None),
        ("to_location('1 Main St, Here, WA 98101')", "location"),
        ("to_json('{}')", "json"),
        ("to_url('x')", "url"),
        ("date_trunc_y(`moment`)", "date"),
        ("make_location(make_point(1, 2)).point.latitude", "number"),
    ],
)
def test_types_come_out_in_the_view_s_names(expr: str, kind: str | None) -> None:
    if kind is None:
        with pytest.raises(CompileError):
            compile_transform(expr, COLUMNS)
    else:
        assert compile_transform(expr, COLUMNS).output_type == kind


@pytest.mark.parametrize(
    ("expr", "says", "row", "column"),
    [
        ("", "Expected a value, found the end", 1, 1),
        ("1 +", "Expected a value, found the end", 1, 4),
        ("1 2", "Expected the end of the expression, found '2'", 1, 3),
        ("upper(`a`", "Expected ')'", 1, 10),
        ("'abc", 'Unexpected "\'"', 1, 1),
        ("`a` ; 1", "Unexpected ';'", 1, 5),
        ("`a` not 1", "Expected in, like or between", 1, 9),
        ("`a` is 1", "Expected null", 1, 8),
        ("and", "Expected a value, found 'and'", 1, 1),
        ('"\\q"', "has an escape that is none", 1, 1),
        ("`nothing`", "No such column: nothing", 1, 1),
        ("upper(`c`)", "No such column: c", 1, 7),
        ("upper(\n  `cots`)", "No such column: cots; there is cost", 2, 3),
        ("foo(1)", "No such function: foo/1", 1, 1),
        ("to_numbr(`a`)", "No such function: to_numbr/1; there is to_number", 1, 1),
        ("1 + upper(2)", "upper does not take (number); it takes (text) -> text", 1, 5),
        ("upper('a', 'b')", "upper does not take (text, text)", 1, 1),
        ("`n` + `a`", "+ does not take (number, text)", 1, 5),
        ("`a` == 0", "== does not take (text, number)", 1, 5),
        ("`a` and true", "and does not take (text, checkbox)", 1, 5),
        ("`n` in (1, 'x')", "in does not take (number, number, text); it takes values of one type", 1, 5),
        ("`n` in ()", "in needs something to look at", 1, 5),
        ("`n` like 'x'", "like does not take (number, text)", 1, 5),
        ("case(1, 2)", "A condition of case must be checkbox, not number", 1, 6),
        ("case(true)", "pairs", 1, 1),
        ("case(true, 1, false, 'x')", "case does not take (number, text)", 1, 1),
        ("`spot` < `spot`", "Values of type point have no order for <", 1, 8),
        ("greatest(`spot`)", "Values of type point have no order for greatest", 1, 1),
        ("forgive()", "forgive does not take ()", 1, 1),
        ("regex_replace(`a`, '(', '')", "is no regular expression", 1, 20),
        ("to_floating_timestamp(`a`, '%Q')", "%Q of '%Q' cannot be used to read times", 1, 28),
        ("to_floating_timestamp(`a`, 'yyyy')", "is no format of times", 1, 28),
        ("to_floating_timestamp(`moment`, 'Mars/Utopia')", "no time zone 'Mars/Utopia'", 1, 33),
        ("`day`.colour", "A value of type calendar_date has no part colour", 1, 6),
        ("`a`.year", "A value of type text has no part year", 1, 4),
        ("geocode(`a`, `a`, `a`, `a`)", "geocode cannot be used: the emulator has no geocoder", 1, 1),
        ("region_code(`spot`, 'x')", "region_code cannot be used: the emulator has no boundaries", 1, 1),
        ("reproject(`spot`, 'EPSG:3857')", "knows no projections but WGS84", 1, 1),
        ("http_get(`a`)", "calls no other servers", 1, 1),
        ("(" * 300 + "1" + ")" * 300, "nested too deeply", 1, 41),
        ("2 ^ " * 300 + "1", "nested too deeply", 1, 161),
        ("1" + " + 1" * 300, "nested too deeply", 1, 205),
    ],
)
def test_what_does_not_compile_says_where(expr: str, says: str, row: int, column: int) -> None:
    with pytest.raises(CompileError) as caught:
        compile_transform(expr, COLUMNS)
    error = caught.value
    assert says in error.message
    assert error.message.endswith(f"(row {row}, column {column})")
    assert error.params["position"] == {"row": row, "column": column}
    assert error.params["expr"] == expr
    json.dumps(error.params)


def test_a_column_of_an_unknown_type_is_named() -> None:
    with pytest.raises(CompileError, match="Column x has the type 'nonsense'"):
        compile_transform("1", {"x": "nonsense"})


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        ("to_number(`a`)", 'Unable to convert "x" from text to number'),
        ("20 / (`n` - 5)", "Unable to divide 20 by zero"),
        ("5 % 0", "Unable to divide 5 by zero"),
        ("9 ^ 99999", "9 ^ 99999 is out of range"),
        ("error('no: ' || `a`)", "no: x"),
        ("case(false, 1, true, error('last'))", "last"),
        (
            "ensure_within(make_point(1, 2), to_multipolygon('MULTIPOLYGON (((5 5, 6 5, 6 6, 5 5)))'))",
            "not within",
        ),
    ],
)
def test_a_cell_without_value_says_why(expr: str, message: str) -> None:
    with pytest.raises(CellError) as caught:
        value(expr)
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_branches_that_are_not_taken_are_not_run() -> None:
    assert value("case(true, 1, true, error('never'))") == 1
    assert value("coalesce(1, error('never'))") == 1
    assert value("true or to_number(`a`) = 1") is True
    assert value("false and to_number(`a`) = 1") is False


def test_a_transform_tells_its_inputs_and_its_tree() -> None:
    transform = compile_transform("to_number(`b`) + length(`a` || `b`)", COLUMNS)
    assert transform.inputs == ("b", "a")
    assert transform.columns == tuple(COLUMNS)
    tree = json.loads(json.dumps(transform.parsed))
    assert (tree["type"], tree["function_name"], tree["soql_type"]) == ("funcall", "+", "number")
    assert tree["args"][0]["args"] == [{"type": "column_ref", "value": "b", "soql_type": "text"}]


def test_rows_keep_their_order_and_errors_their_cells() -> None:
    columns = {"a": "text", "b": "text"}
    transforms = [compile_transform(expr, columns) for expr in ("to_number(`a`)", "upper(`b`)")]
    found = list(evaluate_rows(transforms, [("1", "x"), ("q", "y"), (None, None)]))
    assert found[0] == [Decimal(1), "X"]
    assert isinstance(found[1][0], CellError)
    assert found[1][1] == "Y"
    assert found[2] == [None, None]


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (Decimal("1.50"), "number", "1.50"),
        (Decimal("1E+3"), "number", "1000"),
        (Decimal("-0.000001"), "money", "-0.000001"),
        (True, "checkbox", True),
        ("2024-05-03T00:00:00.000", "calendar_date", "2024-05-03T00:00:00.000"),
        ({"type": "Point", "coordinates": [1, 2]}, "point", {"type": "Point", "coordinates": [1, 2]}),
        ({"a": [1]}, "json", {"json": {"a": [1]}}),
        (None, "json", None),
    ],
)
def test_values_go_to_json_and_back(value: Any, kind: str, shown: Any) -> None:
    assert to_json_value(value, kind) == shown
    assert from_json_value(shown, kind) == value


PIECES = st.sampled_from([
    *(
        "`a`",
        "`n`",
        "`day`",
        "`spot`",
        "`on`",
        "`b`",
        "'x'",
        "'1'",
        "'POINT (1 2)'",
        "'%Y'",
        "1",
        "2.5",
        "-1",
    ),
    *(
        "(",
        ")",
        ",",
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        "||",
        "=",
        "<",
        ".",
        "::",
        "[",
        "'",
        "`",
        ";",
        "null",
        "true",
    ),
    *("and", "or", "not", "is", "in", "like", "between", "number", "year", "upper(", "to_number(", "case("),
    *(
        "coalesce(",
        "regex_replace(",
        "slice(",
        "split_select(",
        "to_point(",
        "error(",
        "to_floating_timestamp(",
    ),
    *("left_pad(", "make_point(", "json_pluck(", "forgive(", "hash(", "to_location(", "datetime_add_d("),
])


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=14).map(" ".join) | st.text(max_size=40))
@example("1e9999 * 1e9999")
@example("'\udcff' || 1")
@example("left_pad('x', 1e6, 'y')")
@example("datetime_add_d(`day`, 1e300)")
@example("datetime_add_d(`day`, 1e9)")
@example("to_text(-1e99 - 1e-99)")
@example("to_json('" + "[" * 100_000 + "')")
@example("json_pluck('" + "[" * 100_000 + "', '.a')")
@example("to_polygon('POLYGON " + "(" * 100_000 + ")')")
@example("regex_replace('x', '" + "(" * 10_000 + "', '')")
@example("hash('\udcff', 'md5') || url_encode('\udcff')")
def test_whatever_is_typed_either_runs_or_says_why(expr: str) -> None:
    try:
        transform = compile_transform(expr, COLUMNS)
    except CompileError as error:
        caught: CompileError | None = error
    else:
        caught = None
    if caught is not None:
        assert caught.position["row"] >= 1
        assert caught.position["column"] >= 1
        return
    json.dumps(transform.parsed)
    for row in ({}, ROW, {name: None for name in COLUMNS}):
        found = next(evaluate_rows([transform], [[row.get(name) for name in COLUMNS]]))
        json.dumps(
            None if isinstance(found[0], CellError) else to_json_value(found[0], transform.output_type)
        )
