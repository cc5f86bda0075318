"""A sample of every call that the client builds: where it is sent, and how."""

from __future__ import annotations

import importlib
import inspect
import io
import pkgutil
from typing import TYPE_CHECKING, Any

from unit.client import publishing_samples as given

import airflow_socrata.client
from airflow_socrata.client import (
    RowBody,
    View,
    access,
    api_keys,
    approvals,
    archives,
    attachments,
    catalog,
    columns,
    configs,
    datasets,
    exports,
    imports,
    legacy_rows,
    metadata,
    oauth,
    query,
    revisions,
    rows,
    schemas,
    single_rows,
    sources,
    views,
)
from airflow_socrata.client.column_definitions import ColumnDefinition
from airflow_socrata.client.column_specs import OutputColumnSpec
from airflow_socrata.client.import_models import ShapeLayer
from airflow_socrata.client.links import Links
from airflow_socrata.client.models import Accepted
from airflow_socrata.client.multipart import Multipart
from airflow_socrata.client.revision_models import Config, Revision, TaskSet
from airflow_socrata.client.source_models import InputSchema, OutputSchema, Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.client import Call

#: Functions that lend a hand to those that build the calls of an endpoint.
HELPERS = {"exports.download"}

D, E = "abcd-1234", "efgh-5678"
VIEW = View.from_json({
    "id": D,
    "name": "Roads",
    "columns": [{"id": 1, "name": "Key", "fieldName": "key", "dataTypeName": "text", "position": 1}],
})
BODY = RowBody(b"key\n1\n", "text/csv")
FILE = Multipart(io.BytesIO(b"key\n1\n"), filename="roads.csv", content_type="text/csv").__enter__()
COLUMN = ColumnDefinition.from_json({"field_name": "key", "data_type": "text"})
NEW = datasets.NewDataset("roads", "Roads", (COLUMN,))
REVISION = Revision.from_json(given.revision(), Links(given.REVISION_LINKS))
JOB = TaskSet.from_json(given.task_set(), f"{given.REVISION}/apply/55501")
SOURCE = Source.from_json(given.source(), Links(given.SOURCE_LINKS))
_INPUT_LINKS = Links(given.SOURCE_LINKS).group("input_schema_links", input_schema_id=15398)
INPUT = InputSchema.from_json(given.input_schema(), _INPUT_LINKS)
OUTPUT = OutputSchema.from_json(
    given.output_schema(), _INPUT_LINKS.group("output_schema_links", output_schema_id=77120)
)
CONFIG = Config.from_json(given.config(), Links(given.CONFIG_LINKS))
APP = oauth.OAuthApp("app-token", "secret-token", "https://127.0.0.1:8443/callback")
LAYERS = [ShapeLayer("roads")]


class Nowhere:
    """Takes the body of an export."""

    def begin(self) -> None: ...

    def write(self, block: bytes) -> None: ...


SAMPLES: dict[str, list[Call[Any]]] = {
    "access.add_grant": [access.add_grant(D, {"type": "viewer"})],
    "access.change_owner": [access.change_owner(D, E)],
    "access.change_owner_of_many": [access.change_owner_of_many([D], E)],
    "access.put_permissions": [access.put_permissions(D, scope="public")],
    "access.read_permissions": [access.read_permissions(D)],
    "access.remove_grant": [access.remove_grant(D, {"type": "viewer"})],
    "access.set_permission": [access.set_permission(D, "private")],
    "api_keys.create_key": [api_keys.create_key("etl")],
    "api_keys.delete_key": [api_keys.delete_key("key1")],
    "api_keys.keys_page": [api_keys.keys_page()],
    "api_keys.read_key": [api_keys.read_key("key1")],
    "approvals.guidance": [approvals.guidance(D), approvals.guidance(D, 4)],
    "approvals.review": [approvals.review(D, 1, "approved")],
    "approvals.submit": [approvals.submit(D, approvals.Submission("pending"))],
    "approvals.withdraw": [approvals.withdraw(D, 1)],
    "archives.enrol": [archives.enrol(D)],
    "archives.file": [archives.file(D, 3, Nowhere())],
    "archives.make_file": [archives.make_file(D, 3)],
    "archives.set_visible": [archives.set_visible(D, 3, True)],
    "archives.snapshots": [archives.snapshots(D)],
    "archives.state": [archives.state(D, 3)],
    "archives.versions": [archives.versions(D)],
    "attachments.download": [
        attachments.download(D, attachments.Attachment("a.pdf", "A", asset_id="asset-1"), Nowhere()),
        attachments.download(D, attachments.Attachment("a.pdf", "A", blob_id="blob-1"), Nowhere()),
    ],
    "attachments.upload": [attachments.upload(FILE)],
    "attachments.upload_to": [attachments.upload_to(D, FILE)],
    "catalog.page": [catalog.page(catalog.Search())],
    "columns.add_column": [columns.add_column(D, COLUMN)],
    "columns.add_columns": [columns.add_columns(D, [COLUMN])],
    "columns.change_column": [columns.change_column(D, "key", {"name": "Key"})],
    "columns.drop_column": [columns.drop_column(D, "key")],
    "columns.list_columns": [columns.list_columns(D)],
    "columns.order_columns": [columns.order_columns(VIEW, ["key"])],
    "columns.set_row_identifier": [columns.set_row_identifier(VIEW, "key")],
    "configs.build_from": [configs.build_from(OUTPUT, "road events", "update")],
    "configs.change": [configs.change(CONFIG, data_action="update")],
    "configs.create": [configs.create("road events", "update")],
    "configs.delete": [configs.delete(CONFIG)],
    "configs.listing": [configs.listing()],
    "configs.read": [configs.read("road events")],
    "datasets.create_dataset": [datasets.create_dataset(NEW)],
    "datasets.find_by_resource_name": [datasets.find_by_resource_name("roads")],
    "datasets.list_views": [datasets.list_views(1)],
    "exports.rows": [exports.rows(D, "csv", Nowhere())],
    "exports.view": [exports.view(D, "csv", Nowhere())],
    "imports.append_rows": [imports.append_rows(D, "file-1", "roads.csv", skip=1)],
    "imports.create_file_view": [imports.create_file_view(FILE)],
    "imports.import_shapes": [imports.import_shapes("file-1", "roads.zip", LAYERS)],
    "imports.import_table": [imports.import_table("file-1", "roads.csv")],
    "imports.replace_file": [imports.replace_file(D, FILE)],
    "imports.replace_rows": [imports.replace_rows(D, "file-1", "roads.csv", skip=1)],
    "imports.replace_shapes": [imports.replace_shapes(D, "file-1", "roads.zip", LAYERS)],
    "imports.scan": [imports.scan(FILE)],
    "imports.scan_shapes": [imports.scan_shapes(FILE)],
    "imports.scan_url": [imports.scan_url("https://data.example.gov/roads.csv")],
    "imports.set_draft_file": [imports.set_draft_file(D, FILE)],
    "legacy_rows.add": [legacy_rows.add(D, {"key": "1"})],
    "legacy_rows.batch": [legacy_rows.batch([legacy_rows.BatchItem("GET", f"/views/{D}.json")])],
    "legacy_rows.change": [legacy_rows.change(D, 1, {"key": "1"})],
    "legacy_rows.delete": [legacy_rows.delete(D, 1)],
    "legacy_rows.read": [legacy_rows.read(D)],
    "legacy_rows.truncate": [legacy_rows.truncate(D)],
    "metadata.change": [metadata.change(D, {"name": "Roads"})],
    "metadata.page": [metadata.page(1)],
    "metadata.read": [metadata.read(D)],
    "metadata.usage": [metadata.usage()],
    "metadata.validate": [metadata.validate(D, {"name": "Roads"})],
    "oauth.token_call": [oauth.token_call(APP, "code")],
    "query.export": [query.export(D, "csv", Nowhere())],
    "query.query": [query.query(D, "SELECT *")],
    "query.query_by_address": [query.query_by_address(D, "SELECT *")],
    "revisions.apply": [revisions.apply(REVISION)],
    "revisions.attach": [revisions.attach(REVISION, "a.pdf", b"%PDF")],
    "revisions.create": [
        revisions.create(None, action="update", metadata={"name": "Roads"}),
        revisions.create(D, action="update"),
    ],
    "revisions.create_by_config": [revisions.create_by_config(D, "road events")],
    "revisions.discard": [revisions.discard(REVISION)],
    "revisions.listing": [revisions.listing(D)],
    "revisions.look": [revisions.look(REVISION)],
    "revisions.look_at": [revisions.look_at(JOB)],
    "revisions.plan": [revisions.plan(REVISION)],
    "revisions.read": [revisions.read(D, 4)],
    "revisions.restore": [revisions.restore(REVISION)],
    "revisions.update": [revisions.update(REVISION, {"notes": "x"})],
    "rows.count": [rows.count(D)],
    "rows.query": [rows.query(D, "SELECT *")],
    "rows.replace": [rows.replace(D, BODY)],
    "rows.select": [rows.select(D)],
    "rows.truncate": [rows.truncate(D)],
    "rows.upsert": [rows.upsert(D, BODY, keyed=True)],
    "schemas.create_output": [schemas.create_output(INPUT, [OutputColumnSpec("key", "Key", "`key`")])],
    "schemas.errors": [schemas.errors(OUTPUT)],
    "schemas.errors_csv": [schemas.errors_csv(OUTPUT)],
    "schemas.latest_output": [schemas.latest_output(INPUT)],
    "schemas.look_at_input": [schemas.look_at_input(INPUT)],
    "schemas.look_at_output": [schemas.look_at_output(OUTPUT)],
    "schemas.row_errors": [schemas.row_errors(INPUT)],
    "schemas.rows": [schemas.rows(OUTPUT)],
    "schemas.transform": [schemas.transform(OUTPUT, 20791)],
    "schemas.validate_row_identifier": [schemas.validate_row_identifier(OUTPUT, 20791)],
    "single_rows.delete": [single_rows.delete(D, "1")],
    "single_rows.find": [single_rows.find(D, "`key` = '1'")],
    "single_rows.get": [single_rows.get(D, "1")],
    "single_rows.post": [single_rows.post(D, "1", {"key": "1"})],
    "single_rows.put": [single_rows.put(D, "1", {"key": "1"})],
    "single_rows.replace": [single_rows.replace(D, {"key": "1"}, ("key",), keyed=True)],
    "single_rows.upsert": [single_rows.upsert(D, {"key": "1"}, keyed=True)],
    "sources.add_to_revision": [sources.add_to_revision(SOURCE, REVISION)],
    "sources.change_options": [sources.change_options(SOURCE, {})],
    "sources.chunk": [sources.chunk(SOURCE, 0, 0, b"x")],
    "sources.commit": [sources.commit(SOURCE, 0, 1)],
    "sources.download": [sources.download(REVISION), sources.download(REVISION, 15786)],
    "sources.from_url": [sources.from_url(REVISION, "https://data.example.gov/roads.csv")],
    "sources.from_view": [sources.from_view(REVISION, D)],
    "sources.initiate": [sources.initiate(SOURCE, "text/csv")],
    "sources.listing": [sources.listing(REVISION)],
    "sources.load": [sources.load(SOURCE)],
    "sources.look": [sources.look(SOURCE)],
    "sources.read": [sources.read(15786)],
    "sources.send_bytes": [sources.send_bytes(SOURCE, b"x", "text/csv")],
    "sources.unattached": [sources.unattached("roads.csv")],
    "sources.upload": [sources.upload(REVISION, "roads.csv")],
    "views.current_user": [views.current_user()],
    "views.discard": [views.discard(D)],
    "views.follow": [
        views.follow(call, Accepted(ticket="ticket-1"))[0]
        for call in (views.publish(D), imports.import_table("file-1", "roads.csv"))
    ],
    "views.merged_update": [
        views.merged_update(VIEW, {"name": "Roads"}, validate_only=only) for only in (False, True)
    ],
    "views.open_copy": [views.open_copy(D, "copy"), views.open_copy(D, "copySchema")],
    "views.pending_geocoding": [views.pending_geocoding(D)],
    "views.portal_date": [views.portal_date()],
    "views.publication_group": [views.publication_group(D, "unpublished")],
    "views.publish": [views.publish(D)],
    "views.read_view": [views.read_view(D)],
    "views.replication": [views.replication(D)],
    "views.twin": [views.twin(D)],
    "views.update_view": [views.update_view(D, {"name": "Roads"})],
}


def functions() -> dict[str, Callable[..., Any]]:
    """Every public function of the client that returns a call: ``module.function`` to function."""
    found: dict[str, Callable[..., Any]] = {}
    for module in pkgutil.iter_modules(airflow_socrata.client.__path__):
        loaded = importlib.import_module(f"airflow_socrata.client.{module.name}")
        for name, value in vars(loaded).items():
            if (
                inspect.isfunction(value)
                and value.__module__ == loaded.__name__
                and not name.startswith("_")
                and str(inspect.signature(value).return_annotation).startswith("Call[")
            ):
                found[f"{module.name}.{name}"] = value
    return {name: function for name, function in found.items() if name not in HELPERS}
