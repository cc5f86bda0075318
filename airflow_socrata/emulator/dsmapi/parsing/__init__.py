"""Uploaded files: from bytes to columns with guessed types and rows of cells."""

from airflow_socrata.emulator.dsmapi.parsing.formats import parse_file
from airflow_socrata.emulator.dsmapi.parsing.model import (
    Cell,
    InputColumn,
    Layer,
    ParsedFile,
    RowError,
    UnparsableFile,
)
from airflow_socrata.emulator.dsmapi.parsing.options import ParseOptions

__all__ = [
    "Cell",
    "InputColumn",
    "Layer",
    "ParseOptions",
    "ParsedFile",
    "RowError",
    "UnparsableFile",
    "parse_file",
]
