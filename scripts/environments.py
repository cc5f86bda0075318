"""Makes the environments that tests, checks and the demo run in. Needs nothing but a Python of 3.11 or newer.

Every environment is made from a lock file under ``requirements/`` plus the wheel built from this checkout, so
that what is tested is what users install. It is made again when its lock, its interpreter or the sources
change. All of them live under ``.cache/``; deleting that directory loses time and nothing else.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
LOCKS = ROOT / "requirements"
DISTRIBUTION = "airflow-provider-socrata"
PYTHONS = ("3.11", "3.12", "3.13")
EXTRAS = ("emulator", "fast")


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment: a lock file and the Python versions that it serves.

    :param airflow: requirement on Airflow that the lock is made with; empty for one without Airflow, which
        has what the emulator and the client need.
    :param groups: dependency groups of ``pyproject.toml`` in the lock.
    :param resolution: which versions the lock holds, as uv names it.
    """

    lock: str
    pythons: tuple[str, ...]
    airflow: str
    groups: tuple[str, ...] = ("test",)
    resolution: str = "highest"


ENVIRONMENTS = {
    "airflow-3.3": Environment("airflow-3.3.txt", PYTHONS, "apache-airflow==3.3.2"),
    "airflow-3.1": Environment("airflow-3.1.txt", ("3.12",), "apache-airflow>=3.1,<3.2"),
    "airflow-2.11": Environment("airflow-2.11.txt", ("3.12",), "apache-airflow==2.11.2"),
    # Airflow 2.11.0 allows a universal-pathlib that its own ObjectStoragePath cannot open files with.
    "lowest": Environment(
        "lowest.txt", ("3.12",), "apache-airflow\nuniversal-pathlib>=0.2.6,<0.3", resolution="lowest-direct"
    ),
    "lint": Environment("lint.txt", PYTHONS, "apache-airflow==3.3.2", groups=("lint",)),
    # A client of Opendatasoft that is not ours and needs Python 3.12.
    "huwise": Environment("huwise.txt", ("3.12",), "", groups=("huwise",)),
    # Drives the Chromium of this machine; the command that it tests needs no Airflow to print a connection.
    "browser": Environment("browser.txt", PYTHONS, "", groups=("browser",)),
}


class Trouble(Exception):
    """Something is missing on this machine; the message says what to do."""


def run(
    *command: str | Path, env: dict[str, str] | None = None, quiet: bool = False, cwd: Path = ROOT
) -> None:
    """Run a command; raises :class:`Trouble` with its output when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **(env or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if quiet else sys.stderr,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        shown = f"\n{done.stdout}" if quiet else ""
        raise Trouble(f"this command failed ({done.returncode}): {' '.join(map(str, command))}{shown}")


def version_of(python: str | Path) -> str | None:
    """``3.12`` for an interpreter that starts, else ``None`` (a shim without a version behind it, say)."""
    probe = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([str(python), "-c", probe], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def candidates(wanted: str) -> list[Path]:
    """Interpreters that may be Python ``wanted``, best first."""
    found = [Path(sys.executable)]
    found += [Path(path) for name in (f"python{wanted}", "python3") if (path := shutil.which(name))]
    roots = []
    if shutil.which("pyenv"):
        done = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=False)
        roots += [Path(done.stdout.strip())] if done.returncode == 0 else []
    roots.append(Path.home() / ".pyenv")
    for root in roots:
        found += sorted(root.glob(f"versions/{wanted}.*/bin/python{wanted}"), reverse=True)
    return found


def find_python(wanted: str) -> Path:
    """The interpreter of a Python version; raises :class:`Trouble` when there is none."""
    for path in candidates(wanted):
        if version_of(path) == wanted:
            return path
    raise Trouble(
        f"Python {wanted} is needed and was not found: not as python{wanted} on PATH, not under pyenv. "
        f"Install it (with its venv module) and run again."
    )


@contextmanager
def alone() -> Iterator[None]:
    """Hold the cache: two commands at once must not make the same environment."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def digest(*parts: str | bytes) -> str:
    """A short name for contents."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part.encode() if isinstance(part, str) else part)
        sha.update(b"\0")
    return sha.hexdigest()[:16]


def tools() -> Path:
    """The environment with uv and the build back end; returns its ``bin``."""
    lock = (LOCKS / "tools.txt").read_bytes()
    home = CACHE / "tools"
    stamp = home / ".stamp"
    name = digest(lock, (LOCKS / "uv.txt").read_bytes())
    if not stamp.is_file() or stamp.read_text() != name:
        shutil.rmtree(home, ignore_errors=True)
        run(sys.executable, "-m", "venv", home)
        pip = (home / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "-qq")
        run(*pip, "-r", LOCKS / "tools.txt", env={"PYTHONDONTWRITEBYTECODE": ""})
        uv = (LOCKS / "uv.txt").read_text().split()[-1]
        try:
            run(*pip, "--only-binary", ":all:", uv, quiet=True)
        except Trouble:
            print("uv cannot be had here; pip installs everything, which is slower", file=sys.stderr)
        stamp.write_text(name)
    return home / "bin"


def download(requirement: str) -> Path:
    """One distribution file from the package registry, kept for the next time; ``name==version``."""
    target = CACHE / "downloads" / requirement
    if not list(target.glob("*")):
        pip = (tools() / "python", "-m", "pip", "--disable-pip-version-check", "download", "-qq")
        fresh = target.with_name(f"{target.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        run(*pip, "--no-deps", "--no-build-isolation", "--dest", fresh, requirement)
        fresh.rename(target)
    return next(iter(target.glob("*")))


def uv() -> Path | None:
    """The uv program, or ``None`` where it cannot be had."""
    path = tools() / "uv"
    return path if path.is_file() else None


def wheel() -> Path:
    """The wheel built from this checkout; built again when a file that goes into it has changed."""
    sources = [ROOT / "pyproject.toml", ROOT / "README.md", ROOT / "LICENSE"]
    sources += [path for path in sorted((ROOT / "airflow_socrata").rglob("*")) if _is_source(path)]
    name = digest(*[part for path in sources for part in (str(path.relative_to(ROOT)), path.read_bytes())])
    target = CACHE / "wheels" / name
    built = list(target.glob("*.whl"))
    if not built:
        shutil.rmtree(CACHE / "wheels", ignore_errors=True)
        build(target, "wheel")
        built = list(target.glob("*.whl"))
    return built[0]


def build(target: Path, *kinds: str) -> None:
    """Build distributions (``wheel``, ``sdist``) of this checkout into ``target``."""
    target.mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        backend = tools() / "python"
        run(backend, "-m", "hatchling", "build", "-t", kind, "-d", target, env={"PWD": str(ROOT)}, quiet=True)


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"


def environment(name: str, python_version: str | None = None) -> Path:
    """Make (or find made) one environment and return its interpreter."""
    wanted = ENVIRONMENTS[name]
    version = python_version or _own_version(wanted)
    if version not in wanted.pythons:
        raise Trouble(f"environment {name} is for Python {', '.join(wanted.pythons)}, not {version}")
    interpreter = find_python(version)
    home = CACHE / "environments" / f"{name}-py{version}"
    python = home / "bin" / "python"
    lock = LOCKS / wanted.lock
    locked = home / ".locked"
    name_of_lock = digest(lock.read_bytes(), str(interpreter))
    if not locked.is_file() or locked.read_text() != name_of_lock:
        shutil.rmtree(home, ignore_errors=True)
        _install_lock(home, interpreter, lock)
        locked.write_text(name_of_lock)
    installed = home / ".wheel"
    package = wheel()
    if not installed.is_file() or installed.read_text() != package.parent.name:
        # From a copy of its own: a later change of the sources removes this wheel, and tests look into it.
        shutil.rmtree(home / "wheels", ignore_errors=True)
        own = home / "wheels" / package.parent.name / package.name
        own.parent.mkdir(parents=True)
        shutil.copyfile(package, own)
        _install_wheel(python, own, complete=bool(wanted.airflow))
        installed.write_text(package.parent.name)
    return python


def _own_version(wanted: Environment) -> str:
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return own if own in wanted.pythons else wanted.pythons[-1]


def _install_lock(home: Path, interpreter: Path, lock: Path) -> None:
    program = uv()
    if program is None:
        run(interpreter, "-m", "venv", home)
        run(home / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", "-r", lock)
        return
    run(program, "venv", "--quiet", "--no-python-downloads", "--python", interpreter, home)
    run(program, "pip", "sync", "--quiet", "--compile-bytecode", "--python", home / "bin" / "python", lock)


def _install_wheel(python: Path, package: Path, *, complete: bool) -> None:
    program = uv()
    if program is None:
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", package)
        return
    install = (program, "pip", "install", "--quiet", "--no-deps", "--compile-bytecode")
    run(*install, "--reinstall-package", DISTRIBUTION, "--python", python, package)
    if complete:
        run(program, "pip", "check", "--quiet", "--python", python, quiet=True)


def lock(only: Sequence[str] = ()) -> None:
    """Write lock files anew from the newest (or lowest) releases that the requirements allow.

    :param only: names of environments; empty: every lock file.
    """
    program = uv()
    if program is None:
        raise Trouble("lock files are made with uv, which cannot be had here")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for name, wanted in ENVIRONMENTS.items():
        if only and name not in only:
            continue
        options = ["--resolution", wanted.resolution, "--python-version", wanted.pythons[0]]
        options += ["--universal"] if len(wanted.pythons) > 1 else []
        options += [part for group in wanted.groups for part in ("--group", f"pyproject.toml:{group}")]
        if wanted.airflow:
            options += [part for extra in EXTRAS for part in ("--extra", extra)]
            _compile(program, name, [wanted.airflow], wanted.lock, *options, "pyproject.toml")
        else:
            _compile(program, name, _without_airflow(project["project"]), wanted.lock, *options)
    if only:
        return
    needed = project["build-system"]["requires"]
    _compile(program, "tools", needed, "tools.txt", "--universal", "--python-version", PYTHONS[0])


def _without_airflow(project: dict[str, Any]) -> list[str]:
    needed = [line for line in project["dependencies"] if not line.startswith("apache-airflow")]
    return needed + list(project["optional-dependencies"]["emulator"])


def _compile(program: Path, name: str, requirements: list[str], lock: str, *options: str) -> None:
    source = CACHE / f"{name}.in"
    source.write_text("".join(f"{line}\n" for line in requirements))
    command = [program, "pip", "compile", "--quiet", "--upgrade", "--no-python-downloads", "--no-annotate"]
    command += ["--custom-compile-command", "make lock", "--no-emit-index-url", "--no-emit-find-links"]
    run(*command, *options, source, "--output-file", LOCKS / lock)
    print(f"requirements/{lock}", file=sys.stderr)


def main() -> int:
    """Answer one question of the Makefile on standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("python", help="make an environment and print its interpreter")
    make.add_argument("name", choices=sorted(ENVIRONMENTS))
    make.add_argument("--python", choices=PYTHONS, help="Python version (this one if it serves)")
    commands.add_parser("wheel", help="build the wheel and print its path")
    commands.add_parser("tools", help="make the environment of the build tools and print its bin directory")
    fetch = commands.add_parser("download", help="fetch one distribution and print the path of its file")
    fetch.add_argument("requirement", help="name==version")
    locks = commands.add_parser("lock", help="write the lock files anew")
    locks.add_argument("names", nargs="*", metavar="environment", help="only these (default: all)")
    asked = parser.parse_args()
    os.chdir(ROOT)
    try:
        with alone():
            answer(asked)
    except Trouble as trouble:
        print(f"{Path(__file__).name}: {trouble}", file=sys.stderr)
        return 1
    return 0


def answer(asked: argparse.Namespace) -> None:
    """Do what one command asks for; the caller holds the lock on the cache."""
    if asked.command == "python":
        print(environment(asked.name, asked.python))
    elif asked.command == "wheel":
        print(wheel())
    elif asked.command == "tools":
        print(tools())
    elif asked.command == "download":
        print(download(asked.requirement))
    else:
        unknown = set(asked.names) - set(ENVIRONMENTS)
        if unknown:
            raise Trouble(f"no environment {', '.join(sorted(unknown))}: there is {', '.join(ENVIRONMENTS)}")
        lock(asked.names)


if __name__ == "__main__":
    sys.exit(main())
