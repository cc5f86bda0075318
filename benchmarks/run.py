"""All benchmarks, one after another: ``make bench``. Options are those of ``bench_upsert.py``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    for name, options in (
        ("bench_upsert.py", sys.argv[1:]),
        ("bench_import.py", []),
        ("bench_emulator.py", []),
    ):
        print(f"== {name}", flush=True)
        subprocess.run([sys.executable, str(HERE / name), *options], check=True)


if __name__ == "__main__":
    main()
