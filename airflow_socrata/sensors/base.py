"""What the sensors have in common: look once, then wait in the triggerer, or poke."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, BaseSensorOperator, PokeReturnValue

from airflow_socrata.operators.base import SignsIn, default_deferrable, failing_for_good
from airflow_socrata.retry_policies import use_portal_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.triggers.base import WaitTrigger


class WaitSensor(SignsIn, BaseSensorOperator):
    """Base of the sensors of both vendors: not used by itself. Looks at a portal with GET only.

    :param deferrable: wait in the triggerer.
    """

    ui_color = "#d9f0dd"

    def __init__(self, *, deferrable: bool | None = None, poke_interval: float = 10.0, **kwargs: Any) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        use_portal_policy(self)
        self.deferrable = default_deferrable() if deferrable is None else deferrable

    def trigger(self, deadline: float) -> WaitTrigger:
        """Return the trigger that waits instead of this sensor."""
        raise NotImplementedError

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
        from airflow_socrata.triggers.base import WaitEvent

        with failing_for_good():
            WaitEvent.checked(event)
        seen = self.poke(context)
        if isinstance(seen, PokeReturnValue) and seen.is_done:
            return seen.xcom_value
        raise AirflowFailException("The trigger saw the publish end, but the portal does not show it.")
