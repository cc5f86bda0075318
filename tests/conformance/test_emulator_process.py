"""The emulator as a product: command, object, fixtures, orders, switches, documentation."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import requests

import airflow_socrata.emulator as package
from airflow_socrata.emulator import Emulator, EmulatorAdmin
from airflow_socrata.emulator.edge.admin import ORDERS
from airflow_socrata.emulator.faults import KINDS
from airflow_socrata.emulator.settings import Switches

FOLDER = Path(package.__file__).parent
DOCS = Path(__file__).parents[2] / "docs" / "emulator.md"
# Other processes find the package that this one tests, installed or not.
PACKAGES = str(FOLDER.parents[1])
COMMAND = [sys.executable, "-m", "airflow_socrata.emulator"]


def environment(*folders):
    path = os.pathsep.join([*map(str, folders), PACKAGES, *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def run(command, *folders, **more):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env=environment(*folders), **more
    )


def start(*arguments):
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    return process, process.stdout.readline()


def finish(process, number=signal.SIGTERM):
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


class TestCommand:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_json_is_one_line_and_the_stop_is_clean(self, number, tmp_path, monkeypatch):
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        process, line = start("--json", "--tls", "--host", "127.0.0.1")
        facts = json.loads(line)
        assert set(facts) == {"url", "domain", "username", "password", "app_token", "ca_file"}
        assert facts["url"].startswith("https://localhost:")
        reply = requests.get(
            f"{facts['url']}/api/users/current.json",
            auth=(facts["username"], facts["password"]),
            headers={"X-App-Token": facts["app_token"]},
            verify=facts["ca_file"],
            timeout=30,
        )
        assert reply.json()["displayName"] == "Publishing Job"
        EmulatorAdmin(facts["url"], facts["ca_file"]).create_dataset("aaaa-2222", "A", ["a"])
        status, out, err = finish(process, number)
        assert (status, out, err) == (0, "", "")
        assert list(tmp_path.iterdir()) == []

    def test_text_shows_a_connection(self):
        process, line = start()
        try:
            assert line.startswith("Socrata emulator at http://127.0.0.1:")
            shown = next(each for each in process.stdout if "AIRFLOW_CONN_" in each)
        finally:
            finish(process)
        connection = json.loads(shown.partition("=")[2].strip().strip("'"))
        assert (connection["conn_type"], connection["login"]) == ("socrata", "publisher-key")

    def test_switches_and_back_end(self):
        process, line = start(
            "--json", "--backend", "old", "--set", "existing_copy=conflict", "--set", "approvals=true"
        )
        try:
            switches = EmulatorAdmin(json.loads(line)["url"]).info()["switches"]
        finally:
            finish(process)
        assert (switches["backend"], switches["existing_copy"], switches["approvals"]) == (
            "old",
            "conflict",
            True,
        )

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--set", "nonsense=1"], "no switch 'nonsense'"),
            (["--set", "backend=middle"], "'middle' is none of new, old"),
            (["--host", "203.0.113.9"], "cannot start the emulator on 203.0.113.9"),
        ],
    )
    def test_wrong_arguments_are_one_clear_line(self, arguments, words):
        done = run([*COMMAND, "--port", "0", *arguments])
        assert done.returncode == 2
        assert words in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1

    def test_port_that_is_taken(self, portal):
        done = run([*COMMAND, "--port", str(portal.port)])
        assert done.returncode == 2
        assert f"127.0.0.1:{portal.port}" in done.stderr

    def test_missing_extra_is_one_clear_line(self, tmp_path):
        """A file that hides uvicorn stands for an environment without the extra."""
        (tmp_path / "uvicorn.py").write_text("raise ModuleNotFoundError('gone', name='uvicorn')")
        done = run([*COMMAND, "--json"], tmp_path)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.splitlines() == [
            "the emulator needs the extra 'emulator': pip install 'airflow-provider-socrata[emulator]'"
            " (no module named uvicorn)"
        ]


class TestObject:
    def test_starts_and_stops_many_times(self):
        for _ in range(3):
            with Emulator(seed=5) as emulator:
                made = emulator.admin.create_dataset(columns=["a"])
                assert emulator.admin.state(made["id"])["stage"] == "published"
            with pytest.raises(OSError, match="refused"):
                emulator.admin.info()

    def test_other_addresses(self):
        try:
            emulator = Emulator(host="::1")
        except OSError:
            pytest.skip("this machine has no IPv6")
        with emulator:
            assert emulator.url == f"http://[::1]:{emulator.port}"
            assert emulator.admin.datasets() == []

    def test_seed_repeats_the_ids(self):
        made = []
        for _ in range(2):
            with Emulator(seed=5) as emulator:
                made.append(emulator.admin.create_dataset(columns=["a"])["id"])
        assert made[0] == made[1]

    def test_connection(self, portal, tls_portal):
        assert portal.connection == {
            "conn_type": "socrata",
            "host": "127.0.0.1",
            "port": portal.port,
            "login": "publisher-key",
            "password": "publisher-secret",
            "schema": "http",
            "extra": {"app_token": "emulator-app-token", "verify": True},
        }
        assert tls_portal.connection["schema"] == "https"
        assert tls_portal.connection["host"] == "localhost"
        assert tls_portal.connection["extra"]["verify"] == tls_portal.ca_file

    def test_certificate_is_checked_by_its_authority_alone(self, tls_portal):
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(tls_portal.url, timeout=30)
        context = ssl.create_default_context(cafile=tls_portal.ca_file)
        # Strict checking, the default from Python 3.13 on, takes the certificate too.
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        import http.client

        for host in ("localhost", "127.0.0.1"):
            line = http.client.HTTPSConnection(host, tls_portal.port, context=context, timeout=30)
            line.request("GET", "/api/users/current")
            assert line.getresponse().status == 403
            line.close()

    def test_unknown_switch(self):
        with pytest.raises(ValueError, match="no switch 'colour'"):
            Emulator(colour="blue")

    def test_reset_forgets_everything(self, admin, api, stops):
        admin.settings(approvals=True)
        admin.advance(1000)
        admin.add_fault("unavailable", times=None)
        admin.set_rights(stops, "publisher", [])
        admin.reset()
        assert admin.datasets() == admin.faults() == []
        assert admin.info()["switches"]["approvals"] is False
        assert api.get(f"/api/views/{stops}").status_code == 404
        assert api.get("/api/users/current").status_code == 200


def test_fixtures_in_a_users_project(tmp_path):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["airflow_socrata.emulator.pytest_plugin"]\n')
    (tmp_path / "test_it.py").write_text(
        "def test_first(socrata_emulator):\n"
        "    socrata_emulator.admin.create_dataset('aaaa-2222', 'A', ['a'])\n"
        "    assert len(socrata_emulator.admin.datasets()) == 1\n"
        "def test_second(socrata_emulator, socrata_emulator_server):\n"
        "    assert socrata_emulator is socrata_emulator_server\n"
        "    assert socrata_emulator.admin.datasets() == []\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = run(command, cwd=tmp_path)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


class TestOrders:
    def test_every_order_is_a_method(self):
        named = {"switches": "settings"}
        for name in ORDERS:
            assert hasattr(EmulatorAdmin, named.get(name, name)), name

    @pytest.mark.parametrize(
        ("order", "words"),
        [
            (lambda admin: admin.state("none-2222"), "no dataset none-2222"),
            (lambda admin: admin.create_dataset("nonsense", "N"), "no 4x4"),
            (lambda admin: admin.create_dataset(columns=[["a", "nonsense"]]), "Unknown data type"),
            (lambda admin: admin.create_dataset(columns=["a"], backend="middle"), "neither new nor old"),
            (lambda admin: admin.create_dataset(columns=["a"], rows=[{"b": 1}]), "Illegal field name"),
            (lambda admin: admin.open_working_copy_as("nobody", "none-2222"), "no account 'nobody'"),
            (lambda admin: admin.settings(existing_copy="maybe"), "'maybe' is none of return, conflict"),
            (lambda admin: admin.settings(approvals="maybe"), "'maybe' is not bool"),
            (lambda admin: admin.advance(-1), "cannot go back"),
            (lambda admin: admin.order("nonsense"), "no order nonsense"),
        ],
    )
    def test_orders_that_make_no_sense(self, admin, order, words):
        with pytest.raises(ValueError, match=words):
            order(admin)

    def test_rows_written_by_somebody_else(self, admin, api, stops):
        admin.write_rows(stops, [{"stop_id": "n"}])
        assert api.count(stops) == 4

    def test_state_tells_the_mark_of_each_copy(self, admin, api, stops):
        copy = api.open_copy(stops)
        api.put(f"/api/views/{copy}", json={"privateMetadata": {"run": "7"}})
        state = admin.state(copy)
        assert (state["id"], state["stage"], state["published"]) == (copy, "unpublished", stops)
        assert [(each["id"], each["rows"], each["mark"]) for each in state["copies"]] == [
            (stops, 3, {}),
            (copy, 3, {"run": "7"}),
        ]


class TestSource:
    def test_knows_nothing_of_the_client(self):
        rooms = {"client", "records", "publication", "hooks", "operators", "sensors", "triggers", "links"}
        for file in FOLDER.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                for name in names:
                    parts = name.split(".")
                    assert parts[0] != "airflow", file
                    assert not (parts[0] == "airflow_socrata" and len(parts) > 1 and parts[1] in rooms), file

    def test_importing_it_does_not_import_airflow_or_the_server(self):
        heavy = "('airflow', 'starlette', 'uvicorn', 'sqlglot')"
        code = f"import sys, airflow_socrata.emulator; print([m for m in {heavy} if m in sys.modules])"
        done = run([sys.executable, "-c", code])
        assert done.stdout.strip() == "[]"


class TestDocumentation:
    """Every switch, fault and order is in docs/emulator.md, with its mark and its default."""

    def test_switches(self):
        text = DOCS.read_text()
        for entry in dataclasses.fields(Switches):
            default = getattr(Switches(), entry.name)
            shown = str(default).lower() if isinstance(default, bool) else str(default)
            line = f"| `{entry.name}` | `{shown}` | {entry.metadata['mark']} | {entry.metadata['text']} |"
            assert line in text, line

    def test_faults(self):
        text = DOCS.read_text()
        for kind, (args, meaning) in KINDS.items():
            shown = ", ".join(f"`{name}={value!r}`" for name, value in args.items())
            line = f"| `{kind}` | {shown} | {meaning} |"
            assert line in text, line

    def test_orders(self):
        text = DOCS.read_text()
        for name in ORDERS:
            assert f"`{'settings' if name == 'switches' else name}(" in text, name
