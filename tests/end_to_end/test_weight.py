"""How much a page weighs on the wire, with all that it loads by itself: measured over HTTP, compressed as a browser asks for it."""

from __future__ import annotations

import json
import re
from urllib.request import Request, urlopen

import pytest

from tests.end_to_end.conftest import Visitor
from tests.end_to_end.pages import log_in, publish_heat

WHOLE_BYTES = 30_000
"""Of the pages that people open in an emergency."""
PAGE_BYTES = 100_000
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
    assert 0 < weight(hub, "/subscribe") <= WHOLE_BYTES
    assert 0 < weight(hub, f"/alerts/{json.loads(now)['alerts'][0]['id']}") <= WHOLE_BYTES


@pytest.mark.parametrize("path", ["/", "/ar/", "/manage", "/offline", "/outbox", "/console/log-in"])
def test_every_page_is_light_before_the_map(hub: str, path: str) -> None:
    assert 0 < weight(hub, path) <= PAGE_BYTES
