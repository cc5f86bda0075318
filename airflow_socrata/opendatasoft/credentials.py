"""How to sign in at an Opendatasoft portal."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_socrata.client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class PortalKey:
    """An API key, or a user and password. Secrets do not show in ``repr``.

    The key goes into the ``Authorization`` header, never into a query.

    :param api_key: 56 hexadecimal characters, made in the portal's back office; excludes user and password.
    :raises ConfigurationError: if they contradict each other or cannot be sent.
    """

    api_key: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("api_key", "user", "password"):
            if not getattr(self, name):
                object.__setattr__(self, name, None)  # a blank form field means none
        if self.api_key and (self.user or self.password):
            raise ConfigurationError("give either an API key or a user and password, not both")
        if (self.user is None) != (self.password is None):
            missing = "password" if self.password is None else "user name"
            raise ConfigurationError(f"the {missing} is missing: both are needed to sign in")
        if self.user and ":" in self.user:
            raise ConfigurationError("the user name must not contain a colon")
        if self.api_key and not _HEADER_SAFE.fullmatch(self.api_key):
            raise ConfigurationError("the API key contains a blank, a line end or a non-ASCII character")

    @property
    def signs_in(self) -> bool:
        """Whether there is anything to sign in with."""
        return self.api_key is not None or self.user is not None

    @property
    def if_refused(self) -> str:
        """What the error itself says will do."""
        return ""

    def headers(self) -> dict[str, str]:
        """The header that carries the credentials."""
        if self.api_key:
            return {"Authorization": f"Apikey {self.api_key}"}
        if self.user is not None:
            return {"Authorization": f"Basic {self._basic()}"}
        return {}

    def secrets(self) -> Iterator[str]:
        """All strings that must never be shown."""
        for value in (self.api_key, self.password):
            if value:
                yield value
        if self.user is not None:
            yield self._basic()

    def _basic(self) -> str:
        return base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")
