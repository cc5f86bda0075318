"""Files, resources, pipeline, security, attachments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_socrata.emulator.opendatasoft.automation import resources
from airflow_socrata.emulator.opendatasoft.automation.extras import add_extra
from airflow_socrata.emulator.opendatasoft.automation.parts import (
    FIELD_ARGUMENTS,
    PROCESSORS,
    add_part,
    change_part,
    pipeline_of,
)
from airflow_socrata.emulator.opendatasoft.changing import dataset_of, fine_time, keep_file, part_of
from airflow_socrata.emulator.opendatasoft.errors import Reply, bad_request, invalid, not_found
from airflow_socrata.emulator.opendatasoft.extracting import EXTRACTORS, SourceError, address_of, guess
from airflow_socrata.emulator.opendatasoft.processing import preview as preview_of

if TYPE_CHECKING:
    from airflow_socrata.emulator.opendatasoft.model import StoredFile
    from airflow_socrata.emulator.opendatasoft.portal import Exchange, Portal

UPLOADED = "odsfile://"
# field configuration -> its arguments: the Automation API's name -> this API's
_RENAMED = {"rename": {"field_label": "label"}, "type": {"type_param": "type"}}


def _file_json(file: StoredFile) -> dict[str, Any]:
    return {
        "file_id": file.uid,
        "url": UPLOADED + file.uid,
        "filename": file.filename,
        "properties": {"mimetype": file.mimetype},
        "created": fine_time(file.created_at),
    }


def upload(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /files``: the files are the domain's."""
    return Reply.of(_file_json(keep_file(portal, exchange, portal.files, derive=True)))


def files(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /files``: those uploaded here, and those of datasets."""
    del exchange
    owned = [file for dataset in portal.datasets.values() for file in dataset.files.values()]
    return Reply.of([_file_json(file) for file in [*portal.files.values(), *owned]])


def _file(portal: Portal, exchange: Exchange) -> StoredFile:
    wanted = exchange.parts["file"]
    for held in (portal.files, *(dataset.files for dataset in portal.datasets.values())):
        if wanted in held:
            return held[wanted]
    raise not_found()


def read_file(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /files/{file}``."""
    return Reply.of(_file_json(_file(portal, exchange)))


def download(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /download_file/{file}``."""
    file = _file(portal, exchange)
    return resources.sent(file, file.mimetype)


def resource_json(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource."""
    datasource = resource.get("datasource") or {}
    uid = (datasource.get("file") or {}).get("uid")
    return {
        "resource_uid": resource["uid"],
        "url": f"{UPLOADED}{uid}" if uid else address_of(resource),
        "title": resource["title"],
        "type": resource["type"],
        "params": resource.get("params") or {},
    }


def _described(portal: Portal, exchange: Exchange) -> dict[str, Any]:
    """Return the resource of a body, in the Automation API's words.

    :raises Refused: 400 with what is wrong.
    """
    body, url = exchange.object(), exchange.object().get("url")
    kept: dict[str, Any] = {key: body[key] for key in ("title", "type", "params") if key in body}
    if isinstance(url, str) and url.startswith(UPLOADED):
        kept["datasource"] = {"type": "uploaded_file", "file": {"uid": url.removeprefix(UPLOADED)}}
    elif isinstance(url, str) and url:
        parts = urlsplit(url)
        kept["datasource"] = {
            "type": parts.scheme or "http",
            "connection": {"type": "http", "url": f"{parts.scheme}://{parts.netloc}", "auth": None},
            "headers": [],
            "relative_url": parts.path + (f"?{parts.query}" if parts.query else ""),
        }
    elif not str(body.get("type", "")).startswith("realtime"):
        raise invalid({"url": ["This field is required."]})
    return resources.checked(portal, dataset_of(portal, exchange), kept)


def listing(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/resources``."""
    return Reply.of([resource_json(one) for one in dataset_of(portal, exchange).config.resources])


def create(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /datasets/{uid}/resources``."""
    dataset, kept = dataset_of(portal, exchange), _described(portal, exchange)
    return Reply.of(resource_json(resources.add(portal, exchange, dataset, kept)))


def read(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/resources/{part}``."""
    return Reply.of(
        resource_json(part_of(dataset_of(portal, exchange).config.resources, exchange.parts["part"]))
    )


def update(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /datasets/{uid}/resources/{part}``."""
    dataset = dataset_of(portal, exchange)
    part_of(dataset.config.resources, exchange.parts["part"])
    kept = _described(portal, exchange)
    return Reply.of(resource_json(resources.replace(portal, exchange, dataset, exchange.parts["part"], kept)))


def download_resource(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/resources/{part}/download``."""
    dataset = dataset_of(portal, exchange)
    found = part_of(dataset.config.resources, exchange.parts["part"])
    uid = ((found.get("datasource") or {}).get("file") or {}).get("uid")
    file = portal.file(dataset, str(uid)) if uid else None
    if file is None:
        raise bad_request("the resource is not an uploaded file.")
    return resources.sent(file, file.mimetype)


def preview(portal: Portal, exchange: Exchange) -> Reply:
    """``GET …/resources/{part}/preview`` and ``POST /datasets/{uid}/resource_preview``."""
    dataset = dataset_of(portal, exchange)
    if "part" in exchange.parts:
        kept = part_of(dataset.config.resources, exchange.parts["part"])
    else:
        kept = _described(portal, exchange) | {"uid": "re_preview"}
    try:
        return Reply.of(preview_of(portal, dataset, kept))
    except SourceError as error:
        raise bad_request(str(error)) from None


def extractors(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /extractors/``."""
    del portal, exchange
    return Reply.of([{"name": kind, "label": label} for kind, label in EXTRACTORS.items()])


def guess_extractors(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /guess_extractors/``."""
    del portal
    best = guess(str(exchange.object().get("url") or ""))
    others = [kind for kind in EXTRACTORS if kind != best]
    return Reply.of({"recommended_extractors": [best] if best else [], "other_extractors": others})


def guess_params(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /guess_extractor_params/``."""
    del portal
    kind = str(exchange.object().get("extractor") or "csvfile")
    return Reply.of({"extractor": kind, "params": resources.DEFAULT_CSV if kind == "csvfile" else {}})


def _part_json(part: dict[str, Any]) -> dict[str, Any]:
    kind = part["type"]
    names = _RENAMED.get(kind, {})
    rest = {key: value for key, value in part.items() if key not in {"uid", "type", "label"}}
    args: Any = {names.get(key, key): value for key, value in rest.items()}
    if kind == "order":
        args = part["order"]
    shown = {"processor_uid": part["uid"], "name": kind, "args": args}
    return {**shown, "label": part["label"]} if part.get("label") else shown


def _part_of_body(body: dict[str, Any]) -> dict[str, Any]:
    kind, args = body.get("name"), body.get("args") or {}
    if not isinstance(kind, str):
        raise invalid({"name": ["This field is required."]})
    if isinstance(args, list):
        args = {"order": args}
    names = {theirs: ours for ours, theirs in _RENAMED.get(kind, {}).items()}
    made = {names.get(key, key): value for key, value in args.items()}
    if body.get("label"):
        made["label"] = body["label"]
    return {**made, "type": kind}


def pipeline(kind: str) -> Any:
    """Return the service of ``GET`` and ``POST /datasets/{uid}/processors|fields_specifications``."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        if exchange.method == "POST":
            return Reply.of(_part_json(add_part(portal, exchange, kind, _part_of_body(exchange.object()))))
        return Reply.of([_part_json(one) for one in pipeline_of(dataset_of(portal, exchange).config, kind)])

    return service


def pipeline_part(kind: str) -> Any:
    """Return the service of ``GET`` and ``PUT`` of one part."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        if exchange.method == "PUT":
            made = change_part(portal, exchange, kind, _part_of_body(exchange.object()))
            return Reply.of(_part_json(made))
        parts = pipeline_of(dataset_of(portal, exchange).config, kind)
        return Reply.of(_part_json(part_of(parts, exchange.parts["part"])))

    return service


def processors(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /processors/``: names alone."""
    del portal, exchange
    return Reply.of([*FIELD_ARGUMENTS, *PROCESSORS])


def access_policy(portal: Portal, exchange: Exchange) -> Reply:
    """``GET`` and ``PUT /datasets/{uid}/security/access_policy``: a bare string."""
    dataset = dataset_of(portal, exchange)
    if exchange.method == "PUT":
        wanted = exchange.json()
        if wanted not in {"domain", "restricted"}:
            raise bad_request("the access policy must be domain or restricted.")
        dataset.is_restricted = wanted == "restricted"
    return Reply.of("restricted" if dataset.is_restricted else "domain")


def _rules_json(security: dict[str, Any], permissions: list[str]) -> dict[str, Any]:
    fields = security.get("visible_fields")
    shown = security | {"visible_fields": ["*"] if fields is None else fields}
    return shown | {"permissions": permissions}


def _rules(body: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    names = ("is_data_visible", "visible_fields", "filter_query", "api_calls_quota")
    made = before | {name: body[name] for name in names if name in body}
    if made.get("visible_fields") == ["*"]:
        made["visible_fields"] = None
    return made


_PLAIN = {"is_data_visible": True, "visible_fields": None, "filter_query": "", "api_calls_quota": None}


def default_security(portal: Portal, exchange: Exchange) -> Reply:
    """``GET``, ``PUT`` and ``DELETE /datasets/{uid}/security/default``."""
    dataset = dataset_of(portal, exchange)
    if exchange.method == "PUT":
        body = exchange.object()
        dataset.default_security = _rules(body, dataset.default_security)
        dataset.default_permissions = list(body.get("permissions", dataset.default_permissions))
    elif exchange.method == "DELETE":
        dataset.default_security, dataset.default_permissions = dict(_PLAIN), []
    return Reply.of(_rules_json(dataset.default_security, dataset.default_permissions))


def _access_json(kind: str, name: str, rules: dict[str, Any]) -> dict[str, Any]:
    holder = {"user": {"username": name}} if kind == "users" else {"group": {"group_id": name}}
    return _rules_json(rules["security"], rules["permissions"]) | holder


def accesses(kind: str) -> Any:
    """Return the service of ``GET`` and ``POST /datasets/{uid}/security/users|groups``."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        known = dataset_of(portal, exchange).security[kind]
        if exchange.method == "GET":
            return Reply.of([_access_json(kind, name, known[name]) for name in sorted(known)])
        body = exchange.object()
        holder = body.get("user" if kind == "users" else "group") or {}
        name = holder.get("username" if kind == "users" else "group_id")
        if not name:
            raise invalid({kind[:-1]: ["This field is required."]})
        known[name] = {"security": _rules(body, _PLAIN), "permissions": list(body.get("permissions") or ())}
        return Reply.of(_access_json(kind, name, known[name]))

    return service


def access(kind: str) -> Any:
    """Return the service of reading, changing and deleting somebody's rules."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        known, name = dataset_of(portal, exchange).security[kind], exchange.parts["name"]
        if name not in known:
            raise not_found()
        if exchange.method == "DELETE":
            del known[name]
            return Reply.empty()
        if exchange.method == "PUT":
            body, old = exchange.object(), known[name]
            permissions = list(body.get("permissions", old["permissions"]))
            known[name] = {"security": _rules(body, old["security"]), "permissions": permissions}
        return Reply.of(_access_json(kind, name, known[name]))

    return service


def extras(kind: str, prefix: str) -> Any:
    """Return the service of the list of attachments or alternative exports, and of adding one."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        if exchange.method == "GET":
            known = dataset_of(portal, exchange).extras[kind]
            return Reply.of([_extra_json(kind, shown) for shown, _ in known.values()])
        return Reply.of(_extra_json(kind, add_extra(portal, exchange, kind, prefix)))

    return service


def _extra_json(kind: str, shown: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in shown.items() if key != "uid"}
    return {f"{kind[:-1]}_uid": shown["uid"], **rest}


def one_extra(kind: str) -> Any:
    """Return the service of reading and deleting an attachment or alternative export; both answer 200."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        known, uid = dataset_of(portal, exchange).extras[kind], exchange.parts["part"]
        if uid not in known:
            raise not_found()
        shown = known[uid][0]
        if exchange.method == "DELETE":
            del known[uid]
        return Reply.of(_extra_json(kind, shown))

    return service
