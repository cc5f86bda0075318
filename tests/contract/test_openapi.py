"""The vendor's OpenAPI file, where it is at hand, beside the contract and beside what the emulator answers.

The tables below are whole: a difference that is not in them fails, and one of them that is gone fails too.
"""

from __future__ import annotations

import json

import pytest
from contract import openapi
from contract.operations import OPERATIONS

FILE = openapi.find()
pytestmark = pytest.mark.skipif(
    FILE is None, reason=f"the vendor's OpenAPI file is not here: name it in {openapi.VARIABLE}"
)

# Calls that clients make and the file does not have.
NOT_IN_FILE = {
    "attach a file",
    "plan",
    "restore",
    "load a source",
    "read rows",
    "read row errors",
    "read schema errors",
    "validate a row identifier",
}
# Where clients see another thing than the file says.
WRONG_STATUSES = {
    # The vendor's deployment tool waits for these.
    "discard a revision: 201, in truth 202",
    "send bytes: 201, in truth 200",
}
WRONG_ANSWERS = {
    # socrata-py makes a list of it.
    "list sources: Source, in truth Source[]",
    # The bytes as they were uploaded.
    "download the source: Source, in truth the file itself",
    "download a source: Source, in truth the file itself",
    # socrata-py makes an output schema of it; so does the file's own text.
    "create an output schema: InputSchema, in truth OutputSchema",
}
WRONG_TYPES = {
    # Lists: socrata-py and the vendor's own examples send and read them as such.
    "Revision.href: object, in truth array",
    "Revision.attachments: object, in truth array",
    "TaskSet.log: object, in truth array",
    "SourceType.loaded: string, in truth boolean",
    "Transform.parsed_expr: string, in truth object",
    "OutputColumn.transform: `type: Transform` is no type",
}
WRONG_BODIES = {
    # socrata-py nests the revision; the file has its two keys at the top. Either is taken.
    "add a source to a revision.revision: not in the file",
    # Parse options make a new source (`…/options`), they do not change with its revision.
    "add a source to a revision.header_count: in the file alone",
    "add a source to a revision.column_header: in the file alone",
    # A source outside of any revision; a source within one has the revision in its path.
    "create a source without a revision.fourfour: in the file alone",
    "create a source without a revision.revision_seq: in the file alone",
}
# What the file does not mention, in bodies and in resources.
SILENT_BODIES = {
    *(
        f"{method} a revision.{key}: not in the file"
        for method in ("update", "patch")
        for key in ("action", "blob_id", "href", "attachments", "notes")
    ),
    *(
        f"create a source without a revision.{key}: not in the file"
        for key in (
            "source_type.url",
            "source_type.fourfour",
            "source_type.agent_uid",
            "source_type.namespace",
            "source_type.path",
            "source_type.parameters",
            "parse_options",
        )
    ),
    "create an output schema.sort_bys: not in the file",
    "create an output schema.increment_revision: not in the file",
}
SILENT = {
    f"{key}: not in the file"
    for key in (
        "Revision.action.schema",
        "Revision.is_parent",
        "Revision.domain_id",
        "Revision.notes",
        "Revision.creation_source",
        "Revision.updated_at",
        "SourceType.type",
        "SourceType.url",
        "SourceType.agent_uid",
        "SourceType.namespace",
        "SourceType.path",
        "SourceType.parameters",
        "InputColumn.display_name",
        "InputColumn.guessed_soql_type",
        "OutputSchema.completed_at",
        "OutputSchema.sort_bys",
        "OutputColumn.flags",
        "OutputColumn.is_primary_key",
        "Transform.completed_at",
        "Transform.has_cell_edits",
        "ImportConfig.columns.description",
        "ImportConfig.columns.is_primary_key",
        "ImportConfig.columns.flags",
    )
}
# What the file has and nobody has seen answered.
NOT_SEEN = {"Revision.action.metadata: in the file alone"}


@pytest.fixture(scope="module")
def file():
    assert FILE is not None
    return openapi.VendorFile.read(FILE)


def test_every_call_of_the_file_is_in_the_contract(file):
    known = {(operation.method, operation.path): operation.name for operation in OPERATIONS}
    theirs = {(method, path) for method, path, _ in file.operations()}
    assert theirs - set(known) == set()
    assert {known[each] for each in set(known) - theirs} == NOT_IN_FILE


def test_statuses(file):
    assert set(openapi.statuses(file)) == WRONG_STATUSES


def test_answers(file):
    assert set(openapi.answers(file)) == WRONG_ANSWERS


def test_bodies(file):
    assert set(openapi.bodies(file)) == WRONG_BODIES | SILENT_BODIES


def test_resources(file):
    assert set(openapi.components(file)) == WRONG_TYPES | SILENT | NOT_SEEN


def test_what_the_emulator_answers(file, exchanges):
    """Resource by resource, as answered; the emulator has no difference of its own."""
    found: set[str] = set()
    compared: set[str] = set()
    for seen in exchanges:
        if seen.operation.links is None:
            continue
        value = seen.json()
        for each in value if isinstance(value, list) else [value]:
            if "resource" in each:
                compared.add(seen.operation.links)
                found |= set(openapi.replies(file, seen.operation.links, each["resource"]))
    assert compared == set(openapi.ANSWERS)
    # The keys of what is free in a revision (custom fields and the like) are the publisher's own.
    assert found - WRONG_TYPES - SILENT == set()
    assert found >= WRONG_TYPES


def test_statuses_of_the_emulator(file, exchanges):
    declared = {
        (method, path): {int(status) for status in operation.get("responses", {}) if status != "default"}
        for method, path, operation in file.operations()
    }
    wrong = set()
    for seen in exchanges:
        operation = seen.operation
        expected = declared.get((operation.method, operation.path))
        if expected and seen.status not in expected:
            wrong.add(f"{operation.name}: {min(expected)}, in truth {seen.status}")
    assert wrong == WRONG_STATUSES


def test_words_of_the_file(file):
    """Where its prose and its operations contradict each other, or clients."""
    action = file.component("Revision")["properties"]["action"]["properties"]["type"]["description"]
    assert '"replace", "update"' in action
    assert "delete" not in action, (
        "the action `delete` is named elsewhere in the file, and sent by socrata-py"
    )
    made = file.content["paths"]["/api/publishing/v1/source/:source_id/schema/:id"]["post"]
    assert "`PUT`" in made["description"], "the call is POST"
    options = file.content["paths"]["/api/publishing/v1/source/:source_id/options"]["post"]
    assert "PATCH request" in options["description"], "the call is POST, and makes a new source"
    assert "nullable" not in json.dumps(file.content), "what is not there yet is null; the file knows no null"
