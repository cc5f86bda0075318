"""The columns of a dataset that is made of a file: known to fit before the file is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_socrata.client import ConfigurationError
from airflow_socrata.client.datasets import NewDataset
from airflow_socrata.client.import_models import Scan, ScannedColumn
from airflow_socrata.publication.creating import Creating
from airflow_socrata.publication.importing import fitting
from airflow_socrata.publication.importing_columns import by_name, check_before_sending, columns_of
from airflow_socrata.publication.importing_datasets import ImportingDataset
from airflow_socrata.publication.importing_files import Importing, Sent, count_file
from airflow_socrata.records import DatasetColumn, DatasetSchema, FileSource, RecordsError

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_socrata.client.column_definitions import ColumnDefinition


def creating(columns: tuple[ColumnDefinition, ...], identifier: str | None) -> Creating:
    return Creating(NewDataset("stops", "Stops", columns, identifier))


def importing(path: Path, text: str, **more: Any) -> ImportingDataset:
    path.write_text(text)
    return ImportingDataset(creating, Importing("make", FileSource(str(path))), **more)


def seen(wanted: ImportingDataset, *kinds: str) -> tuple[ColumnDefinition, ...]:
    """The columns where the portal suggests these types."""
    counted = count_file(wanted.importing)
    assert counted is not None
    check_before_sending(wanted, counted)
    scanned = tuple(ScannedColumn(name, kind) for name, kind in zip(counted.names, kinds, strict=True))
    return columns_of(Sent(Scan("file", 1, scanned), counted, 1), wanted)


def test_codes_stay_text_although_the_portal_sees_numbers(tmp_path: Path) -> None:
    text = "Zip,Code,n\n98101,007,0.5\n00501,8,10\n"
    wanted = importing(tmp_path / "a.csv", text, types={"Code": "number"})
    kinds = {column.field_name: column.data_type for column in seen(wanted, "number", "number", "number")}
    assert kinds == {"zip": "text", "code": "number", "n": "number"}


def test_each_column_of_a_file_fills_its_own_field(tmp_path: Path) -> None:
    wanted = importing(tmp_path / "a.csv", "A,a,a_2,\n1,2,3,4\n")
    columns = seen(wanted, *["number"] * 4)
    names = [column.field_name for column in columns]
    assert names == ["a", "a_2", "a_2_2", "column"]
    schema = DatasetSchema(tuple(DatasetColumn(name, name, "number") for name in reversed(names)))
    how = by_name(wanted, ("A", "a", "a_2", ""), columns)
    assert fitting(schema, ("A", "a", "a_2", ""), how).outputs == ("col4", "col3", "col2", "col1")


STOP_ID = [{"field_name": "id", "data_type": "text"}]


@pytest.mark.parametrize(
    ("name", "text", "more", "words"),
    [
        ("a.csv", "a,b,a\n1,2,3\n", {}, "names this column twice"),
        ("a.csv", "a;b\n1;2\n", {}, "one column, 'a;b': the import API wants commas"),
        ("a.csv", "id,b\n1,2\n", {"columns": STOP_ID}, "column 'b': the dataset has no such field"),
        ("a.csv", "b\n1\n", {"columns": STOP_ID, "row_identifier": "id"}, "'b'"),
        ("a.csv", "id\n1\n", {"types": {"id": "nummer"}}, "no type 'nummer'; did you mean 'number'"),
        ("a.csv", "id\n1\n", {"types": ["text"]}, "types is column to data type"),
        ("a.csv", "id\n1\n", {"types": {"it": "text"}}, "types names 'it'"),
        ("a.csv", "id\n1\n", {"row_identifier": "it"}, "the row identifier 'it' is no column"),
        ("a.xlsx", "PK", {"types": {"id": "nummer"}}, "no type 'nummer'"),
        ("a.geojson", "{}", {}, "give the columns of a dataset of shapes"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_sent(
    name: str, text: str, more: dict[str, Any], words: str, tmp_path: Path
) -> None:
    wanted = importing(tmp_path / name, text, **more)
    with pytest.raises((ConfigurationError, RecordsError), match=words):
        check_before_sending(wanted, count_file(wanted.importing))
