"""A walk by plain HTTP through the calls that the client of this project does not make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import requests
from contract_opendatasoft import automation, management
from contract_opendatasoft.checks import Exchange, exchange

if TYPE_CHECKING:
    from airflow_socrata.emulator import OpendatasoftEmulator

ROWS = [{"id": 1, "name": "Alder"}, {"id": 2, "name": "Birch"}]
SOURCE = {
    "type": "http",
    "connection": {"type": "http", "url": "https://host.example", "auth": None},
    "headers": [{"name": "X-From", "value": "here"}],
    "relative_url": "/stops.csv",
}
RULES = {
    "permissions": ["edit_dataset"],
    "security": {
        "is_data_visible": True,
        "visible_fields": ["id"],
        "filter_query": "",
        "api_calls_quota": {"limit": 5, "unit": "day"},
    },
}
OLD_RULES = {**RULES["security"], "permissions": ["edit_dataset"]}


class Recorder:
    """Calls to one portal, with one key; keeps what went to and fro."""

    def __init__(self, portal: OpendatasoftEmulator, base: str, key: str | None = None) -> None:
        self.portal, self.base = portal, base
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Apikey {key or portal.api_key}"
        self.seen: list[Exchange] = []

    def reply(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, self.portal.url + self.base + path, timeout=30, **more)

    def __call__(self, method: str, path: str, **more: Any) -> Any:
        reply = self.reply(method, path, **more)
        asked = reply.request
        address = urlsplit(asked.url or "")
        body = asked.body or b""
        assert reply.ok, f"{method} {path}: {reply.status_code} {reply.text[:500]}"
        kept = exchange(
            method,
            str(address.path),
            [name for name, _ in parse_qsl(str(address.query))],
            body.encode() if isinstance(body, str) else body,
            asked.headers.get("Content-Type"),
            reply.status_code,
            reply.content,
            reply.headers.get("Content-Type"),
        )
        self.seen.append(kept)
        return reply.json() if "json" in reply.headers.get("Content-Type", "") else reply.content


def part(call: Recorder, path: str, body: Any, changed: Any, uid: str = "uid") -> None:
    """Through the five calls of something that there are many of."""
    made = call("POST", path, json=body)
    one = f"{path}{made[uid]}/"
    assert call("GET", one) == made
    assert call("PUT", one, json=changed) == made | changed
    listed = call("GET", path)
    assert made | changed in (listed["results"] if isinstance(listed, dict) else listed)
    call("DELETE", one)
    assert call.reply("GET", one).status_code == 404


def automation_walk(portal: OpendatasoftEmulator) -> list[Exchange]:
    """Through the Automation API."""
    call = Recorder(portal, automation.BASE)
    path = f"/datasets/{portal.admin.create_dataset('stops', 'Stops', ROWS)['uid']}/"
    values = {"default": {"title": {"value": "Stops"}, "language": {"value": "en"}}}
    assert call("PUT", f"{path}metadata/", json=values) == values
    assert call("GET", f"{path}metadata/default/") == values["default"]
    assert call("GET", f"{path}metadata/default/language/") == {"value": "en"}
    (resource,) = call("GET", f"{path}resources/")["results"]
    one = f"{path}resources/{resource['uid']}/"
    assert call("GET", one) == resource
    for where in ("preview/", "guess_extractors/", "guess_extractors_params/"):
        call("GET", one + where)
    call("POST", f"{one}clean_cache/")
    call("POST", f"{path}resources/guess_extractors/", json={"datasource": SOURCE})
    call("POST", f"{path}resources/guess_extractor_params/", json={"type": "csvfile", "datasource": SOURCE})
    file = {"type": "uploaded_file", "file": {"uid": "stops.csv"}}
    described = {"type": "csvfile", "datasource": file, "params": {"separator": ","}}
    assert len(call("POST", f"{path}resources/preview/", json=described)["records"]) == 2
    part(
        call,
        f"{path}fields/",
        {"type": "description", "label": "a", "field": "id", "description": "x"},
        {"type": "description", "label": "a", "field": "id", "description": "y"},
    )
    step = {"type": "replace", "label": "a", "field": "id", "old": "x"}
    part(call, f"{path}processors/", step, step | {"old": "y"})
    for where in ("/extractors/", "/processors/"):
        call("GET", where)
    for kind, holder in (("users", {"user": {"username": "ann"}}), ("groups", {"group": {"uid": "ann"}})):
        call("POST", f"{path}security/{kind}/", json=holder | RULES)
        assert call("GET", f"{path}security/{kind}/ann/") == holder | RULES
    version = call("GET", f"{path}versions/?limit=1&offset=0")["results"][0]
    assert call("GET", f"{path}versions/{version['uid']}/") == version
    part(call, f"{path}schedules/", {"cron_schedule": "0 6 * * *"}, {"cron_schedule": "0 7 * * *"})
    hanging_on(call, path)
    connection = {"type": "http", "url": "https://host.example"}
    part(call, "/datasource_connections/", connection, connection | {"is_reusable": True})
    keys(call)
    return call.seen


def hanging_on(call: Recorder, path: str) -> None:
    """Attachments, alternative exports and feedbacks."""
    sent = {"file": ("stops.txt", b"Alder", "text/plain")}
    attached = call("POST", f"{path}attachments/", files=sent)
    assert call("GET", f"{path}attachments/{attached['uid']}/") == attached
    assert call("GET", f"{path}attachments/{attached['uid']}/download/") == b"Alder"
    form = {"title": "Stops", "type": "uploaded_file"}
    export = call("POST", f"{path}alternative_exports/", data=form, files=sent)
    one = f"{path}alternative_exports/{export['uid']}/"
    assert call("GET", f"{path}alternative_exports/")["results"] == [export]
    assert call("GET", one) == export
    assert call("PUT", one, json=form | {"title": "Halts"})["title"] == "Halts"
    assert call("GET", f"{one}download/") == b"Alder"
    call("DELETE", one)
    record = call.portal.admin.records("stops", ids=True)[0]["record_id"]
    remark = call.portal.admin.add_feedback("stops", record, "It has moved")
    assert call("GET", f"{path}feedbacks/?record_id={record}&is_archived=false")["results"] == [remark]
    assert call("GET", f"{path}feedbacks/{remark['uid']}/") == remark
    assert call("POST", f"{path}feedbacks/{remark['uid']}/archive/")["is_archived"] is True


def keys(call: Recorder) -> None:
    """API keys."""
    made = call("POST", "/apikeys/", json={"label": "a", "permissions": ["edit_dataset"]})
    one = f"/apikeys/{made['uid']}/"
    assert made in call("GET", "/apikeys/")["results"]
    assert call("GET", one) == made
    assert call("PUT", one, json={"label": "b", "permissions": []})["label"] == "b"
    assert call("POST", "/apikeys/search_key/", json={"key": made["key"]})["found"] is True
    assert call("POST", "/apikeys/search_key/", json={"key": "0" * 56}) == {"found": False, "result": None}
    revoked = call("POST", f"{one}revoke/", json={"reason": "lost"})
    assert (revoked["is_revoked"], revoked["revocation_status"]["revocation_reason"]) == (True, "lost")


def management_walk(portal: OpendatasoftEmulator) -> list[Exchange]:
    """Through the Management API."""
    call = Recorder(portal, management.BASE)
    path = f"/datasets/{portal.admin.create_dataset('stops', 'Stops', ROWS)['uid']}/"
    title = f"{path}metadata/default/title"
    assert call("PUT", title, json={"value": "Halts", "override_remote_value": True})["value"] == "Halts"
    assert call("GET", title)["override_remote_value"] is True
    portal.admin.settings(save_version_action=True)
    call("PUT", f"{path}save_version")
    portal.admin.run_queue()
    call("GET", f"{path}status?expand=records_errors")
    file = call("POST", "/files", files={"file": ("Stops 2.csv", b"id\n1\n", "text/csv")})
    assert file in call("GET", "/files")
    (resource,) = call("GET", f"{path}resources/")
    one = f"{path}resources/{resource['resource_uid']}"
    assert call("GET", one) == resource
    assert call("GET", f"{one}/download").startswith(b"id,name")
    assert len(call("GET", f"{one}/preview")["records"]) == 2
    described = {"title": "a", "type": "csvfile", "params": {}, "url": file["url"]}
    assert len(call("POST", f"{path}resource_preview", json=described)["records"]) == 1
    for where in ("/extractors/", "/processors/"):
        call("GET", where)
    assert call("POST", "/guess_extractors/", json={"url": file["url"]})["recommended_extractors"] == [
        "csvfile"
    ]
    call("POST", "/guess_extractor_params/", json={"url": file["url"], "extractor": "csvfile"})
    name = "fields_specifications"
    delete = {"name": "delete", "args": {"field": "id"}}
    part(call, f"{path}{name}/", delete, delete | {"args": {"field": "name"}}, "processor_uid")
    step = {"name": "replace", "args": {"field": "id", "old": "a"}}
    part(call, f"{path}processors/", step, step | {"args": {"field": "id", "old": "b"}}, "processor_uid")
    assert call("GET", f"{path}security/access_policy") == "domain"
    call("DELETE", f"{path}security/default")
    for kind, holder in (
        ("users", {"user": {"username": "ann"}}),
        ("groups", {"group": {"group_id": "ann"}}),
    ):
        call("POST", f"{path}security/{kind}", json=holder | OLD_RULES)
        assert call("GET", f"{path}security/{kind}/ann") == holder | OLD_RULES
    for one_kind in ("attachment", "alternative_export"):
        made = call("POST", f"{path}{one_kind}s", files={"file": ("a.txt", b"Alder", "text/plain")})
        assert call("GET", f"{path}{one_kind}s") == [made]
        uid = made[f"{one_kind}_uid"]
        assert call("GET", f"{path}{one_kind}s/{uid}") == made
        assert call("GET", f"{path}download_{one_kind}/{uid}") == b"Alder"
        call("DELETE", f"{path}{one_kind}s/{uid}")
    return call.seen
