"""Replies as such: headers, JSON, dates."""

from __future__ import annotations

import pytest

from airflow_socrata.client import Reply
from airflow_socrata.client.messages import Headers, UnreadableReply


def reply(body: bytes = b"", **headers: str) -> Reply:
    return Reply(200, Headers({name.replace("_", "-"): value for name, value in headers.items()}), body)


def test_header_names_are_found_in_any_case() -> None:
    headers = Headers([("X-Soda2-Fields", "a"), ("x-soda2-fields", "b")])
    assert headers["X-SODA2-FIELDS"] == "a"
    assert "x-SODA2-fields" in headers
    assert 1 not in headers
    assert len(headers) == 1
    assert list(headers) == ["x-soda2-fields"]
    assert repr(Headers({"Set-Cookie": "s3cret"})) == "Headers(['set-cookie'])"


@pytest.mark.parametrize("body", [b"", b"  \n", b"<html>", b"{", b"\xff\xfe", b"[" * 200_000])
def test_what_is_no_json_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableReply, match=r"the body is (empty|no JSON)"):
        reply(body).json()


def test_json_is_read_whatever_the_type_says() -> None:
    assert reply(b'\xef\xbb\xbf{"a":1}', Content_Type="text/plain").json() == {"a": 1}


def test_date_and_request_id() -> None:
    answered = reply(Date="Mon, 01 Jan 2024 00:00:30 GMT", X_Socrata_RequestId="8ee4")
    assert answered.date == 1704067230.0
    assert answered.request_id == "8ee4"
    assert Reply(200, Headers(), b"", sent_request_id="ours").request_id == "ours"
    assert reply(Date="yesterday").date is None
    assert reply().date is None
