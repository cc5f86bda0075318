"""Sources of a revision, and the schemas that their files are read into. Frozen, tolerant of absent keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.links import Links
from airflow_socrata.client.messages import UnreadableReply
from airflow_socrata.client.parsing import integer, mapping, objects, one_line, strings, text

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class FailureDetails:
    """Why a source or a transform has failed, in the portal's words.

    :param key: the portal's code, e.g. ``unparsable_file``.
    """

    message: str
    key: str | None = None

    def __str__(self) -> str:
        return one_line(f"{self.key}: {self.message}" if self.key else self.message)

    @classmethod
    def of(cls, details: Any) -> FailureDetails:
        """Read ``failure_details``."""
        if isinstance(details, str) and details:
            return cls(details)
        body = mapping(details)
        return cls(
            text(body.get("message")) or "no reason given", text(body.get("key")) or text(body.get("type"))
        )


@dataclass(frozen=True, slots=True)
class Transform:
    """How one output column is made.

    :param expr: SoQL over input columns in back-ticks, e.g. ``to_number(`id`)``.
    :param output_type: type that the portal infers.
    :param failure: why the portal could not run it; cells that do not fit are no failure.
    :param error_count: cells that do not fit, or None while it runs.
    """

    id: int | None
    expr: str
    output_type: str | None = None
    failed_at: str | None = None
    failure: FailureDetails | None = None
    error_count: int | None = None
    completed_at: str | None = None
    finished_at: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Transform:
        """Read a transform object."""
        failed_at = text(body.get("failed_at"))
        return cls(
            id=integer(body.get("id")),
            expr=text(body.get("transform_expr")) or "",
            output_type=text(body.get("output_soql_type")),
            failed_at=failed_at,
            failure=FailureDetails.of(body.get("failure_details")) if failed_at else None,
            error_count=integer(body.get("error_count")),
            completed_at=text(body.get("completed_at")),
            finished_at=text(body.get("finished_at")),
            raw=body,
        )


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """One column that a revision gives the dataset."""

    id: int | None
    field_name: str
    display_name: str
    position: int | None
    transform: Transform
    description: str = ""
    format: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    is_primary_key: bool = False
    initial_output_column_id: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> OutputColumn:
        """Read an output column object."""
        field_name = text(body.get("field_name")) or ""
        return cls(
            id=integer(body.get("id")),
            field_name=field_name,
            display_name=text(body.get("display_name")) or field_name,
            position=integer(body.get("position")),
            transform=Transform.from_json(mapping(body.get("transform"))),
            description=text(body.get("description")) or "",
            format=mapping(body.get("format")),
            flags=tuple(sorted(strings(body.get("flags")))),
            is_primary_key=body.get("is_primary_key") is True,
            initial_output_column_id=integer(body.get("initial_output_column_id")),
            raw=body,
        )


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """The rows of a file as the dataset will have them. Immutable: every change makes a new one.

    :param columns: in order of their position.
    :param total_rows: None while it is not known.
    :param error_count: cells that do not fit their column's type; their rows are applied without them.
    :param completed_at: when all transforms were done.
    """

    id: int
    input_schema_id: int | None = None
    total_rows: int | None = None
    error_count: int | None = None
    completed_at: str | None = None
    finished_at: str | None = None
    sort_bys: tuple[Mapping[str, Any], ...] = ()
    columns: tuple[OutputColumn, ...] = ()
    links: Links = field(default_factory=Links, repr=False, compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_complete(self) -> bool:
        """Whether all transforms are done."""
        return self.completed_at is not None

    @property
    def failed_columns(self) -> tuple[OutputColumn, ...]:
        """Columns whose transform the portal could not run."""
        return tuple(column for column in self.columns if column.transform.failed_at is not None)

    @property
    def row_identifier(self) -> str | None:
        """Field name of the column that identifies rows, or None."""
        return next((column.field_name for column in self.columns if column.is_primary_key), None)

    def column(self, field_name: str) -> OutputColumn | None:
        """Return the column of this field name, or None."""
        return next((column for column in self.columns if column.field_name == field_name), None)

    @classmethod
    def from_json(cls, body: Mapping[str, Any], links: Links) -> OutputSchema:
        """Read an output schema object.

        :raises UnreadableReply: if it has no id.
        """
        columns = [OutputColumn.from_json(item) for item in objects(body.get("output_columns"))]
        return cls(
            id=number(body, "id", "output schema"),
            input_schema_id=integer(body.get("input_schema_id")),
            total_rows=integer(body.get("total_rows")),
            error_count=integer(body.get("error_count")),
            completed_at=text(body.get("completed_at")),
            finished_at=text(body.get("finished_at")),
            sort_bys=objects(body.get("sort_bys")),
            columns=tuple(sorted(columns, key=lambda column: column.position or 0)),
            links=links,
            raw=body,
        )


@dataclass(frozen=True, slots=True)
class InputColumn:
    """One column as it stands in a file."""

    id: int | None
    field_name: str
    display_name: str
    position: int | None
    soql_type: str | None = None
    guessed_type: str | None = None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> InputColumn:
        """Read an input column object."""
        field_name = text(body.get("field_name")) or ""
        return cls(
            id=integer(body.get("id")),
            field_name=field_name,
            display_name=text(body.get("display_name")) or field_name,
            position=integer(body.get("position")),
            soql_type=text(body.get("soql_type")),
            guessed_type=text(body.get("guessed_soql_type")),
        )


@dataclass(frozen=True, slots=True)
class InputSchema:
    """The columns of a file, or of one sheet or layer of it.

    :param name: of the sheet or layer, or None.
    :param total_rows: None while the file is being parsed.
    :param row_errors: rows with too many or too few cells.
    """

    id: int
    name: str | None = None
    total_rows: int | None = None
    row_errors: int | None = None
    columns: tuple[InputColumn, ...] = ()
    output_schemas: tuple[OutputSchema, ...] = ()
    links: Links = field(default_factory=Links, repr=False, compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def latest_output_schema(self) -> OutputSchema | None:
        """The output schema of the greatest id among those told here."""
        return max(self.output_schemas, key=lambda schema: schema.id, default=None)

    def output_links(self, output_schema_id: int) -> Links:
        """Links of one of its output schemas."""
        return self.links.group("output_schema_links", output_schema_id=output_schema_id)

    @classmethod
    def from_json(cls, body: Mapping[str, Any], links: Links) -> InputSchema:
        """Read an input schema object.

        :raises UnreadableReply: if it, or an output schema in it, has no id.
        """
        schema_id = number(body, "id", "input schema")
        columns = [InputColumn.from_json(item) for item in objects(body.get("input_columns"))]
        return cls(
            id=schema_id,
            name=text(body.get("name")),
            total_rows=integer(body.get("total_rows")),
            row_errors=integer(body.get("num_row_errors")),
            columns=tuple(sorted(columns, key=lambda column: column.position or 0)),
            output_schemas=tuple(
                OutputSchema.from_json(
                    item,
                    links.group("output_schema_links", output_schema_id=number(item, "id", "output schema")),
                )
                for item in objects(body.get("output_schemas"))
            ),
            links=links,
            raw=body,
        )


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of a revision come from: an uploaded file, a URL, a view.

    :param type: ``upload``, ``url``, ``view`` or ``connection_agent``.
    :param finished_at: when all bytes were parsed.
    :param loaded: for a view: whether its rows were read, or None where not told.
    :param input_schemas: one for a table, more for a workbook or a map; they may come before ``finished_at``.
    """

    id: int
    type: str | None = None
    filename: str | None = None
    content_type: str | None = None
    filesize: int | None = None
    created_at: str | None = None
    finished_at: str | None = None
    failed_at: str | None = None
    failure: FailureDetails | None = None
    input_schemas: tuple[InputSchema, ...] = ()
    parse_options: Mapping[str, Any] = field(default_factory=dict)
    loaded: bool | None = None
    links: Links = field(default_factory=Links, repr=False, compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_finished(self) -> bool:
        """Whether all bytes were parsed."""
        return self.finished_at is not None

    @property
    def has_failed(self) -> bool:
        """Whether the portal could not read the file."""
        return self.failed_at is not None

    @property
    def latest_input_schema(self) -> InputSchema | None:
        """The input schema of the greatest id."""
        return max(self.input_schemas, key=lambda schema: schema.id, default=None)

    def schema_links(self, input_schema_id: int) -> Links:
        """Links of one of its input schemas."""
        return self.links.group("input_schema_links", input_schema_id=input_schema_id)

    @classmethod
    def from_json(cls, body: Mapping[str, Any], links: Links) -> Source:
        """Read a source object.

        :raises UnreadableReply: if it, or a schema in it, has no id.
        """
        kind = mapping(body.get("source_type"))
        failed_at = text(body.get("failed_at"))
        loaded = body.get("loaded", kind.get("loaded"))
        return cls(
            id=number(body, "id", "source"),
            type=text(kind.get("type")),
            filename=text(kind.get("filename")),
            content_type=text(body.get("content_type")),
            filesize=integer(body.get("filesize")),
            created_at=text(body.get("created_at")),
            finished_at=text(body.get("finished_at")),
            failed_at=failed_at,
            failure=FailureDetails.of(body.get("failure_details")) if failed_at else None,
            input_schemas=tuple(
                InputSchema.from_json(
                    item,
                    links.group("input_schema_links", input_schema_id=number(item, "id", "input schema")),
                )
                for item in objects(body.get("schemas"))
            ),
            parse_options=mapping(body.get("parse_options")),
            loaded=loaded if isinstance(loaded, bool) else None,
            links=links,
            raw=body,
        )


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What the portal allows a chunked upload: both numbers are maxima.

    :param chunk_size: bytes of one chunk.
    :param parallelism: chunks on their way at the same time.
    """

    chunk_size: int
    parallelism: int


def number(body: Mapping[str, Any], key: str, what: str) -> int:
    """Return the number ``key`` of an object.

    :raises UnreadableReply: if it has none.
    """
    value = integer(body.get(key))
    if value is None:
        raise UnreadableReply(f"the {what} has no {key}")
    return value
