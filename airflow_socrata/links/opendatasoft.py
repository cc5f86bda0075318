"""Extra link to the dataset."""

from __future__ import annotations

from airflow_socrata.links.socrata import PortalLink


class OpendatasoftDatasetLink(PortalLink):
    """The dataset's page."""

    name = "Dataset on the portal"
    page = "dataset"
