"""Trading a working copy that an earlier try has written to for a fresh one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.client import View, views
from airflow_socrata.publication import waits
from airflow_socrata.publication.discarding import discard_working_copy
from airflow_socrata.publication.opening import ask_for_copy, check_made_for, take_over
from airflow_socrata.publication.operation import Phase
from airflow_socrata.publication.publishing import check_handle

if TYPE_CHECKING:
    from airflow_socrata.publication.handle import Handle
    from airflow_socrata.publication.publisher import Publisher


def reopen(publisher: Publisher, handle: Handle, timeout: float) -> Handle:
    """Discard an operation's working copy and open a fresh one for it.

    The intent goes back to ``intended`` first, so that a kill between the two calls leaves a record from
    which the rollback, or the next try, finds whichever copy is there.

    :param timeout: seconds for the copy job.
    """
    intent = check_handle(publisher, handle).at(
        Phase.INTENDED, recorded_at=publisher.portal_time(), open_before=(handle.working_copy,)
    )
    publisher.intents.save(intent)
    discard_working_copy(publisher, handle.working_copy, handle.dataset)
    intent = intent.at(Phase.INTENDED, working_copy=None)
    publisher.intents.save(intent)
    answer = ask_for_copy(publisher, intent)
    if not isinstance(answer, View):
        job = waits.accepted_job(
            views.open_copy(intent.dataset, intent.method), answer, publisher.patience(timeout)
        )
        answer = publisher.wait(job)
    check_made_for(intent, answer)
    return take_over(publisher, intent, answer)
