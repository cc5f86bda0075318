"""Orders to an emulated Opendatasoft portal over HTTP: for tests beside it or in another process."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.orders import Orders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class OpendatasoftAdmin(Orders):
    """Gives orders to the emulator at ``url``."""

    def create_dataset(
        self,
        dataset_id: str,
        title: str | None = None,
        rows: Iterable[Mapping[str, Any]] | None = None,
        *,
        csv_text: str | None = None,
        fields: Sequence[Mapping[str, Any]] = (),
        id_fields: Sequence[str] = (),
        published: bool = True,
        **more: Any,
    ) -> dict[str, Any]:
        """Create a dataset and return its truth (see ``state``).

        :param rows: records; they become the CSV file of its one resource.
        :param csv_text: the CSV file itself, instead of rows.
        :param fields: field configurations as the Automation API writes them, without uids.
        :param id_fields: names of fields that get the annotation ``id``.
        :param more: ``metadata`` (template to field to value), ``is_restricted``, ``user``, ``filename``,
            ``resource_title``, ``separator``; for a realtime resource ``realtime`` (a list of sample records)
            and ``recovery``.
        """
        text = csv_text
        if text is None and rows is not None:
            text = _csv(list(rows), str(more.get("separator") or ","))
        order = more | {
            "dataset_id": dataset_id,
            "title": title,
            "csv": text,
            "fields": [dict(one) for one in fields],
            "id_fields": list(id_fields),
            "published": published,
        }
        return dict(self.order("create_dataset", 600, **order))

    def state(self, dataset: str) -> dict[str, Any]:
        """Return the truth about a dataset, by uid or dataset id.

        ``{uid, dataset_id, title, internal, status, since, message, params, published, records,
        data_processed, run, run_by, metadata, resources, fields, files, versions, push}``
        """
        return dict(self.order("state", dataset=dataset))

    def datasets(self) -> list[dict[str, Any]]:
        """Return the truth about all datasets."""
        return list(self.order("datasets"))

    def records(self, dataset: str, *, ids: bool = False) -> list[dict[str, Any]]:
        """Return all public records; with ``ids`` each with its ``record_id``."""
        return list(self.order("records", 600, dataset=dataset, ids=ids))

    def script(self, dataset: str | None, outcome: str, times: int = 1, **args: Any) -> None:
        """Say how the next ``times`` publications of a dataset (None: of any) end; see the docs."""
        self.order("script", dataset=dataset, outcome=outcome, times=times, args=args)

    def set_status(
        self, dataset: str, internal: str, message: str | None = None, params: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Put a dataset into one of the 15 internal states; one that passes stays until ``run_queue``."""
        order = {"internal": internal, "message": message, "params": dict(params or {})}
        return dict(self.order("set_status", dataset=dataset, **order))

    def run_queue(self, dataset: str | None = None, to: str | None = None) -> int:
        """Let runs go to their end, stuck or not; ``to``: until they are in this internal state."""
        return int(self.order("run_queue", 600, dataset=dataset, to=to)["finished"])

    def publish_as(self, dataset: str, user: str = "person") -> dict[str, Any]:
        """Let somebody publish a dataset; return its truth."""
        return dict(self.order("publish_as", dataset=dataset, user=user))

    def add_feedback(
        self, dataset: str, record_id: str, comment: str, user: str = "reader"
    ) -> dict[str, Any]:
        """Let a reader remark on a record; return the feedback."""
        order = {"record_id": record_id, "comment": comment, "user": user}
        return dict(self.order("add_feedback", dataset=dataset, **order))

    def set_permissions(self, user: str, permissions: Sequence[str]) -> None:
        """Say what an account and its keys may do from now on."""
        self.order("set_permissions", user=user, permissions=list(permissions))


def _csv(rows: list[Mapping[str, Any]], separator: str) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, delimiter=separator, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
