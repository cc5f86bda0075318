"""A person at a browser without a screen: signs in, and presses Allow or Deny."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urljoin

import requests

PERSON = {"username": "publisher@example.gov", "password": "publisher-password"}


def press(address: str, choice: str = "allow", verify: Any = True) -> str:
    """Sign in at the address that an application names and press a button.

    :param choice: ``allow`` or ``deny``.
    :param verify: authority of the portal's certificate.
    :return: where the portal sends the browser then.
    """
    with requests.Session() as browser:
        browser.trust_env = False
        browser.verify = verify
        login = browser.get(address, timeout=10)
        question = browser.post(
            urljoin(login.url, "/authenticate"), data=_hidden(login.text) | PERSON, timeout=10
        )
        assert "Allow access?" in question.text, question.text
        answer = browser.post(
            urljoin(question.url, "/oauth/authorize"),
            data=_hidden(question.text) | {"choice": choice},
            allow_redirects=False,
            timeout=10,
        )
        return answer.headers["Location"]


def _hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in found}
