"""Hooks: from an Airflow connection to a signed-in portal."""
