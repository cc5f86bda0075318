"""Replies of the Dataset Management API: a resource with its links, alone or in an array."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_socrata.client.links import Links
from airflow_socrata.client.messages import Reply, UnreadableReply
from airflow_socrata.client.parsing import object_of, refuse_error_object, shape

Resource = tuple[Mapping[str, Any], Links]


def json_body(value: Mapping[str, Any]) -> bytes:
    """Build a request body."""
    return json.dumps(value, allow_nan=False).encode()


def resource_of(reply: Reply, what: str) -> Resource:
    """Read one resource and its links.

    :param what: what it should be, for the error, e.g. ``a revision``.
    :raises UnreadableReply: if it is none.
    """
    return opened(object_of(reply, what), what)


def resources_of(reply: Reply, what: str) -> tuple[Resource, ...]:
    """Read an array of resources.

    :param what: what they should be, for the error, e.g. ``revisions``.
    :raises UnreadableReply: if it is none.
    """
    body = reply.json()
    if isinstance(body, dict):
        refuse_error_object(body)
        body = body.get("resource")
    if not isinstance(body, list):
        raise UnreadableReply(f"expected an array of {what}, got {shape(body)}")
    return tuple(opened(item, what) for item in body)


def opened(body: Any, what: str) -> Resource:
    """Take a resource out of its envelope.

    :raises UnreadableReply: if ``body`` is none.
    """
    resource = body.get("resource") if isinstance(body, dict) else None
    if not isinstance(resource, dict):
        raise UnreadableReply(f"expected {what} in an envelope, got {shape(body)}")
    return resource, Links.of(body.get("links"))
