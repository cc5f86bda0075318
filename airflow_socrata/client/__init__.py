"""A client for Socrata portals that knows neither Airflow nor files."""

from __future__ import annotations
