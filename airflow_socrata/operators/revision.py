"""Operators that open, restore and discard revisions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

from airflow_socrata.links.socrata import SocrataDatasetLink, SocrataRevisionLink
from airflow_socrata.operators.base import SocrataOperator, one_of
from airflow_socrata.operators.working_copy import SocrataDiscardWorkingCopyOperator
from airflow_socrata.publication.choices import Action, Permission

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.operators.apply import SocrataUpdateDatasetOperator
    from airflow_socrata.publication.revisions.opening import RevisionOpening

#: Who may see a dataset after a revision; ``None`` leaves that as it is.
PERMISSIONS: tuple[Permission | None, ...] = (None, *get_args(Permission))


class SocrataCreateRevisionOperator(SocrataOperator):
    """Open a revision of a published dataset.

    Records its intent first, names the revision as this run's, and discards what an earlier try of this task,
    or an ended run of this DAG, has left open. The revisions of people and of other DAGs stay.

    :param dataset: 4x4 of the published dataset. (templated)
    :param action: what applying does with the rows of the uploaded file: ``update`` (upsert by row
        identifier; append without one), ``replace`` (all rows) or ``delete`` (by row identifier).
    :param config: name of a saved import config, whose action, parse options and columns are used.
        (templated)
    :param metadata: metadata to change, by the portal's own keys, e.g. ``{"description": "..."}``.
        (templated)
    :param notes: notes of this version, for portals that archive. (templated)
    :param permission: ``public`` or ``private``; left out, nothing is sent and the audience stays.
    :param ignore_open_copy: go on although somebody has a working copy of the dataset open.
    :param allow_older_run: publish although a newer run of this DAG has published already.
    :param timeout: seconds for the replicas, before the rows are counted.
    :return: the handle: ids, baseline counts and links.
    """

    template_fields: Sequence[str] = (
        *SocrataOperator.template_fields,
        "dataset",
        "config",
        "metadata",
        "notes",
    )
    operator_extra_links = (SocrataDatasetLink(), SocrataRevisionLink())

    def __init__(
        self,
        *,
        dataset: str,
        action: Action = "update",
        config: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        notes: str | None = None,
        permission: Permission | None = None,
        ignore_open_copy: bool = False,
        allow_older_run: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.action: Action = one_of("action", action, get_args(Action))
        self.config = config
        self.metadata = metadata
        self.notes = notes
        self.permission: Permission | None = one_of("permission", permission, PERMISSIONS)
        self.ignore_open_copy = ignore_open_copy
        self.allow_older_run = allow_older_run

    def execute(self, context: Context) -> dict[str, Any]:
        """Open the revision."""
        from airflow_socrata.publication.revisions.opening import open_revision
        from airflow_socrata.runtime import operation_of

        with self.publisher(context) as publisher:
            self.push_links(context, {"dataset": publisher.link(self.dataset)})
            handle = open_revision(publisher, operation_of(context), opening_of(self))
            self.push_links(context, handle.links)
            return handle.to_xcom()


def opening_of(operator: SocrataCreateRevisionOperator | SocrataUpdateDatasetOperator) -> RevisionOpening:
    """Return how an operator's arguments say that its revision is to be opened."""
    from airflow_socrata.publication.revisions.opening import RevisionOpening

    return RevisionOpening(
        dataset=operator.dataset,
        action=None if operator.config else operator.action,
        config=operator.config,
        metadata=dict(operator.metadata or {}),
        notes=operator.notes,
        permission=operator.permission,
        ignore_open_copy=operator.ignore_open_copy,
        allow_older_run=operator.allow_older_run,
        timeout=operator.timeout,
    )


class SocrataRestoreRevisionOperator(SocrataOperator):
    """Open a revision that holds the data of an earlier one; apply it to go back.

    The portal must have archived the dataset (``POST /api/archival``, see the portal's own documentation).

    :param dataset: 4x4 of the published dataset. (templated)
    :param revision: sequence number of the revision to go back to; left out: the one that was applied before
        the last. (templated)
    :param allow_older_run: publish although a newer run of this DAG has published already.
    :return: the handle of the new, open revision, for ``SocrataApplyRevisionOperator``.
    """

    template_fields: Sequence[str] = (*SocrataOperator.template_fields, "dataset", "revision")
    operator_extra_links = (SocrataDatasetLink(), SocrataRevisionLink())
    ui_color = "#f5e3d6"

    def __init__(
        self, *, dataset: str, revision: int | str | None = None, allow_older_run: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.revision = revision
        self.allow_older_run = allow_older_run

    def execute(self, context: Context) -> dict[str, Any]:
        """Open the revision."""
        from airflow_socrata.publication.revisions import restoring
        from airflow_socrata.publication.revisions.opening import RevisionOpening, open_revision
        from airflow_socrata.runtime import operation_of

        with self.publisher(context) as publisher:
            self.push_links(context, {"dataset": publisher.link(self.dataset)})
            wanted = None if self.revision in {None, ""} else int(str(self.revision))
            seq = restoring.revision_to_restore(publisher, self.dataset, wanted)
            opening = RevisionOpening(
                self.dataset, None, restore=seq, allow_older_run=self.allow_older_run, timeout=self.timeout
            )
            handle = open_revision(publisher, operation_of(context), opening)
            self.push_links(context, handle.links)
            return handle.to_xcom()


class SocrataDiscardRevisionOperator(SocrataDiscardWorkingCopyOperator):
    """Roll a publication by revision back: the portal decides what is left to do, as for a working copy.

    Meant as the teardown of the task that opens the revision. It never closes a revision but that of this
    run, and fails the run if the data did not go live.
    """


class SocrataDiscardStaleRevisionsOperator(SocrataOperator):
    """Discard open revisions that runs of this package have left: the last net, for a DAG of its own.

    Touches only revisions that carry their own mark, are older than told, and whose run is over or unknown
    here.

    :param datasets: 4x4s of the published datasets to look at. (templated)
    :param older_than: a revision must be older than this.
    :return: the discarded revisions, ``"abcd-1234:7"``.
    """

    template_fields: Sequence[str] = (*SocrataOperator.template_fields, "datasets")
    ui_color = "#f5e3d6"

    def __init__(
        self, *, datasets: Sequence[str], older_than: timedelta = timedelta(days=1), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.datasets = datasets
        self.older_than = older_than

    def execute(self, context: Context) -> list[str]:
        """Look at each dataset and discard what is stale."""
        from airflow_socrata.publication.revisions import hygiene
        from airflow_socrata.runtime import operation_of

        with self.publisher(context) as publisher:
            return hygiene.discard_stale(
                publisher, operation_of(context), list(self.datasets), self.older_than.total_seconds()
            )
