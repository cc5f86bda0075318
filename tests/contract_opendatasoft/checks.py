"""Hold exchanges against the contract."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contract_opendatasoft.operations import operation_of
from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contract_opendatasoft.schemas import Operation, Schema


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its reply."""

    operation: Operation
    query: frozenset[str]
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
    query: Iterable[str],
    sent: bytes,
    sent_type: str | None,
    status: int,
    received: bytes,
    received_type: str | None,
) -> Exchange:
    operation = operation_of(method, path)
    return Exchange(operation, frozenset(query), sent, sent_type, status, received, received_type)


def faults_of(schema: Schema, value: Any) -> list[str]:
    """Return what is wrong, each with its place."""
    return [f"{error.json_path}: {error.message[:300]}" for error in _deepest(_errors(schema, value))]


def _errors(schema: Schema, value: Any) -> Iterable[Any]:
    return Draft202012Validator(schema).iter_errors(value)


def _deepest(errors: Iterable[Any]) -> Iterator[Any]:
    """Of a choice none of whose branches fits, tell about the branch that fits best."""
    for error in errors:
        if error.validator == "anyOf" and error.context:
            branches: dict[int, list[Any]] = {}
            for inner in error.context:
                branches.setdefault(inner.schema_path[0], []).append(inner)
            yield from _deepest(min(branches.values(), key=len))
        else:
            yield error


def check_sent(seen: Exchange) -> None:
    """Hold a request against the contract."""
    operation = seen.operation
    unknown = seen.query - set(operation.query)
    assert unknown == set(), f"{operation.name}: query {set(unknown)}"
    if operation.sent is None:
        assert seen.sent == b"", f"{operation.name} has no body: {seen.sent[:200]!r}"
        assert seen.sent_type is None
    elif operation.sent == "file":
        assert (seen.sent_type or "").startswith("multipart/form-data; boundary=")
        assert b'name="file"; filename="' in seen.sent
    else:
        assert isinstance(operation.sent, dict)
        assert seen.sent_type == "application/json"
        assert faults_of(operation.sent, json.loads(seen.sent)) == [], operation.name


def check_received(seen: Exchange) -> None:
    """Hold a reply of success against the contract."""
    operation = seen.operation
    assert seen.status in operation.statuses, f"{operation.name}: {seen.status} {seen.received[:500]!r}"
    if operation.received is None:
        assert (seen.received, seen.received_type) == (b"", None)
    elif operation.received == "bytes":
        assert seen.received
        assert seen.received_type
    else:
        assert isinstance(operation.received, dict)
        assert seen.received_type == "application/json; charset=utf-8"
        assert faults_of(operation.received, seen.json()) == [], operation.name
