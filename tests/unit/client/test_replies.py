"""Every family of error bodies becomes one error of the tree, in one line, with what to do."""

from __future__ import annotations

import copy
import pickle

import pytest

from airflow_socrata.client import (
    Call,
    CallKind,
    Conflict,
    CopyNotOffered,
    DatasetLocked,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    PortalBusy,
    PortalError,
    PortalFault,
    PortalSettings,
    Reply,
    RequestRefused,
    SignInFailed,
    SyncedDataset,
    TooLarge,
    UnknownAppToken,
    views,
)
from airflow_socrata.client.errors import NobodySignedIn
from airflow_socrata.client.messages import Headers
from airflow_socrata.client.replies import error_from_reply

SETTINGS = PortalSettings("data.example.gov")


def error_of(
    status: int,
    body: str | bytes = b"",
    headers: dict[str, str] | None = None,
    kind: CallKind = CallKind.ROWS_KEYED,
) -> PortalError:
    call = Call(kind, "POST", "/x", lambda reply: None, "upsert abcd-1234")
    reply = Reply(
        status,
        Headers(headers or {}),
        body.encode() if isinstance(body, str) else body,
        url="https://data.example.gov/x",
        sent_request_id="0123456789abcdef0123456789abcdef",
    )
    return error_from_reply(call, reply, now=0.0, redact=SETTINGS.redact)


@pytest.mark.parametrize(
    ("status", "body", "expected", "code", "words"),
    [
        # Core
        (
            400,
            '{"code":"invalid_request","error":true,"message":"Illegal field name sent: switch_comm"}',
            InvalidRequest,
            "invalid_request",
            "Illegal field name sent: switch_comm",
        ),
        (
            403,
            '{"message":"You must be logged in to access this resource","error":true}',
            NobodySignedIn,
            None,
            "You must be logged in to access this resource",
        ),
        (
            400,
            '{"error":"invalid_grant","error_description":"The code was used"}',
            InvalidRequest,
            "invalid_grant",
            "The code was used",
        ),
        (
            403,
            '{"code":"permission_denied","error":true,"message":"Invalid app_token specified"}',
            UnknownAppToken,
            "permission_denied",
            "Invalid app_token specified",
        ),
        (
            403,
            '{"error":true,"message":"Cannot update a synced dataset manually"}',
            SyncedDataset,
            None,
            "Cannot update a synced dataset manually",
        ),
        (
            404,
            '{\n  "code" : "dataset.missing",\n  "error" : true,\n  "message" : "Not found",'
            '\n  "data" : {\n    "id" : "abcd-1234"\n  }\n}',
            NotFound,
            "dataset.missing",
            "Not found",
        ),
        (400, '{"code":"API_KEY.INVALID_SECRET","error":true,"message":"no"}', SignInFailed, None, "no"),
        (401, "", SignInFailed, None, None),
        # row server
        (
            400,
            '{"message":"m","errorCode":"soda.row.column-not-found","data":{"value":"x"}}',
            InvalidRequest,
            "soda.row.column-not-found",
            "m",
        ),
        (
            409,
            '{"message":"m","errorCode":"soda.dataset.feedback-in-progress","data":{"stores":["geo"]}}',
            DatasetLocked,
            "soda.dataset.feedback-in-progress",
            "m",
        ),
        (
            409,
            '{"message":"m","errorCode":"soda.dataset.incorrect-lifecycle-stage",'
            '"data":{"actual":"Unpublished","expected":["Published"]}}',
            Conflict,
            "soda.dataset.incorrect-lifecycle-stage",
            "m",
        ),
        (
            409,
            '{"message":"m","errorCode":"soda.row.dataset-version-mismatch","data":{}}',
            Conflict,
            "soda.row.dataset-version-mismatch",
            "m",
        ),
        (
            400,
            '{"errorCode":"query.soql.no-such-column","description":"No such column: x","data":{}}',
            InvalidRequest,
            "query.soql.no-such-column",
            "No such column: x",
        ),
        (
            500,
            '{"message":"m","errorCode":"internal-error","data":{"code":"update.read-only-mode"}}',
            PortalBusy,
            "internal-error",
            "m",
        ),
        (
            429,
            '{"message":"Too many requests","errorCode":"too-many-requests","data":{}}',
            PortalBusy,
            None,
            None,
        ),
        # Jetty, proxies, nothing, and JSON that is none
        (500, '{"error":true,"message":"Internal error","status":500}', PortalFault, None, "Internal error"),
        (
            502,
            "<html>\r\n<head><title>502 Bad Gateway</title></head></html>",
            PortalFault,
            None,
            "an HTML page, '502 Bad Gateway'",
        ),
        (504, "<html><body><h1>Gateway <b>Time-out</b></h1></body></html>", PortalFault, None, None),
        (503, "", PortalBusy, None, None),
        (413, "<html><title>413 Request Entity Too Large</title></html>", TooLarge, None, None),
        (408, '{"message":"m","errorCode":"request-timeout","data":{}}', PortalFault, "request-timeout", "m"),
        (400, "{not json", InvalidRequest, None, "{not json"),
        (400, '"bad column"', InvalidRequest, None, "bad column"),
        (400, "[1,2]", InvalidRequest, None, None),
        (404, '{"fieldName":"x"}', NotFound, None, None),
        (415, b"\xff\xfe\x00", InvalidRequest, None, None),
        (520, "", PortalFault, None, None),
        (501, "", InvalidRequest, None, None),
        (418, "[" * 100_000, InvalidRequest, None, None),
    ],
)
def test_families(
    status: int, body: str | bytes, expected: type[PortalError], code: str | None, words: str | None
) -> None:
    error = error_of(status, body)
    assert type(error) is expected
    assert error.status == status
    assert code is None or error.code == code
    assert words is None or error.portal_message == words
    text = str(error)
    assert text.startswith(f"upsert abcd-1234: HTTP {status}")
    assert "(request id 0123456789abcdef0123456789abcdef)" in text
    assert "\n" not in text
    assert len(text) < 700
    assert error.advice, "every error says what to do"


def test_whole_line() -> None:
    body = '{"code":"permission_denied","error":true,"message":"You do not have\\n  permission"}'
    error = error_of(403, body, {"x-socrata-requestid": "8ee4"})
    assert str(error) == (
        "upsert abcd-1234: HTTP 403 permission_denied: You do not have permission (request id 8ee4)"
        " - check the rights of the connection's user on this dataset"
    )


def test_control_characters_of_the_portal_reach_no_terminal() -> None:
    body = '{"error":true,"message":"a\\u001b[31m\\u0000b\\ud800c\\r\\nd","code":"x\\u001by"}'
    error = error_of(400, body)
    assert (error.portal_message, error.code) == ("a [31m b c d", "x y")
    str(error).encode()


def test_headers_tell_what_an_empty_body_does_not() -> None:
    error = error_of(500, "", {"X-Error-Code": "internal", "X-Error-Message": "Internal error"})
    assert (error.code, error.portal_message) == ("internal", "Internal error")


def test_retry_after_is_carried() -> None:
    assert error_of(429, "", {"Retry-After": "12"}).retry_after == 12.0
    assert error_of(429).retry_after is None


def test_portal_without_credentials_is_told_apart() -> None:
    assert "saw no credentials" in str(error_of(403, '{"code":"authentication_required","error":true}'))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_name_the_host_alone(status: int) -> None:
    error = error_of(status, "", {"Location": "https://u:pw@data.example.org:8443/secret?token=1"})
    assert isinstance(error, RequestRefused)
    assert "redirects to https://data.example.org:8443, and" in str(error)
    assert not any(word in str(error) for word in ("pw", "token", "secret"))


@pytest.mark.parametrize("location", ["", "http://[broken", "//", "javascript:1"])
def test_odd_redirects_are_errors_too(location: str) -> None:
    error = error_of(302, "", {"Location": location} if location else {})
    assert isinstance(error, RequestRefused)
    assert "redirect" in str(error)


NOT_OFFERED = [
    (405, '{"message":"m","errorCode":"method-not-allowed","data":{"method":"POST","allowed":["GET"]}}'),
    (405, ""),
    (501, "<html></html>"),
    (404, "<html><title>404 Not Found</title></html>"),
    (404, '{"message":"m","errorCode":"not-found","data":{"path":"/api/views/x/publication.json"}}'),
    (400, '{"code":"invalid_request","error":true,"message":"method not supported"}'),
    (400, '{"code":"method_not_supported","error":true,"message":"no"}'),
    (400, '{"code":"invalid_request","error":true,"message":"Unknown method: copy"}'),
    (400, '{"error":true,"message":"Method \'copy\' is not allowed on this domain"}'),
    (400, '{"error":true,"message":"Copying datasets is no longer supported"}'),
]


@pytest.mark.parametrize(("status", "body"), NOT_OFFERED)
def test_copy_not_offered_names_the_alternatives(status: int, body: str) -> None:
    error = error_of(status, body, kind=CallKind.COPY)
    assert isinstance(error, CopyNotOffered)
    assert error.permanent
    assert "method=copySchema" in str(error)
    assert "revision API" in str(error)


def test_copy_schema_not_offered_does_not_advise_copy_schema() -> None:
    call = views.open_copy("abcd-1234", "copySchema")
    reply = Reply(405, Headers(), b"", url="https://data.example.gov/x")
    error = error_from_reply(call, reply, now=0.0, redact=SETTINGS.redact)
    assert isinstance(error, CopyNotOffered)
    assert "revision API" in error.advice
    assert "copySchema" not in error.advice


@pytest.mark.parametrize(("status", "body"), NOT_OFFERED)
def test_other_calls_do_not_speak_of_copies(status: int, body: str) -> None:
    assert not isinstance(error_of(status, body, kind=CallKind.READ), CopyNotOffered)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (404, '{"code":"dataset.missing","error":true,"message":"Not found"}', NotFound),
        (404, '{"code":"not_found","error":true,"message":"Not found","data":{"id":"abcd-1234"}}', NotFound),
        (404, '{"message":"m","errorCode":"soda.dataset.not-found","data":{"dataset":"x"}}', NotFound),
        (403, '{"code":"permission_denied","error":true,"message":"no"}', PermissionDenied),
        (400, '{"code":"invalid_request","error":true,"message":"Geocoding pending"}', InvalidRequest),
        (409, '{"message":"m","errorCode":"soda.dataset.incorrect-lifecycle-stage","data":{}}', Conflict),
    ],
)
def test_a_copy_that_fails_otherwise_is_no_copy_not_offered(
    status: int, body: str, expected: type[PortalError]
) -> None:
    assert type(error_of(status, body, kind=CallKind.COPY)) is expected


def test_errors_can_be_copied_and_pickled() -> None:
    error = error_of(429, "", {"Retry-After": "12"})
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(again) is PortalBusy
        assert str(again) == str(error)
        assert again.retry_after == 12.0
