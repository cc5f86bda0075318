"""Operators that set metadata, attach files and detach them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest
from portal_harness import tasks
from portal_harness.publications import Dataset, errors, records, upload, upsert
from portal_harness.tasks import red

from airflow_socrata.operators.socrata import (
    SocrataAttachFileOperator,
    SocrataDetachFileOperator,
    SocrataSetMetadataOperator,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]

FIELDSETS = [
    {
        "name": "Publication",
        "fields": [{"name": "Cycle", "options": ["Weekly", "Monthly"]}, {"name": "Steward", "private": True}],
    }
]
WANTED = {
    "description": "Closed roads",
    "tags": ["roads", "Traffic"],
    "license": "CC_40_BY",
    "attribution_link": "https://example.gov/roads",
    "row_label": "Event",
    "contact_email": "roads@example.gov",
    "custom_fields": {"Publication": {"Cycle": "Weekly"}},
    "private_custom_fields": {"Publication": {"Steward": "Jo"}},
}


@pytest.fixture
def run_task(run_task: Run, dataset: Dataset) -> Run:
    """``run_task(operator, **arguments)``: one task on the dataset, and how it ended."""
    return functools.partial(run_task, dataset=dataset.id)


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    path = tmp_path / "guide.pdf"
    path.write_bytes(b"%PDF guide" * 50_000)
    return path


def green(run: Any) -> Any:
    """What the task of a green run returned; it left nothing on record."""
    assert records() == {}
    return tasks.green(run)


def attachments(dataset: Dataset) -> list[tuple[str, str]]:
    """File name and name of the attachments."""
    listed = dataset.view()["metadata"].get("attachments", [])
    return [(each["filename"], each["name"]) for each in listed]


def content(dataset: Dataset, filename: str) -> bytes:
    """The bytes of an attachment."""
    import requests

    listed = dataset.view()["metadata"]["attachments"]
    (asset,) = [each["assetId"] for each in listed if each["filename"] == filename]
    with requests.Session() as session:
        session.trust_env = False
        found = session.get(f"{dataset.portal.url}/api/views/{dataset.id}/files/{asset}", timeout=30)
    assert found.status_code == 200
    return found.content


# --- metadata ---


def test_metadata_are_set_once_and_the_rest_stays(dataset: Dataset, run_task: Run) -> None:
    admin = dataset.portal.admin
    admin.metadata_rules(fieldsets=FIELDSETS)
    theirs = admin.add_file(dataset.id, "theirs.pdf")
    done = green(run_task(SocrataSetMetadataOperator, metadata=WANTED))
    assert done["written"] is True
    assert set(done["changed"]) == {
        *(name for name in WANTED if "custom" not in name),
        "custom_fields.Publication.Cycle",
        "private_custom_fields.Publication.Steward",
    }
    view = dataset.view()
    assert (view["description"], view["licenseId"]) == ("Closed roads", "CC_40_BY")
    assert view["metadata"]["attachments"] == [theirs]
    assert view["metadata"]["rowLabel"] == "Event"
    assert view["metadata"]["custom_fields"] == WANTED["custom_fields"]
    assert view["privateMetadata"] == {
        "contactEmail": "roads@example.gov",
        "custom_fields": WANTED["private_custom_fields"],
    }
    assert view["rowIdentifierColumnId"]
    again = green(run_task(SocrataSetMetadataOperator, metadata=WANTED | {"tags": ["TRAFFIC", "roads"]}))
    assert (again["changed"], again["written"]) == ([], False)
    assert len(dataset.calls("PATCH")) == 2, "one verdict and one change"
    assert len(dataset.calls("PUT")) == 2


def test_only_what_differs_is_sent_and_none_takes_away(dataset: Dataset, run_task: Run) -> None:
    green(run_task(SocrataSetMetadataOperator, metadata=WANTED))
    less = {"description": None, "tags": None, "license": None, "contact_email": None}
    less |= {
        "attribution_link": WANTED["attribution_link"],
        "custom_fields": {"Publication": {"Cycle": None}},
    }
    done = green(run_task(SocrataSetMetadataOperator, metadata=less))
    assert "attribution_link" not in done["changed"]
    view = dataset.view()
    assert ("description" in view, "licenseId" in view, view["tags"]) == (False, False, [])
    assert view["attributionLink"] == WANTED["attribution_link"]
    assert "contactEmail" not in view["privateMetadata"]
    assert view["privateMetadata"]["custom_fields"] == WANTED["private_custom_fields"]


def test_a_verdict_alone_writes_nothing(dataset: Dataset, run_task: Run) -> None:
    before = dataset.view()
    done = green(run_task(SocrataSetMetadataOperator, metadata=WANTED, validate_only=True))
    assert done["written"] is False
    assert "license" in done["changed"]
    assert dataset.view() == before


def test_what_the_portal_refuses_changes_nothing(dataset: Dataset, run_task: Run) -> None:
    before = dataset.view()
    error = red(run_task(SocrataSetMetadataOperator, metadata=WANTED | {"license": "CC BY 4"}, retries=2))
    assert "CC BY 4 is not a valid license" in error
    assert "CC_40_BY" in error, "what is written like it is named"
    assert "Nothing was changed" in error
    assert dataset.view() == before
    dataset.portal.admin.metadata_rules(fieldsets=FIELDSETS)
    wrong = {"custom_fields": {"Publication": {"Cycle": "Daily"}}, "row_label": "Event"}
    assert "Weekly, Monthly" in red(run_task(SocrataSetMetadataOperator, metadata=wrong))
    assert dataset.view() == before


def test_warnings_are_kept_or_refuse(dataset: Dataset, run_task: Run) -> None:
    dataset.portal.admin.metadata_rules(categories=["Transit"])
    wanted = {"category": "Nonexistent"}
    error = red(run_task(SocrataSetMetadataOperator, metadata=wanted, strict=True))
    assert "category: Nonexistent is not a category of this domain" in error
    assert "category" not in dataset.view()
    done = green(run_task(SocrataSetMetadataOperator, metadata=wanted))
    assert done["warnings"] == ["category: Nonexistent is not a category of this domain"]
    assert dataset.view()["category"] == "Nonexistent"


def test_bad_metadata_reach_no_portal(dataset: Dataset, run_task: Run) -> None:
    before = len(dataset.portal.admin.requests())
    error = red(run_task(SocrataSetMetadataOperator, metadata={"descripton": "x"}, retries=1))
    assert "did you mean 'description'" in error
    assert len(dataset.portal.admin.requests()) == before


def test_no_right_is_told_before_anything_is_sent(dataset: Dataset, run_task: Run, guide: Path) -> None:
    dataset.portal.admin.set_rights(dataset.id, "publisher", ["read", "write"])
    assert "may not change the metadata" in red(run_task(SocrataSetMetadataOperator, metadata=WANTED))
    assert "may not change the metadata" in red(run_task(SocrataAttachFileOperator, source=str(guide)))
    assert dataset.calls("PATCH") + dataset.calls("PUT") + dataset.calls("POST", "/api/assets") == []


def test_a_try_that_died_half_way_is_ended_by_the_next(dataset: Dataset, run_task: Run) -> None:
    dataset.portal.admin.add_fault("unavailable", "PUT", times=6, skip=1)
    run = run_task(SocrataSetMetadataOperator, metadata=WANTED, retries=1)
    done = green(run)
    assert run.task("task").tries == 2
    assert sorted(done["changed"]) == ["contact_email", "row_label"], "the rest was written by the first try"


def test_an_open_working_copy_is_spoken_of(dataset: Dataset, run_task: Run, guide: Path) -> None:
    copy = dataset.portal.admin.open_working_copy_as("person", dataset.id)["id"]
    for operator, more in (
        (SocrataSetMetadataOperator, {"metadata": {"description": "d"}}),
        (SocrataAttachFileOperator, {"source": str(guide)}),
        (SocrataDetachFileOperator, {"filename": "guide.pdf"}),
    ):
        assert green(run_task(operator, **more))["open_working_copies"] == [copy]


# --- attachments ---


def test_a_file_is_attached_once(dataset: Dataset, run_task: Run, guide: Path) -> None:
    dataset.portal.admin.add_file(dataset.id, "theirs.pdf")
    first = green(run_task(SocrataAttachFileOperator, source=str(guide), name="Guide"))
    assert (first["outcome"], first["attachments"]) == ("attached", ["theirs.pdf", "guide.pdf"])
    again = green(run_task(SocrataAttachFileOperator, source=str(guide)))
    assert (again["outcome"], again["asset_id"]) == ("unchanged", first["asset_id"])
    assert attachments(dataset) == [("theirs.pdf", "theirs.pdf"), ("guide.pdf", "Guide")]
    assert content(dataset, "guide.pdf") == guide.read_bytes()
    assert len(dataset.calls("POST", "/api/assets")) == 1
    renamed = green(run_task(SocrataAttachFileOperator, source=str(guide), name="The guide"))
    assert (renamed["outcome"], renamed["asset_id"]) == ("renamed", first["asset_id"])
    assert attachments(dataset)[1] == ("guide.pdf", "The guide")


@pytest.mark.parametrize("data", [b"%PDF guide" * 50_000 + b"!", b"%PDF"], ids=["longer", "shorter"])
def test_another_file_of_the_name_takes_its_place(
    dataset: Dataset, run_task: Run, guide: Path, data: bytes
) -> None:
    green(run_task(SocrataAttachFileOperator, source=str(guide), name="Guide"))
    dataset.portal.admin.add_file(dataset.id, "theirs.pdf")
    guide.write_bytes(data)
    done = green(run_task(SocrataAttachFileOperator, source=str(guide)))
    assert done["outcome"] == "replaced"
    assert attachments(dataset) == [("guide.pdf", "Guide"), ("theirs.pdf", "theirs.pdf")]
    assert content(dataset, "guide.pdf") == data


def test_an_attachment_whose_file_is_gone_gets_it_back(dataset: Dataset, run_task: Run, guide: Path) -> None:
    first = green(run_task(SocrataAttachFileOperator, source=str(guide)))
    dataset.portal.admin.lose_file(first["asset_id"])
    assert green(run_task(SocrataAttachFileOperator, source=str(guide)))["outcome"] == "replaced"
    assert content(dataset, "guide.pdf") == guide.read_bytes()


def test_a_file_that_cannot_be_attached_changes_nothing(
    dataset: Dataset, run_task: Run, tmp_path: Path, guide: Path
) -> None:
    admin = dataset.portal.admin
    (tmp_path / "empty.pdf").touch()
    before = len(admin.requests())
    assert "no bytes" in red(
        run_task(SocrataAttachFileOperator, source=str(tmp_path / "empty.pdf"), retries=1)
    )
    run = run_task(SocrataAttachFileOperator, source=str(tmp_path / "none.pdf"))
    assert "none.pdf cannot be read: No such file" in errors(run, "task")[0]
    assert len(admin.requests()) == before
    for _ in range(2):
        admin.add_file(dataset.id, "guide.pdf")
    error = red(run_task(SocrataAttachFileOperator, source=str(guide), retries=1))
    assert "2 attachments are called 'guide.pdf'" in error
    assert dataset.calls("POST", "/api/assets") == []


def test_who_attaches_at_the_same_time_loses_nothing(
    dataset: Dataset, run_task: Run, guide: Path, clock: Any
) -> None:
    """A person's page had read the list before, and is saved after, this task has written its own."""
    import requests

    admin = dataset.portal.admin
    theirs = [{"filename": "theirs.pdf", "assetId": "asset-theirs", "name": "theirs.pdf"}]

    def person_saves() -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.put(
                f"{dataset.portal.url}/api/views/{dataset.id}.json",
                json={"metadata": {"attachments": theirs}},
                auth=("person-key", "person-secret"),
                timeout=30,
            )

    clock.at_pause(person_saves)
    done = green(run_task(SocrataAttachFileOperator, source=str(guide)))
    assert done["attachments"] == ["theirs.pdf", "guide.pdf"]
    assert len(admin.requests()) < 20


def test_attachments_live_through_a_publication(
    dataset: Dataset, run_task: Run, run_dag: Run, publish_dag: Run, guide: Path
) -> None:
    green(run_task(SocrataAttachFileOperator, source=str(guide)))
    green(run_task(SocrataSetMetadataOperator, metadata=WANTED))
    former = dataset.view()
    assert run_dag(publish_dag(dataset, upsert())).state == "success"
    view = dataset.view()
    assert view["metadata"]["attachments"] == former["metadata"]["attachments"]
    for key in ("description", "licenseId", "tags", "attributionLink"):
        assert view[key] == former[key]
    assert view["privateMetadata"]["contactEmail"] == "roads@example.gov"
    assert content(dataset, "guide.pdf") == guide.read_bytes()


def test_metadata_of_a_revision_leave_attachments_alone(
    dataset: Dataset, run_task: Run, run_dag: Run, publish_dag: Run, guide: Path, tmp_path: Path
) -> None:
    green(run_task(SocrataAttachFileOperator, source=str(guide)))
    green(run_task(SocrataSetMetadataOperator, metadata=WANTED))
    former = dataset.view()
    rows = tmp_path / "rows.csv"
    rows.write_text("event_id,street,lanes\ne1,Laugavegur,2\n", encoding="utf-8")
    given = {"metadata": {"rowLabel": "Closure"}, "privateMetadata": {"contactEmail": None}}
    options = {"method": "revision", "action": "replace", "metadata": given}
    assert run_dag(publish_dag(dataset, upload(rows), **options)).state == "success"
    view = dataset.view()
    assert view["metadata"]["rowLabel"] == "Closure"
    for key in ("attachments", "custom_fields"):
        assert view["metadata"][key] == former["metadata"][key]
    assert view["rowIdentifierColumnId"], "the output schema tells it"
    assert view["privateMetadata"]["custom_fields"] == former["privateMetadata"]["custom_fields"]
    assert "contactEmail" not in view["privateMetadata"]


def test_a_file_is_detached_once(dataset: Dataset, run_task: Run) -> None:
    admin = dataset.portal.admin
    for name in ("a.pdf", "b.pdf", "a.pdf"):
        admin.add_file(dataset.id, name)
    admin.add_fault("lost_reply", "PUT")
    done = green(run_task(SocrataDetachFileOperator, filename="a.pdf"))
    assert (done["outcome"], done["attachments"]) == ("detached", ["b.pdf"])
    assert len(dataset.calls("PUT")) == 1
    again = green(run_task(SocrataDetachFileOperator, filename="a.pdf"))
    assert (again["outcome"], again["attachments"]) == ("absent", ["b.pdf"])
