"""Uploads: the file in a multipart form, without holding it in memory."""

from __future__ import annotations

import base64
import binascii
import mmap
import re
from email.message import Message
from email.parser import HeaderParser
from typing import TYPE_CHECKING
from urllib.parse import unquote

from airflow_socrata.emulator.opendatasoft.errors import bad_request, invalid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_socrata.emulator.opendatasoft.portal import Exchange, Portal

_BLOCK = 1 << 20


def file_of(portal: Portal, exchange: Exchange) -> tuple[str, str, Path, int]:
    """Return name, content type, place and size of the file that a request brings.

    :raises Refused: it brings none.
    """
    if exchange.form is not None:
        return _from_form(portal, exchange)
    body = exchange.object()
    content = body.get("content")
    if not isinstance(content, str):
        raise invalid({"file": ["No file was submitted."]})
    data = content.encode()
    if body.get("encoding") == "base64":
        try:
            data = base64.b64decode(content, validate=True)
        except binascii.Error as error:
            raise bad_request(f"content is no base64: {error}") from None
    path = portal.new_path()
    path.write_bytes(data)
    return str(body.get("filename") or "file"), str(body.get("mimetype") or "text/plain"), path, len(data)


def _from_form(portal: Portal, exchange: Exchange) -> tuple[str, str, Path, int]:
    for head, whole, start, end in _parts(exchange):
        if _name(head) == "file":
            path = portal.new_path()
            size = _copied(whole, start, end, path)
            mimetype = head.get_content_type() if "content-type" in head else "application/octet-stream"
            return _filename(head), mimetype, path, size
    raise invalid({"file": ["No file was submitted."]})


def fields_of(exchange: Exchange) -> dict[str, str]:
    """Return the values of a multipart form that are no file; of no form, none.

    :raises Refused: the form is broken.
    """
    if exchange.form is None:
        return {}
    return {
        _name(head): whole[start:end].decode("utf-8", "replace")
        for head, whole, start, end in _parts(exchange)
        if _name(head) != "file"
    }


def _name(head: Message) -> str:
    return str(head.get_param("name", "", header="content-disposition"))


def _parts(exchange: Exchange) -> Iterator[tuple[Message, mmap.mmap, int, int]]:
    """Yield each part of a form: its head, the whole body, and where in it the part begins and ends."""
    declared = Message()
    declared["Content-Type"] = exchange.headers.get("content-type", "")
    boundary = declared.get_param("boundary")
    if not isinstance(boundary, str) or exchange.form is None:
        raise bad_request("Multipart form parse error - Invalid boundary")
    mark = b"--" + boundary.encode("latin-1")
    if exchange.form.stat().st_size == 0:
        return
    with (
        exchange.form.open("rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as whole,
    ):
        at = whole.find(mark)
        while at >= 0:
            head_end = whole.find(b"\r\n\r\n", at)
            ends = whole.find(b"\r\n" + mark, head_end) if head_end >= 0 else -1
            if ends < 0:
                break
            text = whole[at + len(mark) : head_end].decode("utf-8", "replace")
            yield HeaderParser().parsestr(text.lstrip("\r\n")), whole, head_end + 4, ends
            at = ends + 2


def _copied(whole: mmap.mmap, start: int, end: int, path: Path) -> int:
    with path.open("wb") as file:
        for at in range(start, end, _BLOCK):
            file.write(whole[at : min(at + _BLOCK, end)])
    return end - start


def _filename(head: Message) -> str:
    disposition = str(head.get("content-disposition", ""))
    extended = re.search(r"filename\*=(?:utf-8|UTF-8)''([^;\s]+)", disposition)
    if extended:
        name = unquote(extended[1])
    else:
        plain = re.search(r'filename="((?:[^"\\]|\\.)*)"|filename=([^;\s]+)', disposition)
        name = (plain[1] or plain[2] or "") if plain else ""
        name = re.sub(r"\\(.)", r"\1", name).replace("%22", '"')
    return name.replace("\\", "/").rpartition("/")[2] or "file"
