"""Whatever JSON or bytes a portal sends, the client answers with a result or an error of its own tree."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.client import publishing_samples as samples

from airflow_socrata.client import (
    Call,
    PortalError,
    PortalSettings,
    RetryBudget,
    RowBody,
    access,
    approvals,
    archives,
    catalog,
    configs,
    legacy_rows,
    metadata,
    query,
    revisions,
    rows,
    schemas,
    single_rows,
    sources,
    views,
)
from airflow_socrata.client.exchange import Done, Exchange, RawReply, Wait
from airflow_socrata.client.links import Links
from airflow_socrata.client.revision_models import Config, OutputColumnSpec, Revision, Source

PORTAL = PortalSettings("data.example.gov")
REVISION = Revision.from_json(samples.revision(), Links(samples.REVISION_LINKS))
SOURCE = Source.from_json(samples.source(schemas=[samples.input_schema()]), Links(samples.SOURCE_LINKS))
INPUT = SOURCE.input_schemas[0]
OUTPUT = INPUT.output_schemas[0]
CONFIG = Config.from_json(samples.config(), Links(samples.CONFIG_LINKS))
CALLS: list[Call[Any]] = [
    views.read_view("abcd-1234"),
    views.publication_group("abcd-1234", "unpublished"),
    views.open_copy("abcd-1234", "copy"),
    views.publish("abcd-1234"),
    views.discard("abcd-1234"),
    views.update_view("abcd-1234", {}),
    views.pending_geocoding("abcd-1234"),
    views.replication("abcd-1234"),
    views.twin("abcd-1234"),
    views.current_user(),
    rows.upsert("abcd-1234", RowBody(b"[]", "application/json"), keyed=False),
    rows.count("abcd-1234"),
    rows.select("abcd-1234"),
    single_rows.get("abcd-1234", "a"),
    single_rows.upsert("abcd-1234", {"a": 1}, keyed=True),
    single_rows.delete("abcd-1234", "a"),
    legacy_rows.add("abcd-1234", {"a": 1}),
    legacy_rows.batch([legacy_rows.BatchItem("DELETE", "/views/abcd-1234/rows/1.json")]),
    legacy_rows.read("abcd-1234"),
    metadata.read("abcd-1234"),
    metadata.page(),
    metadata.validate("abcd-1234", {}),
    metadata.change("abcd-1234", {}),
    query.query("abcd-1234"),
    catalog.page(catalog.Search()),
    revisions.create("abcd-1234"),
    revisions.listing("abcd-1234"),
    revisions.attach(REVISION, "x", b"x"),
    revisions.plan(REVISION),
    revisions.apply(REVISION),
    revisions.discard(REVISION),
    sources.upload(REVISION, "x.csv"),
    sources.listing(REVISION),
    sources.initiate(SOURCE, "text/csv"),
    sources.chunk(SOURCE, 0, 0, b"x"),
    sources.commit(SOURCE, 0, 1),
    schemas.look_at_input(INPUT),
    schemas.create_output(INPUT, [OutputColumnSpec("a", "A", "`a`")]),
    schemas.look_at_output(OUTPUT),
    schemas.transform(OUTPUT, 1),
    schemas.validate_row_identifier(OUTPUT, 1),
    schemas.errors(OUTPUT),
    schemas.row_errors(INPUT),
    configs.read("x"),
    configs.listing(),
    approvals.guidance("abcd-1234", 4),
    approvals.withdraw("abcd-1234", 1),
    access.read_permissions("abcd-1234"),
    access.put_permissions("abcd-1234", scope="private"),
    access.change_owner("abcd-1234", "efgh-5678"),
    archives.versions("abcd-1234"),
    archives.state("abcd-1234", 1),
    archives.snapshots("abcd-1234"),
]
#: Keys that the parsers look for, so that odd values land where they matter.
KEYS = [
    "id",
    "name",
    "columns",
    "metadata",
    "rowIdentifier",
    "attachments",
    "customFields",
    "privateCustomFields",
    "warnings",
    "tags",
    "rowIdentifierColumnId",
    "grants",
    "flags",
    "rights",
    "approvals",
    "owner",
    "permissions",
    "status",
    "ticket",
    "code",
    "errorCode",
    "error",
    "message",
    "data",
    "details",
    "typ",
    "err",
    "rows_created",
    "errors",
    "count",
    "total",
    "view",
    "read_replication_up_to_date",
    "secondary_versions",
    "version",
    "displayName",
    "nbeId",
    "Rows Created",
    "Errors",
]
#: Those of the Dataset Management API.
KEYS += [
    *(
        "resource",
        "links",
        "show",
        "apply",
        "fourfour",
        "revision_seq",
        "action",
        "task_sets",
        "log",
        "stage",
    ),
    *("time", "key", "params", "position", "column", "row", "expr", "href", "schemas", "input_columns"),
    *("output_schemas", "output_columns", "output_schema_links", "input_schema_links", "transform"),
    *(
        "field_name",
        "failed_at",
        "failure_details",
        "source_type",
        "offset",
        "ok",
        "inputs",
        "valid",
        "where",
    ),
    *("preferred_chunk_size", "preferred_upload_parallelism", "end_byte_offset", "file_id", "data_action"),
    *("public", "internal", "currentState", "updateUrl"),
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["insert", "error", "accepted", "abcd-1234", "0", "7"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=8)
    ),
    max_leaves=20,
)
ENVELOPES = st.fixed_dictionaries({"resource": VALUES, "links": VALUES})
#: A whole resource with one odd value in it, which gets past the first checks.
RESOURCES = [
    samples.revision(task_sets=[samples.task_set(log=[{"stage": "x"}])]),
    samples.source(schemas=[samples.input_schema()]),
    samples.input_schema(),
    samples.output_schema(),
    samples.config(),
    samples.task_set(),
]
ODD = st.builds(
    lambda resource, key, value: {"resource": {**resource, key: value}, "links": {"show": value}},
    st.sampled_from(RESOURCES),
    st.sampled_from(KEYS + sorted({key for resource in RESOURCES for key in resource})),
    VALUES,
)
JSON_BODIES = VALUES | ENVELOPES | ODD | st.lists(ODD, max_size=2)
BODIES = JSON_BODIES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from([
            *("Location", "Retry-After", "Date", "Content-Type", "X-Error-Code", "X-Error-Message"),
            *("X-SODA2-Fields", "X-SODA2-Types", "X-SODA2-Truth-Last-Modified", "X-SODA2-Data-Out-Of-Date"),
        ]),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
        | st.sampled_from([
            "5",
            "Mon, 01 Jan 2024 00:00:30 GMT",
            "/x",
            "https://data.example.gov/y",
            "//[",
            "[]",
        ]),
    ),
    max_size=4,
)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.summary)
@settings(max_examples=150, deadline=None)
@given(
    status=st.sampled_from([200, 201, 202, 204, 302, 307, 400, 401, 403, 404, 405, 409, 413, 429, 500, 503]),
    headers=HEADERS,
    body=BODIES,
)
def test_any_reply(call: Call[Any], status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    exchange = Exchange(call, PORTAL, RetryBudget(attempts=2), chance=lambda: 0.5)
    exchange.outgoing()
    failed: PortalError | None = None
    step: object = None
    try:
        step = exchange.reply(RawReply(status, headers, body), 0.0)
    except PortalError as error:
        failed = error
    if failed is not None:
        assert str(failed).startswith(call.summary)
        assert str(failed).isprintable()
        return
    assert isinstance(step, (Done, Wait))
    if isinstance(step, Wait):
        assert exchange.outgoing().url.startswith("https://data.example.gov/"), "never another host"
