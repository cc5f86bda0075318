"""What a domain asks of metadata: its categories, its custom fields, and what is wrong with a change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.edge.licenses import license_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_socrata.emulator.settings import Switches

READ_ONLY = (
    "id",
    "domain",
    "dataUri",
    "webUri",
    "createdAt",
    "updatedAt",
    "dataUpdatedAt",
    "metadataUpdatedAt",
    "provenance",
    "hideFromCatalog",
    "hideFromDataJson",
)
TEXTS = ("name", "description", "category", "license", "attribution", "attributionLink", "externalId")
FIELDSETS = ("customFields", "privateCustomFields")


@dataclass(frozen=True, slots=True)
class CustomField:
    """One custom field of the domain; ``options`` are the only values that it takes, if there are any."""

    name: str
    required: bool = False
    private: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetadataRules:
    """The domain's settings; without categories, or fieldsets, all are taken."""

    categories: tuple[str, ...] = ()
    fieldsets: Mapping[str, tuple[CustomField, ...]] = field(default_factory=dict)

    def custom(self, key: str, fieldset: str) -> dict[str, CustomField]:
        """Return the fields of a set that stand under ``customFields`` or ``privateCustomFields``."""
        private = key == "privateCustomFields"
        return {each.name: each for each in self.fieldsets.get(fieldset, ()) if each.private == private}

    @classmethod
    def of(cls, order: Mapping[str, Any]) -> MetadataRules:
        """Read the order of a test: ``categories`` and ``fieldsets``, as a portal's pages hold them."""
        sets = {
            str(each["name"]): tuple(
                CustomField(
                    str(one["name"]),
                    one.get("required") is True,
                    one.get("private") is True,
                    tuple(map(str, one.get("options") or ())),
                )
                for one in each["fields"]
            )
            for each in order.get("fieldsets") or ()
        }
        return cls(tuple(map(str, order.get("categories") or ())), sets)


@dataclass(frozen=True, slots=True)
class Issue:
    """What is wrong with one field."""

    field: str
    message: str


@dataclass(slots=True)
class Issues:
    """What is wrong with a change; warnings stop it only where it is to be strict."""

    errors: list[Issue] = field(default_factory=list)
    warnings: list[Issue] = field(default_factory=list)

    def stop(self, *, strict: bool) -> bool:
        """Whether the change is not made."""
        return bool(self.errors or (strict and self.warnings))


def check(
    rules: MetadataRules, switches: Switches, current: Mapping[str, Any], body: Mapping[str, Any]
) -> Issues:
    """Return what is wrong with a change.

    :param current: the metadata as they are.
    :param body: the change.
    """
    issues = Issues()
    for key, value in body.items():
        if key in READ_ONLY:
            if value != current.get(key):
                issues.errors.append(Issue(key, f"{key} is read-only"))
        elif key in FIELDSETS:
            issues.errors.extend(_fieldsets(rules, key, value))
        elif key == "tags":
            if value is not None and not _texts(value):
                issues.errors.append(Issue(key, "tags must be an array of strings"))
        elif key in TEXTS:
            _check_text(rules, switches, issues, key, value)
        elif switches.metadata_unknown_field == "error":
            issues.errors.append(Issue(key, f"Unrecognized field: {key}"))
    issues.warnings.extend(_missing(rules, body, current))
    return issues


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _check_text(rules: MetadataRules, switches: Switches, issues: Issues, key: str, value: Any) -> None:
    if value is not None and not isinstance(value, str):
        issues.errors.append(Issue(key, f"{key} must be a string"))
    elif key == "name" and not (value or "").strip():
        issues.errors.append(Issue(key, "name may not be blank"))
    elif value and key == "license" and license_of(value) is None:
        issues.errors.append(Issue(key, f"{value} is not a valid license"))
    elif value and key == "category" and rules.categories and value not in rules.categories:
        found = Issue(key, f"{value} is not a category of this domain")
        (issues.errors if switches.metadata_unknown_category == "error" else issues.warnings).append(found)
    elif value and key == "attributionLink" and not value.startswith(("http://", "https://")):
        issues.warnings.append(Issue(key, "attributionLink is not a URL"))


def _fieldsets(rules: MetadataRules, key: str, value: Any) -> Iterator[Issue]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield Issue(key, f"{key} must be an object")
        return
    for name, fields in value.items():
        if rules.fieldsets and name not in rules.fieldsets:
            yield Issue(f"{key}.{name}", f"There is no custom fieldset {name}")
        elif fields is not None and not isinstance(fields, dict):
            yield Issue(f"{key}.{name}", f"The fieldset {name} must be an object")
        else:
            yield from _fields(rules, key, name, fields or {})


def _fields(rules: MetadataRules, key: str, fieldset: str, fields: Mapping[str, Any]) -> Iterator[Issue]:
    known = rules.custom(key, fieldset)
    for name, value in fields.items():
        place = f"{key}.{fieldset}.{name}"
        if value is not None and not isinstance(value, str):
            yield Issue(place, f"{name} must be a string")
        elif rules.fieldsets and name not in known:
            yield Issue(place, f"{fieldset} has no field {name}")
        elif value and name in known and known[name].options and value not in known[name].options:
            options = ", ".join(known[name].options)
            yield Issue(place, f"{value} is not an option of {name}; the options are {options}")


def _missing(rules: MetadataRules, body: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[Issue]:
    """Yield the required custom fields that stay empty."""
    for fieldset, fields in rules.fieldsets.items():
        for each in fields:
            key = "privateCustomFields" if each.private else "customFields"
            if each.required and not merged(current.get(key), body, key).get(fieldset, {}).get(each.name):
                yield Issue(f"{key}.{fieldset}.{each.name}", f"{each.name} is required")


def merged(stored: Mapping[str, Any] | None, body: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the fieldsets after a change: null takes away a value, a set, or all of them."""
    sets = {name: dict(fields) for name, fields in (stored or {}).items() if isinstance(fields, dict)}
    if key not in body:
        return sets
    if not isinstance(body[key], dict):
        return {}
    for name, fields in body[key].items():
        if not isinstance(fields, dict):
            sets.pop(name, None)
            continue
        kept = sets.get(name, {}) | fields
        sets[name] = {each: value for each, value in kept.items() if value is not None}
    return sets
