"""Operators that note a restore point, upload, verify, and roll back."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_socrata.operators.base import check_run_is_true, failing_for_good
from airflow_socrata.operators.files import storage_path
from airflow_socrata.operators.opendatasoft.base import (
    OpendatasoftOperator,
    WaitingOperator,
    dataset_handle_of,
)
from airflow_socrata.publication.choices import IN_FLIGHT, LONGEST_GRACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.opendatasoft.models import Configured
    from airflow_socrata.publication.opendatasoft.publisher import Place
    from airflow_socrata.publication.opendatasoft.verifying import Expected


def _place(path: Any, conn_id: str | None) -> Any:
    """Return what opens a path or URL."""
    found = storage_path(path, conn_id)
    return Path(found) if isinstance(found, str) else found


class OpendatasoftCreateRestorePointOperator(WaitingOperator):
    """Note what a dataset is before it is changed, and keep a copy of its records.

    Notes the version of the configuration, the number of public records, and keeps the file of each resource
    that has one, else an export of the public records. What a dead run has left half done is rolled back
    first; a live run on the same dataset is refused.

    :param dataset: dataset id or uid. (templated)
    :param keep: path or URL of a folder for the copies; ``None``: only what the portal keeps itself can be
        gone back to. (templated)
    :param keep_conn_id: Airflow connection for that URL.
    :param allow_older_run: publish although a newer run of this DAG has published already.
    :param timeout: seconds for the dataset to come to rest, and for what a dead run has left.
    :param deferrable: wait in the triggerer.
    :return: the handle: uid, dataset id, counts, paths of the copies, links.
    """

    template_fields: Sequence[str] = (*WaitingOperator.template_fields, "dataset", "keep")

    def __init__(
        self,
        *,
        dataset: str,
        keep: Any = None,
        keep_conn_id: str | None = None,
        allow_older_run: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.keep = keep
        self.keep_conn_id = keep_conn_id
        self.allow_older_run = allow_older_run

    def execute(self, context: Context) -> dict[str, Any]:
        """Note it, as soon as the dataset rests."""
        from airflow_socrata.opendatasoft import actions

        if self.deferrable:
            with self.publisher(context) as publisher:
                found = publisher.run(actions.find(publisher.dialect, self.dataset))
                self.wait_for_rest(publisher, found.uid)
        return self._note(context)

    def execute_at_rest(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Note it, now that the dataset rests."""
        from airflow_socrata.triggers.base import WaitEvent

        with failing_for_good():
            WaitEvent.checked(event)
        return self._note(context)

    def _note(self, context: Context) -> dict[str, Any]:
        from airflow_socrata.publication.opendatasoft.opening import Opening, open_restore_point
        from airflow_socrata.runtime import operation_of

        keep = _place(self.keep, self.keep_conn_id) if self.keep else None
        opening = Opening(self.dataset, cast("Place | None", keep), self.timeout, self.allow_older_run)
        with self.publisher(context) as publisher:
            handle = open_restore_point(publisher, operation_of(context), opening)
        self.push_links(context, handle.links)
        return handle.to_xcom()


class OpendatasoftUploadOperator(WaitingOperator):
    """Upload a file and let a resource of the dataset take its records from it. Publishes nothing.

    The file goes up under a name of its own, so that the former one stays on the portal.

    :param restore_point: what the task that notes the restore point returned. (templated)
    :param source: path or URL of the file. (templated)
    :param source_conn_id: Airflow connection for that URL.
    :param title: of the resource; it is added if there is none of this title; left out: the dataset's only
        one. (templated)
    :param resource_type: of the resource, e.g. ``csvfile``; left out: by the name of the file.
    :param resource_params: of the resource, e.g. ``{"separator": ";"}``; left out: as they are, and for a new
        CSV the separator it looks like. (templated)
    :param fields: field configurations to add where they are not there yet, by the names of the Automation
        API, e.g. ``{"type": "rename", "from_name": "a", "to_name": "b"}``. (templated)
    :param processors: processors to add where they are not there yet. (templated)
    :param allow_empty: take a file without data rows.
    :param allow_older_run: publish although a newer run of this DAG has published already.
    :param timeout: seconds for the dataset to come to rest.
    :param deferrable: wait for that in the triggerer.
    :return: the handle with what was uploaded.
    """

    template_fields: Sequence[str] = (
        *WaitingOperator.template_fields,
        "restore_point",
        "source",
        "title",
        "resource_params",
        "fields",
        "processors",
    )

    def __init__(
        self,
        *,
        restore_point: Any,
        source: Any,
        source_conn_id: str | None = None,
        title: str | None = None,
        resource_type: str | None = None,
        resource_params: Mapping[str, Any] | None = None,
        fields: Sequence[Mapping[str, Any]] = (),
        processors: Sequence[Mapping[str, Any]] = (),
        allow_empty: bool = False,
        allow_older_run: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.restore_point = restore_point
        self.source = source
        self.source_conn_id = source_conn_id
        self.title = title
        self.resource_type = resource_type
        self.resource_params = resource_params
        self.fields = fields
        self.processors = processors
        self.allow_empty = allow_empty
        self.allow_older_run = allow_older_run

    def execute(self, context: Context) -> dict[str, Any]:
        """Upload, as soon as the dataset rests."""
        if self.deferrable:
            with self.publisher(context) as publisher:
                self.wait_for_rest(publisher, dataset_handle_of(self.restore_point).dataset)
        return self._upload(context)

    def execute_at_rest(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Upload, now that the dataset rests."""
        from airflow_socrata.triggers.base import WaitEvent

        with failing_for_good():
            WaitEvent.checked(event)
        return self._upload(context)

    def _upload(self, context: Context) -> dict[str, Any]:
        from airflow_socrata.publication.opendatasoft.uploading import ResourceSettings, upload

        settings = ResourceSettings(
            self.title,
            self.resource_type,
            self.resource_params,
            _configured(self.fields),
            _configured(self.processors),
            self.allow_empty,
            self.allow_older_run,
        )
        with self.publisher(context) as publisher:
            handle = dataset_handle_of(self.restore_point)
            self.push_links(context, handle.links)
            path = _place(self.source, self.source_conn_id)
            name = PurePosixPath(str(path)).name
            return upload(publisher, handle, path, name, settings, self.timeout).to_xcom()


def _configured(items: Sequence[Mapping[str, Any]]) -> tuple[Configured, ...]:
    """Turn what a DAG says into parts of a pipeline."""
    from airflow_socrata.opendatasoft.models import Configured

    return tuple(
        Configured(
            "",
            str(item["type"]),
            {name: value for name, value in item.items() if name not in {"type", "label"}},
            item.get("label"),
        )
        for item in items
    )


class OpendatasoftVerifyOperator(OpendatasoftOperator):
    """Check that Explore shows the records of the file, processed after the order.

    :param restore_point: what Publish (or the sensor) returned. (templated)
    :param expected_records: ``file``: as many as the uploaded file has rows (at least so many, where the
        dataset has other resources too); a number; or ``None``: any but none. Identical rows, and rows with
        one value in the fields annotated ``id``, are one record on the portal. (templated)
    :param allow_empty: no records will do.
    :param timeout: seconds for which Explore may lag behind.
    :return: uid, dataset id, the records before and after, and the page.
    """

    template_fields: Sequence[str] = (
        *OpendatasoftOperator.template_fields,
        "restore_point",
        "expected_records",
    )
    ui_color = "#d9f0dd"

    def __init__(
        self,
        *,
        restore_point: Any,
        expected_records: Any = "file",
        allow_empty: bool = False,
        timeout: float = LONGEST_GRACE,
        **kwargs: Any,
    ) -> None:
        super().__init__(timeout=timeout, **kwargs)
        self.restore_point = restore_point
        self.expected_records = expected_records
        self.allow_empty = allow_empty

    def execute(self, context: Context) -> dict[str, Any]:
        """Compare."""
        from airflow_socrata.publication.opendatasoft.verifying import verify

        with self.publisher(context) as publisher:
            handle = dataset_handle_of(self.restore_point)
            self.push_links(context, handle.links)
            seen = verify(
                publisher,
                handle,
                self._expected(),
                allow_empty=self.allow_empty,
                timeout=self.timeout,
            )
            return seen.to_xcom()

    def _expected(self) -> Expected:
        expected = self.expected_records
        if expected in {None, "file"}:
            return cast("Expected", expected)
        try:
            return int(expected)
        except (TypeError, ValueError):
            raise AirflowFailException(
                f"expected_records is {expected!r}; it is 'file', a number, or None"
            ) from None


class OpendatasoftReportOperator(OpendatasoftOperator):
    """The leaf of a publication: green only if it was verified, so that no rollback can hide a failure.

    :param verified: what Verify returned. (templated)
    :return: the same.
    """

    template_fields: Sequence[str] = (*OpendatasoftOperator.template_fields, "verified")
    ui_color = "#d9f0dd"

    def __init__(self, *, verified: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.verified = verified

    def execute(self, context: Context) -> dict[str, Any]:
        """Tell what is public now."""
        verified = dict(self.verified)
        self.push_links(context, {"dataset": verified["link"]})
        self.log.info(
            "%s: %s records (before: %s).",
            verified["dataset_id"],
            verified["records_after"],
            verified["records_before"],
        )
        return verified


class OpendatasoftRollbackOperator(OpendatasoftOperator):
    """Roll a publication back: the portal decides what is left to do, see the table of rollback states.

    Meant as the teardown of the task that notes the restore point. Leaves what was published and verified;
    else it restores the configuration, and where the portal may have processed the dataset since, publishes
    again and counts.

    :param opened_by: task id of the task that notes the restore point. (templated)
    :param publish_task_id: the task whose success tells that the data are public, if this task shall fail the
        run otherwise.
    :param leaf_task_id: a task behind it; when it has failed already, this task need not.
    :param patience: seconds for a call that may still be in flight.
    :param job_patience: seconds for the dataset to come to rest, and for its processing, each.
    :return: what was found and done.
    """

    template_fields: Sequence[str] = (*OpendatasoftOperator.template_fields, "opened_by")
    operator_extra_links = ()
    ui_color = "#f5e3d6"

    def __init__(
        self,
        *,
        opened_by: str,
        publish_task_id: str | None = None,
        leaf_task_id: str | None = None,
        patience: float = IN_FLIGHT,
        job_patience: float = 3600.0,
        poll_interval: float = 2.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(poll_interval=poll_interval, **kwargs)
        self.opened_by = opened_by
        self.publish_task_id = publish_task_id
        self.leaf_task_id = leaf_task_id
        self.patience = patience
        self.job_patience = job_patience

    def execute(self, context: Context) -> dict[str, Any]:
        """Roll back, then make sure that the run tells the truth."""
        from airflow_socrata.publication.opendatasoft.rollback import forget_if_over, roll_back
        from airflow_socrata.runtime import operation_of

        operation = operation_of(context, self.opened_by)
        with self.publisher(context) as publisher:
            done = roll_back(publisher, operation.key, patience=self.patience, job_patience=self.job_patience)
            self.log.info("Rollback of %s: %s.", operation, done.did)
            forget_if_over(publisher, operation.key, done)
        if not done.is_clean:
            raise AirflowFailException(f"Not rolled back: {done.did}")
        check_run_is_true(context, done.did, self.publish_task_id, self.leaf_task_id)
        return {"state": done.state.name.lower(), "did": done.did, "went_live": done.went_live}
