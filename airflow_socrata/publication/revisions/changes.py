"""What an upload makes of the columns of a file: which sheet, which transforms, which row identifier."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_socrata.client import column_specs, schemas
from airflow_socrata.client.column_specs import OutputColumnSpec
from airflow_socrata.publication.errors import RowIdentifierRefused, SourceFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_socrata.client.column_specs import Specs
    from airflow_socrata.client.source_models import InputSchema, OutputSchema, Source
    from airflow_socrata.publication.publisher import Publisher


@dataclass(frozen=True, slots=True)
class ColumnChanges:
    """Changes to the columns that the portal gives a file by itself.

    :param transforms: field name to expression; a field that is not there yet becomes a column.
    :param drop: field names of columns to leave out.
    :param names: field name to display name, for columns that are changed or added.
    :param row_identifier: field name of the column that identifies rows.
    """

    transforms: Mapping[str, str] = field(default_factory=dict)
    drop: Sequence[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    row_identifier: str | None = None

    @property
    def any(self) -> bool:
        """Whether there is a change beside the row identifier."""
        return bool(self.transforms or self.drop or self.names)

    def onto(self, output: OutputSchema) -> Specs:
        """Return all columns of the changed output schema.

        :raises ConfigurationError: a column to drop or to name does not exist.
        """
        columns = column_specs.specs(output.columns)
        for name in self.drop:
            columns = column_specs.without_column(columns, name)
        for name, expression in self.transforms.items():
            if any(column.field_name == name for column in columns):
                columns = column_specs.with_expression(columns, name, expression)
            else:
                added = OutputColumnSpec(name, self.names.get(name, name), expression)
                columns = column_specs.with_column(columns, added)
        for name, display_name in self.names.items():
            columns = column_specs.renamed(columns, name, display_name=display_name)
        return columns


def choose_layer(source: Source, layer: str | int | None) -> InputSchema:
    """Return the sheet or layer of a file that is to be published.

    :param layer: its name, or its place from 0; ``None`` where the file has one.
    :raises SourceFailed: there is no such layer, or there are several and none was named.
    """
    layers = sorted(source.input_schemas, key=lambda schema: schema.id)
    names = [schema.name or str(place) for place, schema in enumerate(layers)]
    where = f"{source.filename or source.id} has the sheets or layers {', '.join(map(repr, names))}"
    if isinstance(layer, str):
        found = [schema for schema in layers if schema.name == layer]
        if not found:
            near = difflib.get_close_matches(layer, names, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise SourceFailed(f"{where}, and no {layer!r}{hint}.")
        return found[-1]
    if layer is not None and not 0 <= layer < len(layers):
        raise SourceFailed(f"{where}, and none at place {layer}.")
    if layer is None and len({schema.name for schema in layers}) > 1:
        raise SourceFailed(f"{where}; say which one is meant (layer=...).")
    return layers[-1 if layer is None else layer]


def change_columns(
    publisher: Publisher, schema: InputSchema, output: OutputSchema, changes: ColumnChanges
) -> OutputSchema:
    """Make a new output schema with changed transforms.

    :raises TransformRefused: an expression does not compile; the error names the column and the position.
    """
    made: OutputSchema = publisher.send(schemas.create_output(schema, changes.onto(output), output.sort_bys))
    publisher.log(f"Output schema {made.id}: {', '.join(changes.transforms) or 'columns'} changed.")
    return made


def set_row_identifier(
    publisher: Publisher, schema: InputSchema, output: OutputSchema, field_name: str
) -> OutputSchema:
    """Make a column the row identifier, after the portal has looked that its values are whole and unique.

    :param output: complete.
    :raises RowIdentifierRefused: names the first value that is not.
    """
    columns = column_specs.with_row_identifier(output.columns, field_name)
    column = output.column(field_name)
    if column is None or column.is_primary_key or column.transform.id is None:
        return output
    check = publisher.send(schemas.validate_row_identifier(output, column.transform.id))
    if not check.valid:
        raise RowIdentifierRefused(
            f"{field_name} cannot identify rows: {check}; nothing was published. Mend the file, or choose"
            " another column."
        )
    made: OutputSchema = publisher.send(schemas.create_output(schema, columns, output.sort_bys))
    return made
