"""Bodies of the import API: files, as a form or raw, and fields of forms."""

from __future__ import annotations

import re
from email.message import Message
from email.parser import HeaderParser
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from airflow_socrata.emulator.errors import invalid_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_socrata.emulator.edge.portal import Exchange

_OCTETS = "application/octet-stream"


def file_of(exchange: Exchange) -> tuple[str, str, memoryview]:
    """Return name, content type and bytes of the file that a request brings.

    A form's first part with a file name counts, whatever the part is called; a raw body is named by
    ``X-File-Name`` or ``fileUploaderfile``.

    :raises PortalError: 400 when there is none, or it has no bytes.
    """
    declared = exchange.headers.get("content-type", "")
    found = _in_form(exchange) if declared.lower().startswith("multipart/") else _raw(exchange, declared)
    if found is None:
        raise invalid_request("The form has no file")
    if not len(found[2]):
        raise invalid_request("The file is empty")
    return found


def fields_of(exchange: Exchange) -> dict[str, str]:
    """Return what a request says: its query and its form; the form counts where both name the same."""
    fields = dict(exchange.query)
    declared = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared == "application/x-www-form-urlencoded":
        text = exchange.body.decode("utf-8", "replace")
        return fields | dict(parse_qsl(text, keep_blank_values=True))
    if declared.startswith("multipart/"):
        for head, body in _parts(exchange):
            name = head.get_param("name", header="content-disposition")
            if isinstance(name, str) and head.get_filename() is None:
                fields[name] = bytes(body).decode("utf-8", "replace")
    return fields


def _raw(exchange: Exchange, declared: str) -> tuple[str, str, memoryview] | None:
    name = exchange.headers.get("x-file-name") or exchange.first("fileUploaderfile")
    if name is None:
        return None
    return unquote(name), declared.partition(";")[0].strip() or _OCTETS, memoryview(exchange.body)


def _in_form(exchange: Exchange) -> tuple[str, str, memoryview] | None:
    for head, body in _parts(exchange):
        name = head.get_filename()
        if name:
            kind = head.get_content_type() if "content-type" in head else _OCTETS
            return name.replace("\\", "/").rpartition("/")[2].replace("%22", '"'), kind, body
    return None


def _parts(exchange: Exchange) -> Iterator[tuple[Message, memoryview]]:
    declared = Message()
    declared["Content-Type"] = exchange.headers.get("content-type", "")
    boundary = declared.get_param("boundary")
    if not isinstance(boundary, str):
        raise invalid_request("The form has no boundary")
    mark = b"--" + boundary.encode("latin-1")
    whole, seen = exchange.body, memoryview(exchange.body)
    at = whole.find(mark)
    while at >= 0:
        head_end = whole.find(b"\r\n\r\n", at)
        end = whole.find(b"\r\n" + mark, head_end + 2) if head_end >= 0 else -1
        if end < 0:
            return
        head = re.sub(r"^\s+", "", whole[at + len(mark) : head_end].decode("utf-8", "replace"))
        yield HeaderParser().parsestr(head), seen[head_end + 4 : max(end, head_end + 4)]
        at = end + 2
