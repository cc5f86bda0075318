"""The harness itself: a real Airflow whose processes can be killed, and a person's clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from airflow_harness.cluster import Cluster

DAG_ID = "harness_cluster"
DAG_FILE = """
import os, time
from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, BaseHook, task

with DAG("harness_cluster", schedule=None, start_date=datetime(2026, 1, 1)):

    @task
    def first(ti=None):
        return {"try": ti.try_number, "host": BaseHook.get_connection("harness_cluster").host}

    @task(retries=1, retry_delay=timedelta(0))
    def wait_for_file(told, dag_run=None, ti=None):
        path = dag_run.conf.get("wait_for")
        while path and not os.path.exists(path):
            time.sleep(0.1)
        return ti.try_number

    wait_for_file(first())
"""


@pytest.fixture(scope="module")
def cluster(airflow_cluster: Cluster) -> Cluster:
    airflow_cluster.set_connection("harness_cluster", {"conn_type": "generic", "host": "data.example.gov"})
    airflow_cluster.put_dag(DAG_ID, DAG_FILE)
    return airflow_cluster


def test_a_run_ends_and_is_reported(cluster: Cluster) -> None:
    run_id = cluster.trigger(DAG_ID)
    assert cluster.wait_run(DAG_ID, run_id) == "success"
    assert cluster.task_states(DAG_ID, run_id) == {"first": "success", "wait_for_file": "success"}
    assert cluster.xcom(DAG_ID, run_id, "first") == {"try": 1, "host": "data.example.gov"}
    assert "wait_for_file" in cluster.logs(DAG_ID, run_id, "wait_for_file")


def test_a_killed_task_is_tried_again(cluster: Cluster, tmp_path) -> None:
    go = tmp_path / "go"
    run_id = cluster.trigger(DAG_ID, {"wait_for": str(go)})
    process = cluster.task_process(DAG_ID, run_id, "wait_for_file")
    process.kill()
    go.touch()
    assert cluster.wait_run(DAG_ID, run_id) == "success"
    assert cluster.xcom(DAG_ID, run_id, "wait_for_file") == 2


def test_a_killed_machine_is_found_by_its_heartbeat(cluster: Cluster, tmp_path) -> None:
    go = tmp_path / "go"
    run_id = cluster.trigger(DAG_ID, {"wait_for": str(go)})
    process = cluster.task_process(DAG_ID, run_id, "wait_for_file")
    process.kill_both()
    go.touch()
    assert cluster.wait_run(DAG_ID, run_id, timeout=90) == "success"
    assert cluster.xcom(DAG_ID, run_id, "wait_for_file") == 2


def test_a_person_marks_and_clears(cluster: Cluster, tmp_path) -> None:
    go = tmp_path / "go"
    run_id = cluster.trigger(DAG_ID, {"wait_for": str(go)})
    process = cluster.task_process(DAG_ID, run_id, "wait_for_file")
    cluster.mark_task(DAG_ID, run_id, "wait_for_file", "failed")
    assert cluster.wait_run(DAG_ID, run_id) == "failed"
    psutil.wait_procs([psutil.Process(process.pid)] if psutil.pid_exists(process.pid) else [], timeout=30)
    assert not psutil.pid_exists(process.pid)
    go.touch()
    assert cluster.clear(DAG_ID, run_id, ["wait_for_file"]) == ["wait_for_file"]
    assert cluster.wait_run(DAG_ID, run_id) == "success"


def test_a_run_that_is_marked_failed(cluster: Cluster, tmp_path) -> None:
    run_id = cluster.trigger(DAG_ID, {"wait_for": str(tmp_path / "never")})
    cluster.task_process(DAG_ID, run_id, "wait_for_file")
    cluster.mark_run(DAG_ID, run_id, "failed")
    assert cluster.wait_run(DAG_ID, run_id) == "failed"


def test_a_broken_dag_file_is_told(cluster: Cluster) -> None:
    with pytest.raises(RuntimeError, match=r"harness_broken\.py cannot be imported"):
        cluster.put_dag("harness_broken", "raise ValueError('broken on purpose')\n")
