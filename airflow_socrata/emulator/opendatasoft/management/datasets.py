"""Datasets, actions, status, metadata, history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.opendatasoft import engine
from airflow_socrata.emulator.opendatasoft.automation.datasets import check_id
from airflow_socrata.emulator.opendatasoft.changing import act, changing, dataset_of, fine_time, restore
from airflow_socrata.emulator.opendatasoft.errors import Refused, Reply, invalid, not_found
from airflow_socrata.emulator.opendatasoft.explore.odsql import condition, matches
from airflow_socrata.emulator.opendatasoft.model import Config
from airflow_socrata.emulator.opendatasoft.states import public

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.opendatasoft.model import Dataset, State, Version
    from airflow_socrata.emulator.opendatasoft.portal import Exchange, Portal

_PURPOSES = {"internal": "admin", "dcat": "interop", "dcat_ap_ch": "interop", "inspire": "interop"}


def dataset_json(portal: Portal, dataset: Dataset) -> dict[str, Any]:
    """Return a dataset."""
    metas: dict[str, dict[str, Any]] = {
        template: {name: value.get("value") for name, value in values.items()}
        for template, values in dataset.config.metadata.items()
    }
    return {
        "dataset_id": dataset.dataset_id,
        "dataset_uid": dataset.uid,
        "metas": {**metas, "publishing": {"published": dataset.is_published}},
        "last_modified": fine_time(dataset.updated_at),
        "visibility": "restricted" if dataset.is_restricted else "domain",
        "status": {"name": public(dataset.state.internal, portal.switches.realtime_status_name)},
    }


def listing(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets``."""
    where = condition(exchange.all("where"))
    found = [
        one
        for one in portal.datasets.values()
        if matches(where, {"datasetid": one.dataset_id, "dataset_id": one.dataset_id, "title": one.title})
    ]
    rows = min(max(exchange.number("rows", 10), 0), 100)
    start = exchange.number("start", (max(exchange.number("page", 1), 1) - 1) * rows)
    shown = [dataset_json(portal, one) for one in found[start : start + rows]]
    if portal.switches.list_form == "array":
        return Reply.of(shown)
    return Reply.of({"nhits": len(found), "datasets": shown})


def create(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /datasets/``: a taken id is altered, unless ``strict`` is asked for."""
    body = exchange.object()
    dataset_id, strict = body.get("dataset_id"), exchange.first("strict") == "true"
    if strict:
        if dataset_id is None:
            raise Refused(
                400, "bad_request", "Dataset identifier (dataset_id) is mandatory", key="ODSException"
            )
        check_id(portal, dataset_id)
    elif dataset_id is not None and portal.switches.taken_id == "alter":
        dataset_id = portal.free_id(str(dataset_id))
    metas = body.get("metas") or {}
    if not isinstance(metas, dict) or not all(isinstance(fields, dict) for fields in metas.values()):
        raise invalid({"metas": ["This must be an object of objects."]})
    metadata = {
        str(template): {str(name): {"value": value} for name, value in fields.items()}
        for template, fields in metas.items()
        if template != "publishing"
    }
    made = portal.new_dataset(exchange.user_name, dataset_id, Config(metadata=metadata))
    return Reply.of(dataset_json(portal, made))


def read(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}``."""
    return Reply.of(dataset_json(portal, dataset_of(portal, exchange)))


def action(name: str) -> Callable[[Portal, Exchange], Reply]:
    """Return the service of ``PUT /datasets/{uid}/<action>``."""

    def service(portal: Portal, exchange: Exchange) -> Reply:
        if name == "save_version" and not portal.switches.save_version_action:
            raise not_found()
        job = act(portal, exchange, name)
        return Reply.of({"job_id": job} if job and name != "publish_metadata" else {})

    return service


def status(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/status``."""
    dataset = dataset_of(portal, exchange)
    following = engine.next_of(portal, dataset, dataset.state)
    shown = engine.state_of(dataset)
    name = public(shown.internal, portal.switches.realtime_status_name)
    body: dict[str, Any] = {
        "name": name,
        "since": fine_time(shown.since),
        "published": dataset.is_published,
        "previous": shown.previous,
        "next": following if shown is dataset.state else None,
    }
    if name == "idle" and dataset.is_published:
        expanded = "records_errors" in ",".join(exchange.all("expand")).split(",")
        body["records_errors"] = _errors(shown) if expanded else len(shown.records_errors)
    if name == "error":
        body |= {"message": shown.message, "raw_message": shown.raw_message}
    if name in {"error", "limit_reached"}:
        body["raw_params"] = shown.params
    return Reply.of(body)


def _errors(shown: State) -> list[dict[str, Any]]:
    return [one | {"raw_message": one["message"], "raw_params": {}} for one in shown.records_errors]


def records_errors(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/status/records_errors``."""
    return Reply.of(_errors(dataset_of(portal, exchange).state))


def _meta_json(template: str, name: str, value: dict[str, Any] | None) -> dict[str, Any]:
    value = value or {}
    purpose = _PURPOSES.get(template, "general")
    label = "Standard" if template == "default" else template
    return {
        "name": name,
        "template": {"name": template, "label": label, "purpose": purpose},
        "definition": {},
        "value": value.get("value"),
        "remote_value": value.get("remote_value"),
        "override_remote_value": value.get("override_remote_value", False),
    }


def _metas(dataset: Dataset) -> list[dict[str, Any]]:
    return [
        _meta_json(template, name, value)
        for template, values in dataset.config.metadata.items()
        for name, value in values.items()
    ]


def metadata(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/metadata``."""
    return Reply.of(_metas(dataset_of(portal, exchange)))


def _value(body: dict[str, Any]) -> dict[str, Any]:
    if "value" not in body:
        raise invalid({"value": ["This field is required."]})
    made = {"value": body["value"]}
    if body.get("override_remote_value") is not None:
        made["override_remote_value"] = body["override_remote_value"] is True
    return made


def put_metadata(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /datasets/{uid}/metadata/``: what is not named is kept."""
    dataset, metas = dataset_of(portal, exchange), exchange.object().get("metas")
    if not isinstance(metas, list) or not all(isinstance(one, dict) for one in metas):
        raise invalid({"metas": ["Expected a list of items."]})
    with changing(portal, exchange, dataset, "metadata") as config:
        for one in metas:
            if not one.get("template_name") or not one.get("metadata_name"):
                raise invalid({"metas": ["template_name and metadata_name are required."]})
            values = config.metadata.setdefault(str(one["template_name"]), {})
            values[str(one["metadata_name"])] = _value(one)
    return metadata(portal, exchange)


def meta(portal: Portal, exchange: Exchange) -> Reply:
    """``GET``, ``PUT`` and ``DELETE /datasets/{uid}/metadata/{template}/{field}``."""
    dataset = dataset_of(portal, exchange)
    template, field = exchange.parts["template"], exchange.parts["field"]
    if exchange.method == "PUT":
        with changing(portal, exchange, dataset, "metadata") as config:
            config.metadata.setdefault(template, {})[field] = _value(exchange.object())
    elif exchange.method == "DELETE":
        with changing(portal, exchange, dataset, "metadata") as config:
            config.metadata.get(template, {}).pop(field, None)
    found = dataset.config.metadata.get(template, {}).get(field)
    return Reply.of(_meta_json(template, field, found))


def _change_json(dataset: Dataset, version: Version) -> dict[str, Any]:
    return {
        "change_uid": version.number,
        "dataset": {"dataset_uid": dataset.uid, "domain": "emulator"},
        "user": {"username": version.user},
        "timestamp": fine_time(version.at),
        "diff": {"metadata": _diff(version)},
        "sections": list(version.sections),
        "can_restore": True,
    }


def _diff(version: Version) -> list[dict[str, Any]]:
    before, after = version.before.metadata, version.after.metadata
    paths = dict.fromkeys(
        (template, name)
        for metadata in (before, after)
        for template, values in metadata.items()
        for name in values
    )
    found = []
    for template, name in paths:
        old = before.get(template, {}).get(name, {}).get("value")
        new = after.get(template, {}).get(name, {}).get("value")
        if old != new:
            kind = "create" if old is None else "delete" if new is None else "update"
            found.append({
                "path": [template, name],
                "old_value": old,
                "new_value": new,
                "operation_type": kind,
            })
    return found


def changes(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/changes``."""
    dataset = dataset_of(portal, exchange)
    found = [_change_json(dataset, one) for one in dataset.versions]
    return Reply.of(found[::-1] if portal.switches.changes_order == "newest_first" else found)


def restore_change(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /datasets/{uid}/restore_change``: the configuration is as it was before that change."""
    dataset, wanted = dataset_of(portal, exchange), exchange.object().get("change_uid")
    for version in dataset.versions:
        if str(version.number) == str(wanted):
            restore(portal, exchange, dataset, version.before)
            return Reply.of(dataset_json(portal, dataset))
    raise not_found()


def job(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /jobs/{id}``: there is no usable job API."""
    del portal, exchange
    raise not_found()
