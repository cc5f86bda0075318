"""What can go wrong in a publication beyond a refused call."""

from __future__ import annotations


class PublicationError(Exception):
    """A publication cannot go on.

    ``permanent`` tells whether another try could help.
    """

    permanent = True


class NotPublishable(PublicationError):
    """The dataset takes no rows: a filter, a mirror, a draft, no right to write, no row identifier."""


class WorkingCopyInTheWay(PublicationError):
    """A working copy is open that is not this operation's."""


class DatasetInTheWay(PublicationError):
    """A resource name is that of a dataset that is not the wanted one."""


class OlderRun(PublicationError):
    """A newer run of the DAG has published already."""


class HandleMismatch(PublicationError):
    """The rows were loaded into another working copy than the one that is open now."""


class RowsRefused(PublicationError):
    """The portal answered 200 and refused rows, or counted others than were sent."""


class RowCountMismatch(PublicationError):
    """The portal does not hold the rows that it acknowledged; another try loads them afresh."""

    permanent = False


class OutcomeUnproved(PublicationError):
    """The working copy is gone, and the published dataset does not prove that it went live."""


class PublishFailed(PublicationError):
    """The portal reports that the publish job failed; another try may succeed."""

    permanent = False


class Rejected(PublicationError):
    """A steward has rejected the working copy."""


class WaitTimeout(PublicationError):
    """A wait passed its deadline."""

    permanent = False


class DraftClosed(PublicationError):
    """The revision was closed by somebody else: it can never be applied."""


class SourceFailed(PublicationError):
    """The portal could not read the file, or has no such sheet or layer."""


class TransformFailed(PublicationError):
    """A transform could not run, or does not fit the columns of the file."""


class RowIdentifierRefused(PublicationError):
    """The column that is to be the row identifier has empty or repeated values."""


class RowRefused(PublicationError):
    """A row that is to be written alone is not right, or the portal answered 200 and did not take it."""


class RowChanged(PublicationError):
    """Somebody has changed the row since its version was read."""
