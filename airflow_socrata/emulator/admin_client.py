"""Orders to an emulator over HTTP: for tests beside it or in another process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.orders import Orders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class EmulatorAdmin(Orders):
    """Gives orders to the emulator at ``url``.

    :param url: base address of the emulator.
    :param ca_file: its authority's certificate, when it serves HTTPS.
    """

    def create_dataset(
        self,
        id: str | None = None,
        name: str = "Dataset",
        columns: Sequence[Any] = (),
        row_identifier: str | None = None,
        rows: Iterable[Mapping[str, Any]] = (),
        published: bool = True,
        permission: str = "public",
        backend: str | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Create a dataset and return its view.

        :param columns: field names (text), pairs of field name and type, or column objects of a view.
        :param more: ``owner``, ``metadata``, ``private_metadata``, ``fields``, ``synced``.
        """
        order = more | {
            "id": id,
            "name": name,
            "columns": list(columns),
            "row_identifier": row_identifier,
            "rows": [dict(row) for row in rows],
            "published": published,
            "permission": permission,
        }
        if backend is not None:
            order["backend"] = backend
        return dict(self.order("create_dataset", 600, **order))

    def create_derived(self, dataset: str, **more: Any) -> dict[str, Any]:
        """Create a filter view on a dataset (``id``, ``name``, ``asset_type``) and return it."""
        return dict(self.order("create_derived", dataset=dataset, **more))

    def datasets(self) -> list[dict[str, Any]]:
        """Return id, stage, rows and name of all views."""
        return list(self.order("datasets"))

    def state(self, dataset: str) -> dict[str, Any]:
        """Return the truth about a dataset: ``{id, stage, rows, published, data_version, copies, jobs}``."""
        return dict(self.order("state", dataset=dataset))

    def rows(self, dataset: str) -> list[dict[str, Any]]:
        """Return all rows of a view from the truth, oldest first."""
        return list(self.order("rows", dataset=dataset))

    def write_rows(self, dataset: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Upsert rows as somebody else would."""
        self.order("write_rows", dataset=dataset, rows=[dict(row) for row in rows])

    def open_working_copy_as(self, user: str, dataset: str, method: str = "copy") -> dict[str, Any]:
        """Let ``publisher`` or ``person`` open a working copy; return its view."""
        return dict(self.order("open_working_copy_as", user=user, dataset=dataset, method=method))

    def set_rights(self, dataset: str, user: str, rights: Sequence[str] | None) -> None:
        """Fix an account's rights on a dataset; None gives it its own rights back."""
        self.order("set_rights", dataset=dataset, user=user, rights=None if rights is None else list(rights))

    def replicate(self, dataset: str | None = None) -> None:
        """Let the replicas catch up at once."""
        self.order("replicate", dataset=dataset)

    def pending_geocoding(self, dataset: str, view: int, total: int | None = None, step: int = 0) -> None:
        """Set how many rows wait for geocoding; each look takes ``step`` off."""
        self.order(
            "pending_geocoding", dataset=dataset, view=view, total=view if total is None else total, step=step
        )

    def approve(self, dataset: str) -> None:
        """Approve the publish that waits."""
        self.order("approve", dataset=dataset)

    def reject(self, dataset: str) -> None:
        """Reject the publish that waits."""
        self.order("reject", dataset=dataset)

    def finish_jobs(self, dataset: str | None = None) -> int:
        """Do the copies and publications under way; return how many there were."""
        return int(self.order("finish_jobs", 600, dataset=dataset)["finished"])

    def revisions(self, dataset: str) -> list[dict[str, Any]]:
        """Return the truth about a dataset's revisions, newest first.

        ``{seq, id, open, created_by, action, permission, task_sets, output_schema_id, blob_id, metadata,
        notes, approval, sources}``
        """
        return list(self.order("revisions", dataset=dataset))

    def open_revision_as(self, user: str, dataset: str, action: str = "replace", **more: Any) -> int:
        """Let somebody open a revision (more: ``permission``, ``metadata``); return its number."""
        return int(self.order("open_revision_as", user=user, dataset=dataset, action=action, **more)["seq"])

    def close_revision_as(self, user: str, dataset: str, seq: int) -> None:
        """Let somebody discard a revision."""
        self.order("close_revision_as", user=user, dataset=dataset, seq=seq)

    def finish_apply(self, dataset: str, seq: int, message: str | None = None) -> str:
        """End a revision's running task set, stuck or not; with ``message`` badly. Return its status."""
        order = {"dataset": dataset, "seq": seq, "message": message}
        return str(self.order("finish_apply", 600, **order)["status"])

    def enroll_archival(self, dataset: str) -> None:
        """Enroll a dataset in archiving."""
        self.order("enroll_archival", dataset=dataset)

    def metadata_rules(
        self, categories: Sequence[str] = (), fieldsets: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Set the domain's categories and custom fields; none: all are taken.

        :param fieldsets: ``{name, fields: [{name, required, private, options}]}``.
        """
        self.order(
            "metadata_rules", categories=list(categories), fieldsets=[dict(each) for each in fieldsets]
        )

    def lose_file(self, file: str) -> None:
        """Lose a file (the ``assetId`` of an attachment) that views may still list."""
        self.order("lose_file", file=file)

    def add_file(self, dataset: str, name: str, text: str = "") -> dict[str, Any]:
        """Attach a file to a dataset; return the attachment."""
        return dict(self.order("add_file", dataset=dataset, name=name, text=text))

    def register_app(
        self, client_id: str, client_secret: str, callback_prefix: str = "https://localhost", name: str = ""
    ) -> None:
        """Register an application for OAuth 2; its client id is its app token."""
        self.order(
            "register_app",
            client_id=client_id,
            client_secret=client_secret,
            callback_prefix=callback_prefix,
            name=name,
        )

    def revoke_token(self, token: str) -> bool:
        """Revoke an access token; tell whether it was good."""
        return bool(self.order("revoke_token", token=token)["revoked"])
