"""Calls for saved configs: how files of one kind are read and what columns they give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from airflow_socrata.client import links
from airflow_socrata.client.envelopes import json_body, resource_of, resources_of
from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply
from airflow_socrata.client.parsing import nothing
from airflow_socrata.client.revision_models import Config, OutputSchema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_socrata.client.column_specs import OutputColumnSpec

Action = Literal["update", "replace", "delete"]


def listing() -> Call[tuple[Config, ...]]:
    """List the configs of the portal."""
    return Call(CallKind.READ, "GET", links.configs_path(), _parse_configs, "list configs")


def read(name: str) -> Call[Config]:
    """Read a config by its name."""
    return Call(
        CallKind.READ,
        "GET",
        links.config_path(name),
        _parse_config,
        f"read config {name!r}",
        if_absent=_absent(name),
    )


def create(
    name: str,
    data_action: Action,
    *,
    columns: Sequence[OutputColumnSpec] | None = None,
    parse_options: Mapping[str, Any] | None = None,
) -> Call[Config]:
    """Save a config.

    :param name: unique on the portal.
    :param columns: None lets the portal guess them for each file.
    :param parse_options: None takes the portal's.
    """
    body: dict[str, Any] = {"name": links.check_config_name(name), "data_action": data_action}
    if columns is not None:
        body["columns"] = [column.to_config_json() for column in columns]
    if parse_options is not None:
        body["parse_options"] = dict(parse_options)
    return Call(
        CallKind.CONFIG,
        "POST",
        links.configs_path(),
        _parse_config,
        f"create config {name!r}",
        headers=JSON_TYPE,
        body=json_body(body),
    )


def build_from(schema: OutputSchema, name: str, data_action: Action) -> Call[Config]:
    """Save a config with the columns of an output schema and the parse options of its source."""
    return Call(
        CallKind.CONFIG,
        "POST",
        schema.links.path("build_config", output_schema_id=schema.id),
        _parse_config,
        f"create config {name!r} from output schema {schema.id}",
        headers=JSON_TYPE,
        body=json_body({"name": links.check_config_name(name), "data_action": data_action}),
    )


def change(
    config: Config,
    *,
    data_action: Action | None = None,
    columns: Sequence[OutputColumnSpec] | None = None,
    parse_options: Mapping[str, Any] | None = None,
) -> Call[Config]:
    """Change a config for revisions that start from it later; what is None stays as it is.

    :raises ConfigurationError: if there is nothing to change.
    """
    body: dict[str, Any] = {}
    if data_action is not None:
        body["data_action"] = data_action
    if columns is not None:
        body["columns"] = [column.to_config_json() for column in columns]
    if parse_options is not None:
        body["parse_options"] = dict(parse_options)
    if not body:
        raise ConfigurationError(f"there are no changes of config {config.name!r}")
    return Call(
        CallKind.METADATA,
        "PATCH",
        config.links.path("update"),
        _parse_config,
        f"change config {config.name!r}",
        headers=JSON_TYPE,
        body=json_body(body),
        if_absent=_absent(config.name),
    )


def delete(config: Config) -> Call[None]:
    """Delete a config; revisions that started from it stay."""
    return Call(
        CallKind.CONFIG,
        "DELETE",
        config.links.path("delete"),
        nothing,
        f"delete config {config.name!r}",
        if_absent=_absent(config.name),
    )


def _absent(name: str) -> str:
    return f"check the name: the portal has no config {name!r}, or hides it from the connection's user"


def _parse_config(reply: Reply) -> Config:
    return Config.from_json(*resource_of(reply, "a config"))


def _parse_configs(reply: Reply) -> tuple[Config, ...]:
    return tuple(Config.from_json(*item) for item in resources_of(reply, "configs"))
