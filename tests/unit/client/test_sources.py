"""Calls for sources: what goes out, what is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from unit.client import publishing_samples as samples
from unit.client.portal_servers import Answer
from unit.client.publishing_samples import REVISION, REVISION_LINKS, SOURCE, SOURCE_LINKS, bare, reply

from airflow_socrata.client import ConfigurationError, MalformedReply, ReplyLost, sources
from airflow_socrata.client.links import Links
from airflow_socrata.client.revision_models import Revision, Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.client.portal_servers import ScriptedPortal

    from airflow_socrata.client import Call, PortalSession

MADE = reply(samples.source(), SOURCE_LINKS, 201)
OWNER = Revision.from_json(samples.revision(), Links(REVISION_LINKS))


def source(**changes: Any) -> Source:
    return Source.from_json(samples.source(**changes), Links(SOURCE_LINKS))


def sent(portal: ScriptedPortal) -> tuple[str, str, Any]:
    seen = portal.requests[-1]
    return seen.method, seen.path, json.loads(seen.body) if seen.body else None


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (sources.upload(OWNER, "x.csv"), {"source_type": {"type": "upload", "filename": "x.csv"}}),
        (
            sources.upload(OWNER, "x.csv", {"header_count": 2}),
            {"source_type": {"type": "upload", "filename": "x.csv"}, "parse_options": {"header_count": 2}},
        ),
        (
            sources.from_url(OWNER, "https://example.org/x.csv"),
            {"source_type": {"type": "url", "url": "https://example.org/x.csv"}},
        ),
        (
            sources.from_view(OWNER, "wxyz-9876"),
            {"source_type": {"type": "view", "fourfour": "wxyz-9876"}},
        ),
    ],
)
def test_create(portal: ScriptedPortal, session: PortalSession, call: Call[Source], body: Any) -> None:
    portal.answer(MADE)
    made = session.send(call)
    assert sent(portal) == ("POST", f"{REVISION}/source", body)
    assert (made.id, made.type, made.filename) == (15786, "upload", "x.csv")
    assert not made.is_finished
    assert not made.has_failed
    assert made.latest_input_schema is None


def test_unattached_source_is_put_into_a_revision(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(MADE, MADE)
    made = session.send(sources.unattached("x.csv"))
    assert sent(portal)[:2] == ("POST", "/api/publishing/v1/source")
    session.send(sources.add_to_revision(made, OWNER))
    assert sent(portal) == ("PATCH", SOURCE, {"revision": {"fourfour": "abcd-1234", "revision_seq": 4}})


def test_arguments_that_cannot_be() -> None:
    with pytest.raises(ConfigurationError, match="has no name"):
        sources.upload(OWNER, "")
    with pytest.raises(ConfigurationError, match="dataset id"):
        sources.from_view(OWNER, "x")
    with pytest.raises(ConfigurationError, match="no number of a source"):
        sources.read(0)


def test_read_look_and_list(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(MADE, MADE, bare([{"resource": samples.source(), "links": SOURCE_LINKS}]))
    session.send(sources.look(session.send(sources.read(15786))))
    assert [one.id for one in session.send(sources.listing(OWNER))] == [15786]
    assert [seen.path for seen in portal.requests] == [SOURCE, SOURCE, f"{REVISION}/source"]


def test_schemas_of_a_source_have_their_links() -> None:
    schemas = [samples.input_schema(), samples.input_schema(id=15400, name="Sheet 2", output_schemas=[])]
    read = source(schemas=schemas, finished_at="2026-06-09T18:03:12", filesize=12)
    assert [schema.name for schema in read.input_schemas] == [None, "Sheet 2"]
    first, latest = read.input_schemas[0], read.latest_input_schema
    assert latest is not None
    assert latest.id == 15400
    assert latest.latest_output_schema is None
    assert first.links.path("show") == f"{SOURCE}/schema/15398"
    assert [column.field_name for column in first.columns] == ["a", "b"]
    output = first.latest_output_schema
    assert output is not None
    assert output.links.path("rows") == f"{SOURCE}/schema/15398/rows/77120"


def test_failed_source_says_why() -> None:
    details = {"message": "not a\nspreadsheet", "key": "unparsable_file"}
    failed = source(failed_at="2026-06-09T18:03:12", failure_details=details)
    assert failed.has_failed
    assert str(failed.failure) == "unparsable_file: not a spreadsheet"
    assert str(source(failed_at="x", failure_details="words").failure) == "words"
    assert str(source(failed_at="x").failure) == "no reason given"
    assert source().failure is None


def test_view_source_is_loaded_or_not() -> None:
    assert source(loaded=False).loaded is False
    assert source().loaded is None


def test_load_and_download(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(MADE, Answer(200, "a,b\n", {"Content-Type": "text/csv"}), Answer(200, "x"))
    session.send(sources.load(source()))
    assert sent(portal)[:2] == ("PUT", f"{SOURCE}/load")
    assert session.send(sources.download(OWNER)) == b"a,b\n"
    assert portal.requests[-1].path == f"{REVISION}/source/download"
    assert session.send(sources.download(OWNER, 15786)) == b"x"
    assert portal.requests[-1].path == f"{REVISION}/source/download/15786"


def test_changed_options_are_sent_in_full_and_give_a_new_source(
    portal: ScriptedPortal, session: PortalSession
) -> None:
    portal.answer(reply(samples.source(id=15787), SOURCE_LINKS, 201))
    assert session.send(sources.change_options(source(), {"header_count": 3})).id == 15787
    options = {"encoding": "utf8", "header_count": 3, "parse_source": True}
    assert sent(portal) == ("POST", f"{SOURCE}/options", {"parse_options": options})


def test_send_bytes_whole(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(MADE)
    session.send(sources.send_bytes(source(), b"a\n1\n", "text/csv"))
    seen = portal.requests[0]
    assert (seen.method, seen.path, seen.body) == ("POST", SOURCE, b"a\n1\n")
    assert seen.headers["Content-Type"] == "text/csv"


def test_bytes_whose_reply_was_lost_are_not_sent_again(
    portal: ScriptedPortal, session: PortalSession
) -> None:
    portal.answer(Answer(how="drop"))
    with pytest.raises(ReplyLost) as lost:
        session.send(sources.send_bytes(source(), b"a\n1\n", "text/csv"))
    assert lost.value.landing == "unknown"


LIMITS = {"preferred_upload_parallelism": 4, "preferred_chunk_size": 4194304}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (LIMITS, (4194304, 4)),
        ({"resource": LIMITS, "links": {}}, (4194304, 4)),
        ({"preferred_chunk_size": 10}, (10, 1)),
    ],
)
def test_initiate(
    portal: ScriptedPortal, session: PortalSession, body: Any, expected: tuple[int, int]
) -> None:
    portal.answer(bare(body))
    limits = session.send(sources.initiate(source(), "text/csv"))
    assert sent(portal) == ("POST", f"{SOURCE}/initiate", {"content_type": "text/csv"})
    assert (limits.chunk_size, limits.parallelism) == expected


@pytest.mark.parametrize("body", [{}, {"preferred_chunk_size": 0}, {"preferred_chunk_size": "many"}])
def test_limits_without_a_chunk_size(portal: ScriptedPortal, session: PortalSession, body: Any) -> None:
    portal.default = bare(body)
    with pytest.raises(MalformedReply, match="lack a chunk size"):
        session.send(sources.initiate(source(), "text/csv"))


@pytest.mark.parametrize("make", [bytes, lambda data: memoryview(bytearray(data))])
def test_chunk(
    portal: ScriptedPortal, session: PortalSession, make: Callable[[bytes], bytes | memoryview]
) -> None:
    """A chunk goes out as it is, from a buffer too, and once more after its reply was lost."""
    taken = {"seq_num": 2, "byte_offset": 8, "end_byte_offset": 12}
    portal.answer(Answer(how="drop"), reply(taken))
    session.send(sources.chunk(source(), 2, 8, make(b"\x00\xff\r\n")))
    assert [(seen.method, seen.path, seen.body) for seen in portal.requests] == [
        ("POST", f"{SOURCE}/chunk/2/8", b"\x00\xff\r\n")
    ] * 2
    assert portal.requests[1].headers["Content-Type"] == "application/octet-stream"
    assert portal.requests[1].headers["Content-Length"] == "4"


def test_portal_that_took_another_chunk_than_was_sent(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.default = reply({"seq_num": 2, "byte_offset": 8, "end_byte_offset": 11})
    with pytest.raises(MalformedReply, match="end_byte_offset 11 where 12 was sent"):
        session.send(sources.chunk(source(), 2, 8, b"abcd"))


def test_chunk_with_an_empty_answer(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(Answer(204))
    session.send(sources.chunk(source(), 0, 0, b"abcd"))


def test_commit(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(MADE)
    session.send(sources.commit(source(), 7, 33554431))
    assert sent(portal) == ("POST", f"{SOURCE}/chunk/7/33554431/commit", None)
