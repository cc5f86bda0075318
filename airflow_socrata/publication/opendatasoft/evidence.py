"""What the portal tells of who changed what: the names of files, and the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.client.errors import NotFound
from airflow_socrata.publication.errors import OlderRun
from airflow_socrata.publication.opendatasoft.naming import order_of, read_name, series_of

if TYPE_CHECKING:
    from airflow_socrata.opendatasoft.models import Resource, UploadedFile, Version
    from airflow_socrata.publication.opendatasoft.publisher import DatasetPublisher
    from airflow_socrata.publication.operation import Operation


def check_order(
    publisher: DatasetPublisher, operation: Operation, uid: str, resources: tuple[Resource, ...]
) -> None:
    """Refuse to publish the data of an older run over those of a newer one.

    :raises OlderRun: a resource takes its records from a file that a newer run of the same task has uploaded.
    """
    for resource in resources:
        file_uid = resource.source.file_uid
        if file_uid is None:
            continue
        named = read_name(file_uid) or read_name(_filename(publisher, uid, file_uid))
        if named is not None and named.series == series_of(operation) and named.order > order_of(operation):
            raise OlderRun(
                f"A newer run of {operation.dag_id} has changed resource {resource.title!r} of {uid} already"
                f" (file {file_uid}), and this run ({operation.order}) is older: its records would replace"
                " newer ones. Pass allow_older_run=True to do so."
            )


def _filename(publisher: DatasetPublisher, uid: str, file_uid: str) -> str | None:
    try:
        file: UploadedFile = publisher.run(publisher.dialect.read_file(uid, file_uid))
    except NotFound:
        return None
    return file.filename


def entries_after(versions: tuple[Version, ...], uid: str | None) -> tuple[Version, ...] | None:
    """Return the entries of a history after one; ``None`` where that one is kept no more.

    :param versions: newest first.
    """
    if uid is None:
        return versions
    for number, one in enumerate(versions):
        if one.uid == uid:
            return versions[:number]
    return None
