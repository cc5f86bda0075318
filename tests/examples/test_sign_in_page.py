"""docs/sign-in.md: its programs run, and it names every option of the commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portal_harness.browsers import press
from portal_harness.sessions import settings_of

from airflow_socrata.client import Credentials, PortalSession, views
from airflow_socrata.sign_in import __main__ as sign_in

if TYPE_CHECKING:
    import pytest

    from airflow_socrata.emulator import Emulator

PAGE = (Path(__file__).parents[2] / "docs" / "sign-in.md").read_text()
KEYS, OAUTH = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_program_that_makes_a_key(socrata_emulator: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    exec(KEYS, {"settings": settings_of(socrata_emulator)})
    made, *listed = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"[0-9a-f]{24} [0-9a-f]{50}", made)
    assert [line.rsplit(" ", 1)[0] for line in listed] == ["key of publisher", "nightly job"]


def test_the_program_that_gets_a_token(socrata_emulator: Emulator) -> None:
    portal = socrata_emulator
    portal.admin.register_app("APP_TOKEN", "SECRET_TOKEN", "https://jobs.example.gov/")
    back: list[str] = []
    names: dict[str, Any] = {
        "settings": settings_of(portal, Credentials()),
        "send_browser_to": lambda address: back.append(press(address)),
        "address_it_came_back_to": back.pop,
    }
    exec(OAUTH, names)
    signed_in = Credentials(app_token="APP_TOKEN", access_token=names["token"])
    with PortalSession(settings_of(portal, signed_in)) as session:
        assert session.send(views.current_user()).email == "publisher@example.gov"


def test_every_option_is_on_the_page() -> None:
    for action in sign_in._parser()._actions:
        for option in action.option_strings:
            assert option in ("-h", "--help") or f"`{option}`" in PAGE, option
