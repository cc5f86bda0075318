"""Permissions and approvals against the vendor's own OpenAPI files, where these are at hand."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import requests
import yaml

from airflow_socrata.client import access, approvals
from airflow_socrata.client.access import CURRENT_OWNER, AccessLevel, UserAccess

if TYPE_CHECKING:
    from airflow_socrata.emulator import Emulator

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "spec"
ID = "stop-2222"
SHARES = {"view-user": "contributor", "team-2345": "viewer", "new@x.org": "viewer"}


def read(variable: str, name: str) -> dict[str, Any]:
    """A file of the vendor's, named in a variable or in its place beside the project."""
    path = Path(os.environ.get(variable, BESIDE / name))
    if not path.is_file():
        pytest.skip(f"the vendor's {name} is not here: name it in {variable}")
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def permissions() -> dict[str, Any]:
    """The operations on permissions; the file itself says that a team never has the address it requires."""
    file = read("SOCRATA_PERMISSIONS_OPENAPI", "permissions.openapi.json")
    path: dict[str, Any] = file["paths"]["/api/views/{assetId}/permissions"]
    for operation in path.values():
        users = answer(operation)["properties"]["users"]["items"]
        assert users["required"] == ["email", "type", "accessLevels"]
        users["required"] = ["type", "accessLevels"]
    return path


def answer(operation: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = operation["responses"]["200"]["content"]["application/json"]["schema"]
    return found


def strict(schema: Any) -> Any:
    """The schema, in which no object may have more keys than are named."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    return made | ({"additionalProperties": False} if "properties" in schema else {})


@pytest.fixture
def portal(contract_portal: Emulator) -> Emulator:
    contract_portal.admin.reset()
    contract_portal.admin.create_dataset(ID, "Stops", ["stop_id"], permission="private")
    return contract_portal


def call(portal: Emulator, method: str, path: str, body: Any = None, /, **params: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        session.auth = (portal.username, portal.password)
        url = f"{portal.url}/api/views/{ID}{path}"
        return session.request(method, url, json=body, params=params, timeout=30)


def test_permissions_are_as_described(portal: Emulator, permissions: dict[str, Any]) -> None:
    users = [UserAccess.named(who, AccessLevel.of(level)) for who, level in SHARES.items()]
    sent = access.put_permissions(
        ID, scope="public", users=[UserAccess(CURRENT_OWNER, id="pub3-user"), *users]
    )
    body = json.loads(bytes(sent.body or b""))  # type: ignore[arg-type]
    wanted = permissions["put"]["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.validate(body, strict(wanted))
    for operation, reply in (
        ("put", call(portal, "PUT", "/permissions", body)),
        ("get", call(portal, "GET", "/permissions")),
    ):
        assert reply.status_code == 200
        jsonschema.validate(reply.json(), strict(answer(permissions[operation])))
        assert {user.get("email") for user in reply.json()["users"]} > {"new@x.org", None}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The schemas of approvals, each with what it refers to."""
    file = read("SOCRATA_APPROVALS_OPENAPI", "approvals.openapi.yaml")
    schemas: dict[str, Any] = file["components"]["schemas"]

    def resolved(schema: Any) -> Any:
        if isinstance(schema, list):
            return [resolved(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        name = schema.get("$ref", "").rpartition("/")[2]
        return resolved(schemas[name]) if name else {key: resolved(value) for key, value in schema.items()}

    return {name: resolved(copy.deepcopy(schema)) for name, schema in schemas.items()}


@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_approvals_are_as_described(portal: Emulator, described: dict[str, Any], decision: Any) -> None:
    portal.admin.settings(audience_approvals="manual", audience_looks=1, site_scope=True)

    def guidance() -> dict[str, Any]:
        told: dict[str, Any] = call(portal, "GET", "/approvals", method="guidance_v2").json()
        jsonschema.validate(told, strict(described["GuidanceSummary"]))
        public: dict[str, Any] = told["public"]
        return public

    def wish() -> Any:
        return approvals.Submission.from_json(guidance()["toChangeAudience"])

    submission = wish().body
    jsonschema.validate(submission, strict(described["SubmissionObject"]))
    assert submission == described["SubmissionObject"]["example"]
    params = dict(approvals.submit(ID, wish()).params)
    assert call(portal, "POST", "/approvals", submission, **params).status_code == 200
    refused = call(portal, "POST", "/approvals", submission, **params)
    assert refused.status_code == 400
    jsonschema.validate(refused.json(), strict(described["CoreError"]))
    waiting = guidance()
    assert (waiting["currentState"], waiting["currentOutcome"]) == ("pending", "change_audience")
    assert waiting["withdrawUrl"].endswith("?method=cancelWorkflowSubmission")
    review = approvals.review(ID, 1, decision, "Noted")
    body = json.loads(bytes(review.body or b""))  # type: ignore[arg-type]
    jsonschema.validate(body, strict(described["ReviewObject"]))
    record = waiting["updateUrl"].rpartition("/")[2]
    assert call(portal, "PUT", f"/approvals/{record}", body).status_code == 200
    assert guidance()["currentState"] == decision
