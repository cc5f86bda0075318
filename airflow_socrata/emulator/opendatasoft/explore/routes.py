"""The routes of the Explore API v2.1; who has not signed in may use them as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_socrata.emulator.opendatasoft.errors import EXPLORE
from airflow_socrata.emulator.opendatasoft.explore import catalog, records

if TYPE_CHECKING:
    from airflow_socrata.emulator.opendatasoft.automation.routes import Route

_D = EXPLORE + "/catalog/datasets"
ROUTES: tuple[Route, ...] = (
    ("GET", _D, catalog.listing, "explore"),
    ("GET", _D + "/{dataset_id}", catalog.read, "explore"),
    ("GET", _D + "/{dataset_id}/records", records.page, "explore"),
    ("GET", _D + "/{dataset_id}/exports/{format}", records.export, "explore"),
)
