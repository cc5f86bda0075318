"""Import configs: saved parse options and columns, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_socrata.emulator.dsmapi.calls import body_of, named_dataset, number_in
from airflow_socrata.emulator.dsmapi.envelopes import config_json
from airflow_socrata.emulator.dsmapi.errors import invalid, missing, refused
from airflow_socrata.emulator.dsmapi.model import Config
from airflow_socrata.emulator.dsmapi.revisions import ACTIONS
from airflow_socrata.emulator.dsmapi.sources import options_of
from airflow_socrata.emulator.edge.portal import Exchange, Portal, Reply

if TYPE_CHECKING:
    from airflow_socrata.emulator.errors import PortalError


def listing(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /config``."""
    portal.publisher(exchange)
    return Reply.of([config_json(each) for each in list(portal.desk.configs.values())])


def create(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /config``."""
    portal.publisher(exchange)
    body = body_of(exchange)
    config = _made(portal, body, _columns(body.get("columns")), body.get("parse_options"))
    return Reply.of(config_json(_keep(portal, config)), 201)


def build_from(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /config/build_from/{output schema}``: the columns of a schema, the options of its source."""
    portal.publisher(exchange)
    number = number_in(exchange, "output_schema_id", "output schema")
    schema = portal.desk.output_schemas.get(number)
    if schema is None:
        raise missing("output schema", number)
    source = schema.input.source
    if source.revision is not None:
        named_dataset(portal, exchange, source.revision.view_id)
    columns = [
        {
            "field_name": each.field_name,
            "display_name": each.display_name,
            "transform_expr": each.transform.expr,
            "format": each.format,
            "description": each.description,
            "is_primary_key": each.is_primary_key,
            "flags": each.flags,
        }
        for each in schema.columns
    ]
    config = _made(portal, body_of(exchange), columns, source.options.to_json())
    return Reply.of(config_json(_keep(portal, config)), 201)


def _made(portal: Portal, body: dict[str, Any], columns: list[dict[str, Any]], options: Any) -> Config:
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise invalid("Name can't be blank", details={"name": "can't be blank"})
    now = portal.clock.now()
    return Config(name, _action(body.get("data_action")), _options(options), columns, now, now)


def _options(given: Any) -> Any:
    if given is not None and not isinstance(given, dict):
        raise invalid("parse_options must be an object", details={"parse_options": "must be an object"})
    return options_of(given or {})


def _action(given: Any) -> str:
    if given not in ACTIONS:
        raise invalid(
            f"Unknown action {given}", details={"data_action": f"must be one of {', '.join(ACTIONS)}"}
        )
    return str(given)


def _columns(given: Any) -> list[dict[str, Any]]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise invalid("columns must be an array", details={"columns": "must be an array"})
    made = []
    for each in given:
        names = each if isinstance(each, dict) else {}
        for key in ("field_name", "transform_expr"):
            if not isinstance(names.get(key), str) or not names[key]:
                raise invalid(f"{key} of a column can't be blank", details={key: "can't be blank"})
        made.append({
            "field_name": names["field_name"],
            "display_name": names.get("display_name") or names["field_name"],
            "transform_expr": names["transform_expr"],
            "format": names.get("format") or {},
            "description": names.get("description") or "",
            # Null where it was not sent, as portals have been seen to answer.
            "is_primary_key": names.get("is_primary_key"),
            "flags": names.get("flags") or [],
        })
    return made


def _keep(portal: Portal, config: Config) -> Config:
    with portal.desk.lock:
        if config.name in portal.desk.configs:
            raise _taken(config.name)
        portal.desk.configs[config.name] = config
    return config


def _taken(name: str) -> PortalError:
    return refused(409, "name_taken", f"There is a config {name} already", details={"name": "is taken"})


def _named(portal: Portal, exchange: Exchange) -> Config:
    portal.publisher(exchange)
    name = unquote(exchange.parts["name"])
    config = portal.desk.configs.get(name)
    if config is None:
        raise missing("config", name)
    return config


def read(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /config/{name}``."""
    return Reply.of(config_json(_named(portal, exchange)))


def update(portal: Portal, exchange: Exchange) -> Reply:
    """``PATCH /config/{name}``: change what is named, the name too."""
    config = _named(portal, exchange)
    body = body_of(exchange)
    action = _action(body.get("data_action") or config.data_action)
    options = _options(body["parse_options"]) if body.get("parse_options") else config.options
    columns = _columns(body["columns"]) if body.get("columns") is not None else config.columns
    name = body.get("name") or config.name
    if not isinstance(name, str):
        raise invalid("Name must be a text", details={"name": "must be a text"})
    with portal.desk.lock:
        if portal.desk.configs.get(name, config) is not config:
            raise _taken(name)
        portal.desk.configs.pop(config.name, None)
        portal.desk.configs[name] = config
        config.name, config.updated_at = name, portal.clock.now()
    config.data_action, config.options, config.columns = action, options, columns
    return Reply.of(config_json(config), 202)


def delete(portal: Portal, exchange: Exchange) -> Reply:
    """``DELETE /config/{name}``."""
    config = _named(portal, exchange)
    portal.desk.configs.pop(config.name, None)
    return Reply.of(config_json(config), 201)
