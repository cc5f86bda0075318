"""Names of uploaded files: unique to one upload, and they tell whose data they are.

There is no private metadata on these portals, so the name of the file that a resource takes its records from
is what tells a newer run of the same DAG.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_socrata.publication.operation import Operation

_LONGEST_STEM = 80
_OURS = re.compile(
    r"[-_](?P<series>[0-9a-f]{8})[-_](?P<order>\d{20})[-_](?P<key>[0-9a-f]{12})[-_][0-9a-f]{6}(?:\.|$|_)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class NamedFile:
    """What the name of a file of ours tells.

    :param series: of one task of one DAG, whatever the run.
    :param order: of the run, digits of an instant; zeros where the run has none.
    :param key: of the operation, its beginning.
    """

    series: str
    order: str
    key: str


def series_of(operation: Operation) -> str:
    """Return a short name for all runs of one task (8 hex digits)."""
    text = "\0".join((operation.dag_id, operation.task_id, str(operation.map_index)))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def order_of(operation: Operation) -> str:
    """Return the order of a run as 20 digits, which sort as the instants do."""
    try:
        moment = datetime.fromisoformat(operation.order)
    except ValueError:
        return "0" * 20
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S%f").rjust(20, "0")


def file_name(operation: Operation, name: str, nonce: str) -> str:
    """Return the name under which an operation uploads a file.

    :param name: of the file at home.
    :param nonce: 6 hex digits, anew for each upload: one that is late never overwrites another.
    """
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem:
        stem, extension = name, ""
    stem = stem[:_LONGEST_STEM]
    ours = f"{stem}-{series_of(operation)}-{order_of(operation)}-{operation.key[:12]}-{nonce}"
    return f"{ours}.{extension}" if extension else ours


def read_name(filename: str | None) -> NamedFile | None:
    """Read the name of a file; ``None`` if it is none of ours."""
    found = _OURS.search(filename or "")
    if found is None:
        return None
    return NamedFile(found["series"].lower(), found["order"], found["key"].lower())
