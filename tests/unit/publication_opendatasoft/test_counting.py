"""Rows are counted as the portal counts them, however the file comes in blocks."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_socrata.publication.opendatasoft.counting import (
    columns_of,
    counter_for,
    guess_separator,
)
from airflow_socrata.publication.opendatasoft.naming import file_name, order_of, read_name, series_of
from airflow_socrata.publication.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping


def count(data: bytes, type: str, size: int, params: Mapping[str, Any] | None = None) -> int | None:
    counter = counter_for(type, params or {})
    assert counter is not None
    for start in range(0, len(data), size):
        counter.feed(data[start : start + size])
    return counter.rows


CELLS = st.text(alphabet='ab",;\n\r é', max_size=5)


@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=8),
    size=st.integers(1, 9),
    ending=st.sampled_from(["\n", "\r\n"]),
    blank=st.booleans(),
)
def test_csv(rows: list[list[str]], size: int, ending: str, blank: bool) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=ending)
    writer.writerow(["id", "v"])
    writer.writerows(rows)
    data = text.getvalue() + (ending if blank else "")
    assert count(data.encode(), "csvfile", size, {"separator": ","}) == len(rows)


@pytest.mark.parametrize(
    ("text", "params", "rows"),
    [
        ("a;b\n1;2", {}, 1),
        ("a;b\n", {}, 0),
        ("", {}, 0),
        ('\ufeff"a";b\n1;2\n', {}, 1),
        ("1;2\n3;4\n", {"headers_first_row": False}, 2),
        ("note\na;b\n1;2\n", {"first_row_no": 2}, 1),
        ('a;b\n1;5" pipe\n2;6" pipe\n', {}, None),
        ('a;b\n1;"open\n', {}, None),
    ],
)
def test_csv_by_its_params(text: str, params: dict[str, Any], rows: int | None) -> None:
    assert count(text.encode(), "csvfile", 3, params) == rows


@given(
    values=st.lists(
        st.dictionaries(st.text(alphabet='ab"\\{}[]', max_size=3), st.text(alphabet='"\\{}[]', max_size=3)),
        max_size=5,
    ),
    size=st.integers(1, 9),
)
def test_json(values: list[dict[str, str]], size: int) -> None:
    assert count(json.dumps(values).encode(), "jsonfile", size) == len(values)
    lines = "\n".join(json.dumps(one) for one in values)
    assert count(lines.encode(), "jsonlfile", size) == len(values)
    features = [{"type": "Feature", "properties": one, "geometry": None} for one in values]
    collection = {"type": "FeatureCollection", "features": features}
    assert count(json.dumps(collection).encode(), "geojsonfile", size) == len(values)


def test_json_of_another_shape_is_not_counted() -> None:
    assert count(b'{"rows": [{"a": 1}]}', "jsonfile", 4) is None
    assert counter_for("xlsfile", {}) is None
    assert counter_for("csvfile", {"encoding": "utf-16"}) is None


def test_the_head_tells_separator_and_columns() -> None:
    head = '\ufeffid;"a;b";c\n1;2;3\n'.encode()
    assert guess_separator(head) == ";"
    assert columns_of(head, {}) == ("id", "a;b", "c")
    assert columns_of(head, {"headers_first_row": False}) is None


def test_a_file_tells_whose_it_is() -> None:
    mine = Operation("dag", "run", "note", order="2026-01-02T01:00:00+01:00")
    name = file_name(mine, "my stops.csv", "0a1b2c")
    named = read_name(name)
    assert named is not None
    assert (named.series, named.order, named.key) == (series_of(mine), order_of(mine), mine.key[:12])
    assert name.startswith("my stops-")
    assert name.endswith(".csv")
    assert read_name(name.lower().replace("-", "_").replace(".csv", "_1.csv")) == named
    assert order_of(mine) < order_of(Operation("dag", "run", "note", order="2026-01-02T00:00:00.5+00:00"))
    assert read_name("stops.csv") is read_name(None) is None
