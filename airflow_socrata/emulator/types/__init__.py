"""Column types: which names there are, what comes in and what goes out."""

from airflow_socrata.emulator.types.names import BadValue, canonical_type, is_numeric, soda_type
from airflow_socrata.emulator.types.reading import from_csv, from_json
from airflow_socrata.emulator.types.writing import csv_writer, json_writer

__all__ = [
    "BadValue",
    "canonical_type",
    "csv_writer",
    "from_csv",
    "from_json",
    "is_numeric",
    "json_writer",
    "soda_type",
]
