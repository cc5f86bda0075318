"""Hold exchanges against the contract."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from contract.operations import BASE, BY_NAME, FILLED, LINKS, OPEN_PLACES, Operation, operation_of
from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from contract.schemas import Schema


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its reply."""

    operation: Operation
    path: str
    query: str
    sent: bytes
    sent_type: str | None
    status: int
    received: bytes
    received_type: str | None

    def json(self) -> Any:
        return json.loads(self.received)


def exchange(
    method: str,
    path: str,
    query: str,
    sent: bytes,
    sent_type: str | None,
    status: int,
    received: bytes,
    received_type: str | None,
) -> Exchange:
    return Exchange(operation_of(method, path), path, query, sent, sent_type, status, received, received_type)


def faults_of(schema: Schema, value: Any) -> list[str]:
    """Return what is wrong, each with its place."""
    found = Draft202012Validator(schema).iter_errors(value)
    return [f"{error.json_path}: {error.message[:300]}" for error in _deepest(found)]


def _deepest(errors: Any) -> Iterator[Any]:
    """Of a choice none of whose branches fits, tell about the branch that fits best."""
    for error in errors:
        if error.validator == "anyOf" and error.context:
            branches: dict[int, list[Any]] = {}
            for inner in error.context:
                branches.setdefault(inner.schema_path[0], []).append(inner)
            yield from _deepest(
                max(branches.values(), key=lambda branch: max(len(each.path) for each in branch))
            )
        else:
            yield error


def check_sent(operation: Operation, query: str, sent: bytes, sent_type: str | None) -> None:
    """Hold a request against the contract."""
    unknown = {key for key, _ in parse_qsl(query)} - set(operation.query)
    assert unknown == set(), f"{operation.name}: query {unknown}"
    if operation.raw:
        assert sent_type != "application/json"
    elif operation.sent is None:
        assert sent == b"", f"{operation.name} has no body: {sent[:200]!r}"
    elif sent or not operation.bodiless:
        assert sent_type == "application/json"
        assert faults_of(operation.sent, json.loads(sent)) == [], operation.name


def check_received(seen: Exchange) -> None:
    """Hold a reply of success against the contract, its links too."""
    operation = seen.operation
    assert seen.status in operation.statuses, f"{operation.name}: {seen.status} {seen.received[:500]!r}"
    assert seen.received_type, "socrata-py breaks on a reply without a Content-Type"
    if operation.received is None or seen.received_type.startswith("text/csv"):
        assert not seen.received_type.startswith("application/json")
        return
    assert seen.received_type.startswith("application/json")
    value = seen.json()
    assert faults_of(operation.received, value) == [], operation.name
    if operation.links:
        for each in value if isinstance(value, list) else [value]:
            if "resource" in each:
                check_links(operation.links, each["links"])


def check_links(kind: str, links: Mapping[str, Any]) -> None:
    """See that every link is there, leads to its call, and leaves open what it may."""
    _check_links(links, LINKS[kind], OPEN_PLACES[kind], kind)


def _check_links(links: Mapping[str, Any], expected: Mapping[str, Any], places: set[str], where: str) -> None:
    assert set(links) == set(expected), where
    for name, leads_to in expected.items():
        link = links[name]
        if isinstance(leads_to, dict):
            _check_links(link, leads_to, places, f"{where}.{name}")
            continue
        assert isinstance(link, str), f"{where}.{name}"
        left = set(re.findall(r"\{(\w+)\}", link))
        assert left <= places, f"{where}.{name} leaves {left - places} open"
        filled, _, query = re.sub(r"\{(\w+)\}", lambda place: FILLED.get(place[1], "1"), link).partition("?")
        assert {key for key, _ in parse_qsl(query)} <= set(BY_NAME[leads_to].query), f"{where}.{name}: {link}"
        assert BY_NAME[leads_to].pattern.fullmatch(filled), f"{where}.{name}: {link}"
        assert link.startswith(BASE)
