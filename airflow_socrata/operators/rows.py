"""Operators that load rows."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from airflow_socrata.operators.base import one_of
from airflow_socrata.operators.files import ReadsRows
from airflow_socrata.operators.loads import SocrataLoader, check_may_load_again
from airflow_socrata.publication.choices import ExistingCopy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.operators.files import Rows
    from airflow_socrata.publication.handle import Handle, Load
    from airflow_socrata.publication.loading import Loading
    from airflow_socrata.publication.publisher import Publisher


ExtraColumns: TypeAlias = Literal["error", "ignore"]


class SocrataLoadOperator(SocrataLoader, ReadsRows):
    """Base of the operators that load rows: not used by itself. A file is read as ReadsRows says.

    :param source: path or URL that ``ObjectStoragePath`` opens. (templated)
    :param rows: instead of ``source``: a callable that returns or yields dicts; it is called with the context
        values that its parameters name, and again when a load starts over.
    :param columns: source column to field name, for the columns that are named otherwise.
    :param extra_columns: ``error`` or ``ignore`` columns that the dataset lacks.
    :param max_row_errors: rows that the portal may refuse; deletes of absent rows are not counted.
    :param row_guards: look into every row before it is sent: row identifier, dates, numbers, cell count.
    :param batch_rows: rows in one request at most.
    :param batch_bytes: bytes in one request at most, before compression.
    :param compress: send gzip bodies.
    :param timeout: seconds for the replicas to show the rows.
    :return: the handle with the counts of the load.
    """

    template_fields: Sequence[str] = (
        *SocrataLoader.template_fields,
        "source",
        "dataset",
        "columns",
    )

    def __init__(
        self,
        *,
        source: Any = None,
        rows: Rows | None = None,
        dataset: str | None = None,
        columns: Mapping[str, str] | None = None,
        extra_columns: ExtraColumns = "error",
        max_row_errors: int = 0,
        row_guards: bool = True,
        batch_rows: int = 10_000,
        batch_bytes: int = 8 * 2**20,
        compress: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (source is None) == (rows is None):
            raise ValueError("give either source (a path or URL) or rows (a callable that yields dicts)")
        self.source = source
        self.rows = rows
        self.dataset = dataset
        self.columns = columns
        self.extra_columns = one_of("extra_columns", extra_columns, get_args(ExtraColumns))
        self.max_row_errors = max_row_errors
        self.row_guards = row_guards
        self.batch_rows = batch_rows
        self.batch_bytes = batch_bytes
        self.compress = compress

    def loading(self, context: Context, *, require_row_identifier: bool) -> Loading:
        """Return what to load and how; nothing is opened yet."""
        from airflow_socrata.publication.loading import Loading
        from airflow_socrata.records import BatchLimits, Guards

        return Loading(
            task_id=self.task_id,
            source=self.row_source(self.source, self.rows, context),
            columns=dict(self.columns) if self.columns else None,
            limits=BatchLimits(self.batch_rows, self.batch_bytes),
            guards=Guards(self.row_guards, require_row_identifier, self.extra_columns),
            max_row_errors=self.max_row_errors,
            compress=self.compress,
            timeout=self.timeout,
        )


class SocrataUpsertOperator(SocrataLoadOperator):
    """Upsert rows into a working copy that was opened with ``method="copy"``.

    A ``:deleted`` column (or key) that says ``true`` deletes the row. A dataset without a row identifier is
    refused, as an upsert would append every row again.

    :param require_row_identifier: pass ``False`` to append to a dataset without a row identifier.
    :param live: write straight to the published ``dataset``: outside the promise, as the public sees every
        batch at once and nothing is rolled back. All guards stay.
    :param dataset: 4x4 of the published dataset, with ``live=True`` only. (templated)
    :param allow_older_run: with ``live=True`` this has no effect: no order of runs is kept.
    """

    def __init__(self, *, require_row_identifier: bool = True, live: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.require_row_identifier = require_row_identifier
        self.live = live

    def execute(self, context: Context) -> dict[str, Any]:
        """Load the rows."""
        from airflow_socrata.publication.errors import HandleMismatch

        how = self.loading(context, require_row_identifier=self.require_row_identifier)
        with self.publisher(context) as publisher:
            if self.live:
                return self._upsert_live(context, publisher, how)
            handle, clean = self.fresh(publisher, self.handle(), context)
            if self.working_copy is not None and self.dataset not in {None, handle.dataset}:
                raise HandleMismatch(f"working_copy is one of {handle.dataset}, not of {self.dataset}.")
            self.push_links(context, handle.links)
            return self._upsert(context, publisher, handle, how, clean=clean)

    def _upsert(
        self, context: Context, publisher: Publisher, handle: Handle, how: Loading, *, clean: bool
    ) -> dict[str, Any]:
        from airflow_socrata.publication import loading, reopening

        if not clean:
            check_may_load_again(publisher, handle)
        for start in range(1, loading.MOST_STARTS + 1):
            alone = clean and self.is_sole_loader(handle, context)
            before = publisher.count(handle.working_copy, self.timeout) if alone else None
            try:
                load = loading.upsert_rows(publisher, handle.working_copy, how, baseline=before)
                return self.finish(context, handle, load if clean else all_repeated(load))
            except loading.LandingUnknown as doubt:
                if not alone or start == loading.MOST_STARTS or not loading.can_start_over(how.source):
                    raise doubt.cause from None
                publisher.log(
                    f"{doubt} Starting over on a fresh working copy ({start} of {loading.MOST_STARTS - 1})."
                )
                handle = reopening.reopen(publisher, handle, self.timeout)
        raise AssertionError("unreachable: the last start returns or raises")

    def _upsert_live(self, context: Context, publisher: Publisher, how: Loading) -> dict[str, Any]:
        from airflow_socrata.publication import loading, preflight
        from airflow_socrata.publication.errors import HandleMismatch

        if self.dataset is None or self.working_copy is not None:
            raise HandleMismatch(
                "live=True writes to a published dataset: give dataset=..., and no working_copy."
            )
        view = preflight.read_dataset(publisher, self.dataset)
        preflight.check_published(view)
        loading.check_row_identifier(view, require=self.require_row_identifier)
        copies = preflight.working_copies(publisher, view)
        if copies:
            names = ", ".join(copy.id for copy in copies)
            raise HandleMismatch(
                f"{view.id} has an open working copy ({names}); rows written to the dataset now would go into"
                " it or be refused. Publish or discard it first."
            )
        self.log.warning(
            "live=True: rows go straight to the published %s, outside the promise: the public sees"
            " every batch at once, and a failure is not rolled back.",
            view.id,
        )
        links = {"dataset": publisher.link(view.id)}
        self.push_links(context, links)
        load = loading.upsert_rows(publisher, view.id, how, baseline=None)
        return {"dataset": view.id, "live": True, "links": links, "load": asdict(load)}


class SocrataReplaceOperator(SocrataLoadOperator):
    """Replace all rows: load them into a working copy without rows (``method="copySchema"``).

    :param working_copy: the handle of the working copy. (templated)
    :param dataset: 4x4 of the published dataset, instead of ``working_copy``: the operator then opens the
        ``copySchema`` working copy itself; give its task id to Discard as ``opened_by``. (templated)
    :param existing_copy: with ``dataset``: what to do with a person's working copy.
    :param allow_older_run: with ``dataset``: publish although a newer run of this DAG has.
    """

    def __init__(self, *, existing_copy: str = "fail", allow_older_run: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.existing_copy = one_of("existing_copy", existing_copy, tuple(ExistingCopy))
        self.allow_older_run = allow_older_run

    def execute(self, context: Context) -> dict[str, Any]:
        """Load the rows."""
        from airflow_socrata.publication import loading

        how = self.loading(context, require_row_identifier=False)
        with self.publisher(context) as publisher:
            handle, clean = self._open(context, publisher)
            self.push_links(context, handle.links)
            alone = self.is_sole_loader(handle, context)
            if not alone:
                return self.finish(
                    context, handle, self._load_beside_others(publisher, handle, how, clean=clean)
                )
            empty = handle.method == "copySchema"
            load = loading.replace_rows(publisher, handle.working_copy, how, empty=empty)
            return self.finish(context, handle, load)

    def _open(self, context: Context, publisher: Publisher) -> tuple[Handle, bool]:
        from airflow_socrata.publication.errors import HandleMismatch
        from airflow_socrata.publication.opening import Opening, open_working_copy
        from airflow_socrata.runtime import operation_of

        if self.working_copy is not None:
            return self.fresh(publisher, self.handle(), context)
        if self.dataset is None:
            raise HandleMismatch("SocrataReplaceOperator needs working_copy=... or dataset=....")
        opening = Opening(
            self.dataset, "copySchema", ExistingCopy(self.existing_copy), self.allow_older_run, self.timeout
        )
        return open_working_copy(publisher, operation_of(context), opening), True

    def _load_beside_others(self, publisher: Publisher, handle: Handle, how: Loading, *, clean: bool) -> Load:
        """Add these rows to those of other tasks; nothing is emptied, so a doubtful batch ends the try."""
        from airflow_socrata.publication import loading

        if not clean:
            check_may_load_again(publisher, handle)
        try:
            load = loading.upsert_rows(publisher, handle.working_copy, how, baseline=None)
        except loading.LandingUnknown as doubt:
            raise doubt.cause from None
        return load if clean else all_repeated(load)


def all_repeated(load: Load) -> Load:
    """Return the counts of a try before which an earlier one may have sent the same rows."""
    return replace(load, repeated=load.sent)
