"""What is published, and who may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.opendatasoft.changing import fine_time
from airflow_socrata.emulator.opendatasoft.errors import Refused, Reply
from airflow_socrata.emulator.opendatasoft.explore.odsql import condition, matches

if TYPE_CHECKING:
    from airflow_socrata.emulator.opendatasoft.model import Dataset, Field, Public
    from airflow_socrata.emulator.opendatasoft.portal import Exchange, Portal


def shown_of(portal: Portal, dataset: Dataset) -> Public | None:
    """Return what Explore shows of a dataset by now; None: nothing."""
    lag = portal.switches.explore_lag_seconds
    if dataset.public is not None and portal.clock.now() < dataset.public.data_processed + lag:
        return dataset.public_before
    return dataset.public


def may_see(exchange: Exchange, shown: Public) -> bool:
    """Whether the caller may see a dataset."""
    if not shown.is_restricted:
        return True
    rights = exchange.user.permissions if exchange.user else frozenset()
    return bool(rights & {"explore_restricted_dataset", "edit_dataset"})


def check_portal(portal: Portal, exchange: Exchange) -> None:
    """Let a caller pass who may see anything.

    :raises Refused: 401 on a private portal.
    """
    if portal.switches.private_portal and exchange.user is None:
        raise Refused(401, "Unauthorized", "This portal is restricted: sign in.")


def public_of(portal: Portal, exchange: Exchange) -> tuple[Dataset, Public]:
    """Return the published dataset that the path names by its dataset id.

    :raises Refused: 404 when there is none that the caller may see.
    """
    check_portal(portal, exchange)
    name = exchange.parts["dataset_id"]
    for dataset in portal.datasets.values():
        shown = shown_of(portal, dataset) if dataset.dataset_id == name else None
        if shown is not None and may_see(exchange, shown):
            return dataset, shown
    raise Refused(404, "NotFound", f"The requested dataset {name} does not exist.")


def visible_fields(dataset: Dataset, shown: Public, exchange: Exchange) -> list[Field]:
    """Return the fields that the caller may see."""
    chosen = dataset.default_security.get("visible_fields")
    if chosen is None or "*" in chosen or exchange.user is not None:
        return shown.table.fields
    return [one for one in shown.table.fields if one.name in chosen]


def entry_json(dataset: Dataset, shown: Public, fields: list[Field]) -> dict[str, Any]:
    """Return a dataset as the catalog shows it."""
    metas: dict[str, dict[str, Any]] = {
        template: {name: value.get("value") for name, value in values.items()}
        for template, values in shown.config.metadata.items()
        if template not in {"internal", "admin"}
    }
    default = {"title": dataset.dataset_id, "modified": fine_time(shown.data_processed)}
    metas["default"] = {
        **default,
        **metas.get("default", {}),
        "records_count": len(shown.table.records),
        "data_processed": fine_time(shown.data_processed),
        "metadata_processed": fine_time(shown.metadata_processed),
    }
    return {
        "visibility": "restricted" if shown.is_restricted else "domain",
        "dataset_id": dataset.dataset_id,
        "dataset_uid": dataset.uid,
        "has_records": bool(shown.config.resources),
        "features": [],
        "attachments": [],
        "alternative_exports": [],
        "data_visible": bool(dataset.default_security.get("is_data_visible", True)),
        "fields": [
            {
                "name": one.name,
                "label": one.label,
                "type": one.type,
                "description": one.description,
                "annotations": one.annotations,
            }
            for one in fields
        ],
        "metas": metas,
    }


def read(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /catalog/datasets/{dataset_id}``."""
    dataset, shown = public_of(portal, exchange)
    return Reply.of(entry_json(dataset, shown, visible_fields(dataset, shown, exchange)))


def listing(portal: Portal, exchange: Exchange) -> Reply:
    """``GET /catalog/datasets``."""
    check_portal(portal, exchange)
    seen = [
        (dataset, shown)
        for dataset in portal.datasets.values()
        if (shown := shown_of(portal, dataset)) is not None and may_see(exchange, shown)
    ]
    entries = [entry_json(dataset, shown, shown.table.fields) for dataset, shown in seen]
    where = condition(exchange.all("where"))
    rows = [{**entry["metas"]["default"], **entry} for entry in entries]
    chosen = [entry for entry, row in zip(entries, rows, strict=True) if matches(where, row)]
    limit, offset = exchange.number("limit", 10), exchange.number("offset", 0)
    names = [name.strip() for name in (exchange.first("select") or "").split(",") if name.strip()]
    page = chosen[offset : offset + (100 if limit < 0 else min(limit, 100))]
    if names:
        page = [{name: {**one["metas"]["default"], **one}.get(name) for name in names} for one in page]
    return Reply.of({"total_count": len(chosen), "results": page})
