"""The fields of the connection form: one constant for Airflow 3.2 and newer, and for the widgets before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The connections that operators and sensors use unless told otherwise.
SOCRATA_DEFAULT, OPENDATASOFT_DEFAULT = "socrata_default", "opendatasoft_default"

_OPTIONAL_SECRET: dict[str, Any] = {"type": ["string", "null"], "format": "password"}
_OPTIONAL_TEXT: dict[str, Any] = {"type": ["string", "null"]}

#: Extra fields of the connection type ``socrata``: label, JSON Schema and description.
SOCRATA_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "app_token": {
        "label": "App token",
        "schema": _OPTIONAL_SECRET,
        "description": "Identifies the application to the portal; signs nobody in. Not an API key.",
    },
    "access_token": {
        "label": "OAuth access token",
        "schema": _OPTIONAL_SECRET,
        "description": "Instead of API key id and secret.",
    },
    "verify": {
        "label": "Verify TLS",
        "schema": _OPTIONAL_TEXT,
        "description": "true (default), false, or the path of a CA bundle.",
    },
    "proxy": {
        "label": "Proxy URL",
        "schema": _OPTIONAL_SECRET,
        "description": "Such as http://user:password@proxy.example.gov:3128; default: the environment's.",
    },
    "connect_timeout": {
        "label": "Connect time-out (s)",
        "schema": {"type": ["number", "null"], "minimum": 0.1},
        "description": "Seconds until a connection must stand; default 5.",
    },
    "read_timeout": {
        "label": "Read time-out (s)",
        "schema": {"type": ["number", "null"], "minimum": 1},
        "description": (
            "Seconds without a byte of the reply; default 600, as large upserts are answered late."
        ),
    },
    "concurrent_requests": {
        "label": "Requests at a time",
        "schema": {"type": ["integer", "null"], "minimum": 1},
        "description": "That one process may have under way at this portal as this user; default 32.",
    },
    "requests_per_second": {
        "label": "Requests per second",
        "schema": {"type": ["number", "null"], "minimum": 0.001},
        "description": "That one process may send to this portal as this user; default: any number.",
    },
    "longest_wait": {
        "label": "Longest wait (s)",
        "schema": {"type": ["number", "null"], "minimum": 1},
        "description": "Seconds that a call waits for a busy portal before its task fails; default 300.",
    },
}

#: Standard fields: labels, placeholders. The port stays visible: without a stored one, the UI's Test button
#: fails.
SOCRATA_BEHAVIOUR: Mapping[str, Any] = {
    "hidden-fields": ["schema"],
    "relabeling": {
        "host": "Domain",
        "login": "API key id or user name",
        "password": "API key secret or password",
    },
    "placeholders": {"host": "data.example.gov", "port": "443"},
}


#: Extra fields of the connection type ``opendatasoft``.
OPENDATASOFT_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "api": {
        "label": "Management API",
        "schema": _OPTIONAL_TEXT,
        "description": "automation (Automation API v1.0, default) or management (Management API v2).",
    },
    **{
        name: SOCRATA_FIELDS[name]
        for name in (
            "verify",
            "proxy",
            "connect_timeout",
            "read_timeout",
            "concurrent_requests",
            "requests_per_second",
            "longest_wait",
        )
    },
}

#: Standard fields of the connection type ``opendatasoft``.
OPENDATASOFT_BEHAVIOUR: Mapping[str, Any] = {
    "hidden-fields": ["schema"],
    "relabeling": {
        "host": "Domain",
        "login": "User name (empty with an API key)",
        "password": "API key, or password",
    },
    "placeholders": {"host": "data.example.gov", "port": "443"},
}


def widgets(fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Build the form widgets of Airflow before 3.2 from the same fields.

    Numbers are text fields: Airflow drops a hook with other kinds than text, password, integer and boolean.
    """
    from flask_appbuilder.fieldwidgets import (  # type: ignore[import-not-found,unused-ignore]
        BS3PasswordFieldWidget,
        BS3TextFieldWidget,
    )
    from wtforms import (  # type: ignore[import-untyped,unused-ignore]
        PasswordField,
        StringField,
    )

    built: dict[str, Any] = {}
    for name, entry in fields.items():
        secret = entry["schema"].get("format") == "password"
        field = PasswordField if secret else StringField
        widget = BS3PasswordFieldWidget() if secret else BS3TextFieldWidget()
        built[name] = field(entry["label"], widget=widget, description=entry["description"])
    return built


def field_behaviour(behaviour: Mapping[str, Any]) -> dict[str, Any]:
    """Return the standard fields' behaviour in the spelling of Airflow before 3.2."""
    return {
        "hidden_fields": list(behaviour["hidden-fields"]),
        "relabeling": dict(behaviour["relabeling"]),
        "placeholders": dict(behaviour["placeholders"]),
    }
