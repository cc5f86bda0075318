"""What the Automation API is sent and what is read, over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from unit.client.portal_servers import Answer, ScriptedPortal
from unit.opendatasoft import samples
from unit.opendatasoft.conftest import API_KEY
from unit.opendatasoft.samples import UID, answer

from airflow_socrata.client import ConfigurationError, MalformedReply, PortalSession
from airflow_socrata.opendatasoft.errors import RestorePointGone
from airflow_socrata.opendatasoft.models import (
    Access,
    Configured,
    MetadataValue,
    ResourceSpec,
    RestorePoint,
    Security,
    Source,
    value_in,
)
from airflow_socrata.opendatasoft.steps import run

if TYPE_CHECKING:
    from airflow_socrata.opendatasoft.automation import AutomationV1

BASE = "/api/automation/v1.0"
HERE = f"{BASE}/datasets/{UID}"


def sent(portal: ScriptedPortal) -> list[tuple[str, str, Any]]:
    """Method, path and JSON of all requests."""
    return [(one.method, one.path, json.loads(one.body) if one.body else None) for one in portal.requests]


def test_find_by_id(portal: ScriptedPortal, session: PortalSession, automation: AutomationV1) -> None:
    other = {**samples.DATASET, "dataset_id": "air-quality-2", "uid": "da_other1"}
    portal.answer(samples.page(samples.DATASET, other))
    found = session.send(automation.lookup("air-quality"))
    assert [one.uid for one in found] == [UID], "the exact id alone"
    (request,) = portal.requests
    assert request.path == f"{BASE}/datasets/?dataset_id=air-quality"
    assert request.headers["Authorization"] == f"Apikey {API_KEY}"
    assert API_KEY not in request.path
    assert not any("socrata-requestid" in name.lower() for name in request.headers)


def test_dataset(portal: ScriptedPortal, session: PortalSession, automation: AutomationV1) -> None:
    portal.answer(answer(samples.DATASET))
    dataset = session.send(automation.get_dataset(UID))
    assert (dataset.uid, dataset.dataset_id, dataset.title) == (UID, "air-quality", "Air quality")
    assert (dataset.is_published, dataset.is_restricted) == (True, False)
    assert dataset.created_at == 1746090000.0
    assert value_in(dataset.metadata, "default", "language") == "en"
    assert value_in(dataset.metadata, "default", "unset") is None


def test_what_is_no_uid_is_not_sent(automation: AutomationV1) -> None:
    for wrong in ("air-quality", "da_", "da_x/../y", ""):
        with pytest.raises(ConfigurationError, match="not a dataset uid"):
            automation.get_dataset(wrong)


def test_create(portal: ScriptedPortal, session: PortalSession, automation: AutomationV1) -> None:
    portal.answer(answer(samples.DATASET, 201))
    language = MetadataValue("default", "language", "en")
    made = run(
        session,
        automation.post_dataset("air-quality", "Air quality", metadata=[language], is_restricted=True),
    )
    assert made.uid == UID
    body = {
        "dataset_id": "air-quality",
        "is_restricted": True,
        "metadata": {"default": {"title": {"value": "Air quality"}, "language": {"value": "en"}}},
    }
    assert sent(portal) == [("POST", f"{BASE}/datasets/", body)]


@pytest.mark.parametrize("action", ["publish", "unpublish", "abort", "publish_metadata"])
def test_orders(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1, action: str
) -> None:
    portal.answer(answer({"detail": "ok"}))
    session.send(getattr(automation, action)(UID))
    assert sent(portal) == [("POST", f"{HERE}/{action}/", None)]


def test_status(portal: ScriptedPortal, session: PortalSession, automation: AutomationV1) -> None:
    error = {"record_id": "r1", "field_uid": "f", "processor_uid": "pr_a", "message": "no date"}
    portal.answer(
        samples.status(
            "limit_reached",
            previous="processing",
            records_errors=[error],
            params={"error": {"limit_type": "records", "limit": 20000, "value": 20531}},
        )
    )
    portal.answers[0].headers["Date"] = "Fri, 06 Feb 2026 15:14:00 GMT"
    status = session.send(automation.status(UID))
    assert (status.name, status.is_published, status.previous) == ("limit_reached", True, "processing")
    assert status.since == 1770390793.0
    assert status.read_at == 1770390840.0
    assert status.limit is not None
    assert (status.limit.limit, status.limit.value) == (20000, 20531)
    assert status.failure_text == "limit reached (records: 20,531 of 20,000)"
    assert status.records_errors[0].message == "no date"
    assert status.records_error_count == 1


def test_failed_status_in_words(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    portal.answer(samples.status("error", message="Processor pr_a:\nbad", params={"field": "address"}))
    assert session.send(automation.status(UID)).failure_text == "Processor pr_a: bad (field address)"
    portal.answer(samples.status("error"))
    assert session.send(automation.status(UID)).failure_text == "error"
    portal.answer(samples.status("idle", message="old words"))
    assert session.send(automation.status(UID)).failure_text == ""


def test_one_field_of_metadata_is_put_alone(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    portal.answer(answer({"value": "New"}))
    run(session, automation.set_metadata(UID, [MetadataValue("default", "title", "New")]))
    assert sent(portal) == [("PUT", f"{HERE}/metadata/default/title/", {"value": "New"})]


def test_many_fields_keep_the_others(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    known = {
        "default": {
            "title": {"value": "Old"},
            "keyword": {"value": ["a"], "remote_value": ["b"], "override_remote_value": True},
        },
        "dcat": {"creator": {"value": "me"}},
    }
    portal.answer(answer({"value": "x"}), answer(known), answer({}))
    values = [
        MetadataValue("dcat", "creator", "you"),
        MetadataValue("default", "title", "New"),
        MetadataValue("default", "description", None),
    ]
    run(session, automation.set_metadata(UID, values))
    assert sent(portal) == [
        ("PUT", f"{HERE}/metadata/dcat/creator/", {"value": "you"}),
        ("GET", f"{HERE}/metadata/", None),
        (
            "PUT",
            f"{HERE}/metadata/default/",
            {
                "title": {"value": "New"},
                "keyword": {"value": ["a"], "override_remote_value": True},
                "description": {"value": None},
            },
        ),
    ]


def test_resources(portal: ScriptedPortal, session: PortalSession, automation: AutomationV1) -> None:
    feed = samples.resource("re_feed01", "feed")
    feed["datasource"] = {
        "type": "http",
        "connection": {"type": "http", "url": "https://host.example", "auth": None},
        "headers": [],
        "relative_url": "/obs.csv?x=1",
    }
    live = {"uid": "re_live01", "type": "realtime", "title": "live", "url": "https://p/push/?pushkey=secret"}
    portal.answer(samples.page(samples.resource(), feed, live))
    file, http, realtime = session.send(automation.resources(UID))
    assert file.source == Source(file_uid="obs.csv")
    assert http.source == Source(url="https://host.example/obs.csv?x=1")
    assert realtime.source == Source()
    assert realtime.push_url == "https://p/push/"
    assert "secret" not in repr(realtime)
    assert portal.requests[0].path == f"{HERE}/resources/?limit=1000"


def test_resource_is_written_as_documented(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    portal.answer(*[answer(samples.resource(), status) for status in (201, 200, 200)])
    spec = ResourceSpec("obs", "csvfile", Source(file_uid="obs_2.csv"))
    added = session.send(automation.create_resource(UID, spec))
    session.send(automation.replace_resource(UID, added, spec))
    url = ResourceSpec("obs", "csvfile", Source(url="https://h.example:8443/a/b.csv?q=1"), {"separator": ","})
    session.send(automation.replace_resource(UID, added, url))
    file = {"type": "uploaded_file", "file": {"uid": "obs_2.csv"}}
    http = {
        "type": "http",
        "connection": {"type": "http", "url": "https://h.example:8443", "auth": None},
        "headers": [],
        "relative_url": "/a/b.csv?q=1",
    }
    kept = {"separator": ";", "encoding": "utf-8"}
    common = {"type": "csvfile", "title": "obs"}
    where = f"{HERE}/resources/re_p4x1aa/"
    assert sent(portal) == [
        ("POST", f"{HERE}/resources/", {**common, "params": {}, "datasource": file}),
        ("PUT", where, {**common, "params": kept, "datasource": file}),
        ("PUT", where, {**common, "params": {"separator": ","}, "datasource": http}),
    ]


def test_resource_is_put_back_as_it_was(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    """With what this client knows nothing of, without what the server adds."""
    unknown = samples.resource(extra={"kept": 1})
    unknown["datasource"] |= {"more": True}
    portal.answer(samples.page(unknown), answer(unknown))
    (read,) = session.send(automation.resources(UID))
    session.send(automation.put_back_resource(UID, read))
    assert sent(portal)[1][2] == {
        "type": "csvfile",
        "title": "obs",
        "params": {"separator": ";", "encoding": "utf-8"},
        "datasource": {"type": "uploaded_file", "file": {"uid": "obs.csv"}, "more": True},
        "extra": {"kept": 1},
    }


@pytest.mark.parametrize(
    "source",
    [
        Source(),
        Source("a", "https://h/x"),
        Source(url="ftp://h/x"),
        Source(url="https://user:pw@h.example/x"),
    ],
)
def test_resource_without_one_usable_source_is_refused(automation: AutomationV1, source: Source) -> None:
    with pytest.raises(ConfigurationError) as caught:
        automation.create_resource(UID, ResourceSpec("t", "csvfile", source))
    assert "pw" not in str(caught.value)


def test_pipeline(portal: ScriptedPortal, session: PortalSession, automation: AutomationV1) -> None:
    item = {
        "uid": "pr_a1b2c3",
        "type": "rename",
        "label": "l",
        "from_name": "a",
        "to_name": "b",
        "field_label": "B",
    }
    portal.answer(samples.page(item), answer(item, 201), answer(item), samples.NO_CONTENT)
    (one,) = session.send(automation.pipeline(UID, "fields"))
    assert one.args == {"from_name": "a", "to_name": "b", "field_label": "B"}
    session.send(automation.add_to_pipeline(UID, "fields", Configured("", "order", {"order": ["b", "a"]})))
    session.send(automation.change_pipeline(UID, "processors", one))
    session.send(automation.remove_from_pipeline(UID, "fields", "pr_a1b2c3"))
    assert sent(portal)[1:] == [
        ("POST", f"{HERE}/fields/", {"type": "order", "label": "order", "order": ["b", "a"]}),
        ("PUT", f"{HERE}/processors/pr_a1b2c3/", {key: item[key] for key in item if key != "uid"}),
        ("DELETE", f"{HERE}/fields/pr_a1b2c3/", None),
    ]


def test_audience_changes_nothing_else(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    portal.answer(answer(samples.DATASET), answer(samples.DATASET))
    run(session, automation.set_restricted(UID, True))
    assert sent(portal)[1] == (
        "PUT",
        f"{HERE}/",
        {
            "dataset_id": "air-quality",
            "is_restricted": True,
            "metadata": samples.DATASET["metadata"],
            "default_security": samples.DATASET["default_security"],
        },
    )


def test_access_of_users_and_groups(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    known = {
        "user": {"username": "ann"},
        "permissions": ["edit_dataset"],
        "security": {"visible_fields": ["a"]},
    }
    portal.answer(samples.page(known), answer(known), samples.page(), answer({}, 201))
    rules = Security(visible_fields=("a", "b"), calls_quota=(5, "day"), permissions=("edit_dataset",))
    run(session, automation.set_access(UID, "users", Access("ann", rules)))
    run(session, automation.set_access(UID, "groups", Access("editors", Security())))
    requests = sent(portal)
    assert requests[1][:2] == ("PUT", f"{HERE}/security/users/ann/")
    assert requests[1][2]["security"]["api_calls_quota"] == {"limit": 5, "unit": "day"}
    assert requests[3][:2] == ("POST", f"{HERE}/security/groups/")
    assert requests[3][2]["group"] == {"uid": "editors"}
    assert requests[3][2]["security"]["visible_fields"] is None


OLD, MIDDLE, NEW = (
    samples.version("ch_old001", "2025-01-01T00:00:00Z"),
    samples.version("ch_mid001", "2025-01-02T00:00:00Z"),
    samples.version("ch_new001", "2025-01-03T00:00:00Z"),
)


@pytest.mark.parametrize("order", [(OLD, MIDDLE, NEW), (NEW, MIDDLE, OLD), (MIDDLE, NEW, OLD)])
def test_restore_goes_to_the_version_noted(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1, order: tuple[Any, ...]
) -> None:
    """However the portal lists them."""
    portal.answer(samples.page(OLD, MIDDLE))
    point = session.send(automation.restore_point(UID))
    assert RestorePoint.from_json(json.loads(json.dumps(point.to_json()))) == point
    assert point.version == "ch_mid001"
    portal.answer(samples.page(*order), answer(samples.DATASET))
    assert run(session, automation.restore(point)) is True
    assert sent(portal)[-1] == ("POST", f"{HERE}/versions/ch_mid001/restore/", None)


@pytest.mark.parametrize("descending", [False, True])
def test_versions_of_one_second_keep_the_lists_direction(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1, descending: bool
) -> None:
    twins = [samples.version(f"ch_twin0{n}", "2025-01-02T00:00:00Z") for n in (1, 2)]
    listed = [OLD, *twins]
    portal.answer(samples.page(*(reversed(listed) if descending else listed)))
    assert session.send(automation.restore_point(UID)).version == "ch_twin02"


def test_restore_without_changes_sends_nothing(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    portal.answer(samples.page(OLD, NEW))
    assert run(session, automation.restore(RestorePoint(UID, "automation", "ch_new001"))) is False
    assert len(portal.requests) == 1


def test_restore_that_is_not_possible(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    portal.answer(samples.page(OLD, NEW))
    with pytest.raises(RestorePointGone, match="ch_gone01 is not among the versions kept"):
        run(session, automation.restore(RestorePoint(UID, "automation", "ch_gone01")))
    portal.answer(samples.page({**OLD, "can_restore": False}, NEW))
    with pytest.raises(RestorePointGone, match="cannot be restored"):
        run(session, automation.restore(RestorePoint(UID, "automation", "ch_old001")))
    with pytest.raises(ConfigurationError, match="management API"):
        run(session, automation.restore(RestorePoint(UID, "management", "12")))


def test_restore_whose_reply_is_lost_is_proved(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    added = samples.version("ch_added1", "2025-01-04T00:00:00Z")
    portal.answer(samples.page(OLD, NEW), samples.LOST, samples.page(OLD, NEW, added))
    assert run(session, automation.restore(RestorePoint(UID, "automation", "ch_old001"))) is True
    assert len(portal.requests) == 3


@pytest.mark.parametrize("body", ["", "[]", "<html></html>", '{"error_code":"x","message":"m"}', '{"uid":1}'])
def test_success_without_what_it_needs(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1, body: str
) -> None:
    portal.default = Answer(200, body)
    with pytest.raises(MalformedReply) as caught:
        session.send(automation.get_dataset(UID))
    assert "Opendatasoft portal" in str(caught.value)


def test_attachments(portal: ScriptedPortal, session: PortalSession, automation: AutomationV1) -> None:
    portal.answer(samples.page({"uid": "at_a1b2c3", "filename": "note.pdf"}), samples.NO_CONTENT)
    (one,) = session.send(automation.attachments(UID))
    assert (one.uid, one.filename) == ("at_a1b2c3", "note.pdf")
    session.send(automation.detach(UID, one.uid))
    assert sent(portal)[1][:2] == ("DELETE", f"{HERE}/attachments/at_a1b2c3/")


def test_copy_and_rename(portal: ScriptedPortal, session: PortalSession, automation: AutomationV1) -> None:
    copied = {**samples.DATASET, "uid": "da_copy01"}
    portal.answer(answer(copied, 201), answer(copied), answer({**copied, "dataset_id": "new-id"}))
    assert session.send(automation.copy_dataset(UID)).uid == "da_copy01"
    assert run(session, automation.rename_dataset("da_copy01", "new-id")).dataset_id == "new-id"
    assert sent(portal)[-1][2]["dataset_id"] == "new-id"
