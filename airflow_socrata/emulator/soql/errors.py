"""Errors of a query, in the shapes that readers of a portal meet."""

from __future__ import annotations

from typing import Any

from airflow_socrata.emulator.errors import PortalError, core_error, soda_error


def query_error(code: str, text: str, line: str = "", place_in_line: int = 1, /, **data: Any) -> PortalError:
    """Return a 400 as the query coordinator words it; places count from 1."""
    place = {"row": 1, "column": place_in_line, "line": line}
    message = f"Query coordinator error: query.soql.{code}; {text}"
    message += f'; position: Map(row -> 1, column -> {place_in_line}, line -> "{line}")'
    return soda_error(400, f"query.soql.{code}", message, data | {"position": place})


def malformed(line: str) -> PortalError:
    """Return the 400 for text that is no SoQL."""
    return core_error(400, "query.compiler.malformed", f"Could not parse SoQL query {line!r}", {})
