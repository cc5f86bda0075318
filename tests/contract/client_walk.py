"""A walk through the client's DSMAPI calls against a portal; each call is kept as it was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from contract.walk import CSV, RAGGED

from airflow_socrata.client import (
    Credentials,
    PortalSession,
    PortalSettings,
    configs,
    revisions,
    schemas,
    sources,
)
from airflow_socrata.client.column_specs import OutputColumnSpec
from airflow_socrata.client.revision_models import SubmittedForApproval, TaskSet

if TYPE_CHECKING:
    from airflow_socrata.client.messages import Call
    from airflow_socrata.client.revision_models import OutputSchema, Revision, Source
    from airflow_socrata.emulator import Emulator

T = TypeVar("T")


class Sender:
    """Sends calls and keeps them."""

    def __init__(self, portal: Emulator) -> None:
        settings = PortalSettings(
            portal.domain,
            port=portal.port,
            scheme="http",
            credentials=Credentials(portal.username, portal.password),
        )
        self.session = PortalSession(settings)
        self.admin = portal.admin
        self.calls: list[Call[Any]] = []

    def __call__(self, call: Call[T]) -> T:
        self.calls.append(call)
        return self.session.send(call)

    def upload(self, revision: Revision, data: bytes = CSV) -> Source:
        source = self(sources.upload(revision, "readings.csv"))
        return self(sources.look(self(sources.send_bytes(source, data, "text/csv"))))

    def apply(self, revision: Revision, schema: OutputSchema | None = None) -> TaskSet:
        task_set = self(revisions.apply(revision, schema.id if schema else None))
        assert isinstance(task_set, TaskSet)
        for _ in range(20):
            if task_set.is_terminal:
                break
            task_set = self(revisions.look_at(task_set))
        assert task_set.succeeded, task_set.failure_text
        return task_set


def sent_of(call: Call[Any]) -> tuple[str, str, str, bytes, str | None]:
    """Return method, path, query, body and content type of a call."""
    path, _, query = call.path.partition("?")
    query = "&".join(part for part in (query, urlencode(call.params)) if part)
    kind = {name.lower(): value for name, value in call.headers}.get("content-type")
    return call.method, path, query, bytes(call.body or b""), kind


def new_dataset(send: Sender) -> None:
    metadata = {"name": "Readings", "privateMetadata": {"custom_fields": {"a": {"b": "c"}}}}
    revision = send(
        revisions.create(None, metadata=metadata, permission="private", deleted_at="2100-01-01T00:00:00")
    )
    assert (revision.seq, revision.is_open, revision.permission) == (0, True, "private")
    assert revision.private_metadata == metadata["privateMetadata"]
    source = send(sources.upload(revision, "readings.csv", {"trim_whitespace": False}))
    assert source.parse_options["trim_whitespace"] is False
    limits = send(sources.initiate(source, "text/csv"))
    assert limits.chunk_size >= len(CSV)
    half = len(CSV) // 2 + 1
    send(sources.chunk(source, 1, half, CSV[half:]))
    send(sources.chunk(source, 0, 0, memoryview(CSV)[:half]))
    send(sources.commit(source, 1, len(CSV)))
    source = send(sources.read(source.id))
    assert (source.filesize, source.is_finished) == (len(CSV), True)
    schema = transforms(send, source)
    assert send(revisions.plan(revision))[0].type == "prepare_draft_for_import"
    done = send.apply(revision, schema)
    assert done.row_counts is not None
    assert done.row_counts.created == 3
    assert not send(revisions.look(revision)).is_open
    saved_configs(send, revision.dataset, schema)


def transforms(send: Sender, source: Source) -> OutputSchema:
    assert source.latest_input_schema is not None
    given = send(schemas.look_at_input(source.latest_input_schema))
    assert (given.total_rows, given.row_errors, len(given.columns)) == (3, 0, 4)
    guess = send(schemas.latest_output(given))
    columns = schemas.with_expression(guess.columns, "celsius", "to_number(`celsius`)")
    columns = schemas.with_column(columns, OutputColumnSpec("loud", "Loud", "upper(`note`)"))
    columns = schemas.without_column(schemas.renamed(columns, "note", display_name="Remark"), "taken")
    schema = send(schemas.create_output(given, columns, [{"field_name": "id", "ascending": True}]))
    schema = send(schemas.look_at_output(schema))
    assert schema.is_complete
    assert schema.error_count == 1
    assert [column.field_name for column in schema.columns] == ["id", "celsius", "note", "loud"]
    assert len(send(schemas.rows(schema, limit=2))) == 2
    [bad] = send(schemas.errors(schema, column_id=schema.columns[1].id))
    assert bad.offset == 1
    assert b"warm" in send(schemas.errors_csv(schema))
    celsius, identifier = schema.columns[1].transform, schema.columns[0].transform
    assert celsius.id is not None
    assert identifier.id is not None
    assert send(schemas.transform(schema, celsius.id)).error_count == 1
    assert send(schemas.validate_row_identifier(schema, identifier.id)).valid
    note = schema.columns[2].transform
    assert note.id is not None
    assert send(schemas.validate_row_identifier(schema, note.id)).reason == "duplicate"
    keyed = schemas.with_row_identifier(schema.columns, "id")
    return send(schemas.create_output(given, keyed, increment_revision=False))


def saved_configs(send: Sender, dataset: str, schema: OutputSchema) -> None:
    built = send(configs.build_from(schema, "built", "replace"))
    columns = [OutputColumnSpec("id", "Id", "to_number(`id`)", is_primary_key=True)]
    made = send(configs.create("made by hand", "update", columns=columns, parse_options={"header_count": 1}))
    assert {config.name for config in send(configs.listing())} == {"built", "made by hand"}
    send(configs.change(made, data_action="replace", columns=columns, parse_options={"header_count": 2}))
    assert send(configs.read("made by hand")).data_action == "replace"
    assert send(revisions.create_by_config(dataset, "built")).action == "replace"
    # By the link of the config.
    assert send(revisions.create_by_config(dataset, built)).action == "replace"
    assert send(revisions.create_by_config(dataset, made, metadata={"description": "x"})).dataset == dataset
    send(configs.delete(made))


def changes(send: Sender) -> None:
    dataset = send.admin.create_dataset(
        "road-2222", "Roads", [["id", "number"], ["note", "text"]], "id", [{"id": 1, "note": "as before"}]
    )["id"]
    revision = send(revisions.create(dataset, action="replace"))
    assert revision.permission is None
    file = send(revisions.attach(revision, "notes.txt", b"read me"))
    revision = send(revisions.update(revision, {"attachments": [file.to_json("Notes")], "notes": "Why"}))
    assert revision.attachments[0]["asset_id"] == file.file_id
    send(revisions.update(revision, {"metadata": {"description": "More"}}))
    source = send.upload(revision, b"id,note\n2,after\n")
    assert source.latest_input_schema is not None
    schema = source.latest_input_schema.latest_output_schema
    assert schema is not None
    send(revisions.update(revision, {"output_schema_id": schema.id}))
    assert [each.id for each in send(sources.listing(revision))] == [source.id]
    assert send(sources.download(revision)) == b"id,note\n2,after\n"
    assert send(sources.download(revision, source.id)) == b"id,note\n2,after\n"
    send.apply(revision)
    assert send.admin.rows(dataset)[0]["note"] == "after"
    other = send(revisions.create(dataset))
    assert [each.seq for each in send(revisions.listing(dataset))] == [1, 0]
    assert [each.seq for each in send(revisions.listing(dataset, open=True))] == [1]
    assert [each.seq for each in send(revisions.listing(dataset, open=False))] == [0]
    send(revisions.discard(other))
    assert not send(revisions.read(dataset, 1)).is_open


def other_sources(send: Sender) -> None:
    dataset = send.admin.create_dataset("view-2222", "Views", ["id"], None, [{"id": "a"}])["id"]
    revision = send(revisions.create(dataset, action="replace"))
    loose = send(sources.add_to_revision(send(sources.unattached("ragged.csv")), revision))
    ragged = send(sources.send_bytes(loose, RAGGED, "text/csv"))
    assert ragged.latest_input_schema is not None
    assert len(send(schemas.row_errors(ragged.latest_input_schema))) == 2
    assert send(sources.change_options(ragged, {"header_count": 2})).id != ragged.id
    view = send(sources.from_view(revision, dataset))
    assert (view.type, view.loaded) == ("view", False)
    assert send(sources.load(view)).loaded is True
    send.admin.settings(allow_local_urls=True)
    assert send(sources.from_url(revision, "http://127.0.0.1:9/nothing.csv")).type == "url"


def restore(send: Sender) -> None:
    revision = send(revisions.create(None, metadata={"name": "Restored"}))
    send.upload(revision)
    send.apply(revision)
    send.admin.enroll_archival(revision.dataset)
    following = send(revisions.create(revision.dataset, action="replace"))
    send.upload(following)
    send.apply(following)
    assert send(revisions.restore(revision)).seq == 2


def approval(send: Sender) -> None:
    dataset = send.admin.create_dataset("aprv-2222", "Approved", ["id"], None, [{"id": "a"}])["id"]
    send.admin.settings(approvals=True)
    revision = send(revisions.create(dataset, action="replace"))
    send.upload(revision, b"id\nb\n")
    assert isinstance(send(revisions.apply(revision)), SubmittedForApproval)


WALKS = (new_dataset, changes, other_sources, restore, approval)
