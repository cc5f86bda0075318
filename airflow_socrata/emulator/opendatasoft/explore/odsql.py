"""ODSQL as far as verification needs it: conditions, selections, groups and orders over records in memory."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from airflow_socrata.emulator.opendatasoft.errors import Refused

Row = Mapping[str, Any]
Value = Callable[[Row], Any]
_COMPARE: dict[type[exp.Expression], Callable[[Any, Any], Any]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
}
_ARITHMETIC: dict[type[exp.Expression], Callable[[Any, Any], Any]] = {
    exp.Add: operator.add,
    exp.Sub: operator.sub,
    exp.Mul: operator.mul,
    exp.Div: operator.truediv,
}
AGGREGATES: dict[type[exp.Expression], Callable[[list[Any]], Any]] = {
    exp.Count: len,
    exp.Sum: sum,
    exp.Min: lambda values: min(values, default=None),
    exp.Max: lambda values: max(values, default=None),
    exp.Avg: lambda values: sum(values) / len(values) if values else None,
}
_MARKED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|(?<![\w:]):(?!:)|(?<=[\w`])\s*:\s*""")


def refuse(message: str) -> Refused:
    """Return the 400 of a query."""
    return Refused(400, "ODSQLError", f"ODSQL query is malformed: {message}")


def parse(text: str) -> Any:
    """Return the tree of an expression.

    :raises Refused: 400 with what is wrong.
    """

    # ODSQL writes field:"value" for equality, and texts in both kinds of quotes.
    def plain(match: re.Match[str]) -> str:
        found = match[0]
        if found[0] in "'\"":
            inner = found[1:-1].replace("\\" + found[0], found[0]).replace("'", "''")
            return f"'{inner}'"
        return " = "

    try:
        parsed: Any = sqlglot.parse_one(_MARKED.sub(plain, text), into=exp.Condition, read="mysql")
        return parsed
    except SqlglotError as error:
        raise refuse(" ".join(str(error).split())[:200]) from None


def condition(texts: list[str]) -> list[Value]:
    """Return the conditions of all ``where`` parameters."""
    return [value_of(parse(text)) for text in texts if text.strip()]


def matches(conditions: list[Value], row: Row) -> bool:
    """Whether a record meets all conditions."""
    return all(one(row) is True for one in conditions)


def value_of(tree: Any) -> Value:
    """Return a function from a record to the expression's value.

    :raises Refused: 400 for what the emulator does not know.
    """
    if isinstance(tree, exp.Paren):
        return value_of(tree.this)
    if isinstance(tree, exp.Column):
        name = tree.name
        return lambda row: _field(row, name)
    if isinstance(tree, exp.Literal):
        fixed = tree.this if tree.is_string else (float(tree.this) if "." in tree.this else int(tree.this))
        return lambda row: fixed
    if isinstance(tree, exp.Boolean | exp.Null):
        constant = tree.this if isinstance(tree, exp.Boolean) else None
        return lambda row: constant
    if isinstance(tree, exp.Cast | exp.Date | exp.TsOrDsToDate):
        # date'2020-01-31'
        return value_of(tree.this)
    return _compound(tree)


def _compound(tree: Any) -> Value:
    kind = type(tree)
    if isinstance(tree, exp.And | exp.Or):
        left, right = value_of(tree.left), value_of(tree.right)
        if isinstance(tree, exp.And):
            return lambda row: left(row) is True and right(row) is True
        return lambda row: left(row) is True or right(row) is True
    if isinstance(tree, exp.Not):
        inner = value_of(tree.this)
        return lambda row: inner(row) is not True
    if isinstance(tree, exp.Neg):
        inner = value_of(tree.this)
        return lambda row: None if inner(row) is None else -inner(row)
    if isinstance(tree, exp.Is):
        inner = value_of(tree.this)
        return lambda row: inner(row) is None
    if kind in _COMPARE:
        return _compared(_COMPARE[kind], value_of(tree.left), value_of(tree.right))
    if kind in _ARITHMETIC:
        return _computed(_ARITHMETIC[kind], value_of(tree.left), value_of(tree.right))
    if isinstance(tree, exp.In):
        inner, among = value_of(tree.this), [value_of(one) for one in tree.expressions]
        return lambda row: any(_same(inner(row), one(row)) for one in among)
    if isinstance(tree, exp.Between):
        low = _compared(operator.ge, value_of(tree.this), value_of(tree.args["low"]))
        high = _compared(operator.le, value_of(tree.this), value_of(tree.args["high"]))
        return lambda row: low(row) is True and high(row) is True
    if isinstance(tree, exp.Like):
        inner, pattern = value_of(tree.this), value_of(tree.expression)
        return lambda row: _contains(inner(row), str(pattern(row)).strip("%*"))
    return _call(tree)


def _call(tree: Any) -> Value:
    name = tree.name.lower() if isinstance(tree, exp.Anonymous) else tree.key
    arguments = [value_of(one) for one in tree.expressions] if isinstance(tree, exp.Anonymous) else []
    if name in {"search", "suggest"} and arguments:
        wanted = arguments[-1]
        if len(arguments) > 1:
            return lambda row: any(_contains(one(row), str(wanted(row))) for one in arguments[:-1])
        return lambda row: any(_contains(one, str(wanted(row))) for one in row.values())
    if isinstance(tree, exp.StartsWith) or name == "startswith":
        first, second = (value_of(tree.this), value_of(tree.expression)) if not arguments else arguments[:2]
        return lambda row: str(first(row) or "").lower().startswith(str(second(row)).lower())
    if isinstance(tree, exp.Length | exp.Lower | exp.Upper):
        inner = value_of(tree.this)
        change: Callable[[str], Any] = {"length": len, "lower": str.lower, "upper": str.upper}[tree.key]
        return lambda row: None if inner(row) is None else change(str(inner(row)))
    if isinstance(tree, exp.Year | exp.Month | exp.Day):
        inner, (start, end) = value_of(tree.this), {"year": (0, 4), "month": (5, 7), "day": (8, 10)}[tree.key]
        return lambda row: None if inner(row) is None else int(str(inner(row))[start:end])
    raise refuse(f"the emulator does not know {tree.sql()[:80]}")


def _field(row: Row, name: str) -> Any:
    if name not in row:
        raise refuse(f"Unknown field: {name}")
    return row[name]


def _same(left: Any, right: Any) -> bool:
    return bool(left == right or (left is not None and str(left) == str(right)))


def _compared(compare: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    def compared(row: Row) -> Any:
        first, second = left(row), right(row)
        if first is None or second is None:
            return None
        if compare in {operator.eq, operator.ne}:
            return _same(first, second) is (compare is operator.eq)
        if isinstance(first, str) != isinstance(second, str):
            try:
                first, second = float(first), float(second)
            except (TypeError, ValueError):
                first, second = str(first), str(second)
        return compare(first, second)

    return compared


def _computed(compute: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    def computed(row: Row) -> Any:
        first, second = left(row), right(row)
        if first is None or second is None or (compute is operator.truediv and second == 0):
            return None
        try:
            return compute(first, second)
        except TypeError as error:
            raise refuse(str(error)) from None

    return computed


def _contains(value: Any, wanted: str) -> bool:
    return value is not None and wanted.lower() in str(value).lower()
