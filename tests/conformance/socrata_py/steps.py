"""Steps that the tests of socrata-py share. Nothing here waits: looks at the portal follow each other."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from socrata.job import Job
    from socrata.output_schema import OutputSchema
    from socrata.revisions import Revision
    from socrata.sources import Source

    from airflow_socrata.emulator import Emulator

CSV = b"stop_id,name,riders\na,Alder Street,11\nc,Cedar,30\n"


class Portal:
    """Plain calls to the portal, to see what socrata-py's calls have done."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.admin = emulator.admin
        self.domain = f"{emulator.domain}:{emulator.port}"
        self.session = requests.Session()
        self.session.verify = str(emulator.ca_file)
        self.session.auth = (emulator.username, emulator.password)

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, f"https://{self.domain}{path}", timeout=30, **more)

    def rows(self, dataset: str, **params: Any) -> list[dict[str, Any]]:
        """Return what readers see."""
        reply = self.call("GET", f"/resource/{dataset}.json", params=params)
        assert reply.status_code == 200, reply.text
        return list(reply.json())

    def view(self, dataset: str) -> dict[str, Any]:
        reply = self.call("GET", f"/api/views/{dataset}.json")
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def stranger_sees(self, dataset: str) -> bool:
        address = f"https://{self.domain}/resource/{dataset}.json"
        return requests.get(address, verify=str(self.emulator.ca_file), timeout=30).status_code == 200

    def requests(self, method: str, path: str) -> list[dict[str, Any]]:
        """Return the logged requests whose path has ``path`` in it."""
        return [seen for seen in self.admin.requests() if seen["method"] == method and path in seen["path"]]


def schema_of(source: Source) -> OutputSchema:
    source.wait_for_finish(sleeptime=0)
    schema = source.get_latest_input_schema().get_latest_output_schema()
    return schema.wait_for_finish(sleeptime=0)


def upload(
    revision: Revision, data: bytes = CSV, kind: str = "csv", parse_options: dict[str, Any] | None = None
) -> OutputSchema:
    source = revision.create_upload(f"stops.{kind}", parse_options or {})
    return schema_of(getattr(source, kind)(io.BytesIO(data)))


def apply(revision: Revision, schema: OutputSchema | None = None) -> Job:
    """Apply and see it succeed; the state itself is asked for, as socrata-py does not."""
    job = revision.apply(output_schema=schema)
    job.wait_for_finish(sleeptime=0)
    assert job.attributes["status"] == "successful", job.attributes["log"]
    return job


def expressions(schema: OutputSchema) -> dict[str, str]:
    columns = sorted(schema.attributes["output_columns"], key=lambda column: column["position"])
    return {column["field_name"]: column["transform"]["transform_expr"] for column in columns}


def stages(job: Job) -> list[str]:
    return [line["stage"] for line in job.attributes["log"]]
