"""Pushes: batches by bytes, calls as the vendor has them, and a key that shows nowhere."""

from __future__ import annotations

import json
import logging
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.client.portal_servers import Answer, ScriptedPortal
from unit.opendatasoft.samples import LOST, answer

from airflow_socrata.client import ConfigurationError, InvalidRequest, MalformedReply, NotFound, PortalSession
from airflow_socrata.client.async_session import AsyncPortalSession
from airflow_socrata.opendatasoft.models import Resource
from airflow_socrata.opendatasoft.push import (
    PushIncomplete,
    PushTarget,
    batches,
    delete_record,
    delete_values,
    file_value,
    push,
    push_records,
    target_of,
)

KEY = "p+sh/k3y="
QUOTED = "p%2Bsh%2Fk3y%3D"
TARGET = PushTarget("air-quality", "realtime", KEY)
OK = answer({"status": "OK"})

VALUES = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=30)
RECORDS = st.lists(st.dictionaries(st.sampled_from("abcdé"), VALUES, max_size=5), max_size=400)


@given(records=RECORDS, limit=st.integers(800, 20_000), most=st.none() | st.integers(1, 300))
def test_batches_hold_all_records_in_order(records: list[Any], limit: int, most: int | None) -> None:
    found = list(batches(records, limit=limit, most_records=most))
    assert [record for batch in found for record in json.loads(batch.body)] == records
    first = 1
    for number, batch in enumerate(found, 1):
        assert len(batch.body) <= limit
        assert batch.records == len(json.loads(batch.body)) > 0
        assert most is None or batch.records <= most
        assert (batch.number, batch.first) == (number, first)
        first = batch.last + 1


def test_batches_are_full() -> None:
    """Within one group of records of the limit."""
    records = [{"id": n, "text": "x" * 100} for n in range(50_000)]
    *full, _ = batches(iter(records), limit=1_000_000)
    assert all(len(batch.body) > 980_000 for batch in full)


def test_one_record_at_the_limit() -> None:
    exact = {"a": "x" * 92}
    (batch,) = batches([exact], limit=102)
    assert len(batch.body) == 102
    with pytest.raises(ConfigurationError, match="record 2 takes 101 bytes, and one push takes 102"):
        list(batches([exact, {"a": "x" * 93}], limit=102))


def test_values() -> None:
    row = {
        "day": date(2026, 1, 2),
        "at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        "whole": Decimal("12"),
        "part": Decimal("1.5"),
        "umlaut": "Zürich",
        "photo": file_value(b"\x00\xff", "image/png"),
    }
    (batch,) = batches([row])
    assert json.loads(batch.body) == [
        {
            "day": "2026-01-02",
            "at": "2026-01-02T03:04:00+00:00",
            "whole": 12,
            "part": 1.5,
            "umlaut": "Zürich",
            "photo": {"content": "AP8=", "content-type": "image/png"},
        }
    ]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"a": float("nan")}, "not JSON compliant"),
        ({"a": object()}, "a object has no form"),
        (["a"], "not a list"),
        ({"a": Decimal("NaN")}, "a Decimal has no form"),
    ],
)
def test_a_record_that_cannot_be_sent_is_named(bad: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"record 201 cannot be sent as JSON: .*{words}"):
        list(batches([*({"a": 1} for _ in range(200)), bad]))


def test_calls(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(OK, answer({"status": "ok"}), OK)
    (batch,) = batches([{"a": 1}, {"a": 2}])
    session.send(push(TARGET, batch))
    session.send(delete_values(TARGET, batch))
    session.send(delete_record(TARGET, "0af1"))
    base = "/api/push/1.0/air-quality/realtime"
    assert [(one.method, one.path) for one in portal.requests] == [
        ("POST", f"{base}/push/?pushkey={QUOTED}"),
        ("POST", f"{base}/delete/?pushkey={QUOTED}"),
        ("GET", f"{base}/0af1/delete/?pushkey={QUOTED}"),
    ]
    assert [one.body for one in portal.requests] == [b'[{"a":1},{"a":2}]'] * 2 + [b""]


def test_sent_again_after_a_lost_reply(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(LOST, OK)
    (batch,) = batches([{"a": 1}])
    session.send(push(TARGET, batch))
    assert len(portal.requests) == 2


def test_anything_but_ok_is_no_success(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.default = answer({"status": "KO"})
    (batch,) = batches([{"a": 1}])
    with pytest.raises(MalformedReply, match="did not say OK"):
        session.send(push(TARGET, batch))


def test_all_records(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.default = OK
    pushed = push_records(session, TARGET, ({"n": n} for n in range(1000)), most_records=300)
    assert (pushed.records, pushed.calls) == (1000, 4)
    assert pushed.body_bytes == sum(len(one.body) for one in portal.requests)
    push_records(session, TARGET, [{"n": 1}], delete=True)
    assert "/delete/" in portal.requests[-1].path
    assert push_records(session, TARGET, []).calls == 0


def test_what_is_on_the_portal_when_it_stops(portal: ScriptedPortal, session: PortalSession) -> None:
    portal.answer(OK, answer({"error_code": "bad_request", "message": "Bad request: no"}, 400))
    with pytest.raises(PushIncomplete) as caught:
        push_records(session, TARGET, [{"n": n} for n in range(30)], most_records=10)
    error = caught.value
    assert (error.pushed.records, error.permanent) == (10, True)
    assert "10 records are on the portal, record 11 and those after it are not" in str(error)
    assert isinstance(error.cause, InvalidRequest)
    portal.answer(Answer(404, ""))
    with pytest.raises(NotFound, match="the name of the resource"):
        push_records(session, TARGET, [{"n": 1}])


def shown(error: BaseException) -> str:
    """Everything that a log may show of an error."""
    words = []
    current: BaseException | None = error
    while current is not None:
        words += [str(current), repr(current), repr(vars(current)), repr(current.args)]
        current = current.__cause__ or current.__context__
    return "\n".join(words)


@pytest.mark.parametrize(
    "told",
    [
        Answer(403, f'{{"message": "push key {KEY} is wrong"}}'),
        Answer(400, f'{{"message": "no /push/?pushkey={QUOTED}"}}'),
        Answer(200, f'{{"status": "{KEY}"}}'),
        Answer(302, "", {"Location": f"/elsewhere?pushkey={QUOTED}"}),
        LOST,
    ],
    ids=["403", "400", "200", "302", "lost"],
)
def test_the_key_shows_nowhere(
    portal: ScriptedPortal,
    session: PortalSession,
    log: list[str],
    caplog: pytest.LogCaptureFixture,
    told: Answer,
) -> None:
    """Not in errors, nor in this client's log, nor in the debug lines of the HTTP libraries."""
    portal.default = told
    (batch,) = batches([{"a": 1}])
    caplog.set_level(logging.DEBUG)
    for call in (push(TARGET, batch), delete_record(TARGET, "0af1")):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - any
            session.send(call)
        everything = "\n".join([shown(caught.value), *log, caplog.text, repr(call), repr(TARGET)])
        assert KEY not in everything
        assert QUOTED not in everything
    assert any(QUOTED in one.path for one in portal.requests), "on the wire it is"
    assert any("urllib3" in record.name for record in caplog.records), "somebody did log"
    assert not any("elsewhere" in one.path for one in portal.requests)


def test_no_connection(
    session: PortalSession, portal: ScriptedPortal, caplog: pytest.LogCaptureFixture
) -> None:
    portal.close()
    caplog.set_level(logging.DEBUG)
    (batch,) = batches([{"a": 1}])
    with pytest.raises(Exception, match="connection refused") as caught:
        session.send(push(TARGET, batch))
    assert QUOTED not in shown(caught.value) + caplog.text


def test_in_an_event_loop(portal: ScriptedPortal, settings, caplog: pytest.LogCaptureFixture) -> None:
    import asyncio

    caplog.set_level(logging.DEBUG)
    portal.answer(OK)

    async def go() -> None:
        async with AsyncPortalSession(settings) as session:
            await session.send(push(TARGET, next(iter(batches([{"a": 1}])))))

    asyncio.run(go())
    assert portal.requests[0].path.endswith(f"?pushkey={QUOTED}")
    assert QUOTED not in caplog.text


def test_a_key_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="push key is missing"):
        PushTarget("air-quality", "realtime", "")


def test_the_target_of_a_realtime_resource() -> None:
    url = f"https://data.example.gov/api/push/1.0/air%20quality/realtime0/push/?pushkey={QUOTED}"
    resource = Resource("re_live01", "live", "realtime", raw={"url": url})
    assert target_of(resource) == PushTarget("air quality", "realtime0", KEY)
    for wrong in ("", "https://data.example.gov/x?pushkey=k", url.split("?")[0], None):
        with pytest.raises(ConfigurationError, match="'live' shows no push address") as caught:
            target_of(Resource("re_live01", "live", "realtime", raw={"url": wrong}))
        assert QUOTED not in str(caught.value)
