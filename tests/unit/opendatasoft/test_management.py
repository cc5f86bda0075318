"""What the Management API is sent and what is read, over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from unit.client.portal_servers import Answer, ScriptedPortal
from unit.opendatasoft import samples
from unit.opendatasoft.samples import UID, answer, change

from airflow_socrata.client import ConfigurationError, PortalSession
from airflow_socrata.opendatasoft.dialect import dialect_named
from airflow_socrata.opendatasoft.errors import NotOffered, RestorePointGone
from airflow_socrata.opendatasoft.models import (
    Access,
    Configured,
    MetadataValue,
    Resource,
    ResourceSpec,
    RestorePoint,
    Security,
    Source,
)
from airflow_socrata.opendatasoft.steps import run

if TYPE_CHECKING:
    from airflow_socrata.opendatasoft.management import ManagementV2

BASE = "/api/management/v2"
HERE = f"{BASE}/datasets/{UID}"


def sent(portal: ScriptedPortal) -> list[tuple[str, str, Any]]:
    """Method, path and JSON of all requests."""
    return [(one.method, one.path, json.loads(one.body) if one.body else None) for one in portal.requests]


@pytest.mark.parametrize("bare", [False, True])
def test_find_by_id(
    portal: ScriptedPortal, session: PortalSession, management: ManagementV2, bare: bool
) -> None:
    """The docs show a bare array, live portals an envelope."""
    portal.answer(answer([samples.MGMT_DATASET]) if bare else samples.mgmt_page(samples.MGMT_DATASET))
    (found,) = session.send(management.lookup("air-quality"))
    assert (found.uid, found.title) == (UID, "Air quality")
    assert (found.is_published, found.is_restricted) == (True, False)
    assert found.updated_at == pytest.approx(1677657600.120331)
    assert portal.requests[0].path == f"{BASE}/datasets/?where=datasetid%3D%22air-quality%22&rows=100"


def test_a_quote_in_an_id_stays_in_its_string(
    portal: ScriptedPortal, session: PortalSession, management: ManagementV2
) -> None:
    portal.answer(samples.mgmt_page())
    assert session.send(management.lookup('x" OR "1')) == ()
    assert "datasetid%3D%22x%5C%22%20OR%20%5C%221%22" in portal.requests[0].path


def test_pages(portal: ScriptedPortal, session: PortalSession, management: ManagementV2) -> None:
    portal.answer(samples.mgmt_page())
    session.send(management.list_datasets(limit=100, offset=200))
    assert portal.requests[0].path == f"{BASE}/datasets/?rows=100&page=3"


def test_create(portal: ScriptedPortal, session: PortalSession, management: ManagementV2) -> None:
    portal.answer(answer(samples.MGMT_DATASET), answer("restricted"), answer([]))
    values = [MetadataValue("default", "language", "en")]
    run(session, management.post_dataset("air-quality", "Air", metadata=values, is_restricted=True))
    meta = {"template_name": "default", "metadata_name": "language", "value": "en"}
    assert sent(portal) == [
        (
            "POST",
            f"{BASE}/datasets/?strict=true",
            {"dataset_id": "air-quality", "metas": {"default": {"title": "Air"}}},
        ),
        ("PUT", f"{HERE}/security/access_policy", "restricted"),
        ("PUT", f"{HERE}/metadata/", {"metas": [meta]}),
    ]


@pytest.mark.parametrize(
    ("action", "path"),
    [
        ("publish", "publish"),
        ("unpublish", "unpublish"),
        ("abort", "abort_processing"),
        ("publish_metadata", "publish_metadata"),
    ],
)
def test_orders(
    portal: ScriptedPortal, session: PortalSession, management: ManagementV2, action: str, path: str
) -> None:
    portal.answer(answer({"job_id": "e" * 40}), Answer(200, ""))
    session.send(getattr(management, action)(UID))
    session.send(getattr(management, action)(UID))  # abort answers nothing
    assert sent(portal) == [("PUT", f"{HERE}/{path}", None)] * 2


@pytest.mark.parametrize("key", ["name", "status"])
def test_status(portal: ScriptedPortal, session: PortalSession, management: ManagementV2, key: str) -> None:
    portal.answer(
        answer({
            key: "error",
            "since": "2023-03-01T08:04:10+00:00",
            "published": True,
            "previous": "processing",
            "next": None,
            "message": "Processor pr_k2m9ad is misconfigured for field address: invalid type",
            "raw_message": "Processor {processor_id} is misconfigured for field {field}: {msg}",
            "raw_params": {"processor_id": "pr_k2m9ad", "field": "address", "msg": "invalid type"},
            "records_errors": 3,
        })
    )
    status = session.send(management.status(UID))
    assert (status.name, status.is_published, status.records_error_count) == ("error", True, 3)
    assert status.since == 1677657850.0
    assert status.failure_text == "Processor pr_k2m9ad is misconfigured for field address: invalid type"


def test_records_errors(portal: ScriptedPortal, session: PortalSession, management: ManagementV2) -> None:
    one = {"record_id": "r", "message": "m", "raw_message": "m", "raw_params": {}}
    portal.answer(answer([one, one]), answer(one))
    assert len(session.send(management.records_errors(UID))) == 2
    assert len(session.send(management.records_errors(UID))) == 1
    assert portal.requests[0].path == f"{HERE}/status/records_errors"


def test_metadata(portal: ScriptedPortal, session: PortalSession, management: ManagementV2) -> None:
    template = {"name": "default", "label": "Standard", "purpose": "general"}
    metas = [
        {"name": "title", "template": template, "value": "Air", "remote_value": None},
        {"name": "unset", "template": template, "value": None, "remote_value": None},
    ]
    portal.answer(answer(metas), answer(metas), answer(metas[1]))
    assert session.send(management.metadata(UID)) == (MetadataValue("default", "title", "Air"),)
    values = [MetadataValue("default", "title", "New"), MetadataValue("dcat", "creator", None, None, False)]
    run(session, management.set_metadata(UID, values))
    session.send(management.clear_metadata(UID, "default", "title"))
    assert sent(portal)[1:] == [
        (
            "PUT",
            f"{HERE}/metadata/",
            {
                "metas": [
                    {"template_name": "default", "metadata_name": "title", "value": "New"},
                    {
                        "template_name": "dcat",
                        "metadata_name": "creator",
                        "value": None,
                        "override_remote_value": False,
                    },
                ]
            },
        ),
        ("DELETE", f"{HERE}/metadata/default/title", None),
    ]
    run(session, management.set_metadata(UID, []))
    assert len(portal.requests) == 3


def test_resources(portal: ScriptedPortal, session: PortalSession, management: ManagementV2) -> None:
    known = {
        "resource_uid": "re_p4x1aa",
        "url": "odsfile://obs.csv",
        "title": "Obs",
        "type": "csvfile",
        "params": {"separator": ";"},
        "connection": None,
    }
    portal.answer(answer([known]), answer(known), answer(known), answer(known))
    (one,) = session.send(management.resources(UID))
    assert one.source == Source(file_uid="obs.csv")
    session.send(
        management.create_resource(UID, ResourceSpec("Obs", "csvfile", Source(url="https://h/x.csv")))
    )
    session.send(management.replace_resource(UID, one, ResourceSpec("Obs", "csvfile", Source("obs_2.csv"))))
    session.send(management.put_back_resource(UID, one))
    common = {"title": "Obs", "type": "csvfile"}
    where = f"{HERE}/resources/re_p4x1aa"
    assert sent(portal)[1:] == [
        ("POST", f"{HERE}/resources/", {**common, "url": "https://h/x.csv", "params": {}}),
        ("PUT", where, {**common, "url": "odsfile://obs_2.csv", "params": {"separator": ";"}}),
        ("PUT", where, {key: known[key] for key in known if key != "resource_uid"}),
    ]


@pytest.mark.parametrize(
    ("type", "ours", "theirs"),
    [
        ("rename", {"from_name": "a", "field_label": "A"}, {"from_name": "a", "label": "A"}),
        ("type", {"field": "a", "type_param": "int"}, {"field": "a", "type": "int"}),
        ("annotate", {"field": "a", "annotation": "id"}, {"field": "a", "annotation": "id"}),
        ("order", {"order": ["b", "a"]}, ["b", "a"]),
        ("delete", {"field": "a"}, {"field": "a"}),
    ],
)
def test_field_configurations_by_one_set_of_names(
    portal: ScriptedPortal,
    session: PortalSession,
    management: ManagementV2,
    type: str,
    ours: Any,
    theirs: Any,
) -> None:
    item = {"processor_uid": "pr_a1b2c3", "name": type, "args": theirs}
    portal.answer(answer([item]), answer(item))
    (one,) = session.send(management.pipeline(UID, "fields"))
    assert (one.uid, one.type, one.args) == ("pr_a1b2c3", type, ours)
    session.send(management.add_to_pipeline(UID, "fields", Configured("", type, ours)))
    assert sent(portal)[1] == ("POST", f"{HERE}/fields_specifications/", {"name": type, "args": theirs})


def test_security(portal: ScriptedPortal, session: PortalSession, management: ManagementV2) -> None:
    rules = {"is_data_visible": True, "visible_fields": ["*"], "filter_query": "", "api_calls_quota": None}
    portal.answer(answer({**rules, "permissions": []}), answer(rules))
    assert session.send(management.default_security(UID)) == Security()
    run(session, management.set_default_security(UID, Security(visible_fields=())))
    assert sent(portal)[1] == (
        "PUT",
        f"{HERE}/security/default",
        {**rules, "visible_fields": [], "permissions": []},
    )
    portal.answer(answer([{**rules, "group": {"group_id": "editors"}}]), answer({}))
    run(session, management.set_access(UID, "groups", Access("editors", Security())))
    assert sent(portal)[3][:2] == ("PUT", f"{HERE}/security/groups/editors")
    assert sent(portal)[3][2]["group"] == {"group_id": "editors"}


@pytest.mark.parametrize("newest_first", [True, False])
def test_restore_undoes_the_first_change_after_the_point(
    portal: ScriptedPortal, session: PortalSession, management: ManagementV2, newest_first: bool
) -> None:
    """The API restores what was before the change that it is given; the one noted would be too far."""
    order = -1 if newest_first else 1
    portal.answer(answer([change(125), change(126)][::order]))
    point = session.send(management.restore_point(UID))
    assert point.version == "126"
    portal.answer(answer([change(126), change(127), change(130)][::order]), Answer(200, ""))
    assert run(session, management.restore(point)) is True
    assert sent(portal)[-1] == ("PUT", f"{HERE}/restore_change", {"change_uid": 127})


def test_restore_without_changes_sends_nothing(
    portal: ScriptedPortal, session: PortalSession, management: ManagementV2
) -> None:
    portal.answer(answer([change(126)]), answer([]))
    assert run(session, management.restore(RestorePoint(UID, "management", "126"))) is False
    assert run(session, management.restore(RestorePoint(UID, "management", None))) is False
    assert {one.method for one in portal.requests} == {"GET"}


def test_restore_of_a_history_that_does_not_reach_back(
    portal: ScriptedPortal, session: PortalSession, management: ManagementV2
) -> None:
    """The first change after the point may be gone too: restoring any other would undo too little."""
    portal.answer(answer([change(131), change(130)]))
    with pytest.raises(RestorePointGone, match="126 is not among the changes kept"):
        run(session, management.restore(RestorePoint(UID, "management", "126")))


def test_restore_to_before_the_first_change(
    portal: ScriptedPortal, session: PortalSession, management: ManagementV2
) -> None:
    portal.answer(answer([change(3), change(2), change(1)]), answer({}))
    assert run(session, management.restore(RestorePoint(UID, "management", None))) is True
    assert sent(portal)[-1][2] == {"change_uid": 1}


def test_what_the_api_lacks(management: ManagementV2, session: PortalSession, portal: ScriptedPortal) -> None:
    with pytest.raises(NotOffered, match="cannot copy"):
        management.copy_dataset(UID)
    with pytest.raises(NotOffered, match="no actions on realtime"):
        management.act_on_realtime(UID, Resource("re_live01", "live", "realtime"), "renew_api_key")
    with pytest.raises(NotOffered, match="cannot change a dataset id"):
        run(session, management.rename_dataset(UID, "x"))
    assert not portal.requests


def test_names() -> None:
    assert dialect_named("management").title == "Management API v2"
    assert dialect_named("automation").title == "Automation API v1.0"
    with pytest.raises(ConfigurationError, match="automation or management"):
        dialect_named("v3")
