"""What takes several calls and is the same in both APIs: find, create once, put, order with proof, delete.

All return :data:`~airflow_socrata.opendatasoft.steps.Steps`. Where a reply is lost, the portal is looked at:
what turns out to have been carried out is a success, what was not raises the failure, and may be tried again.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.errors import ConfigurationError, Conflict, NotFound, PortalError
from airflow_socrata.opendatasoft import explore
from airflow_socrata.opendatasoft.bodies import is_uid
from airflow_socrata.opendatasoft.errors import DatasetExists
from airflow_socrata.opendatasoft.status import Action, has_moved, is_at_rest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_socrata.client.messages import Call
    from airflow_socrata.opendatasoft.dialect import Dialect, Pipeline
    from airflow_socrata.opendatasoft.models import (
        CatalogEntry,
        Configured,
        Dataset,
        MetadataValue,
        Page,
        Resource,
        ResourceSpec,
        Status,
    )
    from airflow_socrata.opendatasoft.steps import Steps

_PAGE, _MOST_PAGES = 100, 10


@dataclass(frozen=True, slots=True)
class PutResource:
    """A resource as it is now, and as it was; None if it is new."""

    resource: Resource
    before: Resource | None


def find(dialect: Dialect, dataset: str) -> Steps[Dataset]:
    """Find a dataset by its dataset id or its uid.

    :raises NotFound: naming the nearest dataset id that the user may edit.
    :raises Conflict: if several datasets have this id.
    """
    if is_uid(dataset):
        try:
            found: Dataset = yield dialect.get_dataset(dataset)
        except NotFound:
            return (yield from _by_id(dialect, dataset))  # a dataset id may look like a uid
        return found
    return (yield from _by_id(dialect, dataset))


def _by_id(dialect: Dialect, dataset_id: str) -> Steps[Dataset]:
    found: tuple[Dataset, ...] = yield dialect.lookup(dataset_id)
    if len(found) == 1:
        return found[0]
    if found:
        uids = ", ".join(one.uid for one in found)
        raise Conflict(
            f"{len(found)} datasets have the dataset id {dataset_id}: {uids}",
            summary=f"find dataset {dataset_id}",
            advice="give the uid",
        )
    known: list[str] = []
    for number in range(_MOST_PAGES):
        page: Page[Dataset] = yield dialect.list_datasets(limit=_PAGE, offset=number * _PAGE)
        known += [one.dataset_id for one in page.items]
        if len(page.items) < _PAGE or (page.total is not None and len(known) >= page.total):
            break
    raise NotFound(
        f"the user may edit no dataset with the dataset id {dataset_id}{_nearest(dataset_id, known)}",
        summary=f"find dataset {dataset_id}",
        advice="check the id, and that the key and its owner may edit the dataset",
    )


def published_entry(dataset_id: str) -> Steps[CatalogEntry]:
    """Read a dataset's entry in Explore's catalog.

    :raises NotFound: naming the nearest published dataset.
    """
    try:
        entry: CatalogEntry = yield explore.catalog_entry(dataset_id)
    except NotFound as error:
        known: tuple[str, ...] = yield explore.dataset_ids()
        if dataset_id in known:
            raise
        raise NotFound(
            f"Explore has no dataset {dataset_id}{_nearest(dataset_id, known)}",
            summary=error.summary,
            status=error.status,
            code=error.code,
            failure=error.failure,
            advice="check the id; a dataset that is not published does not show in Explore",
        ) from None
    return entry


def _nearest(wanted: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(wanted.lower(), {one.lower(): one for one in known}, n=1, cutoff=0.5)
    return f"; the nearest is {close[0]}" if close else ""


def create(
    dialect: Dialect,
    dataset_id: str,
    title: str,
    *,
    metadata: Iterable[MetadataValue] = (),
    is_restricted: bool | None = None,
) -> Steps[Dataset]:
    """Create a dataset, once.

    :raises DatasetExists: if there is one with this dataset id; ``error.dataset`` is that one.
    """
    metadata = tuple(metadata)
    existing: tuple[Dataset, ...] = yield dialect.lookup(dataset_id)
    if existing:
        raise DatasetExists(
            f"dataset {existing[0].uid} has the dataset id {dataset_id} already",
            summary=f"create dataset {dataset_id}",
            dataset=existing[0],
        )
    try:
        return (
            yield from dialect.post_dataset(dataset_id, title, metadata=metadata, is_restricted=is_restricted)
        )
    except PortalError as error:
        if error.landing != "unknown":
            raise
        made: tuple[Dataset, ...] = yield dialect.lookup(dataset_id)
        if len(made) != 1:
            raise
    if is_restricted is not None:
        yield from dialect.set_restricted(made[0].uid, is_restricted)
    yield from dialect.set_metadata(made[0].uid, metadata)
    return made[0]


def delete(dialect: Dialect, uid: str) -> Steps[bool]:
    """Delete a dataset for good. Returns False if it was gone already."""
    try:
        yield dialect.delete_dataset(uid)
    except NotFound:
        return False
    except PortalError as error:
        if error.landing != "unknown":
            raise
        try:
            yield dialect.get_dataset(uid)
        except NotFound:
            return True
        raise error from None
    return True


def put_resource(dialect: Dialect, uid: str, spec: ResourceSpec) -> Steps[PutResource]:
    """Change the resource that has this title, or add one.

    :raises Conflict: if several resources have this title.
    """
    known: tuple[Resource, ...] = yield dialect.resources(uid)
    same = [one for one in known if one.title == spec.title]
    if len(same) > 1:
        raise Conflict(
            f"{len(same)} resources of dataset {uid} have the title {spec.title!r}",
            summary=f"set resource {spec.title!r} of dataset {uid}",
            advice="give them titles of their own on the portal, or delete what is not needed",
        )
    if same:
        changed: Resource = yield dialect.replace_resource(uid, same[0], spec)
        return PutResource(changed, same[0])
    try:
        added: Resource = yield dialect.create_resource(uid, spec)
    except PortalError as error:
        if error.landing != "unknown":
            raise
        before = {one.uid for one in known}
        now: tuple[Resource, ...] = yield dialect.resources(uid)
        new = [one for one in now if one.uid not in before and one.title == spec.title]
        if len(new) != 1 or new[0].source != spec.source:
            raise
        added = new[0]
    return PutResource(added, None)


def delete_resource(dialect: Dialect, uid: str, resource_uid: str) -> Steps[bool]:
    """Delete a resource. Returns False if it was gone already."""
    try:
        yield dialect.delete_resource(uid, resource_uid)
    except NotFound:
        left: tuple[Resource, ...] = yield dialect.resources(uid)  # the dataset itself may be what is absent
        if any(one.uid == resource_uid for one in left):
            raise
        return False
    except PortalError as error:
        if error.landing != "unknown":
            raise
        left = yield dialect.resources(uid)
        if any(one.uid == resource_uid for one in left):
            raise
    return True


def configure(dialect: Dialect, uid: str, kind: Pipeline, items: Iterable[Configured]) -> Steps[int]:
    """Add the field configurations or processors that are not there yet. Returns how many were added.

    Same means the same type and arguments; labels and uids are not compared.
    """
    known: tuple[Configured, ...] = yield dialect.pipeline(uid, kind)
    added = 0
    for item in items:
        if any(_same(one, item) for one in known):
            continue
        try:
            yield dialect.add_to_pipeline(uid, kind, item)
        except PortalError as error:
            if error.landing != "unknown":
                raise
            known = yield dialect.pipeline(uid, kind)
            if not any(_same(one, item) for one in known):
                raise
        added += 1
    return added


def _same(one: Configured, other: Configured) -> bool:
    return one.type == other.type and dict(one.args) == dict(other.args)


def order(dialect: Dialect, uid: str, action: Action, before: Status) -> Steps[None]:
    """Order publish, unpublish, publish_metadata or abort.

    :param before: the status read just before. Where the reply is lost, a status that has moved since then
        proves the order: whoever gave it, the run began after ``before`` was read.
    :raises InvalidDatasetStatus: if the status does not allow it; ``error.busy`` tells whether to wait.
    """
    try:
        yield _order_call(dialect, uid, action)
    except PortalError as error:
        if error.landing != "unknown":
            raise
        now: Status = yield dialect.status(uid)
        if action is Action.ABORT:
            landed = is_at_rest(now.name) or now.name == "aborting_processing"
        else:
            landed = has_moved(now, before) or not is_at_rest(now.name)
        if not landed:
            raise


def _order_call(dialect: Dialect, uid: str, action: Action) -> Call[Any]:
    calls = {
        Action.PUBLISH: dialect.publish,
        Action.UNPUBLISH: dialect.unpublish,
        Action.PUBLISH_METADATA: dialect.publish_metadata,
        Action.ABORT: dialect.abort,
    }
    if action not in calls:
        raise ConfigurationError(f"{action.value} is no order")
    return calls[action](uid)
