"""A credential never appears in a log, an exception, an XCom or a rendered field."""

from __future__ import annotations

import base64
import json
import logging
import traceback
import urllib.parse
from typing import Any

import pytest
from portal_harness.publications import publishing_dag, records, upsert

SECRET = "s3cr3t/with+chars"
TOKEN = "t0k3n-of-an-app"


def forms(user: str, secret: str) -> list[str]:
    """The ways in which a secret could be written."""
    pair = f"{user}:{secret}".encode()
    return [
        secret,
        urllib.parse.quote(secret, safe=""),
        base64.b64encode(pair).decode(),
        base64.urlsafe_b64encode(pair).decode(),
        base64.b64encode(secret.encode()).decode(),
    ]


def rendered(run: Any) -> str:
    """The rendered fields of all tasks, as the user interface shows them."""
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = session.scalars(
            select(RenderedTaskInstanceFields).where(RenderedTaskInstanceFields.run_id == run.run_id)
        ).all()
        return json.dumps([each.rendered_fields for each in found], default=str)


def chain(error: BaseException | None) -> str:
    """An exception with everything that led to it."""
    return "" if error is None else "".join(traceback.format_exception(error)) + repr(vars(error))


#: What goes wrong, and with which credentials.
CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "nothing": ({}, []),
    "wrong_secret": ({"password": SECRET}, []),
    "unknown_app_token": ({"extra": {"app_token": TOKEN}}, []),
    "wrong_access_token": ({"login": None, "password": None, "extra": {"access_token": SECRET}}, []),
    "faults": (
        {},
        [
            {"kind": "lost_reply", "method": "POST", "times": 2},
            {"kind": "bad_gateway", "method": "GET", "times": 3},
            {"kind": "internal", "method": "PUT", "times": None},
        ],
    ),
    "portal_tells_the_secret": (
        {"password": SECRET},
        [{"kind": "error", "status": 401, "message": f"Wrong secret {SECRET}", "times": None}],
    ),
    "proxy": ({"extra": {"proxy": f"http://user:{urllib.parse.quote(SECRET, safe='')}@127.0.0.1:9"}}, []),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
def test_no_secret_is_told(
    dataset: Any,
    run_dag: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    case: str,
    deferrable: bool,
) -> None:
    changes, faults = CASES[case]
    portal = dataset.portal
    connection = portal.connection | changes
    connection["extra"] = portal.connection["extra"] | changes.get("extra", {})
    monkeypatch.setenv("AIRFLOW_CONN_SOCRATA_DEFAULT", json.dumps(connection))
    for fault in faults:
        portal.admin.add_fault(**fault)
    if "proxy" in case:
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
    with caplog.at_level(logging.DEBUG):
        run = run_dag(publishing_dag(f"secrets_{case}", dataset, upsert(), deferrable=deferrable))
    assert (run.state == "success") == (case == "nothing")
    told = "".join(capfd.readouterr()) + caplog.text
    told += "".join(str(record.__dict__) for record in caplog.records)
    told += "".join(chain(error) for task in run.tasks.values() for error in task.exceptions)
    told += json.dumps([dict(task.xcoms) for task in run.tasks.values()], default=str)
    told += rendered(run) + json.dumps(records(), default=str)
    assert "p.create_working_copy" in told
    login = connection["login"] or ""
    for secret in {portal.password, portal.app_token, SECRET, TOKEN}:
        for form in forms(login, secret):
            assert form not in told
