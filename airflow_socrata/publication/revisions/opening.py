"""Opening a revision: clear away what earlier tries and runs have left, record, ask, mark."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.client import revisions as calls
from airflow_socrata.client import views
from airflow_socrata.publication.errors import NotPublishable, WaitTimeout, WorkingCopyInTheWay
from airflow_socrata.publication.opening import clean_up, forget_ended
from airflow_socrata.publication.operation import Baseline, Intent, Mark, Operation, Phase
from airflow_socrata.publication.ownership import Ownership
from airflow_socrata.publication.preflight import (
    check_order,
    check_published,
    read_dataset,
    rows_of,
    working_copies,
)
from airflow_socrata.publication.revisions import waits
from airflow_socrata.publication.revisions.applying import settle_apply
from airflow_socrata.publication.revisions.discarding import discard_revision
from airflow_socrata.publication.revisions.finding import find_revision, our_revision, read_or_none
from airflow_socrata.publication.revisions.handle import RevisionHandle
from airflow_socrata.publication.revisions.ownership import RevisionFinding, find_open
from airflow_socrata.publication.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_socrata.client import Call, View
    from airflow_socrata.client.revision_models import Revision
    from airflow_socrata.publication.choices import Action, Permission
    from airflow_socrata.publication.publisher import Publisher


@dataclass(frozen=True, slots=True)
class RevisionOpening:
    """How to open a revision.

    :param dataset: 4x4 of the published dataset.
    :param action: ``update`` (upsert by row identifier; append without one), ``replace`` (all rows) or
        ``delete`` (the rows in the source, by row identifier); ``None``: that of the config.
    :param config: name of a saved config: its action, parse options and columns are the revision's.
    :param restore: sequence number of a revision whose data the new one shall hold.
    :param metadata: metadata of the dataset to change, by the portal's own keys.
    :param notes: notes of this version, for portals that archive.
    :param permission: ``public`` or ``private``; ``None`` leaves the audience as it is and sends nothing.
    :param ignore_open_copy: go on although somebody has a working copy of the dataset open.
    :param allow_older_run: publish although a newer run of this DAG has.
    :param timeout: seconds for the replicas, before rows are counted.
    """

    dataset: str
    action: Action | None = "update"
    config: str | None = None
    restore: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: str | None = None
    permission: Permission | None = None
    ignore_open_copy: bool = False
    allow_older_run: bool = False
    timeout: float = 3600.0


#: What Create does with an open revision that it finds, by owner: another's may stay open beside ours.
DISCARDED_FIRST = frozenset({Ownership.OURS, Ownership.PROVED_OURS, Ownership.LEFTOVER})


def open_revision(publisher: Publisher, operation: Operation, opening: RevisionOpening) -> RevisionHandle:
    """Open a revision of a published dataset for an operation.

    Whatever goes wrong after the portal was asked, the revision of this operation is discarded before the
    error goes on; if the process dies instead, the recorded intent lets the next try, the rollback or the
    DAG's callback find it.

    :raises NotPublishable: the dataset takes no rows, or ``delete`` without a row identifier.
    :raises OlderRun: a newer run has published.
    :raises WorkingCopyInTheWay: somebody has a working copy open, which an apply might disturb.
    """
    intent, dataset = _prepare(publisher, operation, opening)
    try:
        revision = _ask(publisher, intent, _maker(publisher, opening, dataset))
        return _take_over(publisher, operation, opening, revision)
    except BaseException as error:
        clean_up(publisher, intent, error)
        raise


def _prepare(publisher: Publisher, operation: Operation, opening: RevisionOpening) -> tuple[Intent, View]:
    dataset = read_dataset(publisher, opening.dataset, may_be_file=True)
    check_published(dataset)
    check_order(dataset, operation, allow_older_run=opening.allow_older_run)
    if opening.action == "delete" and dataset.row_identifier is None:
        raise NotPublishable(
            f"{dataset.id} ({dataset.name}) has no row identifier, so rows cannot be deleted by a revision."
            " Set a row identifier on the dataset, or replace all rows."
        )
    before = publisher.intents.load(operation.key)
    if before is not None and before.phase is Phase.PUBLISHING and before.revision is not None:
        publisher.log("An earlier try had sent apply; waiting for its outcome before opening a revision.")
        settle_apply(publisher, before)
        dataset = read_dataset(publisher, opening.dataset, may_be_file=True)
    if not opening.ignore_open_copy:
        _check_no_copy(publisher, dataset)
    if _clear_the_way(publisher, dataset, operation, opening.timeout):
        dataset = read_dataset(publisher, opening.dataset, may_be_file=True)
        check_order(dataset, operation, allow_older_run=opening.allow_older_run)
    published = Mark.on(dataset)
    intent = Intent(
        operation=operation,
        dataset=dataset.id,
        domain=publisher.domain,
        method="revision",
        acting_user=publisher.send(views.current_user()).id,
        recorded_at=publisher.portal_time(),
        baseline=Baseline.of(dataset, rows_of(publisher, dataset, opening.timeout)),
        conn_id=publisher.conn_id,
        # A call of an earlier try may still land: by its name it is found, adopted or discarded.
        names=() if before is None else before.names,
        after_revision=max((seen.seq for seen in publisher.send(calls.listing(dataset.id))), default=-1),
        inherited=None if published is None else published.draft,
    )
    publisher.intents.save(intent)
    return intent, dataset


def _check_no_copy(publisher: Publisher, dataset: View) -> None:
    copies = working_copies(publisher, dataset)
    if copies:
        names = ", ".join(copy.id for copy in copies)
        raise WorkingCopyInTheWay(
            f"{dataset.id} has an open working copy ({names}), see {publisher.link(copies[0].id)}; applying a"
            " revision could disturb it. Publish or discard it, or pass ignore_open_copy=True."
        )


def _clear_the_way(publisher: Publisher, dataset: View, operation: Operation, timeout: float) -> bool:
    """Discard the open revisions that this operation and ended runs of its DAG have left; no other.

    One that the portal is applying is waited for: the rows of this operation come after its.

    :param timeout: seconds for that.
    :return: whether the dataset may have changed meanwhile.
    """
    findings = find_open(publisher, dataset, operation)
    waited = False
    for finding in findings:
        if finding.ownership not in DISCARDED_FIRST:
            publisher.log(f"{dataset.id} has an open {finding}; it stays.")
            continue
        if finding.may_go_live:
            waited = True
            _let_it_end(publisher, finding, timeout)
        if discard_revision(publisher, dataset.id, finding.revision.seq):
            publisher.log(f"That was {finding}; a new one is opened.")
    known = [
        publisher.intents.load(key) for key in publisher.intents.unfinished(publisher.domain, dataset.id)
    ]
    others = [intent for intent in known if intent is not None and intent.operation.key != operation.key]
    forget_ended(publisher, [intent for intent in others if intent.is_revision])
    return waited


def _let_it_end(publisher: Publisher, finding: RevisionFinding, timeout: float) -> None:
    """Wait for the apply of a revision of ours to end.

    :raises WorkingCopyInTheWay: it does not, or a steward has to decide on it.
    """
    found, intent = finding.revision, finding.intent
    in_the_way = WorkingCopyInTheWay(
        f"{found.dataset} has an open {finding} that the portal is applying, or that waits for a"
        f" steward; see {publisher.revision_link(found.dataset, found.seq)}. Let it end, or discard it on the"
        " portal."
    )
    if intent is not None and intent.phase is Phase.PUBLISHING:
        settle_apply(publisher, intent)
        if find_revision(publisher, intent)[0] is State.AWAITS_APPROVAL:
            raise in_the_way
    revision = read_or_none(publisher, found.dataset, found.seq)
    job = None if revision is None else revision.last_task_set
    if job is None or job.is_terminal:
        return
    publisher.log(f"{found.dataset} has an open {finding} that the portal is applying; waiting for its end.")
    patience = publisher.patience(timeout)
    try:
        publisher.wait(
            waits.applied(found.dataset, found.seq, -1, patience, publisher.log, await_approval=False)
        )
    except WaitTimeout as error:
        raise in_the_way from error


def _maker(publisher: Publisher, opening: RevisionOpening, dataset: View) -> Callable[[Mark], Call[Revision]]:
    """Return what builds the call for a revision that carries a mark."""
    if opening.restore is not None:
        restored = publisher.send(calls.read(dataset.id, opening.restore))
        return lambda _mark: calls.restore(restored)

    def make(mark: Mark) -> Call[Revision]:
        metadata = views.merged_wholes(dataset.raw, opening.metadata)
        if "rowIdentifier" not in (opening.metadata.get("metadata") or {}):
            # which column identifies rows is the output schema's business
            metadata.get("metadata", {}).pop("rowIdentifier", None)
        private = metadata.get("privateMetadata", dataset.private_metadata)
        metadata["privateMetadata"] = mark.onto(private)
        if opening.config is not None:
            return calls.create_by_config(dataset.id, opening.config, metadata=metadata)
        return calls.create(
            dataset.id,
            action=opening.action or "update",
            metadata=metadata,
            permission=opening.permission,
        )

    return make


def _ask(publisher: Publisher, intent: Intent, make: Callable[[Mark], Call[Revision]]) -> Revision:
    """Ask for the revision; each sending has a name of its own, recorded before, by which it can be found."""

    def look_then_create() -> Revision:
        known = publisher.intents.load(intent.operation.key) or intent
        if known.names:
            made = our_revision(publisher, known)
            if made is not None:
                return made
        name = uuid.uuid4().hex
        publisher.intents.save(replace(known, names=(*known.names, name)))
        return publisher.send(make(Mark(name, intent.operation)))

    return publisher.session.repeat(look_then_create)


def _take_over(
    publisher: Publisher, operation: Operation, opening: RevisionOpening, revision: Revision
) -> RevisionHandle:
    """Record a revision that the portal has given us, and see that it says whose it is."""
    intent = publisher.intents.load(operation.key)
    assert intent is not None  # noqa: S101 - recorded by _prepare()
    baseline = intent.baseline
    assert baseline is not None  # noqa: S101 - recorded by _prepare()
    intent = intent.at(Phase.INTENDED, revision=revision.seq)
    publisher.intents.save(intent)
    mark = Mark.on(revision)
    if mark is None or mark.draft not in intent.names:
        mark = Mark(intent.names[-1], operation)
        wanted = views.merged_wholes(revision.metadata, opening.metadata)
        private = mark.onto(wanted.get("privateMetadata", revision.private_metadata))
        changes: dict[str, Any] = {"metadata": {**revision.metadata, **wanted, "privateMetadata": private}}
        publisher.send(calls.update(revision, changes))
    if opening.notes is not None:
        publisher.send(calls.update(revision, {"notes": opening.notes}))
    if opening.permission is not None and revision.permission != opening.permission:
        action = {"type": revision.action, "permission": opening.permission}
        publisher.send(calls.update(revision, {"action": action}))
    publisher.intents.save(intent.at(Phase.OPENED))
    link = publisher.revision_link(revision.dataset, revision.seq)
    publisher.log(f"Revision {revision.seq} of {revision.dataset} is open ({revision.action}): {link}")
    return RevisionHandle(
        dataset=revision.dataset,
        revision=revision.seq,
        action=revision.action or opening.action or "update",
        operation=operation,
        baseline=baseline,
        mark=mark.draft,
        links={"dataset": publisher.link(revision.dataset), "revision": link},
    )
