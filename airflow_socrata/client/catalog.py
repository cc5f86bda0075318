"""Calls of the catalog (discovery API): which datasets a domain shows. Its index lags behind the portal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.messages import Call, CallKind, Reply, UnreadableReply
from airflow_socrata.client.parsing import integer, mapping, object_of, objects, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: Entries of one page, at most, that are asked for by :func:`entries`.
PAGE = 100


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """What the catalog says of one view.

    :param kind: ``dataset``, ``map``, ``chart`` and the like.
    :param created_at: ISO 8601; so is ``updated_at``.
    :param columns: field name to type, in the catalog's words, e.g. ``Calendar date``.
    """

    id: str
    name: str
    kind: str | None = None
    description: str = ""
    created_at: str | None = None
    updated_at: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    domain: str | None = None
    link: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class CatalogPage:
    """One page.

    :param total: how many entries there are in all.
    """

    entries: tuple[CatalogEntry, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for; what is not given does not narrow.

    :param domains: host names; the portal's own index may hold other domains too.
    :param ids: 4x4s.
    :param only: one kind, e.g. ``dataset``.
    :param words: for a full-text search.
    :param context: the domain whose settings the search follows.
    :raises ConfigurationError: if an id is no 4x4.
    """

    domains: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    only: str | None = None
    words: str | None = None
    context: str | None = None

    def __post_init__(self) -> None:
        for one in self.ids:
            check_dataset_id(one)

    def params(self) -> list[tuple[str, str]]:
        """The query parameters."""
        params = [("domains", ",".join(self.domains))] if self.domains else []
        params += [("ids", ",".join(self.ids))] if self.ids else []
        named = (("only", self.only), ("q", self.words), ("search_context", self.context))
        return params + [(name, value) for name, value in named if value]


def page(search: Search, *, limit: int = PAGE, offset: int = 0) -> Call[CatalogPage]:
    """Read one page.

    :raises ConfigurationError: if limit or offset are no such numbers.
    """
    if limit < 1 or offset < 0:
        raise ConfigurationError(f"limit is {limit}, offset {offset}: a page holds entries")
    params = (*search.params(), ("limit", str(limit)), ("offset", str(offset)))
    return Call(CallKind.READ, "GET", "/api/catalog/v1", _parse_page, "read the catalog", params=params)


def entries(
    send: Callable[[Call[CatalogPage]], CatalogPage], search: Search, *, limit: int = PAGE
) -> Iterator[CatalogEntry]:
    """Yield all entries, page after page; one that moves to the next page meanwhile comes once.

    :param send: e.g. ``session.send``.
    """
    seen: set[str] = set()
    offset = 0
    while True:
        got = send(page(search, limit=limit, offset=offset))
        yield from (entry for entry in got.entries if entry.id not in seen)
        seen.update(entry.id for entry in got.entries)
        offset += len(got.entries)
        if not got.entries or offset >= got.total:
            return


def _parse_page(reply: Reply) -> CatalogPage:
    body = object_of(reply, "a page of the catalog")
    if not isinstance(body.get("results"), list):
        raise UnreadableReply("the catalog has no results")
    found = tuple(entry for item in objects(body["results"]) if (entry := _entry(item)) is not None)
    total = integer(body.get("resultSetSize"))
    return CatalogPage(found, len(found) if total is None else total)


def _entry(item: Mapping[str, Any]) -> CatalogEntry | None:
    resource = mapping(item.get("resource"))
    view_id = text(resource.get("id"))
    if view_id is None:
        return None
    names, types = resource.get("columns_field_name"), resource.get("columns_datatype")
    columns: dict[str, str] = {}
    if isinstance(names, list) and isinstance(types, list) and len(names) == len(types):
        columns = {str(name): str(kind) for name, kind in zip(names, types, strict=True)}
    entry = CatalogEntry(
        view_id,
        text(resource.get("name")) or "",
        text(resource.get("type")),
        text(resource.get("description")) or "",
        text(resource.get("createdAt")),
        text(resource.get("updatedAt")),
        columns,
        raw=item,
    )
    domain, link = text(mapping(item.get("metadata")).get("domain")), text(item.get("link"))
    return replace(entry, domain=domain, link=link)
