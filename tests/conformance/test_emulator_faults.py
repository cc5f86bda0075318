"""Faults on demand: each kind, and which requests it hits."""

from __future__ import annotations

import socket
import threading
import time
from email.utils import parsedate_to_datetime

import pytest
import requests

from airflow_socrata.emulator.faults import KINDS


def upsert(api, dataset, rows=None):
    return api.upsert(dataset, rows or [{"stop_id": "n"}])


class TestBrokenConnections:
    def test_lost_reply_after_commit(self, api, admin, stops):
        admin.add_fault("lost_reply", "POST", "/resource/")
        with pytest.raises(requests.ConnectionError, match="without response"):
            upsert(api, stops)
        assert api.count(stops) == 4

    def test_reset_before_anything_is_done(self, api, admin, stops):
        admin.add_fault("reset_before", "POST")
        with pytest.raises(requests.ConnectionError):
            upsert(api, stops)
        assert api.count(stops) == 3

    def test_reset_in_the_middle_of_the_request_body(self, api, admin, stops):
        admin.add_fault("reset_request", "POST", after_bytes=70_000)
        rows = [{"stop_id": f"n{n}", "name": "x" * 1000} for n in range(5000)]
        with pytest.raises(requests.ConnectionError):
            upsert(api, stops, rows)
        assert api.count(stops) == 3

    def test_reset_in_the_middle_of_the_reply(self, api, admin, stops):
        admin.add_fault("reset_reply", "POST", after_bytes=5)
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            upsert(api, stops)
        assert api.count(stops) == 4

    def test_client_that_goes_away_while_it_sends_changes_nothing(self, portal, api, stops):
        """A killed task: the body never comes whole."""
        with socket.create_connection(("127.0.0.1", portal.port), timeout=10) as line:
            line.sendall(
                f"POST /resource/{stops}.json HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n".encode()
                + b'[{"stop_id": "n"}'
            )
        assert api.count(stops) == 3

    @pytest.mark.parametrize("kind", ["lost_reply", "reset_before", "reset_reply"])
    def test_over_tls(self, tls_portal, kind):
        tls_portal.admin.create_dataset("stop-2222", "S", ["stop_id"], "stop_id")
        tls_portal.admin.add_fault(kind, "POST")
        session = requests.Session()
        session.trust_env = False
        session.auth, session.verify = (tls_portal.username, tls_portal.password), tls_portal.ca_file
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            session.post(f"{tls_portal.url}/resource/stop-2222.json", json=[{"stop_id": "n"}], timeout=30)
        assert len(tls_portal.admin.rows("stop-2222")) == (0 if kind == "reset_before" else 1)


class TestErrors:
    @pytest.mark.parametrize(
        ("kind", "status", "part"),
        [
            ("throttled", 429, "too-many-requests"),
            ("locked", 409, "soda.dataset.cannot-acquire-write-lock"),
            ("internal", 500, "Internal error"),
            ("internal_error", 500, "internal-error"),
            ("out_of_sync", 500, "schema-out-of-sync"),
            ("bad_gateway", 502, "<html>"),
            ("unavailable", 503, ""),
            ("gateway_timeout", 504, "<html>"),
            ("error", 400, "invalid_request"),
        ],
    )
    def test_status_and_nothing_done(self, api, admin, stops, kind, status, part):
        admin.add_fault(kind, "POST", "/resource/")
        reply = upsert(api, stops)
        assert reply.status_code == status
        assert part in reply.text
        assert admin.state(stops)["rows"] == 3
        assert upsert(api, stops).status_code == 200

    @pytest.mark.parametrize("kind", ["internal_error", "bad_gateway", "throttled"])
    def test_error_after_commit(self, api, admin, stops, kind):
        admin.add_fault(kind, "POST", after_commit=True)
        assert upsert(api, stops).status_code in {429, 500, 502}
        assert admin.state(stops)["rows"] == 4

    def test_families(self, api, admin, stops):
        for family, key in (("core", "code"), ("soda", "errorCode")):
            admin.add_fault("error", status=418, code="tea.pot", message="short", family=family)
            reply = api.get("/api/views")
            assert (reply.status_code, reply.json()[key], reply.json()["message"]) == (
                418,
                "tea.pot",
                "short",
            )
        admin.add_fault("error", status=500, family="empty")
        assert api.get("/api/views").content == b""

    def test_web_servers_500(self, api, admin, stops):
        admin.add_fault("internal")
        reply = api.get("/api/views")
        assert reply.json() == {"error": True, "message": "Internal error", "status": 500}
        assert reply.headers["X-Error-Message"] == "Internal error"

    def test_retry_after(self, api, admin, stops):
        admin.add_fault("throttled")
        assert "Retry-After" not in api.get("/api/views").headers
        admin.add_fault("throttled", retry_after=7)
        assert api.get("/api/views").headers["Retry-After"] == "7"
        admin.add_fault("unavailable", retry_after="date")
        reply = api.get("/api/views")
        wait = parsedate_to_datetime(reply.headers["Retry-After"]) - parsedate_to_datetime(
            reply.headers["Date"]
        )
        assert wait.total_seconds() == pytest.approx(2, abs=1)

    @pytest.mark.parametrize("kind", ["empty_json", "not_json"])
    def test_json_that_is_none(self, api, admin, stops, kind):
        admin.add_fault(kind, "POST")
        reply = upsert(api, stops)
        assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
        with pytest.raises(requests.JSONDecodeError):
            reply.json()
        assert api.count(stops) == 4

    def test_accepted_on_other_calls(self, api, admin, stops):
        admin.add_fault("accepted", "POST", "/resource/", form="status")
        reply = upsert(api, stops)
        assert (reply.status_code, reply.json()["status"]) == (202, "queued")
        assert api.count(stops) == 4


class TestRows:
    def test_some_rows_of_a_batch_fail(self, api, admin, stops):
        admin.add_fault("row_errors", "POST", rows=2)
        done = upsert(api, stops, [{"stop_id": "n"}, {"stop_id": "a"}, {"stop_id": "m"}]).json()
        assert done == {"Rows Created": 1, "Rows Updated": 0, "Rows Deleted": 0, "Errors": 2}
        assert upsert(api, stops).json()["Errors"] == 0

    def test_person_opens_a_copy_just_before(self, api, admin, stops):
        admin.add_fault("person_copy", "POST", "method=|publication")
        reply = api.post(f"/api/views/{stops}/publication.json?method=copy").json()
        assert reply["tableAuthor"]["displayName"] == "Pat Person"
        assert len(admin.state(stops)["copies"]) == 2

    def test_person_opens_a_copy_just_after(self, api, admin, stops):
        admin.add_fault("person_copy", "GET", after=True)
        api.get(f"/api/views/{stops}")
        assert [copy["author"] for copy in admin.state(stops)["copies"]] == ["pub3-user", "per4-user"]

    def test_geocoding_becomes_pending(self, api, admin, stops):
        copy = api.open_copy(stops)
        admin.add_fault("pending_geocoding", "POST", f"{copy}/publication", view=2, total=9)
        assert api.publish(copy).status_code == 400
        assert api.get(f"/api/geocoding/{copy}?method=pending").json() == {"total": 9, "view": 2}


class TestSchedule:
    def test_skip_times_and_every(self, api, admin, stops):
        admin.add_fault("unavailable", "GET", "users/current", skip=1, times=2, every=2)
        seen = [api.get("/api/users/current").status_code for _ in range(8)]
        assert seen == [200, 503, 200, 503, 200, 200, 200, 200]
        rule = admin.faults()[0]
        assert (rule["seen"], rule["used"]) == (8, 2)
        admin.clear_faults()
        assert admin.faults() == []

    def test_only_matching_requests(self, api, admin, stops):
        admin.add_fault("unavailable", "POST", rf"/resource/{stops}", times=None)
        assert api.count(stops) == 3
        assert [upsert(api, stops).status_code for _ in range(3)] == [503] * 3

    def test_wrong_rules_are_refused(self, admin):
        for wrong, words in (
            ({"kind": "nonsense"}, "no fault kind"),
            ({"kind": "slow", "speed": 1}, "takes"),
            ({"kind": "slow", "path": "("}, "regular expression"),
            ({"kind": "slow", "every": 0}, "1 or more"),
        ):
            with pytest.raises(ValueError, match=words):
                admin.add_fault(**wrong)


class TestHold:
    @pytest.mark.parametrize(("point", "rows"), [("before", 3), ("before_commit", 3), ("after_commit", 4)])
    def test_request_waits_at_its_point(self, api, admin, stops, point, rows):
        hold = admin.hold("POST", "/resource/", point)
        done = []
        sender = threading.Thread(target=lambda: done.append(upsert(api, stops).status_code))
        sender.start()
        admin.wait_held(hold)
        assert done == []
        assert len(admin.rows(stops)) == rows
        admin.release(hold)
        sender.join(10)
        assert done == [200]
        assert len(admin.rows(stops)) == 4

    def test_waiting_for_nothing_times_out(self, admin):
        hold = admin.hold("POST", "/resource/")
        with pytest.raises(TimeoutError, match=hold):
            admin.wait_held(hold, timeout=0.05)

    def test_reset_lets_go_of_held_requests(self, api, admin, stops):
        hold = admin.hold("GET", "/resource/", times=None)
        done = []
        sender = threading.Thread(target=lambda: done.append(api.get(f"/resource/{stops}").status_code))
        sender.start()
        admin.wait_held(hold)
        admin.reset()
        sender.join(10)
        assert len(done) == 1


def test_slow_reply_comes_in_small_pieces(api, admin, stops):
    admin.add_fault("slow", chunk=200, pause=0.01)
    begun = time.monotonic()
    reply = api.get(f"/api/views/{stops}", headers={"Accept-Encoding": "identity"})
    assert reply.json()["id"] == stops
    assert time.monotonic() - begun >= 0.01 * (len(reply.content) // 200)


def test_every_kind_is_described():
    assert all(text.endswith(".") for _, text in KINDS.values())
