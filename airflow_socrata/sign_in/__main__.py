"""Sign in to a Socrata portal with a browser (OAuth 2) and get an Airflow connection."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.oauth import (
    AuthorizationFailed,
    OAuthApp,
    authorize_url,
    code_from_callback,
    exchange_code,
    new_state,
)
from airflow_socrata.client.proxies import check_ca_bundle
from airflow_socrata.client.session import PortalSession
from airflow_socrata.client.settings import Credentials, PortalSettings
from airflow_socrata.client.views import current_user
from airflow_socrata.sign_in.callback import CallbackServer
from airflow_socrata.sign_in.connections import PortalConnection
from airflow_socrata.sign_in.options import (
    add_connection,
    add_output,
    check_output,
    ending,
    hand_over,
    say,
    secret_from,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = "python -m airflow_socrata.sign_in"
SECRET_VARIABLE = "SOCRATA_CLIENT_SECRET"  # noqa: S105 - its name, not its value
_LONGEST_TIMEOUT = 86_400.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = _parser().parse_args(arguments)
    return ending("sign_in", lambda: run(asked))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        COMMAND,
        description=__doc__,
        epilog=f"The client secret is read from {SECRET_VARIABLE}, from a file, or asked for.",
    )
    parser.add_argument("domain", help="host name of the portal, such as data.example.gov")
    parser.add_argument("--port", type=int, default=443, help="port of the portal (443)")
    parser.add_argument(
        "--verify",
        default=True,
        metavar="FILE",
        help="CA bundle that the portal's certificate is checked with",
    )
    parser.add_argument("--client-id", required=True, metavar="TOKEN", help="the application's app token")
    parser.add_argument("--client-secret-file", metavar="FILE", help="file that holds the client secret")
    parser.add_argument(
        "--redirect-uri",
        default="https://localhost:8910/callback",
        metavar="URI",
        help="begins with the callback prefix that the application was registered with"
        " (https://localhost:8910/callback)",
    )
    parser.add_argument(
        "--paste",
        action="store_true",
        help="listen at no address; paste the one that the browser ends up at, for a browser elsewhere",
    )
    parser.add_argument("--no-browser", action="store_true", help="open no browser, only tell the address")
    parser.add_argument(
        "--timeout", type=float, default=300.0, metavar="SECONDS", help="how long to wait for Allow (300)"
    )
    add_connection(parser)
    add_output(parser)
    return parser


def run(asked: argparse.Namespace) -> None:
    """Sign in and hand the connection over; whatever can be refused is, before a browser opens.

    :raises PortalError: it did not work; says why.
    """
    settings = PortalSettings(asked.domain, asked.port, verify=asked.verify)
    check_ca_bundle(settings.verify)
    check_output(asked, settings)
    if not 0 < asked.timeout <= _LONGEST_TIMEOUT:
        raise ConfigurationError(
            f"--timeout {asked.timeout} is not between 0 and {_LONGEST_TIMEOUT:.0f} seconds"
        )
    secret = secret_from(asked.client_secret_file, SECRET_VARIABLE, "client secret")
    app = OAuthApp(asked.client_id, secret, asked.redirect_uri)
    code = _code(asked, settings, app)
    token = exchange_code(settings, app, code)
    signed_in = replace(settings, credentials=Credentials(app_token=app.client_id, access_token=token.value))
    with PortalSession(signed_in, log=say) as session:
        user = session.send(current_user())
    say(f"signed in as {user.display_name or user.email or user.id} on {settings.domain}")
    hand_over(asked, PortalConnection.of(signed_in))


def _code(asked: argparse.Namespace, settings: PortalSettings, app: OAuthApp) -> str:
    state = new_state()
    address = authorize_url(settings, app, state)
    if asked.paste:
        _open(asked, address)
        return _pasted(app, state)
    with CallbackServer(app, state) as server:
        say("the browser will warn of a certificate made for this moment on this machine: let it proceed")
        _open(asked, address)
        return server.code(asked.timeout)


def _open(asked: argparse.Namespace, address: str) -> None:
    say(f"sign in and press Allow at\n{address}")
    if not asked.no_browser and not webbrowser.open(address):
        say("no browser could be opened: open the address yourself")


def _pasted(app: OAuthApp, state: str) -> str:
    """Return the code of an address that a person pastes, or the code itself."""
    print("address that the browser ends up at, or the code in it: ", end="", file=sys.stderr, flush=True)
    given = sys.stdin.readline().strip()
    if not given:
        raise AuthorizationFailed("nothing was pasted", summary="sign in")
    if given.lower().startswith(("http://", "https://")):
        return code_from_callback(given, app, state)
    return given


if __name__ == "__main__":
    sys.exit(main())
