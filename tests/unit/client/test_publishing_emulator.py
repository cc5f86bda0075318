"""The client's calls for revisions against the emulator: whole stories, and what goes wrong in them."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from portal_harness.sessions import settings_of
from unit.client.conftest import SWIFT

from airflow_socrata.client import (
    InvalidRequest,
    NotFound,
    PortalSession,
    PortalSettings,
    RevisionClosed,
    TransformRefused,
    approvals,
    configs,
    revisions,
    schemas,
    sources,
)
from airflow_socrata.client.async_session import AsyncPortalSession
from airflow_socrata.client.clock import SystemClock
from airflow_socrata.client.revision_models import SubmittedForApproval, TaskSet
from airflow_socrata.client.uploading import upload_file

if TYPE_CHECKING:
    from airflow_socrata.client.revision_models import InputSchema, OutputSchema, Revision
    from airflow_socrata.emulator import Emulator

DOCS = Path(__file__).parents[3] / "docs" / "client.md"
ROWS = 5_000


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    emulator.admin.settings(preferred_chunk_size=10_000)
    return emulator


@pytest.fixture
def portal_settings(emulator: Emulator) -> PortalSettings:
    return settings_of(emulator)


@pytest.fixture
def dataset(emulator: Emulator) -> str:
    columns = [["id", "number"], ["note", "text"]]
    made = emulator.admin.create_dataset("road-2222", "Roads", columns, "id", [{"id": 0, "note": "old"}])
    return str(made["id"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "roads.csv"
    path.write_text("id,note\n" + "".join(f"{number},note {number}\n" for number in range(ROWS)))
    return path


def schema_of(client: PortalSession, revision: Revision, data: bytes) -> tuple[InputSchema, OutputSchema]:
    source = client.send(sources.upload(revision, "roads.csv"))
    source = upload_file(client, source, io.BytesIO(data), "text/csv")
    assert source.latest_input_schema is not None
    return source.latest_input_schema, client.send(schemas.latest_output(source.latest_input_schema))


def applied(client: PortalSession, revision: Revision) -> TaskSet:
    job = client.send(revisions.apply(revision))
    assert isinstance(job, TaskSet)
    for _ in range(20):
        if job.is_terminal:
            return job
        job = client.send(revisions.look_at(job))
    raise AssertionError(f"still {job.status}")


@pytest.mark.parametrize("fault", ["lost_reply", "reset_before", "internal", "bad_gateway", "unavailable"])
def test_file_is_uploaded_in_chunks_and_applied(
    emulator: Emulator, client: PortalSession, dataset: str, file: Path, fault: str
) -> None:
    """Two chunks and the end of the upload fail once each on their way."""
    emulator.admin.add_fault(fault, "POST", r"/chunk/[14]/\d+$", times=2)
    emulator.admin.add_fault(fault, "POST", r"/commit$")
    revision = client.send(revisions.create(dataset, action="replace"))
    source = client.send(sources.upload(revision, file.name))
    source = upload_file(client, source, file, "text/csv")
    assert source.filesize == file.stat().st_size
    assert client.send(sources.download(revision, source.id)) == file.read_bytes()
    job = applied(client, revision)
    assert job.succeeded, job.failure_text
    assert job.row_counts is not None
    assert job.row_counts.rows == ROWS
    assert len(emulator.admin.rows(dataset)) == ROWS


def test_apply_that_fails_tells_its_log(emulator: Emulator, client: PortalSession, dataset: str) -> None:
    emulator.admin.add_fault("job_already_failed", "PUT", "/apply$", message="no space left")
    revision = client.send(revisions.create(dataset, action="replace"))
    schema_of(client, revision, b"id,note\n1,x\n")
    job = client.send(revisions.apply(revision))
    assert isinstance(job, TaskSet)
    assert job.has_failed
    assert "no space left" in job.failure_text
    again = client.send(revisions.look(revision))
    assert again.is_open
    assert again.last_task_set is not None
    assert client.send(revisions.look_at(again.last_task_set)).has_failed


def test_transform_that_does_not_compile_is_told_with_column_and_position(
    client: PortalSession, dataset: str
) -> None:
    given, guess = schema_of(client, client.send(revisions.create(dataset)), b"id,note\n1,x\n")
    columns = schemas.with_expression(guess.columns, "note", "upper(`nothing`)")
    with pytest.raises(TransformRefused) as refused:
        client.send(schemas.create_output(given, columns))
    assert refused.value.column == "note"
    assert refused.value.expression == "upper(`nothing`)"
    assert refused.value.position == (1, 7)
    assert "column 'note', line 1, position 7" in str(refused.value)


def test_row_identifier_with_a_value_twice_is_told(client: PortalSession, dataset: str) -> None:
    _, guess = schema_of(client, client.send(revisions.create(dataset)), b"id,note\n1,x\n2,y\n1,z\n")
    column = guess.column("id")
    assert column is not None
    assert column.transform.id is not None
    check = client.send(schemas.validate_row_identifier(guess, column.transform.id))
    assert (check.valid, check.reason, check.what) == (False, "duplicate", "1")


def test_file_that_is_not_what_its_name_says(client: PortalSession, dataset: str) -> None:
    revision = client.send(revisions.create(dataset))
    source = client.send(sources.upload(revision, "roads.xlsx"))
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    source = upload_file(client, source, io.BytesIO(b"id,note\n1,x\n"), kind)
    assert source.has_failed
    assert source.failure is not None
    assert source.failure.key == "unparsable_file"


def test_revision_that_somebody_closed(emulator: Emulator, client: PortalSession, dataset: str) -> None:
    revision = client.send(revisions.create(dataset))
    emulator.admin.close_revision_as("person", dataset, revision.seq)
    for call in (
        revisions.apply(revision),
        revisions.update(revision, {"notes": "x"}),
        sources.upload(revision, "x.csv"),
    ):
        with pytest.raises(RevisionClosed):
            client.send(call)


def test_upload_to_a_revision_that_is_closed_meanwhile(
    emulator: Emulator, client: PortalSession, dataset: str, file: Path
) -> None:
    revision = client.send(revisions.create(dataset))
    source = client.send(sources.upload(revision, "x.csv"))
    emulator.admin.add_fault("revision_closed", "POST", r"/chunk/2/\d+$")
    with pytest.raises(RevisionClosed):
        upload_file(client, source, file, "text/csv")


def test_what_is_not_there_is_named(client: PortalSession, dataset: str) -> None:
    with pytest.raises(NotFound, match="the portal has no config 'no such'"):
        client.send(configs.read("no such"))
    with pytest.raises((NotFound, InvalidRequest), match="no such"):
        client.send(revisions.create_by_config(dataset, "no such"))
    with pytest.raises(NotFound, match="that it has a revision 7"):
        client.send(revisions.read(dataset, 7))


def test_approval(emulator: Emulator, client: PortalSession, dataset: str) -> None:
    emulator.admin.settings(approvals=True)
    revision = client.send(revisions.create(dataset, action="replace"))
    schema_of(client, revision, b"id,note\n1,x\n")
    state = approvals.guidance(dataset, revision.seq)
    assert client.send(state).state == "not_submitted"
    assert isinstance(client.send(revisions.apply(revision)), SubmittedForApproval)
    pending = client.send(state)
    assert pending.state == "pending"
    assert pending.record_id is not None
    emulator.admin.approve(dataset)
    assert client.send(state).state == "approved"


def test_asynchronous_session(emulator: Emulator, portal_settings: PortalSettings, dataset: str) -> None:
    """The same calls, a chunk from a buffer among them, through the session of triggers."""

    async def story() -> TaskSet:
        async with AsyncPortalSession(portal_settings, budget=SWIFT) as session:
            revision = await session.send(revisions.create(dataset, action="replace"))
            source = await session.send(sources.upload(revision, "x.csv"))
            data = b"id,note\n7,seven\n"
            await session.send(sources.initiate(source, "text/csv"))
            await session.send(sources.chunk(source, 0, 0, memoryview(bytearray(data))))
            await session.send(sources.commit(source, 0, len(data)))
            job = await session.send(revisions.apply(await session.send(revisions.look(revision))))
            while isinstance(job, TaskSet) and not job.is_terminal:
                job = await session.send(revisions.look_at(job))
            assert isinstance(job, TaskSet)
            return job

    assert asyncio.run(asyncio.wait_for(story(), 30)).succeeded
    assert [row["note"] for row in emulator.admin.rows(dataset)] == ["seven"]


def test_the_example_in_the_docs(
    emulator: Emulator,
    portal_settings: PortalSettings,
    dataset: str,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [code] = [
        block
        for block in re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
        if "client.uploading" in block
    ]
    monkeypatch.chdir(file.parent)
    monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds, stop: None)
    file.write_text("id,note\n1,a\n2,b\n")
    names = {"settings": portal_settings}
    exec(code.replace("abcd-1234", dataset), names)
    assert names["job"].succeeded  # type: ignore[attr-defined]
    assert [row["note"] for row in emulator.admin.rows(dataset)] == ["A", "B"]
