"""What may be sent again: every cell of the table, the waits, and what is known of the landing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.client.portal_servers import FakeClock

from airflow_socrata.client import (
    RETRY_TABLE,
    Call,
    CallKind,
    Decision,
    Failure,
    PortalError,
    PortalSettings,
    RetryBudget,
    retry_table_text,
)
from airflow_socrata.client.exchange import Done, Exchange, RawReply, Wait
from airflow_socrata.client.failures import Loss
from airflow_socrata.client.retry import retry_after_seconds

if TYPE_CHECKING:
    from airflow_socrata.client import Reply

SETTINGS = PortalSettings("data.example.gov")

#: Spelled out a second time, so that no cell changes by accident: a = again, n = never, p = prove.
EXPECTED = """
              not_sent reply_lost throttled locked out_of_sync unavailable gateway internal malformed refused
READ          a         a         a         a         a         a         a         a         a         n
COPY          a         a         a         a         a         a         a         a         a         n
PUBLISH       a         p         a         a         p         p         p         p         p         n
DISCARD       p         p         p         p         p         p         p         p         p         n
METADATA      a         a         a         a         a         a         a         a         a         n
MERGED        p         p         p         p         p         p         p         p         p         n
ROWS_KEYED    a         a         a         a         a         a         a         a         a         n
ROWS_UNKEYED  a         p         a         a         p         p         p         p         p         n
ROWS_REPLACE  a         a         a         a         a         a         a         a         a         n
REVISION      a         p         a         a         p         p         p         p         p         n
SOURCE        a         a         a         a         a         a         a         a         a         n
CHUNK         a         a         a         a         a         a         a         a         a         n
COMMIT        a         p         a         a         p         p         p         p         p         n
SCHEMA        a         a         a         a         a         a         a         a         a         n
APPLY         a         p         a         a         p         p         p         p         p         n
CONFIG        a         p         a         a         p         p         p         p         p         n
FILE          a         a         a         a         a         a         a         a         a         n
DATASET       a         p         a         a         p         p         p         p         p         n
PART          a         p         a         a         p         p         p         p         p         n
RESTORE       a         p         a         a         p         p         p         p         p         n
PUSH          a         a         a         a         a         a         a         a         a         n
SIGN_IN       a         a         a         a         a         a         a         a         a         n
KEY           a         p         a         a         p         p         p         p         p         n
"""
FAILURES = (
    Failure.NOT_SENT,
    Failure.REPLY_LOST,
    Failure.THROTTLED,
    Failure.LOCKED,
    Failure.SCHEMA_OUT_OF_SYNC,
    Failure.UNAVAILABLE,
    Failure.GATEWAY,
    Failure.INTERNAL,
    Failure.MALFORMED,
    Failure.REFUSED,
)
CELLS = [
    (CallKind[name], failure, word)
    for name, *words in (line.split() for line in EXPECTED.strip().splitlines()[1:])
    for failure, word in zip(FAILURES, words, strict=True)
]

#: What the portal does, for each column of the table.
WIRE: dict[Failure, RawReply | Loss] = {
    Failure.NOT_SENT: Loss(sent=False, cause="refused", words="connection refused"),
    Failure.REPLY_LOST: Loss(sent=True, cause="network", words="closed"),
    Failure.THROTTLED: RawReply(429, [], b""),
    Failure.LOCKED: RawReply(
        409, [], b'{"message":"busy","errorCode":"soda.dataset.cannot-acquire-write-lock","data":{}}'
    ),
    Failure.SCHEMA_OUT_OF_SYNC: RawReply(
        500, [], b'{"message":"m","errorCode":"schema-out-of-sync","data":{}}'
    ),
    Failure.UNAVAILABLE: RawReply(503, [], b"<html></html>"),
    Failure.GATEWAY: RawReply(502, [], b"<html></html>"),
    Failure.INTERNAL: RawReply(
        500, [], b'{"message":"m","errorCode":"internal-error","data":{"code":"unknown"}}'
    ),
    Failure.MALFORMED: RawReply(200, [], b"<html></html>"),
    Failure.REFUSED: RawReply(400, [], b'{"code":"invalid_request","error":true,"message":"no"}'),
}
#: Failures that leave no doubt: the portal did not carry the call out.
PROVED_NOT_LANDED = {Failure.NOT_SENT, Failure.THROTTLED, Failure.LOCKED, Failure.REFUSED}


def call_of(kind: CallKind) -> Call[bool]:
    def parse(reply: Reply) -> bool:
        reply.json()
        return reply.repeated

    return Call(kind, "POST", "/resource/abcd-1234.json", parse, "try abcd-1234")


def exchange_of(kind: CallKind, budget: RetryBudget | None = None) -> Exchange[bool]:
    return Exchange(call_of(kind), SETTINGS, budget or RetryBudget(), chance=lambda: 0.5)


def feed(exchange: Exchange[bool], event: RawReply | Loss, now: float = 0.0) -> Done[bool] | Wait:
    exchange.outgoing()
    return exchange.reply(event, now) if isinstance(event, RawReply) else exchange.lost(event, now)


def test_expected_table_is_whole() -> None:
    assert {(kind, failure) for kind, failure, _ in CELLS} == {
        (kind, failure) for kind in CallKind for failure in Failure
    }
    assert set(RETRY_TABLE) == set(CallKind)


@pytest.mark.parametrize(("kind", "failure", "word"), CELLS)
def test_cell(kind: CallKind, failure: Failure, word: str) -> None:
    """Each failure, made on the wire, leads each kind of call to what the table says."""
    exchange = exchange_of(kind)
    assert RETRY_TABLE[kind][failure].value[0] == word
    landed = kind is not CallKind.READ and failure not in PROVED_NOT_LANDED
    if word == "a":
        assert isinstance(feed(exchange, WIRE[failure]), Wait)
        assert feed(exchange, RawReply(200, [], b"{}")) == Done(landed), "the result knows of the doubt"
        return
    with pytest.raises(PortalError) as failed:
        feed(exchange, WIRE[failure])
    assert failed.value.failure is failure
    assert failed.value.landing == ("unknown" if landed else "none")
    assert failed.value.permanent == (word == "n")


def test_printed_table_has_every_cell() -> None:
    lines = retry_table_text().splitlines()
    assert len(lines) == len(CallKind) + 2
    for kind, line in zip(RETRY_TABLE, lines[2:], strict=True):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells == [kind.value, *(RETRY_TABLE[kind][failure].value for failure in Failure)]


def test_every_decision_is_used() -> None:
    assert {decision for row in RETRY_TABLE.values() for decision in row.values()} == set(Decision)


def test_doubt_about_an_earlier_sending_stays() -> None:
    """A reply was lost; that the second sending was refused does not prove that the first did not land."""
    exchange = exchange_of(CallKind.ROWS_KEYED)
    feed(exchange, WIRE[Failure.REPLY_LOST])
    with pytest.raises(PortalError) as refused:
        feed(exchange, WIRE[Failure.REFUSED])
    assert refused.value.landing == "unknown"
    assert "may have carried it out" in str(refused.value)


def test_failures_that_prove_nothing_landed_leave_no_doubt() -> None:
    exchange = exchange_of(CallKind.ROWS_UNKEYED)
    for failure in (Failure.NOT_SENT, Failure.THROTTLED, Failure.LOCKED):
        assert isinstance(feed(exchange, WIRE[failure]), Wait)
    assert feed(exchange, RawReply(200, [], b"{}")) == Done(False)


def test_untrusted_certificate_is_not_tried_again() -> None:
    with pytest.raises(PortalError) as untrusted:
        feed(exchange_of(CallKind.READ), Loss(sent=False, cause="certificate", words="self-signed"))
    assert untrusted.value.permanent


@pytest.mark.parametrize(
    ("failures", "chance", "asked", "expected"),
    [
        (1, 1.0, None, 1.0),
        (2, 1.0, None, 2.0),
        (5, 1.0, None, 16.0),
        (9, 1.0, None, 60.0),
        (5, 0.0, None, 0.0),
        (5, 0.25, None, 4.0),
        (1, 1.0, 30.0, 30.0),
        (5, 1.0, 3.0, 16.0),
        (500, 1.0, None, 60.0),
    ],
)
def test_wait_grows_with_full_jitter_and_never_undercuts_the_portal(
    failures: int, chance: float, asked: float | None, expected: float
) -> None:
    assert RetryBudget(attempts=1000).wait(failures, 0.0, asked, chance) == expected


def test_budget_of_seconds_runs_from_the_first_failure() -> None:
    """A reply that is lost after an hour's upsert is still followed by another try."""
    exchange = exchange_of(CallKind.ROWS_KEYED, RetryBudget(attempts=10, seconds=100.0))
    clock = FakeClock()
    clock.now += 3600.0
    assert isinstance(feed(exchange, WIRE[Failure.REPLY_LOST], clock.now), Wait)
    clock.now += 99.0
    assert isinstance(feed(exchange, WIRE[Failure.REPLY_LOST], clock.now), Wait)
    clock.now += 2.0
    with pytest.raises(PortalError):
        feed(exchange, WIRE[Failure.REPLY_LOST], clock.now)


def test_budget_of_attempts() -> None:
    exchange = exchange_of(CallKind.READ, RetryBudget(attempts=3))
    feed(exchange, WIRE[Failure.GATEWAY])
    feed(exchange, WIRE[Failure.GATEWAY])
    with pytest.raises(PortalError):
        feed(exchange, WIRE[Failure.GATEWAY])


@pytest.mark.parametrize(
    ("value", "reference", "expected"),
    [
        (None, 0.0, None),
        ("0", None, 0.0),
        (" 120 ", None, 120.0),
        ("Mon, 01 Jan 2024 00:01:30 GMT", 1704067200.0, 90.0),
        ("Mon, 01 Jan 2024 00:00:00 GMT", 1704067290.0, 0.0),
        ("Mon, 01 Jan 2024 00:01:30 GMT", None, None),
        ("-5", 0.0, None),
        ("soon", 0.0, None),
        ("", 0.0, None),
        ("9" * 400, None, 999999999999.0),
    ],
)
def test_retry_after(value: str | None, reference: float | None, expected: float | None) -> None:
    assert retry_after_seconds(value, reference) == expected
