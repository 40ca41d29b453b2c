"""Every page that a resident may come to, also those that only a letter's link opens or a form answers with: as sound in Arabic by night
as in English by day, with all that unfolds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from hub.web.language import words
from tests.end_to_end.axe import violations
from tests.end_to_end.conftest import DESK, PHONE, Visitor
from tests.end_to_end.course import PAGES, unfold, way
from tests.end_to_end.pages import log_in, publish_heat
from tests.end_to_end.test_every_page import check

TEMPLATES = Path(__file__).parents[2] / "templates" / "pages"
OWN_TITLE = re.compile(r'{% block title %}(?:{% if errors %}.*?{% endif %})?{{ _\("([^"]+)"\) }}{% endblock %}')


def test_the_way_leads_over_the_template_of_every_page_for_residents() -> None:
    pages = {
        path.stem for path in TEMPLATES.glob("[a-z]*.html") if path.read_text(encoding="utf-8").startswith('{% extends "base.html" %}')
    }
    assert pages - {"console"} == set(PAGES.values())


@pytest.mark.parametrize(("language", "scheme", "place"), [("en", "light", "11233"), ("ar", "dark", "11234")], ids=["English", "Arabic"])
def test_every_page_that_a_resident_may_come_to_is_sound(visitor: Visitor, language: str, scheme: str, place: str) -> None:
    staff = visitor("/")
    log_in(staff, "approver")
    publish_heat(staff)
    staff.get_by_role("link", name="Public page").click()
    alert = staff.evaluate("location.pathname")
    page = visitor("/", viewport=PHONE, color_scheme=scheme)
    seen = []
    for name in way(page, language, place, alert):
        seen.append(name)
        look(page, name, language)
    assert PAGES.keys() <= set(seen)


def look(page: Page, name: str, language: str) -> None:
    """It is the page that it should be, in its language, and sound at either width."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
    if title := title_of(name, language):
        assert title in page.title(), name
    unfold(page)
    check(page)
    page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})
    check(page, with_axe=False)
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})


def title_of(name: str, language: str) -> str:
    """What the page calls itself in the language; empty where the title is an alert's or has a number in it."""
    found = OWN_TITLE.search((TEMPLATES / f"{PAGES[name]}.html").read_text(encoding="utf-8")) if name in PAGES else None
    return str(words(language).text(found[1])) if found else ""


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        ("document.documentElement.removeAttribute('lang')", "html-has-lang"),
        ("document.querySelector('label').remove()", "label"),
        ("document.querySelector('main h1').style.color = '#999'", "color-contrast"),
        ("document.querySelector('main').append(document.createElement('img'))", "image-alt"),
    ],
)
def test_what_is_wrong_on_a_page_is_found(visitor: Visitor, spoil: str, rule: str) -> None:
    page = visitor("/ar/manage", viewport=PHONE)
    assert violations(page) == []
    page.evaluate(f"() => {{ {spoil} }}")
    assert rule in [found[0] for found in violations(page)]
