"""A client for Opendatasoft (Huwise) portals that knows neither Airflow nor files of records.

It continues :mod:`airflow_socrata.client`: its session, errors and retry table serve both vendors.
:func:`~airflow_socrata.opendatasoft.portal.portal_settings` makes the settings of a session,
:func:`~airflow_socrata.opendatasoft.dialect.dialect_named` chooses the API, and
:func:`~airflow_socrata.opendatasoft.steps.run` sends what it builds.
"""
