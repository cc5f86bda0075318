"""Calls for saved configs, and where a draft stands with the approvers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from unit.client import publishing_samples as samples
from unit.client.portal_servers import Answer
from unit.client.publishing_samples import API, CONFIG_LINKS, bare, reply

from airflow_socrata.client import ConfigurationError, NotFound, ReplyLost, approvals, configs
from airflow_socrata.client.links import Links
from airflow_socrata.client.revision_models import Config, OutputColumnSpec, OutputSchema

if TYPE_CHECKING:
    from unit.client.portal_servers import ScriptedPortal

    from airflow_socrata.client import PortalSession

SAVED = reply(samples.config(), CONFIG_LINKS)
CONFIG = Config.from_json(samples.config(), Links(CONFIG_LINKS))
COLUMN = {
    "field_name": "a",
    "display_name": "A",
    "transform_expr": "`a`",
    "description": "",
    "format": {},
    "flags": [],
    "is_primary_key": True,
}


def sent(portal: ScriptedPortal) -> tuple[str, str, Any]:
    seen = portal.requests[-1]
    return seen.method, seen.path, json.loads(seen.body) if seen.body else None


def test_listing_and_read(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(bare([{"resource": samples.config(), "links": CONFIG_LINKS}]), SAVED)
    assert [one.name for one in session.send(configs.listing())] == ["road events"]
    assert sent(portal)[:2] == ("GET", f"{API}/config")
    read = session.send(configs.read("road events"))
    assert sent(portal)[:2] == ("GET", f"{API}/config/road%20events")
    assert (read.data_action, read.parse_options) == ("replace", {"header_count": 1})
    assert read.columns == (OutputColumnSpec("a", "A", "to_number(`a`)"),)


def test_absent_config_is_named(portal: ScriptedPortal, session: PortalSession) -> None:
    with pytest.raises(NotFound, match="the portal has no config 'roads'"):
        session.send(configs.read("roads"))


def test_create(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(SAVED, SAVED)
    session.send(configs.create("road events", "replace"))
    assert sent(portal) == ("POST", f"{API}/config", {"name": "road events", "data_action": "replace"})
    columns = [OutputColumnSpec("a", "A", "`a`", is_primary_key=True)]
    session.send(configs.create("road events", "update", columns=columns, parse_options={"header_count": 2}))
    assert sent(portal)[2] == {
        "name": "road events",
        "data_action": "update",
        "columns": [COLUMN],
        "parse_options": {"header_count": 2},
    }


def test_create_whose_reply_was_lost_is_not_sent_again(
    portal: ScriptedPortal, session: PortalSession
) -> None:
    portal.answer(Answer(how="drop"))
    with pytest.raises(ReplyLost):
        session.send(configs.create("road events", "replace"))
    assert len(portal.requests) == 1


def test_build_from_an_output_schema(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(SAVED)
    links = Links({"build_config": f"{API}/config/build_from/{{output_schema_id}}"})
    schema = OutputSchema.from_json(samples.output_schema(), links)
    session.send(configs.build_from(schema, "road events", "update"))
    body = {"name": "road events", "data_action": "update"}
    assert sent(portal) == ("POST", f"{API}/config/build_from/77120", body)


def test_change_and_delete(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(SAVED, SAVED)
    columns = [OutputColumnSpec("a", "A", "`a`", is_primary_key=True)]
    session.send(configs.change(CONFIG, data_action="delete", columns=columns, parse_options={}))
    body = {"data_action": "delete", "columns": [COLUMN], "parse_options": {}}
    assert sent(portal) == ("PATCH", f"{API}/config/road%20events", body)
    session.send(configs.delete(CONFIG))
    assert sent(portal) == ("DELETE", f"{API}/config/road%20events", None)
    with pytest.raises(ConfigurationError, match="no changes"):
        configs.change(CONFIG)


def guidance(state: str | None, **more: Any) -> dict[str, Any]:
    return {"currentState": state, **more}


PENDING = guidance("pending", updateUrl="/api/views/abcd-1234/approvals/1062658", withdrawUrl="/x")


@pytest.mark.parametrize(
    ("body", "state", "record"),
    [
        ({"public": PENDING, "internal": guidance("submittable")}, "pending", 1062658),
        ({"public": guidance("approved"), "internal": PENDING}, "pending", 1062658),
        ({"public": guidance("approved"), "internal": guidance("rejected")}, "rejected", None),
        ({"public": guidance("approved")}, "approved", None),
        ({"public": guidance("unsubmittable"), "internal": guidance("submittable")}, "not_submitted", None),
        ({"public": guidance("something else")}, None, None),
        ({}, None, None),
    ],
)
def test_guidance(
    portal: ScriptedPortal, session: PortalSession, body: Any, state: str | None, record: int | None
) -> None:
    portal.answer(bare(body))
    seen = session.send(approvals.guidance("abcd-1234", 4))
    assert sent(portal)[:2] == (
        "GET",
        "/api/views/abcd-1234/approvals?method=guidance_v2&assetId=abcd-1234%3A4",
    )
    assert (seen.state, seen.record_id, seen.in_progress) == (state, record, False)


def test_approved_and_being_done(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(bare({"public": guidance("approved", currentOutcomeStatus="in_progress")}))
    seen = session.send(approvals.guidance("abcd-1234"))
    assert sent(portal)[1] == "/api/views/abcd-1234/approvals?method=guidance_v2"
    assert (seen.state, seen.in_progress) == ("approved", True)
