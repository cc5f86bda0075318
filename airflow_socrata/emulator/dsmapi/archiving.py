"""Archiving: which datasets keep their revisions' rows, and how an old revision comes back."""

from __future__ import annotations

import copy as copying
from typing import TYPE_CHECKING

from airflow_socrata.emulator.dsmapi.calls import named_dataset, revision_of
from airflow_socrata.emulator.dsmapi.envelopes import revision_json
from airflow_socrata.emulator.dsmapi.errors import malformed, refused
from airflow_socrata.emulator.dsmapi.ingesting import restore_copy
from airflow_socrata.emulator.dsmapi.model import Revision, Source
from airflow_socrata.emulator.dsmapi.parsing import ParseOptions
from airflow_socrata.emulator.edge.portal import Exchange, Portal, Reply
from airflow_socrata.emulator.edge.view_json import view_json

if TYPE_CHECKING:
    from airflow_socrata.emulator.store.model import View


def enroll(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /api/archival?id={4x4}&method=enroll``."""
    if exchange.first("method") != "enroll":
        raise malformed("The method is enroll")
    view = named_dataset(portal, exchange, exchange.first("id") or "")
    enroll_view(portal, view)
    return Reply.of(view_json(portal, view, exchange.user))


def enroll_view(portal: Portal, view: View) -> None:
    """Keep the rows of each revision of a dataset from now on; those of the last one at once."""
    portal.desk.enrolled.add(view.dataset.group)
    done = [each for each in portal.desk.of_dataset(view.id) if _was_applied(each)]
    if done:
        with view.dataset.write_lock(portal.switches.write_lock_seconds, view.id):
            keep_archive(portal, view, max(done, key=lambda each: each.closed_at or 0.0))


def _was_applied(revision: Revision) -> bool:
    return any(task_set.status == "successful" for task_set in revision.task_sets)


def keep_archive(portal: Portal, view: View, revision: Revision) -> None:
    """Keep a dataset's rows as a revision left them. The caller holds the write lock."""
    if view.dataset.group in portal.desk.enrolled:
        portal.desk.archive[view.dataset.group, revision.seq] = view.dataset.freeze(view.copy)


def restore(portal: Portal, exchange: Exchange) -> Reply:
    """``POST …/restore``: a new revision with the archived rows of an old one."""
    old = revision_of(portal, exchange)
    view = named_dataset(portal, exchange, old.view_id)
    user = portal.publisher(exchange)
    archived = portal.desk.archive.get((view.dataset.group, old.seq))
    if view.dataset.group not in portal.desk.enrolled or archived is None:
        raise refused(
            portal.switches.restore_not_enrolled_status,
            "not_archived",
            f"Revision {old.seq} of {old.view_id} is not archived: enroll the dataset in archiving first",
        )
    now = portal.clock.now()
    with portal.desk.lock:
        taken = portal.desk.revisions[view.id]
        revision = Revision(
            id=portal.desk.number(),
            view_id=view.id,
            seq=len(taken),
            metadata=copying.deepcopy(old.metadata),
            sent=set(old.sent),
            action="replace",
            permission=None,
            user_id=user.id,
            created_at=now,
            updated_at=now,
        )
        taken.append(revision)
        kind = {"type": "view", "fourfour": view.id, "loaded": True}
        source = Source(portal.desk.number(), kind, ParseOptions(), user.id, now, revision=revision)
        portal.desk.sources[source.id] = source
        revision.sources.append(source)
    restore_copy(portal, source, view, archived)
    return Reply.of(revision_json(revision), 201)
