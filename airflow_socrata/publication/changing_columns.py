"""Changing the columns of a draft: plan, record, take the steps, look, and prove that it is as wanted.

A call that adds or drops a column must not simply be sent again. What it did is seen in the columns of the
draft: after a failure, in this try or in a later one, the plan is made anew from what is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_socrata.client import RequestRefused, View, columns, views
from airflow_socrata.publication.errors import (
    HandleMismatch,
    NotPublishable,
    PublicationError,
    RowCountMismatch,
)
from airflow_socrata.publication.operation import Mark, Phase
from airflow_socrata.publication.ownership import is_deletable
from airflow_socrata.publication.preflight import read_dataset
from airflow_socrata.publication.publishing import check_handle
from airflow_socrata.publication.schema_change import SchemaChange
from airflow_socrata.publication.schema_plan import Former, plan_of
from airflow_socrata.publication.schema_steps import Action, SchemaPlan, SchemaRefused, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_socrata.publication.handle import Handle
    from airflow_socrata.publication.operation import Intent
    from airflow_socrata.publication.publisher import Publisher

#: Rounds of steps after which the portal is not believed to take the changes at all.
MOST_ROUNDS = 3


class SchemaNotTaken(PublicationError):
    """The portal has answered every step with success, and the columns are not as wanted."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The view whose columns are changed.

    :param view_id: its 4x4.
    :param check: refuses a view that is not the draft it was taken for.
    :param former: what it was before, or None if it was never published.
    """

    view_id: str
    check: Callable[[View], None]
    former: Former | None


def plan_columns(publisher: Publisher, dataset: str, wanted: SchemaChange) -> SchemaPlan:
    """Compare a dataset's columns with the wanted ones; nothing is changed."""
    return plan_of(publisher.send(views.read_view(dataset)), wanted)


def change_working_copy(
    publisher: Publisher, handle: Handle, task_id: str, wanted: SchemaChange, timeout: float
) -> tuple[Handle, SchemaPlan]:
    """Change the columns of a publication's working copy.

    What is wanted is recorded first: a load that trades the working copy for a fresh one changes that, too.

    :param task_id: the task, so that another try of it replaces its record.
    :param timeout: seconds for replicas to catch up before rows are counted.
    :return: the handle of the working copy that is open now, and the plan.
    :raises SchemaRefused: the plan cannot be done, or would lose what was not given up.
    """
    intent = check_handle(publisher, handle, traded=True)
    if intent.phase is not Phase.OPENED or intent.working_copy is None:
        raise HandleMismatch(
            f"Working copy {handle.working_copy} was sent to be published already: its columns stay. Clear"
            " the task that opens it, with its downstream tasks."
        )
    handle = replace(handle, working_copy=intent.working_copy)
    before = [note for note in intent.schema_changes if note["task_id"] != task_id]
    draft = _working_copy(publisher, intent, [SchemaChange.from_json(note["change"]) for note in before])
    plan = _plan(publisher, draft, wanted)
    publisher.log(plan.table())
    if not plan.steps:
        return handle, plan
    _check_identifier_has_values(publisher, plan, timeout)
    note = {"task_id": task_id, "change": wanted.to_json()}
    publisher.intents.save(replace(intent, schema_changes=(*before, note)))
    rows = publisher.count(draft.view_id, timeout)
    _apply(publisher, draft, wanted)
    left = publisher.count(draft.view_id, timeout, rows)
    if left != rows:
        raise RowCountMismatch(
            f"{draft.view_id} had {rows:,} rows before its columns were changed and has {left:,} now."
        )
    return handle, plan


def change_again(publisher: Publisher, handle: Handle) -> None:
    """Change the columns of a fresh working copy as those of the one before it were changed."""
    intent = check_handle(publisher, handle)
    done: list[SchemaChange] = []
    for note in intent.schema_changes:
        wanted = SchemaChange.from_json(note["change"])
        publisher.log(f"Changing the columns of {handle.working_copy} as {note['task_id']} did before.")
        _apply(publisher, _working_copy(publisher, intent, done), wanted)
        done.append(wanted)


def change_draft(publisher: Publisher, dataset: str, wanted: SchemaChange, timeout: float) -> SchemaPlan:
    """Change the columns of a dataset that was never published.

    :raises NotPublishable: it was published, or is the working copy of another dataset.
    """
    draft = Draft(dataset, _check_never_published, None)
    plan = _plan(publisher, draft, wanted)
    publisher.log(plan.table())
    if plan.steps:
        _check_identifier_has_values(publisher, plan, timeout)
        _apply(publisher, draft, wanted)
    return plan


def _check_never_published(view: View) -> None:
    if not view.is_unpublished or view.is_working_copy:
        raise NotPublishable(
            f"{view.id} is {'a working copy' if view.is_working_copy else view.publication_stage}, and only a"
            " dataset that was never published is changed in place: open a working copy with"
            " SocrataPublication(method='copy') and pass working_copy=... instead of dataset=...."
        )


def _working_copy(publisher: Publisher, intent: Intent, done: Sequence[SchemaChange]) -> Draft:
    published = read_dataset(publisher, intent.dataset)
    working_copy = str(intent.working_copy)

    def check(view: View) -> None:
        mark = Mark.own(view)
        if (
            not is_deletable(view, intent.dataset)
            or mark is None
            or mark.operation.key != intent.operation.key
        ):
            raise HandleMismatch(
                f"{view.id} is not the working copy that {intent.operation} has opened; its columns stay."
            )

    known = {column.field_name: column for column in published.columns}
    return Draft(working_copy, check, Former(known, _identifier_after(published, done)))


def _identifier_after(published: View, done: Sequence[SchemaChange]) -> str | None:
    """Return the row identifier that earlier changes of this publication have left."""
    name = published.row_identifier
    for change in done:
        if change.row_identifier is not None:
            name = change.row_identifier or None
        elif name is not None:
            name = change.change.get(name, {}).get("field_name", name)
    return name


def _read(publisher: Publisher, draft: Draft) -> View:
    view = publisher.send(views.read_view(draft.view_id))
    draft.check(view)
    return view


def _plan(publisher: Publisher, draft: Draft, wanted: SchemaChange) -> SchemaPlan:
    return plan_of(_read(publisher, draft), wanted, draft.former)


def _check_identifier_has_values(publisher: Publisher, plan: SchemaPlan, timeout: float) -> None:
    name = plan.empty_identifier
    if name is not None and publisher.count(plan.view_id, timeout):
        raise SchemaRefused(
            f"{plan.view_id} holds rows, and column {name!r} would be new and empty in each, so it cannot"
            " be the row identifier: open the working copy with method='copySchema' and load all rows anew."
        )


def _apply(publisher: Publisher, draft: Draft, wanted: SchemaChange) -> None:
    """Take steps until the columns are as wanted.

    :raises SchemaNotTaken: they are not, although no step failed.
    """
    expected = _plan(publisher, draft, wanted)
    for _ in range(MOST_ROUNDS):
        publisher.session.repeat(lambda: _take_all(publisher, draft, wanted))
        left = _plan(publisher, draft, wanted)
        if not left.steps:
            break
    strange = sorted({*left.columns} ^ {*expected.columns})
    if left.steps or strange:
        told = f"columns {', '.join(strange)}" if strange else left.table()
        raise SchemaNotTaken(
            f"The portal did not change {draft.view_id} as it said: {' '.join(told.split())}. Look at"
            f" it: {publisher.link(draft.view_id)}"
        )


def _take_all(publisher: Publisher, draft: Draft, wanted: SchemaChange) -> None:
    """Take the steps of one plan; where a late call has done one already, plan again."""
    steps = list(_plan(publisher, draft, wanted).steps)
    while steps:
        step = steps.pop(0)
        try:
            _take(publisher, draft, step)
        except RequestRefused:
            steps = list(_plan(publisher, draft, wanted).steps)
            if any((other.action, other.column) == (step.action, step.column) for other in steps):
                raise
            publisher.log(f"{draft.view_id}: an earlier call did this already: {step.action} {step.column}.")


def _take(publisher: Publisher, draft: Draft, step: Step) -> None:
    send, view_id = publisher.send, draft.view_id
    match step.action:
        case Action.RELEASE:
            send(columns.set_row_identifier(_read(publisher, draft), None))
        case Action.DROP if step.standing is not None:
            send(columns.drop_column(view_id, step.standing))
        case Action.CHANGE if step.standing is not None:
            send(columns.change_column(view_id, step.standing, step.changes))
        case Action.ADD if step.definition is not None:
            made = send(columns.add_column(view_id, step.definition))
            if made.field_name != step.column:
                send(columns.drop_column(view_id, made))  # numbered, as the portal has one of this name
        case Action.IDENTIFY:
            _identify(publisher, draft, step.column)
        case Action.ORDER:
            send(columns.order_columns(_read(publisher, draft), step.order))


def _identify(publisher: Publisher, draft: Draft, name: str) -> None:
    """Set the row identifier, in the form that goes with the back end, else in the other one."""
    view = _read(publisher, draft)
    refusal: RequestRefused | None = None
    for by_id in (True, False) if view.new_backend is False else (False, True):
        try:
            publisher.send(columns.set_row_identifier(view, name, by_id=by_id))
        except RequestRefused as error:
            refusal = refusal or error
        view = _read(publisher, draft)
        if view.row_identifier == name:
            return
    if refusal is not None:
        raise refusal
