"""Rows a second that the emulator takes, by its own CPU time.

    python benchmarks/bench_emulator.py [--rows 200000] [--batch 10000] [--rounds 5]

An emulator runs in a process of its own. Gzipped CSV batches (20 columns, about 340 bytes a row) are upserted
by row identifier: a first pass inserts all rows, then each round updates all of them. The CPU seconds are the
emulator's, asked from itself before and after.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import http.client
import json
import random
import statistics
import subprocess
import sys

from airflow_socrata.emulator.admin_client import EmulatorAdmin

KINDS = ["text"] * 12 + ["number"] * 4 + ["calendar_date"] * 2 + ["checkbox"] + ["point"]
COLUMNS = [[f"column_{i:02d}", kind] for i, kind in enumerate(KINDS)]
WORDS = ["street", "noise", "heating", "water", "parking", "Brooklyn", "Queens", "closed", "open", "agency"]


def row(rng: random.Random, key: int) -> str:
    """Return one CSV line."""
    texts = [f"K{key:09d}"] + [" ".join(rng.choices(WORDS, k=3)) for _ in range(11)]
    numbers = [str(rng.randrange(10**6)), f"{rng.random() * 100:.2f}", str(rng.randrange(100)), ""]
    dates = [
        f"20{rng.randrange(10, 26)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}T08:30:00.000"
        for _ in range(2)
    ]
    place = f"POINT ({-74 + rng.random() / 10:.6f} {40 + rng.random():.6f})"
    return ",".join([*texts, *numbers, *dates, rng.choice(["true", "false"]), place])


def batches(rows: int, size: int) -> tuple[list[bytes], int]:
    """Return gzipped bodies, and the bytes of all of them unzipped."""
    rng = random.Random(7)
    header = ",".join(name for name, _ in COLUMNS)
    bodies, total = [], 0
    for start in range(0, rows, size):
        text = "\n".join([header, *(row(rng, key) for key in range(start, min(rows, start + size))), ""])
        total += len(text)
        bodies.append(gzip.compress(text.encode(), 1))
    return bodies, total


def send(facts: dict[str, str], dataset: str, bodies: list[bytes]) -> list[dict[str, int]]:
    """Send all bodies, one after another."""
    connection = http.client.HTTPConnection(facts["url"].removeprefix("http://"))
    token = base64.b64encode(f"{facts['username']}:{facts['password']}".encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Content-Type": "text/csv", "Content-Encoding": "gzip"}
    summaries = []
    for body in bodies:
        connection.request("POST", f"/resource/{dataset}.json", body, headers)
        reply = connection.getresponse()
        text = reply.read()
        if reply.status != 200:
            raise SystemExit(f"HTTP {reply.status}: {text[:300]!r}")
        summaries.append(json.loads(text))
    connection.close()
    return summaries


def main() -> None:
    """Print one line per pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    bodies, total = batches(given.rows, given.batch)
    command = [sys.executable, "-m", "airflow_socrata.emulator", "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        admin = EmulatorAdmin(facts["url"])
        dataset = admin.create_dataset(name="Bench", columns=COLUMNS, row_identifier="column_00")["id"]
        size = total / given.rows
        print(
            f"{given.rows} rows, {len(COLUMNS)} columns, {size:.0f} bytes a row, gzip CSV, by row identifier"
        )
        rates = []
        for number in range(given.rounds + 1):
            before = admin.info()["cpu_seconds"]
            done = send(facts, dataset, bodies)
            used = admin.info()["cpu_seconds"] - before
            created, updated = (sum(s[f"Rows {word}"] for s in done) for word in ("Created", "Updated"))
            rates.append(given.rows / used)
            print(
                f"pass {number}: {created:7d} created {updated:7d} updated,"
                f" {used:6.2f} CPU s, {rates[-1]:8.0f} rows/s"
            )
        print(f"median of updates: {statistics.median(rates[1:]):.0f} rows per CPU second")
    finally:
        process.terminate()
        process.wait(timeout=10)


if __name__ == "__main__":
    main()
