"""The client's calls for metadata and attachments against the emulator, and replies in every form."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unit.client.portal_servers import FakeClock

from airflow_socrata.client import (
    ConfigurationError,
    InvalidRequest,
    MalformedReply,
    NotFound,
    PortalSession,
    Reply,
    attachments,
    metadata,
    views,
)
from airflow_socrata.client.attachments import Attachment
from airflow_socrata.client.errors import ChangeNotKept
from airflow_socrata.client.licenses import LICENSES, license_id, license_name, nearest_licenses
from airflow_socrata.client.messages import CallKind, Headers, UnreadableReply
from airflow_socrata.client.metadata import Issue
from airflow_socrata.client.multipart import FileSink, Multipart
from airflow_socrata.client.rewriting import SETTLE_SECONDS, rewrite
from airflow_socrata.emulator.edge import licenses as offered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client import View
    from airflow_socrata.emulator import Emulator

STOPS = "stop-2222"
DOCS = Path(__file__).parents[3] / "docs" / "metadata.md"


@pytest.fixture
def emulator(emulator: Emulator) -> Emulator:
    emulator.admin.create_dataset(STOPS, "Stops", [["id", "text"]], "id")
    return emulator


def names(emulator: Emulator, client: PortalSession) -> list[str]:
    return [each.filename for each in attachments.of_view(client.send(views.read_view(STOPS)))]


# --- metadata ---


def test_metadata_are_validated_changed_and_read(client: PortalSession) -> None:
    changes = {
        "description": "All stops",
        "license": "Public Domain",
        "tags": ["bus", "tram"],
        "customFields": {"Publication": {"Cycle": "Weekly"}},
        "privateCustomFields": {"Publication": {"Steward": "Jo"}},
    }
    verdict = client.send(metadata.validate(STOPS, changes))
    assert (verdict.errors, verdict.warnings) == ((), ())
    assert verdict.outcome is not None
    assert verdict.outcome.description == "All stops"
    assert client.send(metadata.read(STOPS)).description is None
    changed = client.send(metadata.change(STOPS, changes))
    assert changed == client.send(metadata.read(STOPS))
    assert (changed.license, changed.tags) == ("Public Domain", ("bus", "tram"))
    assert changed.custom_fields == {"Publication": {"Cycle": "Weekly"}}
    assert changed.private_custom_fields == {"Publication": {"Steward": "Jo"}}
    assert (changed.name, changed.category, changed.provenance) == ("Stops", None, "OFFICIAL")


@pytest.mark.parametrize("verdict_form", ["beside", "wrapped"])
@pytest.mark.parametrize("issue_form", ["objects", "strings"])
def test_a_verdict_in_any_form_is_understood(
    emulator: Emulator, client: PortalSession, verdict_form: str, issue_form: str
) -> None:
    emulator.admin.settings(metadata_verdict_form=verdict_form, metadata_issue_form=issue_form)
    emulator.admin.metadata_rules(categories=["Transit"])
    verdict = client.send(metadata.validate(STOPS, {"license": "None", "category": "X"}, strict=True))
    named = issue_form == "objects"
    assert verdict.errors == (Issue("license" if named else None, "None is not a valid license"),)
    assert [issue.field for issue in verdict.warnings] == ["category" if named else None]
    assert verdict.outcome is not None


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ({"name": "is blank", "tags": ["a", "b"]}, ["name: is blank", "tags: a", "tags: b"]),
        ([{"key": "name", "reason": "is\nblank"}], ["name: is blank"]),
        ([{"odd": 1}], ['{"odd": 1}']),
        (None, []),
    ],
)
def test_other_forms_of_issues(errors: Any, expected: list[str]) -> None:
    body = json.dumps({"errors": errors, "warnings": []}).encode()
    reply = Reply(200, Headers({}), body)
    assert [str(each) for each in metadata.validate(STOPS, {}).parse(reply).errors] == expected


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"error": true, "message": "no"}', b"", b"null"])
def test_no_verdict_is_not_a_good_one(body: bytes) -> None:
    with pytest.raises(UnreadableReply):
        metadata.validate(STOPS, {}).parse(Reply(200, Headers({}), body))


def test_a_strict_change_is_refused_with_the_portals_words(emulator: Emulator, client: PortalSession) -> None:
    emulator.admin.metadata_rules(categories=["Transit"])
    with pytest.raises(InvalidRequest, match="Nonexistent is not a category"):
        client.send(metadata.change(STOPS, {"category": "Nonexistent"}, strict=True))
    assert client.send(metadata.change(STOPS, {"category": "Nonexistent"})).category == "Nonexistent"


def test_all_metadata_come_page_by_page(emulator: Emulator, client: PortalSession) -> None:
    ids = [STOPS] + [emulator.admin.create_dataset(name=f"D{n}")["id"] for n in range(4)]
    assert [each.id for each in metadata.every(client, 2)] == ids
    assert [each.id for each in client.send(metadata.page(2, 3))] == ids[3:]
    assert "validateOnly" in client.send(metadata.usage())
    with pytest.raises(ConfigurationError):
        metadata.page(0)


def test_a_portal_that_ignores_the_page_ends_the_reading(client: PortalSession) -> None:
    def send(call: Any) -> Any:
        return client.__class__.send(client, metadata.page(1, 1))

    class Stuck:
        pass

    stuck: Any = Stuck()
    stuck.send = send
    assert [each.id for each in metadata.every(stuck, 1)] == [STOPS]


def test_a_lost_reply_is_made_good(emulator: Emulator, client: PortalSession) -> None:
    emulator.admin.add_fault("lost_reply", "PATCH")
    emulator.admin.add_fault("throttled", "PATCH", retry_after=3)
    assert client.send(metadata.change(STOPS, {"description": "d"})).description == "d"


def test_what_is_no_dataset_is_told(client: PortalSession) -> None:
    with pytest.raises(NotFound, match="check the dataset id"):
        client.send(metadata.read("none-2222"))
    for build in (metadata.read, lambda name: metadata.change(name, {})):
        with pytest.raises(ConfigurationError):
            build("stops")


# --- licences ---


def test_licences_by_id_and_name() -> None:
    assert {one.id: one.name for one in offered.LICENSES.values()} == dict(LICENSES)
    assert (
        license_id("creative commons attribution 4.0 international") == license_id("cc_40_by") == "CC_40_BY"
    )
    assert license_name("PUBLIC_DOMAIN") == "Public Domain"
    assert license_id("OGL_OF_OUR_CITY") == license_name("OGL_OF_OUR_CITY") == "OGL_OF_OUR_CITY"
    assert nearest_licenses("CC-BY-4.0")[0] == "CC_40_BY"
    assert nearest_licenses("publc domain")[0] == "PUBLIC_DOMAIN"
    assert nearest_licenses("zzzzzzzz") == ()


# --- attachments ---


def test_a_file_is_uploaded_attached_and_downloaded(client: PortalSession) -> None:
    data = bytes(range(256)) * 4000
    with Multipart(io.BytesIO(data), filename='da"ta ö.bin') as file:
        asset = client.send(attachments.upload(file))
        other = client.send(attachments.upload_to(STOPS, file))
    assert asset.name == 'da"ta ö.bin'
    assert asset.id != other.id
    new = Attachment(asset.name, "Data", asset.id)
    done = rewrite(client, STOPS, lambda view: _attach(view, new))
    assert attachments.of_view(done.view) == (new,)
    copy = io.BytesIO()
    client.send(attachments.download(STOPS, new, FileSink(copy)))
    assert copy.getvalue() == data
    blob = Attachment("old.bin", "old", None, asset.id)
    again = io.BytesIO()
    client.send(attachments.download(STOPS, blob, FileSink(again)))
    assert again.getvalue() == data


def _attach(view: View, new: Attachment) -> Mapping[str, Any] | None:
    listed = attachments.of_view(view)
    return None if new in listed else attachments.attached(listed, new, None)


def test_an_attachment_that_is_gone_is_told(emulator: Emulator, client: PortalSession) -> None:
    made = emulator.admin.add_file(STOPS, "words.pdf")
    emulator.admin.lose_file(made["assetId"])
    (listed,) = attachments.of_view(client.send(views.read_view(STOPS)))
    sink = io.BytesIO()
    with pytest.raises(NotFound, match="still lists it, but its file is gone"):
        client.send(attachments.download(STOPS, listed, FileSink(sink)))
    with pytest.raises(ConfigurationError, match="names no file"):
        attachments.download(STOPS, Attachment("a", "a"), FileSink(sink))


def test_lines_keep_what_this_side_does_not_know() -> None:
    line = {"filename": "a.pdf", "assetId": "1", "name": "A", "size": 3}
    assert Attachment.from_json(line).to_json() == line
    assert Attachment.from_json({"blobId": "b", "filename": "old"}).to_json() == {
        "blobId": "b",
        "filename": "old",
    }
    assert Attachment("n.pdf", "N", "2").to_json() == {"filename": "n.pdf", "assetId": "2", "name": "N"}


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"id": 3}'])
def test_an_asset_needs_an_id(body: bytes) -> None:
    with Multipart(io.BytesIO(b"x"), filename="x") as file, pytest.raises(UnreadableReply):
        attachments.upload(file).parse(Reply(200, Headers({}), body))


# --- read, merge, write ---

NEW = Attachment("new.pdf", "new.pdf", "asset-new")


def adding(view: View) -> Mapping[str, Any] | None:
    return _attach(view, NEW)


def test_a_view_that_is_as_wanted_is_not_written(
    emulator: Emulator, client: PortalSession, clock: FakeClock
) -> None:
    assert rewrite(client, STOPS, lambda view: None).writes == 0
    assert [call["method"] for call in emulator.admin.requests()] == ["GET"]
    assert clock.waits == []


def test_a_reply_that_was_lost_is_looked_for_and_nothing_old_is_sent_again(
    emulator: Emulator, client: PortalSession
) -> None:
    emulator.admin.add_fault("lost_reply", "PUT")
    assert rewrite(client, STOPS, adding).writes == 1
    emulator.admin.add_fault("throttled", "PUT", retry_after=9)
    emulator.admin.add_file(STOPS, "theirs.pdf")
    other = Attachment("other.pdf", "other.pdf", "asset-other")
    assert rewrite(client, STOPS, lambda view: _attach(view, other)).writes == 2
    assert names(emulator, client) == ["new.pdf", "theirs.pdf", "other.pdf"]


@pytest.mark.parametrize("kind", ["bad_gateway", "internal", "empty_json", "reset_before", "locked"])
def test_what_fails_once_is_read_anew(emulator: Emulator, client: PortalSession, kind: str) -> None:
    emulator.admin.add_file(STOPS, "theirs.pdf")
    emulator.admin.add_fault(kind, "PUT")
    rewrite(client, STOPS, adding)
    assert names(emulator, client) == ["theirs.pdf", "new.pdf"]


def test_who_was_overwritten_writes_once_more(emulator: Emulator, client: PortalSession) -> None:
    overwritten = False

    def overwrite() -> None:
        nonlocal overwritten
        overwritten = True
        view = client.send(views.read_view(STOPS))
        client.send(views.merged_update(view, {"metadata": {"attachments": []}}))

    class Pause(FakeClock):
        def sleep(self, seconds: float, stop: Any) -> None:
            if seconds == SETTLE_SECONDS and not overwritten:
                overwrite()

    client._clock = Pause()
    assert rewrite(client, STOPS, adding).writes == 2
    assert names(emulator, client) == ["new.pdf"]


def test_a_portal_that_does_not_keep_it_is_told(emulator: Emulator, client: PortalSession) -> None:
    with pytest.raises(ChangeNotKept, match="does not show it"):
        rewrite(client, STOPS, lambda view: {"rowClass": view.name})
    assert len([call for call in emulator.admin.requests() if call["method"] == "PUT"]) == 10


def test_what_is_never_understood_ends_with_the_budget(emulator: Emulator, client: PortalSession) -> None:
    emulator.admin.add_fault("not_json", "PUT", times=None)
    with pytest.raises(MalformedReply):
        rewrite(client, STOPS, lambda view: {"rowClass": "x"})
    assert views.merged_update(client.send(views.read_view(STOPS)), {}).kind is CallKind.METADATA


def test_the_example_of_the_docs_runs(emulator: Emulator, client: PortalSession) -> None:
    emulator.admin.create_dataset("abcd-1234", "Roads")
    emulator.admin.add_file("abcd-1234", "theirs.pdf")
    text = DOCS.read_text(encoding="utf-8").partition("## Without Airflow")[2]
    code = text.partition("```python\n")[2].partition("```")[0]
    exec(compile(code, str(DOCS), "exec"), {"settings": client.settings})
    view = client.send(views.read_view("abcd-1234"))
    assert [each.filename for each in attachments.of_view(view)] == ["theirs.pdf", "words.txt"]
    assert client.send(metadata.read("abcd-1234")).license == "Public Domain"


def test_the_docs_name_every_licence() -> None:
    named = DOCS.read_text(encoding="utf-8").partition("## Licences")[2].partition("##")[0]
    assert {word for word in re.findall(r"`([A-Z0-9_.]+)`", named)} == set(LICENSES)
