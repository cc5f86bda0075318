"""The vendor's OpenAPI file beside the contract: how it is read, and where it is known to be wrong."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract import schemas
from contract.operations import BASE, OPERATIONS, Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract.schemas import Schema

VARIABLE = "SOCRATA_DSMAPI_OPENAPI"
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "spec" / "dsmapi.openapi.json"
# The file's names for places.
_PLACES = {
    "fourfour": "dataset",
    "revision_seq": "seq",
    "source_id": "source",
    "seq_num": "chunk",
    "byte_offset": "offset",
    "input_schema_id": "input_schema",
    "output_schema_id": "output_schema",
    "name": "name",
}
# `:id` is another thing in each path.
_IDS = {"apply": "task_set", "schema": "input_schema", "transform": "transform"}

COMPONENTS: dict[str, Schema] = {
    "Revision": schemas.REVISION,
    "RevisionMetadata": schemas.METADATA,
    "TaskSet": schemas.TASK_SET,
    "Creator": schemas.CREATOR,
    "Source": schemas.SOURCE,
    "SourceType": schemas.SOURCE["properties"]["source_type"],
    "ParseOptions": schemas.PARSE_OPTIONS,
    "InputSchema": schemas.INPUT_SCHEMA,
    "InputColumn": schemas.INPUT_COLUMN,
    "OutputSchema": schemas.OUTPUT_SCHEMA,
    "OutputColumn": schemas.OUTPUT_COLUMN,
    "Transform": schemas.TRANSFORM,
    "TransformInputColumn": schemas.TRANSFORM["properties"]["transform_input_columns"]["items"],
    "ImportConfig": schemas.CONFIG,
}
# What each envelope of the contract is called in the file.
ANSWERS = {
    "revision": "Revision",
    "task set": "TaskSet",
    "source": "Source",
    "input schema": "InputSchema",
    "output schema": "OutputSchema",
    "config": "ImportConfig",
}


def find() -> Path | None:
    """Return where the file is, if it is here; one that was named must be."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    return BESIDE if BESIDE.is_file() else None


@dataclass(frozen=True, slots=True)
class VendorFile:
    """The vendor's OpenAPI file."""

    content: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> VendorFile:
        return cls(json.loads(path.read_text()))

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield method, path in the contract's words, and operation."""
        for path, methods in self.content["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), _path(path), operation

    def component(self, name: str) -> Schema:
        return dict(self.content["components"]["schemas"][name])

    def resolve(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            *_, kind, name = schema["$ref"].split("/")
            schema = self.content["components"][kind][name]
        return schema


def _path(path: str) -> str:
    parts = path.removeprefix(BASE).split("/")
    for index, part in enumerate(parts):
        if part == ":id":
            parts[index] = f"{{{_IDS[parts[index - 1]]}}}"
        elif part.startswith(":"):
            parts[index] = f"{{{_PLACES[part[1:]]}}}"
    return "/".join(parts)


def contract_of(method: str, path: str) -> Operation | None:
    found = [each for each in OPERATIONS if (each.method, each.path) == (method, path)]
    return found[0] if found else None


# --- differences, each a line of text


def statuses(file: VendorFile) -> Iterator[str]:
    """Say where the file declares another status of success."""
    for method, path, declared in file.operations():
        operation = contract_of(method, path)
        if operation is None:
            continue
        for status in declared.get("responses", {}):
            if status != "default" and int(status) not in operation.statuses:
                yield f"{operation.name}: {status}, in truth {operation.statuses[0]}"


def answers(file: VendorFile) -> Iterator[str]:
    """Say where the file declares a reply of another kind."""
    for method, path, declared in file.operations():
        operation = contract_of(method, path)
        for reply in declared.get("responses", {}).values():
            schema = reply["content"]["application/json"]["schema"]
            if operation is None or ("$ref" not in schema and "items" not in schema):
                continue
            named = schema.get("$ref") or f"{schema['items']['$ref']}[]"
            theirs = re.sub(r".*/(\w+)Response", r"\1", named)
            if operation.received is None:
                ours = "the file itself"
            else:
                many = "[]" if operation.received.get("type") == "array" else ""
                ours = ANSWERS.get(operation.links or "", "Transform") + many
            if theirs != ours:
                yield f"{operation.name}: {theirs}, in truth {ours}"


def bodies(file: VendorFile) -> Iterator[str]:
    """Say where the file declares a body in another form."""
    for method, path, declared in file.operations():
        operation = contract_of(method, path)
        schema = declared.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if operation is None or schema is None:
            continue
        if operation.sent is None:
            yield f"{operation.name}: a JSON body, in truth none"
        else:
            yield from compare(file, operation.sent, schema, operation.name)


def components(file: VendorFile) -> Iterator[str]:
    """Say where the file's resources are in another form."""
    for name, ours in COMPONENTS.items():
        yield from compare(file, ours, file.component(name), name)


def replies(file: VendorFile, kind: str, resource: Any) -> Iterator[str]:
    """Say where a resource that was answered is in another form than the file has it."""
    yield from compare(file, schema_of(resource), file.component(ANSWERS[kind]), ANSWERS[kind], seen=True)


def compare(
    file: VendorFile, ours: Schema, theirs: Schema, where: str, *, seen: bool = False
) -> Iterator[str]:
    """Say where ``ours`` and ``theirs`` differ; null is no difference, as the file knows none.

    :param seen: ``ours`` was made from a value: follow into components, whose differences bear their names.
    """
    if "$ref" in theirs:
        name = theirs["$ref"].rsplit("/", 1)[-1]
        if name in COMPONENTS and not seen:
            return
        where, theirs = name, file.resolve(theirs)
    if theirs.get("type") in COMPONENTS:
        yield f"{where}: `type: {theirs['type']}` is no type"
        if seen:
            yield from compare(file, ours, file.component(theirs["type"]), theirs["type"], seen=True)
        return
    branches = list(_branches(ours))
    kinds = {kind for branch in branches for kind in _kinds(branch)} - {"null"}
    declared = "object" if "oneOf" in theirs else theirs.get("type", "object")
    if kinds and declared not in kinds:
        yield f"{where}: {declared}, in truth {'/'.join(sorted(kinds))}"
    elif declared == "array":
        for branch in branches:
            for items in _items(branch):
                yield from compare(file, items, theirs["items"], where, seen=seen)
    elif declared == "object":
        yield from _compare_keys(file, branches, _properties(file, theirs), where, seen=seen)


def _compare_keys(
    file: VendorFile, branches: list[Schema], theirs: dict[str, Schema], where: str, *, seen: bool
) -> Iterator[str]:
    ours: dict[str, Schema] = {}
    for branch in branches:
        ours |= branch.get("properties", {})
    if not ours or not theirs:
        return
    for name in theirs:
        if name in ours:
            yield from compare(file, ours[name], theirs[name], f"{where}.{name}", seen=seen)
        elif not seen:
            yield f"{where}.{name}: in the file alone"
    for name in ours:
        if name not in theirs:
            yield f"{where}.{name}: not in the file"


def _properties(file: VendorFile, schema: Schema) -> dict[str, Schema]:
    found: dict[str, Schema] = dict(schema.get("properties", {}))
    for branch in schema.get("oneOf", ()):
        found |= file.resolve(branch).get("properties", {})
    return found


def _branches(schema: Schema) -> Iterator[Schema]:
    if "anyOf" in schema:
        for branch in schema["anyOf"]:
            yield from _branches(branch)
    else:
        yield schema


def _items(schema: Schema) -> list[Schema]:
    items = schema.get("items", [])
    return items if isinstance(items, list) else [items]


def _kinds(schema: Schema) -> Iterator[str]:
    if "type" in schema:
        yield {"integer": "number"}.get(schema["type"], schema["type"])
    for value in [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]:
        yield schema_of(value)["type"]


def schema_of(value: Any) -> Schema:
    """Return the kind of a value as a schema; an array's items stay apart."""
    if isinstance(value, dict):
        return {"type": "object", "properties": {key: schema_of(each) for key, each in value.items()}}
    if isinstance(value, list):
        return {"type": "array", "items": [schema_of(each) for each in value]}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int | float):
        return {"type": "number"}
    return {"type": "null" if value is None else "string"}
