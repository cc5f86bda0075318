"""Airflow for tests: in the test process (``run_dag``) or as a real one with a scheduler (``Cluster``)."""
