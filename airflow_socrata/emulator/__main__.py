"""``python -m airflow_socrata.emulator``: a portal on this machine."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_socrata.emulator.opendatasoft.server import OpendatasoftEmulator
    from airflow_socrata.emulator.server import Emulator

_MISSING = (
    "the emulator needs the extra 'emulator': pip install 'airflow-provider-socrata[emulator]'"
    " (no module named {})"
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m airflow_socrata.emulator", description=__doc__)
    parser.add_argument(
        "--portal",
        choices=("socrata", "opendatasoft"),
        default="socrata",
        help="vendor (default %(default)s)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8181, help="port, 0 for a free one (default %(default)s)")
    parser.add_argument("--tls", action="store_true", help="serve HTTPS with a certificate made for this run")
    parser.add_argument("--json", action="store_true", help="print one line of JSON and nothing else")
    parser.add_argument("--backend", choices=("new", "old"), help="back end of new datasets (socrata)")
    parser.add_argument("--seed", type=int, help="make generated ids the same in each run")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SWITCH=VALUE",
        help="set a switch; see docs/emulator.md and docs/emulator-opendatasoft.md",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        made = _class_of(given.portal)
    except ModuleNotFoundError as error:
        print(_MISSING.format(error.name), file=sys.stderr)
        return 2
    switches: dict[str, Any] = {"backend": given.backend} if given.backend else {}
    for text in given.set:
        name, sign, value = text.partition("=")
        if not sign:
            parser.error(f"--set {text}: SWITCH=VALUE expected")
        switches[name] = value
    try:
        emulator = made(host=given.host, port=given.port, tls=given.tls, seed=given.seed, **switches)
    except (ValueError, OSError) as error:
        print(f"cannot start the emulator on {given.host}:{given.port}: {error}", file=sys.stderr)
        return 2

    def stop(*_: object) -> None:
        emulator.holds.release_all()
        emulator.server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    emulator.start()
    print(json.dumps(emulator.facts) if given.json else _text(emulator), flush=True)
    emulator.wait()
    emulator.stop()
    return 0


def _class_of(portal: str) -> type[Emulator] | type[OpendatasoftEmulator]:
    if portal == "opendatasoft":
        from airflow_socrata.emulator.opendatasoft.server import OpendatasoftEmulator

        return OpendatasoftEmulator
    from airflow_socrata.emulator.server import Emulator

    return Emulator


def _text(emulator: Emulator | OpendatasoftEmulator) -> str:
    lines = [f"{emulator.vendor} emulator at {emulator.url} (stop it with Ctrl-C)", ""]
    lines += [f"  {name:<10} {value}" for name, value in emulator.facts.items() if value]
    lines += [
        "",
        "  Airflow connection:",
        f"  export AIRFLOW_CONN_{emulator.vendor.upper()}_DEFAULT='{emulator.connection_json}'",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
