"""The columns of a dataset that is made of a file: as told, or as the portal sees the file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_socrata.client.column_definitions import (
    ColumnDefinition,
    canonical_type,
    check_definitions,
    field_names_of,
    guessed_columns,
    told_types,
)
from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.import_models import Scan
from airflow_socrata.publication.importing import fitting
from airflow_socrata.publication.row_values import NUMBERS
from airflow_socrata.records import DatasetColumn, DatasetSchema, RecordsError, SchemaError
from airflow_socrata.records.inference import columns_of_codes, other_delimiter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_socrata.publication.importing_datasets import ImportingDataset
    from airflow_socrata.publication.importing_files import Importing, Sent
    from airflow_socrata.records.counting import TableCount


def check_before_sending(wanted: ImportingDataset, counted: TableCount | None) -> None:
    """Check all that can be known before a file is sent and a draft is made.

    :param counted: None where the file is read by the portal alone.
    :raises ConfigurationError: a type does not exist, a name is no column, the dataset cannot be as wanted.
    :raises RecordsError: the file's columns do not fit.
    """
    identifier = wanted.row_identifier
    if wanted.columns is not None:
        columns = check_definitions(wanted.columns)
    elif wanted.importing.has_shapes:
        raise ConfigurationError(
            "give the columns of a dataset of shapes: the portal does not tell them beforehand"
        )
    elif wanted.importing.translation is not None:
        raise ConfigurationError("with a translation give the columns that it fills")
    elif counted is not None:
        _check_header(wanted.importing, counted)
        columns = _as_seen(counted.names, ["text"] * len(counted.names), wanted)
    else:
        kinds = dict.fromkeys(told_types(wanted.types).values())
        stand_ins = [ColumnDefinition(f"_{place}", kind) for place, kind in enumerate(kinds)]
        columns, identifier = check_definitions([*stand_ins, ColumnDefinition("column", "text")]), None
    wanted.creating(columns, identifier)
    if counted is not None:
        seen = tuple(DatasetColumn(each.field_name, each.display_name, each.data_type) for each in columns)
        fitting(DatasetSchema(seen, identifier), counted.names, by_name(wanted, counted.names, columns))


def _check_header(importing: Importing, counted: TableCount) -> None:
    other = other_delimiter(counted.names, "\t" if importing.source.kind == "tsv" else ",")
    if other is not None:
        raise SchemaError(
            f"the header has one column, {counted.names[0]!r}: the import API wants commas (tabs in .tsv),"
            f" not {other!r}; if it is one, give columns",
            source=importing.source.name,
        )


def columns_of(sent: Sent, wanted: ImportingDataset) -> tuple[ColumnDefinition, ...]:
    """Return the columns of the dataset: as told, or as the portal sees the file.

    Where the portal suggests numbers, columns of digits with leading zeros are text all the same.

    :raises ConfigurationError: a type does not exist, or ``types`` names no column.
    """
    if wanted.columns is not None or not isinstance(sent.scan, Scan):
        return check_definitions(wanted.columns or ())
    if len(sent.names) != len(sent.scan.columns):
        raise RecordsError("the portal sees other columns", source=wanted.importing.source.name)
    kinds = [canonical_type(scanned.suggestion) or "text" for scanned in sent.scan.columns]
    if sent.counted is not None and NUMBERS.intersection(kinds):
        codes = columns_of_codes(wanted.importing.source)
        kinds = ["text" if at in codes and kind in NUMBERS else kind for at, kind in enumerate(kinds)]
    return _as_seen(sent.names, kinds, wanted)


def _as_seen(
    names: Sequence[str], kinds: Sequence[str], wanted: ImportingDataset
) -> tuple[ColumnDefinition, ...]:
    return guessed_columns(names, kinds, wanted.types, wanted.importing.filename)


def by_name(wanted: ImportingDataset, names: Sequence[str], columns: Sequence[ColumnDefinition]) -> Importing:
    """Return how to import a file with these names: which of them fill fields that are named otherwise."""
    known = {column.field_name for column in columns}
    fields = dict(zip(names, field_names_of(names), strict=True))
    if wanted.columns is not None:
        fields = {name: field for name, field in fields.items() if field in known and name not in known}
    return replace(wanted.importing, columns={**fields, **(wanted.importing.columns or {})})
