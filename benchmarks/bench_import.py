"""What importing the operators costs over importing the Airflow SDK: every DAG file that is parsed pays it.

    python benchmarks/bench_import.py [--runs 7]

Each run is a process that imports what a DAG file imports anyway, then the operators and the task group, and
times that second step, in CPU milliseconds. The target is 60 ms. The client must import without Airflow.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

SDK = """
import time
try:
    from airflow.sdk import DAG, BaseOperator, TaskGroup
except ImportError:
    from airflow import DAG
    from airflow.models import BaseOperator
    from airflow.utils.task_group import TaskGroup
began = time.process_time()
{imports}
print((time.process_time() - began) * 1000)
"""
WORKING_COPY = SDK.format(
    imports="""
import airflow_socrata.operators.rows
import airflow_socrata.operators.working_copy
import airflow_socrata.operators.publish
import airflow_socrata.sensors.socrata
import airflow_socrata.task_groups
"""
)
REVISION = SDK.format(
    imports="""
import airflow_socrata.operators.apply
import airflow_socrata.operators.revision
import airflow_socrata.operators.upload
import airflow_socrata.sensors.revision
import airflow_socrata.task_groups
"""
)
OPENDATASOFT = SDK.format(
    imports="""
import airflow_socrata.operators.opendatasoft.datasets
import airflow_socrata.operators.opendatasoft.orders
import airflow_socrata.operators.opendatasoft.publication
import airflow_socrata.sensors.opendatasoft
import airflow_socrata.task_groups
"""
)
CLIENT = """
import sys, time
began = time.process_time()
import airflow_socrata.client, airflow_socrata.records
took = (time.process_time() - began) * 1000
assert "airflow" not in sys.modules
print(took)
"""
CASES = (
    ("operators of working copies, over the Airflow SDK", WORKING_COPY, 60),
    ("operators of revisions, over the Airflow SDK", REVISION, 60),
    ("operators for Opendatasoft portals, over the Airflow SDK", OPENDATASOFT, 60),
    ("client and records, without Airflow", CLIENT, None),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="The cost of importing the operators.")
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    for case, program, target in CASES:
        took = [_run(program) for _ in range(runs)]
        wanted = f", target {target} ms" if target else ""
        print(f"import of {case}: median {statistics.median(took):.0f} ms of {runs} runs{wanted}")


def _run(program: str) -> float:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{done.stderr}\nthe import failed")
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    main()
