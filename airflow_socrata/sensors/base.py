"""What the sensors have in common: look once, then wait in the triggerer, or poke."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, BaseSensorOperator, PokeReturnValue

from airflow_socrata.operators.base import default_deferrable, failing_for_good
from airflow_socrata.triggers.base import WaitEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.client import PortalSession
    from airflow_socrata.triggers.base import WaitTrigger


class WaitSensor(BaseSensorOperator):
    """Base of the sensors of both vendors: not used by itself. Looks at a portal with GET only.

    :param deferrable: wait in the triggerer.
    """

    ui_color = "#d9f0dd"

    def __init__(self, *, deferrable: bool | None = None, poke_interval: float = 10.0, **kwargs: Any) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self._session: PortalSession | None = None

    def trigger(self, deadline: float) -> WaitTrigger:
        """Return the trigger that waits instead of this sensor."""
        raise NotImplementedError

    @contextmanager
    def signed_in(self, session: PortalSession) -> Iterator[PortalSession]:
        """Use a session for the time of the block."""
        with failing_for_good(), session:
            self._session = session
            try:
                yield session
            finally:
                self._session = None

    def execute(self, context: Context) -> Any:
        """Look once; then wait in the triggerer, or poke."""
        if not self.deferrable:
            return super().execute(context)
        seen = self.poke(context)
        if isinstance(seen, PokeReturnValue) and seen.is_done:
            return seen.xcom_value
        timeout = float(self.timeout)
        self.defer(
            trigger=self.trigger(time.time() + timeout),
            method_name="execute_complete",
            timeout=timedelta(seconds=timeout + 60),
        )
        raise AssertionError("unreachable: defer() raises")

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> Any:
        """Prove what the trigger has seen."""
        with failing_for_good():
            WaitEvent.checked(event)
        seen = self.poke(context)
        if isinstance(seen, PokeReturnValue) and seen.is_done:
            return seen.xcom_value
        raise AirflowFailException("The trigger saw the publish end, but the portal does not show it.")

    def on_kill(self) -> None:
        """Stop this task's own input and output."""
        session = self._session
        if session is not None:
            session.interrupt()
