"""A demonstration hub as a newcomer starts it, and Chromium in front of it. Whatever a page does wrong on the way fails the test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

expect.set_options(timeout=30_000)
"""Milliseconds. Nothing is measured here: a machine that is busy with other tests may take its time."""

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running demonstration."""
    with demonstration(tmp_path_factory.mktemp("demo")) as address:
        yield address


@contextmanager
def demonstration(folder: Path) -> Iterator[str]:
    """The address of a running ``tocsin serve --demo`` with its data in `folder`."""
    command = [Path(sys.executable).with_name("tocsin"), "serve", "--demo", "--port", "0", "--data", folder, "--senders", "1"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")} | {"TOCSIN_SIGNUP_LIMITS": "off"}
    with (folder / "log").open("w") as log, subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=log, text=True) as server:
        try:
            assert server.stdout is not None
            said = iter(server.stdout.readline, "")
            found = next((match for line in said if (match := re.match(r"listening on (http://\S+)", line))), None)
            assert found, f"the hub did not start: {(folder / 'log').read_text()[-2000:]}"
            yield found[1]
        finally:
            server.terminate()
            server.wait(15)


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """One Chromium for a module's tests; each visitor gets a profile of their own.

    Not for the session: while Playwright's synchronous side is open, an event loop runs in this thread, and no other test could have one.
    """
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@dataclass
class Watched:
    """What pages did that they must not do."""

    host: str
    faults: list[str] = field(default_factory=list)

    def request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != self.host:
            self.faults.append(f"asked another host: {request.url}")

    def console(self, message: ConsoleMessage) -> None:
        expected = any(one in message.text for one in ("status of 422", "status of 404", "status of 410", "ERR_INTERNET_DISCONNECTED"))
        if message.type == "error" and not expected:
            self.faults.append(f"console: {message.text}")


Visitor = Callable[..., Page]


@pytest.fixture
def visitor(hub: str, browser: Browser) -> Iterator[Visitor]:
    """Opens a page of a new visitor: `visitor("/subscribe", javascript=False, viewport=PHONE)`."""
    watched = Watched(urlsplit(hub).netloc)
    with ExitStack() as stack:

        def open_page(path: str = "/", *, javascript: bool = True, viewport: Any = DESK, **more: Any) -> Page:
            context: BrowserContext = browser.new_context(base_url=hub, java_script_enabled=javascript, viewport=viewport, **more)
            stack.callback(context.close)
            context.on("request", watched.request)
            context.on("console", watched.console)
            context.on("weberror", lambda error: watched.faults.append(f"script: {error.error}"))
            page = context.new_page()
            page.goto(path)
            return page

        yield open_page
    assert not watched.faults
