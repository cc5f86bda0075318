"""The vendor's OpenAPI file of the Automation API beside the contract: how it is read, and what differs."""

from __future__ import annotations

import json
import os
import re
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract_opendatasoft import automation
from contract_opendatasoft.operations import AUTOMATION
from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contract_opendatasoft.checks import Exchange
    from contract_opendatasoft.schemas import Operation, Schema

VARIABLE = "OPENDATASOFT_AUTOMATION_OPENAPI"
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "spec" / "opendatasoft-automation.openapi.json"
_PLAIN = "Plain"
#: The file's objects, and what they are in the contract.
OBJECTS: dict[str, Schema] = {
    "Dataset": automation.DATASET,
    "DatasetSecurity": automation.SECURITY,
    "DatasetFile": automation.FILE,
    "DatasetAttachment": automation.ATTACHMENT,
    "UploadedFileDatasetAlternativeExport": automation.EXPORT,
    "DatasetVersion": automation.VERSION,
    "DatasetSchedule": automation.SCHEDULE,
    "DatasetFeedback": automation.FEEDBACK,
    "DatasetFieldConfiguration": automation.FIELD,
    "DatasetProcessor": automation.PROCESSOR,
    "DatasetMetadataValue": automation.VALUE,
    "Resource": automation.RESOURCE,
    "HTTPDatasource": automation.HTTP,
    "UploadedFileDatasource": automation.UPLOADED,
    "HTTPConnection": automation.SAVED_CONNECTION,
    "Extractor": automation.EXTRACTOR,
    "APIKey": automation.KEY,
}


def find() -> Path | None:
    """Return where the file is, if it is here; one that was named must be."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    return BESIDE if BESIDE.is_file() else None


@dataclass(frozen=True, slots=True)
class VendorFile:
    """The vendor's OpenAPI file, in a form that a validator of JSON schemas can work with."""

    content: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> VendorFile:
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def operations(self) -> Iterator[tuple[Operation | None, str, dict[str, Any]]]:
        """Yield the contract's call (None: it has none), method and path, and what the file says."""
        known = {(each.method, _shape(each.path)): each for each in AUTOMATION}
        for path, methods in self.content["paths"].items():
            for method, declared in methods.items():
                if method in {"get", "post", "put", "delete", "patch"}:
                    name = f"{method.upper()} {path}"
                    yield known.get((method.upper(), _shape(automation.BASE + path))), name, declared

    def declared(self) -> dict[str, dict[str, Any]]:
        """What the file says, by the contract's names."""
        return {call.name: declared for call, _, declared in self.operations() if call is not None}

    def resolve(self, value: dict[str, Any]) -> dict[str, Any]:
        """Follow a reference."""
        while "$ref" in value:
            *_, kind, name = value["$ref"].split("/")
            value = self.content["components"][kind][name]
        return value

    def components(self) -> dict[str, Schema]:
        """The schemas, with their discriminators as conditions, and closed where they can be."""
        schemas = deepcopy(self.content["components"]["schemas"])
        parted = {name for name, schema in schemas.items() if "mapping" in schema.get("discriminator", {})}
        text = json.dumps(schemas)
        for name in parted:
            # What a kind extends is the plain schema: else the two would call each other for ever.
            text = re.sub(
                rf'("allOf": \[\{{"\$ref": "#/components/schemas/{name})("\}})', rf"\g<1>{_PLAIN}\g<2>", text
            )
        schemas = {name: _closed(schema) for name, schema in json.loads(text).items()}
        for name in parted:
            schemas[name + _PLAIN] = schemas[name]
            kinds = schemas[name]["discriminator"]["mapping"]
            schemas[name] = {
                "allOf": [
                    {"$ref": f"#/components/schemas/{name}{_PLAIN}"},
                    *(
                        {
                            "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
                            "then": {"$ref": reference},
                        }
                        for kind, reference in kinds.items()
                    ),
                ]
            }
        return schemas

    def validator(self, schema: Schema) -> Draft202012Validator:
        """Make a validator of a schema of a body; keys that the file does not have are errors."""
        body = _place(_closed(deepcopy(schema)))
        return Draft202012Validator({**body, "components": {"schemas": self.components()}})


def _shape(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path.rstrip("/"))


def _closed(schema: Any) -> Any:
    """Close the objects at every place of a schema where one is described."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _closed(value) for key, value in schema.items() if key not in {"properties", "items"}}
    if "properties" in schema:
        made["properties"] = {key: _place(_closed(value)) for key, value in schema["properties"].items()}
    if "items" in schema:
        made["items"] = _place(_closed(schema["items"]))
    if isinstance(made.get("additionalProperties"), dict):
        # Not every validator counts these among the keys that a schema knows; patterns they all do.
        made["patternProperties"] = {"": _place(made.pop("additionalProperties"))}
    return made


def _place(schema: Any) -> Any:
    describes = isinstance(schema, dict) and {"$ref", "properties", "allOf", "oneOf", "anyOf"} & set(schema)
    return {**schema, "unevaluatedProperties": False} if describes else schema


# --- differences, each a line of text


def statuses(file: VendorFile) -> Iterator[str]:
    """Say where the file declares another status of success."""
    for operation, _, declared in file.operations():
        for status in declared.get("responses", {}) if operation else ():
            if operation and status.startswith("2") and int(status) not in operation.statuses:
                yield f"{operation.name}: {status}, in truth {operation.statuses[0]}"


def queries(file: VendorFile) -> Iterator[str]:
    """Say which parameters are sent that the file does not have."""
    for operation, _, declared in file.operations():
        if operation is not None:
            theirs = {file.resolve(one)["name"] for one in declared.get("parameters", [])}
            for name in sorted(set(operation.query) - theirs):
                yield f"{operation.name}: {name}"


def bodies(file: VendorFile, seen: Exchange) -> Iterator[str]:
    """Say where what was sent is not what the file asks for."""
    content = file.declared()[seen.operation.name].get("requestBody", {}).get("content", {})
    name = f"{seen.operation.name}: sent"
    if seen.operation.sent == "file":
        if list(content) != ["multipart/form-data"]:
            yield f"{name}: no form in the file"
    elif seen.operation.sent is None:
        if content:
            yield f"{name}: nothing, the file has a body"
    elif "application/json" not in content:
        yield f"{name}: no JSON in the file"
    else:
        yield from _faults(file, content["application/json"]["schema"], json.loads(seen.sent), name)


def replies(file: VendorFile, seen: Exchange) -> Iterator[str]:
    """Say where what was answered is not what the file tells."""
    declared = file.declared()[seen.operation.name]["responses"].get(str(seen.status))
    name = f"{seen.operation.name}: answered"
    if declared is None:
        yield f"{name}: {seen.status}"
        return
    content = file.resolve(declared).get("content", {})
    if seen.operation.received == "bytes":
        if "application/octet-stream" not in content:
            yield f"{name}: a file"
    elif seen.operation.received is not None:
        yield from _faults(file, content["application/json"]["schema"], seen.json(), name)
    elif content.get("application/json"):
        yield f"{seen.status}: nothing is answered, the file has a body"


def _faults(file: VendorFile, schema: Schema, value: Any, where: str) -> Iterator[str]:
    errors = list(_leaves(file.validator(schema).iter_errors(value)))
    for error in errors:
        path = re.sub(r"\[\d+\]", "[]", error.json_path).removeprefix("$")
        if error.validator == "unevaluatedProperties":
            # A schema that does not fit leaves all its keys open: what does not fit is told already.
            if not any(other is not error and _within(other, error) for other in errors):
                for key in re.findall(r"'(\w+)'", error.message):
                    yield f"{where}{path}.{key}: not in the file"
        elif error.validator == "required":
            yield f"{where}{path}: lacks {error.message.split(' ')[0]}"
        else:
            yield f"{where}{path}: {error.validator}"


def _within(inner: Any, outer: Any) -> bool:
    path = list(outer.absolute_path)
    is_key = inner.validator == "unevaluatedProperties"
    deeper = len(inner.absolute_path) > len(path) if is_key else True
    return deeper and list(inner.absolute_path)[: len(path)] == path


def _leaves(errors: Iterable[Any]) -> Iterator[Any]:
    for error in errors:
        if error.validator in {"if", "allOf", "$ref"} and error.context:
            yield from _leaves(error.context)
        else:
            yield error


def in_file_alone(file: VendorFile) -> Iterator[str]:
    """Say which keys of the file's objects nobody of this project answers."""
    for name, ours in OBJECTS.items():
        for key in sorted(
            set(_keys(file, file.content["components"]["schemas"][name])) - set(_keys(file, ours))
        ):
            yield f"{name}.{key}"


def _keys(file: VendorFile, schema: Schema) -> Iterator[str]:
    schema = file.resolve(schema)
    yield from schema.get("properties", {})
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
        yield from _keys(file, part)
