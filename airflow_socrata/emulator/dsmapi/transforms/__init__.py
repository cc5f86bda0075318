"""The language of transforms: expressions that make output columns of a file's input columns."""

from airflow_socrata.emulator.dsmapi.transforms.errors import CellError, CompileError
from airflow_socrata.emulator.dsmapi.transforms.running import (
    Transform,
    compile_transform,
    default_expr,
    evaluate_rows,
)
from airflow_socrata.emulator.dsmapi.transforms.values import Value, from_json_value, to_json_value

__all__ = [
    "CellError",
    "CompileError",
    "Transform",
    "Value",
    "compile_transform",
    "default_expr",
    "evaluate_rows",
    "from_json_value",
    "to_json_value",
]
