"""Sees that Chromium and its driver are on this machine; installs Debian's packages where it may."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

#: Program -> Debian package.
WANTED = {"chromium": "chromium", "chromedriver": "chromium-driver"}


def missing() -> list[str]:
    """Packages of the programs that are not on PATH."""
    return [package for program, package in WANTED.items() if shutil.which(program) is None]


def main() -> int:
    """Install what is missing, or say what to do."""
    packages = missing()
    if not packages:
        return 0
    words = " ".join(packages)
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(f"make browser: install {words} (as root on Debian: apt-get install {words})", file=sys.stderr)
        return 1
    print(f"installing {words}", file=sys.stderr)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            command,
            env=quiet,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0:
            print(f"make browser: {' '.join(command)} failed:\n{done.stdout}", file=sys.stderr)
            return 1
    if missing():
        print(f"make browser: {' '.join(missing())} installed, and still not on PATH", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
