"""From the names in a header to field names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_OTHERS = re.compile(r"[^a-z0-9]+")


def field_name(name: str) -> str:
    """Return a field name: lower case, all but letters and digits made ``_``; empty when nothing is left."""
    plain = _OTHERS.sub("_", name.lower()).strip("_")
    return f"_{plain}" if plain[:1].isdigit() else plain


def named(names: Sequence[str | None]) -> list[tuple[str, str]]:
    """Return field name and display name of each column.

    Columns without a name are called after their position; a field name that is taken gets a number.
    """
    taken: set[str] = set()
    chosen = []
    for position, name in enumerate(names, start=1):
        shown = (name or "").strip() or f"Column {position}"
        stem = field_name(shown) or f"column_{position}"
        unique, number = stem, 1
        while unique in taken:
            unique, number = f"{stem}_{number}", number + 1
        taken.add(unique)
        chosen.append((unique, shown))
    return chosen
