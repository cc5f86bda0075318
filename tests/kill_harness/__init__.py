"""Runs of a user's DAG on a real Airflow, whose processes are killed at exact points of the flow."""
