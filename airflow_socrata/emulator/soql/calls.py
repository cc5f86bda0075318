"""SoQL's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_socrata.emulator.soql.errors import query_error
from airflow_socrata.emulator.soql.values import Term
from airflow_socrata.emulator.types.names import NUMBERS, TEXTS

if TYPE_CHECKING:
    from airflow_socrata.emulator.soql.compiling import Compiler

# name -> (SQL, number of arguments, family of the first argument or None, type of the result)
_PLAIN: dict[str, tuple[str, int, str | None, str]] = {
    "upper": ("soql_upper({0})", 1, "text", "text"),
    "lower": ("soql_lower({0})", 1, "text", "text"),
    "trim": ("trim({0})", 1, "text", "text"),
    "length": ("length({0})", 1, "text", "number"),
    "starts_with": ("(substr({0}, 1, length({1})) = {1})", 2, "text", "checkbox"),
    "contains": ("(instr({0}, {1}) > 0)", 2, "text", "checkbox"),
    "abs": ("abs({0})", 1, "number", "number"),
    "floor": ("soql_floor({0})", 1, "number", "number"),
    "ceil": ("soql_ceil({0})", 1, "number", "number"),
    "round": ("round({0}, {1})", 2, "number", "number"),
    "within_box": ("soql_within_box({0}, {1}, {2}, {3}, {4})", 5, None, "checkbox"),
    "within_circle": ("(soql_metres({0}, {1}, {2}) <= {3})", 4, None, "checkbox"),
    "date_trunc_y": ("(substr({0}, 1, 4) || '-01-01T00:00:00.000')", 1, "calendar_date", "calendar_date"),
    "date_trunc_ym": ("(substr({0}, 1, 7) || '-01T00:00:00.000')", 1, "calendar_date", "calendar_date"),
    "date_trunc_ymd": ("(substr({0}, 1, 10) || 'T00:00:00.000')", 1, "calendar_date", "calendar_date"),
    "date_extract_y": ("CAST(substr({0}, 1, 4) AS INTEGER)", 1, "calendar_date", "number"),
    "date_extract_m": ("CAST(substr({0}, 6, 2) AS INTEGER)", 1, "calendar_date", "number"),
    "date_extract_d": ("CAST(substr({0}, 9, 2) AS INTEGER)", 1, "calendar_date", "number"),
    "date_extract_hh": ("CAST(substr({0}, 12, 2) AS INTEGER)", 1, "calendar_date", "number"),
    "date_extract_mm": ("CAST(substr({0}, 15, 2) AS INTEGER)", 1, "calendar_date", "number"),
    "date_extract_ss": ("CAST(substr({0}, 18, 2) AS INTEGER)", 1, "calendar_date", "number"),
    "date_extract_dow": ("soql_dow({0})", 1, "calendar_date", "number"),
    "date_extract_woy": ("soql_woy({0})", 1, "calendar_date", "number"),
}
_AGGREGATES = {"count", "sum", "avg", "min", "max"}


def call(compiler: Compiler, tree: exp.Anonymous) -> Term:
    """Compile a call.

    :raises PortalError: 400 when there is no such function or an argument does not fit.
    """
    name = str(tree.this).lower()
    if name in _AGGREGATES:
        return _aggregate(compiler, name, tree)
    if name == "case_of":
        return _case(compiler, tree)
    terms = [compiler.term(each) for each in tree.expressions]
    if name in {"coalesce", "greatest", "least"} and terms:
        sql = {"coalesce": "coalesce", "greatest": "max", "least": "min"}[name]
        if len(terms) == 1:
            return terms[0]
        return Term.joined(f"{sql}({', '.join(term.sql for term in terms)})", terms[0].kind, *terms)
    if name not in _PLAIN or len(terms) != _PLAIN[name][1]:
        raise query_error(
            "no-such-function",
            f"No such function {name}/{len(terms)}",
            compiler.line,
            function=name,
            arity=len(terms),
        )
    template, _, family, kind = _PLAIN[name]
    first = terms[0]
    calendar = family == "calendar_date" and first.kind in {"calendar_date", "date"}
    if family is not None and first.family != family and first.kind != "null" and not calendar:
        raise compiler.mismatch(name, first.kind)
    return Term.joined(_filled(template, terms), kind, *_in_order(template, terms))


def _filled(template: str, terms: list[Term]) -> str:
    return template.format(*(term.sql for term in terms))


def _in_order(template: str, terms: list[Term]) -> list[Term]:
    # A template may use an argument twice: its parameters then have to be there twice.
    places = [part[0] for part in template.split("{")[1:]]
    return [terms[int(place)] for place in places]


def _aggregate(compiler: Compiler, name: str, tree: exp.Anonymous) -> Term:
    compiler.aggregated = True
    if len(tree.expressions) != 1:
        raise query_error(
            "no-such-function", f"No such function {name}/{len(tree.expressions)}", compiler.line
        )
    argument = tree.expressions[0]
    if isinstance(argument, exp.Star):
        if name != "count":
            raise query_error("no-such-function", f"No such function {name}/*", compiler.line)
        return Term("count(*)", "number", [], aggregate=True)
    distinct = isinstance(argument, exp.Distinct)
    term = compiler.term(argument.expressions[0] if distinct else argument)
    word = "DISTINCT " if distinct else ""
    if name == "count":
        return Term(f"count({word}{term.sql})", "number", term.parameters, aggregate=True)
    if name in {"min", "max"}:
        return Term(f"{name}({term.sql})", term.kind, term.parameters, aggregate=True)
    if not term.is_number:
        raise compiler.mismatch(name, term.kind)
    function = name if term.kind == "double" else f"soql_{name}"
    value = term.sql if term.kind == "double" else term.text
    made = f"{function}({word}{value})"
    sql = made if term.kind == "double" else f"CAST({made} AS NUMERIC)"
    output = None if term.kind == "double" or term.parameters else made
    return Term(sql, term.kind, term.parameters, output=output, aggregate=True)


def _case(compiler: Compiler, tree: exp.Anonymous) -> Term:
    terms = [compiler.term(each) for each in tree.expressions]
    if not terms or len(terms) % 2:
        raise query_error("no-such-function", f"No such function case/{len(terms)}", compiler.line)
    branches = [f"WHEN {terms[i].sql} THEN {terms[i + 1].sql}" for i in range(0, len(terms), 2)]
    return Term.joined(f"CASE {' '.join(branches)} END", terms[1].kind, *terms)


def searched_case(compiler: Compiler, tree: exp.Case) -> Term:
    """Compile ``CASE WHEN … THEN … ELSE … END``."""
    terms, sql = [], []
    for branch in tree.args["ifs"]:
        condition, value = compiler.term(branch.this), compiler.term(branch.args["true"])
        terms += [condition, value]
        sql.append(f"WHEN {condition.sql} THEN {value.sql}")
    default = tree.args.get("default")
    if default is not None:
        terms.append(compiler.term(default))
        sql.append(f"ELSE {terms[-1].sql}")
    return Term.joined(f"CASE {' '.join(sql)} END", terms[1].kind, *terms)


def cast(compiler: Compiler, tree: exp.Cast) -> Term:
    """Compile ``x::text`` and ``x::number``."""
    term = compiler.term(tree.this)
    target = tree.to.sql().lower()
    if target in {"text", "varchar", "string"}:
        return Term(f"CAST({term.text} AS TEXT)", "text", term.parameters, aggregate=term.aggregate)
    if target in {"number", "decimal", "numeric"} and (term.kind in TEXTS or term.kind in NUMBERS):
        return Term(f"CAST({term.sql} AS NUMERIC)", "number", term.parameters, aggregate=term.aggregate)
    raise query_error("type-mismatch", f"Cannot cast {term.kind} to {target}", compiler.line)
