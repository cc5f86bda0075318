"""Lists in pages, and the JSON of datasets and resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow_socrata.emulator.opendatasoft.changing import seconds_time
from airflow_socrata.emulator.opendatasoft.errors import PUSH, Reply, invalid
from airflow_socrata.emulator.opendatasoft.extracting import EXTRACTORS, address_of, is_realtime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_socrata.emulator.opendatasoft.model import Dataset, StoredFile
    from airflow_socrata.emulator.opendatasoft.portal import Exchange, Portal


def page(exchange: Exchange, items: Sequence[Any]) -> Reply:
    """Return the page of a list that the query asks for; a limit over 1000 is taken for 1000."""
    limit, offset = exchange.number("limit", 20), exchange.number("offset", 0)
    wrong = {
        name: ["Ensure this value is greater than or equal to 0."]
        for name, value in (("limit", limit), ("offset", offset))
        if value < 0
    }
    if wrong:
        raise invalid(wrong)
    limit = min(limit, 1000)

    def link(start: int) -> str:
        others = [(k, v) for k, v in exchange.query if k not in {"limit", "offset", "apikey"}]
        query = [*others, ("limit", str(limit))] + ([("offset", str(start))] if start else [])
        return f"{exchange.origin}{exchange.path}?{urlencode(query)}"

    more, less = limit > 0 and offset + limit < len(items), limit > 0 and offset > 0
    return Reply.of({
        "total_count": len(items),
        "next": link(offset + limit) if more else None,
        "previous": link(max(offset - limit, 0)) if less else None,
        "results": list(items[offset : offset + limit]),
    })


def dataset_json(dataset: Dataset) -> dict[str, Any]:
    """Return a dataset."""
    return {
        "uid": dataset.uid,
        "dataset_id": dataset.dataset_id,
        "is_published": dataset.is_published,
        "is_restricted": dataset.is_restricted,
        "default_security": dataset.default_security,
        "created_at": seconds_time(dataset.created_at),
        "updated_at": seconds_time(dataset.updated_at),
        "metadata": dataset.config.metadata,
    }


def file_json(file: StoredFile) -> dict[str, Any]:
    """Return an uploaded file."""
    return {
        "uid": file.uid,
        "filename": file.filename,
        "mimetype": file.mimetype,
        "created_at": seconds_time(file.created_at),
    }


def push_path(dataset: Dataset, resource: dict[str, Any]) -> str:
    """Return the path that a realtime resource's records are pushed to."""
    name = resource["push"]["name"]
    return f"{PUSH}/{dataset.dataset_id}/{name}/push/"


def resource_json(
    portal: Portal, exchange: Exchange, dataset: Dataset, resource: dict[str, Any]
) -> dict[str, Any]:
    """Return a resource with what the server adds."""
    kind, datasource = resource["type"], resource.get("datasource") or {}
    shown = {key: value for key, value in resource.items() if key not in {"push", "updated_at"}}
    shown["extraction_infos"] = {"label": EXTRACTORS.get(kind, kind), "type": kind}
    origin = str(datasource.get("type") or "http")
    named = resource["title"]
    if datasource.get("type") == "uploaded_file":
        uid = (datasource.get("file") or {}).get("uid")
        found = portal.file(dataset, str(uid))
        shown["datasource"] = datasource | {"file": file_json(found) if found else {"uid": uid}}
        named = found.filename if found else str(uid)
    elif is_realtime(resource):
        origin = "realtime"
        key = resource["push"]["key"]
        shown["url"] = f"{exchange.origin}{push_path(dataset, resource)}?pushkey={key}"
        shown.pop("datasource", None)
    else:
        named = address_of(resource) or named
    shown["display_name"] = named
    shown["origin"] = {"label": origin.replace("_", " ").capitalize(), "type": origin}
    shown["updated_at"] = seconds_time(resource["updated_at"])
    return shown
