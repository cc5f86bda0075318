"""What the services of both APIs share: changes that go into the history, times, uploads, parts of lists."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.opendatasoft import actions
from airflow_socrata.emulator.opendatasoft.errors import Refused, not_found, wrong_status
from airflow_socrata.emulator.opendatasoft.forms import file_of
from airflow_socrata.emulator.opendatasoft.model import Config, StoredFile
from airflow_socrata.emulator.opendatasoft.portal import slug
from airflow_socrata.emulator.opendatasoft.states import AT_REST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_socrata.emulator.opendatasoft.model import Dataset
    from airflow_socrata.emulator.opendatasoft.portal import Exchange, Portal


def seconds_time(epoch: float) -> str:
    """Return a time as the Automation API writes it: ``2026-02-06T15:13:13Z``."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


def fine_time(epoch: float) -> str:
    """Return a time as the Management API writes it: ``2023-03-01T08:00:00.120331+00:00``."""
    micros = int(epoch * 1_000_000)
    whole, rest = divmod(micros, 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{rest:06d}+00:00"


def dataset_of(portal: Portal, exchange: Exchange) -> Dataset:
    """Return the dataset that the path names.

    :raises Refused: 404 when there is none.
    """
    return portal.dataset(exchange.parts["uid"])


def not_busy(portal: Portal, dataset: Dataset) -> None:
    """Let a write pass, unless a run is under way and the switches say that it may not.

    :raises Refused: 400 with the status.
    """
    if portal.switches.writes_while_busy == "refuse" and dataset.state.internal not in AT_REST:
        raise wrong_status(dataset.state.internal, AT_REST)


@contextmanager
def changing(portal: Portal, exchange: Exchange, dataset: Dataset, *sections: str) -> Iterator[Config]:
    """Give the configuration for a change, and write it into the history.

    :raises Refused: a run is under way, and the switches say that it may not.
    """
    not_busy(portal, dataset)
    before = dataset.config.copy()
    try:
        yield dataset.config
    except Refused:
        dataset.config = before
        raise
    portal.note(dataset, exchange.user_name, sections, before)


def part_of(parts: list[dict[str, Any]], uid: str) -> dict[str, Any]:
    """Return the part of a configuration that has a uid.

    :raises Refused: 404 when there is none.
    """
    for one in parts:
        if one["uid"] == uid:
            return one
    raise not_found()


def keep_file(
    portal: Portal, exchange: Exchange, files: dict[str, StoredFile], *, derive: bool = False
) -> StoredFile:
    """Keep the file that a form, or a JSON body, brings.

    :param derive: make the uid from the name in lower case without blanks, as the Management API does.
    :raises Refused: there is none, or it is too large.
    """
    filename, mimetype, source, size = file_of(portal, exchange)
    if size > portal.switches.max_file_bytes:
        raise Refused(
            portal.switches.oversize_status, "validation_error", "The file is too large.", key="FileTooLarge"
        )
    uid = filename
    if derive:
        stem, dot, extension = filename.lower().rpartition(".")
        uid = slug(stem, "_") + dot + extension if dot else slug(filename, "_")
    if portal.switches.same_name_upload == "suffix":
        stem, dot, extension = uid.rpartition(".")
        number, wanted = 0, uid
        while uid in files:
            number += 1
            uid = f"{stem}_{number}{dot}{extension}" if dot else f"{wanted}_{number}"
    path = portal.new_path()
    shutil.move(source, path)
    files[uid] = StoredFile(uid, filename, mimetype, path, portal.clock.now(), size)
    return files[uid]


def restore(portal: Portal, exchange: Exchange, dataset: Dataset, config: Config) -> None:
    """Take the configuration back to what it was; that is a change too."""
    with changing(portal, exchange, dataset, "metadata", "data"):
        dataset.config = config.copy()


def act(portal: Portal, exchange: Exchange, name: str) -> str | None:
    """Do an action to the dataset that the path names; return its job id, if it has one.

    :raises Refused: the status does not allow it.
    """
    dataset, user = dataset_of(portal, exchange), exchange.user_name
    if name == "abort":
        actions.abort(portal, dataset, user)
        return None
    started = {
        "publish": actions.publish,
        "unpublish": actions.unpublish,
        "publish_metadata": actions.publish_metadata,
        "save_version": actions.save_version,
    }
    return started[name](portal, dataset, user).job_id
