"""A walk through every DSMAPI call by plain HTTP, following links; each exchange is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from contract.checks import Exchange, exchange

if TYPE_CHECKING:
    from airflow_socrata.emulator import Emulator

CSV = b"id,taken,celsius,note\n1,2026-05-01,20,fine\n2,2026-05-02,warm,fine\n3,2026-05-03,-5,cold\n"
RAGGED = b"id,note\n1,fine\n2\n3,cold,extra\n"
BASE = "/api/publishing/v1"
Links = dict[str, Any]


class Recorder:
    """Calls to one portal; keeps those that are DSMAPI's."""

    def __init__(self, portal: Emulator) -> None:
        self.portal = portal
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (portal.username, portal.password)
        self.seen: list[Exchange] = []

    def reply(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, self.portal.url + path, timeout=30, **more)

    def call(self, method: str, path: str, **more: Any) -> Any:
        reply = self.reply(method, path, **more)
        asked = reply.request
        address = urlsplit(asked.url or "")
        body = asked.body or b""
        kept = exchange(
            method,
            str(address.path),
            str(address.query),
            body.encode() if isinstance(body, str) else body,
            asked.headers.get("Content-Type"),
            reply.status_code,
            reply.content,
            reply.headers.get("Content-Type"),
        )
        self.seen.append(kept)
        assert reply.ok, f"{method} {path}: {reply.status_code} {reply.text[:500]}"
        return reply.json() if "json" in reply.headers["Content-Type"] else reply.content

    def get(self, path: str, **more: Any) -> Any:
        return self.call("GET", path, **more)

    def post(self, path: str, **more: Any) -> Any:
        return self.call("POST", path, **more)

    def put(self, path: str, **more: Any) -> Any:
        return self.call("PUT", path, **more)

    # Steps that several walks need.

    def new_dataset(self, name: str, **more: Any) -> Links:
        action = {"type": "update", "permission": "private"}
        made = self.post(f"{BASE}/revision", json={"metadata": {"name": name}, "action": action}, **more)
        return dict(made)

    def new_revision(self, dataset: str, action: str = "replace") -> Links:
        return dict(self.post(f"{BASE}/revision/{dataset}", json={"action": {"type": action}}))

    def upload(self, revision: Links, data: bytes = CSV) -> Links:
        kind = {"type": "upload", "filename": "readings.csv"}
        source = self.post(
            revision["links"]["create_source"], json={"source_type": kind, "parse_options": {}}
        )
        self.post(source["links"]["bytes"], data=data, headers={"Content-Type": "text/csv"})
        return dict(self.get(source["links"]["show"]))

    def apply(self, revision: Links, body: Links | None = None) -> Links:
        task_set = self.put(revision["links"]["apply"], json=body or {})
        for _ in range(20):
            if task_set["resource"]["finished_at"]:
                break
            task_set = self.get(task_set["links"]["show"])
        assert task_set["resource"]["status"] == "successful", task_set
        return dict(task_set)


def in_chunks(portal: Recorder) -> None:
    revision = portal.new_dataset("In chunks", params={"deleted_at": "2100-01-01T00:00:00"})
    kind = {"type": "upload", "filename": "readings.csv"}
    source = portal.post(revision["links"]["create_source"], json={"source_type": kind})
    portal.post(source["links"]["initiate"], json={"content_type": "text/csv"})
    half = len(CSV) // 2 + 1
    chunks = [(0, 0, CSV[:half]), (1, half, CSV[half:])]
    for number, offset, data in reversed(chunks):
        path = source["links"]["chunk"].format(seq_num=number, byte_offset=offset)
        sent = portal.post(path, data=data, headers={"Content-Type": "application/octet-stream"})
        assert sent["resource"] == {
            "seq_num": number,
            "byte_offset": offset,
            "end_byte_offset": offset + len(data),
        }
    portal.post(source["links"]["commit"].format(seq_num=1, byte_offset=len(CSV)))
    assert portal.get(source["links"]["show"])["resource"]["filesize"] == len(CSV)
    portal.call("DELETE", revision["links"]["discard"])


def schemas_and_errors(portal: Recorder) -> None:
    revision = portal.new_dataset("Schemas")
    source = portal.upload(revision)
    first = source["resource"]["schemas"][0]
    schema = portal.get(source["links"]["show_input_schema"].format(input_schema_id=first["id"]))
    default = portal.get(schema["links"]["latest_output"])
    columns = default["resource"]["output_columns"]
    [celsius] = [column for column in columns if column["field_name"] == "celsius"]
    celsius["transform"] = {"transform_expr": "to_number(`celsius`)"}
    new = {
        "field_name": "upper_note",
        "display_name": "NOTE",
        "description": None,
        "position": len(columns) + 1,
        "transform": {"transform_expr": "upper(`note`)"},
    }
    made = portal.post(
        schema["links"]["transform"],
        json={"output_columns": [*columns, new], "sort_bys": [{"field_name": "id", "ascending": False}]},
    )
    output = portal.get(made["links"]["show"])
    assert output["resource"]["error_count"] == 1
    portal.get(output["links"]["rows"], params={"limit": 2, "offset": 1})
    portal.get(output["links"]["schema_errors"], params={"limit": 10, "offset": 0})
    portal.get(output["links"]["schema_errors"], headers={"Accept": "text/csv"})
    for column in output["resource"]["output_columns"]:
        transform = column["transform"]["id"]
        portal.get(output["links"]["validate_row_id"].format(transform_id=transform))
        portal.get(f"{BASE}/source/{source['resource']['id']}/transform/{transform}")
    ragged = portal.upload(revision, RAGGED)
    one = portal.get(
        ragged["links"]["show_input_schema"].format(input_schema_id=ragged["resource"]["schemas"][0]["id"])
    )
    assert one["resource"]["num_row_errors"] == 2
    portal.get(one["links"]["row_errors"], params={"limit": 10, "offset": 0})
    portal.get(one["links"]["row_errors"], headers={"Accept": "text/csv"})


def configs(portal: Recorder) -> None:
    revision = portal.new_dataset("Configs")
    source = portal.upload(revision)
    output = source["resource"]["schemas"][0]["output_schemas"][0]["id"]
    portal.post(f"{BASE}/config/build_from/{output}", json={"name": "built", "data_action": "replace"})
    portal.apply(revision, {"resource": {"id": output}})
    columns = [{"field_name": "id", "display_name": "Id", "transform_expr": "to_number(`id`)"}]
    plain = portal.post(
        f"{BASE}/config",
        json={
            "name": "plain",
            "data_action": "update",
            "parse_options": {"header_count": 1},
            "columns": columns,
        },
    )
    assert {each["resource"]["name"] for each in portal.get(f"{BASE}/config")} == {"built", "plain"}
    portal.call("PATCH", plain["links"]["update"], json={"data_action": "replace"})
    portal.get(plain["links"]["show"])
    dataset = revision["resource"]["fourfour"]
    portal.post(f"{BASE}/revision/{dataset}", json={"config": "built"})
    portal.post(plain["links"]["create_revision"].format(fourfour=dataset))
    portal.call("DELETE", plain["links"]["delete"])


def revisions(portal: Recorder) -> None:
    dataset = portal.portal.admin.create_dataset(
        "road-2222", "Roads", [["id", "number"], ["note", "text"]], "id", [{"id": 1, "note": "as before"}]
    )["id"]
    revision = portal.new_revision(dataset, "update")
    links = revision["links"]
    portal.put(links["update"], json={"metadata": {"description": "More"}})
    portal.call("PATCH", links["metadata"], json={"notes": "Why"})
    file = portal.post(f"{links['show']}/attachment", data=b"read me", headers={"X-File-Name": "notes.txt"})
    attachment = {"name": "Notes", "filename": file["filename"], "asset_id": file["file_id"]}
    portal.put(links["update"], json={"attachments": [attachment]})
    portal.put(
        links["update"], json={"href": [{"title": "Map", "urls": {"text/html": "https://example.gov/map"}}]}
    )
    portal.put(links["update"], json={"action": {"type": "replace", "permission": "public"}})
    source = portal.upload(revision, b"id,note\n2,after\n")
    output = source["resource"]["schemas"][0]["output_schemas"][0]["id"]
    portal.put(links["update"], json={"output_schema_id": output})
    portal.get(links["list_sources"])
    portal.get(f"{links['create_source']}/download")
    assert (
        portal.get(f"{links['create_source']}/download/{source['resource']['id']}") == b"id,note\n2,after\n"
    )
    portal.get(links["plan"])
    portal.apply(revision, {"output_schema_id": output})
    portal.get(links["show"])
    for wanted in ({}, {"open": "true"}, {"open": "false"}):
        portal.get(f"{BASE}/revision/{dataset}", params=wanted)


def other_sources(portal: Recorder) -> None:
    dataset = portal.portal.admin.create_dataset("view-2222", "Views", ["id"], None, [{"id": "a"}])["id"]
    revision = portal.new_revision(dataset)
    seen = revision["resource"]
    loose = portal.post(
        f"{BASE}/source", json={"source_type": {"type": "upload", "filename": "a.csv"}, "parse_options": {}}
    )
    nested = {"revision": {"fourfour": dataset, "revision_seq": seen["revision_seq"]}}
    portal.call("PATCH", loose["links"]["add_to_revision"], json=nested)
    loose = portal.post(f"{BASE}/source", json={"source_type": {"type": "upload", "filename": "b.csv"}})
    portal.call("PATCH", loose["links"]["add_to_revision"], json=nested["revision"])
    options = loose["resource"]["parse_options"] | {"header_count": 0}
    other = portal.post(loose["links"]["update"], json={"parse_options": options})
    assert other["resource"]["id"] != loose["resource"]["id"]
    blob = portal.post(
        revision["links"]["create_source"],
        json={
            "source_type": {"type": "upload", "filename": "c.bin"},
            "parse_options": {"parse_source": False},
        },
    )
    portal.post(blob["links"]["bytes"], data=b"\0\1", headers={"Content-Type": "application/octet-stream"})
    broken = portal.post(
        revision["links"]["create_source"],
        json={"source_type": {"type": "upload", "filename": "d.xlsx"}, "parse_options": {}},
    )
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    portal.post(broken["links"]["bytes"], data=b"no workbook", headers={"Content-Type": kind})
    assert portal.get(broken["links"]["show"])["resource"]["failure_details"]["key"] == "unparsable_file"
    view = portal.post(
        revision["links"]["create_source"], json={"source_type": {"type": "view", "fourfour": dataset}}
    )
    portal.put(view["links"]["load"])
    portal.post(
        revision["links"]["create_source"],
        json={"source_type": {"type": "connection_agent", "agent_uid": "x", "namespace": "n", "path": ["p"]}},
    )


def restore(portal: Recorder) -> None:
    revision = portal.new_dataset("Restored")
    portal.upload(revision)
    portal.apply(revision)
    dataset = revision["resource"]["fourfour"]
    assert portal.reply("POST", f"/api/archival?id={dataset}&method=enroll").ok
    following = portal.new_revision(dataset)
    portal.upload(following)
    portal.apply(following)
    portal.post(revision["links"]["restore"])


def approval(portal: Recorder) -> None:
    dataset = portal.portal.admin.create_dataset("aprv-2222", "Approved", ["id"], None, [{"id": "a"}])["id"]
    portal.portal.admin.settings(approvals=True)
    revision = portal.new_revision(dataset)
    portal.upload(revision, b"id\nb\n")
    submitted = portal.put(revision["links"]["apply"], json={})
    assert submitted["key"] == "approval_submitted"


def failure(portal: Recorder) -> None:
    portal.portal.admin.add_fault(
        "apply_failure", "PUT", "/apply$", stage="upserting", message="The store is full"
    )
    revision = portal.new_dataset("Failing")
    portal.upload(revision)
    task_set = portal.put(revision["links"]["apply"], json={})
    for _ in range(20):
        if task_set["resource"]["finished_at"]:
            break
        task_set = portal.get(task_set["links"]["show"])
    assert task_set["resource"]["status"] == "failure"
    assert portal.get(revision["links"]["show"])["resource"]["closed_at"] is None


WALKS = (
    in_chunks,
    schemas_and_errors,
    configs,
    revisions,
    other_sources,
    restore,
    failure,
    approval,
)
