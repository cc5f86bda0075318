"""Links of the Dataset Management API: followed as the portal gives them; only entry points are built."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_socrata.client.errors import ConfigurationError, LinkMissing
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.wire import PUBLISHING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")


@dataclass(frozen=True, slots=True)
class Links:
    """The ``links`` of a reply: paths, templates of paths, and groups of them for things below.

    :param values: name to path, or to a group of further links.
    """

    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any) -> Links:
        """Read a ``links`` object; anything else holds no links."""
        return cls(value if isinstance(value, dict) else {})

    def path(self, name: str, /, **values: object) -> str:
        """Return the link ``name``, with its placeholders filled.

        :raises LinkMissing: if the portal gave no such link, a value for it lacks, or it is no path there.
        """
        link = self.values.get(name)
        if not isinstance(link, str):
            raise LinkMissing(f"the portal gave no link {name!r} here")
        # A link is put behind the portal's own address: "@other.example" there would be another host.
        if not link.startswith("/"):
            raise LinkMissing(f"the portal's link {name!r} is no path on the portal")
        filled = _fill(link, values)
        missing = _PLACEHOLDER.search(filled)
        if missing:
            raise LinkMissing(f"the portal's link {name!r} wants {missing.group(1)!r}, which is not known")
        return quote(filled, safe="/?%:@!$&'()*+,;=~-._")

    def find(self, name: str, /, **values: object) -> str | None:
        """Return the link ``name`` as :meth:`path` does, or None where it raises."""
        try:
            return self.path(name, **values)
        except LinkMissing:
            return None

    def has(self, name: str) -> bool:
        """Tell whether there is a link ``name``."""
        return isinstance(self.values.get(name), str)

    def group(self, name: str, /, **values: object) -> Links:
        """Return the links below ``name`` with what is known filled in; none if there is no such group."""
        inner = self.values.get(name)
        return Links(_fill_all(inner, values)) if isinstance(inner, dict) else Links()

    def over(self, others: Links) -> Links:
        """Return these links, and those of ``others`` that lack here."""
        return Links({**others.values, **self.values})


def _fill(template: str, values: Mapping[str, object]) -> str:
    def value_of(found: re.Match[str]) -> str:
        name = found.group(1)
        return quote(str(values[name]), safe="") if name in values else found.group(0)

    return _PLACEHOLDER.sub(value_of, template)


def _fill_all(links: Mapping[str, Any], values: Mapping[str, object]) -> dict[str, Any]:
    return {
        name: _fill(link, values)
        if isinstance(link, str)
        else (_fill_all(link, values) if isinstance(link, dict) else link)
        for name, link in links.items()
    }


def revisions_path(dataset_id: str | None) -> str:
    """Address of the revisions of a dataset, or of those that make a new one."""
    return f"{PUBLISHING}/revision" + (f"/{check_dataset_id(dataset_id)}" if dataset_id is not None else "")


def revision_path(dataset_id: str, seq: int) -> str:
    """Address of one revision of a dataset."""
    return f"{revisions_path(dataset_id)}/{check_number(seq, 'revision', least=0)}"


def sources_path() -> str:
    """Address of sources that belong to no revision yet."""
    return f"{PUBLISHING}/source"


def source_path(source_id: int) -> str:
    """Address of one source."""
    return f"{sources_path()}/{check_number(source_id, 'source')}"


def configs_path() -> str:
    """Address of the domain's saved configs."""
    return f"{PUBLISHING}/config"


def config_path(name: str) -> str:
    """Address of one saved config."""
    return f"{configs_path()}/{quote(check_config_name(name), safe='')}"


def check_number(value: int, what: str, *, least: int = 1) -> int:
    """Return ``value`` if it is a number that the portal gives out.

    :raises ConfigurationError: if it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{str(value)[:80]!r} is no number of a {what}")
    return value


def check_config_name(name: str) -> str:
    """Return ``name`` if a config can have it.

    :raises ConfigurationError: if it is empty.
    """
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError("the name of the config is empty")
    return name
