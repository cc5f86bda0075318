"""Going back: the configuration, the resource, and at last the kept file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, cast

from airflow_socrata.client.errors import NotFound
from airflow_socrata.opendatasoft import actions
from airflow_socrata.opendatasoft.errors import RestorePointGone
from airflow_socrata.opendatasoft.models import ResourceSpec, Source
from airflow_socrata.opendatasoft.multipart import Multipart
from airflow_socrata.opendatasoft.status import Action, Step, next_step
from airflow_socrata.publication.opendatasoft import waits
from airflow_socrata.publication.opendatasoft.evidence import entries_after
from airflow_socrata.publication.opendatasoft.keeping import EXPORT_PARAMS
from airflow_socrata.publication.opendatasoft.publishing import place

if TYPE_CHECKING:
    from airflow_socrata.client.chunks import Openable
    from airflow_socrata.opendatasoft.dialect import Pipeline
    from airflow_socrata.opendatasoft.models import Resource, UploadedFile, Version
    from airflow_socrata.publication.opendatasoft.intent import ChangeIntent, KeptFile
    from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher
    from airflow_socrata.publication.waits import Patience

#: Seconds for which Explore is looked at again before a count counts as different.
COUNT_GRACE = 60.0


@dataclass(frozen=True, slots=True)
class PutBack:
    """What became of the configuration.

    :param did: for the log.
    :param is_ours: False where somebody else has pointed the resource elsewhere since, or deleted it: then
        the records are theirs, and stay.
    :param has_file: whether the portal still has the file that the resource took its records from.
    """

    did: str
    is_ours: bool = True
    has_file: bool = True


def put_back(publisher: DatasetPublisher, intent: ChangeIntent) -> PutBack:
    """Take the configuration back to the restore point, or, where people have edited it since, what is ours.

    Idempotent.
    """
    did = [_restore_version(publisher, intent)]
    is_ours, words = _put_back_resource(publisher, intent)
    did.append(words)
    for kind, uid in intent.added:
        _remove(publisher, intent.dataset, cast("Pipeline", kind), uid)
    return PutBack("; ".join(filter(None, did)), is_ours, _has_file(publisher, intent))


def _restore_version(publisher: DatasetPublisher, intent: ChangeIntent) -> str:
    """Restore the version, if all entries of the history since are this run's own."""
    point = intent.restore_point
    versions: tuple[Version, ...] = publisher.run(publisher.dialect.versions(intent.dataset))
    since = entries_after(versions, point.version)
    if since is not None and not since:
        return ""
    if since is None:
        return f"version {point.version} is kept no more: only what this run changed was put back"
    if intent.author is None or any(one.created_by != intent.author for one in since):
        who = (
            "the history does not tell whose" if intent.author is None else "somebody else's edits are among"
        )
        return f"{who} changes since version {point.version}: only what this run changed was put back"
    try:
        publisher.run(publisher.dialect.restore(point))
    except RestorePointGone as error:
        return f"{error.message}: only what this run changed was put back"
    return f"restored version {point.version}"


def _put_back_resource(publisher: DatasetPublisher, intent: ChangeIntent) -> tuple[bool, str]:
    """Put back the resource that the run has changed, unless somebody else has changed it since."""
    if intent.resource is None or not intent.files:
        return True, ""
    was, title = intent.resource_before, intent.resource
    resources: tuple[Resource, ...] = publisher.run(publisher.dialect.resources(intent.dataset))
    wanted = was.uid if was is not None else intent.resource_uid
    now = next((one for one in resources if one.uid == wanted), None)
    if now is None and was is None:
        now = next(
            (one for one in resources if one.title == title and one.source.file_uid in intent.files), None
        )
        if now is None:
            return True, ""
    if now is None or was is None:
        if now is None:
            return False, f"resource {title!r} was deleted by somebody else since"
        if now.source.file_uid not in intent.files:
            return False, f"somebody has pointed the new resource {title!r} elsewhere since; it stays"
        publisher.run(actions.delete_resource(publisher.dialect, intent.dataset, now.uid))
        return True, f"deleted the new resource {title!r}"
    same_source = now.source == was.source
    if not same_source and now.source.file_uid not in intent.files:
        return False, f"somebody has pointed resource {title!r} elsewhere since; it stays"
    if same_source and (now.type, dict(now.params)) == (was.type, dict(was.params)):
        return True, ""
    if same_source:
        return True, f"somebody has changed resource {title!r} since; it stays"
    publisher.run(publisher.dialect.put_back_resource(intent.dataset, was))
    return True, f"pointed resource {title!r} back at {was.source.file_uid or was.source.url}"


def _remove(publisher: DatasetPublisher, uid: str, kind: Pipeline, item: str) -> None:
    items = publisher.run(publisher.dialect.pipeline(uid, kind))
    if any(one.uid == item for one in items):
        try:
            publisher.run(publisher.dialect.remove_from_pipeline(uid, kind, item))
        except NotFound:
            return


def _has_file(publisher: DatasetPublisher, intent: ChangeIntent) -> bool:
    was = intent.resource_before
    if was is None or was.source.file_uid is None:
        return True
    try:
        publisher.run(publisher.dialect.read_file(intent.dataset, was.source.file_uid))
    except NotFound:
        return False
    return True


def process(publisher: DatasetPublisher, intent: ChangeIntent, patience: Patience) -> str:
    """Have the restored dataset processed; return what differs from the former records, if anything does."""
    was = intent.baseline
    action = Action.PUBLISH if was.is_published else Action.UNPUBLISH
    uid = intent.dataset
    if action is Action.UNPUBLISH:
        status = publisher.run(waits.at_rest(publisher.dialect, uid, patience))
        if status.is_published is False:
            return ""
    ordered = place(publisher, uid, intent.dataset_id, action, patience)
    status = publisher.run(waits.processed(publisher.dialect, uid, ordered.before, action, patience))
    step = next_step(status, ordered.before, after=action)
    as_before = step is Step.FAIL_LIMIT and was.status == status.name
    if step is not Step.DONE and not as_before:
        return f"{action.value} ended in {status.name} ({status.failure_text or step.value})"
    if action is Action.UNPUBLISH or was.records is None:
        return ""
    wanted = waits.Wanted(was.records, since=ordered.ordered_at)
    grace = publisher.patience(COUNT_GRACE)
    seen = publisher.run(waits.visible(intent.dataset_id, wanted, grace))
    if seen.is_new(wanted) and seen.has_count(wanted):
        return ""
    shown = "none" if seen.records is None else f"{seen.records:,}"
    return f"the public sees {shown} records, and {was.records:,} were there before"


def kept_for(intent: ChangeIntent) -> KeptFile | None:
    """Return the copy that can take the place of the former source of the changed resource."""
    was = intent.resource_before
    if was is None:
        return None
    whole = [one for one in intent.kept if one.is_export]
    return next((one for one in intent.kept if one.resource == was.uid), whole[0] if whole else None)


def upload_kept(publisher: DatasetPublisher, intent: ChangeIntent, kept: KeptFile) -> None:
    """Upload the kept file under a new name, and point the resource at it.

    :raises OSError: it cannot be read, or is not what was kept.
    """
    was = intent.resource_before
    assert was is not None  # noqa: S101 - else nothing was kept for it
    stem, suffix = PurePosixPath(kept.filename).stem, PurePosixPath(kept.filename).suffix
    name = f"{stem[:80]}-restored-{intent.operation.key[:12]}{suffix}"
    source = cast("Openable", publisher.place(kept.path))
    with Multipart(source, filename=name) as file:
        if file.size != kept.size:
            raise OSError(f"it has {file.size:,} bytes, and {kept.size:,} were kept")
        answer: UploadedFile = publisher.run(publisher.dialect.upload_file(intent.dataset, file))
    if kept.is_export:
        spec = ResourceSpec(was.title, "csvfile", Source(file_uid=answer.uid), EXPORT_PARAMS)
    else:
        spec = ResourceSpec(was.title, was.type, Source(file_uid=answer.uid), was.params)
    # From here on the resource is this run's own again, for another try of the rollback.
    current = publisher.intents.load(intent.operation.key)
    if current is not None:
        publisher.intents.save(current.at(current.phase, files=(*current.files, answer.uid)))
    publisher.run(actions.put_resource(publisher.dialect, intent.dataset, spec))
