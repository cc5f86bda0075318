"""The connection, written as JSON, URI and environment variable, and what *Test connection* says of it."""

from __future__ import annotations

import json
import socket
import threading
import urllib.parse
from typing import TYPE_CHECKING, Any

import pytest

from airflow_socrata.client.limiter import Limits
from airflow_socrata.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def secure() -> Iterator[Emulator]:
    """A portal that speaks HTTPS with a certificate of its own authority."""
    with Emulator(tls=True) as emulator:
        yield emulator


def says(monkeypatch: pytest.MonkeyPatch, connection: Any) -> tuple[bool, str]:
    """What *Test connection* says of a connection in the environment."""
    from airflow_socrata.hooks.socrata import SocrataHook

    text = connection if isinstance(connection, str) else json.dumps(connection)
    monkeypatch.setenv("AIRFLOW_CONN_TESTED", text)
    ok, sentence = SocrataHook("tested").test_connection()
    assert "\n" not in sentence
    return ok, sentence


def changed(portal: Any, **changes: Any) -> dict[str, Any]:
    """The portal's connection with some fields changed; ``extra`` is merged."""
    connection = portal.connection
    extra = connection["extra"] | changes.pop("extra", {})
    return connection | changes | {"extra": extra}


def test_it_says_who_you_are_and_where(portal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert says(monkeypatch, portal.connection) == (True, "Signed in as Publishing Job on 127.0.0.1")


def test_an_access_token_signs_in(portal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = changed(portal, login=None, password=None, extra={"access_token": portal.access_token})
    assert says(monkeypatch, connection)[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"login": None, "password": None}, "no credentials"),
        ({"login": "", "password": ""}, "no credentials"),
        ({"password": None}, "secret (or password) is missing"),
        ({"login": None}, "API key id (or user name) is missing"),
        ({"password": "wrong-secret"}, "check the API key id and its secret"),
        ({"extra": {"app_token": "unknown-token"}}, "does not know the app token"),
        ({"host": "nowhere.invalid", "schema": "https"}, "does not resolve: check the domain"),
        ({"host": "data.example.gov", "schema": "http"}, "portals speak https"),
        ({"host": "https://data.example.gov/d"}, "not a domain"),
        ({"host": ""}, "no host"),
        ({"schema": "https"}, "does not speak https"),
        ({"schema": "ftp"}, "use https"),
        ({"extra": {"read_timeout": "soon"}}, "read_timeout"),
        ({"extra": {"connect_timeout": -1}}, "connect_timeout"),
        ({"extra": {"concurrent_requests": "2.5"}}, "concurrent_requests is '2.5'"),
        ({"extra": {"requests_per_second": "many"}}, "requests_per_second is 'many'"),
        ({"extra": {"requests_per_second": 0}}, "requests_per_second is 0"),
        ({"extra": {"longest_wait": "inf"}}, "longest_wait is 'inf'"),
        ({"extra": {"verify": "/no/such/bundle.pem"}, "schema": "https"}, "/no/such/bundle.pem"),
        ({"extra": {"proxy": "socks://user:hidden@proxy"}}, "proxy must be a URL"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    portal: Any, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], words: str
) -> None:
    ok, sentence = says(monkeypatch, changed(portal, **changes))
    assert not ok
    assert words in sentence
    assert sentence[0].isupper() or sentence[0] == "'"
    assert sentence.endswith(".")
    for secret in (portal.password, "wrong-secret", "unknown-token", "hidden"):
        assert secret not in sentence


def test_what_is_no_portal_is_told(portal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    portal.admin.add_fault("error", "GET", "/api/users/current", status=404, family="html", times=None)
    assert says(monkeypatch, portal.connection) == (
        False,
        "What answers at this domain is not a Socrata portal: check the domain of the connection.",
    )


def test_a_port_where_nobody_listens(portal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        ok, sentence = says(monkeypatch, changed(portal, port=free.getsockname()[1]))
    assert not ok
    assert "refused" in sentence or "port" in sentence


def test_a_connection_that_is_not_there(monkeypatch: pytest.MonkeyPatch, portal: Any) -> None:
    from airflow_socrata.hooks.socrata import SocrataHook

    ok, sentence = SocrataHook("nobody_made_it").test_connection()
    assert not ok
    assert sentence.startswith("The connection could not be read")


@pytest.mark.parametrize("verify", ["path", False, "false", "False", "off", "0"])
def test_verify_as_path_and_off(secure: Emulator, monkeypatch: pytest.MonkeyPatch, verify: Any) -> None:
    extra = {"verify": secure.ca_file if verify == "path" else verify}
    assert says(monkeypatch, changed(secure, extra=extra)) == (
        True,
        "Signed in as Publishing Job on localhost",
    )


@pytest.mark.parametrize("verify", [True, "true", "on", "1", None, ""])
def test_verify_is_on_unless_told(secure: Emulator, monkeypatch: pytest.MonkeyPatch, verify: Any) -> None:
    ok, sentence = says(monkeypatch, changed(secure, extra={"verify": verify}))
    assert not ok
    assert "certificate of the portal is not trusted" in sentence


def settings(monkeypatch: pytest.MonkeyPatch, text: str) -> Any:
    from airflow_socrata.hooks.socrata import SocrataHook

    monkeypatch.setenv("AIRFLOW_CONN_TESTED", text)
    return SocrataHook("tested").settings()


def test_a_uri(portal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = (
        f"socrata://{portal.username}:{urllib.parse.quote('s/e:c@ret', safe='')}@127.0.0.1:{portal.port}/http"
        "?app_token=token-1&connect_timeout=3&read_timeout=7&verify=false"
        "&concurrent_requests=4&requests_per_second=0.5&longest_wait=900"
    )
    found = settings(monkeypatch, uri)
    assert found.base_url == portal.url
    assert found.credentials.user == portal.username
    assert found.credentials.secret == "s/e:c@ret"
    assert found.credentials.app_token == "token-1"
    assert (found.connect_timeout, found.read_timeout, found.verify) == (3.0, 7.0, False)
    assert found.limits == Limits(concurrent=4, per_second=0.5, longest_wait=900.0)


def test_a_uri_of_a_domain_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(monkeypatch, "socrata://id:secret@data.example.gov")
    assert found.base_url == "https://data.example.gov"
    assert found.port == 443
    assert found.verify is True


def test_null_extras_are_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """The form of Airflow 3 stores what was left empty as null."""
    names = ("app_token", "access_token", "verify", "proxy", "connect_timeout", "read_timeout")
    names += ("concurrent_requests", "requests_per_second", "longest_wait")
    connection = {
        "conn_type": "socrata",
        "host": "data.example.gov",
        "login": "id",
        "password": "secret",
        "port": None,
        "schema": None,
        "extra": dict.fromkeys(names),
    }
    found = settings(monkeypatch, json.dumps(connection))
    assert found.port == 443
    assert found.scheme == "https"
    assert found.verify is True
    assert (found.connect_timeout, found.read_timeout) == (5.0, 600.0)
    assert found.limits == Limits()
    assert found.credentials.app_token is None
    assert found.proxy is None


def test_nothing_is_sent_when_a_session_is_made(portal: Any) -> None:
    from airflow_socrata.hooks.socrata import SocrataHook

    with SocrataHook().get_conn():
        pass
    assert portal.admin.requests() == []


# --- credentials stay with the portal ---


@pytest.fixture
def stranger() -> Iterator[Any]:
    """Another host: notes the head of every request that it is sent, and answers with JSON."""
    heads: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                heads.append(client.recv(65536))
                client.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                )

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1], heads
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


@pytest.fixture
def redirecting(stranger: Any) -> Iterator[int]:
    """A portal that sends everybody to the other host."""
    target, _ = stranger
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                client.recv(65536)
                client.sendall(
                    f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{target}/api/users/current.json\r\n"
                    "Content-Length: 0\r\n\r\n".encode()
                )

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


def test_a_redirect_to_another_host_is_not_followed(
    portal: Any, redirecting: int, stranger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok, _ = says(monkeypatch, changed(portal, port=redirecting))
    assert not ok
    assert stranger[1] == []


def test_netrc_is_not_asked(portal: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {portal.username} password {portal.password}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    ok, sentence = says(monkeypatch, changed(portal, login=None, password=None))
    assert not ok
    assert "no credentials" in sentence
