"""Field configurations, processors, security, versions, schedules, connections, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.opendatasoft.accounts import PERMISSIONS, ApiKey, key_json
from airflow_socrata.emulator.opendatasoft.automation.pages import dataset_json, page
from airflow_socrata.emulator.opendatasoft.changing import (
    changing,
    dataset_of,
    part_of,
    restore,
    seconds_time,
)
from airflow_socrata.emulator.opendatasoft.errors import Reply, invalid, not_found

if TYPE_CHECKING:
    from airflow_socrata.emulator.opendatasoft.model import Config, Version
    from airflow_socrata.emulator.opendatasoft.portal import Exchange, Portal

FIELD_ARGUMENTS = {
    "rename": ("from_name", "to_name"),
    "type": ("field", "type_param"),
    "annotate": ("field", "annotation"),
    "description": ("field", "description"),
    "order": ("order",),
    "delete": ("field",),
}
PROCESSORS = ("expression", "replace", "concat_text", "date", "geocode", "skip_records", "split_text")


def pipeline_of(config: Config, kind: str) -> list[dict[str, Any]]:
    """Return the field configurations or the processors."""
    return config.fields if kind == "fields" else config.processors


def checked_part(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return a field configuration or a processor.

    :raises Refused: 400 with what is wrong.
    """
    name = body.get("type")
    if not isinstance(name, str) or not name:
        raise invalid({"type": ["This field is required."]})
    if kind == "fields":
        if name not in FIELD_ARGUMENTS:
            raise invalid({"type": [f"{name} is none of {', '.join(FIELD_ARGUMENTS)}."]})
        missing = [each for each in FIELD_ARGUMENTS[name] if body.get(each) is None]
        if name == "order" and not missing and not isinstance(body["order"], list):
            raise invalid({"order": ["Expected a list of items."]})
        if missing:
            raise invalid({each: ["This field is required."] for each in missing})
    return {key: value for key, value in body.items() if key != "uid"}


def listing(kind: str) -> Any:
    """Return the service of ``GET /datasets/{uid}/fields|processors/``."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        return page(exchange, pipeline_of(dataset_of(portal, exchange).config, kind))

    return service


def create(kind: str) -> Any:
    """Return the service that adds a part at the end."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        return Reply.of(add_part(portal, exchange, kind, exchange.object()), 201)

    return service


def add_part(portal: Portal, exchange: Exchange, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Add a part at the end of the field configurations or the processors."""
    dataset = dataset_of(portal, exchange)
    with changing(portal, exchange, dataset, "data") as config:
        made = {"uid": portal.new_uid("pr"), **checked_part(kind, body)}
        pipeline_of(config, kind).append(made)
    return made


def change_part(portal: Portal, exchange: Exchange, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Change the part that the path names."""
    dataset = dataset_of(portal, exchange)
    old = part_of(pipeline_of(dataset.config, kind), exchange.parts["part"])
    with changing(portal, exchange, dataset, "data") as config:
        parts = pipeline_of(config, kind)
        made = {"uid": old["uid"], **checked_part(kind, body)}
        parts[parts.index(old)] = made
    return made


def read(kind: str) -> Any:
    """Return the service that reads a part."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        parts = pipeline_of(dataset_of(portal, exchange).config, kind)
        return Reply.of(part_of(parts, exchange.parts["part"]))

    return service


def update(kind: str) -> Any:
    """Return the service that changes a part."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        return Reply.of(change_part(portal, exchange, kind, exchange.object()))

    return service


def delete(kind: str) -> Any:
    """Return the service that deletes a part, in both APIs."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        dataset = dataset_of(portal, exchange)
        found = part_of(pipeline_of(dataset.config, kind), exchange.parts["part"])
        with changing(portal, exchange, dataset, "data") as config:
            pipeline_of(config, kind).remove(found)
        return Reply.empty()

    return service


def _holder(kind: str, body: dict[str, Any]) -> str | None:
    value = body.get("user" if kind == "users" else "group")
    name = value.get("username" if kind == "users" else "uid") if isinstance(value, dict) else None
    return str(name) if name else None


def _access_json(kind: str, name: str, rules: dict[str, Any]) -> dict[str, Any]:
    holder = {"user": {"username": name}} if kind == "users" else {"group": {"uid": name}}
    return holder | rules


def accesses(kind: str) -> Any:
    """Return the service of ``GET /datasets/{uid}/security/users|groups/``."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        known = dataset_of(portal, exchange).security[kind]
        return page(exchange, [_access_json(kind, name, known[name]) for name in sorted(known)])

    return service


def _rules(body: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    plain = {"is_data_visible": True, "visible_fields": None, "filter_query": "", "api_calls_quota": None}
    old = before or {"permissions": [], "security": plain}
    return {
        "permissions": list(body.get("permissions", old["permissions"])),
        "security": old["security"] | (body.get("security") or {}),
    }


def grant(kind: str) -> Any:
    """Return the service that gives somebody rules."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        known, body = dataset_of(portal, exchange).security[kind], exchange.object()
        name = _holder(kind, body)
        if name is None or name in known:
            words = "This field is required." if name is None else f"There are rules for {name} already."
            raise invalid({kind[:-1]: [words]})
        known[name] = _rules(body)
        return Reply.of(_access_json(kind, name, known[name]), 201)

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
            known[name] = _rules(exchange.object(), known[name])
        return Reply.of(_access_json(kind, name, known[name]))

    return service


def _version_json(version: Version) -> dict[str, Any]:
    return {
        "uid": version.uid,
        "sections": list(version.sections),
        "created_by": {"username": version.user},
        "can_restore": True,
        "created_at": seconds_time(version.at),
    }


def versions(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/versions/``."""
    found = [_version_json(one) for one in dataset_of(portal, exchange).versions]
    return page(exchange, found if portal.switches.versions_order == "oldest_first" else found[::-1])


def _version(portal: Portal, exchange: Exchange) -> Version:
    for one in dataset_of(portal, exchange).versions:
        if one.uid == exchange.parts["part"]:
            return one
    raise not_found()


def read_version(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/versions/{part}/``."""
    return Reply.of(_version_json(_version(portal, exchange)))


def restore_version(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /datasets/{uid}/versions/{part}/restore/``: the configuration is as it was after that change."""
    dataset = dataset_of(portal, exchange)
    restore(portal, exchange, dataset, _version(portal, exchange).after)
    return Reply.of(dataset_json(dataset))


def schedules(portal: Portal, exchange: Exchange) -> Reply:
    """``GET`` and ``POST /datasets/{uid}/schedules/``; the emulator keeps them and starts nothing."""
    known = dataset_of(portal, exchange).schedules
    if exchange.method == "GET":
        return page(exchange, list(known.values()))
    uid = portal.new_uid("sc")
    known[uid] = _schedule(uid, exchange.object())
    return Reply.of(known[uid], 201)


def _schedule(uid: str, body: dict[str, Any]) -> dict[str, Any]:
    cron = body.get("cron_schedule")
    if not isinstance(cron, str) or len(cron.split()) != 5:
        raise invalid({"cron_schedule": ["Enter a valid cron expression."]})
    return {"uid": uid, "cron_schedule": cron}


def schedule(portal: Portal, exchange: Exchange) -> Reply:
    """``GET``, ``PUT`` and ``DELETE /datasets/{uid}/schedules/{part}/``."""
    known, uid = dataset_of(portal, exchange).schedules, exchange.parts["part"]
    if uid not in known:
        raise not_found()
    if exchange.method == "DELETE":
        del known[uid]
        return Reply.empty()
    if exchange.method == "PUT":
        known[uid] = _schedule(uid, exchange.object())
    return Reply.of(known[uid])


def processors(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /processors/``: some names; the emulator runs none of them."""
    del portal, exchange
    return Reply.of([{"type": name, "label": name} for name in PROCESSORS])


def connections(portal: Portal, exchange: Exchange) -> Reply:
    """``GET`` and ``POST /datasource_connections/``."""
    if exchange.method == "GET":
        return page(exchange, list(portal.connections.values()))
    uid = portal.new_uid("co")
    portal.connections[uid] = exchange.object() | {"uid": uid}
    return Reply.of(portal.connections[uid], 201)


def connection(portal: Portal, exchange: Exchange) -> Reply:
    """``GET``, ``PUT`` and ``DELETE /datasource_connections/{part}/``."""
    uid = exchange.parts["part"]
    if uid not in portal.connections:
        raise not_found()
    if exchange.method == "DELETE":
        del portal.connections[uid]
        return Reply.empty()
    if exchange.method == "PUT":
        portal.connections[uid] = exchange.object() | {"uid": uid}
    return Reply.of(portal.connections[uid])


def _key_json(key: ApiKey) -> dict[str, Any]:
    return key_json(
        key, seconds_time(key.created_at), seconds_time(key.revoked_at) if key.revoked_at else None
    )


def keys(portal: Portal, exchange: Exchange) -> Reply:
    """``GET`` and ``POST /apikeys/``: the caller's own keys."""
    owner = portal.accounts.users[exchange.user_name]
    if exchange.method == "GET":
        mine = [one for one in portal.accounts.keys.values() if one.user is owner]
        return page(exchange, [_key_json(one) for one in mine])
    body = exchange.object()
    wanted = body.get("permissions", ["explore_restricted_dataset"])
    unknown = [name for name in wanted if name not in PERMISSIONS]
    if unknown:
        raise invalid({"permissions": [f"{name} is not a permission." for name in unknown]})
    uid = portal.new_uid("ak")
    label = str(body.get("label") or "")
    made = ApiKey(uid, portal.new_hex(56), label, owner, frozenset(wanted), portal.clock.now())
    portal.accounts.keys[uid] = made
    return Reply.of(_key_json(made), 201)


def key(portal: Portal, exchange: Exchange) -> Reply:
    """``GET`` and ``PUT /apikeys/{part}/``, and ``POST …/revoke/``."""
    found = portal.accounts.keys.get(exchange.parts["part"])
    if found is None or found.user.name != exchange.user_name:
        raise not_found()
    if exchange.method == "PUT":
        body = exchange.object()
        found.label = str(body.get("label", found.label))
        found.permissions = frozenset(body.get("permissions", found.permissions))
    elif exchange.method == "POST":
        found.revoked = str(exchange.object().get("reason") or "revoked")
        found.revoked_at = portal.clock.now()
    return Reply.of(_key_json(found))


def search_key(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /apikeys/search_key/``."""
    wanted = exchange.object().get("key")
    found = next((one for one in portal.accounts.keys.values() if one.key == wanted), None)
    return Reply.of({"found": found is not None, "result": _key_json(found) if found else None})
