"""A walk through every method of the client against a portal, in both dialects; each exchange is kept."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from contract_opendatasoft.checks import Exchange, exchange

from airflow_socrata.client import PortalSession
from airflow_socrata.client.multipart import FileSink
from airflow_socrata.opendatasoft import explore
from airflow_socrata.opendatasoft.credentials import PortalKey
from airflow_socrata.opendatasoft.dialect import dialect_named
from airflow_socrata.opendatasoft.errors import NotOffered
from airflow_socrata.opendatasoft.models import (
    Access,
    Configured,
    MetadataValue,
    ResourceSpec,
    Security,
    Source,
)
from airflow_socrata.opendatasoft.multipart import Multipart
from airflow_socrata.opendatasoft.portal import portal_settings
from airflow_socrata.opendatasoft.push import batches, delete_record, delete_values, push, target_of
from airflow_socrata.opendatasoft.steps import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.client.messages import Call, Reply
    from airflow_socrata.emulator import OpendatasoftEmulator
    from airflow_socrata.opendatasoft.dialect import Dialect
    from airflow_socrata.opendatasoft.models import Resource

T = TypeVar("T")
CSV = b"id;name\n1;Alder\n2;Birch\n"
TITLE = MetadataValue("default", "title", "Stops")
FIELDS = (
    Configured("", "rename", {"from_name": "name", "to_name": "stop", "field_label": "Stop"}),
    Configured("", "type", {"field": "id", "type_param": "int"}),
    Configured("", "annotate", {"field": "id", "annotation": "id"}),
    Configured("", "annotate", {"field": "id", "annotation": "unit", "args": ["m"]}),
    Configured("", "description", {"field": "id", "description": "A number"}),
    Configured("", "order", {"order": ["stop", "id"]}),
    Configured("", "delete", {"field": "id"}),
)
RULES = Security(
    visible_fields=("id",), filter_query="id > 1", calls_quota=(5, "day"), permissions=("edit_dataset",)
)


class Sender(PortalSession):
    """Sends calls and keeps what went to and fro."""

    def __init__(self, portal: OpendatasoftEmulator) -> None:
        key = PortalKey(api_key=portal.api_key)
        super().__init__(portal_settings(portal.domain, key, port=portal.port, scheme="http"))
        self.admin = portal.admin
        self.seen: list[Exchange] = []

    def send(self, call: Call[T], **more: Any) -> T:
        def parse(reply: Reply) -> T:
            self.seen.append(_exchange(call, reply))
            return call.parse(reply)

        return super().send(replace(call, parse=parse), **more)


def _exchange(call: Call[Any], reply: Reply) -> Exchange:
    headers = {name.lower(): value for name, value in call.headers}
    body = call.body or b""
    return exchange(
        call.method,
        call.path,
        [name for name, _ in (*call.params, *call.secret_params)],
        bytes(body) if isinstance(body, (bytes, memoryview)) else b"".join(map(bytes, body)),
        headers.get("content-type"),
        reply.status,
        # What went into a file is not whole in memory.
        reply.body if call.into is None else b"(in a file)",
        reply.headers.get("Content-Type"),
    )


class Walk:
    """One dialect's walk; notes the names of the methods that it has gone through."""

    def __init__(self, send: Sender, name: str) -> None:
        self.send = send
        self.admin = send.admin
        self._dialect = dialect_named(name)
        self.is_automation = name == "automation"
        self.methods: set[str] = set()

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """Make a call by the name of the dialect's method, and return its result."""
        made = getattr(self._dialect, method)

        def send(*args: Any, **more: Any) -> Any:
            self.methods.add(method)
            return run(self.send, made(*args, **more))

        return send

    def refuses(self, method: str, *args: Any) -> None:
        """The dialect does not offer this, and sends nothing."""
        before = len(self.send.seen)
        with pytest.raises(NotOffered):
            getattr(self, method)(*args)
        assert len(self.send.seen) == before

    def settle(self, uid: str, to: str | None = None) -> str:
        """Let the dataset's run go on; returns the public name of its status."""
        self.admin.run_queue(uid, to)
        return str(self.status(uid).name)


def file(name: str = "stops.csv") -> Multipart:
    return Multipart(io.BytesIO(CSV), filename=name, content_type="text/csv")


def datasets(walk: Walk) -> str:
    language = MetadataValue("default", "language", "en")
    made = walk.post_dataset("stops", "Stops", metadata=[language], is_restricted=False)
    assert made.dataset_id == "stops"
    assert [one.uid for one in walk.list_datasets().items] == [made.uid]
    assert [one.uid for one in walk.lookup("stops")] == [made.uid]
    assert walk.get_dataset(made.uid).title == "Stops"
    loose = walk.post_dataset(None, "Loose")
    if walk.is_automation:
        walk.rename_dataset(loose.uid, "renamed")
        copied = walk.copy_dataset(made.uid)
        walk.delete_dataset(copied.uid)
    else:
        walk.refuses("rename_dataset", loose.uid, "renamed")
        walk.refuses("copy_dataset", made.uid)
    walk.delete_dataset(loose.uid)
    return str(made.uid)


def metadata(walk: Walk, uid: str) -> None:
    point = walk.restore_point(uid)
    walk.set_metadata(uid, [MetadataValue("default", "title", "Halts")])
    walk.set_metadata(uid, [TITLE, MetadataValue("default", "keyword", ["tram"], None, True)])
    walk.set_metadata(uid, [MetadataValue("dcat", "creator", "Ann"), MetadataValue("dcat", "issued", None)])
    walk.clear_metadata(uid, "dcat", "creator")
    values = {(one.template, one.name): one.value for one in walk.metadata(uid)}
    assert values["default", "keyword"] == ["tram"]
    assert ("dcat", "creator") not in values
    assert walk.restore(point) is True
    assert len(walk.versions(uid)) > 4


def security(walk: Walk, uid: str) -> None:
    walk.set_restricted(uid, True)
    walk.set_restricted(uid, False)
    public = Security(visible_fields=None, filter_query="", calls_quota=None)
    for rules in (replace(RULES, permissions=()), public):
        walk.set_default_security(uid, rules)
        assert walk.default_security(uid) == rules
    for kind in ("users", "groups"):
        for rules in (RULES, replace(RULES, permissions=("edit_dataset", "publish_dataset"))):
            walk.set_access(uid, kind, Access("editors", rules))
            assert walk.accesses(uid, kind) == (Access("editors", rules),)
        walk.remove_access(uid, kind, "editors")


def pipeline(walk: Walk, uid: str) -> None:
    for item in FIELDS:
        made = walk.add_to_pipeline(uid, "fields", item)
    walk.change_pipeline(uid, "fields", replace(made, args={"field": "name"}))
    step = walk.add_to_pipeline(uid, "processors", Configured("", "replace", {"field": "name", "old": "a"}))
    walk.change_pipeline(uid, "processors", replace(step, args={"field": "name", "old": "b"}))
    assert [one.type for one in walk.pipeline(uid, "fields")] == [item.type for item in FIELDS]
    for kind in ("fields", "processors"):
        for one in walk.pipeline(uid, kind):
            walk.remove_from_pipeline(uid, kind, one.uid)


def resources(walk: Walk, uid: str) -> None:
    with file() as opened:
        uploaded = walk.upload_file(uid, opened)
    assert walk.read_file(uid, uploaded.uid).uid == uploaded.uid
    back = io.BytesIO()
    walk.download_file(uid, uploaded.uid, FileSink(back))
    assert back.getvalue() == CSV
    spec = ResourceSpec("stops", "csvfile", Source(file_uid=uploaded.uid), {"separator": ";"})
    made = walk.create_resource(uid, spec)
    by_url = ResourceSpec("stops", "csvfile", Source(url="https://host.example/stops.csv?of=today"))
    assert walk.replace_resource(uid, made, by_url).source.url == "https://host.example/stops.csv?of=today"
    assert walk.put_back_resource(uid, made).source == made.source
    other = walk.create_resource(uid, by_url)
    walk.delete_resource(uid, other.uid)
    assert [one.uid for one in walk.resources(uid)] == [made.uid]


def attachments(walk: Walk, uid: str) -> None:
    with file("read me.txt") as opened:
        made = walk.attach(uid, opened)
    assert [one.uid for one in walk.attachments(uid)] == [made.uid]
    walk.detach(uid, made.uid)


def publication(walk: Walk, uid: str) -> None:
    walk.admin.settings(manual=True)
    walk.admin.script(uid, "records_errors", records=1)
    walk.publish(uid)
    assert walk.settle(uid, "processing_all_dataset_data") == "processing"
    assert walk.settle(uid) == "idle"
    assert len(walk.records_errors(uid)) == 1
    look(walk.send)
    walk.publish_metadata(uid)
    assert walk.settle(uid) == "idle"
    for outcome, name in (("error", "error"), ("limit", "limit_reached")):
        walk.admin.script(uid, outcome)
        walk.publish(uid)
        assert walk.settle(uid) == name
    walk.publish(uid)
    assert walk.settle(uid, "processing_all_dataset_data") == "processing"
    walk.abort(uid)
    assert walk.status(uid).name == "aborting_processing"
    assert walk.settle(uid) == "idle"
    walk.unpublish(uid)
    assert walk.settle(uid, "deleting_all_dataset_data") == "deleting"
    assert walk.settle(uid) == "idle"
    walk.admin.settings(manual=False)


def look(send: Sender) -> None:
    """Explore, while the dataset is published."""
    assert send.send(explore.dataset_ids()) == ("stops",)
    assert send.send(explore.catalog_entry("stops")).records_count == 2
    assert send.send(explore.count("stops", "id > 1")) == 1
    page = explore.records("stops", where="id > 0", select="id", order_by="id", limit=1)
    assert send.send(page).records == ({"id": 1},)
    send.send(explore.records("stops", select="count(*) as n", group_by="name"))
    back = io.BytesIO()
    send.send(explore.export("stops", "csv", FileSink(back), where="id = 1", options={"delimiter": ";"}))
    assert back.getvalue().decode("utf-8-sig") == "id;name\r\n1;Alder\r\n"


def realtime(walk: Walk) -> None:
    state = walk.admin.create_dataset("live", "Live", realtime=[{"id": 1}], recovery=True, id_fields=["id"])
    (resource,) = walk.resources(state["uid"])
    actions = ("enable", "disable", "recover", "delete_recover_data", "renew_api_key")
    if not walk.is_automation:
        walk.refuses("act_on_realtime", state["uid"], resource, "enable")
        return
    spec = ResourceSpec("second", "realtime", Source(), {"bootstrap": [{"id": 1}]})
    walk.delete_resource(state["uid"], walk.create_resource(state["uid"], spec).uid)
    pushes(walk, resource)
    for action in actions:
        walk.act_on_realtime(state["uid"], resource, action)
        walk.admin.run_queue()


def pushes(walk: Walk, resource: Resource) -> None:
    target = target_of(resource)
    (batch,) = batches([{"id": 1}, {"id": 2}, {"id": 3}])
    walk.send.send(push(target, batch))
    (one,) = batches([{"id": 1}])
    walk.send.send(delete_values(target, one))
    record = walk.admin.records("live", ids=True)[0]["record_id"]
    walk.send.send(delete_record(target, record))
    assert walk.admin.records("live") == [{"id": 3}]


def walk_all(send: Sender, dialect: Dialect | str) -> Walk:
    """Walk through everything in one dialect, on a portal without datasets."""
    walk = Walk(send, str(dialect))
    uid = datasets(walk)
    metadata(walk, uid)
    security(walk, uid)
    pipeline(walk, uid)
    resources(walk, uid)
    attachments(walk, uid)
    publication(walk, uid)
    realtime(walk)
    walk.delete_dataset(uid)
    return walk
