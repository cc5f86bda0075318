"""What a test may do to the portal, under ``/_emulator``; outside of sign-in, replicas and locks."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.dsmapi import approvals, orders, progress
from airflow_socrata.emulator.edge.accounts import APP_TOKEN, USERS
from airflow_socrata.emulator.edge.approvals import decide_waiting
from airflow_socrata.emulator.edge.bodies import Naming, json_blocks
from airflow_socrata.emulator.edge.files import keep, lose_file
from airflow_socrata.emulator.edge.jobs import PUBLISH
from airflow_socrata.emulator.edge.metadata import metadata_rules
from airflow_socrata.emulator.edge.publication import open_copy, publish_now, review
from airflow_socrata.emulator.edge.reading import objects_of, run, writers
from airflow_socrata.emulator.edge.view_json import view_json
from airflow_socrata.emulator.edge.views import make_view
from airflow_socrata.emulator.errors import PortalError
from airflow_socrata.emulator.ids import VIEW_ID
from airflow_socrata.emulator.sign_in import orders as sign_ins
from airflow_socrata.emulator.soql.compiling import Compiler
from airflow_socrata.emulator.soql.parsing import Query
from airflow_socrata.emulator.store.writing import WriteOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_socrata.emulator.edge.portal import Portal
    from airflow_socrata.emulator.store.model import View


class BadOrder(ValueError):
    """An order to the emulator that makes no sense; says what does."""


def info(portal: Portal, order: dict[str, Any]) -> Any:
    """Tell the accounts, the switches and the CPU time used so far."""
    del order
    users = {
        user.name: {
            "id": user.id,
            "username": user.key_id,
            "password": user.key_secret,
            "email": user.email,
            "email_password": user.password,
            "access_token": user.access_token,
        }
        for user in USERS.values()
    }
    return {
        "users": users,
        "app_token": APP_TOKEN,
        "switches": portal.switches.as_dict(),
        "cpu_seconds": time.process_time(),
        "time": portal.clock.now(),
    }


def reset(portal: Portal, order: dict[str, Any]) -> Any:
    """Become a fresh portal."""
    del order
    portal.reset()
    return {}


def create_dataset(portal: Portal, order: dict[str, Any]) -> Any:
    """Create a dataset with rows, published if not told otherwise."""
    view_id = order.get("id")
    if view_id is not None and not VIEW_ID.match(view_id):
        raise BadOrder(f"dataset id {view_id!r} is no 4x4 (abcd-1234)")
    if view_id is not None and portal.store.find(view_id) is not None:
        raise BadOrder(f"dataset {view_id} is there already")
    owner = _user(order.get("owner", "publisher"))
    columns = [_column(spec) for spec in order.get("columns", ())]
    metadata = dict(order.get("metadata") or {})
    if order.get("row_identifier"):
        metadata["rowIdentifier"] = order["row_identifier"]
    body = {
        "name": order.get("name") or view_id or "Dataset",
        "columns": columns,
        "metadata": metadata,
        "privateMetadata": dict(order.get("private_metadata") or {}),
    } | dict(order.get("fields") or {})
    backend = order.get("backend", portal.switches.backend)
    if backend not in {"new", "old"}:
        raise BadOrder(f"backend {backend!r} is neither new nor old")
    view = make_view(portal, owner, body, new_backend=backend == "new", view_id=view_id)
    if order.get("rows"):
        add_rows(portal, view, list(order["rows"]))
    view.scope = order.get("permission", "public")
    view.synced = bool(order.get("synced", False))
    if order.get("published", True):
        publish_now(portal, view)
    return view_json(portal, view, owner)


def _column(spec: Any) -> Any:
    if isinstance(spec, str):
        return {"name": spec, "fieldName": spec, "dataTypeName": "text"}
    if isinstance(spec, list):
        return {"name": spec[0], "fieldName": spec[0], "dataTypeName": spec[1]}
    return spec


def add_rows(portal: Portal, view: View, rows: list[dict[str, Any]]) -> None:
    """Write rows into a view; a row that fails is an error."""
    naming = Naming(view.copy, view.dataset.row_ids, ignore_unknown=False, display_names=False)
    options = WriteOptions(tolerated=frozenset())
    with (
        view.dataset.write_lock(portal.switches.write_lock_seconds, view.id),
        portal.store.writing(view, view.owner, options, portal.switches) as writer,
    ):
        writer.reserve(0, len(rows))
        for block in json_blocks(rows, naming):
            writer.apply(block)


def create_derived(portal: Portal, order: dict[str, Any]) -> Any:
    """Create a filter or map on a dataset: a view that reads its rows and takes none."""
    parent = _view(portal, order["dataset"])
    view = dataclasses.replace(
        parent,
        id=order.get("id") or portal.store.fresh_id(),
        oid=portal.store.number(),
        asset_type=order.get("asset_type", "filter"),
        modifying_view_uid=parent.id,
        fields=parent.fields | {"name": order.get("name", "Filter of " + str(parent.fields["name"]))},
    )
    portal.store.add(view)
    return view_json(portal, view, _user("publisher"))


def state(portal: Portal, order: dict[str, Any]) -> Any:
    """Tell the truth about a dataset: stage, rows and copies, past sign-in and replicas."""
    view = _view(portal, order["dataset"])
    dataset = view.dataset
    copies = [
        {
            "id": each.id,
            "stage": each.stage,
            "rows": each.copy.rows,
            "copy": each.copy.number,
            "mark": each.private_metadata,
            "author": each.author,
            "created_at": each.created_at,
        }
        for each in list(dataset.views.values())
        if each.modifying_view_uid is None
    ]
    published = dataset.published
    return {
        "id": view.id,
        "stage": view.stage,
        "rows": view.copy.rows,
        "published": published.id if published else None,
        "data_version": dataset.version,
        "scope": view.scope,
        "copies": copies,
        "jobs": [
            {
                "kind": job.kind,
                "view": job.view_id,
                "ticket": job.ticket,
                "polls": job.polls,
                "waits_for_approval": job.waits_for_approval,
            }
            for job in portal.jobs.of(dataset.group)
        ],
    }


def datasets(portal: Portal, order: dict[str, Any]) -> Any:
    """List all views."""
    del order
    return [
        {"id": v.id, "stage": v.stage, "rows": v.copy.rows, "name": v.fields["name"]}
        for v in portal.store.views()
    ]


def rows(portal: Portal, order: dict[str, Any]) -> Any:
    """Return all rows of a view, from the truth, in the order of their row ids."""
    view = _view(portal, order["dataset"])
    with view.dataset.read_from(view, portal.clock.now(), truth=True) as (copy, _):
        compiled = Compiler(copy, view.dataset.row_ids).compile(Query())
        found = run(view, compiled)
    return objects_of(compiled.fields, found, writers(view, compiled, plain_ids=False, as_csv=False))


def add_fault(portal: Portal, order: dict[str, Any]) -> Any:
    """Add a fault rule."""
    if "kind" not in order:
        raise BadOrder("a fault needs a kind")
    args = order.get("args") or {}
    named = {key: value for key, value in order.items() if key != "args"}
    return portal.faults.add(**named, **args).as_dict()


def faults(portal: Portal, order: dict[str, Any]) -> Any:
    """List the fault rules with their counts."""
    del order
    return [fault.as_dict() for fault in portal.faults.rules()]


def clear_faults(portal: Portal, order: dict[str, Any]) -> Any:
    """Forget all fault rules."""
    del order
    portal.faults.clear()
    return {}


def requests(portal: Portal, order: dict[str, Any]) -> Any:
    """Return the log of requests, those after ``after`` if given."""
    after = int(order.get("after", 0))
    return [entry for entry in list(portal.log) if entry["seq"] > after]


def open_working_copy_as(portal: Portal, order: dict[str, Any]) -> Any:
    """Let somebody open a working copy."""
    user = _user(order.get("user", "person"))
    view = open_copy(portal, _view(portal, order["dataset"]), user, order.get("method", "copy"))
    return view_json(portal, view, user)


def write_rows(portal: Portal, order: dict[str, Any]) -> Any:
    """Write rows into a view, as somebody else would."""
    view = _view(portal, order["dataset"])
    add_rows(portal, view, list(order["rows"]))
    return {"rows": view.copy.rows}


def set_rights(portal: Portal, order: dict[str, Any]) -> Any:
    """Fix what an account may do with a dataset; None gives it its own rights back."""
    view, user = _view(portal, order["dataset"]), _user(order["user"])
    if order.get("rights") is None:
        portal.rights.pop((view.id, user.name), None)
    else:
        portal.rights[view.id, user.name] = tuple(order["rights"])
    return {}


def advance(portal: Portal, order: dict[str, Any]) -> Any:
    """Turn the portal's clock forward; jobs and replicas whose time has come move on."""
    now = portal.clock.advance(float(order["seconds"]))
    portal.jobs.tick()
    progress.tick(portal)
    return {"time": now}


def switches(portal: Portal, order: dict[str, Any]) -> Any:
    """Change switches; return all."""
    portal.switches = portal.switches.changed(order)
    return portal.switches.as_dict()


def replicate(portal: Portal, order: dict[str, Any]) -> Any:
    """Let replicas catch up: of one dataset, or of all."""
    if order.get("dataset"):
        for view in list(_view(portal, order["dataset"]).dataset.views.values()):
            portal.store.replicate(view)
    else:
        portal.store.replicate()
    return {}


def pending_geocoding(portal: Portal, order: dict[str, Any]) -> Any:
    """Set how many rows of a dataset wait for geocoding, and how many are done between two looks."""
    dataset = _view(portal, order["dataset"]).dataset
    dataset.pending_geocoding = {"total": int(order.get("total", order["view"])), "view": int(order["view"])}
    dataset.pending_step = int(order.get("step", 0))
    return dataset.pending_geocoding


def approve(portal: Portal, order: dict[str, Any]) -> Any:
    """Approve the publish, the revision or the audience that waits."""
    revision = approvals.waiting(portal, order["dataset"])
    if revision is not None:
        approvals.review(portal, revision, "approved")
        return {"seq": revision.seq}
    if not decide_waiting(portal, _view(portal, order["dataset"]), "approved"):
        review(portal, _waiting(portal, order["dataset"]), "approved")
    return {}


def reject(portal: Portal, order: dict[str, Any]) -> Any:
    """Reject the publish, the revision or the audience that waits."""
    revision = approvals.waiting(portal, order["dataset"])
    if revision is not None:
        approvals.review(portal, revision, "rejected")
        return {"seq": revision.seq}
    if not decide_waiting(portal, _view(portal, order["dataset"]), "rejected"):
        review(portal, _waiting(portal, order["dataset"]), "rejected")
    return {}


def _waiting(portal: Portal, view_id: str) -> Any:
    group = _view(portal, view_id).dataset.group
    for job in portal.jobs.of(group):
        if job.kind == PUBLISH and job.waits_for_approval:
            return job
    raise BadOrder(f"no publish of {view_id} waits for approval")


def finish_jobs(portal: Portal, order: dict[str, Any]) -> Any:
    """Do the copies and publications that are under way: of one dataset, or all."""
    jobs = (
        portal.jobs.of(_view(portal, order["dataset"]).dataset.group)
        if order.get("dataset")
        else portal.jobs.all()
    )
    for job in jobs:
        portal.jobs.finish(job)
    applied = progress.finish_all(portal, order.get("dataset"))
    return {"finished": len(jobs) + applied}


def release(portal: Portal, order: dict[str, Any]) -> Any:
    """Let held requests go."""
    portal.holds.release(order["hold_id"])
    return {}


def wait_held(portal: Portal, order: dict[str, Any]) -> Any:
    """Wait until a request is held."""
    return {"held": portal.holds.wait_held(order["hold_id"], float(order.get("timeout", 30)))}


def add_file(portal: Portal, order: dict[str, Any]) -> Any:
    """Attach a text file to a dataset, as a person would in the portal."""
    view = _view(portal, order["dataset"])
    asset = keep(portal, str(order.get("text", "")).encode(), "text/plain", order["name"])
    attachment = {"filename": order["name"], "assetId": asset, "name": order["name"]}
    view.metadata = view.metadata | {"attachments": [*view.metadata.get("attachments", []), attachment]}
    return attachment


def _view(portal: Portal, view_id: str) -> View:
    view = portal.store.find(view_id)
    if view is None:
        raise BadOrder(f"no dataset {view_id}")
    return view


def _user(name: str) -> Any:
    if name not in USERS:
        raise BadOrder(f"no account {name!r}; the accounts are {', '.join(USERS)}")
    return USERS[name]


ORDERS: dict[str, Callable[[Portal, dict[str, Any]], Any]] = {
    function.__name__: function
    for function in (
        info,
        reset,
        create_dataset,
        create_derived,
        state,
        datasets,
        rows,
        add_fault,
        faults,
        clear_faults,
        requests,
        open_working_copy_as,
        write_rows,
        set_rights,
        advance,
        switches,
        replicate,
        pending_geocoding,
        approve,
        reject,
        finish_jobs,
        release,
        wait_held,
        add_file,
        orders.revisions,
        orders.open_revision_as,
        orders.close_revision_as,
        orders.finish_apply,
        orders.enroll_archival,
        metadata_rules,
        lose_file,
        sign_ins.register_app,
        sign_ins.revoke_token,
    )
}

__all__ = ["ORDERS", "BadOrder", "PortalError"]
