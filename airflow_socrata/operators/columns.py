"""Operators that compare and change the columns of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from airflow_socrata.links.socrata import SocrataDatasetLink, SocrataWorkingCopyLink
from airflow_socrata.operators.base import handles_of, one_of
from airflow_socrata.operators.schema import SocrataSchemaOperator
from airflow_socrata.publication.choices import Others

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.publication.schema_change import SchemaChange


class SocrataColumnsOperator(SocrataSchemaOperator):
    """Base of the operators for columns: not used by itself.

    Give the whole schema (``columns``, ``schema_source``, ``schema_rows`` or ``schema_dataset``) or single
    changes (``add``, ``change``, ``drop``); what is not told stays as it is. A file or rows tell which
    columns there are, and nothing about those that are there already.

    :param add: columns to add, as in ``columns``; with a ``position`` (from 1) not behind the others.
        (templated)
    :param change: field name to what changes, ``{"street": {"name": "Road", "format": {...}}}``: ``name``,
        ``description``, ``format``, ``field_name``, ``data_type``. (templated)
    :param drop: field names of columns to drop with their values; one that is not there will do. (templated)
    :param row_identifier: field name of the row identifier; ``""``: none; ``None``: it stays. (templated)
    :param others: columns that the whole schema does not name: ``refuse``, ``keep`` or ``drop`` them.
    :param allow_type_change: drop a column and add it anew, empty, where another type is wanted.
    :param reorder: put the columns into the order of the whole schema.
    """

    template_fields: Sequence[str] = (
        *SocrataSchemaOperator.template_fields,
        "dataset",
        "add",
        "change",
        "drop",
        "row_identifier",
    )

    def __init__(
        self,
        *,
        dataset: Any = None,
        add: Sequence[Mapping[str, Any]] = (),
        change: Mapping[str, Mapping[str, Any]] | None = None,
        drop: Sequence[str] = (),
        row_identifier: str | None = None,
        others: Others = "refuse",
        allow_type_change: bool = False,
        reorder: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.add = add
        self.change = change
        self.drop = drop
        self.row_identifier = row_identifier
        self.others = one_of("others", others, get_args(Others))
        self.allow_type_change = allow_type_change
        self.reorder = reorder

    def wanted(self, publisher: Publisher, context: Context) -> SchemaChange:
        """Return what is wanted, checked; a dataset or file that it is taken from is read."""
        from airflow_socrata.publication.schema_change import SchemaChange

        whole = self.wanted_columns(publisher, context) if self.has_schema else None
        return SchemaChange.of(
            columns=None if whole is None else whole.columns,
            add=self.add,
            change=self.change,
            drop=self.drop,
            row_identifier=self.row_identifier,
            others=self.others,
            allow_type_change=self.allow_type_change,
            guessed=whole is not None and whole.rows_sampled is not None,
            reorder=self.reorder,
        )


class SocrataPlanColumnsOperator(SocrataColumnsOperator):
    """Print what would change in a dataset's columns, and change nothing.

    :param dataset: 4x4 of the dataset, or of a draft. (templated)
    :param on_difference: ``report`` it, or ``fail``: then nothing behind this task runs.
    :return: the 4x4, the steps, and the columns whose values would be lost.
    """

    operator_extra_links = (SocrataDatasetLink(),)

    def __init__(self, *, dataset: Any, on_difference: str = "report", **kwargs: Any) -> None:
        super().__init__(dataset=dataset, **kwargs)
        self.on_difference = one_of("on_difference", on_difference, ("report", "fail"))

    def execute(self, context: Context) -> dict[str, Any]:
        """Compare."""
        from airflow_socrata.publication import changing_columns
        from airflow_socrata.publication.schema_steps import SchemaRefused

        with self.publisher(context) as publisher:
            self.push_links(context, {"dataset": publisher.link(self.dataset)})
            plan = changing_columns.plan_columns(publisher, self.dataset, self.wanted(publisher, context))
            self.log.info("%s", plan.table())
            if plan.steps and self.on_difference == "fail":
                raise SchemaRefused(
                    f"The columns of {self.dataset} are not as wanted: {len(plan.steps)} steps would change"
                    " them (see the log)."
                )
        return {"dataset": self.dataset, "plan": plan.to_json(), "loses": list(plan.loses)}


class SocrataChangeColumnsOperator(SocrataColumnsOperator):
    """Change the columns of a working copy; prints what changes before it changes it.

    The public sees the new columns when the working copy is published, together with the rows that other
    tasks load into it, or not at all.

    :param working_copy: the handle that the task which opens the working copy returned. (templated)
    :param dataset: instead: 4x4 of a dataset that was never published. (templated)
    :param timeout: seconds for replicas to catch up before rows are counted.
    :return: the handle (of ``working_copy``), and the steps.
    """

    template_fields: Sequence[str] = (*SocrataColumnsOperator.template_fields, "working_copy")
    operator_extra_links = (SocrataDatasetLink(), SocrataWorkingCopyLink())

    def __init__(self, *, working_copy: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if (working_copy is None) == (self.dataset is None):
            raise ValueError("give either working_copy (a handle) or dataset (a draft, never published)")
        self.working_copy = working_copy

    def execute(self, context: Context) -> dict[str, Any]:
        """Plan and change."""
        from airflow_socrata.publication import changing_columns, publishing

        with self.publisher(context) as publisher:
            wanted = self.wanted(publisher, context)
            if self.dataset is not None:
                self.push_links(context, {"dataset": publisher.link(self.dataset)})
                plan = changing_columns.change_draft(publisher, self.dataset, wanted, self.timeout)
                return {"dataset": self.dataset, "plan": plan.to_json()}
            handle = publishing.loaded_handle(handles_of(self.working_copy))
            self.push_links(context, handle.links)
            handle, plan = changing_columns.change_working_copy(
                publisher, handle, self.task_id, wanted, self.timeout
            )
            return {**handle.to_xcom(), "plan": plan.to_json()}
