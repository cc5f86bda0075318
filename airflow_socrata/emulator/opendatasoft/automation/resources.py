"""Resources and their files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.opendatasoft import actions
from airflow_socrata.emulator.opendatasoft.automation.pages import file_json, page, resource_json
from airflow_socrata.emulator.opendatasoft.changing import changing, dataset_of, keep_file, not_busy, part_of
from airflow_socrata.emulator.opendatasoft.errors import Reply, bad_request, invalid, not_found
from airflow_socrata.emulator.opendatasoft.extracting import (
    EXTRACTORS,
    SourceError,
    address_of,
    guess,
    is_realtime,
)
from airflow_socrata.emulator.opendatasoft.processing import preview as preview_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.opendatasoft.model import Dataset, StoredFile
    from airflow_socrata.emulator.opendatasoft.portal import Exchange, Portal

_READ_ONLY = frozenset({"uid", "url", "display_name", "extraction_infos", "origin", "updated_at", "push"})
_TYPES = {bool: "boolean", int: "integer", str: "text"}
DEFAULT_CSV = {
    "headers_first_row": True,
    "separator": ";",
    "encoding": "utf-8",
    "doublequote": True,
    "first_row_no": 1,
}


def upload(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /datasets/{uid}/resources/files/``."""
    dataset = dataset_of(portal, exchange)
    not_busy(portal, dataset)
    kept = keep_file(portal, exchange, dataset.files)
    return Reply.of(file_json(kept), portal.switches.upload_status)


def _file(portal: Portal, exchange: Exchange) -> StoredFile:
    found = portal.file(dataset_of(portal, exchange), exchange.parts["file"])
    if found is None:
        raise not_found()
    return found


def read_file(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/resources/files/{file}/``."""
    return Reply.of(file_json(_file(portal, exchange)))


def sent(file: StoredFile, content_type: str = "application/octet-stream") -> Reply:
    """Return a file's bytes."""
    name = file.filename.encode("ascii", "replace").decode().replace('"', "'")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Reply(200, file.path.read_bytes(), content_type, headers)


def download(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/resources/files/{file}/download/``."""
    return sent(_file(portal, exchange))


def listing(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/resources/``."""
    dataset = dataset_of(portal, exchange)
    return page(exchange, [resource_json(portal, exchange, dataset, one) for one in dataset.config.resources])


def checked(portal: Portal, dataset: Dataset, body: dict[str, Any]) -> dict[str, Any]:
    """Return the resource of a body.

    :raises Refused: 400 with what is wrong, by field.
    """
    wrong: dict[str, list[str]] = {}
    flat = isinstance(body.get("connection"), dict) and "datasource" not in body
    for name in ("type", "title"):
        # The flat form of an HTTP resource, which one client sends, may come without a title.
        if not (isinstance(body.get(name), str) and body[name]) and not (flat and name == "title"):
            wrong[name] = ["This field is required."]
    datasource = body.get("datasource")
    if datasource is not None and not isinstance(datasource, dict):
        wrong["datasource"] = ["This must be an object."]
    elif datasource and datasource.get("type") == "uploaded_file":
        uid = (datasource.get("file") or {}).get("uid")
        if not isinstance(uid, str):
            wrong["datasource.file.uid"] = ["This field is required."]
        elif portal.file(dataset, uid) is None:
            wrong["datasource.file.uid"] = [f"File {uid} does not exist."]
    elif not is_realtime(body) and not datasource and not flat:
        wrong["datasource"] = ["This field is required."]
    if wrong:
        raise invalid(wrong)
    kept = {key: value for key, value in body.items() if key not in _READ_ONLY}
    kept["title"] = kept.get("title") or address_of(kept) or "resource"
    if datasource and datasource.get("type") == "uploaded_file":
        kept["datasource"] = datasource | {"file": {"uid": datasource["file"]["uid"]}}
    params = body.get("params") or {}
    kept["params"] = (DEFAULT_CSV | params) if body["type"] == "csvfile" else dict(params)
    return kept


def add(portal: Portal, exchange: Exchange, dataset: Dataset, kept: dict[str, Any]) -> dict[str, Any]:
    """Add a checked resource to a dataset."""
    with changing(portal, exchange, dataset, "data") as config:
        made = kept | {"uid": portal.new_uid("re"), "updated_at": portal.clock.now()}
        if is_realtime(made):
            taken = {one["push"]["name"] for one in config.resources if "push" in one}
            names = ["realtime", *(f"realtime{number}" for number in range(len(taken) + 1))]
            made["push"] = {
                "name": next(name for name in names if name not in taken),
                "key": portal.new_hex(56),
                "enabled": True,
            }
        config.resources.append(made)
    return made


def replace(
    portal: Portal, exchange: Exchange, dataset: Dataset, uid: str, kept: dict[str, Any]
) -> dict[str, Any]:
    """Put a checked resource in the place of another.

    :raises Refused: 404 when there is none.
    """
    old = part_of(dataset.config.resources, uid)
    with changing(portal, exchange, dataset, "data") as config:
        made = kept | {"uid": uid, "updated_at": portal.clock.now()}
        if "push" in old:
            made["push"] = old["push"]
        config.resources[config.resources.index(old)] = made
    return made


def create(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /datasets/{uid}/resources/``."""
    dataset = dataset_of(portal, exchange)
    made = add(portal, exchange, dataset, checked(portal, dataset, exchange.object()))
    return Reply.of(resource_json(portal, exchange, dataset, made), 201)


def read(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/resources/{part}/``."""
    dataset = dataset_of(portal, exchange)
    found = part_of(dataset.config.resources, exchange.parts["part"])
    return Reply.of(resource_json(portal, exchange, dataset, found))


def update(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /datasets/{uid}/resources/{part}/``."""
    dataset = dataset_of(portal, exchange)
    part_of(dataset.config.resources, exchange.parts["part"])
    kept = checked(portal, dataset, exchange.object())
    made = replace(portal, exchange, dataset, exchange.parts["part"], kept)
    return Reply.of(resource_json(portal, exchange, dataset, made))


def delete(portal: Portal, exchange: Exchange) -> Reply:
    """``DELETE /datasets/{uid}/resources/{part}/``, in both APIs."""
    dataset = dataset_of(portal, exchange)
    found = part_of(dataset.config.resources, exchange.parts["part"])
    with changing(portal, exchange, dataset, "data") as config:
        config.resources.remove(found)
    return Reply.empty()


def _extractor(kind: str) -> dict[str, Any]:
    parameters = DEFAULT_CSV if kind == "csvfile" else {}
    return {
        "type": kind,
        "label": EXTRACTORS[kind],
        "parameters": [
            {"name": name, "type": _TYPES[type(value)], "is_mandatory": False, "default": json.dumps(value)}
            for name, value in parameters.items()
        ],
    }


def extractors(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /extractors/``."""
    del portal, exchange
    return Reply.of([_extractor(kind) for kind in EXTRACTORS])


def _guesses(name: str) -> list[dict[str, Any]]:
    best = guess(name)
    return [_extractor(kind) for kind in sorted(EXTRACTORS, key=lambda kind: kind != best)]


def _source_name(body: dict[str, Any]) -> str:
    datasource = body.get("datasource") or {}
    if datasource.get("type") == "uploaded_file":
        return str((datasource.get("file") or {}).get("uid"))
    return address_of({"datasource": datasource}) or ""


def guess_extractors(portal: Portal, exchange: Exchange) -> Reply:
    """``POST …/resources/guess_extractors/`` and ``GET …/{part}/guess_extractors/``: the likeliest first."""
    return Reply.of(_guesses(_source_name(_described(portal, exchange))))


def guess_params(portal: Portal, exchange: Exchange) -> Reply:
    """``POST …/guess_extractor_params/`` and ``GET …/{part}/guess_extractors_params/``."""
    body = _described(portal, exchange)
    kind = str(body.get("type") or guess(_source_name(body)) or "csvfile")
    return Reply.of({"extractor": kind, "params": DEFAULT_CSV if kind == "csvfile" else {}})


def preview(portal: Portal, exchange: Exchange) -> Reply:
    """``POST …/resources/preview/`` and ``GET …/resources/{part}/preview/``."""
    dataset, body = dataset_of(portal, exchange), _described(portal, exchange)
    kept = checked(portal, dataset, {"title": "preview"} | body) | {"uid": "re_preview"}
    try:
        return Reply.of(preview_of(portal, dataset, kept))
    except SourceError as error:
        raise bad_request(str(error)) from None


def _described(portal: Portal, exchange: Exchange) -> dict[str, Any]:
    dataset = dataset_of(portal, exchange)
    if "part" in exchange.parts:
        return part_of(dataset.config.resources, exchange.parts["part"])
    return exchange.object()


def clean_cache(portal: Portal, exchange: Exchange) -> Reply:
    """``POST …/resources/{part}/clean_cache/``: there is none."""
    part_of(dataset_of(portal, exchange).config.resources, exchange.parts["part"])
    return Reply.empty()


def realtime(order: str) -> Callable[[Portal, Exchange], Reply]:
    """Return the service of an order to a realtime resource."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        dataset = dataset_of(portal, exchange)
        found = part_of(dataset.config.resources, exchange.parts["part"])
        if not is_realtime(found):
            raise bad_request("the resource is not a realtime resource.")
        if order == "recover":
            actions.recover(portal, dataset, exchange.user_name, found["uid"])
        elif order == "delete_recover_data":
            actions.scratch(portal, dataset, exchange.user_name, found["uid"])
        elif order == "renew_api_key":
            found["push"]["key"] = portal.new_hex(56)
        else:
            found["push"]["enabled"] = order == "enable"
        return Reply.of(resource_json(portal, exchange, dataset, found))

    return service
