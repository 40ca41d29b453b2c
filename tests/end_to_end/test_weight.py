"""How much a page weighs on the wire, with all that it loads by itself, and what stands between a visitor and the first look at it.

Times at 400 kbit/s are a figure of ``make bench``; here is what they follow from.
"""

from __future__ import annotations

import json
import re
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page

from tests.end_to_end.conftest import Visitor
from tests.end_to_end.pages import log_in, publish_heat

WHOLE_BYTES = 30_000
"""Of the pages that people open in an emergency."""
PAGE_BYTES = 100_000
FIRST_FLIGHT_BYTES = 10 * 1460
"""What a server may send before it has heard anything (RFC 6928): an answer within it takes one round trip."""
REQUESTS = """() => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind)).map((one) => ({
    path: new URL(one.name).pathname,
    bytes: one.encodedBodySize,
    blocking: one.entryType === "navigation" || one.renderBlockingStatus === "blocking",
}))"""
LOADS = re.compile(r'<(?:link rel="(?:stylesheet|icon)"[^>]*href|script src)="([^"]+)"|<img(?![^>]*loading="lazy")[^>]*src="([^"]+)"')


def transferred(hub: str, path: str) -> tuple[int, str]:
    """(bytes of the answer's body, its text)."""
    with urlopen(Request(hub + path, headers={"Accept-Encoding": "gzip", "Accept-Language": "ar"})) as answer:
        body = answer.read()
    with urlopen(Request(hub + path, headers={"Accept-Language": "ar"})) as answer:
        return len(body), answer.read().decode(errors="replace")


def weight(hub: str, path: str) -> int:
    size, html = transferred(hub, path)
    loaded = {(first or second).replace("&amp;", "&") for first, second in LOADS.findall(html)}
    assert any(".css" in one for one in loaded), "nothing was found that the page loads"
    return size + sum(transferred(hub, one)[0] for one in loaded)


def test_sign_up_and_an_alert_are_light_as_a_whole(hub: str, visitor: Visitor) -> None:
    staff = visitor("/")
    log_in(staff, "approver")
    publish_heat(staff)
    _, now = transferred(hub, "/api/v1/public/alerts")
    alert = f"/alerts/{json.loads(now)['alerts'][0]['id']}"
    for path in ("/subscribe", alert):
        assert 0 < weight(hub, path) <= WHOLE_BYTES
    for path in ("/subscribe", "/", alert):
        nothing_but_the_stylesheet_stands_before_the_first_look(visitor(path), path)


def nothing_but_the_stylesheet_stands_before_the_first_look(page: Page, path: str) -> None:
    """Two round trips, each of one flight, by the browser's own account; scripts are read beside, and run after the page is whole."""
    page.wait_for_load_state()
    asked = page.evaluate(REQUESTS)
    before = [one for one in asked if one["blocking"]]
    assert [one["path"] for one in before] == [path, "/assets/tocsin.css"]
    assert all(0 < one["bytes"] <= FIRST_FLIGHT_BYTES for one in before)
    # By their names: a page that is open while an alert goes out reads itself once more.
    assert len({one["path"] for one in asked}) <= 6, "page, stylesheet, three scripts, icon"
    assert page.locator("script:not([defer])").count() == 0


@pytest.mark.parametrize("path", ["/", "/ar/", "/manage", "/offline", "/outbox", "/console/log-in"])
def test_every_page_is_light_before_the_map(hub: str, path: str) -> None:
    assert 0 < weight(hub, path) <= PAGE_BYTES
