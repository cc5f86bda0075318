"""Calls of the SODA 3 query API: read only, with options in a JSON body."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.exports import checked_format, download
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind, Reply, UnreadableReply
from airflow_socrata.client.parsing import refuse_error_object, shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_socrata.client.messages import ReplySink

Ordering: TypeAlias = Literal["total", "no_preserve", "discard"]
FORMATS = ("csv", "geojson", "json", "xml")


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """What may be said beside the query, for reading and for exports.

    :param parameters: values of the query's ``param()`` names.
    :param timeout: seconds that the portal may compute.
    :param ordering: ``total``: every row has its place, which pages need; ``no_preserve``: forget the order
        of the views below; ``discard``: no order at all.
    :raises ConfigurationError: if the ordering is unknown.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeout: int | None = None
    ordering: Ordering | None = None

    def __post_init__(self) -> None:
        if self.ordering not in {None, *get_args(Ordering)}:
            raise ConfigurationError(
                f"ordering is {self.ordering!r}; it is one of {', '.join(get_args(Ordering))}"
            )

    def to_json(self) -> dict[str, Any]:
        """The keys of the body."""
        body: dict[str, Any] = {"parameters": dict(self.parameters)} if self.parameters else {}
        if self.timeout is not None:
            body["timeout"] = self.timeout
        if self.ordering is not None:
            body["orderingSpecifier"] = self.ordering
        return body


DEFAULTS = QueryOptions()


def query(
    dataset_id: str,
    soql: str = "SELECT *",
    *,
    page: int | None = None,
    page_size: int | None = None,
    include_system: bool = False,
    include_synthetic: bool = False,
    options: QueryOptions = DEFAULTS,
) -> Call[list[dict[str, Any]]]:
    """Read what a query selects, whole in memory. The portal wants a signed-in user or an app token.

    :param page: number of the page, from 1; None: the whole result.
    :param page_size: rows of a page.
    :param include_system: add ``:id``, ``:version``, ``:created_at``, ``:updated_at``.
    :param include_synthetic: add the columns that the platform computes.
    :raises ConfigurationError: if ``dataset_id`` is no 4x4, or the page is none.
    """
    body: dict[str, Any] = {"query": soql, **options.to_json()}
    body |= {"includeSystem": include_system, "includeSynthetic": include_synthetic}
    if page is not None or page_size is not None:
        body["page"] = _page(page, page_size)
    return Call(
        CallKind.READ,
        "POST",
        _path(dataset_id, "query", "json"),
        _parse_rows,
        f"query {dataset_id}",
        headers=JSON_TYPE,
        body=json.dumps(body, ensure_ascii=False).encode(),
    )


def query_by_address(
    dataset_id: str, soql: str = "SELECT *", *, page: int | None = None, page_size: int | None = None
) -> Call[list[dict[str, Any]]]:
    """Read what a short query selects, by GET: system fields are in it."""
    params = [("query", soql)]
    if page is not None or page_size is not None:
        params += [(name, str(value)) for name, value in _page(page, page_size).items()]
    path = _path(dataset_id, "query", "json")
    return Call(CallKind.READ, "GET", path, _parse_rows, f"query {dataset_id}", params=tuple(params))


def export(
    dataset_id: str,
    form: str,
    into: ReplySink,
    *,
    soql: str = "SELECT *",
    options: QueryOptions = DEFAULTS,
    serialization: Mapping[str, Any] | None = None,
) -> Call[None]:
    """Export all that a query selects.

    :param form: ``csv``, ``geojson``, ``json`` or ``xml``.
    :param into: where the bytes go; told to begin anew when the call is sent again.
    :param serialization: how values are written, by the portal's names.
    """
    body: dict[str, Any] = {"query": soql, **options.to_json()}
    if serialization:
        body["serializationOptions"] = dict(serialization)
    path = _path(dataset_id, "export", checked_format(form, FORMATS))
    data = json.dumps(body, ensure_ascii=False).encode()
    return download(path, (), into, f"export {dataset_id} as {form}", body=data)


def _path(dataset_id: str, verb: str, form: str) -> str:
    return f"/api/v3/views/{check_dataset_id(dataset_id)}/{verb}.{form}"


def _page(page: int | None, page_size: int | None) -> dict[str, int]:
    number, size = 1 if page is None else page, 1000 if page_size is None else page_size
    if number < 1 or size < 1:
        raise ConfigurationError(f"page {number} of {size} rows: pages are counted from 1 and hold rows")
    return {"pageNumber": number, "pageSize": size}


def _parse_rows(reply: Reply) -> list[dict[str, Any]]:
    body = reply.json()
    if isinstance(body, dict):
        refuse_error_object(body)
        body = body.get("data", body)
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise UnreadableReply(f"expected an array of rows, got {shape(body)}")
    return body
