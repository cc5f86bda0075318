"""A person signs in with a real browser; the connection that the command prints signs a job in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from browser.conftest import PATIENCE, fill_in, heading, press, signing_in
from selenium.webdriver.support import expected_conditions as seen
from selenium.webdriver.support.ui import WebDriverWait

from airflow_socrata.client import Credentials, PortalSession, PortalSettings, views

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

    from airflow_socrata.emulator import Emulator

ANN = ("person@example.gov", "person-password")


def user_of(portal: Emulator, printed: str) -> str | None:
    """Who a printed connection signs in."""
    connection = json.loads(printed)
    extra = connection["extra"]
    credentials = Credentials(app_token=extra["app_token"], access_token=extra["access_token"])
    settings = PortalSettings(connection["host"], connection["port"], "https", credentials, extra["verify"])
    with PortalSession(settings) as session:
        return session.send(views.current_user()).email


def test_allow(portal: Emulator, chromium: Chrome) -> None:
    with signing_in(portal) as command:
        chromium.get(command.address())
        heading(chromium, "Sign in")
        fill_in(chromium, ANN[0], "a wrong one")
        assert "Invalid username or password" in heading(chromium, "Sign in")
        fill_in(chromium, *ANN)
        asked = heading(chromium, "Allow access?")
        assert "Emulator application wants to act on this site as Pat Person" in asked
        press(chromium, "Allow")
        assert "The command goes on by itself" in heading(chromium, "Allowed")
        code, out, err = command.end()
    assert (code, user_of(portal, out)) == (0, ANN[0])
    assert "signed in as Pat Person on localhost" in err
    assert json.loads(out)["extra"]["access_token"] not in err
    # The browser is still signed in at the portal: the next time it is asked at once.
    with signing_in(portal) as command:
        chromium.get(command.address())
        heading(chromium, "Allow access?")
        press(chromium, "Allow")
        heading(chromium, "Allowed")
        assert command.end()[0] == 0


def test_deny(portal: Emulator, chromium: Chrome) -> None:
    with signing_in(portal) as command:
        chromium.get(command.address())
        fill_in(chromium, *ANN)
        heading(chromium, "Allow access?")
        press(chromium, "Deny")
        assert "access_denied" in heading(chromium, "Not signed in")
        code, out, err = command.end()
    assert (code, out) == (1, "")
    assert "sign in again, and press Allow" in err


def test_a_browser_on_another_machine_whose_address_is_pasted(portal: Emulator, chromium: Chrome) -> None:
    with signing_in(portal, "--paste") as command:
        chromium.get(command.address())
        fill_in(chromium, *ANN)
        heading(chromium, "Allow access?")
        press(chromium, "Allow")
        # Nobody listens there: the browser shows an error, and the address.
        WebDriverWait(chromium, PATIENCE).until(seen.url_contains(command.callback))
        code, out, err = command.end(chromium.current_url + "\n")
    assert (code, user_of(portal, out)) == (0, ANN[0]), err
