"""A real browser on a real portal, for tests: Debian's Chromium, driven by Playwright; one process for all of them."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from fastapi import FastAPI
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
AXE_OPTIONS: Final = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
INSIDE: Final = ("data:", "blob:")
WAIT_SECONDS: Final = 20.0


@dataclass
class Watch:
    """What a page did that it should not: requests to elsewhere, errors, broken rules of accessibility."""

    address: str
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        """Watch a page."""
        page.on("request", self._see_request)
        page.on("console", self._see_message)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _see_request(self, request: Request) -> None:
        if not request.url.startswith((self.address, *INSIDE)):
            self.outside.append(request.url)

    def _see_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)


def find_chromium() -> str:
    """Return the system's Chromium; its absence skips a test here and fails it in CI."""
    found = shutil.which(os.environ.get("CELLAR_CHROMIUM", "chromium"))
    if found is None:
        reason = "no Chromium; install Debian's package chromium, or name one with CELLAR_CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start the browser."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 a tenth of a second that only these tests pay

    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """Serve a portal on a free port of this machine; yields its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + WAIT_SECONDS
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.started
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(WAIT_SECONDS)


def log_in(page: Page, address: str, token: str) -> None:
    """Log in with a token, as a person does."""
    page.goto(f"{address}/login")
    page.fill("#token", token)
    page.click("form.card button")
    page.wait_for_url(lambda url: "/login" not in url)


def draw_charts(page: Page) -> None:
    """Look at every chart of a page, so that it is drawn."""
    for chart in page.locator(".chart").all():
        chart.scroll_into_view_if_needed()
    page.wait_for_selector(".chart:not([data-drawn]):not(.empty)", state="detached")


def break_rules(page: Page) -> list[str]:
    """Return the rules of WCAG 2.2 AA that a page breaks, with the first place of each."""
    found = Axe().run(page, options=AXE_OPTIONS).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


def keep_picture(page: Page, name: str) -> None:
    """Keep a screenshot where CELLAR_PICTURES names a folder, for the guides."""
    folder = os.environ.get("CELLAR_PICTURES")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
