"""Files that hang on a dataset: uploaded as assets, listed in the view's metadata, downloaded by their id."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.messages import Call, CallKind, Reply, UnreadableReply
from airflow_socrata.client.multipart import upload_headers
from airflow_socrata.client.parsing import mapping, nothing, object_of, objects, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_socrata.client.messages import ReplySink
    from airflow_socrata.client.models import View
    from airflow_socrata.client.multipart import Multipart

_GONE = "the view still lists it, but its file is gone: attach the file anew, or detach it"
_SAFE = "-_.~"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that the portal keeps, attached or not.

    :param name: as the portal has taken it.
    """

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """One line of a view's list of attachments.

    :param filename: the name of the file.
    :param name: what people see.
    :param asset_id: the file; None on old datasets, which have a ``blob_id``.
    :param raw: the line as it came, with keys that this package does not know.
    """

    filename: str
    name: str
    asset_id: str | None = None
    blob_id: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Attachment:
        """Read a line; one without a name is known by its file's name."""
        filename = text(body.get("filename")) or text(body.get("name")) or ""
        return cls(
            filename,
            text(body.get("name")) or filename,
            text(body.get("assetId")),
            text(body.get("blobId")),
            raw=body,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the line as it came; one of this side's own in the portal's form."""
        if self.raw:
            return dict(self.raw)
        return {"filename": self.filename, "assetId": self.asset_id, "name": self.name}


def of_view(view: View) -> tuple[Attachment, ...]:
    """Return the attachments of a view, in the order of the portal."""
    listed = objects(mapping(view.raw.get("metadata")).get("attachments"))
    return tuple(Attachment.from_json(each) for each in listed)


def upload(file: Multipart) -> Call[Asset]:
    """Upload a file to the portal's assets; nobody sees it before it is attached.

    :param file: entered, so that it is open.
    """
    return Call(
        CallKind.FILE,
        "POST",
        "/api/assets",
        _parse_asset,
        f"upload {file.filename}",
        headers=upload_headers(file),
        body=file,
    )


def upload_to(dataset_id: str, file: Multipart) -> Call[Asset]:
    """Upload a file at a dataset's own address, the older way; it is attached no more than by :func:`upload`.

    :raises ConfigurationError: ``dataset_id`` is no 4x4.
    """
    return replace(upload(file), path=f"/api/views/{check_dataset_id(dataset_id)}/files.txt")


def download(dataset_id: str, attachment: Attachment, into: ReplySink) -> Call[None]:
    """Download an attachment.

    :raises ConfigurationError: ``dataset_id`` is no 4x4, or the attachment names no file.
    """
    params: tuple[tuple[str, str], ...] = (("download", "true"),)
    if attachment.asset_id is not None:
        path = f"/api/views/{check_dataset_id(dataset_id)}/files/{quote(attachment.asset_id, _SAFE)}"
        params = (*params, ("filename", attachment.filename))
    elif attachment.blob_id is not None:
        path = f"/api/assets/{quote(attachment.blob_id, _SAFE)}"
    else:
        raise ConfigurationError(f"the attachment {attachment.filename!r} of {dataset_id} names no file")
    summary = f"download {attachment.filename} of {dataset_id}"
    return Call(CallKind.READ, "GET", path, nothing, summary, params=params, if_absent=_GONE, into=into)


def attached(listed: Sequence[Attachment], new: Attachment, former: Attachment | None) -> dict[str, Any]:
    """Return the change that puts an attachment in the place of a former one, or behind all others."""
    kept = [new if each == former else each for each in listed]
    return _list(kept if former in listed else [*listed, new])


def detached(listed: Sequence[Attachment], gone: Sequence[Attachment]) -> dict[str, Any]:
    """Return the change that takes attachments from the list."""
    return _list([each for each in listed if each not in gone])


def _list(attachments: Sequence[Attachment]) -> dict[str, Any]:
    return {"metadata": {"attachments": [each.to_json() for each in attachments]}}


def _parse_asset(reply: Reply) -> Asset:
    body = object_of(reply, "an asset")
    asset_id = text(body.get("id"))
    if asset_id is None:
        raise UnreadableReply("the asset has no id")
    return Asset(asset_id, text(body.get("nameForOutput")) or "")
