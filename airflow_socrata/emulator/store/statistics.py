"""Column statistics, as the ``cachedContents`` of a view's columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.types.names import GEOMETRIES, NUMBERS, OBJECTS
from airflow_socrata.emulator.types.writing import json_writer

if TYPE_CHECKING:
    import sqlite3

    from airflow_socrata.emulator.store.model import Column, Copy


def column_statistics(
    connection: sqlite3.Connection, copy: Copy, column: Column, *, as_text: bool
) -> dict[str, Any]:
    """Return counts, extremes and the twenty commonest values of a column.

    Counts are texts on the new back end and numbers on the old, as recorded.
    """
    name, table = column.sql, copy.table
    counts = connection.execute(
        f"SELECT count(*), count({name}), count(DISTINCT {name}) FROM {table}"  # noqa: S608
    ).fetchone()

    def number(value: int) -> int | str:
        return str(value) if as_text else value

    statistics: dict[str, Any] = {
        "non_null": number(counts[1]),
        "null": number(counts[0] - counts[1]),
        "count": number(counts[0]),
        "cardinality": number(counts[2]),
    }
    if not counts[1]:
        return statistics
    convert = json_writer(column.kind) or (lambda value: value)
    top = connection.execute(
        f"SELECT {name}, count(*) AS n FROM {table} WHERE {name} IS NOT NULL"  # noqa: S608
        f" GROUP BY {name} ORDER BY n DESC, {name} LIMIT 20"
    ).fetchall()
    statistics["top"] = [{"item": convert(item), "count": number(n)} for item, n in top]
    if column.kind not in GEOMETRIES and column.kind not in OBJECTS:
        order = f"CAST({name} AS NUMERIC)" if column.kind in NUMBERS else name
        for key, direction in (("smallest", "ASC"), ("largest", "DESC")):
            row = connection.execute(
                f"SELECT {name} FROM {table} WHERE {name} IS NOT NULL ORDER BY {order} {direction} LIMIT 1"  # noqa: S608
            ).fetchone()
            statistics[key] = convert(row[0])
    return statistics
