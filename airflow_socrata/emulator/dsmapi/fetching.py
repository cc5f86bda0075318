"""Sources by address: the file is fetched, from this machine alone and only where that is allowed."""

from __future__ import annotations

import ipaddress
import shutil
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_socrata.emulator.dsmapi.ingesting import ingest
from airflow_socrata.emulator.dsmapi.model import Source, Upload
from airflow_socrata.emulator.errors import invalid_request

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.portal import Exchange, Portal


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if not _is_local(newurl):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def fetch(portal: Portal, source: Source, exchange: Exchange) -> None:
    """Fetch a source's file and read it; what goes wrong is the source's failure."""
    url = str(source.kind["url"])
    refusal = _refusal(portal, url)
    if refusal is None:
        refusal = _download(portal, source, url)
    if refusal is not None:
        source.failed_at = portal.clock.now()
        source.failure = {"message": refusal, "key": "invalid_url"}
        return
    ingest(portal, source, exchange)


def fetched(portal: Portal, url: str) -> tuple[bytes, str]:
    """Return bytes and content type of what stands at an address.

    :raises PortalError: 400 when it cannot be had.
    """
    refusal = _refusal(portal, url)
    if refusal is not None:
        raise invalid_request(refusal)
    try:
        with _opener().open(url, timeout=30) as reply:
            kind = str(reply.headers.get("Content-Type") or "application/octet-stream")
            return reply.read(), kind.partition(";")[0].strip()
    except (urllib.error.URLError, OSError) as error:
        raise invalid_request(f"{url} could not be fetched: {error}") from None


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), _StayHere())


def _refusal(portal: Portal, url: str) -> str | None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return f"{url} is not a valid URL"
    if not _is_local(url):
        return f"{url} was not fetched: the emulator leaves this machine never"
    if not portal.switches.allow_local_urls:
        return f"{url} is a local address, which is not allowed"
    return None


def _download(portal: Portal, source: Source, url: str) -> str | None:
    path = portal.desk.new_file()
    try:
        with _opener().open(url, timeout=30) as reply, path.open("wb") as file:
            shutil.copyfileobj(reply, file)
            content_type = str(reply.headers.get("Content-Type") or "application/octet-stream")
    except (urllib.error.URLError, OSError) as error:
        return f"{url} could not be fetched: {error}"
    source.upload = Upload(path, content_type.partition(";")[0].strip(), committed=True)
    return None
