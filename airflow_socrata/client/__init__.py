"""A client for Socrata portals that knows neither Airflow nor files.

Calls are built without I/O, by :mod:`~airflow_socrata.client.views` and :mod:`~airflow_socrata.client.rows`;
a session sends them; all of it is imported when it is first asked for. What else there is must be imported by
its own name: the asynchronous session, :mod:`~airflow_socrata.client.async_session`, and the Dataset
Management API: :mod:`~airflow_socrata.client.revisions`, :mod:`~airflow_socrata.client.sources`,
:mod:`~airflow_socrata.client.schemas`, :mod:`~airflow_socrata.client.configs`,
:mod:`~airflow_socrata.client.approvals`, and :mod:`~airflow_socrata.client.uploading` in chunks.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_socrata.conflicts import own_version

if TYPE_CHECKING:
    from airflow_socrata.client import rows, views
    from airflow_socrata.client.check import describe_connection, explain_failure
    from airflow_socrata.client.clock import Clock, SystemClock
    from airflow_socrata.client.errors import (
        ChangeNotKept,
        ConfigurationError,
        Conflict,
        CopyNotOffered,
        DatasetLocked,
        EmptyUpload,
        FileChanged,
        Interrupted,
        InvalidRequest,
        LinkMissing,
        LocalFileFailed,
        MalformedReply,
        NobodySignedIn,
        NotFound,
        PermissionDenied,
        PortalBusy,
        PortalError,
        PortalFault,
        PortalUnreachable,
        ReplyLost,
        RequestRefused,
        RevisionClosed,
        SignInFailed,
        SyncedDataset,
        TooLarge,
        TransformRefused,
        UnknownAppToken,
    )
    from airflow_socrata.client.ids import check_dataset_id, is_dataset_id
    from airflow_socrata.client.limiter import Limits
    from airflow_socrata.client.messages import Call, CallKind, Reply
    from airflow_socrata.client.models import (
        Accepted,
        Approval,
        Column,
        Count,
        Grant,
        PendingGeocoding,
        Replication,
        RowCounts,
        RowError,
        RowsPage,
        Twin,
        User,
        View,
    )
    from airflow_socrata.client.retry import RETRY_TABLE, Decision, Failure, RetryBudget, retry_table_text
    from airflow_socrata.client.rows import RowBody
    from airflow_socrata.client.session import PortalSession
    from airflow_socrata.client.settings import Credentials, PortalSettings

__all__ = [
    "RETRY_TABLE",
    "Accepted",
    "Approval",
    "Call",
    "CallKind",
    "ChangeNotKept",
    "Clock",
    "Column",
    "ConfigurationError",
    "Conflict",
    "CopyNotOffered",
    "Count",
    "Credentials",
    "DatasetLocked",
    "Decision",
    "EmptyUpload",
    "Failure",
    "FileChanged",
    "Grant",
    "Interrupted",
    "InvalidRequest",
    "Limits",
    "LinkMissing",
    "LocalFileFailed",
    "MalformedReply",
    "NobodySignedIn",
    "NotFound",
    "PendingGeocoding",
    "PermissionDenied",
    "PortalBusy",
    "PortalError",
    "PortalFault",
    "PortalSession",
    "PortalSettings",
    "PortalUnreachable",
    "Replication",
    "Reply",
    "ReplyLost",
    "RequestRefused",
    "RetryBudget",
    "RevisionClosed",
    "RowBody",
    "RowCounts",
    "RowError",
    "RowsPage",
    "SignInFailed",
    "SyncedDataset",
    "SystemClock",
    "TooLarge",
    "TransformRefused",
    "Twin",
    "UnknownAppToken",
    "User",
    "View",
    "check_dataset_id",
    "describe_connection",
    "explain_failure",
    "is_dataset_id",
    "retry_table_text",
    "rows",
    "views",
]

#: The modules of public names; the others are errors, but for the modules among them.
_NAMES = {
    "check": ("describe_connection", "explain_failure"),
    "clock": ("Clock", "SystemClock"),
    "ids": ("check_dataset_id", "is_dataset_id"),
    "limiter": ("Limits",),
    "messages": ("Call", "CallKind", "Reply"),
    "models": (
        "Accepted",
        "Approval",
        "Column",
        "Count",
        "Grant",
        "PendingGeocoding",
        "Replication",
        "RowCounts",
        "RowError",
        "RowsPage",
        "Twin",
        "User",
        "View",
    ),
    "retry": ("RETRY_TABLE", "Decision", "Failure", "RetryBudget", "retry_table_text"),
    "rows": ("RowBody",),
    "session": ("PortalSession",),
    "settings": ("Credentials", "PortalSettings"),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


own_version()  # names the old plugin at once, not when the first name is asked for


def __getattr__(name: str) -> Any:
    """Import what has this name."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in {"rows", "views"}:
        return import_module(f"{__name__}.{name}")
    found = getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Name what is public, imported or not."""
    return sorted(__all__)
