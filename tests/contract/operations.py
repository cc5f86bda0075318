"""Every DSMAPI call: method, path, what is sent, what is answered, where its links lead."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from contract import schemas
from contract.schemas import DATASET, Schema, array, either, envelope

BASE = "/api/publishing/v1"
PLACES = {
    "dataset": DATASET,
    "name": "[^/]+",
    "seq": r"\d+",
    "task_set": r"\d+",
    "source": r"\d+",
    "chunk": r"\d+",
    "offset": r"\d+",
    "input_schema": r"\d+",
    "output_schema": r"\d+",
    "transform": r"\d+",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One call.

    :param path: below the base, places in braces.
    :param sent: schema of the body sent; ``None``: an empty body.
    :param bodiless: the body may be empty as well.
    :param raw: the body sent is a file or a part of one.
    :param statuses: of a success, as answered; a client takes any 2xx.
    :param received: schema of the reply; ``None``: it is a file.
    :param links: link set of the envelope (or of each one in a list).
    """

    name: str
    method: str
    path: str
    statuses: tuple[int, ...]
    received: Schema | None
    sent: Schema | None = None
    raw: bool = False
    links: str | None = None
    query: tuple[str, ...] = ()
    bodiless: bool = False
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.sub(r"\{(\w+)\}", lambda place: f"(?P<{place[1]}>{PLACES[place[1]]})", BASE + self.path)
        object.__setattr__(self, "pattern", re.compile(pattern))

    def matches(self, method: str, path: str) -> bool:
        return method == self.method and self.pattern.fullmatch(path) is not None


REVISION = envelope(schemas.REVISION)
SOURCE = envelope(schemas.SOURCE)
INPUT_SCHEMA = envelope(schemas.INPUT_SCHEMA)
OUTPUT_SCHEMA = envelope(schemas.OUTPUT_SCHEMA)
TASK_SET = envelope(schemas.TASK_SET)
CONFIG = envelope(schemas.CONFIG)

_ONE = "/revision/{dataset}/{seq}"
_SOURCE = "/source/{source}"
_SCHEMA = "/source/{source}/schema/{input_schema}"

OPERATIONS = (
    Operation(
        "create a dataset",
        "POST",
        "/revision",
        (201,),
        REVISION,
        schemas.CREATE_DATASET_SENT,
        links="revision",
        query=("deleted_at",),
    ),
    Operation(
        "create a revision",
        "POST",
        "/revision/{dataset}",
        (201,),
        REVISION,
        schemas.CREATE_REVISION_SENT,
        links="revision",
        # The link of a config has its name there, and clients send nothing else.
        query=("config",),
        bodiless=True,
    ),
    Operation(
        "list revisions",
        "GET",
        "/revision/{dataset}",
        (200,),
        array(REVISION),
        links="revision",
        query=("open",),
    ),
    Operation("read a revision", "GET", _ONE, (200,), REVISION, links="revision"),
    Operation("update a revision", "PUT", _ONE, (202,), REVISION, schemas.UPDATE_SENT, links="revision"),
    Operation("patch a revision", "PATCH", _ONE, (202,), REVISION, schemas.UPDATE_SENT, links="revision"),
    Operation("discard a revision", "DELETE", _ONE, (202,), REVISION, links="revision"),
    Operation("attach a file", "POST", f"{_ONE}/attachment", (200, 201), schemas.ATTACHED_FILE, raw=True),
    Operation("plan", "GET", f"{_ONE}/plan", (200,), schemas.PLAN),
    Operation(
        "apply",
        "PUT",
        f"{_ONE}/apply",
        (200,),
        either(TASK_SET, schemas.SUBMITTED_FOR_APPROVAL),
        schemas.APPLY_SENT,
        links="task set",
    ),
    Operation("read a task set", "GET", f"{_ONE}/apply/{{task_set}}", (202,), TASK_SET, links="task set"),
    Operation(
        "restore",
        "POST",
        f"{_ONE}/restore",
        (200, 201),
        REVISION,
        schemas.EMPTY,
        links="revision",
        bodiless=True,
    ),
    Operation(
        "create a source", "POST", f"{_ONE}/source", (201,), SOURCE, schemas.SOURCE_SENT, links="source"
    ),
    Operation("list sources", "GET", f"{_ONE}/source", (200,), array(SOURCE), links="source"),
    Operation("download the source", "GET", f"{_ONE}/source/download", (200,), None),
    Operation("download a source", "GET", f"{_ONE}/source/download/{{source}}", (200,), None),
    Operation(
        "create a source without a revision",
        "POST",
        "/source",
        (201,),
        SOURCE,
        schemas.SOURCE_SENT,
        links="source",
    ),
    Operation("read a source", "GET", _SOURCE, (200,), SOURCE, links="source"),
    Operation("send bytes", "POST", _SOURCE, (200,), SOURCE, raw=True, links="source"),
    Operation(
        "add a source to a revision",
        "PATCH",
        _SOURCE,
        (202,),
        SOURCE,
        schemas.ADD_TO_REVISION_SENT,
        links="source",
    ),
    Operation("initiate", "POST", f"{_SOURCE}/initiate", (200, 201), schemas.LIMITS, schemas.INITIATE_SENT),
    Operation(
        "send a chunk", "POST", f"{_SOURCE}/chunk/{{chunk}}/{{offset}}", (200, 201), schemas.CHUNK, raw=True
    ),
    Operation(
        "commit",
        "POST",
        f"{_SOURCE}/chunk/{{chunk}}/{{offset}}/commit",
        (200, 201),
        schemas.FREE,
        schemas.EMPTY,
        bodiless=True,
    ),
    Operation(
        "change parse options",
        "POST",
        f"{_SOURCE}/options",
        (201,),
        SOURCE,
        schemas.OPTIONS_SENT,
        links="source",
    ),
    Operation(
        "load a source",
        "PUT",
        f"{_SOURCE}/load",
        (200, 202),
        SOURCE,
        schemas.EMPTY,
        links="source",
        bodiless=True,
    ),
    Operation("read an input schema", "GET", _SCHEMA, (200,), INPUT_SCHEMA, links="input schema"),
    Operation(
        "create an output schema",
        "POST",
        _SCHEMA,
        (201,),
        OUTPUT_SCHEMA,
        schemas.OUTPUT_SCHEMA_SENT,
        links="output schema",
    ),
    Operation(
        "latest output schema",
        "GET",
        f"{_SCHEMA}/output/latest",
        (200,),
        OUTPUT_SCHEMA,
        links="output schema",
    ),
    Operation(
        "read an output schema",
        "GET",
        f"{_SCHEMA}/output/{{output_schema}}",
        (200,),
        OUTPUT_SCHEMA,
        links="output schema",
    ),
    Operation(
        "read rows",
        "GET",
        f"{_SCHEMA}/rows/{{output_schema}}",
        (200,),
        schemas.ROWS,
        query=("limit", "offset"),
    ),
    Operation(
        "read row errors", "GET", f"{_SCHEMA}/errors", (200,), schemas.ROW_ERRORS, query=("limit", "offset")
    ),
    Operation(
        "read schema errors",
        "GET",
        f"{_SCHEMA}/errors/{{output_schema}}",
        (200,),
        schemas.ROWS,
        query=("limit", "offset", "column_id"),
    ),
    Operation(
        "read a transform", "GET", f"{_SOURCE}/transform/{{transform}}", (200,), envelope(schemas.TRANSFORM)
    ),
    Operation(
        "validate a row identifier",
        "GET",
        f"{_SOURCE}/transform/{{transform}}/validate_row_identifier",
        (200,),
        schemas.ROW_IDENTIFIER,
    ),
    Operation("list configs", "GET", "/config", (200,), array(CONFIG), links="config"),
    Operation("create a config", "POST", "/config", (201,), CONFIG, schemas.CONFIG_SENT, links="config"),
    Operation("read a config", "GET", "/config/{name}", (200,), CONFIG, links="config"),
    Operation(
        "change a config",
        "PATCH",
        "/config/{name}",
        (202,),
        CONFIG,
        schemas.CONFIG_CHANGES_SENT,
        links="config",
    ),
    Operation("delete a config", "DELETE", "/config/{name}", (201,), CONFIG, links="config"),
    Operation(
        "build a config",
        "POST",
        "/config/build_from/{output_schema}",
        (201,),
        CONFIG,
        schemas.BUILD_CONFIG_SENT,
        links="config",
    ),
)
BY_NAME = {operation.name: operation for operation in OPERATIONS}

# Name of each link of an envelope, and the call that it leads to.
INPUT_SCHEMA_LINKS = {
    "show": "read an input schema",
    "transform": "create an output schema",
    "latest_output": "latest output schema",
    "row_errors": "read row errors",
}
OUTPUT_SCHEMA_LINKS = {
    "show": "read an output schema",
    "rows": "read rows",
    "schema_errors": "read schema errors",
    "validate_row_id": "validate a row identifier",
    "build_config": "build a config",
}
LinkSet = dict[str, "str | LinkSet"]
LINKS: dict[str, LinkSet] = {
    "revision": {
        "show": "read a revision",
        "update": "update a revision",
        "metadata": "update a revision",
        "discard": "discard a revision",
        "create_source": "create a source",
        "list_sources": "list sources",
        "apply": "apply",
        "plan": "plan",
        "restore": "restore",
    },
    "task set": {"show": "read a task set"},
    "source": {
        "show": "read a source",
        "bytes": "send bytes",
        "initiate": "initiate",
        "chunk": "send a chunk",
        "commit": "commit",
        "load": "load a source",
        "update": "change parse options",
        "add_to_revision": "add a source to a revision",
        "show_input_schema": "read an input schema",
        "input_schema_links": {**INPUT_SCHEMA_LINKS, "output_schema_links": dict(OUTPUT_SCHEMA_LINKS)},
    },
    "input schema": {**INPUT_SCHEMA_LINKS, "output_schema_links": dict(OUTPUT_SCHEMA_LINKS)},
    "output schema": dict(OUTPUT_SCHEMA_LINKS),
    "config": {
        "create_revision": "create a revision",
        "list": "list configs",
        "show": "read a config",
        "update": "change a config",
        "delete": "delete a config",
    },
}
# Places that a link of each envelope leaves open, in the words of the portal.
OPEN_PLACES = {
    "revision": set(),
    "task set": set(),
    "source": {"seq_num", "byte_offset", "input_schema_id", "output_schema_id", "transform_id"},
    "input schema": {"output_schema_id", "transform_id"},
    "output schema": {"transform_id"},
    "config": {"fourfour"},
}
FILLED = {"fourfour": "abcd-1234"}


def operation_of(method: str, path: str) -> Operation:
    """Return the call that a request is.

    :raises LookupError: the contract has none.
    """
    found = [operation for operation in OPERATIONS if operation.matches(method, path)]
    # `…/output/latest` and the like are words where others have numbers: at most one fits.
    if len(found) != 1:
        raise LookupError(f"{method} {path}: {[operation.name for operation in found] or 'no such call'}")
    return found[0]
