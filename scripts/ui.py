"""A local Airflow with the example DAGs and the emulators, to look at: `make ui`. Ctrl-C ends all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import local_portal
from real_data import CACHE, fetch

HOME = CACHE / "ui"
PORT = os.environ.get("PORT", "8080")


def main() -> int:
    """Run them until interrupted."""
    data = fetch()
    HOME.mkdir(parents=True, exist_ok=True)
    with local_portal.running() as portal, local_portal.opendatasoft_running() as opendatasoft:
        local_portal.create_datasets(portal, data)
        opendatasoft.create_dataset(data)
        environment = local_portal.airflow_environment(HOME, portal, opendatasoft, data) | {
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": PORT,
            "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{PORT}",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{PORT}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        }
        print(f"Airflow: http://127.0.0.1:{PORT} in about half a minute, without sign-in")
        print(f"Socrata portal:      {portal.facts['url']}, user {portal.facts['username']}")
        print(f"Opendatasoft portal: {opendatasoft.facts['url']}, user {opendatasoft.facts['username']}")
        print(
            "First run socrata_airports_upsert with former='' and new = the former file: that fills it.",
            flush=True,
        )
        airflow = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"], env=environment, start_new_session=True
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        try:
            return airflow.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            if airflow.poll() is None:
                os.killpg(airflow.pid, signal.SIGTERM)
                airflow.wait(timeout=60)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
