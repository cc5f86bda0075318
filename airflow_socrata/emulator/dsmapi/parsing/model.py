"""What a parsed file is: layers, their columns, their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Text as it stands in the file, a geometry as GeoJSON object, or null.
Cell = str | dict[str, Any] | None
Row = tuple[Cell, ...]


class UnparsableFile(Exception):
    """A file that cannot be read as what it says it is.

    :param message: becomes one line.
    """

    key = "unparsable_file"

    def __init__(self, message: str) -> None:
        self.message = " ".join(message.split())
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class InputColumn:
    """A column of a file.

    :param position: from 1.
    :param guessed_type: the type that all of its cells fit, in the view's names.
    :param soql_type: the type of the cells as they come: ``text``, or the geometry's type.
    """

    field_name: str
    display_name: str
    position: int
    guessed_type: str
    soql_type: str = "text"


@dataclass(frozen=True, slots=True)
class RowError:
    """A row with too many or too few cells; it is left out.

    :param offset: the row's number in the file, from 0 below the header.
    """

    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class Layer:
    """One table of a file.

    :param name: the sheet's, folder's or shape file's name; None where a file is one table.
    :param rows: gives the rows anew at each call, in the order of ``columns``.
    :param total_rows: how many rows ``rows`` gives.
    """

    name: str | None
    columns: tuple[InputColumn, ...]
    rows: Callable[[], Iterator[Row]]
    total_rows: int
    row_errors: tuple[RowError, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A file's layers.

    :param encoding: the encoding that the text was read in, given or guessed; None for binary formats.
    """

    format: str
    layers: tuple[Layer, ...]
    encoding: str | None = None
