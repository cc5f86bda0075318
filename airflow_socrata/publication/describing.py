"""Metadata of a dataset: only what differs is written, after the portal has checked all of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.client import InvalidRequest, metadata, views
from airflow_socrata.client.column_definitions import nearest
from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.licenses import license_id, license_name, nearest_licenses
from airflow_socrata.client.metadata import fieldsets_of
from airflow_socrata.client.parsing import mapping
from airflow_socrata.client.rewriting import rewrite
from airflow_socrata.publication.errors import PublicationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_socrata.client import View
    from airflow_socrata.client.metadata import Issue, Metadata, Verdict
    from airflow_socrata.publication.publisher import Publisher

#: What a DAG's author names, and what the Metadata API calls it.
TEXTS = {
    "name": "name",
    "description": "description",
    "category": "category",
    "license": "license",
    "attribution": "attribution",
    "attribution_link": "attributionLink",
    "external_id": "externalId",
}
FIELDSETS = {"custom_fields": "customFields", "private_custom_fields": "privateCustomFields"}
#: What stands in the view alone: the key of the view, and the key within it.
IN_VIEW = {"row_label": ("metadata", "rowLabel"), "contact_email": ("privateMetadata", "contactEmail")}
KNOWN = (*TEXTS, "tags", *FIELDSETS, *IN_VIEW)


class MetadataRefused(PublicationError):
    """The portal refuses the metadata; nothing was changed."""


class MetadataNotKept(PublicationError):
    """The portal has taken the metadata and shows others."""

    permanent = False


@dataclass(frozen=True, slots=True)
class Pending:
    """What differs from the portal.

    :param changes: for the Metadata API.
    :param in_view: for the view: ``metadata`` and ``privateMetadata``.
    :param names: what is changed, as a DAG's author names it.
    """

    changes: Mapping[str, Any]
    in_view: Mapping[str, Mapping[str, Any]]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MetadataChanges:
    """What a dataset shall say about itself; what is not named stays.

    :param wanted: name to value, see ``KNOWN``; None empties.
    """

    wanted: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, wanted: Any) -> MetadataChanges:
        """Check what a DAG's author wrote.

        :raises ConfigurationError: a name that does not exist, or a value of another type.
        """
        if not isinstance(wanted, dict) or not wanted:
            raise ConfigurationError("metadata must name at least one of " + ", ".join(KNOWN))
        for name, value in wanted.items():
            if name not in KNOWN:
                known = {api: own for own, api in (*TEXTS.items(), *FIELDSETS.items())}
                hint = f"; write {known[name]!r}" if name in known else nearest(str(name), KNOWN)
                raise ConfigurationError(f"metadata has no {name!r}{hint}; it has {', '.join(KNOWN)}")
            if name in FIELDSETS:
                _check_fieldsets(name, value)
            elif name == "tags":
                if value is not None and not _texts(value):
                    raise ConfigurationError("metadata: tags must be a list of texts")
            elif value is not None and not isinstance(value, str):
                raise ConfigurationError(f"metadata: {name} must be a text, not {type(value).__name__}")
        if "name" in wanted and not (wanted["name"] or "").strip():
            raise ConfigurationError("metadata: the name of a dataset cannot be empty")
        return cls(dict(wanted))

    def against(self, now: Metadata, view: View) -> Pending:
        """Return what differs from the metadata and the view as they are."""
        changes: dict[str, Any] = {}
        in_view = self.in_view(view)
        names = [name for name, (whole, key) in IN_VIEW.items() if key in in_view.get(whole, {})]
        for name, value in self.wanted.items():
            if name in IN_VIEW:
                continue
            if name in FIELDSETS:
                differing = _fieldset_changes(value, _fieldsets_now(name, now, view))
                if differing is not None:
                    changes[FIELDSETS[name]] = differing[0]
                    names.extend(f"{name}.{each}" for each in differing[1])
            elif not _same(name, value, getattr(now, name)):
                changes["tags" if name == "tags" else TEXTS[name]] = _sent(name, value)
                names.append(name)
        return Pending(changes, in_view, tuple(names))

    def in_view(self, view: View) -> dict[str, dict[str, Any]]:
        """Return what differs of that which only the view holds."""
        wholes: dict[str, dict[str, Any]] = {}
        for name, (whole, key) in IN_VIEW.items():
            value = self.wanted.get(name) or None
            if name in self.wanted and (mapping(view.raw.get(whole)).get(key) or None) != value:
                wholes.setdefault(whole, {})[key] = value
        return wholes


def _texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(each, str) and each.strip() for each in value)


def _check_fieldsets(name: str, value: Any) -> None:
    if value is None:
        raise ConfigurationError(
            f"metadata: {name}=None would take all custom fields away; name the fieldsets: {{'Name': None}}"
        )
    if not isinstance(value, dict):
        raise ConfigurationError(f"metadata: {name} must be fieldset to field to text")
    for fieldset, fields in value.items():
        if fields is not None and not isinstance(fields, dict):
            raise ConfigurationError(f"metadata: {name}.{fieldset} must be field to text, or None")
        for one, each in (fields or {}).items():
            if each is not None and not isinstance(each, str):
                raise ConfigurationError(
                    f"metadata: {name}.{fieldset}.{one} must be a text, not {type(each).__name__}"
                )


def _fieldsets_now(name: str, now: Metadata, view: View) -> Mapping[str, Mapping[str, str]]:
    if name == "custom_fields":
        return now.custom_fields
    if now.private_custom_fields is not None:
        return now.private_custom_fields
    return fieldsets_of(mapping(view.private_metadata).get("custom_fields"))


def _fieldset_changes(
    wanted: Mapping[str, Any], now: Mapping[str, Mapping[str, str]]
) -> tuple[dict[str, Any], list[str]] | None:
    """Return the fieldsets with the fields that differ, and their names; None where nothing does."""
    changes: dict[str, Any] = {}
    names: list[str] = []
    for fieldset, fields in wanted.items():
        has = now.get(fieldset, {})
        if fields is None:
            if has:
                changes[fieldset] = None
                names.append(fieldset)
            continue
        differing = {one: each or None for one, each in fields.items() if (each or None) != has.get(one)}
        if differing:
            changes[fieldset] = differing
            names.extend(f"{fieldset}.{one}" for one in differing)
    return (changes, names) if changes else None


def _same(name: str, wanted: Any, now: Any) -> bool:
    """Whether a value is the wanted one: a portal may fold tags, and tell licences by name or id."""
    if name == "tags":
        return {tag.strip().casefold() for tag in wanted or ()} == {tag.strip().casefold() for tag in now}
    if name == "license":
        return license_id(wanted or "") == license_id(now or "")
    return (wanted or "").strip() == (now or "").strip()


def _sent(name: str, value: Any) -> Any:
    if name == "license":
        return license_name(value) if value else None
    return list(value) if name == "tags" and value else value or None


@dataclass(frozen=True, slots=True)
class Described:
    """What was done.

    :param changed: what differed, as a DAG's author names it; empty: nothing was written.
    :param warnings: what the portal warned of and took nevertheless.
    :param written: False where nothing was to be done, or only the portal's verdict was asked for.
    :param open_working_copies: 4x4s of drafts that would bring the former metadata back.
    """

    dataset: str
    changed: tuple[str, ...]
    warnings: tuple[str, ...]
    written: bool
    link: str
    open_working_copies: tuple[str, ...] = ()

    def to_xcom(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "dataset": self.dataset,
            "changed": list(self.changed),
            "warnings": list(self.warnings),
            "written": self.written,
            "link": self.link,
            "open_working_copies": list(self.open_working_copies),
        }


def describe(
    publisher: Publisher,
    dataset: str,
    changes: MetadataChanges,
    *,
    strict: bool = False,
    validate_only: bool = False,
) -> Described:
    """Bring a dataset's metadata to what is wanted; attachments and all that is not named stay.

    :param dataset: published, or a draft.
    :param strict: what the portal would only warn of is refused.
    :param validate_only: ask for the portal's verdict and write nothing.
    :raises MetadataRefused: nothing was changed.
    :raises MetadataNotKept: the portal shows others than it has taken.
    """
    view = publisher.send(views.read_view(check_dataset_id(dataset)))
    now = publisher.send(metadata.read(dataset))
    pending = changes.against(now, view)
    link = publisher.link(dataset)
    if not pending.names:
        publisher.log(f"The metadata of {dataset} are as wanted: {link}")
        return Described(dataset, (), (), written=False, link=link)
    check_may_describe(view)
    warnings = _validated(publisher, view, pending, strict=strict)
    done = Described(dataset, pending.names, warnings, written=not validate_only, link=link)
    if validate_only:
        publisher.log(f"The portal would take {', '.join(pending.names)} of {dataset}; nothing was written.")
        return done
    _write(publisher, view, changes, pending, strict=strict)
    left = changes.against(
        publisher.send(metadata.read(dataset)), publisher.send(views.read_view(dataset))
    ).names
    if left:
        raise MetadataNotKept(
            f"{dataset} still shows other metadata than were written ({', '.join(left)}): {link}. See whether"
            " somebody else is changing them, and in which form the portal keeps them."
        )
    publisher.log(f"The metadata of {dataset} were changed ({', '.join(pending.names)}): {link}")
    return replace(done, open_working_copies=warned_of_drafts(publisher, view))


def check_may_describe(view: View) -> None:
    """Refuse a view whose metadata the caller may not change.

    :raises PublicationError: the portal tells the caller's rights, and this one is not among them.
    """
    if view.rights and not view.can("update_view"):
        raise PublicationError(
            f"The connection's user may not change the metadata of {view.id} ({view.name}); its rights are"
            f" {', '.join(sorted(view.rights))}. Ask the dataset's owner for the role of editor or publisher."
        )


def warned_of_drafts(publisher: Publisher, view: View) -> tuple[str, ...]:
    """Return the open working copies, which bring the former metadata back when they are published."""
    if not view.is_published:
        return ()
    drafts = publisher.send(views.publication_group(view.id, "unpublished"))
    for draft in drafts:
        publisher.log(
            f"Working copy {draft.id} of {view.id} was opened before this change: publishing it brings the"
            " former metadata and attachments back. Change them in it as well, or discard it."
        )
    return tuple(draft.id for draft in drafts)


def _validated(publisher: Publisher, view: View, pending: Pending, *, strict: bool) -> tuple[str, ...]:
    """Ask the portal before anything is written; return what it warns of."""
    if pending.in_view:
        publisher.send(views.merged_update(view, pending.in_view, validate_only=True))
    if not pending.changes:
        return ()
    try:
        verdict: Verdict = publisher.send(metadata.validate(view.id, pending.changes, strict=strict))
    except InvalidRequest as error:
        raise MetadataRefused(f"{error.brief}{_hint(pending)}. Nothing was changed.") from error
    stopping = (*verdict.errors, *(verdict.warnings if strict else ()))
    if stopping:
        raise MetadataRefused(
            f"The portal refuses metadata of {view.id}: {_listed(stopping)}{_hint(pending)}. Nothing was"
            " changed."
        )
    for each in verdict.warnings:
        publisher.log(f"The portal warns about the metadata of {view.id}: {each}")
    return tuple(str(each) for each in verdict.warnings)


def _listed(issues: Iterable[Issue]) -> str:
    return "; ".join(str(each).rstrip(".") for each in issues)


def _hint(pending: Pending) -> str:
    """Name the licences that are written like one that this side does not know."""
    wanted = pending.changes.get("license")
    near = nearest_licenses(wanted) if wanted and license_id(wanted) == wanted else ()
    return f" (licences written like {wanted!r}: {', '.join(near)})" if near else ""


def _write(
    publisher: Publisher, view: View, changes: MetadataChanges, pending: Pending, *, strict: bool
) -> None:
    if pending.changes:
        try:
            publisher.send(metadata.change(view.id, pending.changes, strict=strict))
        except InvalidRequest as error:
            raise MetadataRefused(f"{error.brief}{_hint(pending)}. Nothing was changed.") from error
    if pending.in_view:
        rewrite(publisher.session, view.id, lambda seen: changes.in_view(seen) or None)
