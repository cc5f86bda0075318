"""The rows before and after a run, for each way of publishing."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from portal_harness.publications import OLD_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kill_harness.dag_files import Way

#: What the source shows: five events changed, four new, one over.
SOURCE_ROWS = [
    *({"event_id": f"e{n}", "street": "Háaleitisbraut", "lanes": 90 + n} for n in range(1, 6)),
    {"event_id": "e6", "over": "yes"},
    *({"event_id": f"n{n}", "street": "Laugavegur", "lanes": n} for n in range(1, 5)),
]
#: The ways whose dataset has a row identifier.
KEYED = frozenset({"upsert", "updating revision"})

Rows = list[tuple[str, str, str]]


def comparable(rows: Iterable[dict[str, Any]]) -> Rows:
    """Rows as sorted text, so that a row that is there twice shows."""
    return sorted((row["event_id"], row["street"], str(row["lanes"])) for row in rows)


def new_rows(way: Way) -> Rows:
    """What the public sees when the run has gone live."""
    fresh = {row["event_id"]: row for row in SOURCE_ROWS if "over" not in row}
    if way in {"replace", "replacing revision"}:
        return comparable(fresh.values())
    if way == "appending revision":
        return comparable([*OLD_ROWS, *fresh.values()])
    gone = {"e6"} if way == "upsert" else set()
    kept = {row["event_id"]: row for row in OLD_ROWS if row["event_id"] not in gone}
    return comparable((kept | fresh).values())


def file_of_a_revision() -> str:
    """The source as a file for a revision, which deletes nothing; a transform undoes the capitals."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["event_id", "street", "lanes"], lineterminator="\n")
    writer.writeheader()
    for row in SOURCE_ROWS:
        if "over" not in row:
            writer.writerow(row | {"street": str(row["street"]).upper()})
    return text.getvalue()
