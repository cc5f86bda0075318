"""Answer "does this connection work?" in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.client import check, errors
from airflow_socrata.client.retry import RetryBudget
from airflow_socrata.opendatasoft.errors import ApiNotAnswered

if TYPE_CHECKING:
    from airflow_socrata.client.session import PortalSession
    from airflow_socrata.opendatasoft.dialect import Dialect

#: Somebody waits for the answer: one more try after a short wait, no more.
_SHORT = RetryBudget(attempts=2, seconds=3.0)


def describe_connection(session: PortalSession, dialect: Dialect) -> str:
    """Ask the portal for a dataset and say what it answers.

    :raises PortalError: if it does not; :func:`explain_failure` makes a sentence of it.
    """
    if not session.settings.credentials.signs_in:
        raise errors.ConfigurationError(
            "the connection has no credentials: give an API key, or a user name and password"
        )
    page = session.send(dialect.list_datasets(limit=1), budget=_SHORT)
    total = len(page.items) if page.total is None else page.total
    datasets = "1 dataset" if total == 1 else f"{total:,} datasets"
    return f"{session.settings.domain} answers through the {dialect.title}: {datasets} to edit"


def explain_failure(error: errors.PortalError, dialect: Dialect) -> str:
    """Say in one sentence what is wrong with a connection and what to do; never with a secret."""
    if isinstance(error, errors.SignInFailed):
        return (
            "The portal does not accept the credentials: check the API key; it belongs to one portal alone."
        )
    if isinstance(error, errors.PermissionDenied):
        return (
            "The API key may not list datasets: it needs the permission edit_dataset, and so does its owner."
        )
    if isinstance(error, (ApiNotAnswered, errors.NotFound, errors.MalformedReply)):
        other = "management" if dialect.name == "automation" else "automation"
        return (
            f"What answers at this domain does not speak the {dialect.title}: check the domain, or set the"
            f" api of the connection to {other}."
        )
    return check.explain_failure(error)
