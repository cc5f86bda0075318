"""A run publishes all of its data, or leaves the public dataset as it was and no working copy behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from portal_harness.publications import (
    CHANGES,
    OLD_ROWS,
    assert_published,
    assert_unchanged,
    errors,
    make_dataset,
    records,
    replace,
    upsert,
    upsert_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

CREATE, LOAD, PUBLISH = "p.create_working_copy", "p.load", "p.publish"


@pytest.mark.parametrize("backend", ["new", "old"])
@pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
def test_an_upsert_is_published_whole(
    portal: Any, publish_dag: Any, run_dag: Any, backend: str, deferrable: bool
) -> None:
    portal.admin.settings(backend=backend)
    dataset = make_dataset(portal)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert_published(run, dataset, dataset.after_changes())
    assert run.task("p.verify").return_value["rows_before"] == len(OLD_ROWS)


@pytest.mark.parametrize("backend", ["new", "old"])
@pytest.mark.parametrize("keyed", [True, False], ids=["keyed", "unkeyed"])
def test_a_replace_is_published_whole(
    portal: Any, publish_dag: Any, run_dag: Any, backend: str, keyed: bool
) -> None:
    portal.admin.settings(backend=backend)
    dataset = make_dataset(portal, keyed=keyed)
    new_rows = [{"event_id": f"n{n}", "street": "Háaleitisbraut", "lanes": str(n)} for n in range(1, 8)]
    run = run_dag(publish_dag(dataset, replace(new_rows, batch_rows=3), method="copySchema"))
    assert_published(run, dataset, new_rows)


def test_nobody_sees_a_row_before_publish(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    before = dataset.rows()
    seen: list[Any] = []

    def rows() -> Iterator[Any]:
        for row in CHANGES:
            seen.append(dataset.rows())
            yield row

    run = run_dag(publish_dag(dataset, upsert(rows, batch_rows=1)))
    assert_published(run, dataset, dataset.after_changes())
    assert seen == [before] * 3


def test_a_load_that_raises_changes_nothing(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    before = dataset.rows()

    def rows() -> Iterator[Any]:
        yield CHANGES[0]
        raise RuntimeError("the source broke")

    run = run_dag(publish_dag(dataset, upsert(rows, batch_rows=1)))
    assert_unchanged(run, dataset, before)
    assert errors(run, LOAD) == ["RuntimeError: the source broke"]


def test_what_a_guard_finds_late_in_a_file_is_still_before_publish(
    dataset: Any, publish_dag: Any, run_dag: Any, tmp_path: Any
) -> None:
    before = dataset.rows()
    path = tmp_path / "changes.csv"
    lines = [f"x{n},street,{n}" for n in range(40)]
    path.write_text("event_id,street,lanes\n" + "\n".join(lines) + "\n,blank,1\n")
    run = run_dag(publish_dag(dataset, upsert_file(path, batch_rows=10)))
    assert_unchanged(run, dataset, before)
    assert len(dataset.calls("POST", "/resource/")) == 4, "earlier batches had gone to the working copy"
    assert "line 42" in errors(run, LOAD)[0]


#: A refusal that no retry helps against, for each call of the flow: (method, path and query).
CALLS = {
    "read": ("GET", r"/api/views/[a-z0-9-]+\.json$", 0),
    "sign_in": ("GET", r"/api/users/current", 0),
    "count": ("GET", r"/resource/", 0),
    "copy": ("POST", r"/publication", 0),
    "mark": ("PUT", r"/api/views/", 0),
    "count_of_the_copy": ("GET", r"/resource/", 1),
    "second_batch": ("POST", r"/resource/", 1),
    "count_after_the_load": ("GET", r"/resource/", 2),
    "publish": ("POST", r"/publication", 1),
}


@pytest.mark.parametrize("call", CALLS)
def test_whatever_call_is_refused_nothing_changes(
    dataset: Any, publish_dag: Any, run_dag: Any, call: str
) -> None:
    before = dataset.rows()
    method, path, skip = CALLS[call]
    dataset.portal.admin.add_fault("error", method, path, skip=skip, times=1)
    run = run_dag(publish_dag(dataset, upsert(batch_rows=1)))
    assert_unchanged(run, dataset, before)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("after_commit", [False, True], ids=["not_done", "done"])
def test_whatever_call_keeps_failing_all_or_nothing_is_published(
    dataset: Any, publish_dag: Any, run_dag: Any, call: str, after_commit: bool
) -> None:
    before = dataset.rows()
    method, path, skip = CALLS[call]
    # Six attempts are a whole retry budget; the portal works again for what comes then.
    dataset.portal.admin.add_fault("bad_gateway", method, path, skip=skip, times=6, after_commit=after_commit)
    run = run_dag(publish_dag(dataset, upsert(batch_rows=1)))
    if run.state == "success":
        assert_published(run, dataset, dataset.after_changes())
    else:
        assert_unchanged(run, dataset, before, copy_may_land=call == "copy" and not after_commit)


@pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
@pytest.mark.parametrize("form", ["ticket", "details", "location"])
def test_a_publish_job_that_fails_changes_nothing(
    dataset: Any, publish_dag: Any, run_dag: Any, form: str, deferrable: bool
) -> None:
    before = dataset.rows()
    dataset.portal.admin.add_fault("publish_fails", "POST", "/publication", skip=1, form=form, calls=2)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert_unchanged(run, dataset, before)
    assert run.task(PUBLISH).state == "failed"


@pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
def test_a_publish_job_without_a_ticket_that_fails_is_asked_for_again(
    dataset: Any, publish_dag: Any, run_dag: Any, deferrable: bool
) -> None:
    dataset.portal.admin.add_fault("publish_fails", "POST", "/publication", skip=1, form="status", calls=2)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert_published(run, dataset, dataset.after_changes())


@pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
def test_a_copy_job_that_fails_changes_nothing(
    dataset: Any, publish_dag: Any, run_dag: Any, deferrable: bool
) -> None:
    before = dataset.rows()
    dataset.portal.admin.add_fault("publish_fails", "POST", "/publication", calls=2, status=400)
    run = run_dag(publish_dag(dataset, upsert(), deferrable=deferrable))
    assert_unchanged(run, dataset, before, copy_may_land=deferrable)
    assert run.task(CREATE).state == "failed"


def test_two_publications_of_one_run_do_not_share_their_fate(portal: Any, run_dag: Any, dataset: Any) -> None:
    from airflow.providers.common.compat.sdk import DAG
    from portal_harness.publications import START

    from airflow_socrata.task_groups import SocrataPublication

    other = make_dataset(portal, name="Closures")
    before = other.rows()
    with DAG("two_publications", schedule=None, start_date=START) as dag:
        with SocrataPublication("good", dataset=dataset.id) as good:
            upsert()(good)
        with SocrataPublication("bad", dataset=other.id) as bad:
            upsert([{"event_id": " ", "lanes": 1}])(bad)
    assert len(dag.on_failure_callback) == 2
    run = run_dag(dag)
    assert run.state == "failed"
    assert dataset.rows() == dataset.after_changes()
    assert other.rows() == before
    assert dataset.copies() == other.copies() == []
    assert records() == {}


def test_mapped_loads_go_into_one_copy_and_live_together(
    dataset: Any, publish_dag: Any, run_dag: Any, tmp_path: Any
) -> None:
    paths = files(tmp_path, ["n1,street,1", "n2,street,2", "n3,street,3"])
    run = run_dag(publish_dag(dataset, mapped(paths)))
    new = [{"event_id": f"n{n}", "street": "street", "lanes": str(n)} for n in (1, 2, 3)]
    old = [row | {"lanes": str(row["lanes"])} for row in OLD_ROWS]
    assert_published(run, dataset, old[:9] + new + old[9:])
    assert len(dataset.calls("POST", "method=copy")) == 1


def test_one_mapped_load_of_three_fails_and_nothing_changes(
    dataset: Any, publish_dag: Any, run_dag: Any, tmp_path: Any
) -> None:
    before = dataset.rows()
    paths = files(tmp_path, ["n1,street,1", ",street,2", "n3,street,3"])
    run = run_dag(publish_dag(dataset, mapped(paths)))
    assert_unchanged(run, dataset, before)
    assert [run.task(f"p.load[{n}]").state for n in range(3)] == ["success", "failed", "success"]


def files(folder: Any, rows: list[str]) -> list[str]:
    paths = []
    for number, row in enumerate(rows):
        path = folder / f"part{number}.csv"
        path.write_text(f"event_id,street,lanes\n{row}\n")
        paths.append(str(path))
    return paths


def mapped(paths: list[str]) -> Any:
    from airflow_socrata.operators.socrata import SocrataUpsertOperator

    return lambda publication: SocrataUpsertOperator.partial(
        task_id="load", working_copy=publication.working_copy
    ).expand(source=paths)
