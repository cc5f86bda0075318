"""Metadata: templates with fields with value objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.opendatasoft.changing import changing, dataset_of
from airflow_socrata.emulator.opendatasoft.errors import Refused, Reply, invalid, not_found

if TYPE_CHECKING:
    from airflow_socrata.emulator.opendatasoft.portal import Exchange, Portal

Template = dict[str, dict[str, Any]]


def checked_metadata(body: Any) -> dict[str, Template]:
    """Return the metadata of a body.

    :raises Refused: 400 with what is wrong, by template and field.
    """
    if not isinstance(body, dict):
        raise invalid({"metadata": ["This must be an object."]})
    return {str(name): checked_template(fields, str(name)) for name, fields in body.items()}


def checked_template(body: Any, name: str) -> Template:
    """Return one template of a body.

    :raises Refused: 400 with what is wrong.
    """
    if not isinstance(body, dict):
        raise invalid({name: ["This must be an object."]})
    return {str(field): checked_value(value, f"{name}.{field}") for field, value in body.items()}


def checked_value(body: Any, name: str) -> dict[str, Any]:
    """Return a value object.

    :raises Refused: 400 with what is wrong.
    """
    if not isinstance(body, dict) or "value" not in body:
        raise invalid({name: ["This field is required: value."]})
    if name in {"default.title", "title"} and not isinstance(body["value"], str | None):
        raise invalid({name: ["Not a valid string."]})
    kept = {"value": body["value"]}
    if body.get("override_remote_value") is not None:
        kept["override_remote_value"] = body["override_remote_value"] is True
    return kept


def read_all(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/metadata/``."""
    return Reply.of(dataset_of(portal, exchange).config.metadata)


def put_all(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /datasets/{uid}/metadata/``: what is left out is gone."""
    dataset = dataset_of(portal, exchange)
    with changing(portal, exchange, dataset, "metadata") as config:
        config.metadata = checked_metadata(exchange.object())
    return read_all(portal, exchange)


def read_template(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/metadata/{template}/``."""
    found = dataset_of(portal, exchange).config.metadata.get(exchange.parts["template"])
    if found is None and portal.switches.unknown_template == "absent":
        raise not_found()
    return Reply.of(found or {})


def put_template(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /datasets/{uid}/metadata/{template}/``: what is left out is gone."""
    dataset, name = dataset_of(portal, exchange), exchange.parts["template"]
    with changing(portal, exchange, dataset, "metadata") as config:
        config.metadata[name] = checked_template(exchange.object(), name)
    return read_template(portal, exchange)


def read_field(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /datasets/{uid}/metadata/{template}/{field}/``."""
    template = dataset_of(portal, exchange).config.metadata.get(exchange.parts["template"], {})
    found = template.get(exchange.parts["field"])
    if found is not None:
        return Reply.of(found)
    status = portal.switches.unset_field_status
    if status == 200:
        return Reply.of({"value": None})
    raise Refused(status, "not_found", "Not found.")


def put_field(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /datasets/{uid}/metadata/{template}/{field}/``."""
    dataset = dataset_of(portal, exchange)
    template, field = exchange.parts["template"], exchange.parts["field"]
    with changing(portal, exchange, dataset, "metadata") as config:
        value = checked_value(exchange.object(), f"{template}.{field}")
        config.metadata.setdefault(template, {})[field] = value
    return Reply.of(value)


def delete_field(portal: Portal, exchange: Exchange) -> Reply:
    """``DELETE /datasets/{uid}/metadata/{template}/{field}/``."""
    dataset = dataset_of(portal, exchange)
    with changing(portal, exchange, dataset, "metadata") as config:
        config.metadata.get(exchange.parts["template"], {}).pop(exchange.parts["field"], None)
    return Reply.empty()
