"""Whole stories against the emulator, through both APIs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from airflow_socrata.client import NotFound, PortalSession, RetryBudget
from airflow_socrata.client.multipart import FileSink
from airflow_socrata.emulator.opendatasoft import OpendatasoftEmulator
from airflow_socrata.opendatasoft import actions, explore
from airflow_socrata.opendatasoft.check import describe_connection
from airflow_socrata.opendatasoft.credentials import PortalKey
from airflow_socrata.opendatasoft.dialect import dialect_named
from airflow_socrata.opendatasoft.errors import (
    ApiNotAnswered,
    InvalidDatasetStatus,
    NotOffered,
    PublishRightMissing,
)
from airflow_socrata.opendatasoft.models import (
    Access,
    Configured,
    MetadataValue,
    ResourceSpec,
    Security,
    Source,
    value_in,
)
from airflow_socrata.opendatasoft.multipart import Multipart
from airflow_socrata.opendatasoft.portal import portal_settings
from airflow_socrata.opendatasoft.push import delete_record, push_records, target_of
from airflow_socrata.opendatasoft.status import STATUS_TABLE, Action, StatusClass, Step, next_step
from airflow_socrata.opendatasoft.steps import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_socrata.opendatasoft.dialect import Dialect
    from airflow_socrata.opendatasoft.models import Resource, Status
    from airflow_socrata.opendatasoft.status import StatusRow

#: Failures here are made, and over at once.
SWIFT = RetryBudget(attempts=4, base=0.01)
CSV = "id;name\n1;a\n2;b\n3;c\n"


@pytest.fixture(scope="module")
def server() -> Iterator[OpendatasoftEmulator]:
    with OpendatasoftEmulator() as running:
        yield running


@pytest.fixture
def emulator(server: OpendatasoftEmulator) -> OpendatasoftEmulator:
    server.admin.reset()
    return server


def session_of(emulator: OpendatasoftEmulator, key: str) -> PortalSession:
    settings = portal_settings(
        emulator.domain, PortalKey(api_key=key), port=emulator.port, scheme="http", read_timeout=20.0
    )
    return PortalSession(settings, budget=SWIFT)


@pytest.fixture
def session(emulator: OpendatasoftEmulator) -> Iterator[PortalSession]:
    with session_of(emulator, emulator.api_key) as session:
        yield session


@pytest.fixture(params=["automation", "management"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return dialect_named(request.param)


@pytest.fixture
def uid(session: PortalSession, dialect: Dialect) -> str:
    """A dataset without records."""
    return run(session, actions.create(dialect, "air-quality", "Air quality")).uid


def upload(session: PortalSession, dialect: Dialect, uid: str, text: str, name: str) -> Resource:
    with Multipart(io.BytesIO(text.encode()), filename=name, content_type="text/csv") as file:
        uploaded = run(session, dialect.upload_file(uid, file))
    spec = ResourceSpec("observations", "csvfile", Source(file_uid=uploaded.uid), {"separator": ";"})
    return run(session, actions.put_resource(dialect, uid, spec)).resource


def order(
    emulator: OpendatasoftEmulator, session: PortalSession, dialect: Dialect, uid: str, action: Action
) -> tuple[Step, Status]:
    """Order, wait, and tell how it ended; the portal's clock is moved on."""
    emulator.admin.advance(10)
    before = run(session, dialect.status(uid))
    run(session, actions.order(dialect, uid, action, before))
    for _ in range(50):
        status = run(session, dialect.status(uid))
        step = next_step(status, before, after=action)
        if step is not Step.WAIT:
            return step, status
        emulator.admin.advance(10)
    raise AssertionError("no end")


def test_publish_verify_fail_and_roll_back(
    emulator: OpendatasoftEmulator, session: PortalSession, dialect: Dialect, uid: str
) -> None:
    first = upload(session, dialect, uid, CSV, "first.csv")
    assert order(emulator, session, dialect, uid, Action.PUBLISH)[0] is Step.DONE
    assert session.send(explore.count("air-quality")) == 3
    assert run(session, actions.published_entry("air-quality")).records_count == 3

    point = run(session, dialect.restore_point(uid))
    run(session, dialect.set_metadata(uid, [MetadataValue("default", "title", "Bad")]))
    second = upload(session, dialect, uid, CSV + "4;d\n", "second.csv")
    assert second.uid == first.uid
    emulator.admin.script("air-quality", "error")
    step, status = order(emulator, session, dialect, uid, Action.PUBLISH)
    assert step is Step.FAIL_ERROR
    assert status.failure_text

    assert run(session, dialect.restore(point)) is True
    (resource,) = run(session, dialect.resources(uid))
    assert resource.source == first.source
    assert value_in(run(session, dialect.metadata(uid)), "default", "title") == "Air quality"
    assert order(emulator, session, dialect, uid, Action.PUBLISH)[0] is Step.DONE
    assert session.send(explore.count("air-quality")) == 3
    assert run(session, dialect.restore(run(session, dialect.restore_point(uid)))) is False


def test_record_limit(
    emulator: OpendatasoftEmulator, session: PortalSession, dialect: Dialect, uid: str
) -> None:
    emulator.admin.settings(record_limit=2)
    upload(session, dialect, uid, CSV, "first.csv")
    step, status = order(emulator, session, dialect, uid, Action.PUBLISH)
    assert step is Step.FAIL_LIMIT
    assert "limit reached" in status.failure_text
    if dialect.name == "automation":
        assert status.limit is not None
        assert status.limit.limit == 2


def test_busy_abort_and_unpublish(
    emulator: OpendatasoftEmulator, session: PortalSession, dialect: Dialect, uid: str
) -> None:
    upload(session, dialect, uid, CSV, "first.csv")
    emulator.admin.settings(manual=True)
    before = run(session, dialect.status(uid))
    run(session, actions.order(dialect, uid, Action.PUBLISH, before))
    with pytest.raises(InvalidDatasetStatus) as caught:
        run(session, actions.order(dialect, uid, Action.PUBLISH, before))
    assert (caught.value.current, caught.value.busy) == ("queued", True)
    assert caught.value.allowed == ("idle", "error", "limit_reached")
    with pytest.raises(InvalidDatasetStatus) as caught:
        session.send(dialect.abort(uid))
    assert caught.value.allowed[0].startswith("processing")
    emulator.admin.settings(manual=False)
    while not run(session, dialect.status(uid)).is_at_rest:
        emulator.admin.advance(10)
    assert order(emulator, session, dialect, uid, Action.UNPUBLISH)[0] is Step.DONE
    with pytest.raises(NotFound, match="not published"):
        run(session, actions.published_entry("air-quality"))


@pytest.mark.parametrize("kind", ["lost_reply", "bad_gateway", "reset_before"])
def test_orders_are_proved(
    emulator: OpendatasoftEmulator, session: PortalSession, dialect: Dialect, uid: str, kind: str
) -> None:
    """One publish, whether it is the request or the reply that is lost."""
    upload(session, dialect, uid, CSV, "first.csv")
    emulator.admin.advance(10)
    emulator.admin.settings(manual=True)
    before = run(session, dialect.status(uid))
    emulator.admin.add_fault(path=r".*/publish/?$", kind=kind, times=1)
    session.repeat(lambda: run(session, actions.order(dialect, uid, Action.PUBLISH, before)))
    assert run(session, dialect.status(uid)).name == "queued"


@pytest.mark.parametrize("kind", ["lost_reply", "internal", "reset_request"])
def test_files_and_resources_once(
    emulator: OpendatasoftEmulator, session: PortalSession, dialect: Dialect, uid: str, kind: str
) -> None:
    emulator.admin.add_fault(path=r".*/files/?$", kind=kind, times=1)
    emulator.admin.add_fault(method="POST", path=r".*/resources/?$", kind=kind, times=1)
    with Multipart(io.BytesIO((CSV * 10_000).encode()), filename="first.csv") as file:
        uploaded = run(session, dialect.upload_file(uid, file))
    spec = ResourceSpec("observations", "csvfile", Source(file_uid=uploaded.uid))
    put = session.repeat(lambda: run(session, actions.put_resource(dialect, uid, spec)))
    assert [one.uid for one in run(session, dialect.resources(uid))] == [put.resource.uid]
    back = io.BytesIO()
    run(session, dialect.download_file(uid, uploaded.uid, FileSink(back)))
    assert back.getvalue() == (CSV * 10_000).encode()
    assert run(session, dialect.read_file(uid, uploaded.uid)).uid == uploaded.uid
    with pytest.raises(NotFound, match="does not keep"):
        run(session, dialect.read_file(uid, "gone.csv"))


def test_a_key_that_may_edit_only(emulator: OpendatasoftEmulator, dialect: Dialect, uid: str) -> None:
    with session_of(emulator, emulator.editor_key) as editor:
        upload(editor, dialect, uid, CSV, "first.csv")
        for call in (dialect.publish(uid), dialect.status(uid)):
            with pytest.raises(PublishRightMissing):
                editor.send(call)


def test_metadata_fields_and_security(session: PortalSession, dialect: Dialect, uid: str) -> None:
    language, keywords = (
        MetadataValue("default", "language", "de"),
        MetadataValue("default", "keyword", ["air"]),
    )
    run(session, dialect.set_metadata(uid, [language, keywords]))
    run(session, dialect.set_metadata(uid, [MetadataValue("default", "description", "x")]))
    metadata = run(session, dialect.metadata(uid))
    values = {one.name: one.value for one in metadata if one.template == "default"}
    assert (
        values | {"title": "Air quality", "language": "de", "keyword": ["air"], "description": "x"} == values
    )
    run(session, dialect.clear_metadata(uid, "default", "keyword"))
    assert value_in(run(session, dialect.metadata(uid)), "default", "keyword") is None

    rename = Configured("", "rename", {"from_name": "name", "to_name": "label", "field_label": "Label"})
    assert run(session, actions.configure(dialect, uid, "fields", [rename])) == 1
    assert run(session, actions.configure(dialect, uid, "fields", [rename])) == 0
    (known,) = run(session, dialect.pipeline(uid, "fields"))
    run(session, dialect.remove_from_pipeline(uid, "fields", known.uid))
    assert run(session, dialect.pipeline(uid, "fields")) == ()

    run(session, dialect.set_restricted(uid, True))
    assert run(session, dialect.get_dataset(uid)).is_restricted is True
    assert run(session, dialect.get_dataset(uid)).title == "Air quality", "nothing else changed"
    rules = Security(visible_fields=("id",))
    run(session, dialect.set_default_security(uid, rules))
    assert run(session, dialect.default_security(uid)) == rules
    for visible in (("id",), ("id", "name")):
        access = Access("person", Security(visible_fields=visible))
        run(session, dialect.set_access(uid, "users", access))
        assert run(session, dialect.accesses(uid, "users")) == (access,)
    run(session, dialect.remove_access(uid, "users", "person"))
    assert run(session, dialect.accesses(uid, "users")) == ()


def test_find_create_copy_delete(session: PortalSession, dialect: Dialect, uid: str) -> None:
    assert run(session, actions.find(dialect, "air-quality")).uid == uid
    assert run(session, actions.find(dialect, uid)).dataset_id == "air-quality"
    with pytest.raises(NotFound, match="nearest is air-quality"):
        run(session, actions.find(dialect, "air_quality"))
    if dialect.name == "management":
        with pytest.raises(NotOffered):
            dialect.copy_dataset(uid)
    else:
        copied = run(session, dialect.copy_dataset(uid))
        assert copied.uid != uid
        assert run(session, dialect.rename_dataset(copied.uid, "air-copy")).dataset_id == "air-copy"
    assert run(session, actions.delete(dialect, uid)) is True
    assert run(session, actions.delete(dialect, uid)) is False


@pytest.mark.parametrize("kind", ["lost_reply", "internal"])
def test_create_and_delete_once(
    emulator: OpendatasoftEmulator, session: PortalSession, dialect: Dialect, kind: str
) -> None:
    emulator.admin.add_fault(method="POST", path=r".*/datasets/?$", kind=kind, times=1)
    emulator.admin.add_fault(method="DELETE", path=r".*/datasets/da_\w+/?$", kind=kind, times=1)
    made = session.repeat(lambda: run(session, actions.create(dialect, "trees", "Trees")))
    listed: Any = run(session, dialect.list_datasets())
    assert [one.uid for one in listed.items if one.dataset_id == "trees"] == [made.uid]
    session.repeat(lambda: run(session, actions.delete(dialect, made.uid)))
    assert run(session, dialect.lookup("trees")) == ()


def test_export_and_connection(
    emulator: OpendatasoftEmulator, session: PortalSession, dialect: Dialect, uid: str
) -> None:
    upload(session, dialect, uid, CSV, "first.csv")
    order(emulator, session, dialect, uid, Action.PUBLISH)
    back = io.BytesIO()
    session.send(explore.export("air-quality", "csv", FileSink(back), options={"delimiter": ";"}))
    lines = back.getvalue().decode("utf-8-sig").split()
    assert lines[0] == "id;name"
    assert sorted(lines[1:]) == ["1;a", "2;b", "3;c"]
    assert session.send(explore.count("air-quality", "id > 1")) == 2
    assert session.send(explore.records("air-quality", limit=2)).total == 3
    assert dialect.title in describe_connection(session, dialect)


def test_push(emulator: OpendatasoftEmulator, session: PortalSession) -> None:
    dialect = dialect_named("automation")
    uid = run(session, actions.create(dialect, "live", "Live")).uid
    spec = ResourceSpec("live", "realtime", Source(), {"bootstrap": [{"id": 1, "name": "a"}]})
    resource = run(session, actions.put_resource(dialect, uid, spec)).resource
    key = Configured("", "annotate", {"field": "id", "annotation": "id"})
    run(session, actions.configure(dialect, uid, "fields", [key]))
    assert order(emulator, session, dialect, uid, Action.PUBLISH)[0] is Step.DONE
    target = target_of(resource)
    emulator.admin.add_fault(path=r".*/push/?$", kind="lost_reply", times=1)
    pushed = push_records(session, target, ({"id": n, "name": f"n{n}"} for n in range(500)), most_records=100)
    assert (pushed.records, pushed.calls) == (500, 5)
    push_records(session, target, [{"id": 1, "name": "again"}])
    assert session.send(explore.count("live")) == 500
    push_records(session, target, [{"id": 1, "name": "again"}], delete=True)
    assert session.send(explore.count("live")) == 499
    with pytest.raises(NotFound):
        session.send(delete_record(target, "absent"))


def test_an_api_that_is_switched_off(
    emulator: OpendatasoftEmulator, session: PortalSession, dialect: Dialect
) -> None:
    emulator.admin.settings(**{dialect.name: False})
    with pytest.raises(ApiNotAnswered):
        session.send(dialect.list_datasets())


@pytest.mark.parametrize("row", STATUS_TABLE, ids=lambda row: row.internal)
def test_every_status(
    emulator: OpendatasoftEmulator, session: PortalSession, dialect: Dialect, uid: str, row: StatusRow
) -> None:
    """The portal shows the names of the table, and allows publish and abort where the table does."""
    upload(session, dialect, uid, CSV, "first.csv")
    for action in (Action.PUBLISH, Action.ABORT):
        emulator.admin.set_status("air-quality", row.internal)
        status = run(session, dialect.status(uid))
        assert status.name == getattr(row, dialect.name)
        assert status.is_at_rest == (row.status_class is not StatusClass.TRANSIENT)
        if action in row.allows:
            run(session, actions.order(dialect, uid, action, status))
            continue
        with pytest.raises(InvalidDatasetStatus) as caught:
            run(session, actions.order(dialect, uid, action, status))
        assert caught.value.current == row.internal
        assert caught.value.busy == (not status.is_at_rest)
        assert set(caught.value.allowed) == {one.internal for one in STATUS_TABLE if action in one.allows}


def test_an_abort_by_somebody_is_no_success(
    emulator: OpendatasoftEmulator, session: PortalSession, dialect: Dialect, uid: str
) -> None:
    upload(session, dialect, uid, CSV, "first.csv")
    emulator.admin.advance(10)
    emulator.admin.script("air-quality", "stuck", at="processing")
    before = run(session, dialect.status(uid))
    run(session, actions.order(dialect, uid, Action.PUBLISH, before))
    while (status := run(session, dialect.status(uid))).name != "processing":
        emulator.admin.advance(1)
    run(session, actions.order(dialect, uid, Action.ABORT, status))
    while not (status := run(session, dialect.status(uid))).is_at_rest:
        emulator.admin.advance(1)
    assert next_step(status, before) is (Step.FAIL_ABORTED if status.previous else Step.DONE)
    assert next_step(status, before, after=Action.ABORT) is Step.DONE
