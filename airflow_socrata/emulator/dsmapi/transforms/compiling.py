"""From a tree to a function over rows, with the types checked on the way."""

from __future__ import annotations

import difflib
import operator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.transforms import lazy
from airflow_socrata.emulator.dsmapi.transforms.errors import CellError, CompileError
from airflow_socrata.emulator.dsmapi.transforms.functions import FUNCTIONS, MISSING, VARIABLES
from airflow_socrata.emulator.dsmapi.transforms.tree import Call, Column, Literal
from airflow_socrata.emulator.dsmapi.transforms.values import number_text
from airflow_socrata.emulator.types.names import GEOMETRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_socrata.emulator.dsmapi.transforms.functions import Overload
    from airflow_socrata.emulator.dsmapi.transforms.lazy import Run
    from airflow_socrata.emulator.dsmapi.transforms.tree import Node

# The type of null and of an error: fits wherever a value is wanted.
ANYTHING = "null"
_UNORDERED = frozenset({*GEOMETRIES, "location", "url", "json"})
_PARTS = {"calendar_date": "floating_timestamp_", "location": "location_", "point": "point_"}
_LAZY = frozenset({
    "and",
    "or",
    "||",
    "case",
    "coalesce",
    "greatest",
    "least",
    "#IN",
    "#NOT_IN",
    "#IS_NULL",
    "#IS_NOT_NULL",
    "is_empty",
    "forgive",
    "error",
})


@dataclass(frozen=True, slots=True)
class Term:
    """A compiled expression.

    :param column: which input column it is, where it is just that.
    :param literal: holds the value, where the expression spells it out.
    """

    kind: str
    run: Run
    parsed: dict[str, Any]
    place: int
    column: int | None = None
    literal: tuple[Any] | None = None


@dataclass(slots=True)
class Compiler:
    """Compiles one expression over columns of given types."""

    expr: str
    columns: Mapping[str, str]
    inputs: dict[str, int] = field(default_factory=dict)

    def wrong(self, problem: str, place: int, **details: Any) -> CompileError:
        """Return the error of something at a place in the expression."""
        return CompileError(problem, self.expr, place, **details)

    def term(self, node: Node) -> Term:
        """Compile a node.

        :raises CompileError: an unknown name, or types that do not fit.
        """
        if isinstance(node, Literal):
            return self._literal(node)
        if isinstance(node, Column):
            return self._column(node)
        terms = [self.term(each) for each in node.arguments]
        name = self._part_name(node, terms) if node.name.startswith(".") else node.name
        kind, run = self._called(name, node, terms)
        parsed = {
            "type": "funcall",
            "function_name": name,
            "args": [term.parsed for term in terms],
            "soql_type": kind,
        }
        return Term(kind, run, parsed, node.place)

    def _literal(self, node: Literal) -> Term:
        value = node.value
        kind = (
            ANYTHING
            if value is None
            else "checkbox"
            if isinstance(value, bool)
            else "number"
            if isinstance(value, Decimal)
            else "text"
        )
        shown = number_text(value) if isinstance(value, Decimal) else value
        parsed = {"type": "literal", "value": shown, "soql_type": kind}
        return Term(kind, lambda row: value, parsed, node.place, literal=(value,))

    def _column(self, node: Column) -> Term:
        name = node.name if node.name in self.columns else node.name.lower()
        if name not in self.columns:
            near = difflib.get_close_matches(name, self.columns, n=3)
            hint = f"; there is {' and '.join(near)}" if near else ""
            raise self.wrong(f"No such column: {node.name}{hint}", node.place, column=node.name)
        index = list(self.columns).index(name)
        self.inputs.setdefault(name, index)
        kind = self.columns[name]
        parsed = {"type": "column_ref", "value": name, "soql_type": kind}
        return Term(kind, operator.itemgetter(index), parsed, node.place, column=index)

    def _part_name(self, node: Call, terms: list[Term]) -> str:
        prefix = _PARTS.get(terms[0].kind)
        name = f"{prefix}{node.name[1:]}"
        if prefix is None or name not in FUNCTIONS:
            raise self.wrong(f"A value of type {terms[0].kind} has no part {node.name[1:]}", node.place)
        return name

    def _called(self, name: str, node: Call, terms: list[Term]) -> tuple[str, Run]:
        if name in _LAZY:
            return self._lazy(name, node, terms)
        if name == "make_location":
            return self._make_location(node, terms)
        if name in FUNCTIONS:
            return self._plain(name, node, terms)
        if name in MISSING:
            raise self.wrong(f"{name} cannot be used: {MISSING[name]}", node.place, function=name)
        near = difflib.get_close_matches(name, [*FUNCTIONS, *_LAZY], n=2)
        hint = f"; there is {' and '.join(near)}" if near else ""
        raise self.wrong(f"No such function: {name}/{len(terms)}{hint}", node.place, function=name)

    def _plain(self, name: str, node: Call, terms: list[Term]) -> tuple[str, Run]:
        for overload in FUNCTIONS[name]:
            bound = _bound(overload.takes, terms)
            if bound is None:
                continue
            if name in {"<", "<=", ">", ">=", "#BETWEEN", "#NOT_BETWEEN"} and bound.get("a") in _UNORDERED:
                raise self.wrong(f"Values of type {bound['a']} have no order for {_shown(name)}", node.place)
            self._check(overload, terms)
            return bound.get(overload.gives, overload.gives), _strict(overload.run, terms)
        raise self.mismatch(name, node, terms, [overload.shown for overload in FUNCTIONS[name]])

    def mismatch(self, name: str, node: Call, terms: list[Term], takes: Sequence[str]) -> CompileError:
        """Return the error of arguments that a function does not take."""
        given = ", ".join(term.kind for term in terms)
        return self.wrong(
            f"{_shown(name)} does not take ({given}); it takes {' or '.join(takes)}",
            node.place,
            function=name,
            given=[term.kind for term in terms],
        )

    def _check(self, overload: Overload, terms: list[Term]) -> None:
        for number, check in overload.checks.items():
            term = terms[number]
            if term.literal is None or term.literal[0] is None:
                continue
            try:
                check(term.literal[0])
            except CellError as error:
                raise CompileError(error.message, self.expr, term.place) from None

    def _lazy(self, name: str, node: Call, terms: list[Term]) -> tuple[str, Run]:
        runs = [term.run for term in terms]
        if name in {"and", "or"}:
            self._need(name, node, terms, ("checkbox", "checkbox"))
            return "checkbox", (lazy.both if name == "and" else lazy.either)(*runs)
        if name == "||":
            return "text", lazy.joined(runs[0], runs[1], terms[0].kind, terms[1].kind)
        if name in {"#IS_NULL", "#IS_NOT_NULL"}:
            return "checkbox", lazy.is_null(runs[0], negate=name == "#IS_NOT_NULL")
        if name == "is_empty":
            self._need(name, node, terms, ("text",))
            return "checkbox", lazy.is_empty(runs[0])
        if name == "error":
            self._need(name, node, terms, ("text",))
            return ANYTHING, lazy.error(runs[0])
        if name == "case":
            return self._case(node, terms)
        if name == "forgive" and len(terms) not in {1, 2}:
            raise self.mismatch(name, node, terms, ["(a) -> a", "(a, a) -> a"])
        kind = self._alike(name, node, terms)
        if name == "forgive":
            return kind, lazy.forgive(runs[0], runs[1] if len(runs) > 1 else None)
        if name == "coalesce":
            return kind, lazy.coalesce(runs)
        if name in {"#IN", "#NOT_IN"}:
            return "checkbox", lazy.among(runs[0], runs[1:], negate=name == "#NOT_IN")
        if kind in _UNORDERED:
            raise self.wrong(f"Values of type {kind} have no order for {name}", node.place)
        choose: Callable[[list[Any]], Any] = max if name == "greatest" else min
        return kind, lazy.chosen(runs, choose)

    def _need(self, name: str, node: Call, terms: list[Term], takes: tuple[str, ...]) -> None:
        if _bound(takes, terms) is None:
            raise self.mismatch(name, node, terms, [f"({', '.join(takes)})"])

    def _alike(self, name: str, node: Call, terms: list[Term]) -> str:
        if not terms or (name in {"#IN", "#NOT_IN"} and len(terms) < 2):
            raise self.wrong(f"{_shown(name)} needs something to look at", node.place, function=name)
        kinds = {term.kind for term in terms} - {ANYTHING}
        if len(kinds) > 1:
            raise self.mismatch(name, node, terms, ["values of one type"])
        return kinds.pop() if kinds else ANYTHING

    def _case(self, node: Call, terms: list[Term]) -> tuple[str, Run]:
        if not terms or len(terms) % 2:
            raise self.wrong(
                f"case takes pairs of a condition and a value, not {len(terms)} arguments", node.place
            )
        for term in terms[::2]:
            if term.kind not in {"checkbox", ANYTHING}:
                raise self.wrong(f"A condition of case must be checkbox, not {term.kind}", term.place)
        kind = self._alike("case", node, terms[1::2])
        pairs = zip(terms[::2], terms[1::2], strict=True)
        return kind, lazy.case([(condition.run, value.run) for condition, value in pairs])

    def _make_location(self, node: Call, terms: list[Term]) -> tuple[str, Run]:
        runs = [term.run for term in terms]
        address = ("text", "text", "text", "text")
        if _bound(("point",), terms) is not None:
            return "location", lazy.location_of_point(runs[0])
        if _bound(address, terms) is None and _bound((*address, "point"), terms) is None:
            takes = ["(text, text, text, text)", "(text, text, text, text, point)", "(point)"]
            raise self.mismatch("make_location", node, terms, takes)
        return "location", lazy.make_location(runs)


def _bound(takes: tuple[str, ...], terms: Sequence[Term]) -> dict[str, str] | None:
    """Return what the variables of a signature stand for, or None when the arguments do not fit."""
    if len(takes) != len(terms):
        return None
    bound: dict[str, str] = {}
    for wanted, term in zip(takes, terms, strict=True):
        if wanted not in VARIABLES:
            if term.kind not in {wanted, ANYTHING}:
                return None
            continue
        known = bound.setdefault(wanted, term.kind)
        if known == ANYTHING:
            known = bound[wanted] = term.kind
        kinds = VARIABLES[wanted]
        if term.kind != ANYTHING and (term.kind != known or (kinds is not None and term.kind not in kinds)):
            return None
    return bound


def _shown(name: str) -> str:
    return name[1:].replace("_", " ").lower() if name.startswith("#") else name.removeprefix("unary ")


def _strict(function: Callable[..., Any], terms: Sequence[Term]) -> Run:
    """Return a function over rows that gives null where an argument is null."""
    if len(terms) == 1:
        return _of_one(function, terms[0])
    if len(terms) == 2:
        return _of_two(function, *terms)
    runs = [term.run for term in terms]

    def of_many(row: Sequence[Any]) -> Any:
        values = [run(row) for run in runs]
        return None if None in values else function(*values)

    return of_many


def _of_one(function: Callable[..., Any], term: Term) -> Run:
    if term.column is not None:
        index = term.column

        def of_column(row: Sequence[Any]) -> Any:
            value = row[index]
            return None if value is None else function(value)

        return of_column
    inner = term.run

    def of_one(row: Sequence[Any]) -> Any:
        value = inner(row)
        return None if value is None else function(value)

    return of_one


def _of_two(function: Callable[..., Any], left: Term, right: Term) -> Run:
    first, second = left.run, right.run
    if right.literal is not None and right.literal[0] is not None:
        constant = right.literal[0]

        def with_constant(row: Sequence[Any]) -> Any:
            value = first(row)
            return None if value is None else function(value, constant)

        return with_constant

    def of_two(row: Sequence[Any]) -> Any:
        one = first(row)
        other = second(row)
        return None if one is None or other is None else function(one, other)

    return of_two
