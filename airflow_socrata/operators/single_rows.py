"""Operators for one row of a published dataset: the public sees what they do at once.

A write of one row is all or nothing by itself, and sending it twice is sending it once, so they need neither
a working copy nor a rollback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from airflow_socrata.links.socrata import SocrataDatasetLink
from airflow_socrata.operators.base import SocrataOperator, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_socrata.client import View
    from airflow_socrata.publication.publisher import Publisher
    from airflow_socrata.publication.single_rows import RowOutcome

IfAbsent: TypeAlias = Literal["fail", "accept"]


class SocrataRowOperator(SocrataOperator):
    """Base of the operators for one row: not used by itself.

    :param dataset: 4x4 of the published dataset. (templated)
    :param timeout: seconds for the replicas to show the last write.
    """

    template_fields: Sequence[str] = (*SocrataOperator.template_fields, "dataset")
    operator_extra_links = (SocrataDatasetLink(),)

    def __init__(self, *, dataset: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset

    def result(self, context: Context, publisher: Publisher, view: View, **more: Any) -> dict[str, Any]:
        """Return what the task hands on, and keep the page for people."""
        links = {"dataset": publisher.link(view.id)}
        self.push_links(context, links)
        return {"dataset": view.id, **more, "links": links}


class SocrataGetRowOperator(SocrataRowOperator):
    """Read one row, with its system fields (``:id``, ``:version`` where the portal has it, both times).

    :param row_id: value of the row identifier; ``:id`` where the dataset has none. (templated)
    :param if_absent: ``fail``, or ``accept`` and return ``None`` as the row.
    :return: ``dataset`` and ``row``.
    """

    template_fields: Sequence[str] = (*SocrataRowOperator.template_fields, "row_id")

    def __init__(self, *, row_id: Any, if_absent: IfAbsent = "fail", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.row_id = row_id
        self.if_absent = one_of("if_absent", if_absent, get_args(IfAbsent))

    def execute(self, context: Context) -> dict[str, Any]:
        """Read the row."""
        from airflow_socrata.publication import single_rows

        with self.publisher(context) as publisher:
            view = single_rows.readable(publisher, self.dataset)
            row = single_rows.find_row(publisher, view, self.row_id, self.timeout)
            if row is None and self.if_absent == "fail":
                raise single_rows.absent(view, self.row_id)
            return self.result(context, publisher, view, row=row)


class SocrataUpsertRowOperator(SocrataRowOperator):
    """Insert or update one row; fields that it lacks keep their values, ``None`` clears a field.

    A ``:version`` in the row, as the get operator returns it, refuses the write if the row has been changed
    since.

    :param row: field name to value, with the row identifier; with ``:id`` where the dataset has none. JSON
        text will do. (templated)
    :param insert_without_identifier: insert a row into a dataset without a row identifier. Rows with the same
        values are counted before and after, so that a retry inserts no second one; another writer that adds
        just such a row meanwhile would be taken for this one.
    :return: ``dataset``, ``row`` as the portal shows it, ``created`` (``None``: not known after a lost
        reply), ``changed``: whether this try sent it.
    """

    template_fields: Sequence[str] = (*SocrataRowOperator.template_fields, "row")

    def __init__(
        self, *, row: Mapping[str, Any] | str, insert_without_identifier: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.row = row
        self.insert_without_identifier = insert_without_identifier

    def execute(self, context: Context) -> dict[str, Any]:
        """Write the row."""
        from airflow_socrata.publication import single_rows

        with self.publisher(context) as publisher:
            view = single_rows.writable(publisher, self.dataset)
            row = self.prepared(view, single_rows.checked_row(view, self.row))
            if view.row_identifier is None and row.get(":id") is None:
                outcome = self._insert(context, publisher, view, row)
            else:
                outcome = single_rows.write_row(publisher, view, row, self.timeout)
            self.log.info(
                "The row is in %s%s.", view.id, "" if outcome.changed else " already, by an earlier try"
            )
            shown = {"row": outcome.row, "created": outcome.created, "changed": outcome.changed}
            return self.result(context, publisher, view, **shown)

    def prepared(self, view: View, row: dict[str, Any]) -> dict[str, Any]:
        """Return the row as it goes to the portal."""
        del view
        return row

    def _insert(self, context: Context, publisher: Publisher, view: View, row: dict[str, Any]) -> RowOutcome:
        from airflow_socrata.publication.errors import NotPublishable
        from airflow_socrata.publication.row_inserts import Insert, InsertIntent
        from airflow_socrata.runtime import VariableIntents, operation_of

        if not self.insert_without_identifier:
            raise NotPublishable(
                f"{view.id} ({view.name}) has no row identifier, and the row no :id: it would be added as a"
                " new one. Give its :id, set a row identifier on the dataset, or pass"
                " insert_without_identifier=True."
            )
        values = {name: value for name, value in row.items() if not name.startswith(":")}
        records = VariableIntents(InsertIntent.from_json)
        return Insert(publisher, records, operation_of(context), view, values, self.timeout).run()


class SocrataReplaceRowOperator(SocrataUpsertRowOperator):
    """Replace one row: fields that it lacks become empty. A row that is not there is inserted.

    :param row: as of the upsert operator. (templated)
    """

    def prepared(self, view: View, row: dict[str, Any]) -> dict[str, Any]:
        """Return the row with a null for each column that it lacks."""
        from airflow_socrata.publication import single_rows

        return single_rows.with_nulls(view, row)


class SocrataDeleteRowOperator(SocrataRowOperator):
    """Delete one row.

    :param row_id: value of the row identifier; ``:id`` where the dataset has none. (templated)
    :param if_absent: ``accept`` a row that is not there, or ``fail``; a retry accepts it in any case, since
        an earlier try may have deleted it.
    :return: ``dataset``, ``deleted``: whether this try found the row.
    """

    template_fields: Sequence[str] = (*SocrataRowOperator.template_fields, "row_id")

    def __init__(self, *, row_id: Any, if_absent: IfAbsent = "accept", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.row_id = row_id
        self.if_absent = one_of("if_absent", if_absent, get_args(IfAbsent))

    def execute(self, context: Context) -> dict[str, Any]:
        """Delete the row."""
        from airflow_socrata.publication import single_rows

        with self.publisher(context) as publisher:
            view = single_rows.writable(publisher, self.dataset)
            deleted = single_rows.delete_row(publisher, view, self.row_id, self.timeout)
            if not deleted and self.if_absent == "fail" and context["ti"].try_number == 1:
                raise single_rows.absent(view, self.row_id)
            if not deleted:
                self.log.warning("%s has no row %r: there was nothing to delete.", view.id, self.row_id)
            return self.result(context, publisher, view, deleted=deleted)
