"""Look after the API keys of a connection's user: list, create, delete, and rotate the connection's own."""

from __future__ import annotations

import argparse
import datetime
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.api_keys import all_keys, make_key, remove_key
from airflow_socrata.client.errors import ConfigurationError, PortalError
from airflow_socrata.client.parsing import one_line
from airflow_socrata.client.session import PortalSession
from airflow_socrata.client.settings import Credentials
from airflow_socrata.client.views import current_user
from airflow_socrata.sign_in.connections import (
    PortalConnection,
    check_writable,
    comes_first,
    stored_connection,
    write,
)
from airflow_socrata.sign_in.options import add_connection, add_output, check_output, ending, hand_over, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_socrata.client.api_keys import NewApiKey
    from airflow_socrata.client.settings import PortalSettings

COMMAND = "python -m airflow_socrata.sign_in.keys"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = _parser().parse_args(arguments)
    return ending("keys", lambda: asked.run(asked))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(COMMAND, description=__doc__)
    orders = parser.add_subparsers(required=True, metavar="list | create | delete | rotate")
    listing = orders.add_parser("list", help="list the keys, never their secrets")
    listing.add_argument("--deleted", action="store_true", help="deleted ones too")
    creating = orders.add_parser("create", help="make a key; its secret is told once, in the connection")
    creating.add_argument("name")
    deleting = orders.add_parser("delete", help="delete a key: it signs nobody in from then on")
    deleting.add_argument("key_id")
    rotating = orders.add_parser(
        "rotate", help="make a key, put it into the connection, and then delete the one that was there"
    )
    rotating.add_argument("--name", help="of the new key (connection and moment)")
    add_output(creating)
    for each, run in ((listing, _list), (creating, _create), (deleting, _delete), (rotating, _rotate)):
        each.set_defaults(run=run)
        add_connection(each)
    return parser


@dataclass(frozen=True, slots=True)
class _Former:
    """The connection that a command signs in with."""

    settings: PortalSettings
    extra: Mapping[str, Any] = field(repr=False)

    @property
    def user(self) -> str | None:
        """The API key id, or user name."""
        credentials = self.settings.credentials
        return credentials.user if isinstance(credentials, Credentials) else None

    def renewed(self, made: NewApiKey) -> PortalSettings:
        """Return the same portal with the key that was just made."""
        given = self.settings.credentials
        app_token = given.app_token if isinstance(given, Credentials) else None
        credentials = Credentials(user=made.key.id, secret=made.secret, app_token=app_token)
        return replace(self.settings, credentials=credentials)


def _former(asked: argparse.Namespace) -> _Former:
    from airflow_socrata.hooks.socrata import portal_settings

    connection = stored_connection(asked.conn_id)
    return _Former(portal_settings(connection), connection.extra_dejson)


def _list(asked: argparse.Namespace) -> None:
    with PortalSession(_former(asked).settings, log=say) as session:
        for key in all_keys(session, include_deleted=asked.deleted):
            told = f"last used {key.last_used_at or 'never'}"
            if key.deleted_at is not None:
                told = f"deleted {key.deleted_at}"
            print(
                one_line(key.id), one_line(key.name), f"made {key.created_at or 'some time'}", told, sep="\t"
            )


def _create(asked: argparse.Namespace) -> None:
    former = _former(asked)
    check_output(asked, former.settings)
    with PortalSession(former.settings, log=say) as session:
        made = make_key(session, asked.name)
    say(f"made the API key {made.key.id} ({made.key.name})")
    hand_over(asked, PortalConnection.of(former.renewed(made), former.extra))


def _delete(asked: argparse.Namespace) -> None:
    with PortalSession(_former(asked).settings, log=say) as session:
        remove_key(session, asked.key_id)
    say(f"deleted the API key {asked.key_id}")


def _rotate(asked: argparse.Namespace) -> None:
    """Make, try, write and only then delete: at every moment the connection holds a key that is good."""
    hidden_by = comes_first(asked.conn_id)
    if hidden_by:
        raise ConfigurationError(
            f"connection {asked.conn_id} stands in {hidden_by}, which this command cannot change: use create,"
            " put the new key there, and delete the old one"
        )
    former = _former(asked)
    check_writable(asked.conn_id, former.settings)
    moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    with PortalSession(former.settings, log=say) as session:
        known = {key.id for key in all_keys(session)}
        made = make_key(session, asked.name or f"{asked.conn_id} {moment}")
        renewed = former.renewed(made)
        try:
            with PortalSession(renewed, log=say) as trial:
                trial.send(current_user())
            write(asked.conn_id, PortalConnection.of(renewed, former.extra))
        except PortalError:
            remove_key(session, made.key.id)
            raise
    say(f"connection {asked.conn_id} has the API key {made.key.id} ({made.key.name})")
    _retire(asked, former, known, made)


def _retire(asked: argparse.Namespace, former: _Former, known: set[str], made: NewApiKey) -> None:
    """Delete the key that was in the connection, if the connection that Airflow finds has the new one."""
    if former.user not in known:
        return
    if stored_connection(asked.conn_id).login != made.key.id:
        raise ConfigurationError(
            f"Airflow finds another connection {asked.conn_id} before the one in its database: API key"
            f" {former.user} was kept; put key {made.key.id} there, or delete it"
        )
    with PortalSession(former.renewed(made), log=say) as session:
        remove_key(session, former.user)
    say(f"deleted the API key {former.user}")


if __name__ == "__main__":
    sys.exit(main())
