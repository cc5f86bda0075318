"""Each call of the Automation API is what the contract says, and the vendor's file, where it is at hand."""

from __future__ import annotations

import inspect
import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from unit.opendatasoft import contract, samples
from unit.opendatasoft.contract import CONTRACT, Contract

from airflow_socrata.opendatasoft.automation import BASE, AutomationV1
from airflow_socrata.opendatasoft.dialect import Dialect
from airflow_socrata.opendatasoft.management import ManagementV2

VARIABLE = "OPENDATASOFT_AUTOMATION_OPENAPI"
BESIDE = Path(__file__).resolve().parents[4] / "shared" / "spec" / "opendatasoft-automation.openapi.json"
#: Methods that send what another one sends.
SAME_CALL = {
    "records_errors": "read the status",
    "default_security": "read a dataset",
    "restore_point": "list versions",
}
#: Where the file is known to be wrong: the vendor's own SDK sends ``order``, the file asks for ``args``.
WRONG_IN_FILE = {"OrderDatasetFieldConfiguration.required"}


@pytest.mark.parametrize("name", CONTRACT)
def test_call(name: str) -> None:
    expected = CONTRACT[name]
    call = expected.call()
    template = re.sub(r"\{\w+\}", "[^/]+", BASE + expected.path)
    assert call.method == expected.method
    assert re.fullmatch(template, call.path)
    headers = dict(call.headers)
    if expected.body is None:
        assert call.body is None
        assert "Content-Type" not in headers
    elif expected.body == "file":
        assert headers["Content-Type"].startswith("multipart/form-data; boundary=")
        assert b'name="file"; filename="obs.csv"' in b"".join(map(bytes, call.body or []))  # type: ignore[arg-type]
    else:
        assert headers["Content-Type"] == "application/json"
        jsonschema.Draft202012Validator(expected.body).validate(body_of(expected))


def body_of(expected: Contract) -> Any:
    body = expected.call().body
    assert isinstance(body, bytes)
    return json.loads(body)


def methods(of: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(value)
        for name, value in vars(of).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }


def test_the_contract_has_every_method() -> None:
    source = inspect.getsource(contract)
    for name in methods(AutomationV1):
        assert f"API.{name}" in source or SAME_CALL.get(name) in CONTRACT, name


@pytest.mark.parametrize("dialect", [AutomationV1, ManagementV2])
def test_both_apis_have_the_same_methods(dialect: type) -> None:
    assert methods(dialect) == methods(Dialect)


def openapi() -> dict[str, Any] | None:
    path = Path(os.environ.get(VARIABLE) or BESIDE)
    if not path.is_file():
        return None
    file: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    # Its forms of a template are open objects: what is one of them is all of them.
    template = file["components"]["schemas"]["DatasetMetadataTemplate"]
    template["anyOf"] = template.pop("oneOf")
    return file


FILE = openapi()
needs_file = pytest.mark.skipif(
    FILE is None, reason=f"the vendor's OpenAPI file is not here: name it in {VARIABLE}"
)


def validator(schema: Any) -> jsonschema.Draft202012Validator:
    assert FILE is not None
    return jsonschema.Draft202012Validator({**schema, "components": FILE["components"]})


@needs_file
@pytest.mark.parametrize("name", CONTRACT)
def test_call_against_the_file(name: str) -> None:
    expected = CONTRACT[name]
    assert FILE is not None
    operation = FILE["paths"][expected.path][expected.method.lower()]
    content = operation.get("requestBody", {}).get("content", {})
    if expected.body is None:
        assert not content
    elif expected.body == "file":
        assert list(content) == ["multipart/form-data"]
    else:
        validator(content["application/json"]["schema"]).validate(body_of(expected))


@needs_file
@pytest.mark.parametrize(
    ("item", "schema"),
    [
        ({"type": "rename", "args": {"from_name": "a", "to_name": "b", "field_label": "B"}}, "Rename"),
        ({"type": "type", "args": {"field": "a", "type_param": "int"}}, "Type"),
        ({"type": "annotate", "args": {"field": "a", "annotation": "unit", "args": ["km"]}}, "Annotate"),
        ({"type": "description", "args": {"field": "a", "description": "d"}}, "Description"),
        ({"type": "order", "args": {"order": ["b", "a"]}}, "Order"),
        ({"type": "delete", "args": {"field": "a"}}, "Delete"),
    ],
)
def test_fields_against_the_file(item: dict[str, Any], schema: str) -> None:
    call = AutomationV1().add_to_pipeline(samples.UID, "fields", contract.Configured("", **item))
    assert isinstance(call.body, bytes)
    name = f"{schema}DatasetFieldConfiguration"
    errors = list(validator({"$ref": f"#/components/schemas/{name}"}).iter_errors(json.loads(call.body)))
    assert {f"{name}.{error.validator}" for error in errors} == WRONG_IN_FILE & {f"{name}.required"}


@needs_file
@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("find a dataset", samples.page(samples.DATASET)),
        ("read a dataset", samples.answer(samples.DATASET)),
        ("read the status", samples.status("processing", previous="queued", next="idle")),
        ("list resources", samples.page(samples.resource())),
        ("list versions", samples.page(samples.version("ch_old001", "2025-01-01T00:00:00Z"))),
        ("publish", samples.AUTO_BUSY),
    ],
)
def test_the_tests_answers_against_the_file(name: str, answer: Any) -> None:
    """What the portals of these tests answer is what the vendor says."""
    assert FILE is not None
    operation = FILE["paths"][CONTRACT[name].path][CONTRACT[name].method.lower()]
    told = operation["responses"][str(answer.status)]
    if "$ref" in told:
        told = FILE["components"]["responses"][told["$ref"].rsplit("/", 1)[1]]
    validator(told["content"]["application/json"]["schema"]).validate(json.loads(answer.body))
