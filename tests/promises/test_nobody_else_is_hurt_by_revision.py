"""People's revisions and working copies, audience, attachments and metadata stay as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.publications import OLD_ROWS, START, errors, make_dataset, records
from portal_harness.revisions import (
    APPLY,
    CREATE,
    REVISIONS,
    after_upsert,
    assert_applied,
    assert_not_applied,
    changes,
    old_rows,
    open_revisions,
    revise,
    update_dag,
    write_csv,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["changes", "revise"]

BOTH = pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
NOTES = {"team": "roads", "contact": {"desk": 4}}


@BOTH
@pytest.mark.parametrize("user", ["person", "publisher"])
def test_another_s_open_revision_stays_beside_ours(
    dataset: Any, changes: Path, revise: Any, user: str, deferrable: bool
) -> None:
    theirs = dataset.portal.admin.open_revision_as(user, dataset.id)
    run = revise(dataset, changes, deferrable=deferrable)
    assert_applied(run, dataset, after_upsert(), others=[theirs])
    assert dataset.calls("DELETE") == []


@pytest.mark.parametrize("user", ["person", "publisher"])
def test_another_s_open_revision_stays_when_ours_is_rolled_back(
    dataset: Any, changes: Path, revise: Any, user: str
) -> None:
    theirs = dataset.portal.admin.open_revision_as(user, dataset.id)
    dataset.portal.admin.add_fault("parse_failure")
    run = revise(dataset, changes)
    assert_not_applied(run, dataset, others=[theirs])


@pytest.mark.parametrize("user", ["person", "publisher"])
def test_a_revision_that_inherits_our_mark_is_still_a_person_s(
    dataset: Any, changes: Path, revise: Any, user: str
) -> None:
    revise(dataset, changes)
    theirs = dataset.portal.admin.open_revision_as(user, dataset.id)
    shown = dataset.portal.admin.revisions(dataset.id)[0]["metadata"]["privateMetadata"]
    assert "airflow_socrata" in shown, "inherited from the published view"
    assert_applied(revise(dataset, changes), dataset, after_upsert(), others=[theirs], times=2)
    dataset.portal.admin.add_fault("parse_failure")
    run = revise(dataset, changes)
    assert_not_applied(run, dataset, after_upsert(), others=[theirs])


@pytest.mark.parametrize("fault", ["lost_reply", "bad_gateway", "reset_before"])
def test_a_revision_opened_while_our_create_is_in_doubt_is_not_taken_for_ours(
    dataset: Any, changes: Path, revise: Any, clock: Any, fault: str
) -> None:
    """The first pause is that after the create that failed: then a person opens one."""
    dataset.portal.admin.add_fault(fault, "POST", REVISIONS + r"[a-z0-9-]+$")
    clock.at_pause(lambda: dataset.portal.admin.open_revision_as("person", dataset.id))
    run = revise(dataset, changes)
    theirs = next(
        known["seq"]
        for known in dataset.portal.admin.revisions(dataset.id)
        if known["created_by"] == "person"
    )
    assert_applied(run, dataset, after_upsert(), others=[theirs])


@BOTH
def test_a_person_s_working_copy_stops_the_run_and_stays(
    dataset: Any, changes: Path, revise: Any, deferrable: bool
) -> None:
    copy = dataset.portal.admin.open_working_copy_as("person", dataset.id)
    run = revise(dataset, changes, deferrable=deferrable, retries=2)
    assert_not_applied(run, dataset)
    assert copy["id"] in errors(run, CREATE)[0]
    assert [known["id"] for known in dataset.copies()] == [copy["id"]]
    assert dataset.calls("POST", REVISIONS) == []


def test_a_person_s_working_copy_that_appears_before_apply_stops_it_and_stays(
    dataset: Any, changes: Path, revise: Any
) -> None:
    dataset.portal.admin.add_fault("person_copy", "PUT", r"/apply$")
    run = revise(dataset, changes)
    assert_not_applied(run, dataset)
    [copy] = dataset.copies()
    assert copy["id"] in errors(run, APPLY)[0]


def test_a_person_s_working_copy_may_be_ignored(dataset: Any, changes: Path, revise: Any) -> None:
    dataset.portal.admin.settings(apply_with_open_copy="proceed")
    copy = dataset.portal.admin.open_working_copy_as("person", dataset.id)
    run = revise(dataset, changes, existing_copy="ignore")
    assert_applied(run, dataset, after_upsert())
    assert [known["id"] for known in dataset.copies()] == [copy["id"]]


def leftover(dataset: Any, name: str, *, order: str = "") -> int:
    """An open revision of an earlier run of a DAG, as a killed worker leaves it."""
    from airflow_socrata.publication.operation import Mark, Operation

    mark = Mark("f" * 32, Operation(name, "an earlier run", CREATE, order=order))
    metadata = {"privateMetadata": mark.onto({})}
    seq: int = dataset.portal.admin.open_revision_as("publisher", dataset.id, metadata=metadata)
    return seq


def test_a_leftover_of_an_ended_run_is_discarded_at_the_start(
    dataset: Any, changes: Path, revise: Any, tmp_path: Path
) -> None:
    """The first run's rollback fails as well; what it leaves, the second run finds by its mark."""
    wrong = write_csv(tmp_path / "wrong.csv", [{"event_id": "e1", "lanes": "many"}])
    dataset.portal.admin.add_fault("bad_gateway", "DELETE", REVISIONS, times=40)
    revise(dataset, wrong)
    assert open_revisions(dataset) == [0]
    dataset.portal.admin.clear_faults()
    assert_applied(revise(dataset, changes), dataset, after_upsert())


def test_a_leftover_of_another_dag_stays(dataset: Any, changes: Path, revise: Any) -> None:
    theirs = leftover(dataset, "another_dag")
    assert_applied(revise(dataset, changes), dataset, after_upsert(), others=[theirs])


def test_in_one_task_a_leftover_of_another_dag_stays(dataset: Any, changes: Path, run_dag: Any) -> None:
    theirs = leftover(dataset, "another_dag")
    run = run_dag(update_dag("beside_another_dag", dataset, changes))
    assert_applied(run, dataset, after_upsert(), others=[theirs])


def test_a_live_run_of_the_same_dag_keeps_its_revision(dataset: Any, changes: Path, run_dag: Any) -> None:
    """Two publications of one dataset in one run: neither discards the other's revision."""
    from airflow.providers.common.compat.sdk import DAG

    from airflow_socrata.operators.socrata import SocrataUpdateDatasetOperator

    with DAG("two_in_one_run", schedule=None, start_date=START) as dag:
        options = {"dataset": dataset.id, "source": str(changes), "timeout": 600.0}
        first = SocrataUpdateDatasetOperator(task_id="first", max_row_errors=0, **options)
        first >> SocrataUpdateDatasetOperator(task_id="second", **options)
    run = run_dag(dag)
    assert run.state == "success"
    assert dataset.rows() == after_upsert()
    assert open_revisions(dataset) == []
    assert records() == {}


@pytest.mark.parametrize("permission", ["public", "private"])
@pytest.mark.parametrize("action", ["update", "replace"])
def test_the_audience_stays(portal: Any, changes: Path, revise: Any, permission: str, action: str) -> None:
    dataset = make_dataset(portal, permission=permission)
    before = dataset.view()
    run = revise(dataset, changes, action=action)
    assert run.state == "success", [errors(run, task) for task in run.states]
    assert dataset.view().get("grants") == before.get("grants")
    assert run.task("p.verify").return_value["audience"] == permission
    assert portal.admin.revisions(dataset.id)[0]["permission"] is None, "nothing was sent"


def test_the_audience_changes_only_if_told(portal: Any, changes: Path, run_dag: Any) -> None:
    dataset = make_dataset(portal, permission="public")
    told = update_dag("audience_told", dataset, changes, permission="public")
    assert_applied(run_dag(told), dataset, after_upsert())
    assert portal.admin.revisions(dataset.id)[0]["permission"] == "public"


@BOTH
@pytest.mark.parametrize("action", ["update", "replace"])
def test_metadata_attachments_and_private_metadata_stay(
    portal: Any, changes: Path, revise: Any, action: str, deferrable: bool
) -> None:
    metadata = {"custom_fields": {"Quality": {"Checked": "yes"}}}
    fields = {"description": "What happened on the roads.", "tags": ["roads"], "attribution": "The city"}
    dataset = make_dataset(portal, metadata=metadata, private_metadata=NOTES, fields=fields)
    portal.admin.add_file(dataset.id, "guide.txt", "How to read it")
    before = dataset.view()
    run = revise(dataset, changes, action=action, deferrable=deferrable)
    assert run.state == "success", [errors(run, task) for task in run.states]
    after = dataset.view()
    private = after["privateMetadata"]
    assert private.pop("airflow_socrata")["revision"]
    assert private == before["privateMetadata"] == NOTES
    for key in ("name", "description", "tags", "attribution", "category", "licenseId", "displayType"):
        assert after.get(key) == before.get(key), key
    assert after["metadata"]["attachments"] == before["metadata"]["attachments"]
    assert after["metadata"]["custom_fields"] == before["metadata"]["custom_fields"]
    shown = [(c["name"], c["fieldName"], c["dataTypeName"]) for c in before["columns"]]
    assert [(c["name"], c["fieldName"], c["dataTypeName"]) for c in after["columns"]] == shown


def test_metadata_that_is_sent_changes_that_and_nothing_else(portal: Any, changes: Path, revise: Any) -> None:
    dataset = make_dataset(portal, private_metadata=NOTES, fields={"attribution": "The city"})
    run = revise(dataset, changes, metadata={"description": "Roads, anew."})
    assert_applied(run, dataset, after_upsert())
    after = dataset.view()
    assert after["description"] == "Roads, anew."
    assert (after["name"], after["attribution"]) == ("Road events", "The city")
    assert {**after["privateMetadata"], "airflow_socrata": None} == {**NOTES, "airflow_socrata": None}


def test_private_metadata_that_is_sent_stands_beside_what_was_there(
    portal: Any, changes: Path, revise: Any
) -> None:
    dataset = make_dataset(portal, private_metadata=NOTES)
    run = revise(dataset, changes, metadata={"privateMetadata": {"reviewed": "2026"}})
    assert_applied(run, dataset, after_upsert())
    private = dataset.view()["privateMetadata"]
    assert (private["reviewed"], private["team"]) == ("2026", "roads")


def test_a_person_s_change_of_metadata_during_the_run_stays(
    dataset: Any, changes: Path, revise: Any, clock: Any
) -> None:
    import requests

    def rename() -> None:
        with requests.Session() as session:
            session.trust_env = False
            reply = session.put(
                f"{dataset.portal.url}/api/views/{dataset.id}.json",
                auth=("person-key", "person-secret"),
                json={"description": "Mended by hand."},
                timeout=30,
            )
            assert reply.status_code == 200, reply.text

    dataset.portal.admin.settings(parse_looks=4)
    clock.at_pause(rename)
    assert_applied(revise(dataset, changes), dataset, after_upsert())
    assert dataset.view()["description"] == "Mended by hand."


def marked_by_a_newer_run(portal: Any, name: str, task: str = CREATE) -> Any:
    """A dataset that a newer run of the DAG has published."""
    from airflow_socrata.publication.operation import Mark, Operation

    newer = Operation(name, "a newer run", task, order="2999-01-01T00:00:00.000000+00:00")
    return make_dataset(portal, private_metadata=Mark("a" * 32, newer).onto({}))


def test_an_older_run_does_not_publish_over_a_newer_one(portal: Any, changes: Path, run_dag: Any) -> None:
    dataset = marked_by_a_newer_run(portal, "older_run", "update")
    run = run_dag(update_dag("older_run", dataset, changes, retries=2))
    assert_not_applied(run, dataset)
    assert "newer" in errors(run, "update")[0]
    assert dataset.calls("POST", REVISIONS) == []


def test_an_older_run_publishes_if_told(portal: Any, changes: Path, run_dag: Any) -> None:
    dataset = marked_by_a_newer_run(portal, "older_run_told", "update")
    run = run_dag(update_dag("older_run_told", dataset, changes, allow_older_run=True))
    assert_applied(run, dataset, after_upsert())


def test_a_newer_run_that_publishes_meanwhile_stops_the_apply(
    dataset: Any, changes: Path, revise: Any, clock: Any, request: pytest.FixtureRequest
) -> None:
    import requests

    from airflow_socrata.publication.operation import Mark, Operation

    newer = Operation(request.node.name, "a newer run", CREATE, order="2999-01-01T00:00:00.000000+00:00")

    def publish() -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.put(
                f"{dataset.portal.url}/api/views/{dataset.id}.json",
                auth=("publisher-key", "publisher-secret"),
                json={"privateMetadata": Mark("a" * 32, newer).onto({})},
                timeout=30,
            ).raise_for_status()

    dataset.portal.admin.settings(parse_looks=4)
    clock.at_pause(publish)
    run = revise(dataset, changes)
    assert_not_applied(run, dataset)
    assert "newer" in errors(run, APPLY)[0]
    assert len(old_rows()) == len(OLD_ROWS)
