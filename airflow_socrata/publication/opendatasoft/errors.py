"""What can go wrong in a publication to an Opendatasoft portal, beyond a refused call."""

from __future__ import annotations

from airflow_socrata.publication.errors import PublicationError, PublishFailed


class ChangeInTheWay(PublicationError):
    """Another run is changing the dataset."""


class RecordLimitReached(PublishFailed):
    """The portal stopped at its record limit; another try would stop there as well."""

    permanent = True


class NothingToKeep(PublicationError):
    """The records could not be kept before the change, so nothing was changed."""

    permanent = False


class UnfitFile(PublicationError):
    """The file has no records, or lacks a column that a field configuration names; nothing was changed."""


class RollbackFailed(PublicationError):
    """The former records could not be brought back; says what is where."""

    permanent = False
