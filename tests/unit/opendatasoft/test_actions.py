"""Actions of several calls: carried out once, whichever reply is lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from unit.opendatasoft import samples
from unit.opendatasoft.samples import EMPTY_404, LOST, NO_CONTENT, UID, answer

from airflow_socrata.client import Conflict, NotFound, PortalSession, ReplyLost
from airflow_socrata.client.async_session import AsyncPortalSession
from airflow_socrata.opendatasoft import actions
from airflow_socrata.opendatasoft.automation import AutomationV1
from airflow_socrata.opendatasoft.errors import DatasetExists, InvalidDatasetStatus
from airflow_socrata.opendatasoft.management import ManagementV2
from airflow_socrata.opendatasoft.models import Configured, MetadataValue, ResourceSpec, Source, Status, epoch
from airflow_socrata.opendatasoft.status import Action
from airflow_socrata.opendatasoft.steps import run, run_async

if TYPE_CHECKING:
    from unit.client.portal_servers import Answer, ScriptedPortal

SPEC = ResourceSpec("obs", "csvfile", Source(file_uid="obs.csv"))
SINCE = "2026-02-06T15:13:13Z"
BEFORE = Status("idle", since=epoch(SINCE))


def methods(portal: ScriptedPortal) -> str:
    return " ".join(one.method for one in portal.requests)


def test_find_by_id_and_by_uid(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    portal.answer(samples.page(samples.DATASET), answer(samples.DATASET))
    assert run(session, actions.find(automation, "air-quality")).uid == UID
    assert run(session, actions.find(automation, UID)).dataset_id == "air-quality"
    assert portal.requests[1].path.endswith(f"/datasets/{UID}/")


@pytest.mark.parametrize("dialect", [AutomationV1(), ManagementV2()], ids=lambda one: one.name)
def test_an_unknown_id_names_the_nearest(portal: ScriptedPortal, session: PortalSession, dialect) -> None:
    listed = {
        "automation": (samples.page(), samples.page(samples.DATASET)),
        "management": (samples.mgmt_page(), samples.mgmt_page(samples.MGMT_DATASET)),
    }
    portal.answer(*listed[dialect.name])
    with pytest.raises(NotFound) as caught:
        run(session, actions.find(dialect, "air-qualty"))
    assert "no dataset with the dataset id air-qualty; the nearest is air-quality" in str(caught.value)


def test_a_long_list_is_read_to_its_end(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    many = [{**samples.DATASET, "dataset_id": f"other-{n}", "uid": f"da_{n:06}"} for n in range(100)]
    portal.answer(samples.page(), samples.page(*many, total=101), samples.page(samples.DATASET, total=101))
    with pytest.raises(NotFound, match="nearest is air-quality"):
        run(session, actions.find(automation, "air_quality"))
    assert [one.path.split("?")[1] for one in portal.requests[1:]] == [
        "limit=100&offset=0",
        "limit=100&offset=100",
    ]


def test_two_datasets_of_one_id(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    portal.answer(samples.page(samples.DATASET, {**samples.DATASET, "uid": "da_second"}))
    with pytest.raises(Conflict, match=f"{UID}, da_second"):
        run(session, actions.find(automation, "air-quality"))


def test_create_once(portal: ScriptedPortal, session: PortalSession, automation: AutomationV1) -> None:
    portal.answer(samples.page(), LOST, samples.page(samples.DATASET))
    portal.answer(answer(samples.DATASET), answer(samples.DATASET), answer({}))
    language = MetadataValue("default", "language", "en")
    made = run(
        session,
        actions.create(automation, "air-quality", "Air", metadata=[language], is_restricted=False),
    )
    assert made.uid == UID
    assert methods(portal).split().count("POST") == 1, "the second look proves it"


def test_create_that_was_not_carried_out(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    portal.answer(samples.page(), LOST, samples.page())
    with pytest.raises(ReplyLost):
        run(session, actions.create(automation, "air-quality", "Air"))
    portal.answer(samples.page(), LOST, samples.page(), samples.page(), answer(samples.DATASET, 201))
    made = session.repeat(lambda: run(session, actions.create(automation, "air-quality", "Air")))
    assert made.uid == UID


def test_create_what_exists(portal: ScriptedPortal, session: PortalSession, automation: AutomationV1) -> None:
    portal.answer(samples.page(samples.DATASET))
    with pytest.raises(DatasetExists) as caught:
        run(session, actions.create(automation, "air-quality", "Air"))
    assert caught.value.dataset.uid == UID
    assert methods(portal) == "GET"


@pytest.mark.parametrize(
    ("answers", "gone"),
    [((NO_CONTENT,), True), ((EMPTY_404,), False), ((LOST, EMPTY_404), True)],
)
def test_delete(
    portal: ScriptedPortal,
    session: PortalSession,
    automation: AutomationV1,
    answers: tuple[Answer],
    gone: bool,
) -> None:
    portal.answer(*answers)
    assert run(session, actions.delete(automation, UID)) is gone


def test_delete_that_was_not_carried_out(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    portal.answer(LOST, answer(samples.DATASET))
    with pytest.raises(ReplyLost):
        run(session, actions.delete(automation, UID))


def test_put_resource_adds_or_changes(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    portal.answer(samples.page(), answer(samples.resource(), 201))
    assert run(session, actions.put_resource(automation, UID, SPEC)).before is None
    portal.answer(samples.page(samples.resource(file="old.csv")), answer(samples.resource()))
    put = run(session, actions.put_resource(automation, UID, SPEC))
    assert put.before is not None
    assert put.before.source.file_uid == "old.csv"
    assert methods(portal) == "GET POST GET PUT"
    portal.answer(samples.page(samples.resource(), samples.resource("re_second")))
    with pytest.raises(Conflict, match="2 resources"):
        run(session, actions.put_resource(automation, UID, SPEC))


def test_a_resource_is_added_once(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    other = samples.resource("re_other1", "other")
    portal.answer(samples.page(other), LOST, samples.page(other, samples.resource()))
    assert run(session, actions.put_resource(automation, UID, SPEC)).resource.uid == "re_p4x1aa"
    portal.answer(samples.page(other), LOST, samples.page(other))
    with pytest.raises(ReplyLost):
        run(session, actions.put_resource(automation, UID, SPEC))
    assert methods(portal) == "GET POST GET GET POST GET"


def test_delete_resource(portal: ScriptedPortal, session: PortalSession, automation: AutomationV1) -> None:
    portal.answer(NO_CONTENT, EMPTY_404, samples.page(), LOST, samples.page())
    assert run(session, actions.delete_resource(automation, UID, "re_p4x1aa")) is True
    assert run(session, actions.delete_resource(automation, UID, "re_p4x1aa")) is False
    assert run(session, actions.delete_resource(automation, UID, "re_p4x1aa")) is True
    portal.answer(LOST, samples.page(samples.resource()))
    with pytest.raises(ReplyLost):
        run(session, actions.delete_resource(automation, UID, "re_p4x1aa"))


def test_configure_adds_what_is_missing(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    there = {"uid": "pr_000001", "type": "delete", "label": "x", "field": "a"}
    new = {"uid": "pr_000002", "type": "annotate", "label": "annotate", "field": "b", "annotation": "id"}
    items = [
        Configured("", "delete", {"field": "a"}),
        Configured("", "annotate", {"field": "b", "annotation": "id"}),
    ]
    portal.answer(samples.page(there), LOST, samples.page(there, new))
    assert run(session, actions.configure(automation, UID, "fields", items)) == 1
    portal.answer(samples.page(there, new))
    assert run(session, actions.configure(automation, UID, "fields", items)) == 0


@pytest.mark.parametrize("action", [Action.PUBLISH, Action.UNPUBLISH, Action.PUBLISH_METADATA])
@pytest.mark.parametrize(
    ("seen", "landed"),
    [
        (samples.status("queued"), True),
        (samples.status("idle", "2026-02-06T15:20:00Z"), True),
        (samples.status("error"), True),
        (samples.status("idle"), False),
    ],
    ids=["queued", "done already", "failed already", "as before"],
)
def test_an_order_whose_reply_is_lost(
    portal: ScriptedPortal,
    session: PortalSession,
    automation: AutomationV1,
    action: Action,
    seen: Answer,
    landed: bool,
) -> None:
    portal.answer(LOST, seen)
    if landed:
        run(session, actions.order(automation, UID, action, BEFORE))
    else:
        with pytest.raises(ReplyLost):
            run(session, actions.order(automation, UID, action, BEFORE))
    assert methods(portal) == "POST GET", "never sent twice without a look"


@pytest.mark.parametrize(
    ("name", "landed"), [("aborting_processing", True), ("idle", True), ("processing", False)]
)
def test_an_abort_whose_reply_is_lost(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1, name: str, landed: bool
) -> None:
    portal.answer(LOST, samples.status(name))
    if landed:
        run(session, actions.order(automation, UID, Action.ABORT, Status("processing")))
    else:
        with pytest.raises(ReplyLost):
            run(session, actions.order(automation, UID, Action.ABORT, Status("processing")))


def test_a_refused_order_is_not_sent_again(
    portal: ScriptedPortal, session: PortalSession, automation: AutomationV1
) -> None:
    portal.answer(samples.AUTO_BUSY)
    with pytest.raises(InvalidDatasetStatus) as caught:
        run(session, actions.order(automation, UID, Action.PUBLISH, BEFORE))
    assert caught.value.busy
    assert methods(portal) == "POST"


def test_published_entry_names_the_nearest(portal: ScriptedPortal, session: PortalSession) -> None:
    ids = answer({"total_count": 2, "results": [{"dataset_id": "air-quality"}, {"dataset_id": "trees"}]})
    portal.answer(EMPTY_404, ids)
    with pytest.raises(NotFound) as caught:
        run(session, actions.published_entry("air-qualitty"))
    assert "the nearest is air-quality" in str(caught.value)
    assert "not published" in str(caught.value)


def test_the_same_steps_in_an_event_loop(portal: ScriptedPortal, settings, automation: AutomationV1) -> None:
    import asyncio

    portal.answer(LOST, samples.status("queued"))

    async def go() -> None:
        async with AsyncPortalSession(settings, sleep=lambda _: asyncio.sleep(0)) as session:
            await run_async(session, actions.order(automation, UID, Action.PUBLISH, BEFORE))
            portal.answer(samples.status("idle"))
            assert (await run_async(session, automation.status(UID))).name == "idle"

    asyncio.run(go())
    assert methods(portal) == "POST GET GET"


def test_bodies_are_utf8(portal: ScriptedPortal, session: PortalSession, automation: AutomationV1) -> None:
    portal.answer(answer({"value": "Zürich"}))
    run(session, automation.set_metadata(UID, [MetadataValue("default", "title", "Zürich")]))
    assert json.loads(portal.requests[0].body)["value"] == "Zürich"
    assert "Zürich".encode() in portal.requests[0].body
