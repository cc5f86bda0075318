"""Rows as XML and as RDF: element names are field names, values are texts. The shapes are inferred."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_ODD = re.compile(r"[^A-Za-z0-9_.-]")
#: Characters that XML cannot hold.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def xml_rows(rows: Iterable[dict[str, Any]]) -> bytes:
    """Return rows as XML; a row's own id, if it is there, is an attribute."""
    body = "".join(f"<row{_id(row)}>{_fields(row)}</row>" for row in rows)
    return f"{_HEAD}<response><row>{body}</row></response>\n".encode("utf-8", "replace")


def rdf_rows(view_id: str, rows: Iterable[dict[str, Any]]) -> bytes:
    """Return rows as RDF: one description a row, in a name space of the view's own."""
    parts = []
    for number, row in enumerate(rows, 1):
        about = quoteattr(f"/resource/{view_id}/{row.get(':id', number)}")
        parts.append(f"<rdf:Description rdf:about={about}>{_fields(row, 'ds:')}</rdf:Description>\n")
    opening = f'<rdf:RDF xmlns:rdf="{_RDF}" xmlns:ds="/resource/{view_id}/">\n'
    return (_HEAD + opening + "".join(parts) + "</rdf:RDF>\n").encode("utf-8", "replace")


def _id(row: dict[str, Any]) -> str:
    return f" _id={quoteattr(str(row[':id']))}" if ":id" in row else ""


def _fields(row: dict[str, Any], prefix: str = "") -> str:
    return "".join(
        f"<{prefix}{_tag(name)}>{_text(value)}</{prefix}{_tag(name)}>"
        for name, value in row.items()
        if not name.startswith(":")
    )


def _tag(name: str) -> str:
    tag = _ODD.sub("_", name)
    return tag if tag[:1].isalpha() or tag[:1] == "_" else "_" + tag


def _text(value: Any) -> str:
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False)
    return escape(_CONTROL.sub("", str(value)))
