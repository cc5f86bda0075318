"""What the portal has issued: applications, codes, access tokens, API keys and browser sessions."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from airflow_socrata.emulator.edge.accounts import APP_TOKEN, USERS

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.accounts import User

APP_SECRET = "emulator-app-secret"  # noqa: S105 (made up, for loopback only)


@dataclass(frozen=True, slots=True)
class App:
    """A registered application.

    :param client_id: its app token.
    :param callback_prefix: what its redirect URIs have to start with.
    """

    client_id: str
    secret: str = field(repr=False)
    name: str
    callback_prefix: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What a user allowed an application: behind a code, or an access token.

    :param redirect_uri: where the code was sent.
    :param since: portal time at which it was issued.
    """

    user: User
    client_id: str
    redirect_uri: str
    since: float


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A person signed in with a browser."""

    user: User
    csrf_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Key:
    """An API key."""

    id: str
    secret: str = field(repr=False)
    name: str
    owner: User
    created_at: float
    used_at: float | None = None
    deleted_at: float | None = None


class SignInDesk:
    """Everything that somebody may sign in with, beside e-mail and password."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clear(0.0)

    def clear(self, now: float) -> None:
        """Forget everything but one application, and one token and one API key of each account."""
        with self.lock:
            self.apps = {APP_TOKEN: App(APP_TOKEN, APP_SECRET, "Emulator application", "https://localhost")}
            self.codes: dict[str, Grant] = {}
            self.tokens = {
                user.access_token: Grant(user, APP_TOKEN, "", now)
                for user in USERS.values()
                if user.access_token
            }
            self.keys = {
                user.key_id: Key(user.key_id, user.key_secret, f"key of {user.name}", user, now)
                for user in USERS.values()
            }
            self.sessions: dict[str, BrowserSession] = {}

    def open_session(self, user: User) -> tuple[str, BrowserSession]:
        """Sign a browser in; return its session cookie and session."""
        cookie, session = secrets.token_hex(24), BrowserSession(user, secrets.token_urlsafe(32))
        with self.lock:
            self.sessions[cookie] = session
        return cookie, session

    def issue_code(self, grant: Grant) -> str:
        """Return a code that can be exchanged once."""
        code = secrets.token_urlsafe(24)
        with self.lock:
            self.codes[code] = grant
        return code

    def issue_token(self, grant: Grant) -> str:
        """Return a new access token."""
        token = secrets.token_urlsafe(32)
        with self.lock:
            self.tokens[token] = grant
        return token

    def spend_code(self, code: str) -> Grant | None:
        """Return what was allowed with a code and forget the code, None for one that is not there."""
        with self.lock:
            return self.codes.pop(code, None)

    def revoke(self, token: str) -> bool:
        """Let a token be good for nothing; tell whether it was good."""
        with self.lock:
            return self.tokens.pop(token, None) is not None

    def note_use(self, key: Key, now: float) -> None:
        """Note that a key was used; once a day, as on a portal."""
        if key.used_at is None or now - key.used_at >= 86_400:
            with self.lock:
                if key.id in self.keys:
                    self.keys[key.id] = replace(self.keys[key.id], used_at=now)
