"""What the operators have in common: the session, being killed, errors, links and waiting."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator, conf

from airflow_socrata.conflicts import own_version
from airflow_socrata.connection_form import SOCRATA_DEFAULT
from airflow_socrata.retry_policies import use_portal_policy

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.client import PortalSession
    from airflow_socrata.publication.handle import Handle
    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.publication.revisions.handle import RevisionHandle

own_version()  # names the old plugin at once

C = TypeVar("C")

#: XCom key under which the pages for people are kept; the extra links read it.
LINKS_KEY = "socrata_links"


def default_deferrable() -> bool:
    """Return Airflow's own default for deferrable operators."""
    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))


def one_of(name: str, value: C, choices: Collection[C]) -> C:
    """Return an argument that must be one of a few words; for arguments that are not templated.

    :raises ValueError: it is none of them, so that the DAG does not import.
    """
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; it is one of {', '.join(repr(choice) for choice in choices)}")
    return value


def handles_of(value: object) -> list[Handle]:
    """Read one handle of a working copy, or any nesting of lists of them (mapped tasks give lists)."""
    from airflow_socrata.publication.handle import Handle

    return [Handle.from_xcom(item) for item in _flat(value)]


def revision_handles_of(value: object) -> list[RevisionHandle]:
    """Read one handle of a revision, or any nesting of lists of them."""
    from airflow_socrata.publication.revisions.handle import RevisionHandle

    return [RevisionHandle.from_xcom(item) for item in _flat(value)]


def _flat(value: object) -> Iterator[object]:
    if isinstance(value, Mapping) or value is None or isinstance(value, str):
        yield value
        return
    for item in iter(value):  # type: ignore[call-overload]
        yield from _flat(item)


class SignsIn:
    """Mixin of operators and sensors: the session that a task uses, and what is done when it is killed."""

    _session: PortalSession | None = None

    @contextmanager
    def signed_in(self, session: PortalSession) -> Iterator[PortalSession]:
        """Use a session for the time of the block; permanent errors fail the task without another try."""
        with failing_for_good(), session:
            self._session = session
            try:
                yield session
            finally:
                self._session = None

    def on_kill(self) -> None:
        """Stop this task's own input and output; what is on the portal is left to the rollback."""
        session = self._session
        if session is not None:
            session.interrupt()


class PortalOperator(SignsIn, BaseOperator):
    """Base of the operators of both vendors: not used by itself.

    :param timeout: seconds for each long wait for the portal.
    :param poll_interval: longest pause between two looks at the portal, seconds.
    """

    def __init__(self, *, timeout: float = 3600.0, poll_interval: float = 5.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        use_portal_policy(self)
        self.timeout = timeout
        self.poll_interval = poll_interval

    def push_links(self, context: Context, links: Mapping[str, str]) -> None:
        """Keep the pages for people, so that the task's extra links show them, also when it fails."""
        context["ti"].xcom_push(key=LINKS_KEY, value=dict(links))

    def deadline(self) -> float:
        """Return the end of a wait that begins now, epoch seconds."""
        return time.time() + self.timeout


class SocrataOperator(PortalOperator):
    """Base of the operators for Socrata portals: not used by itself.

    :param socrata_conn_id: the Airflow connection. (templated)
    """

    template_fields: Sequence[str] = ("socrata_conn_id",)
    ui_color = "#d6e9f5"

    def __init__(self, *, socrata_conn_id: str = SOCRATA_DEFAULT, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.socrata_conn_id = socrata_conn_id

    @contextmanager
    def publisher(self, context: Context) -> Iterator[Publisher]:
        """Sign in for the time of the block; permanent errors fail the task without another try."""
        from airflow_socrata.hooks.socrata import SocrataHook
        from airflow_socrata.runtime import publisher_for_task

        with failing_for_good():
            session = SocrataHook(self.socrata_conn_id).get_conn()
        with self.signed_in(session):
            yield publisher_for_task(
                session, context, self.socrata_conn_id, self.log.info, self.poll_interval
            )


def check_run_is_true(
    context: Context, did: str, publish_task_id: str | None, leaf_task_id: str | None
) -> None:
    """Fail the rollback, and so the run, where the run would end green although the data did not go live.

    A teardown hides the failures before it, and a run that a person marked failed is computed anew from its
    leaves; so this task fails unless the leaf behind publish already does.

    :param publish_task_id: the task whose success tells that the data went live; ``None``: no check.
    :raises AirflowFailException: they did not.
    """
    from airflow_socrata.runtime import task_states

    if publish_task_id is None:
        return
    states = task_states(context)
    published = states.get(publish_task_id) == "success"
    leaf = states.get(leaf_task_id or "")
    if not published and leaf not in {"failed", "upstream_failed"}:
        raise AirflowFailException(
            f"{publish_task_id} is {states.get(publish_task_id)}, so the data did not go live in this run;"
            f" {did}."
        )


@contextmanager
def failing_for_good() -> Iterator[None]:
    """Turn errors that another try would meet again into ``AirflowFailException``."""
    from airflow_socrata.client import PortalError
    from airflow_socrata.publication.errors import PublicationError
    from airflow_socrata.records import RecordsError

    try:
        yield
    except (PortalError, PublicationError, RecordsError) as error:
        if error.permanent:
            raise AirflowFailException(str(error)) from error
        raise
