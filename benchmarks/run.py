"""All benchmarks, one after another: ``make bench``.

    python benchmarks/run.py [--runs 5] [--rows 500000] [--large 5000000] [--size 1024] [--memory-size 2048]

``--runs`` is for the uploads, ``--rows`` and ``--large`` for rows (``bench_upsert.py``), ``--size`` and
``--memory-size``, in MiB, for chunks (``bench_chunks.py``), ``--size`` also for ``bench_imports.py``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
OPTIONS = {
    "bench_upsert.py": ("runs", "rows", "large"),
    "bench_chunks.py": ("runs", "size", "memory_size"),
    "bench_opendatasoft.py": ("runs",),
    "bench_imports.py": ("runs", "size"),
    "bench_import.py": (),
    "bench_limiter.py": (),
    "bench_emulator.py": (),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="All benchmarks, one after another.")
    for name in dict.fromkeys(name for names in OPTIONS.values() for name in names):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int)
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    for script, names in OPTIONS.items():
        print(f"== {script}", flush=True)
        options = [f"--{name.replace('_', '-')}={given[name]}" for name in names if name in given]
        subprocess.run([sys.executable, str(HERE / script), *options], check=True)


if __name__ == "__main__":
    main()
