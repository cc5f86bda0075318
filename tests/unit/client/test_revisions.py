"""Calls for revisions: what goes out, what is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from unit.client import publishing_samples as samples
from unit.client.portal_servers import Answer
from unit.client.publishing_samples import REVISION, REVISION_LINKS, bare, reply

from airflow_socrata.client import (
    ConfigurationError,
    LinkMissing,
    MalformedReply,
    NotFound,
    PortalBusy,
    ReplyLost,
    revisions,
)
from airflow_socrata.client.links import Links
from airflow_socrata.client.revision_models import Config, Revision, SubmittedForApproval, TaskSet

if TYPE_CHECKING:
    from unit.client.portal_servers import ScriptedPortal, Seen

    from airflow_socrata.client import PortalSession

OPEN = reply(samples.revision(), REVISION_LINKS, 201)


def revision(**changes: Any) -> Revision:
    return Revision.from_json(samples.revision(**changes), Links(REVISION_LINKS))


def sent(portal: ScriptedPortal) -> tuple[str, str, Any]:
    seen: Seen = portal.requests[-1]
    return seen.method, seen.path, json.loads(seen.body) if seen.body else None


def test_create(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(OPEN)
    made = session.send(revisions.create("abcd-1234", action="replace", metadata={"description": "new"}))
    body = {"metadata": {"description": "new"}, "action": {"type": "replace"}}
    assert sent(portal) == ("POST", "/api/publishing/v1/revision/abcd-1234", body)
    assert portal.requests[0].headers["Content-Type"] == "application/json"
    assert (made.dataset, made.seq, made.id, made.action, made.permission) == (
        "abcd-1234",
        4,
        91234,
        "replace",
        None,
    )
    assert made.is_open
    assert made.asset_id == "abcd-1234:4"
    assert made.created_by_id == "tugg-ikce"
    assert made.private_metadata == {"owner": "etl"}
    assert made.last_task_set is None


def test_permission_goes_out_only_when_asked_for(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(OPEN, OPEN)
    session.send(revisions.create("abcd-1234"))
    assert b"permission" not in portal.requests[0].body
    session.send(revisions.create("abcd-1234", permission="private"))
    assert sent(portal)[2]["action"] == {"type": "update", "permission": "private"}


def test_create_a_new_dataset(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(OPEN)
    session.send(revisions.create(None, metadata={"name": "New"}, deleted_at="2026-01-01T00:00:00Z"))
    method, path, body = sent(portal)
    assert (method, path) == ("POST", "/api/publishing/v1/revision?deleted_at=2026-01-01T00%3A00%3A00Z")
    assert body["metadata"] == {"name": "New"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"dataset_id": None}, "needs a name"),
        ({"dataset_id": "abcd-1234", "action": "append"}, "unknown: use update, replace, delete"),
        ({"dataset_id": "abcd-1234", "deleted_at": "2026-01-01"}, "this one exists"),
        ({"dataset_id": "ABCD"}, "dataset id"),
    ],
)
def test_arguments_that_cannot_be(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        revisions.create(**arguments)


def test_create_by_the_name_of_a_config(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(OPEN)
    session.send(revisions.create_by_config("abcd-1234", "road events", metadata={"privateMetadata": {}}))
    body = {"config": "road events", "metadata": {"privateMetadata": {}}}
    assert sent(portal) == ("POST", "/api/publishing/v1/revision/abcd-1234", body)


def test_create_by_a_config_follows_its_link(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(OPEN)
    config = Config.from_json(samples.config(), Links(samples.CONFIG_LINKS))
    session.send(revisions.create_by_config("abcd-1234", config))
    assert sent(portal)[1] == "/api/publishing/v1/revision/abcd-1234/config/road%20events"


def test_absent_config_is_named(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(bare({"message": "Not found", "key": "not_found", "params": {}}, 404))
    with pytest.raises(NotFound, match="a config named 'roads'"):
        session.send(revisions.create_by_config("abcd-1234", "roads"))


@pytest.mark.parametrize(("which", "query"), [(None, ""), (True, "?open=true"), (False, "?open=false")])
def test_listing(portal: ScriptedPortal, session: PortalSession, which: bool | None, query: str) -> None:
    envelope = {"resource": samples.revision(closed_at="2026-06-10T00:00:00"), "links": REVISION_LINKS}
    portal.answer(bare([envelope, envelope]))
    found = session.send(revisions.listing("abcd-1234", open=which))
    assert sent(portal)[:2] == ("GET", f"/api/publishing/v1/revision/abcd-1234{query}")
    assert [one.is_open for one in found] == [False, False]


def test_read_and_look(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(OPEN, OPEN)
    session.send(revisions.look(session.send(revisions.read("abcd-1234", 4))))
    assert [seen.path for seen in portal.requests] == [REVISION, REVISION]


def test_absent_revision_is_named(portal: ScriptedPortal, session: PortalSession) -> None:
    with pytest.raises(NotFound, match="that it has a revision 9"):
        session.send(revisions.read("abcd-1234", 9))


def test_update_sends_what_changes(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(OPEN)
    session.send(revisions.update(revision(), {"notes": {"body": "x"}}))
    assert sent(portal) == ("PUT", REVISION, {"notes": {"body": "x"}})


@pytest.mark.parametrize(("changes", "words"), [({"seq": 1}, "no 'seq'"), ({}, "no changes")])
def test_update_of_what_cannot_be_changed(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        revisions.update(revision(), changes)


def test_attach(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(bare({"filename": "ma\u00df.pdf", "file_id": "f-1"}))
    file = session.send(revisions.attach(revision(), "ma\u00df.pdf", b"%PDF"))
    seen = portal.requests[0]
    assert (seen.method, seen.path, seen.body) == ("POST", f"{REVISION}/attachment", b"%PDF")
    assert seen.headers["X-File-Name"].encode("latin-1").decode() == "ma\u00df.pdf"
    assert file.to_json("Map") == {"name": "Map", "filename": "ma\u00df.pdf", "asset_id": "f-1"}
    with pytest.raises(ConfigurationError, match="no name of a file"):
        revisions.attach(revision(), "a\r\nb", b"")


def test_plan(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(reply([{"type": "set_schema"}, {"type": "publish"}]))
    assert [step.type for step in session.send(revisions.plan(revision()))] == ["set_schema", "publish"]


@pytest.mark.parametrize(("schema", "body"), [(None, {}), (77120, {"output_schema_id": 77120})])
def test_apply(portal: ScriptedPortal, session: PortalSession, schema: int | None, body: Any) -> None:
    portal.answer(reply(samples.task_set(), {"show": f"{REVISION}/apply/55501"}))
    job = session.send(revisions.apply(revision(), schema))
    assert sent(portal) == ("PUT", f"{REVISION}/apply", body)
    assert isinstance(job, TaskSet)
    assert not job.is_terminal
    portal.answer(reply(samples.task_set(status="successful")))
    assert session.send(revisions.look_at(job)).succeeded
    assert sent(portal)[:2] == ("GET", f"{REVISION}/apply/55501")


def test_job_without_a_link_of_its_own_is_looked_at_below_apply(
    portal: ScriptedPortal, session: PortalSession
) -> None:
    portal.answer(reply(samples.task_set()))
    job = session.send(revisions.apply(revision()))
    assert isinstance(job, TaskSet)
    assert job.link == f"{REVISION}/apply/55501"
    assert revision(task_sets=[samples.task_set()]).task_sets[0].link == job.link


def test_job_that_has_failed_when_it_is_returned(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(reply(samples.task_set(status="failure", finished_at="2026-06-09T18:06:11")))
    job = session.send(revisions.apply(revision()))
    assert isinstance(job, TaskSet)
    assert job.has_failed
    assert job.is_terminal


@pytest.mark.parametrize("envelope", [False, True])
def test_submitted_for_approval(portal: ScriptedPortal, session: PortalSession, envelope: bool) -> None:
    body = {"key": "approval_submitted", "message": "Submitted"}
    portal.answer(reply(body) if envelope else bare(body))
    assert isinstance(session.send(revisions.apply(revision())), SubmittedForApproval)


def test_apply_is_not_sent_twice(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(Answer(how="drop"))
    with pytest.raises(ReplyLost) as lost:
        session.send(revisions.apply(revision()))
    assert lost.value.landing == "unknown"
    portal.answer(Answer(503))
    with pytest.raises(PortalBusy) as busy:
        session.send(revisions.apply(revision()))
    assert busy.value.landing == "unknown"
    assert len(portal.requests) == 2


def test_apply_that_was_throttled_is_sent_again(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(Answer(429), reply(samples.task_set()))
    assert isinstance(session.send(revisions.apply(revision())), TaskSet)


def test_discard_and_restore(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(reply(samples.revision(closed_at="2026-06-10T00:00:00"), status=202))
    session.send(revisions.discard(revision()))
    assert sent(portal) == ("DELETE", REVISION, None)
    portal.answer(reply(samples.revision(revision_seq=5), REVISION_LINKS, 201))
    assert session.send(revisions.restore(revision())).seq == 5
    assert sent(portal)[:2] == ("POST", f"{REVISION}/restore")


def test_what_the_portal_does_not_offer_is_not_sent(portal: ScriptedPortal) -> None:
    bare_revision = Revision.from_json(samples.revision(), Links({"show": REVISION}))
    with pytest.raises(LinkMissing, match="'restore'"):
        revisions.restore(bare_revision)
    assert not portal.requests


@pytest.mark.parametrize(
    "answer",
    [
        bare({"id": 1}),
        bare([]),
        bare({"resource": {"fourfour": "abcd-1234"}, "links": {}}),
        bare({"resource": {"revision_seq": 1}, "links": {}}),
        bare({"resource": None}),
    ],
)
def test_reply_without_a_revision(portal: ScriptedPortal, session: PortalSession, answer: Answer) -> None:
    portal.default = answer
    with pytest.raises(MalformedReply):
        session.send(revisions.read("abcd-1234", 4))


LOG = [
    {"stage": "finished", "time": "2017-02-28T20:20:59", "details": None},
    {
        "stage": "upsert_complete",
        "time": "2017-02-28T20:20:58",
        "details": {"Rows Created": 2, "Rows Updated": 1, "Rows Deleted": 0, "Errors": 0, "By SID": 3},
    },
    {"stage": "rows_upserted", "time": "2017-02-28T20:20:57", "details": {"count": 300}},
    {"stage": "rows_upserted", "time": "2017-02-28T20:20:56", "details": {"count": 200}},
    {"stage": "started", "time": "2017-02-28T20:20:55", "details": {}},
]


def test_counts_of_a_job() -> None:
    job = TaskSet.from_json(samples.task_set(status="successful", log=LOG))
    assert job.stage == "finished"
    assert job.rows_upserted == 300
    assert job.row_counts is not None
    assert (job.row_counts.created, job.row_counts.updated, job.row_counts.by_sid) == (2, 1, 3)
    assert TaskSet.from_json(samples.task_set()).row_counts is None
    assert TaskSet.from_json(samples.task_set()).rows_upserted is None


def test_failure_of_a_job_in_one_line() -> None:
    log = [{"stage": "failure", "details": {"message": "column \u201ca\u201d\nis gone"}}, *LOG[2:]]
    job = TaskSet.from_json(samples.task_set(status="failure", log=log))
    assert job.failure_text == (
        "job 55501 ended as failure (request id 9f2); its last log lines: "
        "failure: column \u201ca\u201d is gone;"
        ' rows_upserted: {"count": 300}; rows_upserted: {"count": 200}; started'
    )
    assert "the job has no log" in TaskSet.from_json(samples.task_set(status="failure")).failure_text


def test_job_that_ended_in_an_unknown_way_has_failed() -> None:
    job = TaskSet.from_json(samples.task_set(status="cancelled", finished_at="2017-02-28T20:20:59"))
    assert job.has_failed
    assert job.is_terminal


def test_log_in_other_shapes() -> None:
    log = [{"stage": "x", "details": "words"}, {"details": [1]}, "no entry"]
    lines = TaskSet.from_json(samples.task_set(log=log)).log
    assert [str(line) for line in lines] == ["x: words", "?: [1]"]


def test_newest_job_has_the_greatest_id() -> None:
    jobs = [samples.task_set(id=2, status="failure"), samples.task_set(id=3), samples.task_set(id=1)]
    last = revision(task_sets=jobs).last_task_set
    assert last is not None
    assert last.id == 3
