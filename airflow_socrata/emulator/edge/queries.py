"""From the query string of a read to one SoQL query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_socrata.emulator.errors import core_error
from airflow_socrata.emulator.soql.errors import malformed, query_error
from airflow_socrata.emulator.soql.parsing import Query, parse_clause, parse_query, whole_number

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.portal import Exchange
    from airflow_socrata.emulator.store.model import Copy

DEFAULT_LIMIT = 1000
_CLAUSES = ("$select", "$where", "$group", "$having", "$order", "$limit", "$offset", "$q")


def query_of(exchange: Exchange, copy: Copy, system: tuple[str, ...]) -> Query:
    """Return the query that a request asks.

    :raises PortalError: 400 when it is no SoQL or names what is not there.
    """
    given = dict(exchange.query)
    text = given.get("$query")
    if text is not None:
        if any(clause in given for clause in _CLAUSES):
            raise core_error(400, "invalid_request", "$query cannot be combined with other clauses")
        return whole_query(text)
    select: tuple[exp.Expression, ...] = (exp.Star(),)
    distinct = False
    shown = []
    if "$select" in given:
        tree = parse_clause("select", given["$select"])
        select, distinct = tuple(tree.expressions), tree.args.get("distinct") is not None
        shown.append("SELECT " + given["$select"])
    elif given.get("$$exclude_system_fields", "true").lower() == "false":
        select = (*(exp.column(exp.to_identifier(name, quoted=True)) for name in system), exp.Star())
    where = None
    if "$where" in given:
        where = parse_clause("where", given["$where"]).args["where"].this
        shown.append("WHERE " + given["$where"])
    where = _with_filters(where, exchange, copy)
    group: tuple[exp.Expression, ...] = ()
    if "$group" in given:
        group = tuple(parse_clause("group", given["$group"]).args["group"].expressions)
    having = parse_clause("having", given["$having"]).args["having"].this if "$having" in given else None
    order = (
        tuple(parse_clause("order", given["$order"]).args["order"].expressions) if "$order" in given else ()
    )
    return Query(
        select,
        where,
        group,
        having,
        order,
        whole_number(given["$limit"], "$limit") if "$limit" in given else DEFAULT_LIMIT,
        whole_number(given["$offset"], "$offset") if "$offset" in given else 0,
        distinct,
        given.get("$q"),
        " ".join(shown),
    )


def _with_filters(where: exp.Expression | None, exchange: Exchange, copy: Copy) -> exp.Expression | None:
    """Add the plain ``field=value`` parameters."""
    for name, value in exchange.query:
        if name.startswith("$") or name in {"accessType", "app_token"}:
            continue
        column = copy.column(name)
        if column is None and name not in {":id", ":updated_at", ":created_at"}:
            raise query_error(
                "no-such-column",
                f"No such column: {name}",
                f"{name}={value}",
                column=name,
                dataset=copy.table,
            )
        literal: exp.Expression = exp.Literal.string(value)
        if column is not None and column.kind == "checkbox":
            literal = exp.Boolean(this=value.lower() == "true")
        test = exp.EQ(this=exp.column(exp.to_identifier(name, quoted=True)), expression=literal)
        where = test if where is None else exp.And(this=exp.Paren(this=where), expression=test)
    return where


def whole_query(text: str, *, default_limit: int | None = DEFAULT_LIMIT) -> Query:
    """Return a query that comes as one text.

    :param default_limit: rows of a query without LIMIT; None: all.
    :raises PortalError: 400 when it is no SoQL.
    """
    tree = parse_query(text)
    known = {"expressions", "distinct", "where", "group", "having", "order", "limit", "offset"}
    if any(value for name, value in tree.args.items() if name not in known):
        raise malformed(text)
    numbers = {}
    for name in ("limit", "offset"):
        part = tree.args.get(name)
        if part is not None:
            numbers[name] = whole_number(str(part.expression.this), name)
    where, group, having = tree.args.get("where"), tree.args.get("group"), tree.args.get("having")
    order = tree.args.get("order")
    return Query(
        tuple(tree.expressions) or (exp.Star(),),
        where.this if where else None,
        tuple(group.expressions) if group else (),
        having.this if having else None,
        tuple(order.expressions) if order else (),
        numbers.get("limit", default_limit),
        numbers.get("offset", 0),
        tree.args.get("distinct") is not None,
        None,
        text,
    )
