"""Trap: ``default_args={"retries": n}`` goes to setup, work and teardown alike, and to appends as well."""

from __future__ import annotations

from typing import Any

import pytest
from portal_harness.publications import OLD_ROWS, assert_published, assert_unchanged, errors, upsert

from airflow_socrata.operators.socrata import SocrataPublishOperator, SocrataUpsertOperator
from airflow_socrata.publication.errors import WaitTimeout


def fail_once(context: Any, result: Any) -> Any:
    """Fail the first try, after all its work."""
    if context["ti"].try_number == 1:
        raise WaitTimeout("this try fails after its effect")
    return result


class UpsertThenFail(SocrataUpsertOperator):
    """Loads and fails."""

    def execute(self, context: Any) -> Any:
        return fail_once(context, super().execute(context))


class PublishThenFail(SocrataPublishOperator):
    """Publishes and fails."""

    def execute(self, context: Any) -> Any:
        return fail_once(context, super().execute(context))


@pytest.mark.parametrize("keyed", [True, False], ids=["keyed", "unkeyed"])
def test_a_load_that_fails_after_its_effect(portal: Any, publish_dag: Any, run_dag: Any, keyed: bool) -> None:
    from portal_harness.publications import make_dataset

    dataset = make_dataset(portal, keyed=keyed)
    rows = [{"event_id": f"n{n}", "lanes": str(n)} for n in (1, 2, 3)]

    def load(publication: Any) -> None:
        UpsertThenFail(
            task_id="load",
            working_copy=publication.working_copy,
            rows=lambda: rows,
            require_row_identifier=keyed,
        )

    run = run_dag(publish_dag(dataset, load, retries=2))
    old = [row | {"lanes": str(row["lanes"])} for row in OLD_ROWS]
    assert_published(run, dataset, old[:9] + rows + old[9:])
    assert run.task("p.load").tries == 2


def test_a_publish_that_fails_after_its_effect_is_not_sent_again(
    dataset: Any, publish_dag: Any, run_dag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_socrata.operators import socrata

    monkeypatch.setattr(socrata, "SocrataPublishOperator", PublishThenFail)
    run = run_dag(publish_dag(dataset, upsert(), retries=2))
    assert_published(run, dataset, dataset.after_changes())
    assert run.task("p.publish").tries == 2
    sent = [call for call in dataset.calls("POST", "/publication") if not call["query"]]
    assert len(sent) == 1


def test_a_publish_that_fails_after_its_effect_without_retries_is_red_and_live(
    dataset: Any, publish_dag: Any, run_dag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_socrata.operators import socrata

    monkeypatch.setattr(socrata, "SocrataPublishOperator", PublishThenFail)
    run = run_dag(publish_dag(dataset, upsert()))
    assert run.state == "failed", errors(run, "p.discard_working_copy")
    assert dataset.rows() == dataset.after_changes()
    assert dataset.copies() == []
    assert run.task("p.discard_working_copy").xcoms["return_value"]["went_live"] is True


def test_mapped_loads_without_a_row_identifier_are_not_run_twice_into_one_copy(
    unkeyed: Any, publish_dag: Any, run_dag: Any, tmp_path: Any
) -> None:
    before = unkeyed.rows()
    paths = []
    for number in (1, 2):
        path = tmp_path / f"part{number}.csv"
        path.write_text(f"event_id,lanes\nn{number},{number}\n")
        paths.append(str(path))

    def load(publication: Any) -> None:
        UpsertThenFail.partial(
            task_id="load", working_copy=publication.working_copy, require_row_identifier=False
        ).expand(source=paths)

    run = run_dag(publish_dag(unkeyed, load, retries=1))
    assert_unchanged(run, unkeyed, before)
    assert "clear the task that opens the working copy" in errors(run, "p.load[0]")[-1]


def test_mapped_loads_with_a_row_identifier_may_be_run_twice(
    dataset: Any, publish_dag: Any, run_dag: Any, tmp_path: Any
) -> None:
    paths = []
    for number in (1, 2):
        path = tmp_path / f"part{number}.csv"
        path.write_text(f"event_id,lanes\nn{number},{number}\n")
        paths.append(str(path))

    def load(publication: Any) -> None:
        UpsertThenFail.partial(task_id="load", working_copy=publication.working_copy).expand(source=paths)

    run = run_dag(publish_dag(dataset, load, retries=1))
    new = [{"event_id": f"n{n}", "lanes": str(n)} for n in (1, 2)]
    old = [row | {"lanes": str(row["lanes"])} for row in OLD_ROWS]
    assert_published(run, dataset, old[:9] + new + old[9:])
