"""One client in a process of its own: upload a file in chunks, and print the peak of the process's memory.

``python upload_chunks.py WHO FILE PORT CA_FILE``; the process that starts it measures CPU and wall time of
all of it, interpreter and imports included.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from measuring import memory_mib


def with_us(path: Path, port: int, ca_file: str) -> None:
    """The client of this project."""
    from airflow_socrata.client import Credentials, PortalSession, PortalSettings, sources
    from airflow_socrata.client.uploading import upload_file

    settings = PortalSettings("localhost", port, credentials=Credentials("key", "secret"), verify=ca_file)
    with PortalSession(settings) as session:
        source = session.send(sources.unattached(path.name))
        if not upload_file(session, source, path, "text/csv").is_finished:
            raise SystemExit("the source is not finished")


def with_socrata_py(path: Path, port: int, ca_file: str) -> None:
    """The way of its documentation."""
    from socrata import Socrata
    from socrata.authorization import Authorization

    authorization = Authorization(f"localhost:{port}", "key", "secret")
    authorization.verify = ca_file
    source = Socrata(authorization).sources.create_upload(path.name)
    with path.open("rb") as file:
        source.csv(file)


def main() -> None:
    who, path, port, ca_file = sys.argv[1:]
    (with_us if who == "us" else with_socrata_py)(Path(path), int(port), ca_file)
    print(json.dumps({"peak_mib": memory_mib()}))


if __name__ == "__main__":
    main()
