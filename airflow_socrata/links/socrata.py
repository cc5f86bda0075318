"""Extra links to the dataset and its working copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator


class PortalLink(BaseOperatorLink):
    """A link that a task has kept in XCom; the portal is not asked."""

    page: ClassVar[str] = ""

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the page, or an empty string while it is not known."""
        from airflow_socrata.operators.base import LINKS_KEY

        links = XCom.get_value(key=LINKS_KEY, ti_key=ti_key)
        return str((links or {}).get(self.page, ""))


class SocrataDatasetLink(PortalLink):
    """The dataset's page."""

    name = "Dataset on the portal"
    page = "dataset"


class SocrataWorkingCopyLink(PortalLink):
    """The working copy's page."""

    name = "Working copy on the portal"
    page = "working_copy"


class SocrataRevisionLink(PortalLink):
    """The revision's page."""

    name = "Revision on the portal"
    page = "revision"


class SocrataRejectedRowsLink(PortalLink):
    """Where the rejected rows were saved."""

    name = "Rejected rows"
    page = "rejected_rows"
