"""The commands: a person signs in with a browser, and the connection that comes of it signs DAGs in."""

from __future__ import annotations

import io
import json
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from portal_harness.browsers import press
from portal_harness.connections import SIGNED_IN, add, forget, says, signs_in, stored

from airflow_socrata.sign_in import __main__ as sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_socrata.emulator import Emulator

SECRET = "emulator-app-secret"


@pytest.fixture
def portal(tls_portal: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    monkeypatch.setenv("SOCRATA_CLIENT_SECRET", SECRET)
    return tls_portal


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Person:
    """Sits at the browser that the command opens."""

    def __init__(self, portal: Emulator, choice: str = "allow") -> None:
        self.portal, self.choice = portal, choice
        self.pages: list[requests.Response] = []
        self.before: Callable[[str], None] = lambda callback: None
        self._thread: threading.Thread | None = None

    def open(self, address: str) -> bool:
        self._thread = threading.Thread(target=self._sit, args=(address,))
        self._thread.start()
        return True

    def _sit(self, address: str) -> None:
        self.before(parse_qs(urlsplit(address).query)["redirect_uri"][0])
        self.get(press(address, self.choice, verify=self.portal.ca_file))

    def get(self, address: str) -> requests.Response:
        page = requests.get(address, verify=False, timeout=10)
        self.pages.append(page)
        return page

    def leave(self) -> None:
        if self._thread is not None:
            self._thread.join(timeout=20)


@pytest.fixture
def person(portal: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    sitting = Person(portal)
    monkeypatch.setattr(sign_in.webbrowser, "open", sitting.open)
    yield sitting
    sitting.leave()


def arguments(portal: Emulator, *more: str) -> list[str]:
    return [
        portal.domain,
        *("--port", str(portal.port), "--verify", str(portal.ca_file), "--client-id", "emulator-app-token"),
        *("--redirect-uri", f"https://localhost:{free_port()}/callback"),
        *more,
    ]


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
class TestSignIn:
    @pytest.mark.parametrize("form", ["json", "uri", "env"])
    def test_allow_prints_a_connection_that_signs_in(
        self, portal: Any, person: Person, form: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert sign_in.main(arguments(portal, "--format", form, "--conn-id", "my_portal")) == 0
        out, err = capsys.readouterr()
        line = out.strip()
        if form == "env":
            assert line.startswith("export AIRFLOW_CONN_MY_PORTAL='{")
            line = line.partition("='")[2].removesuffix("'")
        monkeypatch.setenv("AIRFLOW_CONN_MY_PORTAL", line)
        assert says("my_portal") == (True, SIGNED_IN)
        assert "signed in as Publishing Job on localhost" in err
        person.leave()
        assert "The command goes on by itself" in person.pages[0].text
        tokens = [token for token in portal.portal.sign_ins.tokens if not token.endswith("-token")]
        assert len(tokens) == 1
        assert tokens[0] in out
        for secret in (*tokens, SECRET):
            assert secret not in err

    def test_allow_writes_the_connection_into_airflow_and_again(
        self, portal: Any, person: Person, capsys: Any
    ) -> None:
        assert sign_in.main(arguments(portal, "--write")) == 0
        assert signs_in("socrata_default") == SIGNED_IN
        first = stored("socrata_default")
        forget()
        former = first.extra_dejson | {"read_timeout": 60}
        add("socrata_default", host="localhost", port=portal.port, login="old", password="old", extra=former)
        portal.admin.revoke_token(first.extra_dejson["access_token"])
        assert sign_in.main(arguments(portal, "--write")) == 0
        assert signs_in("socrata_default") == SIGNED_IN
        row = stored("socrata_default")
        assert (row.login, row.password, row.extra_dejson["read_timeout"]) == (None, None, 60)
        assert row.extra_dejson["access_token"] != first.extra_dejson["access_token"]
        out, err = capsys.readouterr()
        assert out == ""
        assert ("connection socrata_default added" in err, "socrata_default changed" in err) == (True, True)

    def test_deny_leaves_everything_as_it_was(self, portal: Any, person: Person, capsys: Any) -> None:
        person.choice = "deny"
        assert sign_in.main(arguments(portal, "--write")) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert "the portal did not allow it: access_denied - sign in again, and press Allow" in err
        assert stored("socrata_default") is None
        person.leave()
        assert "Not signed in" in person.pages[0].text

    def test_what_is_not_the_portals_answer_is_told_so_and_waited_on(
        self, portal: Any, person: Person, capsys: Any
    ) -> None:
        def mischief(callback: str) -> None:
            assert person.get(f"{callback}?code=made-up&state=made-up").status_code == 400
            assert person.get(f"{callback}?error=access_denied&state=made-up").status_code == 400
            assert person.get(callback.replace("/callback", "/favicon.ico")).status_code == 404
            place = urlsplit(callback)
            idle = socket.create_connection((place.hostname, place.port))  # says nothing, holds up nobody
            with pytest.raises(ssl.SSLError):  # a browser that does not trust the certificate yet
                ssl.create_default_context().wrap_socket(
                    socket.create_connection((place.hostname, place.port)), server_hostname="localhost"
                )
            self.idle = idle

        person.before = mischief
        assert sign_in.main(arguments(portal)) == 0
        self.idle.close()
        assert json.loads(capsys.readouterr().out)["extra"]["access_token"]

    def test_nobody_comes(self, portal: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        monkeypatch.setattr(sign_in.webbrowser, "open", lambda address: False)
        assert sign_in.main(arguments(portal, "--timeout", "0.1")) == 1
        err = capsys.readouterr().err
        assert "no browser could be opened: open the address yourself" in err
        assert "no browser came back within 0 s - press Allow" in err

    @pytest.mark.parametrize("what", ["address", "code"])
    def test_an_address_or_a_code_may_be_pasted(
        self, portal: Any, what: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        pasted = io.StringIO()

        def browser(address: str) -> bool:
            back = press(address, verify=portal.ca_file)
            pasted.write((back if what == "address" else parse_qs(urlsplit(back).query)["code"][0]) + "\n")
            pasted.seek(0)
            return True

        monkeypatch.setattr(sign_in.webbrowser, "open", browser)
        monkeypatch.setattr("sys.stdin", pasted)
        more = ("--paste", "--redirect-uri", "https://localhost/elsewhere")
        assert sign_in.main(arguments(portal, *more)) == 0
        assert json.loads(capsys.readouterr().out)["extra"]["access_token"]

    @pytest.mark.parametrize(
        ("pasted", "words"),
        [
            ("", "nothing was pasted"),
            ("https://localhost/callback?code=c&state=other", "belongs to another sign-in"),
            ("https://elsewhere.example/?code=c", "not an address that begins with"),
            ("made-up-code", "The code is unknown, used or expired"),
        ],
    )
    def test_what_is_pasted_is_checked(
        self, portal: Any, pasted: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(pasted))
        more = ("--paste", "--no-browser", "--redirect-uri", "https://localhost/callback")
        assert sign_in.main(arguments(portal, *more)) == 1
        assert words in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("more", "words"),
        [
            (["--conn-id", "no spaces"], "is no connection id"),
            (["--conn-id", "my-portal", "--format", "env"], "no shell can set AIRFLOW_CONN_MY-PORTAL"),
            (["--timeout", "-1"], "--timeout -1.0 is not between"),
            (["--timeout", "nan"], "--timeout nan is not between"),
            (["--redirect-uri", "http://localhost/"], "absolute https address"),
            (["--redirect-uri", "https://airflow.example.gov/callback"], "--paste"),
            (["--client-secret-file", "/nowhere/at/all"], "cannot read /nowhere/at/all"),
            (["--verify", "/nowhere/at/all.pem"], "/nowhere/at/all.pem"),
        ],
    )
    def test_what_cannot_work_is_said_before_a_browser_opens(
        self, portal: Any, person: Person, more: list[str], words: str, capsys: Any
    ) -> None:
        assert sign_in.main(arguments(portal, *more)) == 1
        err = capsys.readouterr().err
        assert words in err
        assert len(err.strip().splitlines()) == 1
        assert person._thread is None

    def test_no_secret_no_browser(
        self, portal: Any, person: Person, capsys: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.delenv("SOCRATA_CLIENT_SECRET")
        monkeypatch.setattr("sys.stdin", io.StringIO())
        assert sign_in.main(arguments(portal)) == 1
        assert "the client secret is missing: set SOCRATA_CLIENT_SECRET" in capsys.readouterr().err
        file = tmp_path / "secret"
        file.write_text("wrong-secret\n")
        assert sign_in.main(arguments(portal, "--client-secret-file", str(file))) == 1
        err = capsys.readouterr().err
        assert "check the application's client id and client secret" in err
        assert "wrong-secret" not in err

    def test_a_port_that_is_taken_is_named(self, portal: Any, person: Person, capsys: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"https://localhost:{taken.getsockname()[1]}/callback"
            assert sign_in.main(arguments(portal, "--redirect-uri", address)) == 1
        assert f"cannot listen at {address}" in capsys.readouterr().err

    def test_a_connection_of_another_portal_is_not_taken(
        self, portal: Any, person: Person, capsys: Any
    ) -> None:
        add("socrata_default", host="data.example.gov", port=443)
        assert sign_in.main(arguments(portal, "--write")) == 1
        assert "is there, of type socrata for data.example.gov: choose another" in capsys.readouterr().err
        assert person._thread is None
        assert stored("socrata_default").host == "data.example.gov"


@pytest.mark.parametrize("answer", ["refuse", "anonymous"])
def test_a_task_whose_token_was_revoked_fails_at_once_and_says_what_to_do(
    portal: Any, answer: str, run_dag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.providers.common.compat.sdk import DAG

    from airflow_socrata.operators.socrata import SocrataCreateWorkingCopyOperator

    portal.admin.create_dataset("stop-2222", columns=["stop_id"])
    connection = dict(portal.connection, login=None, password=None)
    connection["extra"] |= {"access_token": "publisher-token"}
    monkeypatch.setenv("AIRFLOW_CONN_SOCRATA_DEFAULT", json.dumps(connection))
    portal.admin.settings(bad_token=answer)
    portal.admin.revoke_token("publisher-token")
    with DAG("token_revoked", schedule=None) as dag:
        SocrataCreateWorkingCopyOperator(task_id="task", dataset="stop-2222", retries=2)
    task = run_dag(dag).task("task")
    assert (task.state, task.tries) == ("failed", 1)
    words = str(task.exceptions[-1])
    assert "sign in again with python -m airflow_socrata.sign_in" in words
    assert "publisher-token" not in words
