"""Calls of the publication workflow: what goes out and every form of what comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_socrata.client import (
    Accepted,
    Call,
    CallKind,
    ConfigurationError,
    PendingGeocoding,
    Replication,
    Reply,
    View,
    check_dataset_id,
    is_dataset_id,
    views,
)
from airflow_socrata.client.messages import Headers, UnreadableReply

VIEW = {"id": "wk2c-9xyz", "publicationStage": "unpublished", "publishedViewUid": "abcd-1234"}
COPY = views.open_copy("abcd-1234", "copy")
PUBLISH = views.publish("wk2c-9xyz")


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, Headers(names), data, url="https://data.example.gov/api/views/x/publication.json")


@pytest.mark.parametrize(
    ("call", "kind", "method", "path", "params"),
    [
        (views.read_view("abcd-1234"), CallKind.READ, "GET", "/api/views/abcd-1234.json", ()),
        (
            views.publication_group("abcd-1234", "unpublished"),
            CallKind.READ,
            "GET",
            "/api/views/abcd-1234.json",
            (("method", "getLensPublicationGroup"), ("stage", "unpublished")),
        ),
        (
            COPY,
            CallKind.COPY,
            "POST",
            "/api/views/abcd-1234/publication.json",
            (("method", "copy"),),
        ),
        (
            views.open_copy("abcd-1234", "copySchema"),
            CallKind.COPY,
            "POST",
            "/api/views/abcd-1234/publication.json",
            (("method", "copySchema"),),
        ),
        (PUBLISH, CallKind.PUBLISH, "POST", "/api/views/wk2c-9xyz/publication.json", ()),
        (views.discard("wk2c-9xyz"), CallKind.DISCARD, "DELETE", "/api/views/wk2c-9xyz.json", ()),
        (
            views.update_view("wk2c-9xyz", {"name": "Rues"}),
            CallKind.METADATA,
            "PUT",
            "/api/views/wk2c-9xyz.json",
            (),
        ),
        (
            views.pending_geocoding("abcd-1234"),
            CallKind.READ,
            "GET",
            "/api/geocoding/abcd-1234",
            (("method", "pending"),),
        ),
        (views.replication("abcd-1234"), CallKind.READ, "GET", "/api/views/abcd-1234/replication.json", ()),
        (views.twin("abcd-1234"), CallKind.READ, "GET", "/api/migrations/abcd-1234", ()),
        (views.current_user(), CallKind.READ, "GET", "/api/users/current.json", ()),
        (views.portal_date(), CallKind.READ, "GET", "/api/users/current.json", ()),
    ],
)
def test_requests(
    call: Call[Any], kind: CallKind, method: str, path: str, params: tuple[tuple[str, str], ...]
) -> None:
    assert (call.kind, call.method, call.path, call.params) == (kind, method, path, params)
    assert (call.body is not None) == (method in {"POST", "PUT"})
    if call.body is not None:
        assert dict(call.headers)["Content-Type"] == "application/json"
        json.loads(call.body)


@pytest.mark.parametrize(
    "wrong", ["", "ABCD-1234", "abcd1234", "abcd-12345", "abcd-1234\n", "../x-yyyy", None]
)
def test_ids_are_checked_before_anything_is_sent(wrong: Any) -> None:
    assert not is_dataset_id(wrong)
    for build in (views.read_view, views.publish, views.discard, views.replication, check_dataset_id):
        with pytest.raises(ConfigurationError, match=r"\^\[a-z0-9\]\{4\}-\[a-z0-9\]\{4\}\$"):
            build(wrong)


def test_unknown_copy_method_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="copySchema"):
        views.open_copy("abcd-1234", "clone")  # type: ignore[arg-type]


def test_update_refuses_what_json_cannot_carry() -> None:
    with pytest.raises(ValueError, match="JSON"):
        views.update_view("abcd-1234", {"x": float("nan")})


@pytest.mark.parametrize("call", [COPY, PUBLISH])
def test_a_view_is_the_end_of_a_job(call: Call[View | Accepted]) -> None:
    found = call.parse(reply(VIEW))
    assert isinstance(found, View)
    assert found.id == "wk2c-9xyz"
    assert isinstance(call.parse(reply({**VIEW, "status": ""})), View), "an empty status is no status"
    assert isinstance(call.parse(reply(VIEW, 201)), View)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            reply({"code": "accepted", "error": False, "ticket": "7cf317cb"}, 202),
            Accepted(ticket="7cf317cb"),
        ),
        (
            reply(
                {
                    "code": "accepted",
                    "error": False,
                    "ticket": "7cf317cb",
                    "details": {"status": "Copying", "progress": 12000},
                },
                202,
                Retry_After="9",
            ),
            Accepted(
                ticket="7cf317cb",
                status="Copying",
                retry_after=9.0,
                details={"status": "Copying", "progress": 12000},
            ),
        ),
        (
            reply({"createdAt": 1, "requestId": "r", "status": "processing", "uid": "abcd-1234"}, 202),
            Accepted(status="processing"),
        ),
        (reply({"status": "queued", "uid": "abcd-1234"}, 200), Accepted(status="queued")),
        (reply({**VIEW, "status": "processing"}, 200), Accepted(status="processing")),
        (reply({"code": "accepted", "error": False}, 200), Accepted()),
        (
            reply(b"", 202, Location="/api/jobs/5?x=1", Retry_After="3"),
            Accepted(location="/api/jobs/5?x=1", retry_after=3.0),
        ),
        (reply(b"<html>", 202, Location="https://data.example.gov/jobs"), Accepted(location="/jobs")),
        (reply(b"", 202, Location="http://DATA.example.gov:8080/jobs"), Accepted(location="/jobs")),
        (reply(b"", 202, Location="jobs/5"), Accepted(location="/api/views/x/jobs/5")),
        (reply(b"", 202, Location="https://evil.example.org/jobs"), Accepted()),
        (reply(b"", 202, Location="//evil.example.org/jobs"), Accepted()),
        (reply(b"", 202, Location="ftp://data.example.gov/jobs"), Accepted()),
        (reply(b"", 202, Location="http://[broken"), Accepted()),
        (reply(VIEW, 202), Accepted()),
        (reply([], 202), Accepted()),
        (
            reply(
                b"",
                202,
                Retry_After="Mon, 01 Jan 2024 00:00:20 GMT",
                Date="Mon, 01 Jan 2024 00:00:00 GMT",
            ),
            Accepted(retry_after=20.0),
        ),
        (
            reply(b"", 202, X_SODA2_Location="/jobs/7", X_SODA2_Retry_After="60"),
            Accepted(location="/jobs/7", retry_after=60.0),
        ),
        (reply(b"", 202, X_Socrata_RequestId="8ee4"), Accepted(request_id="8ee4")),
    ],
)
@pytest.mark.parametrize("call", [COPY, PUBLISH])
def test_every_form_of_accepted(call: Call[View | Accepted], answer: Reply, expected: Accepted) -> None:
    assert call.parse(answer) == expected


@pytest.mark.parametrize("word", ["failed", "Failure", "error"])
def test_a_job_that_failed_is_told(word: str) -> None:
    failed = COPY.parse(reply({"status": word}, 202))
    assert isinstance(failed, Accepted)
    assert failed.has_failed
    assert not Accepted(status="processing").has_failed


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"", 200),
        reply(b"<html>", 200),
        reply([], 200),
        reply({"name": "no id"}, 200),
        reply({"error": True, "message": "no", "status": 500}, 200),
        reply({"error": True, "message": "no"}, 202),
    ],
)
def test_what_is_neither_view_nor_job_is_unreadable(answer: Reply) -> None:
    with pytest.raises(UnreadableReply):
        COPY.parse(answer)


def test_follow_a_ticket_asks_at_the_same_address() -> None:
    call, seconds = views.follow(COPY, Accepted(ticket="t1", retry_after=12.0))
    assert seconds == 12.0
    assert (call.kind, call.method, call.path) == (CallKind.READ, "GET", COPY.path)
    assert call.params == (("method", "copy"), ("ticket", "t1"))
    assert call.body is None
    again, _ = views.follow(call, Accepted(ticket="t2"))
    assert again.params == (("method", "copy"), ("ticket", "t2"))
    assert isinstance(again.parse(reply(VIEW)), View)


def test_follow_a_location_reads_it() -> None:
    call, seconds = views.follow(PUBLISH, Accepted(location="/jobs/5?x=1", ticket="t"))
    assert seconds == views.DEFAULT_POLL_SECONDS
    assert (call.kind, call.method, call.path, call.params) == (CallKind.READ, "GET", "/jobs/5?x=1", ())
    same, _ = views.follow(call, Accepted())
    assert same == call


def test_follow_nothing_repeats_the_call() -> None:
    assert views.follow(PUBLISH, Accepted(status="queued"))[0] is PUBLISH


@pytest.mark.parametrize(("asked", "seconds"), [(0.0, 1.0), (2.5, 2.5), (86400.0, 300.0)])
def test_follow_waits_within_reason(asked: float, seconds: float) -> None:
    assert views.follow(PUBLISH, Accepted(retry_after=asked))[1] == seconds


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ([VIEW, {"id": "abcd-1234"}], ["wk2c-9xyz", "abcd-1234"]),
        (VIEW, ["wk2c-9xyz"]),
        ([], []),
        ({}, []),
        (None, []),
        (b"", []),
    ],
)
def test_publication_group_in_any_form(body: Any, ids: list[str]) -> None:
    found = views.publication_group("abcd-1234", "unpublished").parse(reply(body))
    assert [view.id for view in found] == ids


@pytest.mark.parametrize("body", ["x", 5, [1], {"error": True, "message": "no"}, b"<html>"])
def test_publication_group_of_something_else_is_unreadable(body: Any) -> None:
    with pytest.raises(UnreadableReply):
        views.publication_group("abcd-1234", "unpublished").parse(reply(body))


def test_discard_needs_no_body() -> None:
    discard = views.discard("wk2c-9xyz")
    assert discard.parse(reply(b"")) is None
    assert discard.parse(reply(b"<html>", 204)) is None


def test_an_unfinished_view_is_no_view() -> None:
    with pytest.raises(UnreadableReply, match="not finished"):
        views.read_view("abcd-1234").parse(reply(VIEW, 202))


def test_pending_geocoding() -> None:
    parse = views.pending_geocoding("abcd-1234").parse
    assert parse(reply({"total": 12, "view": "3"})) == PendingGeocoding(12, 3)
    assert parse(reply({"view": 0})) == PendingGeocoding(0, 0)
    with pytest.raises(UnreadableReply):
        parse(reply({}))


def test_replication() -> None:
    body = {
        "asynchronous_computation_up_to_date": True,
        "read_replication_up_to_date": False,
        "truth_data_version": 136,
        "secondary_versions": [{"name": "pg", "version": 135}, {"name": "archival", "version": "136"}, {}],
    }
    parse = views.replication("abcd-1234").parse
    assert parse(reply(body)) == Replication(False, 136, {"pg": 135, "archival": 136}, True)
    assert parse(reply({"read_replication_up_to_date": True})) == Replication(True, None)
    with pytest.raises(UnreadableReply):
        parse(reply({"truth_data_version": 136}))


def test_twin_user_and_date() -> None:
    twin = views.twin("abcd-1234").parse(reply({"nbeId": "nnnn-1111", "obeId": "oooo-2222"}))
    assert (twin.old_backend_id, twin.new_backend_id) == ("oooo-2222", "nnnn-1111")
    user = views.current_user().parse(
        reply({"id": "pe6p-uu2n", "screenName": "Ann", "email": "a@example.gov"})
    )
    assert (user.id, user.display_name, user.email) == ("pe6p-uu2n", "Ann", "a@example.gov")
    with pytest.raises(UnreadableReply):
        views.current_user().parse(reply({"displayName": "Ann"}))
    date = views.portal_date().parse(reply({"id": "x"}, Date="Mon, 01 Jan 2024 00:00:30 GMT"))
    assert date == 1704067230.0
    assert views.portal_date().parse(reply({})) is None


ATTACHED = {"attachments": [{"filename": "a.pdf", "assetId": "1"}], "rowLabel": "Stop"}
WHOLE = View.from_json(VIEW | {"metadata": ATTACHED, "privateMetadata": {"contactEmail": "a@example.gov"}})


def test_an_update_keeps_what_it_does_not_name() -> None:
    call = views.merged_update(WHOLE, {"name": "Rues", "metadata": {"rowIdentifier": "id", "rowLabel": None}})
    assert isinstance(call.body, bytes)
    assert json.loads(call.body) == {
        "name": "Rues",
        "metadata": {"attachments": ATTACHED["attachments"], "rowIdentifier": "id"},
    }
    assert (call.kind, call.method, call.params) == (CallKind.METADATA, "PUT", ())
    private = views.merged_update(WHOLE, {"privateMetadata": {"mark": 1}}, validate_only=True)
    assert isinstance(private.body, bytes)
    assert json.loads(private.body) == {"privateMetadata": {"contactEmail": "a@example.gov", "mark": 1}}
    assert private.params == (("validateOnly", "true"),)


@pytest.mark.parametrize("key", ["metadata", "privateMetadata"])
def test_what_a_portal_replaces_as_a_whole_is_not_sent_in_part(key: str) -> None:
    with pytest.raises(ConfigurationError, match="merged_update"):
        views.update_view("abcd-1234", {key: {"rowLabel": "Stop"}})
