"""Operators that create and delete whole datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from airflow_socrata.links.socrata import SocrataDatasetLink
from airflow_socrata.operators.base import SocrataOperator, one_of
from airflow_socrata.operators.new_dataset import SocrataNewDatasetOperator
from airflow_socrata.operators.schema import SocrataSchemaOperator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.publication.publisher import Publisher

IfDifferent: TypeAlias = Literal["fail", "keep"]


class SocrataCreateDatasetOperator(SocrataNewDatasetOperator, SocrataSchemaOperator):
    """Create an empty dataset, once, and publish it, so that rows can be loaded into working copies.

    The resource name tells which dataset it is: where there is one of this name already, it is taken, if it
    has the wanted columns and was made here or is the connection's user's own; else the task fails and says
    what is different. A try that was killed half-way is finished by the next one, never doubled.

    :param row_identifier: field name of the column that identifies rows; default: that of
        ``schema_dataset``, else none. (templated)
    :param adopt: take a dataset of somebody else as well, or a draft that a person has made.
    :param if_different: a dataset of this name has other columns: ``fail``, or ``keep`` it as it is.
    :param delete_after: let the portal delete it by itself so long after this try, for tests.
    :param timeout: seconds for the portal, and a steward, to publish it.
    :return: ``dataset`` (4x4), ``resource_name``, ``name``, ``created``, ``published``, ``audience``,
        ``backend``, ``rows_sampled``, ``columns`` (source column to field name, for the load),
        ``differences`` and ``links``. ``dataset`` and ``columns`` are XComs of their own, too.
    """

    template_fields: Sequence[str] = tuple(
        dict.fromkeys((*SocrataSchemaOperator.template_fields, *SocrataNewDatasetOperator.template_fields))
    )

    def __init__(
        self,
        *,
        adopt: bool = False,
        if_different: IfDifferent = "fail",
        delete_after: timedelta | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not self.has_schema:
            raise ValueError("give columns, schema_source, schema_rows or schema_dataset")
        self.adopt = adopt
        self.if_different = one_of("if_different", if_different, get_args(IfDifferent))
        self.delete_after = delete_after

    def execute(self, context: Context) -> dict[str, Any]:
        """Create it, or find it."""
        from airflow_socrata.publication.creating import CreateIntent, Creating, create
        from airflow_socrata.runtime import VariableIntents, operation_of

        with self.publisher(context) as publisher:
            wanted = self.wanted_columns(publisher, context)
            identifier = self.row_identifier or wanted.row_identifier
            creating = Creating(
                self.new_dataset(wanted.columns, identifier, self._delete_at(publisher)),
                self.audience,
                self.publish,
                self.adopt,
                self.if_different == "keep",
                self.on_approval,
                self.timeout,
            )
            records = VariableIntents(CreateIntent.from_json)
            created = create(publisher, records, operation_of(context), creating)
            made = self.made(context, publisher, created)
        for difference in created.differences:
            self.log.warning("Kept as it is, although %s.", difference)
        fields = dict(wanted.fields)
        context["ti"].xcom_push(key="columns", value=fields)
        return made | {
            "rows_sampled": wanted.rows_sampled,
            "columns": fields,
            "differences": list(created.differences),
        }

    def _delete_at(self, publisher: Publisher) -> datetime | None:
        from datetime import UTC, datetime

        if self.delete_after is None:
            return None
        return datetime.fromtimestamp(publisher.clock.time(), UTC) + self.delete_after


class SocrataDeleteDatasetOperator(SocrataOperator):
    """Delete a dataset with all its rows for good; nothing brings it back.

    Reads it again just before, and looks that it is gone. A dataset that is gone already is a success: an
    earlier try may have deleted it. A working copy or a filter is never deleted, nor a dataset that somebody
    has a working copy of.

    :param dataset: its 4x4. (templated)
    :param resource_name: delete only if the dataset has this resource name: a second lock. (templated)
    :param with_drafts: delete it although a working copy of it is open, with that copy.
    :return: ``dataset``, and ``deleted``: whether this try met it.
    """

    template_fields: Sequence[str] = (*SocrataOperator.template_fields, "dataset", "resource_name")
    operator_extra_links = (SocrataDatasetLink(),)
    ui_color = "#f5e3d6"

    def __init__(
        self, *, dataset: str, resource_name: str | None = None, with_drafts: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.resource_name = resource_name
        self.with_drafts = with_drafts

    def execute(self, context: Context) -> dict[str, Any]:
        """Look, delete, and look again."""
        from airflow_socrata.publication.deleting import delete_dataset

        with self.publisher(context) as publisher:
            self.push_links(context, {"dataset": publisher.link(self.dataset)})
            deleted = delete_dataset(
                publisher, self.dataset, resource_name=self.resource_name, with_drafts=self.with_drafts
            )
        self.log.info("%s %s.", self.dataset, "was deleted" if deleted else "was gone already")
        return {"dataset": self.dataset, "deleted": deleted}
