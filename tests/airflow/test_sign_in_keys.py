"""The command for API keys: made, rotated and deleted, and no connection is left without one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.connections import SIGNED_IN, add, fields_of, forget, says, signs_in, stored

from airflow_socrata.client import RetryBudget
from airflow_socrata.sign_in import keys

if TYPE_CHECKING:
    from airflow_socrata.emulator import Emulator


@pytest.fixture
def portal(tls_portal: Emulator) -> Emulator:
    return tls_portal


class TestKeys:
    @pytest.fixture
    def own(self, portal: Any) -> Any:
        """A connection in Airflow's database with an API key of its own."""
        add("socrata_default", **fields_of(portal))
        return portal

    def test_rotate_puts_a_new_key_in_and_deletes_the_old_one(self, own: Any, capsys: Any) -> None:
        assert keys.main(["rotate"]) == 0
        row = stored("socrata_default")
        assert row.login not in (None, own.username)
        assert row.extra_dejson["app_token"] == "emulator-app-token"
        assert signs_in("socrata_default") == SIGNED_IN
        assert keys.main(["list"]) == 0
        out, err = capsys.readouterr()
        assert [line.split("\t")[0] for line in out.splitlines()] == [row.login]
        assert row.password not in out + err
        assert keys.main(["list", "--deleted"]) == 0
        assert f"{own.username}\tkey of publisher" in capsys.readouterr().out

    def test_create_prints_the_connection_and_delete_ends_it(
        self, own: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert keys.main(["create", "second"]) == 0
        connection = json.loads(capsys.readouterr().out)
        monkeypatch.setenv("AIRFLOW_CONN_SECOND", json.dumps(connection))
        assert says("second") == (True, SIGNED_IN)
        assert keys.main(["create", "second"]) == 1
        assert "there is an API key of this name - choose another name" in capsys.readouterr().err
        assert keys.main(["delete", connection["login"]]) == 0
        assert not says("second")[0]
        assert stored("socrata_default").login == own.username

    def test_fields_that_a_form_left_empty_are_no_words(
        self, own: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        forget()
        extra = own.connection["extra"] | {"proxy": None, "read_timeout": 60, "note": {"by": "me"}}
        add("socrata_default", **{**fields_of(own), "extra": extra})
        for form in ("uri", "json"):
            assert keys.main(["create", form, "--format", form]) == 0
            monkeypatch.setenv("AIRFLOW_CONN_SECOND", capsys.readouterr().out.strip())
            assert says("second") == (True, SIGNED_IN), form
        assert keys.main(["create", "third", "--format", "env", "--conn-id", "socrata-default"]) == 1
        assert "third" not in capsys.readouterr().out

    def test_the_team_of_a_connection_stays(self, own: Any) -> None:
        from airflow.models.connection import Connection
        from airflow.utils.session import create_session

        if not hasattr(Connection, "team_name"):
            pytest.skip("this Airflow has no teams")
        from airflow.models.team import Team

        with create_session() as session:
            session.merge(Team(name="roads"))
            session.flush()
            session.query(Connection).update({"team_name": "roads"})
        connection = keys.PortalConnection(own.domain, own.port, "key", "secret")
        assert keys.write("socrata_default", connection) == "changed"
        assert stored("socrata_default").team_name == "roads"

    @pytest.mark.parametrize(
        ("fault", "more"),
        [("reset_before", {"times": None}), ("error", {"status": 401, "code": "no", "message": "not yet"})],
    )
    def test_a_new_key_that_does_not_sign_in_is_not_used(
        self, own: Any, fault: str, more: dict[str, Any], capsys: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("airflow_socrata.client.limiter.Limits.budget", RetryBudget(2, base=0.0))
        own.admin.add_fault(fault, "GET", "/api/users/current", **more)
        assert keys.main(["rotate"]) == 1
        own.admin.clear_faults()
        assert stored("socrata_default").login == own.username
        assert signs_in("socrata_default") == SIGNED_IN
        capsys.readouterr()
        assert keys.main(["list"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 1

    def test_a_connection_in_the_environment_is_not_rotated(
        self, own: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_SOCRATA_DEFAULT", own.connection_json)
        assert keys.main(["rotate"]) == 1
        assert "stands in AIRFLOW_CONN_SOCRATA_DEFAULT" in capsys.readouterr().err
        assert keys.main(["list"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 1

    @pytest.mark.parametrize("place", ["write", "remove_key"])
    def test_a_rotation_that_is_killed_leaves_a_key_that_is_good(
        self, own: Any, place: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(*given: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(keys, place, killed)
            assert keys.main(["rotate"]) == 130
        assert (stored("socrata_default").login == own.username) == (place == "write")
        assert signs_in("socrata_default") == SIGNED_IN
        assert keys.main(["rotate"]) == 0
        assert signs_in("socrata_default") == SIGNED_IN

    def test_a_connection_that_is_not_there(self, portal: Any, capsys: Any) -> None:
        assert keys.main(["list", "--conn-id", "nowhere"]) == 1
        assert "Airflow has no connection nowhere" in capsys.readouterr().err
