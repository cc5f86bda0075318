"""Opening a working copy: adopt what is ours, refuse what is not, leave nothing behind."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_socrata.client import (
    Accepted,
    Interrupted,
    PortalError,
    PortalUnreachable,
    RequestRefused,
    SyncedDataset,
    View,
    views,
)
from airflow_socrata.publication import waits
from airflow_socrata.publication.choices import IN_FLIGHT, ExistingCopy, Method
from airflow_socrata.publication.discarding import discard_working_copy
from airflow_socrata.publication.errors import NotPublishable, WorkingCopyInTheWay
from airflow_socrata.publication.handle import Handle
from airflow_socrata.publication.operation import Baseline, Intent, Mark, Operation, Phase, RunState
from airflow_socrata.publication.ownership import Finding, Ownership, whose
from airflow_socrata.publication.preflight import (
    check_order,
    check_published,
    mirrored,
    read_dataset,
    working_copies,
)
from airflow_socrata.publication.proof import Outcome, settle_publish
from airflow_socrata.publication.rollback import forget_if_over, our_copy, roll_back

if TYPE_CHECKING:
    from airflow_socrata.publication.publisher import Publisher


#: Seconds for which the intent of a copy call without a known end is kept.
A_DAY = 86_400.0


class Remedy(enum.Enum):
    """What Create does with a working copy that it finds."""

    ADOPT = "adopts it if no rows were loaded, else discards it"
    DISCARD = "discards it"
    REFUSE = "refuses to start and names it"
    AS_TOLD = "does as existing_copy says: fail (default), discard or adopt"


#: What Create does with an open working copy, by owner.
REMEDIES: dict[Ownership, Remedy] = {
    Ownership.OURS: Remedy.ADOPT,
    Ownership.PROVED_OURS: Remedy.ADOPT,
    Ownership.LEFTOVER: Remedy.DISCARD,
    Ownership.LIVE_RUN: Remedy.REFUSE,
    Ownership.OTHER_DAG: Remedy.REFUSE,
    Ownership.PERSONS: Remedy.AS_TOLD,
}


@dataclass(frozen=True, slots=True)
class Opening:
    """How to open a working copy.

    :param dataset: 4x4 of the published dataset.
    :param method: ``copy`` (rows and schema) or ``copySchema`` (no rows).
    :param existing_copy: what to do with a person's working copy.
    :param allow_older_run: publish although a newer run of this DAG has.
    :param timeout: seconds for the copy job and for pending geocoding, each.
    """

    dataset: str
    method: Method = "copy"
    existing_copy: ExistingCopy = ExistingCopy.FAIL
    allow_older_run: bool = False
    timeout: float = 3600.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """The way is clear: the recorded intent, and the copy of an earlier try if one can be adopted."""

    intent: Intent
    adopted: View | None = None


def open_working_copy(publisher: Publisher, operation: Operation, opening: Opening) -> Handle:
    """Open a working copy of a published dataset for an operation.

    Whatever goes wrong after the portal was asked, the copy of this operation is discarded before the error
    goes on; if the process dies instead, the recorded intent lets the next try, the rollback or the DAG's
    callback find it.

    :raises NotPublishable: the dataset takes no working copy.
    :raises OlderRun: a newer run has published.
    :raises WorkingCopyInTheWay: a working copy is open that is not this operation's.
    """
    prepared = prepare(publisher, operation, opening)
    try:
        copy = prepared.adopted
        if copy is None:
            answer = ask_for_copy(publisher, prepared.intent)
            copy = (
                answer
                if isinstance(answer, View)
                else follow(publisher, prepared.intent, answer, opening.timeout)
            )
            check_made_for(prepared.intent, copy)
        return take_over(publisher, prepared.intent, copy)
    except BaseException as error:
        clean_up(publisher, prepared.intent, error)
        raise


def ask_for_copy(publisher: Publisher, intent: Intent) -> View | Accepted:
    """Ask the portal for the working copy that the recorded intent names."""
    try:
        answer = publisher.send(views.open_copy(intent.dataset, intent.copy_method))
    except SyncedDataset as error:
        raise mirrored(publisher, intent.dataset, error) from error
    except RequestRefused as error:
        # Refused in a later sending, perhaps because the first one was carried out.
        made = our_copy(publisher, intent) if _may_have_landed(error) else None
        if made is None:
            raise
        return made
    if isinstance(answer, Accepted):
        publisher.log(
            f"The portal is making the working copy of {intent.dataset} ({answer.status or 'accepted'})."
        )
    return answer


def follow(publisher: Publisher, intent: Intent, accepted: Accepted, timeout: float) -> View:
    """Wait for a copy job that the portal has accepted."""
    call = views.open_copy(intent.dataset, intent.copy_method)
    return publisher.wait(waits.accepted_job(call, accepted, publisher.patience(timeout)))


def prepare(publisher: Publisher, operation: Operation, opening: Opening) -> Prepared:
    """Clear the way and record the intent."""
    dataset = read_dataset(publisher, opening.dataset)
    check_published(dataset)
    check_order(dataset, operation, allow_older_run=opening.allow_older_run)
    before = publisher.intents.load(operation.key)
    if before is not None and before.phase is Phase.PUBLISHING:
        publisher.log(
            "An earlier try had sent publish; waiting for its outcome before opening a working copy."
        )
        settle_publish(publisher, before, IN_FLIGHT)
        dataset = read_dataset(publisher, opening.dataset)
    found = working_copies(publisher, dataset)
    adopted = _clear_the_way(publisher, operation, opening, found)
    if adopted is not None and before is not None and before.phase is Phase.INTENDED:
        return Prepared(before, adopted)
    user = publisher.send(views.current_user())
    rows = publisher.count(dataset.id, opening.timeout)
    publisher.wait(waits.geocoding_done(dataset.id, publisher.patience(opening.timeout)))
    intent = Intent(
        operation=operation,
        dataset=dataset.id,
        domain=publisher.domain,
        method=opening.method,
        acting_user=user.id,
        recorded_at=publisher.portal_time(),
        open_before=tuple(view.id for view in found),
        baseline=Baseline.of(dataset, rows),
        conn_id=publisher.conn_id,
    )
    publisher.intents.save(intent)
    return Prepared(intent, adopted)


def _clear_the_way(
    publisher: Publisher, operation: Operation, opening: Opening, found: list[View]
) -> View | None:
    """Discard what may be discarded, refuse what may not, return what can be adopted."""
    keys = {*publisher.intents.unfinished(publisher.domain, opening.dataset), operation.key}
    intents = [intent for key in sorted(keys) if (intent := publisher.intents.load(key)) is not None]
    own = publisher.intents.load(operation.key)
    adopted = None
    for view in found:
        finding = whose(view, operation, intents, publisher.runs)
        remedy = _remedy(finding, opening, own)
        if remedy is Remedy.REFUSE or _publish_is_under_way(publisher, finding, intents):
            raise WorkingCopyInTheWay(_in_the_way(publisher, finding, opening.dataset))
        if remedy is Remedy.ADOPT:
            publisher.log(f"Adopting {finding}.")
            adopted = view
        else:
            publisher.log(f"Discarding {finding} before a new one is opened.")
            discard_working_copy(publisher, view.id, opening.dataset)
    others = [intent for intent in intents if intent.operation.key != operation.key]
    forget_ended(publisher, [intent for intent in others if not intent.is_revision])
    return adopted


def _publish_is_under_way(publisher: Publisher, finding: Finding, intents: list[Intent]) -> bool:
    """Whether a working copy of ours waits for a steward, or its publish for the portal's queue."""
    if finding.mark is None:
        return False
    owner = finding.mark.operation.key
    intent = next((intent for intent in intents if intent.operation.key == owner), None)
    if finding.view.awaits_approval:
        return True
    if intent is None or intent.phase is not Phase.PUBLISHING:
        return False
    return settle_publish(publisher, intent, IN_FLIGHT) is Outcome.OPEN and intent.accepted


def forget_ended(publisher: Publisher, intents: list[Intent]) -> None:
    """Forget the intents of runs that are over, a day after a call of theirs could have made a draft."""
    now = publisher.clock.time()
    for intent in intents:
        ended = publisher.runs.state(intent.operation.dag_id, intent.operation.run_id) is RunState.ENDED
        may_land = intent.draft is None and now - intent.recorded_at < A_DAY
        if ended and not may_land:
            publisher.intents.forget(intent)


def _remedy(finding: Finding, opening: Opening, intent: Intent | None) -> Remedy:
    remedy = REMEDIES[finding.ownership]
    if remedy is Remedy.AS_TOLD:
        return {
            ExistingCopy.FAIL: Remedy.REFUSE,
            ExistingCopy.DISCARD: Remedy.DISCARD,
            ExistingCopy.ADOPT: Remedy.ADOPT,
        }[opening.existing_copy]
    untouched = intent is not None and intent.phase is Phase.INTENDED and intent.method == opening.method
    if remedy is Remedy.ADOPT and not untouched:
        return Remedy.DISCARD  # it was handed to tasks that load, or made by another method
    return remedy


def _in_the_way(publisher: Publisher, finding: Finding, dataset: str) -> str:
    page = publisher.link(finding.view.id)
    if finding.ownership is Ownership.LIVE_RUN:
        advice = "Two runs never share a draft: set max_active_runs=1 on the DAG, or let the other run end"
    elif finding.ownership is Ownership.OTHER_DAG:
        advice = "Let that run end, or discard the copy with SocrataDiscardStaleWorkingCopiesOperator"
    else:
        advice = "Publish or discard it on the portal, or pass existing_copy='discard' or 'adopt'"
    return f"{dataset} has an open {finding}, see {page}. {advice}."


def take_over(publisher: Publisher, intent: Intent, copy: View) -> Handle:
    """Record, mark and hand out a working copy that the portal has given us.

    The order matters: the 4x4 is recorded before the mark is written, so that a copy is never ours without a
    record that says so.
    """
    intent = intent.at(Phase.INTENDED, working_copy=copy.id)
    publisher.intents.save(intent)
    mark = Mark(copy.id, intent.operation)
    if Mark.own(copy) != mark:
        publisher.send(views.merged_update(copy, {"privateMetadata": mark.onto(copy.private_metadata)}))
    intent = intent.at(Phase.OPENED)
    publisher.intents.save(intent)
    publisher.log(
        f"Working copy {copy.id} of {intent.dataset} is open ({intent.method}): {publisher.link(copy.id)}"
    )
    assert intent.baseline is not None  # noqa: S101 - recorded by prepare()
    return Handle(
        dataset=intent.dataset,
        working_copy=copy.id,
        method=intent.copy_method,
        operation=intent.operation,
        baseline=intent.baseline,
        links={"dataset": publisher.link(intent.dataset), "working_copy": publisher.link(copy.id)},
    )


def check_made_for(intent: Intent, copy: View) -> None:
    """Refuse a copy that is not the one we asked for: the portal returns a person's copy if one is open."""
    mark = Mark.own(copy)
    someone_elses = (
        copy.id in intent.open_before
        or (mark is not None and mark.operation.key != intent.operation.key)
        or (
            copy.author_id is not None
            and intent.acting_user is not None
            and copy.author_id != intent.acting_user
        )
    )
    if copy.id == intent.dataset or not copy.is_unpublished:
        raise WorkingCopyInTheWay(
            f"The portal answered the copy of {intent.dataset} with {copy.id}, which is no draft."
        )
    if someone_elses:
        raise WorkingCopyInTheWay(
            f"{intent.dataset} has an open working copy {copy.id} that was opened by somebody else at the"
            " same moment. Publish or discard it on the portal, or pass existing_copy='discard' or 'adopt'."
        )


def clean_up(publisher: Publisher, intent: Intent, error: BaseException) -> None:
    """Discard what this failed attempt has opened; never hide the error that led here."""
    if isinstance(error, Interrupted):
        return  # killed: no call to the portal any more
    key = intent.operation.key
    refused = isinstance(error, RequestRefused | PortalUnreachable | NotPublishable | WorkingCopyInTheWay)
    current = publisher.intents.load(key)
    if refused and not _may_have_landed(error) and current is not None and current.draft is None:
        publisher.intents.forget(current)  # proved: no draft was made
        return
    if isinstance(error, WorkingCopyInTheWay):
        return  # not ours to touch
    try:
        done = roll_back(publisher, key, patience=30.0)
        # A teardown whose setup has failed does not run: what is over is forgotten here. What went live is
        # not: another try would publish it a second time.
        if not done.went_live:
            forget_if_over(publisher, key, done)
    except Exception as failure:
        publisher.log(f"The draft could not be cleaned up at once ({failure}); the rollback will try again.")


def _may_have_landed(error: BaseException) -> bool:
    """Whether an earlier sending of a call that was refused in the end may have been carried out."""
    return isinstance(error, PortalError) and error.landing == "unknown"
