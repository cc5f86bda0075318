"""The rows that a portal could not convert, saved where the user wants them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_socrata.client import schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_socrata.client.source_models import InputSchema, OutputSchema
    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.records.source import Openable

#: Rejected rows that one call asks for.
PAGE = 1000


def first_errors(publisher: Publisher, schema: InputSchema, output: OutputSchema, most: int = 3) -> str:
    """Return the first errors in words, for a message."""
    words: list[str] = []
    for row, column, message, _ in _rejected(publisher, schema, output, most):
        words.append(f"row {row}, {column}: {message}" if column else f"row {row}: {message}")
        if len(words) == most:
            break
    return "; ".join(words) or "the portal does not list them"


def save_rejected(
    publisher: Publisher, schema: InputSchema, output: OutputSchema, path: str | Openable
) -> str:
    """Write every cell that could not be converted, and every row with too many or too few cells, as CSV.

    The columns are ``row`` (of the file, from 1, without its head), ``column``, ``message`` and ``input`` (a
    JSON object of the cells that the transform was given). The list is asked for page by page, so that memory
    does not grow with the errors.

    :return: the path, as a text.
    """
    target: Any = Path(path) if isinstance(path, str) else path
    written = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "column", "message", "input"))
        for line in _rejected(publisher, schema, output, PAGE):
            writer.writerow(line)
            written += 1
    publisher.log(f"{written:,} rejected cells were saved to {path}.")
    return str(path)


def _rejected(
    publisher: Publisher, schema: InputSchema, output: OutputSchema, page: int
) -> Iterator[tuple[str, str, str, str]]:
    """Yield row, column, message and input of each error."""
    asked = 0
    while output.error_count:
        rows = publisher.send(schemas.errors(output, page, asked))
        for row in rows:
            for error in row.errors:
                given = json.dumps(dict(error.inputs), ensure_ascii=False)
                yield _number(error.offset), error.column or "", error.message, given
        if len(rows) < page:
            break
        asked += page
    asked = 0
    while schema.row_errors:
        wrong = publisher.send(schemas.row_errors(schema, page, asked))
        for found in wrong:
            yield _number(found.offset), "", found.message, ""
        if len(wrong) < page:
            break
        asked += page


def _number(offset: int | None) -> str:
    return "" if offset is None else str(offset + 1)
