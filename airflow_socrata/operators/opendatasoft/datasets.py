"""Operators that create, describe, restore, fill and delete a dataset."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_socrata.operators.files import bound, storage_path
from airflow_socrata.operators.opendatasoft.base import AtRestOperator, OpendatasoftOperator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.opendatasoft.models import Dataset, MetadataValue, Resource
    from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher

#: Stands for cells that are too many or too few; no cell can hold it, as a file of text has no NUL.
_REST = "\0"
#: Template name to field name to value, as in ``{"default": {"title": "Airports"}}``.
Metadata = Mapping[str, Mapping[str, Any]]


def _values(metadata: Metadata | None) -> tuple[MetadataValue, ...]:
    from airflow_socrata.opendatasoft.models import MetadataValue

    return tuple(
        MetadataValue(template, name, value)
        for template, values in (metadata or {}).items()
        for name, value in values.items()
    )


class OpendatasoftCreateDatasetOperator(OpendatasoftOperator):
    """Create a dataset, once: where there is one with this dataset id already, it is taken as it is.

    A new dataset is not published.

    :param dataset_id: its name in addresses and in Explore; unique on a portal. (templated)
    :param title: its title. (templated)
    :param metadata: template to field to value, e.g. ``{"default": {"description": "..."}}``. (templated)
    :param is_restricted: whether only chosen users may see it once it is published; left out: the portal's
        own default.
    :return: uid, dataset id, and whether this task, in this try, has created it.
    """

    template_fields: Sequence[str] = (
        *OpendatasoftOperator.template_fields,
        "dataset_id",
        "title",
        "metadata",
    )

    def __init__(
        self,
        *,
        dataset_id: str,
        title: str,
        metadata: Metadata | None = None,
        is_restricted: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset_id = dataset_id
        self.title = title
        self.metadata = metadata
        self.is_restricted = is_restricted

    def execute(self, context: Context) -> dict[str, Any]:
        """Create it, or find it."""
        with self.publisher(context) as publisher:
            found, created = self._create(publisher)
            self.push_links(context, {"dataset": publisher.link(found.dataset_id)})
        self.log.info("%s (%s) %s.", found.dataset_id, found.uid, "is created" if created else "was there")
        return {"dataset": found.uid, "dataset_id": found.dataset_id, "created": created}

    def _create(self, publisher: DatasetPublisher) -> tuple[Dataset, bool]:
        from airflow_socrata.opendatasoft import actions
        from airflow_socrata.opendatasoft.errors import DatasetExists

        try:
            made = publisher.session.repeat(
                lambda: publisher.run(
                    actions.create(
                        publisher.dialect,
                        self.dataset_id,
                        self.title,
                        metadata=_values(self.metadata),
                        is_restricted=self.is_restricted,
                    )
                )
            )
        except DatasetExists as error:
            return error.dataset, False
        return made, True


class OpendatasoftSetMetadataOperator(AtRestOperator):
    """Set metadata of a dataset once it rests; what is not named stays as it is.

    Explore shows them from the next publish on, or from ``publish_metadata``.

    :param dataset: dataset id or uid. (templated)
    :param metadata: template to field to value, e.g. ``{"default": {"title": "Airports"}}``. (templated)
    :param timeout: seconds for the dataset to come to rest.
    :param deferrable: wait for that in the triggerer.
    :return: uid, dataset id, and the names that were set.
    """

    template_fields: Sequence[str] = (*AtRestOperator.template_fields, "metadata")

    def __init__(self, *, metadata: Metadata, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.metadata = metadata

    def write(self, publisher: DatasetPublisher, found: Dataset) -> dict[str, Any]:
        """Set them."""
        values = _values(self.metadata)
        publisher.session.repeat(lambda: publisher.run(publisher.dialect.set_metadata(found.uid, values)))
        names = [f"{value.template}.{value.name}" for value in values]
        self.log.info("Set %s of %s.", ", ".join(names) or "nothing", found.dataset_id)
        return {"names": names}


class OpendatasoftRestoreVersionOperator(AtRestOperator):
    """Take the configuration of a dataset back to a version of its history, once it rests.

    Publishes nothing; versions hold no records.

    :param dataset: dataset id or uid. (templated)
    :param version: uid of the version (Automation API) or of the change (Management API) after which the
        configuration was as it shall be; ``None``: as it was before the first entry. (templated)
    :param timeout: seconds for the dataset to come to rest.
    :param deferrable: wait for that in the triggerer.
    :return: uid, dataset id, and whether there was anything to take back.
    """

    template_fields: Sequence[str] = (*AtRestOperator.template_fields, "version")

    def __init__(self, *, version: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.version = version

    def write(self, publisher: DatasetPublisher, found: Dataset) -> dict[str, Any]:
        """Restore it."""
        from airflow_socrata.opendatasoft.models import RestorePoint

        point = RestorePoint(found.uid, publisher.dialect.name, self.version)
        restored = publisher.session.repeat(lambda: publisher.run(publisher.dialect.restore(point)))
        self.log.info(
            "Version %s of %s %s.", self.version, found.dataset_id, "is restored" if restored else "stands"
        )
        return {"restored": restored}


class OpendatasoftPushOperator(OpendatasoftOperator):
    """Push records to a realtime resource, or delete records from it. The public sees each batch at once.

    This stands outside of all or nothing. Pushing again is safe: a record replaces the one with the same
    values in the fields annotated ``id``, or the identical one.

    :param dataset: dataset id or uid. (templated)
    :param resource: title of the realtime resource; left out: the only one. (templated)
    :param records: field name to value, a list of such. (templated)
    :param rows: instead: a callable that returns (or yields) them; called with the context values that its
        parameters name.
    :param source: instead: path or URL of a file with JSON lines (``.jsonl``) or CSV. (templated)
    :param source_conn_id: Airflow connection for that URL.
    :param delete: delete the records that have these values.
    :return: records and calls.
    """

    template_fields: Sequence[str] = (
        *OpendatasoftOperator.template_fields,
        "dataset",
        "resource",
        "records",
        "source",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"records": "json"}

    def __init__(
        self,
        *,
        dataset: str,
        resource: str | None = None,
        records: Sequence[Mapping[str, Any]] | None = None,
        rows: Callable[..., Iterable[Mapping[str, Any]]] | None = None,
        source: Any = None,
        source_conn_id: str | None = None,
        delete: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if sum(given is not None for given in (records, rows, source)) != 1:
            raise ValueError("give one of records, rows and source")
        self.dataset = dataset
        self.resource = resource
        self.records = records
        self.rows = rows
        self.source = source
        self.source_conn_id = source_conn_id
        self.delete = delete

    def execute(self, context: Context) -> dict[str, Any]:
        """Push, batch by batch."""
        from airflow_socrata.opendatasoft import push

        with self.publisher(context) as publisher:
            found = self.find(context, publisher, self.dataset)
            resources: tuple[Resource, ...] = publisher.run(publisher.dialect.resources(found.uid))
            target = push.target_of(self._realtime(found.dataset_id, resources))
            done = push.push_records(publisher.session, target, self._records(context), delete=self.delete)
        verb = "deleted from" if self.delete else "pushed to"
        self.log.info("%s records %s %s in %s calls.", done.records, verb, found.dataset_id, done.calls)
        return {"records": done.records, "calls": done.calls}

    def _realtime(self, dataset_id: str, resources: Sequence[Resource]) -> Resource:
        from airflow_socrata.client.errors import NotFound

        known = [one for one in resources if one.push_url or one.type == "realtime"]
        if self.resource is not None:
            known = [one for one in resources if one.title == self.resource]
        if len(known) == 1:
            return known[0]
        wanted = "realtime resource" if self.resource is None else f"resource {self.resource!r}"
        titles = ", ".join(repr(one.title) for one in resources) or "none"
        raise NotFound(
            f"{dataset_id} has {len(known) or 'no'} {wanted}{'s' if len(known) > 1 else ''}; its resources:"
            f" {titles}",
            summary=f"push to {dataset_id}",
            advice="name the realtime resource by its title",
        )

    def _records(self, context: Context) -> Iterable[Mapping[str, Any]]:
        if self.records is not None:
            return self.records
        if self.rows is not None:
            return bound(self.rows, context)()
        return _read(storage_path(self.source, self.source_conn_id))


def _read(path: Any) -> Iterator[Mapping[str, Any]]:
    """Read records one by one: CSV or JSON lines, by the file's name."""
    from airflow_socrata.client.errors import ConfigurationError

    name = str(path)
    with path.open("rb") if hasattr(path, "open") else open(path, "rb") as file:  # noqa: PTH123
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        if name.endswith(".csv"):
            yield from _cells(csv.DictReader(text, restkey=_REST, restval=_REST), name)
        elif name.endswith(".jsonl"):
            yield from (json.loads(line) for line in text if line.strip())
        else:
            raise ConfigurationError(f"{name}: push reads JSON lines (.jsonl) and CSV (.csv)")


def _cells(rows: csv.DictReader[str], name: str) -> Iterator[Mapping[str, Any]]:
    """Pass on the rows that have as many cells as the head.

    :raises ConfigurationError: one has more or fewer; what is before it may be pushed already.
    """
    from airflow_socrata.client.errors import ConfigurationError

    for row in rows:
        if _REST in row or _REST in row.values():
            raise ConfigurationError(
                f"{name}: the row that ends in line {rows.line_num} has not as many cells as the first line"
            )
        yield row


class OpendatasoftDeleteDatasetOperator(OpendatasoftOperator):
    """Delete a dataset for good: its records, configuration and history. There is no way back.

    Succeeds where it is gone already.

    :param dataset: dataset id or uid. (templated)
    :return: whether this try has deleted it.
    """

    template_fields: Sequence[str] = (*OpendatasoftOperator.template_fields, "dataset")
    ui_color = "#f5e3d6"

    def __init__(self, *, dataset: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset

    def execute(self, context: Context) -> bool:
        """Delete it."""
        from airflow_socrata.client.errors import NotFound
        from airflow_socrata.opendatasoft import actions

        with self.publisher(context) as publisher:
            try:
                found = publisher.run(actions.find(publisher.dialect, self.dataset))
            except NotFound:
                self.log.info("%s is gone already.", self.dataset)
                return False
            deleted = publisher.session.repeat(
                lambda: publisher.run(actions.delete(publisher.dialect, found.uid))
            )
        self.log.info("%s (%s) is deleted.", found.dataset_id, found.uid)
        return deleted
