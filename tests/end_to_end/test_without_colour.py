"""How grave an alert is can be told without colours: in Chromium's emulation of eyes that see them differently, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.end_to_end.conftest import DESK, Visitor, demonstration
from tests.end_to_end.eyes import DEFICIENCIES, SCALE, Eyes, Picture, apart, contrast, middle
from tests.end_to_end.severities import SEVERITIES, headline, publish_every_severity

TONES = {"Extreme": "now", "Severe": "ready", "Moderate": "aware", "Minor": "aware", "Unknown": "aware"}
"""What each severity asks for, with the urgency that it has here; those that ask for the same share a mark."""
APART, ALIKE = 0.05, 0.02
"""Shares of a mark's ink: from the first on it is another shape, up to the second it is the same."""
TEXT, SHAPE = 4.5, 3.0
"""The least contrasts of WCAG 2.2, 1.4.3 and 1.4.11."""
SIGN = 0.62
"""The part of a sign on the map that lies within its round frame at any place: what is left and right of it belongs to the map."""


@pytest.fixture(scope="module")
def paths() -> dict[str, str]:
    """The pages of the alerts, by severity, once there is a hub."""
    return {}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, paths: dict[str, str]) -> Iterator[str]:
    """A demonstration of this file's own, with one alert of each severity and no others."""
    data = tmp_path_factory.mktemp("severities")
    with demonstration(data) as address:
        paths |= publish_every_severity(address, data)
        yield address


def strip(page: Page, severity: str) -> Locator:
    return page.locator("#now article").filter(has_text=headline(severity)).locator(".strip")


def sign(page: Page, severity: str) -> Locator:
    return page.locator(f"#map .sign[aria-label$='{headline(severity)}'] span")


def opened(visitor: Visitor, scheme: str) -> tuple[Page, Eyes]:
    """The page of current alerts with its map, large enough to be measured, and not live: nothing is exchanged meanwhile."""
    page = visitor("/subscribe", viewport=DESK, color_scheme=scheme, device_scale_factor=SCALE, service_workers="block")
    page.route(re.compile(r"/assets/live\b"), lambda route: route.fulfill(content_type="text/javascript", body=""))
    page.goto("/")
    page.get_by_role("button", name="Show the map").click()
    expect(page.locator("#map[data-ready] .sign")).to_have_count(len(SEVERITIES))
    return page, Eyes(page)


def marks(page: Page, eyes: Eyes) -> list[dict[str, Picture]]:
    """By severity, as they are drawn in the list and on the map, those of each place at the same size."""
    listed = {severity: eyes.see(strip(page, severity).locator("svg.shape")) for severity in SEVERITIES}
    mapped = {severity: middle(eyes.see(sign(page, severity)), SIGN) for severity in SEVERITIES}
    least = min(len(picture) for picture in mapped.values())
    return [listed, {severity: middle(picture, least / len(picture)) for severity, picture in mapped.items()}]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_differ_in_shape_and_labels_keep_their_contrast_for_all_eyes(visitor: Visitor, scheme: str) -> None:
    page, eyes = opened(visitor, scheme)
    for deficiency in DEFICIENCIES:
        eyes.become(deficiency)
        for pictures in marks(page, eyes):
            for one, other in combinations(SEVERITIES, 2):
                difference = apart(pictures[one], pictures[other])
                assert difference < ALIKE if TONES[one] == TONES[other] else difference > APART, (deficiency, one, other)
        for severity in SEVERITIES:
            assert contrast(eyes.see(strip(page, severity).locator("strong"))) >= TEXT, (deficiency, severity)
            assert contrast(middle(eyes.see(sign(page, severity)), SIGN)) >= SHAPE, (deficiency, severity)


def test_the_words_alone_say_how_grave_it_is(visitor: Visitor, paths: dict[str, str]) -> None:
    page, _ = opened(visitor, "light")
    asked = {severity: strip(page, severity).locator("strong").inner_text() for severity in SEVERITIES}
    for one, other in combinations(SEVERITIES, 2):
        assert (asked[one] == asked[other]) == (TONES[one] == TONES[other])
    for severity in SEVERITIES:
        expect(sign(page, severity).locator("..")).to_have_attribute("aria-label", f"{asked[severity]}: {headline(severity)}")
    said = set()
    for path in paths.values():
        page.goto(path)
        said.add(page.locator("article p.meta").first.inner_text())
    assert len(said) == len(SEVERITIES), said


def test_the_gravest_sign_is_the_largest_and_none_lies_under_a_button(visitor: Visitor) -> None:
    page, _ = opened(visitor, "light")
    sizes = {severity: sign(page, severity).evaluate("one => one.offsetWidth") for severity in SEVERITIES}
    assert all(sizes["Extreme"] > size for severity, size in sizes.items() if severity != "Extreme")
    for severity in SEVERITIES:
        expect(sign(page, severity)).to_be_visible()
        sign(page, severity).click(trial=True)  # fails where something else would be pressed


def test_eyes_without_colour_see_none_and_whatever_differs_in_colour_alone_is_found(visitor: Visitor) -> None:
    page, eyes = opened(visitor, "light")
    grave = strip(page, "Extreme")
    for deficiency, coloured in (("none", True), ("achromatopsia", False)):
        eyes.become(deficiency)
        assert bool(np.ptp(eyes.see(grave), axis=2).max() > 1) == coloured
    page.evaluate(ONE_SHAPE)
    listed, _ = marks(page, eyes)
    assert all(apart(listed[one], listed[other]) < ALIKE for one, other in combinations(SEVERITIES, 2))
    grave.locator("strong").evaluate("one => { one.style.color = '#d77'; }")
    assert contrast(eyes.see(grave.locator("strong"))) < TEXT


ONE_SHAPE = """() => {
    const [first, ...others] = document.querySelectorAll("#now svg.shape");
    for (const one of others) one.innerHTML = first.innerHTML;
}"""
