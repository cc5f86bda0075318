"""Calls that export a whole view, straight into a file: nothing of it is whole in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.client.errors import ConfigurationError
from airflow_socrata.client.ids import check_dataset_id
from airflow_socrata.client.messages import JSON_TYPE, Call, CallKind
from airflow_socrata.client.parsing import nothing
from airflow_socrata.client.rows import rows_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_socrata.client.messages import ReplySink

#: What a view is exported as, and what rows are read as.
VIEW_FORMATS = ("csv", "json", "rdf", "tsv", "xml")
ROW_FORMATS = ("csv", "geojson", "json", "rdf", "tsv", "xml")
_ANY_TYPE = (("Accept", "*/*"),)


def view(
    dataset_id: str,
    form: str,
    into: ReplySink,
    *,
    query: str | None = None,
    bom: bool = False,
    formatted: bool = False,
) -> Call[None]:
    """Export all rows of a view under its display names.

    :param form: ``csv``, ``json`` (rows as arrays, behind the view's metadata), ``rdf``, ``tsv`` or ``xml``.
    :param into: where the bytes go; told to begin anew when the call is sent again.
    :param query: a whole SoQL query; None: all rows and columns.
    :param bom: begin CSV with a byte-order mark, which spreadsheets look for.
    :param formatted: values as the portal's pages show them, e.g. with a currency sign.
    :raises ConfigurationError: if ``dataset_id`` is no 4x4 or the format is unknown; so do all calls here.
    """
    params = [("accessType", "DOWNLOAD")]
    params += [("query", query)] if query else []
    params += [("bom", "true")] if bom else []
    params += [("format", "true")] if formatted else []
    path = f"/api/views/{check_dataset_id(dataset_id)}/rows.{checked_format(form, VIEW_FORMATS)}"
    return download(path, params, into, f"export {dataset_id} as {form}")


def rows(
    dataset_id: str, form: str, into: ReplySink, *, query: str | None = None, plain_ids: bool = False
) -> Call[None]:
    """Export what a SoQL query selects under field names.

    :param form: ``csv``, ``geojson``, ``json``, ``rdf``, ``tsv`` or ``xml``.
    :param query: SoQL; end it with LIMIT, or the portal gives 1,000 rows. None: all columns by ``:id``, and
        as many rows as the portal gives in one reply.
    :param plain_ids: internal row ids as numbers.
    """
    params = [("$query", query)] if query else [("$order", ":id"), ("$limit", str(MOST_ROWS))]
    params += [("$$obfuscate_id", "false")] if plain_ids else []
    path = rows_path(dataset_id, checked_format(form, ROW_FORMATS))
    return download(path, params, into, f"export rows of {dataset_id} as {form}")


#: More rows than any dataset of a portal has.
MOST_ROWS = 2_000_000_000


def checked_format(form: str, known: tuple[str, ...]) -> str:
    """Return a format that is known.

    :raises ConfigurationError: if it is not.
    """
    if form not in known:
        raise ConfigurationError(f"format {form!r} is unknown: use one of {', '.join(known)}")
    return form


def download(
    path: str,
    params: Iterable[tuple[str, str]],
    into: ReplySink,
    summary: str,
    *,
    body: bytes | None = None,
) -> Call[None]:
    """A call whose reply goes into a sink.

    :param body: JSON that asks for it by POST; None: GET.
    """
    return Call(
        CallKind.READ,
        "GET" if body is None else "POST",
        path,
        nothing,
        summary,
        params=tuple(params),
        headers=_ANY_TYPE if body is None else (*_ANY_TYPE, *JSON_TYPE),
        body=body,
        into=into,
    )
