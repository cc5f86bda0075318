"""Files for the import API: which ones it reads, what they hold, and how they get there."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from airflow_socrata.client import Accepted, NotFound, imports
from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.import_models import Scan, ShapeScan
from airflow_socrata.client.multipart import Multipart
from airflow_socrata.publication.loading import MOST_STARTS
from airflow_socrata.publication.waits import ended_job
from airflow_socrata.records import RecordsError
from airflow_socrata.records.compression import BLOCK_BYTES
from airflow_socrata.records.counting import TableCount, count_table
from airflow_socrata.records.reading import is_packed, is_utf8, text_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_socrata.client import Call
    from airflow_socrata.client.translations import Translation
    from airflow_socrata.publication.choices import Mode
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


def count_file(importing: Importing) -> TableCount | None:
    """Read a file to its end; None where that is left to the portal.

    :raises RecordsError: it cannot be read, is empty, has no rows, or is nothing that the import API reads.
    """
    importing.check()
    counted = count_table(importing.source) if importing.is_text else None
    if counted is not None and not counted.rows:
        raise RecordsError("the file has a header and no rows", source=importing.source.name)
    return counted


def send_file(publisher: Publisher, importing: Importing, counted: TableCount | None) -> Sent:
    """Send a file, and wait for the portal's scan.

    :param counted: what :func:`count_file` has found.
    """
    with _upload_of(importing) as file:
        size = file.size
        call: Call[Any] = imports.scan_shapes(file) if importing.has_shapes else imports.scan(file)
        scan = _scanned(publisher, call, importing.timeout)
    if isinstance(scan, Scan):
        _check_width(importing, scan, counted)
        rows = "" if counted is None else f" ({counted.rows:,} rows)"
        publisher.log(f"The portal keeps {importing.filename}{rows}: {len(scan.columns)} columns.")
    return Sent(scan, counted, size)


def _scanned(publisher: Publisher, call: Call[Any], timeout: float) -> Scan | ShapeScan:
    """Send a file once more where the end of its scan was told in a lost reply: that harms nothing."""
    for start in range(1, MOST_STARTS + 1):
        try:
            scan: Scan | ShapeScan = ended(publisher, call, timeout)
            return scan
        except NotFound as error:
            if error.landing != "unknown" or start == MOST_STARTS:
                raise
            publisher.log(f"{error.brief}. Sending the file once more.")
    raise AssertionError("unreachable: the last start returns or raises")


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


@contextmanager
def _upload_of(importing: Importing) -> Iterator[Multipart]:
    """Give the file as the portal wants it: texts in UTF-8, nothing packed."""
    with ExitStack() as stack:
        source: Any = importing.source.path
        if importing.is_text and (is_packed(importing.source) or not is_utf8(importing.source)):
            source = _TextStream(text_blocks(importing.source))
            stack.callback(source.close)
        elif not hasattr(source, "open"):
            source = Path(source)
        kind = "text/csv" if importing.is_text else "application/octet-stream"
        yield stack.enter_context(Multipart(source, filename=importing.filename, content_type=kind))


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
