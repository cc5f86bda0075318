"""The SODA 3 query API: read only."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.edge.queries import whole_query
from airflow_socrata.emulator.edge.reading import SYSTEM_NEW, SYSTEM_OLD, TYPES, run, written
from airflow_socrata.emulator.errors import core_error, invalid_request
from airflow_socrata.emulator.soql.compiling import Compiler

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.soql.parsing import Query
    from airflow_socrata.emulator.store.model import View

_FORMATS = frozenset({"json", "csv", "geojson", "xml"})
_ORDERINGS = frozenset({"total", "no_preserve", "discard"})


def query(portal: Portal, exchange: Exchange) -> Reply:
    """``GET POST /api/v3/views/{id}/query.{format}``: with pages and system fields."""
    view, options = _asked(portal, exchange)
    asked = whole_query(_soql(options), default_limit=None)
    page = _page(options)
    if options.get("includeSystem", True) and _takes_all(asked):
        system = SYSTEM_NEW if view.dataset.new_backend else SYSTEM_OLD
        named = tuple(exp.column(exp.to_identifier(name, quoted=True)) for name in system)
        asked = dataclasses.replace(asked, select=(*named, *asked.select))
    ordering = options.get("orderingSpecifier", "total" if page else None)
    return _answer(portal, exchange, view, _paged(_ordered(asked, ordering), page))


def export(portal: Portal, exchange: Exchange) -> Reply:
    """``GET POST /api/v3/views/{id}/export.{format}``: everything that a query selects."""
    view, options = _asked(portal, exchange)
    for name in ("page", "includeSystem", "includeSynthetic"):
        if name in options:
            raise invalid_request(f"{name} is no option of an export")
    asked = whole_query(_soql(options), default_limit=None)
    return _answer(portal, exchange, view, _ordered(asked, options.get("orderingSpecifier")))


def _asked(portal: Portal, exchange: Exchange) -> tuple[View, dict[str, Any]]:
    named = "x-app-token" in exchange.headers or exchange.first("app_token") is not None
    if exchange.user is None and not named and not portal.switches.soda3_anonymous:
        raise core_error(403, "authentication_required", "Sign in, or send an application token")
    view = portal.rows_view(exchange.part()[0], exchange.user)
    if exchange.parts["suffix"] not in _FORMATS:
        raise core_error(406, "not_acceptable", f"Cannot write rows as {exchange.parts['suffix']}")
    if exchange.method == "GET":
        return view, _of_address(exchange)
    options = exchange.json() if exchange.body.strip() else {}
    if not isinstance(options, dict):
        raise invalid_request("An object of query options was expected")
    return view, options


def _of_address(exchange: Exchange) -> dict[str, Any]:
    given = dict(exchange.query)
    options: dict[str, Any] = {name: given[name] for name in ("query", "orderingSpecifier") if name in given}
    names = ("pageNumber", "pageSize")
    if any(name in given for name in names):
        page = {name: given[name] for name in names if name in given}
        if not all(text.isdigit() for text in page.values()):
            raise invalid_request("pageNumber and pageSize are whole numbers")
        options["page"] = {name: int(text) for name, text in page.items()}
    return options


def _soql(options: dict[str, Any]) -> str:
    text = options.get("query", "SELECT *")
    if not isinstance(text, str):
        raise invalid_request("query is a text")
    return text


def _page(options: dict[str, Any]) -> tuple[int, int] | None:
    page = options.get("page")
    if page is None:
        return None
    number, size = (
        (page.get("pageNumber", 1), page.get("pageSize", 1000)) if isinstance(page, dict) else (0, 0)
    )
    if not all(type(each) is int and each > 0 for each in (number, size)):
        raise invalid_request("page is {pageNumber, pageSize}, both from 1")
    return number, size


def _takes_all(asked: Query) -> bool:
    return any(isinstance(each, exp.Star) for each in asked.select) and not asked.group


def _ordered(asked: Query, ordering: Any) -> Query:
    if ordering not in {None, *_ORDERINGS}:
        raise invalid_request(f"orderingSpecifier is one of {', '.join(sorted(_ORDERINGS))}")
    if ordering == "discard":
        return dataclasses.replace(asked, order=())
    if ordering != "total" or asked.group or not _takes_all(asked):
        return asked
    last = exp.Ordered(this=exp.column(exp.to_identifier(":id", quoted=True)))
    return dataclasses.replace(asked, order=(*asked.order, last))


def _paged(asked: Query, page: tuple[int, int] | None) -> Query:
    if page is None:
        return asked
    number, size = page
    skipped = (number - 1) * size
    left = size if asked.limit is None else max(0, min(size, asked.limit - skipped))
    return dataclasses.replace(asked, limit=left, offset=asked.offset + skipped)


def _answer(portal: Portal, exchange: Exchange, view: View, asked: Query) -> Reply:
    suffix = exchange.parts["suffix"]
    now = portal.clock.now()
    view.dataset.settle(view, now, poll=True)
    with view.dataset.read_from(view, now) as (copy, _):
        system = SYSTEM_NEW if view.dataset.new_backend else SYSTEM_OLD
        compiled = Compiler(copy, view.dataset.row_ids, system).compile(asked)
        rows = run(view, compiled)
    body = written(view, compiled, rows, suffix, not view.dataset.new_backend)
    return Reply(200, body, TYPES[suffix])


TABLE = tuple(
    (f"/api/v3/views/{{view_id}}/{name}.{{suffix}}", method, service)
    for name, service in (("query", query), ("export", export))
    for method in ("GET", "POST")
)
