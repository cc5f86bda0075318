"""What operators that fill a working copy share: which copy, alone or beside others, first try or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.links.socrata import SocrataDatasetLink, SocrataWorkingCopyLink
from airflow_socrata.operators.base import SocrataOperator, handles_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.publication.handle import Handle, Load
    from airflow_socrata.publication.publisher import Publisher


class SocrataLoader(SocrataOperator):
    """Base of the operators that load rows: not used by itself.

    :param working_copy: the handle that the task which opens the working copy returned. (templated)
    """

    template_fields: Sequence[str] = (*SocrataOperator.template_fields, "working_copy")
    operator_extra_links = (SocrataDatasetLink(), SocrataWorkingCopyLink())

    def __init__(self, *, working_copy: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.working_copy = working_copy

    def handle(self) -> Handle:
        """Return the handle of the working copy to load into."""
        from airflow_socrata.publication import publishing

        handles = handles_of(self.working_copy)
        return publishing.loaded_handle(handles)

    def is_sole_loader(self, handle: Handle, context: Context) -> bool:
        """Whether no other task, or other map index of this one, loads into a working copy."""
        if context["ti"].map_index != handle.operation.map_index:
            return False
        dag, opened_by = self.dag, handle.operation.task_id
        below = (
            dag.get_task(opened_by).get_flat_relative_ids(upstream=False)
            if opened_by in dag.task_dict
            else set()
        )
        loaders = {task.task_id for task in dag.tasks if task.task_id in below and loads_rows(task)}
        return loaders <= {self.task_id}

    def fresh(self, publisher: Publisher, handle: Handle, context: Context) -> tuple[Handle, bool]:
        """Return a working copy that no earlier try of this task has written to, and whether it is one.

        An earlier try may have loaded rows, and its process may still be sending: another copy fences it off.
        Where other tasks load into the same copy it must stay, and only rows with an identifier may be
        re-sent.
        """
        from airflow_socrata.publication import publishing, reopening

        retried = context["ti"].try_number > 1
        if retried and self.is_sole_loader(handle, context):
            return reopening.reopen(publisher, handle, self.timeout), True
        publishing.check_handle(publisher, handle)
        return handle, not retried

    def finish(self, context: Context, handle: Handle, load: Load) -> dict[str, Any]:
        """Return the handle with the counts."""
        self.push_links(context, handle.links)
        return handle.with_load(load).to_xcom()


def loads_rows(task: Any) -> bool:
    """Whether a task of a DAG, mapped or not, is one of these operators."""
    return issubclass(getattr(task, "operator_class", type(task)), SocrataLoader)


def check_may_load_again(publisher: Publisher, handle: Handle) -> None:
    """Refuse to load a second time into a copy that cannot be traded, where every row would be added again.

    :raises HandleMismatch: the dataset has no row identifier.
    """
    from airflow_socrata.client import views
    from airflow_socrata.publication.errors import HandleMismatch

    if publisher.send(views.read_view(handle.working_copy)).row_identifier is None:
        raise HandleMismatch(
            f"An earlier try may have loaded rows into {handle.working_copy}, which other tasks load into as"
            " well, and the dataset has no row identifier: clear the task that opens the working copy."
        )
