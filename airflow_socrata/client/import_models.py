"""What the import API tells of a file, and what it is told to make of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.column_definitions import DATA_TYPES as KNOWN_TYPES
from airflow_socrata.client.column_definitions import canonical_type, nearest
from airflow_socrata.client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ScannedColumn:
    """What the portal makes of one column of a file.

    :param suggestion: the type that it suggests.
    :param processed: rows that it has looked at.
    :param types: type to how many cells would do for it; which types there are varies from portal to portal.
    """

    name: str
    suggestion: str
    processed: int | None = None
    types: Mapping[str, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Scan:
    """A file that the portal keeps, and what it makes of it.

    :param headers: rows above the data.
    :param sample: the first rows, headers included.
    """

    file_id: str
    headers: int
    columns: tuple[ScannedColumn, ...]
    sample: tuple[tuple[str, ...], ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True, slots=True)
class ShapeLayer:
    """One layer of a file of shapes.

    :param reference_system: e.g. ``EPSG:4326``; "" where the portal does not tell.
    :param replacing: 4x4 of the view whose shapes it replaces.
    """

    name: str
    layer_id: int | None = None
    reference_system: str = ""
    replacing: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The layer in a blueprint."""
        body = {
            "layerId": self.layer_id,
            "name": self.name,
            "referenceSystem": self.reference_system,
            "replacingUid": self.replacing,
        }
        return {key: value for key, value in body.items() if value not in (None, "")}


@dataclass(frozen=True, slots=True)
class ShapeScan:
    """A file of shapes that the portal keeps."""

    file_id: str
    layers: tuple[ShapeLayer, ...]
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class BlueprintColumn:
    """A column of a dataset that an import makes.

    :param data_type: a type of columns by the portal's name, e.g. ``calendar_date``.
    """

    name: str
    data_type: str


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What an import shall make of a file.

    :param columns: in the order of the file, or of the translation's outputs.
    :param skip: rows above the data.
    :param name: of the dataset; None: the file's name.
    :raises ConfigurationError: there are no columns, one has no name, or its type is unknown.
    """

    columns: tuple[BlueprintColumn, ...]
    skip: int = 1
    name: str | None = None

    def __post_init__(self) -> None:
        if not self.columns:
            raise ConfigurationError("the blueprint has no columns: a dataset has at least one")
        for column in self.columns:
            if not column.name.strip():
                raise ConfigurationError(f"a column of the blueprint has no name: {column!r}")
            if canonical_type(column.data_type) is None:
                hint = nearest(column.data_type, KNOWN_TYPES)
                raise ConfigurationError(
                    f"column {column.name!r} of the blueprint: there is no type {column.data_type!r}{hint}"
                )

    @classmethod
    def of(cls, scan: Scan, name: str | None = None) -> Blueprint:
        """Take what the portal suggests."""
        columns = tuple(BlueprintColumn(column.name, column.suggestion) for column in scan.columns)
        return cls(columns, scan.headers, name)

    def to_json(self) -> dict[str, Any]:
        """The blueprint as the portal wants it."""
        columns = [{"name": column.name, "datatype": column.data_type} for column in self.columns]
        body: dict[str, Any] = {"columns": columns, "skip": self.skip}
        return body if self.name is None else body | {"name": self.name}
