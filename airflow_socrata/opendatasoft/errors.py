"""The errors that only Opendatasoft portals have; all in the tree of :mod:`airflow_socrata.client.errors`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.client.errors import (
    Conflict,
    InvalidRequest,
    PermissionDenied,
    PortalBusy,
    RequestRefused,
)
from airflow_socrata.opendatasoft.status import StatusClass, class_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.opendatasoft.models import Dataset


class InvalidDatasetStatus(Conflict):
    """The dataset's status does not allow the action (400).

    :ivar current: the internal name of the status, where the portal tells it.
    :ivar allowed: internal names of the statuses that allow the action.
    """

    default_advice = "wait until the dataset rests, then ask again: the run under way may predate your change"

    def __init__(
        self, problem: str = "", *, current: str | None = None, allowed: tuple[str, ...] = (), **details: Any
    ) -> None:
        super().__init__(problem, **details)
        self.current = current
        self.allowed = allowed
        self.permanent = not self.busy

    @property
    def busy(self) -> bool:
        """Whether the dataset will rest again without anybody doing anything."""
        return class_of(self.current) is StatusClass.TRANSIENT


class ValidationFailed(InvalidRequest):
    """The portal finds fields of the request wrong (400).

    :ivar fields: field to messages.
    """

    default_advice = "correct the fields named"

    def __init__(
        self, problem: str = "", *, fields: Mapping[str, tuple[str, ...]] | None = None, **details: Any
    ) -> None:
        super().__init__(problem, **details)
        self.fields: Mapping[str, tuple[str, ...]] = fields or {}


class PublishRightMissing(PermissionDenied):
    """The key may edit but not publish: then it may not read the status either (403)."""

    default_advice = (
        "the key can upload and configure, but to publish and to read the status it needs the permission "
        "publish_dataset (and its owner too)"
    )


class QuotaUsedUp(PortalBusy):
    """No more calls until the quota starts anew (429)."""

    default_advice = "try again when the quota starts anew, or ask the portal for a larger one"


class ApiNotAnswered(RequestRefused):
    """The portal does not answer this API."""

    default_advice = "check the domain, and the api of the connection (automation or management)"


class NotOffered(RequestRefused):
    """This API does not have the call; nothing was sent."""

    default_advice = "use the Automation API (api of the connection: automation)"


class DatasetExists(Conflict):
    """A dataset with this dataset id exists already.

    :ivar dataset: that one.
    """

    default_advice = "use it, or choose another dataset id"

    def __init__(self, problem: str = "", *, dataset: Dataset, **details: Any) -> None:
        super().__init__(problem, **details)
        self.dataset = dataset


class RestorePointGone(Conflict):
    """The history does not reach back to the point, or the portal does not allow to go back there."""

    default_advice = "correct the configuration by hand on the portal"


class FileTooLarge(RequestRefused):
    """The file is larger than the platform takes; nothing was sent."""

    default_advice = "split it into several resources, compress it, or let the portal fetch it by http"
