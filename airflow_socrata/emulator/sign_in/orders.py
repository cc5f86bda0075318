"""What a test may do to the portal around signing in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_socrata.emulator.sign_in.desk import App

if TYPE_CHECKING:
    from airflow_socrata.emulator.edge.portal import Portal


def register_app(portal: Portal, order: dict[str, Any]) -> Any:
    """Register an application."""
    app = App(
        order["client_id"],
        order["client_secret"],
        order.get("name") or order["client_id"],
        order.get("callback_prefix") or "https://localhost",
    )
    portal.sign_ins.apps[app.client_id] = app
    return {"client_id": app.client_id, "callback_prefix": app.callback_prefix}


def revoke_token(portal: Portal, order: dict[str, Any]) -> Any:
    """Revoke an access token, as its user would in the portal."""
    return {"revoked": portal.sign_ins.revoke(order["token"])}
