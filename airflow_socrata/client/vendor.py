"""What differs from one vendor's portals to another's, for the code that sends and reads all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_socrata.client.replies import error_from_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_socrata.client.errors import PortalError
    from airflow_socrata.client.messages import Call, Reply


class SigningIn(Protocol):
    """Credentials of any kind. Secrets must not show in their ``repr``."""

    @property
    def signs_in(self) -> bool:
        """Whether there is anything to sign in with."""
        ...

    def headers(self) -> Mapping[str, str]:
        """The headers that carry the credentials."""
        ...

    def secrets(self) -> Iterator[str]:
        """All strings that must never be shown."""
        ...

    @property
    def if_refused(self) -> str:
        """What to do where the portal does not accept them; empty: what the error says."""
        ...


class Vendor(Protocol):
    """One vendor's portals."""

    @property
    def name(self) -> str:
        """What such a portal is called in errors."""
        ...

    @property
    def request_id_header(self) -> str | None:
        """The request header whose value the portal keeps in its logs, if there is one."""
        ...

    def read_error(
        self, call: Call[Any], reply: Reply, *, now: float, redact: Callable[[str], str]
    ) -> PortalError:
        """Turn a reply that is no success into an error.

        :param now: this side's clock, in epoch seconds.
        :param redact: takes secrets out of the portal's words.
        """
        ...

    def dataset_link(self, base_url: str, dataset_id: str) -> str:
        """The page of a dataset, for people."""
        ...


@dataclass(frozen=True, slots=True)
class Socrata:
    """Portals of Socrata, also called Data & Insights."""

    name: str = "Socrata"
    request_id_header: str | None = "X-Socrata-RequestId"

    def read_error(
        self, call: Call[Any], reply: Reply, *, now: float, redact: Callable[[str], str]
    ) -> PortalError:
        """Turn a reply that is no success into an error."""
        return error_from_reply(call, reply, now=now, redact=redact)

    def dataset_link(self, base_url: str, dataset_id: str) -> str:
        """The page of a dataset, for people."""
        return f"{base_url}/d/{dataset_id}"


SOCRATA = Socrata()
