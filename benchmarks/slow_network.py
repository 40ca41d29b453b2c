"""Pages over a slow network: Chromium's own throttling, a first visit with nothing kept, and the browser's own account of it."""

from __future__ import annotations

import json
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.fanout import alert
from benchmarks.hub_process import HubProcess
from benchmarks.measure import Figure, figure, program

BYTES_PER_S = 400_000 / 8
LATENCY_MS = 100
"""From a request until its answer begins."""
NETWORK = {"offline": False, "latency": LATENCY_MS, "downloadThroughput": BYTES_PER_S, "uploadThroughput": BYTES_PER_S}
ROUNDS = 9
BAR_MS = 1000.0
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
USABLE = """() => {
    const [page] = performance.getEntriesByType("navigation");
    const [painted] = performance.getEntriesByName("first-contentful-paint");
    return page.domContentLoadedEventEnd && painted ? Math.max(page.domContentLoadedEventEnd, painted.startTime) : 0;
}"""
"""Milliseconds since the visit began until the page was painted, was whole, and its deferred scripts had run."""


def pages() -> dict[str, Figure]:
    """The slowest of sign-up, the front page and an alert's, each in a new profile."""
    with tempfile.TemporaryDirectory() as folder, HubProcess(Path(folder), TOCSIN_OUTBOX="1") as hub, _chromium() as browser:
        hub.add_people([])
        hub.start()
        hub.publish(alert("11201"))
        paths = ("/subscribe", "/", f"/alerts/{_shown(hub.url)}")
        waits = [max(_usable(browser, hub.url + path) for path in paths) for _ in range(ROUNDS)]
    return {"pages_at_400kbit": figure(waits, [BAR_MS] * ROUNDS, "ms", "the bar of 1,000 ms", less_is_more=True)}


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium", "chromium"), args=FLAGS)
        yield browser
        browser.close()


def _shown(url: str) -> str:
    with urllib.request.urlopen(f"{url}/api/v1/public/alerts") as answer:
        return str(json.load(answer)["alerts"][0]["id"])


def _usable(browser: Browser, url: str) -> float:
    context = browser.new_context()
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", NETWORK)
    page.goto(url, wait_until="load")
    waited = float(page.wait_for_function(USABLE).json_value())
    context.close()
    return waited
