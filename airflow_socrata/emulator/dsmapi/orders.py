"""What a test may do to revisions, under ``/_emulator``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi.archiving import enroll_view
from airflow_socrata.emulator.dsmapi.progress import fail, finish
from airflow_socrata.emulator.dsmapi.revisions import add_revision, close
from airflow_socrata.emulator.edge.accounts import USERS, user_by_id

if TYPE_CHECKING:
    from airflow_socrata.emulator.dsmapi.model import Revision
    from airflow_socrata.emulator.edge.portal import Portal
    from airflow_socrata.emulator.store.model import View


def revisions(portal: Portal, order: dict[str, Any]) -> Any:
    """Tell the truth about a dataset's revisions, newest first."""
    return [_told(each) for each in reversed(portal.desk.of_dataset(order["dataset"]))]


def _told(revision: Revision) -> dict[str, Any]:
    return {
        "seq": revision.seq,
        "id": revision.id,
        "open": revision.is_open,
        "created_by": user_by_id(revision.user_id).name,
        "action": revision.action,
        "permission": revision.permission,
        "task_sets": [
            {"id": each.id, "status": each.status, "log": each.log} for each in reversed(revision.task_sets)
        ],
        "output_schema_id": revision.output_schema_id,
        "blob_id": revision.blob_id,
        "metadata": revision.metadata,
        "notes": revision.notes,
        "approval": revision.submission.state if revision.submission else None,
        "sources": [
            {
                "id": each.id,
                "type": each.kind["type"],
                "finished": each.finished_at is not None,
                "failed": each.failed_at is not None,
                "filesize": each.filesize,
                "chunks": len(each.upload.chunks) if each.upload else 0,
            }
            for each in revision.sources
        ],
    }


def open_revision_as(portal: Portal, order: dict[str, Any]) -> Any:
    """Let somebody open a revision; return its number."""
    action = {"type": order.get("action", "replace"), "permission": order.get("permission")}
    body = {"action": action, "metadata": order.get("metadata")}
    made = add_revision(portal, _view(portal, order["dataset"]), USERS[order.get("user", "person")], body)
    return {"seq": made.seq}


def close_revision_as(portal: Portal, order: dict[str, Any]) -> Any:
    """Let somebody discard a revision."""
    if order.get("user", "person") not in USERS:
        raise ValueError(f"no account {order['user']!r}; the accounts are {', '.join(USERS)}")
    with portal.desk.lock:
        close(portal, _revision(portal, order))
    return {}


def finish_apply(portal: Portal, order: dict[str, Any]) -> Any:
    """End the running task set of a revision, also one that is stuck: well, or with ``message`` badly."""
    revision = _revision(portal, order)
    task_set = revision.running
    if task_set is None:
        raise ValueError(f"revision {revision.seq} of {revision.view_id} is not being applied")
    task_set.stuck = False
    if order.get("message"):
        fail(portal, task_set, str(order.get("stage", "upserting")), str(order["message"]))
    else:
        finish(portal, revision)
    return {"status": task_set.status}


def enroll_archival(portal: Portal, order: dict[str, Any]) -> Any:
    """Enroll a dataset in archiving."""
    enroll_view(portal, _view(portal, order["dataset"]))
    return {}


def _view(portal: Portal, view_id: str) -> View:
    view = portal.store.find(view_id)
    if view is None:
        raise ValueError(f"no dataset {view_id}")
    return view


def _revision(portal: Portal, order: dict[str, Any]) -> Revision:
    revision = portal.desk.revision(order["dataset"], int(order["seq"]))
    if revision is None:
        raise ValueError(f"no revision {order['seq']} of {order['dataset']}")
    return revision
