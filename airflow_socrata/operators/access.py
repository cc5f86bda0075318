"""Operators for who may see a dataset and who may change it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

from airflow_socrata.links.socrata import SocrataDatasetLink
from airflow_socrata.operators.base import SocrataOperator, default_deferrable, failing_for_good, one_of
from airflow_socrata.publication.choices import OnFirstApproval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.publication.access import AccessReport
    from airflow_socrata.publication.publisher import Publisher


class SocrataSetPermissionOperator(SocrataOperator):
    """Set the audience of a dataset, and the users and teams that it is shared with.

    Sends what differs, and proves it by reading back; whatever is not named stays, in particular the
    audience. On a dataset that was never published it takes effect with publishing. Where a steward has to
    approve, one request is made, however often this is tried.

    :param dataset: 4x4 of the dataset, not of a working copy. (templated)
    :param audience: ``public``, ``site`` (members of the portal), ``private``, or ``None``: as it is.
        (templated)
    :param add_users: 4x4 or e-mail address to access level: ``viewer``, ``contributor``, ``owner``
        (co-owner), or e.g. ``viewer:published``. (templated: the levels)
    :param remove_users: 4x4s or e-mail addresses. (templated)
    :param users: instead of both: exactly these beside the owner. (templated: the levels)
    :param on_approval: where a steward must approve: ``wait`` until the time-out, ``submit`` (succeed as
        submitted; the sensor waits for the decision) or ``fail``.
    :param ask_again: withdraw a request that a steward has rejected, and make another.
    :param timeout: seconds for the steward.
    :param deferrable: wait in the triggerer.
    :return: the dataset, its audience, its users, and the outcome: ``unchanged``, ``changed``,
        ``takes_effect_with_publishing`` or ``awaits_approval``.
    """

    template_fields: Sequence[str] = (
        *SocrataOperator.template_fields,
        "dataset",
        "audience",
        "add_users",
        "remove_users",
        "users",
    )
    operator_extra_links = (SocrataDatasetLink(),)

    def __init__(
        self,
        *,
        dataset: str,
        audience: str | None = None,
        add_users: Mapping[str, str] | None = None,
        remove_users: Sequence[str] = (),
        users: Mapping[str, str] | None = None,
        on_approval: OnFirstApproval = "wait",
        ask_again: bool = False,
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.audience = audience
        self.add_users = add_users
        self.remove_users = remove_users
        self.users = users
        self.on_approval: OnFirstApproval = one_of("on_approval", on_approval, get_args(OnFirstApproval))
        self.ask_again = ask_again
        self.deferrable = default_deferrable() if deferrable is None else deferrable

    def execute(self, context: Context) -> dict[str, Any]:
        """Look, change, read back, and wait for a steward where that is wanted."""
        from airflow_socrata.client.access import check_audience
        from airflow_socrata.publication.access import Outcome
        from airflow_socrata.publication.approving import audience_reached
        from airflow_socrata.triggers.access import SocrataAudienceTrigger

        with self.publisher(context) as publisher:
            report = self._set(context, publisher, ask_again=self.ask_again)
            waits = report.outcome is Outcome.AWAITS_APPROVAL and self.on_approval == "wait"
            if not waits:
                return report.to_xcom()
            audience = check_audience(report.audience or "")
            if not self.deferrable:
                patience = publisher.patience(self.timeout)
                publisher.wait(audience_reached(report.dataset, audience, patience))
                return self._reached(context, publisher)
        self.defer(
            trigger=SocrataAudienceTrigger(
                self.socrata_conn_id,
                report.dataset,
                audience,
                self.deadline(),
                poll_interval=self.poll_interval,
            ),
            method_name="execute_complete",
            timeout=timedelta(seconds=self.timeout + 60),
        )
        raise AssertionError("unreachable: defer() raises")

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Prove what the steward's decision has brought."""
        from airflow_socrata.triggers.base import WaitEvent

        with failing_for_good():
            WaitEvent.checked(event)
        with self.publisher(context) as publisher:
            return self._reached(context, publisher)

    def _set(self, context: Context, publisher: Publisher, *, ask_again: bool) -> AccessReport:
        from airflow_socrata.publication.access import WantedAccess, set_access

        wanted = WantedAccess.of(self.audience, self.add_users, self.remove_users, self.users)
        report = set_access(
            publisher, self.dataset, wanted, on_approval=self.on_approval, ask_again=ask_again
        )
        self.push_links(context, {"dataset": report.link})
        return report

    def _reached(self, context: Context, publisher: Publisher) -> dict[str, Any]:
        from airflow_socrata.publication.access import Outcome
        from airflow_socrata.publication.errors import OutcomeUnproved

        report = self._set(context, publisher, ask_again=False)
        if report.outcome is Outcome.AWAITS_APPROVAL:
            raise OutcomeUnproved(
                f"{report.dataset} was {report.audience} once a steward had approved it, and is not"
                f" {report.audience} any more; a request for it waits: {report.link}"
            )
        return {**report.to_xcom(), "outcome": Outcome.CHANGED.value}


class SocrataTransferOwnershipOperator(SocrataOperator):
    """Give a dataset to another owner, once however often it is tried.

    The connection's user may lose its own access with it, unless it is an administrator or ``keep`` is given;
    then a second try can still tell by the 4x4 of the new owner where the dataset is public.

    :param dataset: 4x4 of the dataset. (templated)
    :param new_owner: 4x4, or e-mail address of an account. (templated)
    :param keep: access level that the former owner keeps, e.g. ``owner`` (co-owner); ``None``: none.
    :return: the dataset, its users and the outcome: ``unchanged`` or ``changed``.
    """

    template_fields: Sequence[str] = (*SocrataOperator.template_fields, "dataset", "new_owner")
    operator_extra_links = (SocrataDatasetLink(),)

    def __init__(self, *, dataset: str, new_owner: str, keep: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.new_owner = new_owner
        self.keep = keep

    def execute(self, context: Context) -> dict[str, Any]:
        """Look, transfer, read back."""
        from airflow_socrata.publication.transferring import transfer_ownership

        with self.publisher(context) as publisher:
            report = transfer_ownership(publisher, self.dataset, self.new_owner, self.keep)
            self.push_links(context, {"dataset": report.link})
            return report.to_xcom()
