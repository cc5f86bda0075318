"""Chromium without a screen, a portal over TLS, and the command that waits for the browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as seen
from selenium.webdriver.support.ui import WebDriverWait

from airflow_socrata.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
)
PATIENCE = 30


@pytest.fixture
def portal() -> Iterator[Emulator]:
    with Emulator(tls=True) as emulator:
        yield emulator


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Chrome]:
    """A browser with a profile of its own, told to proceed past certificates made for this machine."""
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    options.accept_insecure_certs = True
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    with Chrome(options, Service(shutil.which("chromedriver"))) as browser:
        browser.set_page_load_timeout(PATIENCE)
        yield browser


class Command:
    """The running command: tells the address to open, and ends with a connection or a reason."""

    def __init__(self, process: subprocess.Popen[str], callback: str) -> None:
        self.process, self.callback = process, callback
        self.said: list[str] = []

    def address(self) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if line.startswith("https://"):
                return line.strip()
        raise AssertionError("".join(self.said))

    def end(self, pasted: str | None = None) -> tuple[int, str, str]:
        out, err = self.process.communicate(pasted, timeout=PATIENCE)
        return self.process.returncode, out, "".join(self.said) + err


@contextmanager
def signing_in(portal: Emulator, *more: str) -> Iterator[Command]:
    """Run ``python -m airflow_socrata.sign_in`` for the portal."""
    callback = f"https://localhost:{free_port()}/callback"
    arguments = [portal.domain, "--port", str(portal.port), "--verify", str(portal.ca_file), "--no-browser"]
    arguments += ["--client-id", portal.app_token, "--redirect-uri", callback, *more]
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow_socrata.sign_in", *arguments],
        env={**os.environ, "SOCRATA_CLIENT_SECRET": "emulator-app-secret"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Command(process, callback)
        finally:
            process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fill_in(browser: Chrome, email: str, password: str) -> None:
    """Fill in the login form and press its button."""
    browser.find_element(By.NAME, "username").send_keys(email)
    browser.find_element(By.NAME, "password").send_keys(password)
    browser.find_element(By.NAME, "sign_in").click()


def press(browser: Chrome, words: str) -> None:
    """Press a button by what stands on it."""
    browser.find_element(By.XPATH, f"//button[normalize-space()='{words}']").click()


def heading(browser: Chrome, words: str) -> str:
    """Wait for a page's heading and return the page's text."""
    WebDriverWait(browser, PATIENCE).until(seen.text_to_be_present_in_element((By.TAG_NAME, "h1"), words))
    return browser.find_element(By.TAG_NAME, "body").text
