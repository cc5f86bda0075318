"""The harness itself: what ``run_dag`` reports must be what the run did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseHook, BaseOperator
from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from airflow_harness.dags import DagOutcome

START = datetime(2026, 1, 1, tzinfo=UTC)


class Say(BaseOperator):
    """Returns its word."""

    def __init__(self, *, word: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.word = word

    def execute(self, context: Any) -> str:
        return self.word


class FailUntil(BaseOperator):
    """Fails in every try before the given one."""

    def __init__(self, *, good_try: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.good_try = good_try

    def execute(self, context: Any) -> int:
        number: int = context["ti"].try_number
        if number < self.good_try:
            raise ValueError(f"try {number} fails")
        return number


class TellHost(BaseOperator):
    """Returns the host of a connection."""

    def execute(self, context: Any) -> str | None:
        return BaseHook.get_connection("harness_portal").host


class OneEvent(BaseTrigger):
    """Yields its word at once."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{type(self).__module__}.{type(self).__qualname__}", {"word": self.word}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        yield TriggerEvent({"word": self.word})


class Defer(BaseOperator):
    """Waits in a trigger and returns what the trigger said."""

    def execute(self, context: Any) -> None:
        self.defer(trigger=OneEvent("later"), method_name="resume")

    def resume(self, context: Any, event: dict[str, Any]) -> str:
        return str(event["word"])


def test_states_xcoms_and_run_state(run_dag: Callable[..., DagOutcome]) -> None:
    with DAG("harness_plain", schedule=None, start_date=START) as dag:
        Say(task_id="first", word="hello") >> Say(task_id="second", word="world")
    outcome = run_dag(dag)
    assert outcome.state == "success"
    assert outcome.states == {"first": "success", "second": "success"}
    assert outcome.task("second").return_value == "world"


def test_conf_reaches_templates(run_dag: Callable[..., DagOutcome]) -> None:
    class SayTemplate(Say):
        template_fields = ("word",)

    with DAG("harness_conf", schedule=None, start_date=START) as dag:
        SayTemplate(task_id="say", word="{{ dag_run.conf['word'] }}")
    assert run_dag(dag, conf={"word": "given"}).task("say").return_value == "given"


def test_a_retry_is_a_second_try(run_dag: Callable[..., DagOutcome]) -> None:
    with DAG("harness_retry", schedule=None, start_date=START) as dag:
        FailUntil(task_id="flaky", good_try=2, retries=2)
    outcome = run_dag(dag)
    assert outcome.state == "success"
    assert outcome.task("flaky").return_value == 2
    assert outcome.task("flaky").tries == 2
    assert [str(error) for error in outcome.task("flaky").exceptions] == ["try 1 fails"]


def test_a_failure_skips_what_follows_and_runs_teardown_and_callback(
    run_dag: Callable[..., DagOutcome],
) -> None:
    called: list[str] = []
    with DAG(
        "harness_failure",
        schedule=None,
        start_date=START,
        on_failure_callback=lambda context: called.append(context["dag_run"].run_id),
    ) as dag:
        setup = Say(task_id="setup").as_setup()
        work = FailUntil(task_id="work", good_try=9)
        after = Say(task_id="after")
        teardown = Say(task_id="teardown").as_teardown(setups=setup)
        setup >> work >> after >> teardown
    outcome = run_dag(dag)
    assert outcome.state == "failed"
    assert outcome.states == {
        "setup": "success",
        "work": "failed",
        "after": "upstream_failed",
        "teardown": "success",
    }
    assert [type(error) for error in outcome.task("work").exceptions] == [ValueError]
    assert called == [outcome.run_id]


def test_a_deferred_task_resumes_with_its_event(run_dag: Callable[..., DagOutcome]) -> None:
    with DAG("harness_defer", schedule=None, start_date=START) as dag:
        Defer(task_id="wait")
    outcome = run_dag(dag)
    assert outcome.state == "success"
    assert outcome.task("wait").return_value == "later"


def test_mapped_instances_are_listed_by_index(run_dag: Callable[..., DagOutcome]) -> None:
    with DAG("harness_mapped", schedule=None, start_date=START) as dag:
        Say.partial(task_id="say").expand(word=["a", "b"])
    outcome = run_dag(dag)
    assert outcome.states == {"say[0]": "success", "say[1]": "success"}
    assert outcome.task("say[1]").return_value == "b"


def test_connections_come_from_the_environment(
    run_dag: Callable[..., DagOutcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_HARNESS_PORTAL", '{"conn_type": "generic", "host": "data.example.gov"}')
    with DAG("harness_connection", schedule=None, start_date=START) as dag:
        TellHost(task_id="tell")
    assert run_dag(dag).task("tell").return_value == "data.example.gov"


def test_an_unknown_task_is_named(run_dag: Callable[..., DagOutcome]) -> None:
    with DAG("harness_unknown", schedule=None, start_date=START) as dag:
        Say(task_id="only")
    with pytest.raises(KeyError, match="only"):
        run_dag(dag).task("other")
