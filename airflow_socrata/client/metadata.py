"""The Metadata API: what a dataset says about itself, read and changed key by key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply, UnreadableReply
from airflow_socrata.client.parsing import mapping, object_of, objects, one_line, shape, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_socrata.client.session import PortalSession

_BASE = "/api/views/metadata/v1"
_ABSENT = "check the dataset id, that the connection's user may see it, and that the portal has this API"
Fieldsets = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a dataset says about itself. Empty texts are None; times are ISO 8601.

    :param license: name or id of the licence, as the portal tells it.
    :param custom_fields: fieldset to field to value.
    :param private_custom_fields: the same for those who may edit; None where the portal does not show them.
    :param raw: all of it as it came.
    """

    id: str
    name: str = ""
    description: str | None = None
    category: str | None = None
    tags: tuple[str, ...] = ()
    license: str | None = None
    attribution: str | None = None
    attribution_link: str | None = None
    external_id: str | None = None
    custom_fields: Fieldsets = field(default_factory=dict)
    private_custom_fields: Fieldsets | None = None
    domain: str | None = None
    provenance: str | None = None
    web_uri: str | None = None
    created_at: str | None = None
    data_updated_at: str | None = None
    metadata_updated_at: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, body: Any) -> Metadata:
        """Read a metadata object.

        :raises UnreadableReply: if it is no object with an id.
        """
        if not isinstance(body, dict) or text(body.get("id")) is None:
            raise UnreadableReply("the metadata have no id")
        tags = body.get("tags")
        return cls(
            id=body["id"],
            name=text(body.get("name")) or "",
            description=text(body.get("description")),
            category=text(body.get("category")),
            tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
            license=text(body.get("license")),
            attribution=text(body.get("attribution")),
            attribution_link=text(body.get("attributionLink")),
            external_id=text(body.get("externalId")),
            custom_fields=fieldsets_of(body.get("customFields")),
            private_custom_fields=(
                fieldsets_of(body["privateCustomFields"]) if "privateCustomFields" in body else None
            ),
            domain=text(body.get("domain")),
            provenance=text(body.get("provenance")),
            web_uri=text(body.get("webUri")),
            created_at=text(body.get("createdAt")),
            data_updated_at=text(body.get("dataUpdatedAt")),
            metadata_updated_at=text(body.get("metadataUpdatedAt")),
            raw=body,
        )


def fieldsets_of(value: Any) -> Fieldsets:
    """Read custom fields: fieldset to field to value; empty values are left out."""
    return {
        name: {one: str(each) for one, each in fields.items() if each not in (None, "")}
        for name, fields in mapping(value).items()
        if isinstance(fields, dict)
    }


@dataclass(frozen=True, slots=True)
class Issue:
    """What the portal finds wrong with one field; ``field`` is None where it does not say which."""

    field: str | None
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the portal says about a change that was not made.

    :param errors: these refuse the change.
    :param warnings: these refuse it where it is strict.
    :param outcome: the metadata as they would be, where told.
    """

    errors: tuple[Issue, ...] = ()
    warnings: tuple[Issue, ...] = ()
    outcome: Metadata | None = None


def read(dataset_id: str) -> Call[Metadata]:
    """Read the metadata of a dataset.

    :raises ConfigurationError: if ``dataset_id`` is no 4x4; so do all calls here.
    """
    path, summary = _path(dataset_id), f"read the metadata of {dataset_id}"
    return Call(CallKind.READ, "GET", path, _parse, summary, if_absent=_ABSENT)


def page(number: int = 1, size: int = 100) -> Call[tuple[Metadata, ...]]:
    """Read one page of the metadata of the portal's public datasets.

    :param number: from 1.
    :param size: datasets on a page.
    """
    if number < 1 or size < 1:
        raise ConfigurationError("pages are counted from 1 and hold at least 1 dataset")
    params = (("limit", str(size)), ("page", str(number)))
    return Call(CallKind.READ, "GET", _BASE, _parse_page, f"read metadata, page {number}", params=params)


def every(session: PortalSession, size: int = 100) -> Iterator[Metadata]:
    """Read the metadata of the portal's public datasets, page by page."""
    seen: set[str] = set()
    number = 1
    while True:
        found = session.send(page(number, size))
        fresh = [each for each in found if each.id not in seen]
        yield from fresh
        seen.update(each.id for each in fresh)
        if len(found) < size or not fresh:
            return
        number += 1


def usage() -> Call[str]:
    """Read the portal's own words about this API."""
    params = (("help", ""),)
    return Call(CallKind.READ, "GET", _BASE, _parse_words, "read the help of the Metadata API", params=params)


def validate(dataset_id: str, changes: Mapping[str, Any], *, strict: bool = False) -> Call[Verdict]:
    """Ask what the portal would say to :func:`change`; nothing is changed."""
    summary = f"validate a change of the metadata of {dataset_id}"
    params = (("validateOnly", "true"), *((("strict", "true"),) if strict else ()))
    return _patch(dataset_id, changes, CallKind.READ, summary, params, _parse_verdict)


def change(dataset_id: str, changes: Mapping[str, Any], *, strict: bool = False) -> Call[Metadata]:
    """Change metadata; what ``changes`` does not name stays, also within ``customFields``.

    :param changes: by the portal's own names (``attributionLink``); None empties a field. Within
        ``customFields`` and ``privateCustomFields`` None takes a value, a fieldset or all of them away.
    :param strict: what the portal would only warn of is refused.
    """
    summary = f"change the metadata of {dataset_id}"
    params = (("strict", "true"),) if strict else ()
    return _patch(dataset_id, changes, CallKind.METADATA, summary, params, _parse)


def _patch(
    dataset_id: str,
    changes: Mapping[str, Any],
    kind: CallKind,
    summary: str,
    params: tuple[tuple[str, str], ...],
    parse: Any,
) -> Call[Any]:
    return Call(
        kind,
        "PATCH",
        _path(dataset_id),
        parse,
        summary,
        params=params,
        headers=JSON_TYPE,
        body=json.dumps(dict(changes), allow_nan=False).encode(),
    )


def _path(dataset_id: str) -> str:
    return f"{_BASE}/{check_dataset_id(dataset_id)}"


def _parse(reply: Reply) -> Metadata:
    return Metadata.from_json(object_of(reply, "metadata"))


def _parse_page(reply: Reply) -> tuple[Metadata, ...]:
    body = reply.json()
    if not isinstance(body, list):
        raise UnreadableReply(f"expected an array of metadata, got {shape(body)}")
    return tuple(Metadata.from_json(each) for each in objects(body))


def _parse_words(reply: Reply) -> str:
    return reply.body.decode("utf-8", "replace")


def _parse_verdict(reply: Reply) -> Verdict:
    body = object_of(reply, "a verdict on metadata")
    outcome = body.get("metadata") if isinstance(body.get("metadata"), dict) else body
    told = text(mapping(outcome).get("id")) is not None
    if not told and "errors" not in body and "warnings" not in body:
        raise UnreadableReply("the verdict names neither metadata nor errors")
    return Verdict(
        tuple(_issues(body.get("errors"))),
        tuple(_issues(body.get("warnings"))),
        Metadata.from_json(outcome) if told else None,
    )


_MESSAGES = ("message", "reason", "error", "description")
_FIELDS = ("field", "key", "path", "name")


def _issues(value: Any) -> Iterator[Issue]:
    """Read texts, objects, or an object from field to text or texts: which one comes is not documented."""
    if isinstance(value, dict):
        for name, words in value.items():
            for each in words if isinstance(words, list) else [words]:
                yield Issue(str(name), one_line(str(each)))
    for each in value if isinstance(value, list) else []:
        if isinstance(each, dict):
            message = next((text(each.get(key)) for key in _MESSAGES if text(each.get(key))), None)
            named = next((text(each.get(key)) for key in _FIELDS if text(each.get(key))), None)
            yield Issue(named, one_line(message or json.dumps(each)))
        else:
            yield Issue(None, one_line(str(each)))
