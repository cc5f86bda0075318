"""What both commands take, and how they end."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_socrata.client.errors import ConfigurationError, PortalError
from airflow_socrata.sign_in.connections import (
    check_conn_id,
    check_shell_name,
    check_writable,
    comes_first,
    write,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from airflow_socrata.client.settings import PortalSettings
    from airflow_socrata.sign_in.connections import PortalConnection


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Add the option that names a connection."""
    parser.add_argument(
        "--conn-id", default="socrata_default", metavar="ID", help="Airflow connection (socrata_default)"
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where a connection goes."""
    parser.add_argument(
        "--write", action="store_true", help="keep the connection in Airflow's database; else it is printed"
    )
    parser.add_argument(
        "--format",
        choices=("json", "uri", "env"),
        default="json",
        help="how it is printed: JSON or URI for an environment variable, or the shell line that sets it",
    )


def check_output(asked: argparse.Namespace, settings: PortalSettings) -> None:
    """Refuse what :func:`hand_over` would refuse, before there is anything to hand over.

    :raises ConfigurationError: the connection cannot be written, or not printed in this form.
    """
    check_conn_id(asked.conn_id)
    if asked.write:
        check_writable(asked.conn_id, settings)
    elif asked.format == "env":
        check_shell_name(asked.conn_id)


def hand_over(asked: argparse.Namespace, connection: PortalConnection) -> None:
    """Write the connection, or print it: on standard output and nowhere else."""
    if not asked.write:
        print(connection.text(asked.format, asked.conn_id))
        return
    say(f"connection {asked.conn_id} {write(asked.conn_id, connection)}")
    hidden_by = comes_first(asked.conn_id)
    if hidden_by:
        say(f"but {hidden_by} is set, and Airflow reads that first: remove it")


def secret_from(file: str | None, variable: str, what: str) -> str:
    """Return a secret from a file, an environment variable, or the person at the terminal; never an argument.

    :raises ConfigurationError: the file cannot be read, or there is no secret.
    """
    if file is not None:
        try:
            secret = Path(file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"cannot read {file}: {type(error).__name__}") from None
    else:
        secret = os.environ.get(variable) or ""
    if not secret and file is None and sys.stdin.isatty():
        secret = getpass(f"{what}: ").strip()
    if not secret:
        raise ConfigurationError(f"the {what} is missing: set {variable}, or give a file that holds it")
    return secret


def say(line: str) -> None:
    """Tell the person something; never a secret."""
    print(line, file=sys.stderr, flush=True)


def ending(command: str, run: Callable[[], None]) -> int:
    """Run a command; return its exit code: 0, 1 with one line of what is wrong, or 130 when interrupted."""
    try:
        run()
    except PortalError as error:
        say(f"{command}: {error}")
        return 1
    except (KeyboardInterrupt, EOFError):
        say(f"{command}: interrupted")
        return 130
    return 0
