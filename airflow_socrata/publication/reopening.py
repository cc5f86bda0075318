"""Trading a working copy that an earlier try has written to for a fresh one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.client import View
from airflow_socrata.publication.changing_columns import change_again
from airflow_socrata.publication.discarding import discard_working_copy
from airflow_socrata.publication.opening import ask_for_copy, check_made_for, follow, take_over
from airflow_socrata.publication.operation import Phase
from airflow_socrata.publication.ownership import is_ours, whose
from airflow_socrata.publication.preflight import read_dataset, working_copies
from airflow_socrata.publication.publishing import check_handle

if TYPE_CHECKING:
    from airflow_socrata.publication.handle import Handle
    from airflow_socrata.publication.publisher import Publisher


def reopen(publisher: Publisher, handle: Handle, timeout: float) -> Handle:
    """Discard an operation's working copy and open a fresh one for it, its columns changed as before.

    May itself be killed and tried again with the first copy's handle: the intent keeps which copies it has
    traded, and the copies are looked for with the old intent before the new one is recorded.

    :param timeout: seconds for the copy job.
    """
    intent = check_handle(publisher, handle, traded=True)
    for view in working_copies(publisher, read_dataset(publisher, handle.dataset)):
        if is_ours(whose(view, intent.operation, [intent], publisher.runs)):
            discard_working_copy(publisher, view.id, handle.dataset)
    traded = {handle.working_copy, intent.working_copy, *intent.replaced} - {None}
    intent = intent.at(
        Phase.INTENDED,
        working_copy=None,
        recorded_at=publisher.portal_time(),
        open_before=(),
        replaced=tuple(sorted(copy for copy in traded if copy is not None)),
    )
    publisher.intents.save(intent)
    answer = ask_for_copy(publisher, intent)
    copy = answer if isinstance(answer, View) else follow(publisher, intent, answer, timeout)
    check_made_for(intent, copy)
    fresh = take_over(publisher, intent, copy)
    change_again(publisher, fresh)
    return fresh
