"""What holds for each page: no other host, no sideways scrolling, one heading, a name for everything, contrast, focus order, few bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.axe import violations
from tests.end_to_end.conftest import DESK, PHONE, Visitor
from tests.end_to_end.pages import log_in

RESIDENTS = [
    "/",
    "/subscribe",
    "/subscribe?lang=es",
    "/ar/",
    "/ar/subscribe",
    "/manage",
    "/offline",
    "/?place=11201&topic=fire",
    "/ar/?place=nowhere",
    "/unsubscribe/none",
    "/nothing-here",
    "/outbox",
    "/console/log-in",
]
STAFF = ["/console", "/console/languages", "/console/compose", "/console/compose?start=fire", "/console/demo-notice?notice=1"]
PAGE_BYTES = 100_000

RULES = Path(__file__).with_name("rules.js").read_text(encoding="utf-8")


def check(page: Page, *, with_axe: bool = True) -> None:
    """The rules of every page, and axe-core's."""
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("main")).to_have_count(1)
    assert page.title()
    assert page.evaluate(RULES) == {"nameless": [], "small": [], "pale": [], "twice": [], "sideways": []}
    assert not with_axe or violations(page) == []


def check_in_both_schemes(page: Page, with_axe: str) -> None:
    """By day and by night; axe-core looks at it in the one scheme that is named."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        check(page, with_axe=scheme == with_axe)


@pytest.mark.parametrize(("viewport", "with_axe"), [(PHONE, "dark"), (DESK, "light")], ids=["phone", "desk"])
def test_every_page_is_sound(visitor: Visitor, viewport: dict[str, int], with_axe: str) -> None:
    page = visitor("/", viewport=viewport)
    for path in RESIDENTS:
        page.goto(path)
        check_in_both_schemes(page, with_axe)
    log_in(page, "approver")
    for path in STAFF:
        page.goto(path)
        check_in_both_schemes(page, with_axe)
    page.goto("/console")
    page.get_by_role("listitem").filter(has_text="Heat advisory").get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", name="Gone out")).to_be_visible()
    check_in_both_schemes(page, with_axe)
    page.get_by_role("link", name="Call it off").click()
    check_in_both_schemes(page, with_axe)
    page.get_by_role("link", name="write your own words").click()
    check_in_both_schemes(page, with_axe)
    page.go_back()
    page.get_by_role("link", name="Public page").click()
    check_in_both_schemes(page, with_axe)
    page.goto("/outbox")
    check_in_both_schemes(page, with_axe)


BYTES = """['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind))
    .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
"""What the page and all that belongs to it weigh as they came, compressed; what the browser had already is counted too."""


def test_a_page_is_light_before_the_map(visitor: Visitor) -> None:
    page = visitor("/", viewport=PHONE)
    page.wait_for_load_state("load")
    assert 10_000 < page.evaluate(BYTES) <= PAGE_BYTES


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_the_map_is_loaded_on_request_and_needs_neither_drag_nor_colour(visitor: Visitor, viewport: dict[str, int]) -> None:
    page = visitor("/", viewport=viewport)
    expect(page.locator(".leaflet-container")).to_have_count(0)
    page.get_by_role("button", name="Show the map").click()
    expect(page.locator("#map[data-ready] path.ground").first).to_be_attached()
    before = page.evaluate(GROUND)
    page.get_by_role("button", name="East").click()
    assert page.evaluate(GROUND) < before
    page.get_by_role("button", name="Zoom in").press("Enter")
    headlines = page.locator("#now article").get_by_role("heading").all_inner_texts()
    assert headlines
    for headline in set(headlines):
        signs = page.locator("#map .sign").and_(page.get_by_label(headline))
        expect(signs.locator("svg.shape")).to_have_count(headlines.count(headline))
        if headlines.count(headline) == 1:
            signs.press("Enter")
            expect(page.locator("#now article").get_by_role("link", name=headline)).to_be_focused()


def test_west_is_left_where_words_run_from_right_to_left(visitor: Visitor) -> None:
    page = visitor("/ar/", viewport=PHONE)
    page.locator("#show-map").click()
    west, east = (page.locator("#map[data-ready] .moves button").filter(has_text=arrow) for arrow in "←→")
    assert west.evaluate("one => one.offsetLeft") < east.evaluate("one => one.offsetLeft")


GROUND = "document.querySelector('#map path.ground').getBoundingClientRect().left"


def test_without_javascript_the_pages_say_so_only_where_it_matters(visitor: Visitor) -> None:
    page = visitor("/", javascript=False)
    expect(page.get_by_text("The map needs JavaScript.")).to_be_visible()
    expect(page.get_by_role("button", name="Show the map")).to_have_count(0)
    page.goto("/subscribe")
    expect(page.get_by_label("This browser")).to_be_hidden()
    expect(page.get_by_label("Your mobile number")).to_be_hidden()
    page.get_by_label("Text message").check()
    expect(page.get_by_label("Your mobile number")).to_be_visible()


def test_the_keyboard_goes_from_the_skip_link_through_the_form_in_reading_order(visitor: Visitor) -> None:
    page = visitor("/subscribe")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the main text")).to_be_focused()
    page.keyboard.press("Enter")
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.id || document.activeElement.tagName"))
    assert reached == ["leave", "place", "kind", "email", "SUMMARY", "SUMMARY", "send"]


def test_every_stop_of_the_keyboard_can_be_seen(visitor: Visitor) -> None:
    page = visitor("/")
    for _ in range(8):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth"
        )
        assert outline == "solid3px"
