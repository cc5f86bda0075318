"""Rows from files of each format, local or behind ``ObjectStoragePath``, and from callables."""

from __future__ import annotations

import gzip
import importlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow_harness.versions import AIRFLOW_3
from portal_harness.publications import OLD_ROWS, assert_published, errors, replace, upsert, upsert_file

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [
    {"event_id": "n1", "street": 'Háaleitisbraut, "north"', "lanes": "1"},
    {"event_id": "n2", "street": "two\nlines", "lanes": "2.5"},
    {"event_id": "n3", "street": "plain"},
]
CSV = 'event_id,street,lanes\nn1,"Háaleitisbraut, ""north""",1\nn2,"two\nlines",2.5\nn3,plain,\n'
TSV = 'event_id\tstreet\tlanes\nn1\t"Háaleitisbraut, ""north"""\t1\nn2\t"two\nlines"\t2.5\nn3\tplain\t\n'
JSONL = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)

#: name -> (name of the file, its bytes, arguments of the operator)
FILES: dict[str, tuple[str, bytes, dict[str, Any]]] = {
    "csv": ("rows.csv", CSV.encode(), {}),
    "csv_with_bom": ("rows.csv", b"\xef\xbb\xbf" + CSV.encode(), {}),
    "csv_crlf": ("rows.csv", CSV.replace("\n", "\r\n").replace("two\r\n", "two\n").encode(), {}),
    "csv_gz": ("rows.csv.gz", gzip.compress(CSV.encode()), {}),
    "csv_gz_without_suffix": ("rows.csv", gzip.compress(CSV.encode()), {}),
    "csv_latin1": ("rows.csv", CSV.encode("latin-1"), {"encoding": "latin-1"}),
    "csv_utf16": ("rows.csv", CSV.encode("utf-16"), {"encoding": "utf-16"}),
    "semicolons": (
        "rows.txt",
        CSV.replace(",", ";").replace("braut;", "braut,").encode(),
        {"file_format": "csv", "delimiter": ";"},
    ),
    "single_quotes": (
        "rows.csv",
        CSV.replace('""', "''''").replace('"', "'").replace("''''", '"').encode(),
        {"quote": "'"},
    ),
    "null_marks": ("rows.csv", CSV.replace("plain,", "plain,N/A").encode(), {"null_marks": ["N/A"]}),
    "tsv": ("rows.tsv", TSV.encode(), {}),
    "json": ("rows.json", json.dumps(ROWS).encode(), {}),
    "json_gz": ("rows.json.gz", gzip.compress(json.dumps(ROWS, indent=1).encode()), {}),
    "jsonl": ("rows.jsonl", JSONL.encode(), {}),
    "jsonl_gz": ("rows.ndjson.gz", gzip.compress(JSONL.encode()), {}),
    "not_compressed_again": ("rows.csv", CSV.encode(), {"compress": False}),
    "one_row_a_batch": ("rows.csv", CSV.encode(), {"batch_rows": 1}),
}


@pytest.mark.parametrize(
    ("scheme", "case"),
    [*(("", case) for case in FILES), *(("file://", case) for case in ("csv", "csv_gz", "json", "jsonl_gz"))],
)
def test_a_file(dataset: Any, publish_dag: Any, run_dag: Any, tmp_path: Path, case: str, scheme: str) -> None:
    name, content, options = FILES[case]
    path = tmp_path / name
    path.write_bytes(content)
    load = replace(rows=None, source=f"{scheme}{path}", **options)
    run = run_dag(publish_dag(dataset, load, method="copySchema"))
    assert_published(run, dataset, ROWS)


def test_a_url_of_another_storage(dataset: Any, publish_dag: Any, run_dag: Any) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    storage = MemoryFileSystem()
    importlib.import_module("airflow.sdk.io" if AIRFLOW_3 else "airflow.io.store").attach(
        "memory", fs=storage
    )
    storage.pipe("/bucket/rows.csv.gz", gzip.compress(CSV.encode()))
    load = replace(rows=None, source="memory://bucket/rows.csv.gz")
    run = run_dag(publish_dag(dataset, load, method="copySchema"))
    assert_published(run, dataset, ROWS)


def test_a_template_in_the_source(dataset: Any, publish_dag: Any, run_dag: Any, tmp_path: Path) -> None:
    (tmp_path / "rows_p.load.csv").write_text(CSV)
    load = replace(rows=None, source=f"{tmp_path}/rows_{{{{ task.task_id }}}}.csv")
    run = run_dag(publish_dag(dataset, load, method="copySchema"))
    assert_published(run, dataset, ROWS)


def test_columns_are_mapped(dataset: Any, publish_dag: Any, run_dag: Any, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("ID,Street name,lanes\nn1,north,1\n")
    load = upsert_file(path, columns={"ID": "event_id", "Street name": "street"})
    run = run_dag(publish_dag(dataset, load))
    assert run.state == "success", errors(run, "p.load")
    assert {"event_id": "n1", "street": "north", "lanes": "1"} in dataset.rows()


def test_extra_columns_are_left_out_if_told(
    dataset: Any, publish_dag: Any, run_dag: Any, tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('event_id,secret,street\nn1,"do not\nsend",north\n')
    run = run_dag(publish_dag(dataset, upsert_file(path, extra_columns="ignore")))
    assert run.state == "success", errors(run, "p.load")
    assert {"event_id": "n1", "street": "north"} in dataset.rows()


def test_a_callable_is_given_the_context_values_that_it_names(
    dataset: Any, publish_dag: Any, run_dag: Any
) -> None:
    def rows(run_id: str, task: Any) -> Any:
        yield {"event_id": run_id, "street": task.task_id}

    run = run_dag(publish_dag(dataset, replace(rows), method="copySchema"))
    assert_published(run, dataset, [{"event_id": run.run_id, "street": "p.load"}])


def test_a_callable_is_given_the_whole_context_if_it_takes_it(
    dataset: Any, publish_dag: Any, run_dag: Any
) -> None:
    run = run_dag(
        publish_dag(
            dataset, replace(lambda **context: [{"event_id": context["run_id"]}]), method="copySchema"
        )
    )
    assert_published(run, dataset, [{"event_id": run.run_id}])


def test_what_an_upstream_task_computes_is_a_source(
    dataset: Any, publish_dag: Any, run_dag: Any, tmp_path: Path
) -> None:
    from airflow.providers.common.compat.sdk import BaseOperator

    from airflow_socrata.operators.socrata import SocrataReplaceOperator

    class Extract(BaseOperator):
        def execute(self, context: Any) -> str:
            path = tmp_path / "computed.csv"
            path.write_text(CSV)
            return str(path)

    def load(publication: Any) -> None:
        extract = Extract(task_id="extract")
        SocrataReplaceOperator(task_id="load", working_copy=publication.working_copy, source=extract.output)

    run = run_dag(publish_dag(dataset, load, method="copySchema"))
    assert_published(run, dataset, ROWS)


def test_rows_without_a_row_identifier_are_appended_if_told(
    unkeyed: Any, publish_dag: Any, run_dag: Any
) -> None:
    rows = [{"event_id": "e1", "lanes": "5"}]
    run = run_dag(publish_dag(unkeyed, upsert(rows, require_row_identifier=False)))
    assert run.state == "success", errors(run, "p.load")
    assert run.task("p.verify").return_value["rows_after"] == len(OLD_ROWS) + 1
    assert [row["lanes"] for row in unkeyed.rows() if row["event_id"] == "e1"] == ["1", "5"]
