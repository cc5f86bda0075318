"""Calls that create, find and delete whole datasets (portal's Core API)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow_socrata.client.column_definitions import (
    ColumnDefinition,
    check_definitions,
    check_row_identifier,
    nearest,
)
from airflow_socrata.client.errors import ConfigurationError, PortalError
from airflow_socrata.client.ids import is_dataset_id
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply, UnreadableReply
from airflow_socrata.client.models import View
from airflow_socrata.client.parsing import mapping, object_of, objects, text

RESOURCE_NAME_PATTERN = "^[A-Za-z_][A-Za-z0-9_-]*$"
_RESOURCE_NAME = re.compile(RESOURCE_NAME_PATTERN)
_TAKEN = re.compile(r"resource.?name.*(taken|in use|exist|unique)", re.IGNORECASE)

#: Views on one page of the list of all views.
PAGE_SIZE = 200

#: Metadata of a view that a creation may carry, and what the portal calls them.
DETAILS: Mapping[str, str] = {
    "description": "description",
    "category": "category",
    "tags": "tags",
    "license_id": "licenseId",
    "attribution": "attribution",
    "attribution_link": "attributionLink",
}


@dataclass(frozen=True, slots=True)
class NewDataset:
    """A dataset that is to be: checked when it is made, so that nothing wrong is sent.

    :param resource_name: names the dataset in addresses; unique on the portal.
    :param name: what people read; need not be unique.
    :param columns: at least one; none for a link.
    :param row_identifier: field name of the column that identifies rows.
    :param details: keys of :data:`DETAILS` and their values; ``tags`` are a list of texts.
    :param metadata: the view's ``metadata``, e.g. ``{"rowLabel": "permit"}``.
    :param new_backend: which back end; None: the portal's own choice.
    :param delete_at: when the portal shall delete it by itself, with a zone; None: never.
    :param link: address that a dataset without rows leads to, instead of columns.
    :raises ConfigurationError: something is wrong; the message names it.
    """

    resource_name: str
    name: str
    columns: tuple[ColumnDefinition, ...] = ()
    row_identifier: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict, hash=False)
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)
    new_backend: bool | None = None
    delete_at: datetime | None = None
    link: str | None = None

    def __post_init__(self) -> None:
        check_resource_name(self.resource_name)
        if not isinstance(self.name, str) or not self.name.strip():
            raise ConfigurationError("the name of the dataset is empty")
        if self.link is None:
            object.__setattr__(self, "columns", check_definitions(self.columns))
            check_row_identifier(self.columns, self.row_identifier)
        elif self.columns or self.row_identifier:
            raise ConfigurationError("a dataset that is a link has neither columns nor a row identifier")
        for key in self.details:
            if key not in DETAILS:
                hint = nearest(str(key), DETAILS)
                raise ConfigurationError(f"{key!r} is no detail of a dataset{hint}: {', '.join(DETAILS)}")
        tags = self.details.get("tags")
        if isinstance(tags, str) or not all(isinstance(tag, str) and tag for tag in tags or ()):
            raise ConfigurationError(f"tags are a list of texts, not {tags!r}")
        if not isinstance(self.metadata, Mapping):
            raise ConfigurationError(f"metadata is an object, not {self.metadata!r}")
        if "rowIdentifier" in self.metadata:
            raise ConfigurationError("give the row identifier as row_identifier, not in metadata")
        if self.delete_at is not None and self.delete_at.tzinfo is None:
            raise ConfigurationError("delete_at has no time zone: give one, such as UTC")

    def to_json(self, private_metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The body of the call that creates it."""
        metadata = dict(self.metadata)
        body: dict[str, Any] = {"name": self.name, "resourceName": self.resource_name, "flags": ["default"]}
        body |= {DETAILS[key]: value for key, value in self.details.items() if value is not None}
        if "tags" in body:
            body["tags"] = list(body["tags"])
        if self.link is not None:
            body["displayType"] = "href"
            metadata["accessPoints"] = {"URL": self.link}
        else:
            body["columns"] = [column.to_json() for column in self.columns]
        if self.row_identifier is not None:
            metadata["rowIdentifier"] = self.row_identifier
        if metadata:
            body["metadata"] = metadata
        if private_metadata:
            body["privateMetadata"] = dict(private_metadata)
        return body


def check_resource_name(name: str) -> str:
    """Return a resource name that can be part of an address.

    :raises ConfigurationError: it is none, or looks like a 4x4.
    """
    if not isinstance(name, str) or not _RESOURCE_NAME.fullmatch(name) or is_dataset_id(name):
        raise ConfigurationError(
            f"{str(name)[:80]!r} is no resource name: it must match {RESOURCE_NAME_PATTERN} and be no 4x4"
        )
    return name


def create_dataset(new: NewDataset, private_metadata: Mapping[str, Any] | None = None) -> Call[View]:
    """Create an empty dataset that is not yet published. A resource name can be used once.

    :param private_metadata: what only publishers see, e.g. who made it.
    """
    params: list[tuple[str, str]] = []
    if new.new_backend is not None:
        params.append(("nbe", "true" if new.new_backend else "false"))
    if new.delete_at is not None:
        moment = new.delete_at.astimezone(UTC)
        params.append(("deleted_at", moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")))
    return Call(
        CallKind.DATASET,
        "POST",
        "/api/views.json",
        lambda reply: View.from_json(object_of(reply, "a view")),
        f"create dataset {new.resource_name}",
        params=tuple(params),
        headers=JSON_TYPE,
        body=json.dumps(new.to_json(private_metadata), allow_nan=False).encode(),
    )


def find_by_resource_name(name: str) -> Call[View | None]:
    """Find the dataset that has a resource name; a portal without one answers 404 or nothing."""

    def parse(reply: Reply) -> View | None:
        if not reply.body.strip():
            return None
        body = reply.json()
        if isinstance(body, dict) and body.get("id"):
            return View.from_json(object_of(reply, "a view"))
        if not isinstance(body, list):
            raise UnreadableReply("expected a view")
        # A portal that does not know the method lists views.
        found = [item for item in objects(body) if item.get("resourceName") == name]
        return View.from_json(dict(found[0])) if found else None

    return Call(
        CallKind.READ,
        "GET",
        "/api/views.json",
        parse,
        f"find dataset {check_resource_name(name)}",
        params=(("method", "getByResourceName"), ("name", name)),
    )


def list_views(page: int, limit: int = PAGE_SIZE) -> Call[tuple[View, ...]]:
    """Read one page of the views that the signed-in user may see.

    :param page: from 1.
    :param limit: views on a page.
    """

    def parse(reply: Reply) -> tuple[View, ...]:
        body = reply.json()
        if not isinstance(body, list):
            raise UnreadableReply("expected an array of views")
        return tuple(View.from_json(dict(item)) for item in objects(body))

    return Call(
        CallKind.READ,
        "GET",
        "/api/views.json",
        parse,
        f"page {page} of all views",
        params=(("limit", str(limit)), ("page", str(page))),
    )


def resource_name_of(view: View) -> str | None:
    """The name that a view has in addresses, beside its 4x4."""
    return text(view.raw.get("resourceName"))


def is_link(view: View) -> bool:
    """Whether a dataset only leads to an address."""
    return "href" in {view.view_type, view.display_type}


def link_of(view: View) -> str | None:
    """The address that a dataset without rows leads to."""
    return text(mapping(mapping(view.raw.get("metadata")).get("accessPoints")).get("URL"))


def is_name_taken(error: PortalError) -> bool:
    """Whether a portal refuses a creation because another dataset has the resource name."""
    words = f"{error.code or ''} {error.portal_message or ''}"
    return _TAKEN.search(words) is not None


def differences(new: NewDataset, view: View) -> tuple[str, ...]:
    """How an existing dataset differs from a wanted one: columns, types, row identifier, kind, back end.

    Order, display names, descriptions and formats may differ: they can be changed at any time.
    """
    found = []
    if new.new_backend is not None and view.new_backend not in {None, new.new_backend}:
        found.append(f"it is on the {'new' if view.new_backend else 'old'} back end")
    if new.link is not None or is_link(view):
        if link_of(view) != new.link:
            found.append(f"it leads to {link_of(view)}" if is_link(view) else "it is no link")
        return tuple(found)
    there = {
        column.field_name: ColumnDefinition.of(column)
        for column in view.columns
        if not column.field_name.startswith(":")
    }
    wanted = {column.field_name: column for column in new.columns}
    found += [f"it lacks column {name}" for name in wanted if name not in there]
    found += [f"it has a column {name} more" for name in there if name not in wanted]
    found += [
        f"its column {name} is of type {there[name].data_type}, not {column.data_type}"
        for name, column in wanted.items()
        if name in there and there[name].data_type != column.data_type
    ]
    if view.row_identifier != new.row_identifier:
        found.append(
            f"its row identifier is {view.row_identifier or 'none'}, not {new.row_identifier or 'none'}"
        )
    return tuple(found)
