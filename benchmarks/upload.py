"""One client in a process of its own: upload a file to the sink, and print the peak memory over importing it.

``python upload.py WHO FILE PORT ROWS``; the process that starts it measures CPU and wall time of all of it.
"""

from __future__ import annotations

import csv
import importlib
import json
import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from data import COLUMNS, ROW_IDENTIFIER
from measuring import memory_mib

DATASET = "abcd-1234"


def with_us(path: str, port: int, *, row_by_row: bool) -> tuple[int, float]:
    """The way of SocrataUpsertOperator: records, and the portal client."""
    importlib.import_module("airflow_socrata.client.transport")
    from airflow_socrata.client import Credentials, PortalSession, PortalSettings, RowBody, rows

    imported = memory_mib("VmRSS")
    from airflow_socrata.records import DatasetColumn, DatasetSchema, FileSource, Guards, batches, prefetch

    columns = tuple(DatasetColumn(name, name.title(), kind) for name, kind in COLUMNS.items())
    schema = DatasetSchema(columns, ROW_IDENTIFIER)
    settings = PortalSettings(
        "127.0.0.1", port=port, scheme="http", credentials=Credentials("key", "secret", "token")
    )
    loaded = batches(FileSource(path), schema, guards=Guards(row_by_row=row_by_row))
    sent = 0
    with PortalSession(settings) as session, closing(prefetch(loaded)) as ahead:
        for batch in ahead:
            body = RowBody(batch.data, batch.content_type, batch.content_encoding, batch.rows, batch.deletes)
            session.send(rows.upsert(DATASET, body, keyed=True))
            sent += batch.rows
    return sent, imported


def with_sodapy(path: str, port: int) -> tuple[int, float]:
    """The way of its documentation: batches of 10,000 dicts."""
    from sodapy import Socrata

    imported = memory_mib("VmRSS")
    client = Socrata(f"127.0.0.1:{port}", "token", username="key", password="secret", timeout=600)
    client.uri_prefix = "http://"
    sent = 0
    with Path(path).open(encoding="utf-8", newline="") as file:
        batch: list[dict[str, str]] = []
        for row in csv.DictReader(file):
            batch.append(row)
            if len(batch) == 10_000:
                client.upsert(DATASET, batch)
                sent += len(batch)
                batch = []
        if batch:
            client.upsert(DATASET, batch)
            sent += len(batch)
    return sent, imported


def main() -> None:
    who, path, port, rows = sys.argv[1:]
    if who == "us, base install":
        # As if the extra were not there.
        sys.modules["isal"] = None  # type: ignore[assignment]
    if who == "sodapy":
        sent, imported = with_sodapy(path, int(port))
    else:
        sent, imported = with_us(path, int(port), row_by_row=who != "us, row guards off")
    if sent != int(rows):
        raise SystemExit(f"{who} sent {sent} rows of {rows}")
    print(json.dumps({"peak_mib": memory_mib() - imported}))


if __name__ == "__main__":
    main()
