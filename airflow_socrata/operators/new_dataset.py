"""What operators that make a dataset have in common: its names, what is told of it, and who sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from airflow_socrata.links.socrata import SocrataDatasetLink
from airflow_socrata.operators.base import SocrataOperator, one_of
from airflow_socrata.publication.choices import OnFirstApproval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.client.column_definitions import ColumnDefinition
    from airflow_socrata.client.datasets import NewDataset
    from airflow_socrata.publication.creating import Created
    from airflow_socrata.publication.publisher import Publisher

FirstAudience: TypeAlias = Literal["private", "public", "site"]
BACKENDS = ("new", "old")


class SocrataNewDatasetOperator(SocrataOperator):
    """Base of the operators that make a dataset: not used by itself.

    :param resource_name: names the dataset in addresses; unique on a portal. (templated)
    :param name: what people read; need not be unique. (templated)
    :param row_identifier: field name of the column that identifies rows. (templated)
    :param description: (templated)
    :param tags: (templated)
    :param category: one of the portal's categories. (templated)
    :param license_id: a licence by the portal's id, e.g. ``CC0_10``, or by its name. (templated)
    :param metadata: more of the view's ``metadata``, e.g. ``{"rowLabel": "permit"}``. (templated)
    :param backend: ``new`` or ``old``; default: the portal's own choice. (templated)
    :param audience: who sees it once it is published: ``private``, ``public`` or ``site``; of a dataset that
        was there already nothing is changed.
    :param publish: ``False``: leave it a draft.
    :param on_approval: where a steward must approve the first version, or the audience: ``wait`` until the
        time-out, ``submit`` (succeed, and leave it with the steward) or ``fail``.
    """

    template_fields: Sequence[str] = (
        *SocrataOperator.template_fields,
        "resource_name",
        "name",
        "row_identifier",
        "description",
        "tags",
        "category",
        "license_id",
        "metadata",
        "backend",
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
        backend: str | None = None,
        audience: FirstAudience = "private",
        publish: bool = True,
        on_approval: OnFirstApproval = "wait",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.resource_name = resource_name
        self.name = name
        self.row_identifier = row_identifier
        self.description = description
        self.tags = tags
        self.category = category
        self.license_id = license_id
        self.metadata = metadata
        self.backend = backend
        self.audience: FirstAudience = one_of("audience", audience, get_args(FirstAudience))
        self.publish = publish
        self.on_approval: OnFirstApproval = one_of("on_approval", on_approval, get_args(OnFirstApproval))

    def new_dataset(
        self,
        columns: tuple[ColumnDefinition, ...],
        row_identifier: str | None,
        delete_at: datetime | None = None,
    ) -> NewDataset:
        """Return the dataset that is to be.

        :raises ConfigurationError: something is wrong with it.
        """
        from airflow_socrata.client.datasets import NewDataset
        from airflow_socrata.client.licenses import license_id

        details = {
            "description": self.description,
            "tags": self.tags if isinstance(self.tags, str) else tuple(self.tags or ()),
            "category": self.category,
            "license_id": license_id(self.license_id) if self.license_id else None,
        }
        return NewDataset(
            self.resource_name,
            self.name,
            columns,
            row_identifier,
            {key: value for key, value in details.items() if value},
            self.metadata or {},
            self._new_backend(),
            delete_at,
        )

    def _new_backend(self) -> bool | None:
        from airflow_socrata.client import ConfigurationError

        if not self.backend:
            return None
        if self.backend not in BACKENDS:
            raise ConfigurationError(f"backend is {self.backend!r}; it is {' or '.join(BACKENDS)}")
        return self.backend == "new"

    def made(self, context: Context, publisher: Publisher, created: Created) -> dict[str, Any]:
        """Return what tells of the dataset; its 4x4 is an XCom ``dataset`` of its own."""
        from airflow_socrata.client.access import audience_of

        view = created.view
        stage = "published" if view.is_published else "a draft"
        how = "created" if created.created else "there already"
        self.log.info("%s (%s) is %s: %s, %s.", self.resource_name, view.name, view.id, how, stage)
        links = {"dataset": publisher.link(view.id)}
        self.push_links(context, links)
        context["ti"].xcom_push(key="dataset", value=view.id)
        return {
            "dataset": view.id,
            "resource_name": self.resource_name,
            "name": view.name,
            "created": created.created,
            "published": view.is_published,
            "audience": audience_of(view),
            "backend": None if view.new_backend is None else BACKENDS[not view.new_backend],
            "links": links,
        }
