"""Which guards stand, and the one that needs the dataset only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from airflow_socrata.records.errors import SchemaError

if TYPE_CHECKING:
    from airflow_socrata.records.schema import DatasetSchema

__all__ = ["Guards", "require_row_identifier"]


@dataclass(frozen=True, slots=True)
class Guards:
    """What is checked before a row is sent.

    :param row_by_row: look into every row: number of cells, row identifier, dates, numbers. Off, what stays
        is what keeps rows whole: header, quotes, encoding, and ``:deleted``
    :param require_row_identifier: refuse a dataset that has no row identifier
    :param extra_columns: columns that the dataset lacks are an error, or are left out
    """

    row_by_row: bool = True
    require_row_identifier: bool = True
    extra_columns: Literal["error", "ignore"] = "error"

    def __post_init__(self) -> None:
        if self.extra_columns not in {"error", "ignore"}:
            raise ValueError(f"extra_columns is 'error' or 'ignore', not {self.extra_columns!r}")


def require_row_identifier(schema: DatasetSchema, guards: Guards) -> None:
    """Refuse a dataset without a row identifier, unless told otherwise.

    :raises SchemaError: it has none, or names a field that it lacks
    """
    identifier = schema.row_identifier
    if identifier is None and guards.require_row_identifier:
        raise SchemaError(
            "the dataset has no row identifier, so every row sent would be added as a new one, also when it "
            "is sent again; set a row identifier on the dataset, or say require_row_identifier=False"
        )
    if identifier is not None and schema.column(identifier) is None:
        raise SchemaError(f"the row identifier {identifier!r} is none of the dataset's fields")
