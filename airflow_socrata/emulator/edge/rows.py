"""Row writes: upsert, replace, truncate, and one row."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.edge.bodies import (
    Naming,
    boolean_option,
    csv_blocks,
    inflate,
    json_blocks,
    json_rows,
    row_number,
)
from airflow_socrata.emulator.edge.portal import Reply
from airflow_socrata.emulator.edge.reading import stored_row
from airflow_socrata.emulator.errors import (
    PortalError,
    core_error,
    dataset_missing,
    invalid_request,
    soda_error,
)
from airflow_socrata.emulator.store import writing
from airflow_socrata.emulator.store.model import PUBLISHED, SNAPSHOTTED
from airflow_socrata.emulator.store.writing import DeleteWithoutKey, FatalRow, Outcome, WriteOptions

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.portal import Exchange, Portal
    from airflow_socrata.emulator.settings import Switches
    from airflow_socrata.emulator.store.model import View


def upsert(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /resource/{id}``."""
    view = writable(portal, exchange)
    content, body = _content(exchange)
    options = _options(portal, exchange)
    if content == "json":
        rows = json_rows(body)
        if isinstance(rows, dict):
            return _one_object(portal, exchange, view, rows, options)
        if not isinstance(rows, list):
            raise soda_error(
                400,
                "req.content.json.invalid",
                "An array or an object was expected",
                {"expected": "array, object"},
            )
        return _summary(portal, exchange, view, write(portal, exchange, view, rows, options))
    return _summary(portal, exchange, view, write(portal, exchange, view, body, options))


def replace(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /resource/{id}``: everything is replaced, at once or not at all."""
    view = writable(portal, exchange)
    content, body = _content(exchange)
    rows: Any = body
    if content == "json":
        rows = json_rows(body)
        if not isinstance(rows, list):
            raise soda_error(400, "req.content.json.invalid", "An array was expected", {"expected": "array"})
    options = WriteOptions(truncate=True, failing=_failing(exchange), reports=_reports(portal))
    return _summary(portal, exchange, view, write(portal, exchange, view, rows, options))


def truncate(portal: Portal, exchange: Exchange) -> Reply:
    """``DELETE /resource/{id}``: the oldest client's way to empty a dataset."""
    view = writable(portal, exchange)
    return _summary(portal, exchange, view, write(portal, exchange, view, [], WriteOptions(truncate=True)))


def post_row(portal: Portal, exchange: Exchange) -> Reply:
    """``POST /resource/{id}/{row}``: the object in the body counts, not the id in the path."""
    view = writable(portal, exchange)
    row = json_rows(_content(exchange)[1])
    if not isinstance(row, dict):
        raise soda_error(400, "req.content.json.not-object", "An object was expected", {"value": row})
    options = WriteOptions(tolerated=frozenset(), reports=True)
    outcome = write(portal, exchange, view, [row], options)
    return Reply.of([outcome.reports[0]], 200, **_truth_headers(portal, view))


def put_row(portal: Portal, exchange: Exchange) -> Reply:
    """``PUT /resource/{id}/{row}``: old back end only."""
    view = writable(portal, exchange)
    if view.dataset.new_backend:
        raise soda_error(
            405,
            "method-not-allowed",
            "PUT is not allowed here",
            {"method": "PUT", "allowed": ["GET", "POST", "DELETE"]},
            Allow="GET,POST,DELETE",
        )
    row = json_rows(_content(exchange)[1])
    if not isinstance(row, dict):
        raise invalid_request("An object was expected")
    identifier = view.copy.identifier
    row = row | {
        ":id" if identifier is None else identifier.field_name: exchange.parts["row"].removesuffix(".json")
    }
    return _summary(portal, exchange, view, write(portal, exchange, view, [row], WriteOptions(merge=False)))


def delete_row(portal: Portal, exchange: Exchange) -> Reply:
    """``DELETE /resource/{id}/{row}``."""
    view = writable(portal, exchange)
    wanted = exchange.parts["row"].removesuffix(".json")
    identifier = view.copy.identifier
    row = {":id" if identifier is None else identifier.field_name: wanted, ":deleted": True}
    outcome = write(portal, exchange, view, [row], WriteOptions(tolerated=frozenset(), reports=True))
    return Reply.of([outcome.reports[0]], 200, **_truth_headers(portal, view))


def writable(portal: Portal, exchange: Exchange) -> View:
    """Return the view that a row write goes to.

    :raises PortalError: the view is missing, derived, a snapshot, a mirror, or has a working copy open.
    """
    view = portal.rows_view(exchange.part()[0], exchange.user, "write")
    if view.modifying_view_uid is not None:
        raise invalid_request(
            f"Rows of a derived view cannot be changed; change {view.modifying_view_uid} instead"
        )
    if view.synced:
        raise core_error(403, None, "Cannot update a synced dataset manually")
    if view.stage == SNAPSHOTTED:
        raise invalid_request("Rows of a snapshot cannot be changed")
    draft = view.dataset.unpublished
    if view.stage != PUBLISHED or draft is None:
        return view
    rule = portal.switches.rows_to_published
    if rule == "auto":
        rule = "refuse" if view.dataset.new_backend else "published"
    if rule == "refuse":
        raise soda_error(
            409,
            "soda.dataset.incorrect-lifecycle-stage",
            "The dataset has an open working copy",
            {"actual": "unpublished", "expected": ["published"]},
        )
    return draft if rule == "copy" else view


def _content(exchange: Exchange) -> tuple[str, bytes]:
    body = inflate(exchange.body, exchange.headers.get("content-encoding"))
    given = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    # No type at all is how sodapy sends JSON.
    if given in {"", "application/json", "application/x-www-form-urlencoded", "text/plain"}:
        return "json", body
    if given == "text/csv":
        return "csv", body
    raise soda_error(
        415, "req.content-type.not-json", f"Unsupported content type {given}", {"content-type": given}
    )


def _options(portal: Portal, exchange: Exchange) -> WriteOptions:
    failing, reports = _failing(exchange), _reports(portal)
    if not portal.switches.write_options:
        return WriteOptions(failing=failing, reports=reports)
    query = dict(exchange.query)
    tolerated: frozenset[str] | None = None
    if "errorsAreFatal" in query and boolean_option(query, "errorsAreFatal", True):
        tolerated = frozenset()
    if named := exchange.all("nonFatalRowErrors[]"):
        tolerated = frozenset(named)
    return WriteOptions(
        truncate=boolean_option(query, "truncate", False),
        merge=boolean_option(query, "mergeInsteadOfReplace", True),
        tolerated=tolerated,
        failing=failing,
        reports=reports,
    )


def _failing(exchange: Exchange) -> frozenset[int]:
    fault = exchange.fault("row_errors")
    return frozenset(range(fault.args["rows"])) if fault else frozenset()


def _reports(portal: Portal) -> bool:
    return portal.switches.summary_form == "reports"


def _lagging(portal: Portal, exchange: Exchange) -> Switches:
    fault = exchange.fault("replica_lag")
    if fault is None:
        return portal.switches
    seconds, polls = fault.args["seconds"], fault.args["polls"]
    return portal.switches.changed({
        "replica_lag_seconds": seconds or 0,
        "replica_lag_polls": polls or 0,
        "replica_manual": not seconds and not polls,
    })


def write(portal: Portal, exchange: Exchange, view: View, rows: Any, options: WriteOptions) -> Outcome:
    """Do one row write as one transaction.

    :param rows: the objects of a JSON body, or the bytes of a CSV body.
    :raises PortalError: nothing of it is kept.
    """
    dataset, switches = view.dataset, portal.switches
    hold = next((f for f in exchange.faults if f.kind == "hold" and f.args["point"] == "before_commit"), None)

    def before_commit() -> None:
        if hold is not None:
            portal.holds.hold(hold.args["hold_id"])

    user_id = exchange.user.id if exchange.user is not None else view.owner
    try:
        with dataset.write_lock(switches.write_lock_seconds, view.id):
            if portal.store.find(view.id) is not view:
                raise dataset_missing(view.id)
            _check_version(portal, exchange, view)
            lagging = _lagging(portal, exchange)
            with portal.store.writing(view, user_id, options, lagging, before_commit) as writer:
                _fill(portal, view, writer, rows)
            return writer.outcome
    except DeleteWithoutKey:
        raise soda_error(
            400, "soda.row.delete-without-primary-key", "Cannot delete row without giving primary key"
        ) from None
    except FatalRow as error:
        raise _fatal(error) from None
    except UnicodeEncodeError:
        raise invalid_request("A text holds half of a surrogate pair") from None
    except PortalError as error:
        if b"cannot-acquire-write-lock" in error.reply.body and switches.row_lock_status == 500:
            raise internal_error() from None
        raise


def _fill(portal: Portal, view: View, writer: writing.RowWriter, rows: Any) -> None:
    unknown = portal.switches.unknown_fields
    naming = Naming(
        view.copy,
        view.dataset.row_ids,
        ignore_unknown=unknown == "ignore" or (unknown == "auto" and not view.dataset.new_backend),
        display_names=isinstance(rows, bytes) and portal.switches.csv_header == "both",
    )
    if isinstance(rows, bytes):
        blocks = csv_blocks(rows, naming, writer.reserve)
    else:
        writer.reserve(0, len(rows))
        blocks = json_blocks(rows, naming)
    for block in blocks:
        writer.apply(block)
    refused = portal.switches.missing_row_identifier == "refuse"
    if refused and any(code == writing.NO_KEY for _, code, _ in writer.outcome.errors):
        raise FatalRow(writing.NO_KEY, None)


def _truth_headers(portal: Portal, view: View) -> dict[str, str]:
    if not portal.switches.truth_version_headers:
        return {}
    version = str(view.dataset.version)
    return {"X-SODA2-Truth-Version": version, "X-SODA2-Truth-Shape-Version": str(view.copy.number)}


def _check_version(portal: Portal, exchange: Exchange, view: View) -> None:
    if not portal.switches.write_options:
        return
    expected = exchange.first("expectedDataVersion") or exchange.headers.get("x-soda2-truth-version")
    if expected is not None and expected.isdigit() and int(expected) != view.dataset.version:
        raise soda_error(
            409,
            "soda.row.dataset-version-mismatch",
            f"Dataset is at version {view.dataset.version}",
            {"dataset": view.id, "version": view.dataset.version},
        )


def _fatal(error: FatalRow) -> PortalError:
    if error.code == writing.NO_KEY:
        return soda_error(
            400,
            "soda.row.primary-key-nonexistent-or-null",
            "The row identifier is missing or null",
            {"value": ""},
        )
    if error.code in {writing.NO_ROW_TO_DELETE, writing.NO_ROW_TO_UPDATE}:
        return soda_error(404, "soda.row.not-found", f"Row not found: {error.row}", {"value": error.row})
    return internal_error()


def internal_error() -> PortalError:
    """Return the row service's 500."""
    tag = str(uuid.uuid4())
    return soda_error(500, "internal-error", f"Internal error: {tag}", {"tag": tag})


def _one_object(
    portal: Portal, exchange: Exchange, view: View, row: dict[str, Any], options: WriteOptions
) -> Reply:
    outcome = write(
        portal,
        exchange,
        view,
        [row],
        WriteOptions(options.truncate, options.merge, options.tolerated, options.failing, reports=True),
    )
    report = outcome.reports.get(0)
    if not view.dataset.new_backend or report is None or report["typ"] not in {"insert", "update"}:
        return _summary(portal, exchange, view, outcome)
    stored = stored_row(portal, view, report["id"], truth=True)
    return Reply.of(stored, 200, **_truth_headers(portal, view))


def _summary(portal: Portal, exchange: Exchange, view: View, outcome: Outcome) -> Reply:
    headers = _truth_headers(portal, view)
    if exchange.first("$$version") == "2.0":
        made: dict[str, Any] = {
            "rows_created": outcome.created,
            "rows_updated": outcome.updated,
            "rows_deleted": outcome.deleted,
        }
        if outcome.errors:
            made["errors"] = [
                {"error": code, "input_index": place, "primary_key": row}
                for place, code, row in outcome.errors
            ]
        return Reply.of(made, 200, **headers)
    form = portal.switches.summary_form
    if form == "reports":
        return Reply.of([outcome.reports[i] for i in sorted(outcome.reports)], 200, **headers)
    counts = {
        "Rows Created": outcome.created,
        "Rows Updated": outcome.updated,
        "Rows Deleted": outcome.deleted,
        "Errors": len(outcome.errors),
    }
    if form == "six" or (form == "auto" and not view.dataset.new_backend):
        counts |= {"By RowIdentifier": outcome.by_identifier, "By SID": outcome.by_sid}
    return Reply.of(counts, 200, **headers)


__all__ = ["delete_row", "post_row", "put_row", "replace", "row_number", "truncate", "upsert"]
