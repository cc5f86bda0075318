"""Rows by the import API: a whole file is sent once, the portal reads it, and the result is counted.

An import is never sent a second time into the same view: whether the first one runs, or will, is not known
once its reply is lost. The caller makes a fresh working copy or draft instead, which the lost import cannot
reach.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any, Literal, TypeVar

from airflow_socrata.client import Accepted, Interrupted, PortalError, View, imports, views
from airflow_socrata.client.column_definitions import field_name_of
from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.import_models import Scan, ShapeLayer, ShapeScan
from airflow_socrata.client.multipart import Multipart
from airflow_socrata.client.translations import Translation, straight_translation
from airflow_socrata.publication.errors import HandleMismatch, NotPublishable, RowCountMismatch, RowsRefused
from airflow_socrata.publication.handle import Load
from airflow_socrata.publication.loading import MOST_STARTS, schema_of
from airflow_socrata.publication.reopening import reopen
from airflow_socrata.publication.waits import ended_job
from airflow_socrata.records import RecordsError, compare
from airflow_socrata.records.compression import BLOCK_BYTES, GZIP_MAGIC
from airflow_socrata.records.counting import TableCount, count_table
from airflow_socrata.records.reading import is_utf8, text_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_socrata.client import Call
    from airflow_socrata.publication.choices import Mode
    from airflow_socrata.publication.handle import Handle
    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.records.source import FileSource

T = TypeVar("T")

#: How the import API knows what a file is: by the end of its name.
TEXTS = (".csv", ".txt", ".tsv", ".tab")
SHEETS = (".xls", ".xlsx")
SHAPES = (".zip", ".kml", ".kmz", ".geojson", ".shp")


@dataclass(frozen=True, slots=True)
class Importing:
    """How to import a file.

    :param task_id: the task, for the summary.
    :param source: the file.
    :param mode: ``append`` to the rows that are there, or ``replace`` them.
    :param translation: None: columns are matched by their names.
    :param columns: source column to field name, where they differ by more than being a display name.
    :param extra_columns: ``error`` or ``ignore`` columns that the dataset lacks.
    :param skip: rows above the data; None: one in texts, else as many as the portal finds.
    :param layer: name of the layer of a file of shapes; None: it has but one.
    :param max_row_errors: rows that the portal may leave out.
    :param timeout: seconds for the scan, the import, and the replicas, each.
    """

    task_id: str
    source: FileSource
    mode: Mode = "replace"
    translation: Translation | None = None
    columns: Mapping[str, str] | None = None
    extra_columns: Literal["error", "ignore"] = "error"
    skip: int | None = None
    layer: str | None = None
    max_row_errors: int = 0
    timeout: float = 3600.0

    @property
    def filename(self) -> str:
        """The file's name for the portal, which unpacks nothing."""
        name = self.source.name.rstrip("/").rpartition("/")[2]
        return name[:-3] if name.lower().endswith(".gz") else name

    @property
    def is_text(self) -> bool:
        """Whether the rows can be counted here."""
        return self.source.format.format in {"csv", "tsv"} or self.filename.lower().endswith(TEXTS)

    @property
    def has_shapes(self) -> bool:
        """Whether it is a file of shapes."""
        return self.filename.lower().endswith(SHAPES)

    def check(self) -> None:
        """Check what can be known without opening the file.

        :raises RecordsError: the import API does not read such files.
        :raises ConfigurationError: a setting does not go with the file.
        """
        if not (self.is_text or self.has_shapes or self.filename.lower().endswith(SHEETS)):
            known = ", ".join((*TEXTS, *SHEETS, *SHAPES))
            raise RecordsError(f"the import API reads files named {known}", source=self.source.name)
        if self.has_shapes and (self.mode == "append" or self.translation is not None):
            raise ConfigurationError("shapes are replaced as a whole: no mode='append', no translation")
        if self.skip not in {None, 1} and self.is_text and self.translation is None:
            raise ConfigurationError(
                "columns are matched by the names in the first row: with another skip give a translation"
            )


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that the portal keeps.

    :param counted: what was counted here; None where that is left to the portal.
    """

    scan: Scan | ShapeScan
    counted: TableCount | None
    size: int

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        if self.counted is not None:
            return self.counted.names
        return self.scan.names if isinstance(self.scan, Scan) else ()


class ImportDoubtful(Exception):
    """An import may have been carried out, or may yet be; the caller starts over with a fresh view."""

    def __init__(self, view: str, cause: PortalError) -> None:
        super().__init__(f"The import into {view} may have landed: {cause}")
        self.cause = cause


def send_file(publisher: Publisher, importing: Importing) -> Sent:
    """Read a file to its end, send it, and wait for the portal's scan.

    :raises RecordsError: it cannot be read, is empty, or has no rows.
    """
    importing.check()
    counted = count_table(importing.source) if importing.is_text else None
    if counted is not None and not counted.rows:
        raise RecordsError("the file has a header and no rows", source=importing.source.name)
    with _upload_of(importing) as file:
        size = file.size
        call: Call[Any] = imports.scan_shapes(file) if importing.has_shapes else imports.scan(file)
        scan: Scan | ShapeScan = ended(publisher, call, importing.timeout)
    if isinstance(scan, Scan):
        _check_width(importing, scan, counted)
        rows = "" if counted is None else f" ({counted.rows:,} rows)"
        publisher.log(f"The portal keeps {importing.filename}{rows}: {len(scan.columns)} columns.")
    return Sent(scan, counted, size)


def _check_width(importing: Importing, scan: Scan, counted: TableCount | None) -> None:
    if counted is not None and len(counted.names) != len(scan.columns):
        raise RecordsError(
            f"it has {len(counted.names)} columns here, and the portal sees {len(scan.columns)}: the import"
            " API wants UTF-8, commas (tabs in .tsv) and double quotes",
            source=importing.source.name,
        )


def ended(publisher: Publisher, call: Call[T | Accepted], timeout: float) -> T:
    """Send a call and follow its ticket to the end."""
    answer = publisher.send(call)
    if not isinstance(answer, Accepted):
        return answer
    publisher.log(f"The portal has accepted it ({call.summary}) and is at work.")
    return publisher.wait(ended_job(call, answer, publisher.patience(timeout)))


def load_file(
    publisher: Publisher, handle: Handle, importing: Importing, *, alone: bool
) -> tuple[Handle, Load]:
    """Import a file into a working copy; return the copy that holds its rows in the end, and their counts.

    :param handle: of a copy that no import of an earlier try can reach.
    :param alone: no other task loads into it, so that it may be traded for a fresh one.
    :raises HandleMismatch: sheets or shapes beside other loads.
    """
    if not alone and not importing.is_text:
        raise HandleMismatch(
            f"{importing.filename} cannot be counted here, and other tasks load into {handle.working_copy} as"
            " well: nobody could tell whose rows are missing. Give it a publication of its own."
        )
    sent = send_file(publisher, importing)
    for start in range(1, MOST_STARTS + 1):
        before = publisher.count(handle.working_copy, importing.timeout) if alone else None
        view = publisher.send(views.read_view(handle.working_copy))
        try:
            return handle, import_rows(publisher, view, sent, importing, before=before)
        except ImportDoubtful as doubt:
            if not alone or start == MOST_STARTS:
                raise doubt.cause from None
            publisher.log(f"{doubt} Starting over on a fresh working copy ({start} of {MOST_STARTS - 1}).")
            handle = reopen(publisher, handle, importing.timeout)
    raise AssertionError("unreachable: the last start returns or raises")


def import_rows(
    publisher: Publisher, view: View, sent: Sent, importing: Importing, *, before: int | None
) -> Load:
    """Import the file into an unpublished view, and count.

    :param before: rows in the view before; None: others load into it as well.
    :raises ImportDoubtful: the reply was lost; nothing is known of the view any more.
    :raises RowsRefused: the portal left more rows out than allowed.
    """
    if not view.is_unpublished:
        raise NotPublishable(
            f"{view.id} ({view.name}) is {view.publication_stage}: files are imported into working copies"
        )
    view = _without_warnings(publisher, view)
    call = _import_call(view, sent, importing)
    try:
        done = ended(publisher, call, importing.timeout)
    except PortalError as error:
        if error.landing == "unknown" and not isinstance(error, Interrupted):
            raise ImportDoubtful(view.id, error) from error
        raise
    warnings = imports.warnings_of(done)
    _without_warnings(publisher, done)
    for line in warnings[:10]:
        publisher.log(f"Warning of the portal: {line}")
    return _counted(publisher, view, sent, importing, before, warnings)


def _import_call(view: View, sent: Sent, importing: Importing) -> Call[View | Accepted]:
    scan, name = sent.scan, importing.filename
    if isinstance(scan, ShapeScan):
        return imports.replace_shapes(view.id, scan.file_id, name, [_layer(scan, importing)])
    translation = importing.translation or matched(view, sent, importing)
    outputs = sum(1 for column in view.columns if not column.field_name.startswith(":"))
    translation.check(file_columns=len(scan.columns), outputs=outputs)
    skip = importing.skip
    if skip is None:
        skip = 1 if importing.is_text else scan.headers
    ask = imports.append_rows if importing.mode == "append" else imports.replace_rows
    return ask(view.id, scan.file_id, name, skip=skip, translation=translation)


def matched(view: View, sent: Sent, importing: Importing) -> Translation:
    """Return the translation that fills the columns of a view from those of the file, by their names.

    Field names count, display names, and what the portal makes field names of.

    :raises SchemaError: a column of the file, or the row identifier, is not found.
    """
    schema = schema_of(view)
    fields = {column.field_name for column in schema.columns}
    shown = {column.name: column.field_name for column in schema.columns}
    chosen = dict(importing.columns or {})
    for name in sent.names:
        if name not in chosen and name not in fields:
            field = shown.get(name) or field_name_of(name)
            if field in fields:
                chosen[name] = field
    plan = compare(
        sent.names,
        schema,
        chosen,
        extra_columns=importing.extra_columns,
        source=importing.source.name,
        line=1,
    )
    system = [name for name, field in zip(plan.source, plan.fields, strict=True) if (field or "")[:1] == ":"]
    if system:
        raise RecordsError(
            f"the import API takes no column {system[0]!r}: use SocrataUpsertOperator",
            source=importing.source.name,
        )
    places = {field: place for place, field in enumerate(plan.fields, 1) if field is not None}
    wanted = [column.field_name for column in view.columns if not column.field_name.startswith(":")]
    return straight_translation([places.get(name) for name in wanted])


def _layer(scan: ShapeScan, importing: Importing) -> ShapeLayer:
    if importing.layer is None and len(scan.layers) == 1:
        return scan.layers[0]
    named = [layer for layer in scan.layers if layer.name == importing.layer]
    if len(named) != 1:
        names = ", ".join(repr(layer.name) for layer in scan.layers) or "none"
        raise RecordsError(f"say which layer; the file has {names}", source=importing.source.name)
    return named[0]


def _without_warnings(publisher: Publisher, view: View) -> View:
    """Take the warnings of an import out of a view: they are not for the public, and not of this import."""
    if not imports.warnings_of(view):
        return view
    fresh = publisher.send(views.read_view(view.id))
    return publisher.send(views.merged_update(fresh, {"metadata": {"warnings": None}}))


def _counted(
    publisher: Publisher,
    view: View,
    sent: Sent,
    importing: Importing,
    before: int | None,
    warnings: tuple[str, ...],
) -> Load:
    """Count what arrived.

    Rows that are appended by a row identifier may replace others: there the warnings tell what did not
    arrive. In a replacement rows that share an identifier count as left out.
    """
    base = 0 if importing.mode == "replace" else before
    header = 1 if importing.skip is None else importing.skip
    rows = None if sent.counted is None else max(sent.counted.rows + 1 - header, 0)
    lost = len(warnings)
    may_update = view.row_identifier is not None and importing.mode == "append"
    expected = None if base is None or rows is None or may_update else base + rows
    after = publisher.count(view.id, importing.timeout, None if expected is None else expected - lost)
    if expected is not None:
        lost = expected - after
    if lost > importing.max_row_errors:
        details = "; ".join(warnings[:3]) or "the portal does not say which"
        raise RowsRefused(
            f"The portal left out {lost:,} rows of {importing.filename} (allowed:"
            f" max_row_errors={importing.max_row_errors}): {details}."
        )
    if lost < 0:
        raise RowCountMismatch(
            f"{view.id} holds {after:,} rows after the import, but only {expected:,} can have come of"
            f" {importing.filename}: somebody else writes to it; nothing was published."
        )
    if not after:
        raise RowsRefused(f"The portal answered 200 and imported no row of {importing.filename}.")
    created = after - base if base is not None else (rows or 0) - lost
    updated = max(rows - lost - created, 0) if rows is not None and base is not None else 0
    load = Load(
        importing.task_id,
        sent=rows if rows is not None else created + lost,
        created=created,
        updated=updated,
        errors=lost,
        batches=1,
        sent_bytes=sent.size,
        rows_after=after,
    )
    publisher.log(f"{load}.")
    return load if base is not None else replace(load, repeated=load.sent if may_update else lost)


@contextmanager
def _upload_of(importing: Importing) -> Iterator[Multipart]:
    """Give the file as the portal wants it: texts in UTF-8, nothing packed."""
    with ExitStack() as stack:
        source: Any = importing.source.path
        if importing.is_text and (_is_packed(importing.source) or not is_utf8(importing.source)):
            source = _TextStream(text_blocks(importing.source))
            stack.callback(source.close)
        elif not hasattr(source, "open"):
            from pathlib import Path

            source = Path(source)
        kind = "text/csv" if importing.is_text else "application/octet-stream"
        yield stack.enter_context(Multipart(source, filename=importing.filename, content_type=kind))


def _is_packed(source: FileSource) -> bool:
    if source.format.compression != "infer":
        return source.format.compression == "gzip"
    path: Any = source.path
    if not hasattr(path, "open"):
        from pathlib import Path

        path = Path(path)
    opened: IO[bytes] = path.open("rb")
    with opened:
        return opened.read(len(GZIP_MAGIC)) == GZIP_MAGIC


class _TextStream:
    """Blocks of text as a file that cannot seek."""

    def __init__(self, blocks: Any) -> None:
        self._blocks = blocks
        self._held = b""

    def read(self, size: int = BLOCK_BYTES) -> bytes:
        """Give at most so many bytes."""
        while not self._held and size:
            block = next(self._blocks, None)
            if block is None:
                return b""
            self._held = block
        given, self._held = self._held[:size], self._held[size:]
        return given

    def close(self) -> None:
        """Close what is behind it."""
        self._blocks.close()
