"""The errors of a portal client: one tree, one line each, never a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from airflow_socrata.client.retry import Failure

Landing = Literal["none", "unknown"]


class PortalError(Exception):
    """Something with a portal went wrong.

    :param problem: what went wrong, in words; used where no HTTP status tells it.
    :param summary: what was tried, e.g. ``copy abcd-1234``.
    :param status: the HTTP status of the reply, if there was one.
    :param code: the portal's machine code (``code`` or ``errorCode``).
    :param portal_message: the portal's own words, one line, without secrets.
    :param retry_after: seconds that the portal asks to wait.
    :param landing: ``none``: proved that the portal did not carry the call out; ``unknown``: it may have.
    :param failure: the column of the retry table.
    :param advice: what to do; replaces the advice of the class.
    """

    #: True if the same call will fail in the same way again.
    permanent: bool = False
    default_advice: ClassVar[str] = ""

    def __init__(
        self,
        problem: str = "",
        *,
        summary: str = "",
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        portal_message: str | None = None,
        retry_after: float | None = None,
        landing: Landing = "none",
        failure: Failure | None = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.summary = summary
        self.status = status
        self.code = code
        self.request_id = request_id
        self.portal_message = portal_message
        self.retry_after = retry_after
        self.landing: Landing = landing
        self.failure = failure
        self.advice = self.default_advice if advice is None else advice

    @property
    def message(self) -> str:
        """The whole error in one line."""
        advice = " ".join(self.advice.split())
        return f"{self.brief} - {advice}" if advice else self.brief

    @property
    def brief(self) -> str:
        """The error in one line, without advice."""
        parts = [part for part in (self.summary, self._what()) if part]
        line = ": ".join(parts)
        if self.request_id:
            line += f" (request id {self.request_id})"
        if self.landing == "unknown":
            line += "; the portal may have carried it out"
        return " ".join(line.split())

    def _what(self) -> str:
        if self.status is None:
            return self.problem
        code = f" {self.code}" if self.code else ""
        what = f"HTTP {self.status}{code}"
        words = [word for word in (self.problem, self.portal_message) if word]
        return ": ".join([what, *words])

    def __str__(self) -> str:
        return self.message


class ConfigurationError(PortalError, ValueError):
    """A setting or argument of this side is wrong; nothing was sent."""

    permanent = True


class PortalUnreachable(PortalError):
    """No connection was made: DNS, TCP, proxy or TLS. The request was not sent.

    :param cause: ``dns``, ``refused``, ``timeout``, ``certificate``, ``not_https``, ``tls``, ``proxy`` or
        ``network``.
    """

    default_advice = "check the domain, the port and the network"

    def __init__(self, problem: str = "", *, cause: str = "network", **details: Any) -> None:
        super().__init__(problem, **details)
        self.cause = cause
        self.permanent = cause in {"certificate", "not_https"}


class ReplyLost(PortalError):
    """The request was sent, at least in part, and no whole reply came back."""

    default_advice = "see on the portal whether it was carried out before sending it again"


class MalformedReply(PortalError):
    """The portal reports success, but its reply lacks what the call needs."""

    default_advice = "check that the domain is a Socrata portal and that no proxy answers in its place"


class PortalBusy(PortalError):
    """The portal asks to come back later (429, 503)."""

    default_advice = "try again later"


class DatasetLocked(PortalBusy):
    """Another writer holds the dataset, or its computed columns still run (409)."""

    default_advice = "try again when the other job on this dataset has ended"


class PortalFault(PortalError):
    """The portal failed (5xx)."""

    default_advice = "try again later; if it stays, give the request id to the portal's support"


class RequestRefused(PortalError):
    """The portal refuses the call; the same call will be refused again."""

    permanent = True


class InvalidRequest(RequestRefused):
    """The portal finds the request itself wrong (400 and other 4xx)."""

    default_advice = "correct the request"


class SignInFailed(RequestRefused):
    """The portal does not accept the credentials (401)."""

    default_advice = (
        "check the API key id and secret (or user and password, or access token) of the connection"
    )


class PermissionDenied(RequestRefused):
    """The signed-in user, or nobody signed in, may not do this (403)."""

    default_advice = "check the rights of the connection's user on this dataset"


class NobodySignedIn(PermissionDenied):
    """The portal saw no credentials, or none that it knows (403)."""

    default_advice = "the portal saw no credentials: give the connection an API key"


class UnknownAppToken(PermissionDenied):
    """The portal does not know the app token; no token would be better than this one (403)."""

    default_advice = "correct or remove the app token of the connection; an API key is not an app token"


class SyncedDataset(PermissionDenied):
    """The dataset is a mirror that the portal fills itself (403)."""

    default_advice = "write to the dataset that it mirrors"


class NotFound(RequestRefused):
    """The portal has no such thing, or hides it from this user (404)."""

    default_advice = "check the dataset id and that the connection's user may see it"


class Conflict(RequestRefused):
    """The state on the portal does not allow the call (409, 412)."""

    default_advice = "look at the dataset's stage and working copy on the portal"


class RevisionClosed(Conflict):
    """The revision was applied or discarded, perhaps by somebody else: it cannot be used any more."""

    default_advice = "see on the dataset's page who applied or discarded it; start with a new revision"


class TransformRefused(InvalidRequest):
    """The portal cannot compile a transform.

    :ivar column: field name of the output column, where it is known.
    :ivar expression: the transform, where it is known.
    :ivar position: where in it, as ``(line, column)`` from 1; None for what the portal does not tell.
    """

    default_advice = "correct the transform"

    def __init__(
        self,
        problem: str = "",
        *,
        column: str | None = None,
        expression: str | None = None,
        position: tuple[int | None, int | None] | None = None,
        **details: Any,
    ) -> None:
        super().__init__(problem, **details)
        self.column = column
        self.expression = expression
        self.position = position


class LinkMissing(RequestRefused):
    """The portal's answer lacks a link that the call has to follow; nothing was sent."""

    default_advice = "the portal does not offer this here, or not to the connection's user"


class EmptyUpload(ConfigurationError):
    """The file to upload has no bytes; nothing was sent."""


class FileChanged(PortalError):
    """The file was written to while it was being uploaded; the upload was not completed."""

    default_advice = "upload it again when nobody writes to it"


class LocalFileFailed(PortalError):
    """A file of this side could not be read for an upload, or written by a download."""

    default_advice = "check the file and the disk of this machine"


class TooLarge(RequestRefused):
    """The request body is larger than the portal or a proxy before it takes (413)."""

    default_advice = "send smaller batches"


class CopyNotOffered(RequestRefused):
    """The portal does not make working copies in this way (``method=copy`` or ``copySchema``)."""

    default_advice = (
        "use method=copySchema and load all rows (replace), or publish through the revision API instead"
    )


class ChangeNotKept(RequestRefused):
    """The portal reports success and does not show what was written."""

    default_advice = "see on the portal what it shows, and whether somebody else is changing it"


class Interrupted(PortalError):
    """This side stopped its own I/O."""
