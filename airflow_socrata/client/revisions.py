"""Calls for revisions: a change of a dataset that is made in a draft and applied as one job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_socrata.client import links
from airflow_socrata.client.envelopes import (
    json_body,
    opened,
    resource_of,
    resources_of,
)
from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply, UnreadableReply
from airflow_socrata.client.parsing import integer, mapping, nothing, object_of, objects, shape, text
from airflow_socrata.client.revision_models import (
    AttachmentFile,
    Config,
    PlanStep,
    Revision,
    SubmittedForApproval,
    TaskSet,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

Action = Literal["update", "replace", "delete"]
#: What a revision can be changed in.
CHANGEABLE = frozenset({
    "metadata",
    "action",
    "output_schema_id",
    "blob_id",
    "href",
    "attachments",
    "notes",
})


def create(
    dataset_id: str | None,
    *,
    action: Action = "update",
    metadata: Mapping[str, Any] | None = None,
    permission: Literal["public", "private"] | None = None,
    deleted_at: str | None = None,
) -> Call[Revision]:
    """Open a revision. A second one of the same dataset may be open beside it.

    :param dataset_id: the dataset; None makes a new one, for which ``metadata`` must hold a ``name``.
    :param action: ``update`` (upsert, or metadata alone where no source follows), ``replace`` or ``delete``
        (the rows that the source lists by row identifier).
    :param permission: None keeps what the dataset has.
    :param deleted_at: ISO time at which the draft of a new dataset deletes itself, unless it was applied.
    :raises ConfigurationError: if the arguments contradict each other.
    """
    if action not in get_args(Action):
        raise ConfigurationError(f"action {action!r} is unknown: use {', '.join(get_args(Action))}")
    if dataset_id is None and not text(mapping(metadata or {}).get("name")):
        raise ConfigurationError("a new dataset needs a name: give it in metadata")
    if dataset_id is not None and deleted_at is not None:
        raise ConfigurationError("deleted_at is for new datasets: this one exists")
    kind: dict[str, Any] = {"type": action}
    if permission is not None:
        kind["permission"] = permission
    return Call(
        CallKind.REVISION,
        "POST",
        links.revisions_path(dataset_id),
        _parse_revision,
        f"open a revision of {dataset_id}" if dataset_id else "open a revision of a new dataset",
        params=(("deleted_at", deleted_at),) if deleted_at is not None else (),
        headers=JSON_TYPE,
        body=json_body({"metadata": dict(metadata or {}), "action": kind}),
    )


def create_by_config(
    dataset_id: str, config: Config | str, *, metadata: Mapping[str, Any] | None = None
) -> Call[Revision]:
    """Open a revision that takes action, parse options and columns from a saved config.

    :param config: a config that was read, whose link is followed, or the name of one.
    :param metadata: sent beside the config; that the portal takes it there is not documented, so look at the
        revision that comes back.
    """
    name = config.name if isinstance(config, Config) else links.check_config_name(config)
    body: dict[str, Any] = {"config": name}
    if metadata is not None:
        body["metadata"] = dict(metadata)
    path = links.revisions_path(dataset_id)
    if isinstance(config, Config) and config.links.has("create_revision"):
        path = config.links.path("create_revision", fourfour=dataset_id)
    return Call(
        CallKind.REVISION,
        "POST",
        path,
        _parse_revision,
        f"open a revision of {dataset_id} by config {name!r}",
        headers=JSON_TYPE,
        body=json_body(body),
        if_absent=f"check the dataset id, and that the portal has a config named {name!r}",
    )


def listing(dataset_id: str, open: bool | None = None) -> Call[tuple[Revision, ...]]:
    """List the revisions of a dataset, newest first.

    :param open: only open ones, only closed ones, or (None) all.
    """
    which = {None: "", True: "open ", False: "closed "}[open]
    return Call(
        CallKind.READ,
        "GET",
        links.revisions_path(dataset_id),
        _parse_revisions,
        f"list {which}revisions of {dataset_id}",
        params=() if open is None else (("open", "true" if open else "false"),),
    )


def read(dataset_id: str, seq: int) -> Call[Revision]:
    """Read a revision by its number."""
    return Call(
        CallKind.READ,
        "GET",
        links.revision_path(dataset_id, seq),
        _parse_revision,
        f"read revision {seq} of {dataset_id}",
        if_absent=f"check the dataset id, and that it has a revision {seq}",
    )


def look(revision: Revision) -> Call[Revision]:
    """Read a revision again."""
    path = revision.links.path("show")
    return Call(CallKind.READ, "GET", path, _parse_revision, f"read {_name(revision)}")


def update(revision: Revision, changes: Mapping[str, Any]) -> Call[Revision]:
    """Change a revision; what ``changes`` lacks stays as it is.

    :param changes: any of :data:`CHANGEABLE`; ``attachments`` are replaced as a whole.
    :raises ConfigurationError: if there is nothing to change, or nothing of this name.
    """
    unknown = sorted(set(changes) - CHANGEABLE)
    if unknown or not changes:
        wrong = f"a revision has no {', '.join(map(repr, unknown))}" if unknown else "there are no changes"
        raise ConfigurationError(f"{wrong}: give any of {', '.join(sorted(CHANGEABLE))}")
    return Call(
        CallKind.METADATA,
        "PUT",
        revision.links.path("update"),
        _parse_revision,
        f"update {_name(revision)}",
        headers=JSON_TYPE,
        body=json_body(dict(changes)),
    )


def attach(revision: Revision, filename: str, data: bytes) -> Call[AttachmentFile]:
    """Send a file; :func:`update` with ``attachments`` then attaches it."""
    if not filename or not filename.isprintable():
        raise ConfigurationError(f"{filename!r} is no name of a file")
    return Call(
        CallKind.METADATA,
        "POST",
        f"{revision.links.path('show')}/attachment",
        _parse_attachment,
        f"attach {filename!r} to {_name(revision)}",
        headers=(
            ("Content-Type", "application/octet-stream"),
            ("X-File-Name", filename.encode("utf-8").decode("latin-1")),
        ),
        body=data,
    )


def plan(revision: Revision) -> Call[tuple[PlanStep, ...]]:
    """Ask what applying a revision would do."""
    path = revision.links.path("plan")
    return Call(CallKind.READ, "GET", path, _parse_plan, f"plan of {_name(revision)}")


def apply(revision: Revision, output_schema_id: int | None = None) -> Call[TaskSet | SubmittedForApproval]:
    """Start the job that applies a revision. The job may have ended, and failed, when this returns.

    :param output_schema_id: None takes the revision's own.
    """
    body = {} if output_schema_id is None else {"output_schema_id": output_schema_id}
    apply_path = revision.links.path("apply")
    return Call(
        CallKind.APPLY,
        "PUT",
        apply_path,
        lambda reply: _parse_task_set_or_submitted(reply, apply_path),
        f"apply {_name(revision)}",
        headers=JSON_TYPE,
        body=json_body(body),
    )


def look_at(task_set: TaskSet) -> Call[TaskSet]:
    """Read a job again.

    :raises LinkMissing: if it is not known where.
    """
    path = links.Links({"show": task_set.link}).path("show")
    return Call(
        CallKind.READ, "GET", path, lambda reply: _parse_task_set(reply, path), f"look at job {task_set.id}"
    )


def discard(revision: Revision) -> Call[None]:
    """Close a revision for ever without applying it; the dataset stays as it is."""
    path = revision.links.path("discard")
    return Call(CallKind.DISCARD, "DELETE", path, nothing, f"discard {_name(revision)}")


def restore(revision: Revision) -> Call[Revision]:
    """Open a new revision with the rows that this one had applied. Needs a dataset enrolled in archiving."""
    return Call(
        CallKind.REVISION,
        "POST",
        revision.links.path("restore"),
        _parse_revision,
        f"restore {_name(revision)}",
        headers=JSON_TYPE,
        body=b"{}",
    )


def _name(revision: Revision) -> str:
    return f"revision {revision.seq} of {revision.dataset}"


def _parse_revision(reply: Reply) -> Revision:
    return Revision.from_json(*resource_of(reply, "a revision"))


def _parse_revisions(reply: Reply) -> tuple[Revision, ...]:
    return tuple(Revision.from_json(*item) for item in resources_of(reply, "revisions"))


def _parse_attachment(reply: Reply) -> AttachmentFile:
    whole = object_of(reply, "an attachment")
    body = mapping(whole.get("resource")) or whole
    file_id, filename = text(body.get("file_id")), text(body.get("filename"))
    if file_id is None:
        raise UnreadableReply("the attachment has no file_id")
    return AttachmentFile(filename or "", file_id)


def _parse_plan(reply: Reply) -> tuple[PlanStep, ...]:
    body = reply.json()
    steps = body.get("resource") if isinstance(body, dict) else body
    if not isinstance(steps, list):
        raise UnreadableReply(f"expected the steps of a plan, got {shape(body)}")
    return tuple(PlanStep(text(step.get("type")) or "?", step) for step in objects(steps))


def _parse_task_set(reply: Reply, asked: str) -> TaskSet:
    resource, own = resource_of(reply, "a task set")
    return TaskSet.from_json(resource, own.find("show") or asked)


def _parse_task_set_or_submitted(reply: Reply, apply_path: str) -> TaskSet | SubmittedForApproval:
    body = object_of(reply, "a task set")
    for part in (body, mapping(body.get("resource"))):
        if part.get("key") == "approval_submitted":
            return SubmittedForApproval(body)
    resource, own = opened(body, "a task set")
    below = f"{apply_path}/{integer(resource.get('id'))}"
    return TaskSet.from_json(resource, own.find("show") or below)
