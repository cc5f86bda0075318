"""Files that hang on a dataset: attached once in effect, and nobody else's is lost."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from airflow_socrata.client import LocalFileFailed, NotFound, attachments, views
from airflow_socrata.client.attachments import Attachment
from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.multipart import Multipart
from airflow_socrata.client.rewriting import rewrite
from airflow_socrata.publication.describing import check_may_describe, warned_of_drafts
from airflow_socrata.publication.errors import PublicationError
from airflow_socrata.records.source import shown_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client import View
    from airflow_socrata.publication.publisher import Publisher


class AttachmentsAlike(PublicationError):
    """Several attachments have the same file name, so that the name does not tell which one is meant."""


@dataclass(frozen=True, slots=True)
class FileToAttach:
    """A file that shall hang on a dataset.

    :param path: a local path, or an object with ``open("rb")`` such as ``ObjectStoragePath``.
    :param filename: by which the attachment is known; default: the path's own.
    :param name: what people see; default: what is there, else the file name.
    :param content_type: of the file.
    :param compare: look first whether the file of that name is the same, by downloading it.
    """

    path: Any
    filename: str | None = None
    name: str | None = None
    content_type: str = "application/octet-stream"
    compare: bool = True

    @property
    def known_by(self) -> str:
        """The file name of the attachment."""
        return self.filename or PurePath(shown_path(self.path)).name

    def check(self) -> None:
        """Check the file name.

        :raises ConfigurationError: it is blank, or has line breaks or other signs that nobody sees.
        """
        if not self.known_by.strip() or not self.known_by.isprintable():
            raise ConfigurationError(f"{self.known_by!r} is no file name for an attachment: give another one")

    def body(self) -> Multipart:
        """Return the file as it is uploaded; to be entered."""
        return Multipart(self._place(), filename=self.known_by, content_type=self.content_type)

    def open(self) -> Any:
        """Open the file.

        :raises LocalFileFailed: it cannot be read.
        """
        try:
            return self._place().open("rb")
        except OSError as error:
            raise LocalFileFailed(f"{self.known_by} cannot be read: {error.strerror or error}") from error

    def _place(self) -> Any:
        return Path(self.path) if isinstance(self.path, (str, os.PathLike)) else self.path


@dataclass(frozen=True, slots=True)
class Attaching:
    """What was done.

    :param outcome: ``attached``, ``replaced``, ``renamed``, ``unchanged``, ``detached`` or ``absent``.
    :param attachments: the file names of all attachments, as the portal then shows them.
    :param open_working_copies: 4x4s of drafts that would bring the former attachments back.
    """

    dataset: str
    filename: str
    asset_id: str | None
    outcome: str
    attachments: tuple[str, ...]
    link: str
    open_working_copies: tuple[str, ...] = ()

    def to_xcom(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "dataset": self.dataset,
            "filename": self.filename,
            "asset_id": self.asset_id,
            "outcome": self.outcome,
            "attachments": list(self.attachments),
            "link": self.link,
            "open_working_copies": list(self.open_working_copies),
        }


def attach(publisher: Publisher, dataset: str, file: FileToAttach) -> Attaching:
    """Attach a file to a dataset, in the place of the one with its name if that is another one.

    :param dataset: published, or a draft.
    :raises AttachmentsAlike: several attachments have this file's name; nothing was changed.
    :raises ConfigurationError: it has no name; nothing was changed.
    :raises LocalFileFailed: the file cannot be read; nothing was changed.
    :raises EmptyUpload: the file has no bytes; nothing was changed.
    """
    file.check()
    with file.body() as body:
        view = _view(publisher, dataset)
        former = _named(attachments.of_view(view), file.known_by)
        if former is not None and file.compare and _is_the_same(publisher, dataset, former, file):
            new = replace(former, raw={**former.raw, "name": file.name}) if file.name else former
            new = Attachment.from_json(new.to_json())
        else:
            asset = publisher.send(attachments.upload(body))
            name = file.name or (former.name if former is not None else file.known_by)
            new = Attachment(file.known_by, name, asset.id)
    done = rewrite(publisher.session, dataset, lambda seen: _with(seen, new))
    outcome = _outcome(former, new, done.writes)
    publisher.log(f"{file.known_by} is {outcome} at {dataset}: {publisher.link(dataset)}")
    return _report(publisher, done.view, new, outcome)


def detach(publisher: Publisher, dataset: str, filename: str) -> Attaching:
    """Take the attachments with a file name from a dataset; where there is none, nothing is done.

    :param dataset: published, or a draft.
    """
    view = _view(publisher, dataset)
    listed = attachments.of_view(view)
    gone = next((each for each in listed if each.filename == filename), None)
    if gone is None:
        there = ", ".join(each.filename for each in listed) or "none"
        publisher.log(f"{dataset} has no attachment {filename!r}; its attachments: {there}.")
        return _report(publisher, view, Attachment(filename, filename), "absent")
    done = rewrite(publisher.session, dataset, lambda seen: _without(seen, filename))
    publisher.log(f"{filename} is detached from {dataset}: {publisher.link(dataset)}")
    return _report(publisher, done.view, gone, "detached")


def _view(publisher: Publisher, dataset: str) -> View:
    view = publisher.send(views.read_view(check_dataset_id(dataset)))
    check_may_describe(view)
    return view


def _named(listed: tuple[Attachment, ...], filename: str) -> Attachment | None:
    found = [each for each in listed if each.filename == filename]
    if len(found) > 1:
        raise AttachmentsAlike(
            f"{len(found)} attachments are called {filename!r}, so which one is meant is not known. Detach"
            " them first (SocrataDetachFileOperator takes all of the name), or give another filename."
        )
    return found[0] if found else None


def _with(view: View, new: Attachment) -> Mapping[str, Any] | None:
    listed = attachments.of_view(view)
    former = _named(listed, new.filename)
    return None if former == new else attachments.attached(listed, new, former)


def _without(view: View, filename: str) -> Mapping[str, Any] | None:
    listed = attachments.of_view(view)
    gone = [each for each in listed if each.filename == filename]
    return attachments.detached(listed, gone) if gone else None


def _outcome(former: Attachment | None, new: Attachment, writes: int) -> str:
    if former is None:
        return "attached"
    if not writes:
        return "unchanged"
    return "renamed" if (former.asset_id, former.blob_id) == (new.asset_id, new.blob_id) else "replaced"


def _report(publisher: Publisher, view: View, one: Attachment, outcome: str) -> Attaching:
    names = tuple(each.filename for each in attachments.of_view(view))
    drafts = () if outcome in {"unchanged", "absent"} else warned_of_drafts(publisher, view)
    return Attaching(view.id, one.filename, one.asset_id, outcome, names, publisher.link(view.id), drafts)


class _OtherContentError(Exception):
    """The bytes that come are not those of the file."""


class _Comparison:
    """Where a download goes that is only compared with a file, block by block."""

    def __init__(self, file: FileToAttach) -> None:
        self._file = file
        self._opened: Any = None

    def begin(self) -> None:
        """Begin at the file's beginning."""
        self.close()
        self._opened = self._file.open()

    def write(self, block: bytes) -> None:
        """Compare the next bytes."""
        left = memoryview(block)
        while left:
            data = self._opened.read(len(left))
            if not data or data != left[: len(data)]:
                raise _OtherContentError
            left = left[len(data) :]

    def end(self) -> None:
        """See that the file has no more bytes."""
        if self._opened is None or self._opened.read(1):
            raise _OtherContentError

    def close(self) -> None:
        """Close the file."""
        if self._opened is not None:
            self._opened.close()


def _is_the_same(publisher: Publisher, dataset: str, listed: Attachment, file: FileToAttach) -> bool:
    if listed.asset_id is None and listed.blob_id is None:
        return False
    comparison = _Comparison(file)
    try:
        publisher.send(attachments.download(dataset, listed, comparison))
        comparison.end()
    except _OtherContentError:
        return False
    except NotFound as error:
        publisher.log(f"{error.brief}: the file of the attachment is gone, and comes anew.")
        return False
    finally:
        comparison.close()
    return True
