"""Every envelope that the vendor's APIs answer with becomes one error that says what to do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.client.portal_servers import Answer
from unit.opendatasoft import samples
from unit.opendatasoft.conftest import API_KEY
from unit.opendatasoft.samples import UID, answer

from airflow_socrata.client import (
    Call,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    PortalBusy,
    PortalError,
    PortalFault,
    Reply,
    SignInFailed,
    TooLarge,
)
from airflow_socrata.client.messages import Headers
from airflow_socrata.opendatasoft import explore
from airflow_socrata.opendatasoft.automation import AutomationV1
from airflow_socrata.opendatasoft.credentials import PortalKey
from airflow_socrata.opendatasoft.errors import (
    ApiNotAnswered,
    InvalidDatasetStatus,
    PublishRightMissing,
    QuotaUsedUp,
    ValidationFailed,
)
from airflow_socrata.opendatasoft.management import ManagementV2
from airflow_socrata.opendatasoft.models import MetadataValue
from airflow_socrata.opendatasoft.portal import portal_settings

SETTINGS = portal_settings("data.example.gov", PortalKey(api_key=API_KEY))
AUTO, MGMT = AutomationV1(), ManagementV2()
NOW = 1_770_000_000.0


def error_of(call: Call[Any], told: Answer, headers: dict[str, str] | None = None) -> PortalError:
    body = told.body.encode() if isinstance(told.body, str) else told.body
    reply = Reply(
        told.status, Headers({**told.headers, **(headers or {})}), body, url="https://data.example.gov/x"
    )
    return SETTINGS.vendor.read_error(call, reply, now=NOW, redact=SETTINGS.redact)


@pytest.mark.parametrize(
    ("call", "told"),
    [(AUTO.publish(UID), samples.AUTO_BUSY), (MGMT.publish(UID), samples.MGMT_BUSY)],
    ids=["automation", "management"],
)
def test_busy(call: Call[Any], told: Answer) -> None:
    error = error_of(call, told)
    assert isinstance(error, InvalidDatasetStatus)
    assert (error.current, error.allowed) == ("queued", ("idle", "error", "limit_reached"))
    assert error.busy
    assert not error.permanent, "it will rest"
    assert error.landing == "none"
    assert f"publish dataset {UID}: HTTP 400" in str(error)
    assert str(error).endswith("the run under way may predate your change")


def test_abort_of_a_dataset_at_rest_is_no_matter_of_waiting() -> None:
    words = (
        "Invalid precondition, dataset status is 'idle' but must be one of 'processing_all_dataset_data,"
        " processing_dataset, processing_resource_records'"
    )
    error = error_of(AUTO.abort(UID), answer({"error_code": "invalid_dataset_status", "message": words}, 400))
    assert isinstance(error, InvalidDatasetStatus)
    assert error.allowed[0] == "processing_all_dataset_data"
    assert not error.busy
    assert error.permanent


def test_a_status_that_the_refusal_does_not_tell() -> None:
    error = error_of(
        AUTO.publish(UID), answer({"error_code": "invalid_dataset_status", "message": "no"}, 400)
    )
    assert isinstance(error, InvalidDatasetStatus)
    assert (error.current, error.allowed, error.busy) == (None, (), True)


@pytest.mark.parametrize("key", ["detail", "fields"])
def test_validation(key: str) -> None:
    body = {
        "error_code": "validation_error",
        "message": "Invalid field value",
        key: {"title": ["This field is required"], "metadata": {"default": {"language": ["Not a language"]}}},
    }
    error = error_of(AUTO.metadata(UID), answer(body, 400))
    assert isinstance(error, ValidationFailed)
    assert error.fields == {
        "title": ("This field is required",),
        "metadata.default.language": ("Not a language",),
    }
    assert "title: This field is required; metadata.default.language: Not a language" in str(error)


def test_several_errors_of_the_management_api() -> None:
    inner = {
        "status_code": 400,
        "error_key": "InvalidValue",
        "message": "Bad language",
        "raw_params": {"field": "language"},
    }
    body = {
        "status_code": 400,
        "error_key": "InvalidManagementAPIRequestException",
        "message": "Invalid management API request",
        "raw_params": {},
        "errors": [inner, {"message": "Too long"}],
    }
    error = error_of(MGMT.metadata(UID), answer(body, 400))
    assert isinstance(error, ValidationFailed)
    assert error.fields == {"language": ("Bad language",), "error 2": ("Too long",)}
    assert error.code == "InvalidManagementAPIRequestException"


def test_internal_error_gives_its_trace() -> None:
    told = answer({"error_code": "internal_error", "message": "oops", "trace_id": "0a1b-trace"}, 500)
    error = error_of(AUTO.get_dataset(UID), told)
    assert isinstance(error, PortalFault)
    assert "(request id 0a1b-trace)" in str(error)


def test_a_key_that_may_edit_but_not_publish() -> None:
    told = answer({"error_code": "forbidden", "message": "no"}, 403)
    for call in (AUTO.publish(UID), AUTO.status(UID), MGMT.unpublish(UID), MGMT.records_errors(UID)):
        error = error_of(call, told)
        assert isinstance(error, PublishRightMissing)
        assert "needs the permission publish_dataset" in str(error)
        assert error.permanent


def test_other_rights() -> None:
    told = Answer(403, "")
    assert "create_dataset" in str(error_of(next(AUTO.post_dataset("x", "X")), told))
    assert "edit_dataset" in str(error_of(AUTO.resources(UID), told))
    assert "manage_dataset" in str(error_of(AUTO.accesses(UID, "users"), told))
    explored = error_of(explore.catalog_entry("x"), told)
    assert isinstance(explored, PermissionDenied)
    assert "explore" in str(explored)


def test_sign_in() -> None:
    error = error_of(AUTO.get_dataset(UID), answer({"error_code": "unauthorized", "message": "no"}, 401))
    assert isinstance(error, SignInFailed)
    assert "a key belongs to one portal" in str(error)


@pytest.mark.parametrize(
    "told", [samples.EMPTY_404, samples.AUTO_404, Answer(404, "<html><title>Nope</title>")]
)
def test_absent(told: Answer) -> None:
    error = error_of(AUTO.get_dataset(UID), told)
    assert isinstance(error, NotFound)
    assert "check the dataset's uid" in str(error)
    explored = error_of(explore.count("air"), told)
    assert isinstance(explored, NotFound)
    assert "that it is published" in str(explored)


@pytest.mark.parametrize("status", [404, 405, 410, 501])
def test_an_api_that_the_portal_does_not_answer(status: int) -> None:
    for call in (MGMT.lookup("x"), AUTO.list_datasets()):
        error = error_of(call, Answer(status, "<html><title>Not Found</title></html>"))
        assert isinstance(error, ApiNotAnswered)


def test_too_large() -> None:
    assert isinstance(error_of(AUTO.publish(UID), Answer(413, "")), TooLarge)


def test_explore_query() -> None:
    error = error_of(
        explore.count("x", "bad"),
        answer({"message": "ODSQL query is malformed", "error_code": "ODSQLError"}, 400),
    )
    assert type(error) is InvalidRequest
    assert error.code == "ODSQLError"


QUOTA = {
    "errorcode": 10002,
    "reset_time": "2026-02-02T03:00:00Z",
    "limit_time_unit": "day",
    "call_limit": 10000,
    "error": "Too many requests on the domain. Please contact the domain administrator.",
}
DATE = "Mon, 02 Feb 2026 02:00:00 GMT"


def test_quota() -> None:
    error = error_of(explore.count("x"), answer(QUOTA, 429), {"Date": DATE})
    assert isinstance(error, QuotaUsedUp)
    assert error.retry_after == 3600.0
    assert error.code == "10002"
    assert "after 2026-02-02T03:00:00Z" in str(error)


@pytest.mark.parametrize("reset", ["", "soon", "-1", "9" * 400, "9" * 5000, "2026-13-45"])
def test_a_reset_that_is_no_time(reset: str) -> None:
    headers = {"X-RateLimit-Reset": reset, "X-RateLimit-Remaining": "0"}
    assert error_of(explore.count("x"), Answer(429, ""), headers).retry_after is None


@pytest.mark.parametrize("reset", ["1770001200", "2026-02-02 03:00:00+00:00"])
def test_rate_limit_resets_in_both_forms(reset: str) -> None:
    headers = {"Date": DATE, "X-RateLimit-Reset": reset, "X-RateLimit-Remaining": "0"}
    error = error_of(explore.count("x"), Answer(429, ""), headers)
    assert type(error) is PortalBusy
    assert error.retry_after == 3600.0


def test_a_limit_that_is_not_used_up_does_not_count() -> None:
    headers = {
        "Date": DATE,
        "X-RateLimit-Reset": "2026-03-01 00:00:00+00:00",
        "X-RateLimit-Remaining": "9",
        "X-RateLimit-dataset-Reset": "2026-02-02 02:01:00+00:00",
        "X-RateLimit-dataset-Remaining": "0",
    }
    assert error_of(explore.count("x"), Answer(429, ""), headers).retry_after == 60.0
    assert error_of(explore.count("x"), Answer(429, ""), {**headers, "Retry-After": "7"}).retry_after == 7.0


def test_the_key_never_shows() -> None:
    body = {"error_code": f"e-{API_KEY}", "message": f"bad key {API_KEY}", "detail": {API_KEY: [API_KEY]}}
    error = error_of(AUTO.get_dataset(UID), answer(body, 400))
    assert API_KEY not in str(error)
    assert API_KEY not in repr(vars(error))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=15,
)
KEYS = (
    "error_code",
    "error_key",
    "message",
    "detail",
    "fields",
    "errors",
    "raw_params",
    "errorcode",
    "reset_time",
)


@given(
    status=st.sampled_from([301, 400, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503]),
    body=st.dictionaries(st.sampled_from(KEYS), JSON, max_size=5) | JSON,
)
def test_any_body_becomes_one_line(status: int, body: Any) -> None:
    for call in (AUTO.publish(UID), next(AUTO.set_metadata(UID, [MetadataValue("a", "b", 1)]))):
        error = error_of(call, answer(body, status))
        assert str(error).isprintable()
        assert f"HTTP {status}" in str(error)
        assert len(str(error)) < 1500
