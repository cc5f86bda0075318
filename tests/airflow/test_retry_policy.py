"""Airflow tries a task again at the time the portal asked for, and not at all where that cannot help."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow_harness.versions import AIRFLOW_3_3
from portal_harness.publications import START, Dataset

from airflow_socrata.client import (
    ConfigurationError,
    PermissionDenied,
    PortalBusy,
    PortalFault,
    PortalUnreachable,
    views,
)
from airflow_socrata.client.limiter import forget_limiters
from airflow_socrata.publication.errors import PublicationError, PublishFailed
from airflow_socrata.retry_policies import Advice, advice_of

if TYPE_CHECKING:
    from collections.abc import Callable

needs_policies = pytest.mark.skipif(not AIRFLOW_3_3, reason="retry policies came with Airflow 3.3")


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


# --- what an error says of another try


@pytest.mark.parametrize(
    ("error", "again", "seconds"),
    [
        (PortalBusy("busy", status=429, retry_after=40.0), True, 40.0),
        (PortalBusy("busy", status=429), True, None),
        (PortalBusy("busy", status=429, retry_after=1e11), True, 86_400.0),
        (PortalFault("failed", status=503, retry_after=7.0), True, 7.0),
        (PortalUnreachable("no route"), True, None),
        (PortalUnreachable("self-signed", cause="certificate"), False, None),
        (PermissionDenied("no", status=403), False, None),
        (PermissionDenied("no", status=403, retry_after=9.0), False, None),
        (ConfigurationError("no domain"), False, None),
        (PublicationError("mirror"), False, None),
        (caused(PublishFailed("job failed"), PortalBusy("busy", retry_after=5.0)), True, 5.0),
        (caused(RuntimeError("own code"), PortalBusy("busy", retry_after=5.0)), True, 5.0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_what_an_error_says(error: Exception, again: bool, seconds: float | None) -> None:
    advice = advice_of(error)
    assert advice is not None
    assert (advice.again, advice.seconds) == (again, seconds)
    assert advice.reason


def test_other_errors_say_nothing() -> None:
    assert advice_of(ValueError("of somebody else")) is None
    loop = RuntimeError("raised from itself")
    loop.__cause__ = loop
    assert advice_of(loop) is None


@needs_policies
def test_the_decision() -> None:
    from airflow.sdk import RetryAction

    from airflow_socrata.retry_policies import PortalRetryPolicy

    policy = PortalRetryPolicy(chance=lambda: 0.5)
    asked = policy.evaluate(PortalBusy("busy", retry_after=100.0), 1, 3)
    assert (asked.action, asked.retry_delay) == (RetryAction.RETRY, timedelta(seconds=105))
    long = policy.evaluate(PortalBusy("busy", retry_after=3600.0), 1, 3)
    assert long.retry_delay == timedelta(seconds=3615)
    assert "busy" in str(long.reason)
    assert policy.evaluate(PortalBusy("busy"), 1, 3).action is RetryAction.DEFAULT
    assert policy.evaluate(ValueError("x"), 1, 3).action is RetryAction.DEFAULT
    assert policy.evaluate(PermissionDenied("no"), 1, 3).action is RetryAction.FAIL
    assert isinstance(PortalRetryPolicy.deserialize(policy.serialize()), PortalRetryPolicy)


# --- who has it


def operator_class() -> Any:
    from airflow_socrata.operators.base import SocrataOperator

    class Look(SocrataOperator):
        """Read a view."""

        template_fields = (*SocrataOperator.template_fields, "dataset")

        def __init__(self, *, dataset: str, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.dataset = dataset

        def execute(self, context: Any) -> str:
            with self.publisher(context) as publisher:
                return publisher.session.send(views.read_view(self.dataset)).id

    return Look


@needs_policies
def test_operators_and_sensors_have_it_unless_given_another(airflow_database: object) -> None:
    from airflow.sdk import DAG, ExceptionRetryPolicy

    from airflow_socrata.operators.opendatasoft import OpendatasoftPublishOperator
    from airflow_socrata.retry_policies import PortalRetryPolicy
    from airflow_socrata.sensors.socrata import SocrataPublicationSensor

    own = ExceptionRetryPolicy(rules=[])
    look = operator_class()
    assert isinstance(look(task_id="a", dataset="abcd-1234").retry_policy, PortalRetryPolicy)
    assert look(task_id="a", dataset="abcd-1234", retry_policy=own).retry_policy is own
    with DAG("defaults", schedule=None, default_args={"retry_policy": own}):
        assert look(task_id="a", dataset="abcd-1234").retry_policy is own
    sensor = SocrataPublicationSensor(task_id="s", working_copy={})
    assert isinstance(sensor.retry_policy, PortalRetryPolicy)
    other = OpendatasoftPublishOperator(task_id="o", dataset="roads")
    assert isinstance(other.retry_policy, PortalRetryPolicy)


# --- under Airflow


@pytest.fixture
def note_the_delay(airflow_database: Any) -> tuple[list[float | None], Callable[[Any], None]]:
    """A callback for retries that notes the delay which Airflow has stored, and lets that time pass.

    The next try is another process, as on a worker: it has a limiter of its own.
    """
    noted: list[float | None] = []

    def note(context: Any) -> None:
        with sqlite3.connect(airflow_database, timeout=30) as database:
            which = "WHERE dag_id = ? AND task_id = ? AND run_id = ?"
            key = (context["ti"].dag_id, context["ti"].task_id, context["ti"].run_id)
            found = database.execute(
                f"SELECT retry_delay_override FROM task_instance {which}", key
            ).fetchone()
            noted.append(found[0])
            database.execute(f"UPDATE task_instance SET retry_delay_override = 0 {which}", key)
        database.close()
        forget_limiters()

    return noted, note


@needs_policies
@pytest.mark.parametrize("retry_after", [3600, "date"])
def test_a_429_is_tried_again_at_the_time_the_portal_asked_for(
    dataset: Dataset,
    run_dag: Callable[..., Any],
    note_the_delay: Any,
    monkeypatch: pytest.MonkeyPatch,
    retry_after: Any,
) -> None:
    from airflow.sdk import DAG

    # a date is two seconds ahead on this portal: the longest wait of the connection is shorter
    connection = dataset.portal.connection
    connection["extra"] |= {"longest_wait": 1}
    monkeypatch.setenv("AIRFLOW_CONN_SOCRATA_DEFAULT", json.dumps(connection))
    dataset.portal.admin.add_fault("throttled", "GET", f"/views/{dataset.id}", retry_after=retry_after)
    noted, note = note_the_delay
    with DAG(f"asked_{retry_after}", start_date=START, schedule=None) as dag:
        operator_class()(
            task_id="look",
            dataset=dataset.id,
            retries=2,
            retry_delay=timedelta(hours=9),
            on_retry_callback=note,
        )
    run = run_dag(dag)
    assert run.task("look").state == "success"
    assert run.task("look").tries == 2
    (delay,) = noted
    if retry_after == "date":
        assert 0 < delay <= 2 * 1.1
    else:
        assert 3600 <= delay <= 3630


@needs_policies
def test_a_mapped_operator_has_it_too(
    dataset: Dataset, run_dag: Callable[..., Any], note_the_delay: Any
) -> None:
    from airflow.sdk import DAG

    dataset.portal.admin.add_fault("throttled", "GET", f"/views/{dataset.id}", retry_after=3600)
    noted, note = note_the_delay
    with DAG("mapped", start_date=START, schedule=None) as dag:
        look = operator_class().partial(task_id="look", retries=1, on_retry_callback=note)
        look.expand(dataset=[dataset.id])
    run = run_dag(dag)
    assert run.task("look[0]").state == "success"
    assert 3600 <= noted[0] <= 3630


@needs_policies
def test_a_403_of_ones_own_task_fails_at_once(dataset: Dataset, run_dag: Callable[..., Any]) -> None:
    from airflow.sdk import DAG, task

    from airflow_socrata.hooks.socrata import SocrataHook
    from airflow_socrata.retry_policies import PortalRetryPolicy

    dataset.portal.admin.add_fault("error", "GET", f"/views/{dataset.id}", status=403, times=None)
    with DAG("own_task", start_date=START, schedule=None) as dag:

        @task(retries=3, retry_policy=PortalRetryPolicy())
        def own() -> None:
            with SocrataHook().get_conn() as session:
                session.send(views.read_view(dataset.id))

        own()
    run = run_dag(dag)
    assert (run.task("own").state, run.task("own").tries) == ("failed", 1)


def test_a_403_fails_an_operator_at_once_on_every_airflow(
    dataset: Dataset, run_dag: Callable[..., Any]
) -> None:
    from airflow.providers.common.compat.sdk import DAG

    dataset.portal.admin.add_fault("error", "GET", f"/views/{dataset.id}", status=403, times=None)
    with DAG("refused", start_date=START, schedule=None) as dag:
        operator_class()(task_id="look", dataset=dataset.id, retries=3)
    run = run_dag(dag)
    assert (run.task("look").state, run.task("look").tries) == ("failed", 1)


def test_the_advice_is_plain_data() -> None:
    assert advice_of(PortalBusy("busy", retry_after=1.0)) == Advice(True, 1.0, "busy - try again later")
