"""Operators that create and delete whole datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from airflow_socrata.links.socrata import SocrataDatasetLink
from airflow_socrata.operators.base import SocrataOperator, one_of
from airflow_socrata.operators.schema import SocrataSchemaOperator
from airflow_socrata.runtime import VariableIntents, operation_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.client.datasets import NewDataset
    from airflow_socrata.publication.creating import Created
    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.publication.schema_sources import WantedColumns

Backend: TypeAlias = Literal["new", "old"]
AudienceName: TypeAlias = Literal["private", "public", "site"]
IfDifferent: TypeAlias = Literal["fail", "keep"]
OnFirstApproval: TypeAlias = Literal["wait", "submit", "fail"]


class SocrataCreateDatasetOperator(SocrataSchemaOperator):
    """Create an empty dataset, once, and publish it, so that rows can be loaded into working copies.

    The resource name tells which dataset it is: where there is one of this name already, it is taken, if it
    has the wanted columns and was made here or is the connection's user's own; else the task fails and says
    what is different. A try that was killed half-way is finished by the next one, never doubled.

    :param resource_name: names the dataset in addresses; unique on a portal. (templated)
    :param name: what people read; need not be unique. (templated)
    :param row_identifier: field name of the column that identifies rows; default: that of
        ``schema_dataset``, else none. (templated)
    :param description: (templated)
    :param tags: (templated)
    :param category: one of the portal's categories. (templated)
    :param license_id: a licence by the portal's id, e.g. ``CC0_10``, or by its name. (templated)
    :param metadata: more of the view's ``metadata``, e.g. ``{"rowLabel": "permit"}``. (templated)
    :param backend: ``new`` or ``old``; default: the portal's own choice.
    :param audience: who sees it: ``private``, ``public`` or ``site``; of a dataset that was there already
        nothing is changed.
    :param publish: ``False``: leave it a draft.
    :param adopt: take a dataset of somebody else as well, or a draft that a person has made.
    :param if_different: a dataset of this name has other columns: ``fail``, or ``keep`` it as it is.
    :param on_approval: where a steward must approve: ``wait`` until the time-out, ``submit`` (succeed with a
        draft) or ``fail``.
    :param delete_after: let the portal delete it by itself so long after this try, for tests.
    :param timeout: seconds for the portal, and a steward, to publish it.
    :return: ``dataset`` (4x4), ``resource_name``, ``name``, ``created``, ``published``, ``audience``,
        ``backend``, ``rows_sampled``, ``columns`` (source column to field name, for the load),
        ``differences`` and ``links``. ``dataset`` and ``columns`` are XComs of their own, too.
    """

    template_fields: Sequence[str] = (
        *SocrataSchemaOperator.template_fields,
        "resource_name",
        "name",
        "row_identifier",
        "description",
        "tags",
        "category",
        "license_id",
        "metadata",
    )
    operator_extra_links = (SocrataDatasetLink(),)

    def __init__(
        self,
        *,
        resource_name: str,
        name: str,
        row_identifier: str | None = None,
        description: str | None = None,
        tags: Sequence[str] = (),
        category: str | None = None,
        license_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        backend: Backend | None = None,
        audience: AudienceName = "private",
        publish: bool = True,
        adopt: bool = False,
        if_different: IfDifferent = "fail",
        on_approval: OnFirstApproval = "wait",
        delete_after: timedelta | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not self.has_schema:
            raise ValueError("give columns, schema_source, schema_rows or schema_dataset")
        self.resource_name = resource_name
        self.name = name
        self.row_identifier = row_identifier
        self.description = description
        self.tags = tags
        self.category = category
        self.license_id = license_id
        self.metadata = metadata
        self.backend = one_of("backend", backend, (None, *get_args(Backend)))
        self.audience: AudienceName = one_of("audience", audience, get_args(AudienceName))
        self.publish = publish
        self.adopt = adopt
        self.if_different = one_of("if_different", if_different, get_args(IfDifferent))
        self.on_approval = one_of("on_approval", on_approval, get_args(OnFirstApproval))
        self.delete_after = delete_after

    def execute(self, context: Context) -> dict[str, Any]:
        """Create it, or find it."""
        from airflow_socrata.publication.creating import CreateIntent, Creating, create

        with self.publisher(context) as publisher:
            wanted = self.wanted_columns(publisher, context)
            creating = Creating(
                self._new(publisher, wanted),
                self.audience,
                self.publish,
                self.adopt,
                self.if_different == "keep",
                self.on_approval,
                self.timeout,
            )
            records = VariableIntents(CreateIntent.from_json)
            made = create(publisher, records, operation_of(context), creating)
            result = self._result(publisher, wanted, made)
        self._report(made)
        self.push_links(context, result["links"])
        for key in ("dataset", "columns"):
            context["ti"].xcom_push(key=key, value=result[key])
        return result

    def _new(self, publisher: Publisher, wanted: WantedColumns) -> NewDataset:
        from datetime import UTC, datetime

        from airflow_socrata.client.datasets import NewDataset
        from airflow_socrata.client.licenses import license_id

        details = {
            "description": self.description,
            "tags": tuple(self.tags) if self.tags else None,
            "category": self.category,
            "license_id": license_id(self.license_id) if self.license_id else None,
        }
        expires = None
        if self.delete_after is not None:
            expires = datetime.fromtimestamp(publisher.clock.time(), UTC) + self.delete_after
        return NewDataset(
            self.resource_name,
            self.name,
            wanted.columns,
            self.row_identifier or wanted.row_identifier,
            {key: value for key, value in details.items() if value},
            dict(self.metadata or {}),
            None if self.backend is None else self.backend == "new",
            expires,
        )

    def _report(self, made: Created) -> None:
        stage = "published" if made.view.is_published else "a draft"
        how = "created" if made.created else "there already"
        self.log.info("%s (%s) is %s: %s, %s.", self.resource_name, made.view.name, made.view.id, how, stage)
        for difference in made.differences:
            self.log.warning("Kept as it is, although %s.", difference)

    def _result(self, publisher: Publisher, wanted: WantedColumns, made: Created) -> dict[str, Any]:
        from airflow_socrata.client.access import audience_of

        view = made.view
        backend = None if view.new_backend is None else "new" if view.new_backend else "old"
        return {
            "dataset": view.id,
            "resource_name": self.resource_name,
            "name": view.name,
            "created": made.created,
            "published": view.is_published,
            "audience": audience_of(view),
            "backend": backend,
            "rows_sampled": wanted.rows_sampled,
            "columns": dict(wanted.fields),
            "differences": list(made.differences),
            "links": {"dataset": publisher.link(view.id)},
        }


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
