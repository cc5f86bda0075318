"""What is wrong with an operator's arguments is told when the DAG is imported, not when it runs."""

from __future__ import annotations

from typing import Any

import pytest
from portal_harness.publications import START, Dataset, publishing_dag, upload, upsert

from airflow_socrata.operators import socrata as operators
from airflow_socrata.sensors.access import SocrataApprovalSensor
from airflow_socrata.sensors.revision import SocrataRevisionSensor
from airflow_socrata.sensors.socrata import SocrataPublicationSensor
from airflow_socrata.task_groups import SocrataPublication


@pytest.mark.parametrize(
    ("operator", "arguments", "words"),
    [
        ("SocrataCreateWorkingCopyOperator", {"dataset": "abcd-1234", "method": "clone"}, "'copySchema'"),
        ("SocrataCreateWorkingCopyOperator", {"dataset": "abcd-1234", "existing_copy": "take"}, "'adopt'"),
        ("SocrataUpsertOperator", {}, "either source"),
        ("SocrataUpsertOperator", {"source": "a.csv", "rows": list}, "either source"),
        ("SocrataUpsertOperator", {"source": "a.csv", "extra_columns": "drop"}, "'ignore'"),
        ("SocrataUpsertOperator", {"source": "a.csv", "file_format": "xlsx"}, "'csv'"),
        ("SocrataUpsertOperator", {"source": "a.csv", "compression": "zip"}, "'gzip'"),
        ("SocrataReplaceOperator", {"source": "a.csv", "existing_copy": "take"}, "'discard'"),
        ("SocrataPublishOperator", {"working_copy": {}, "on_approval": "skip"}, "'submit'"),
        ("SocrataDiscardWorkingCopyOperator", {"opened_by": "create", "on_approval": "skip"}, "'withdraw'"),
        ("SocrataCreateRevisionOperator", {"dataset": "abcd-1234", "action": "append"}, "'replace'"),
        ("SocrataCreateRevisionOperator", {"dataset": "abcd-1234", "permission": "secret"}, "'private'"),
        ("SocrataApplyRevisionOperator", {"revision": {}, "on_approval": "skip"}, "'submit'"),
        (
            "SocrataUpdateDatasetOperator",
            {"dataset": "abcd-1234", "source": "a.csv", "revision": {}},
            "its own revision",
        ),
        (
            "SocrataDeleteRowOperator",
            {"dataset": "abcd-1234", "row_id": "1", "if_absent": "skip"},
            "'accept'",
        ),
        (
            "SocrataGetRowOperator",
            {"dataset": "abcd-1234", "row_id": "1", "if_absent": "skip"},
            "'fail'",
        ),
        ("SocrataVerifyOperator", {}, "either working_copy or revision"),
        ("SocrataVerifyOperator", {"working_copy": {}, "revision": {}}, "either working_copy or revision"),
    ],
)
def test_a_word_that_is_none_of_the_choices(operator: str, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        getattr(operators, operator)(task_id="task", **arguments)


ALL = [
    *(getattr(operators, name) for name in operators.__all__),
    SocrataPublicationSensor,
    SocrataRevisionSensor,
    SocrataApprovalSensor,
]


@pytest.mark.parametrize("operator", ALL, ids=lambda each: each.__name__)
def test_every_template_field_is_an_argument_of_the_same_name(operator: Any) -> None:
    import inspect

    names: set[str] = set()
    for cls in operator.__mro__:
        names |= set(inspect.signature(cls.__init__).parameters)
    assert set(operator.template_fields) <= names
    assert "socrata_conn_id" in operator.template_fields


@pytest.mark.parametrize("operator", ALL, ids=lambda each: each.__name__)
def test_every_operator_uses_the_default_connection(operator: Any) -> None:
    arguments: dict[str, Any] = {
        "SocrataCreateWorkingCopyOperator": {"dataset": "abcd-1234"},
        "SocrataDiscardWorkingCopyOperator": {"opened_by": "create"},
        "SocrataDiscardStaleWorkingCopiesOperator": {"datasets": []},
        "SocrataUpsertOperator": {"source": "a.csv", "working_copy": {}},
        "SocrataReplaceOperator": {"source": "a.csv", "working_copy": {}},
        "SocrataCreateRevisionOperator": {"dataset": "abcd-1234"},
        "SocrataRestoreRevisionOperator": {"dataset": "abcd-1234"},
        "SocrataDiscardRevisionOperator": {"opened_by": "create"},
        "SocrataDiscardStaleRevisionsOperator": {"datasets": []},
        "SocrataUploadOperator": {"source": "a.csv", "revision": {}},
        "SocrataTransformOperator": {"revision": {}},
        "SocrataApplyRevisionOperator": {"revision": {}},
        "SocrataUpdateDatasetOperator": {"dataset": "abcd-1234", "source": "a.csv"},
        "SocrataRevisionSensor": {"revision": {}},
        "SocrataAttachFileOperator": {"dataset": "abcd-1234", "source": "a.pdf"},
        "SocrataCreateDatasetOperator": {"resource_name": "stops", "name": "Stops", "columns": []},
        "SocrataDeleteDatasetOperator": {"dataset": "abcd-1234"},
        "SocrataDetachFileOperator": {"dataset": "abcd-1234", "filename": "a.pdf"},
        "SocrataImportDatasetOperator": {"resource_name": "stops", "name": "Stops", "source": "a.csv"},
        "SocrataImportRowsOperator": {"source": "a.csv", "working_copy": {}},
        "SocrataPlanColumnsOperator": {"dataset": "abcd-1234", "drop": ["id"]},
        "SocrataSetMetadataOperator": {"dataset": "abcd-1234", "metadata": {}},
        "SocrataGetRowOperator": {"dataset": "abcd-1234", "row_id": "1"},
        "SocrataUpsertRowOperator": {"dataset": "abcd-1234", "row": {"id": "1"}},
        "SocrataReplaceRowOperator": {"dataset": "abcd-1234", "row": {"id": "1"}},
        "SocrataDeleteRowOperator": {"dataset": "abcd-1234", "row_id": "1"},
        "SocrataSetPermissionOperator": {"dataset": "abcd-1234"},
        "SocrataDeleteSnapshotsOperator": {"dataset": "abcd-1234", "keep": 1},
        "SocrataTransferOwnershipOperator": {"dataset": "abcd-1234", "new_owner": "abcd-2345"},
        "SocrataApprovalSensor": {"dataset": "abcd-1234"},
    }.get(operator.__name__, {"working_copy": {}})
    assert operator(task_id="task", **arguments).socrata_conn_id == "socrata_default"


def test_the_group_wires_its_tasks(portal: Any) -> None:
    dag = publishing_dag("wired", Dataset(portal, "abcd-1234"), upsert())
    below = {task.task_id: set(task.downstream_task_ids) for task in dag.tasks}
    assert "p.load" in below["p.create_working_copy"]
    assert "p.publish" in below["p.load"]
    assert below["p.publish"] >= {"p.wait", "p.discard_working_copy"}
    assert "p.verify" in below["p.wait"]
    assert dag.get_task("p.create_working_copy").is_setup
    assert dag.get_task("p.discard_working_copy").is_teardown
    assert dag.get_task("p.discard_working_copy").on_failure_fail_dagrun


def test_the_group_wires_the_tasks_of_a_revision(portal: Any) -> None:
    dag = publishing_dag("wired_revision", Dataset(portal, "abcd-1234"), upload("a.csv"), method="revision")
    below = {task.task_id: set(task.downstream_task_ids) for task in dag.tasks}
    assert "p.load" in below["p.create_revision"]
    assert "p.apply" in below["p.load"]
    assert below["p.apply"] >= {"p.wait", "p.discard_revision"}
    assert "p.verify" in below["p.wait"]
    assert dag.get_task("p.create_revision").is_setup
    assert dag.get_task("p.discard_revision").is_teardown
    assert dag.get_task("p.discard_revision").on_failure_fail_dagrun


def test_the_draft_of_the_other_method_is_refused_by_name() -> None:
    from airflow.providers.common.compat.sdk import DAG

    with DAG("mixed", schedule=None, start_date=START):
        with (
            SocrataPublication("p", dataset="abcd-1234", method="revision") as publication,
            pytest.raises(TypeError, match=r"pass \.revision"),
        ):
            _ = publication.working_copy
        with pytest.raises(ValueError, match="config: only with method='revision'"):
            SocrataPublication("q", dataset="abcd-1234", config="weekly")
        with pytest.raises(ValueError, match="existing_copy"):
            SocrataPublication("r", dataset="abcd-1234", method="revision", existing_copy="adopt")


def test_a_task_that_updates_alone_adds_the_rollback_of_last_resort() -> None:
    from airflow.providers.common.compat.sdk import DAG

    with DAG("alone", schedule=None, start_date=START) as dag:
        operators.SocrataUpdateDatasetOperator(task_id="update", dataset="abcd-1234", source="a.csv")
    assert [callback.opened_by for callback in dag.on_failure_callback] == ["update"]


def test_what_follows_the_group_waits_for_verify(portal: Any) -> None:
    from airflow.providers.common.compat.sdk import DAG, BaseOperator

    with DAG("followed", schedule=None, start_date=START):
        with SocrataPublication("p", dataset="abcd-1234") as publication:
            upsert()(publication)
        after = BaseOperator(task_id="after")
        publication >> after
    assert after.upstream_task_ids == {"p.verify"}


def test_the_user_s_own_callbacks_stay_and_stay_first(portal: Any) -> None:
    def mine(context: Any) -> None: ...

    for present in (mine, [mine]):
        dag = publishing_dag(
            "called", Dataset(portal, "abcd-1234"), upsert(), dag_options={"on_failure_callback": present}
        )
        assert dag.on_failure_callback[0] is mine
        assert len(dag.on_failure_callback) == 2


def test_the_working_copy_is_known_inside_the_block_only() -> None:
    from airflow.providers.common.compat.sdk import DAG

    with DAG("outside", schedule=None, start_date=START):
        publication = SocrataPublication("p", dataset="abcd-1234")
        with pytest.raises(RuntimeError, match="inside the block only"):
            _ = publication.working_copy


@pytest.mark.parametrize("deferrable", ["True", "False"])
def test_airflow_s_default_for_deferrable_is_taken(monkeypatch: pytest.MonkeyPatch, deferrable: str) -> None:
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", deferrable)
    wanted = deferrable == "True"
    assert operators.SocrataPublishOperator(task_id="task", working_copy={}).deferrable is wanted
    assert SocrataPublicationSensor(task_id="wait", working_copy={}).deferrable is wanted


def test_a_dag_with_it_serialises(portal: Any) -> None:
    from airflow_harness.versions import AIRFLOW_3_3

    if AIRFLOW_3_3:
        from airflow.serialization.serialized_objects import DagSerialization as Serialization
    else:
        from airflow.serialization.serialized_objects import SerializedDAG as Serialization
    dag = publishing_dag("serialised", Dataset(portal, "abcd-1234"), upsert())
    text = str(Serialization.to_dict(dag))
    assert "p.discard_working_copy" in text
    assert portal.password not in text
