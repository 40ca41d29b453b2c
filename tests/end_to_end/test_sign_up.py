"""Signing up in a real browser: by keyboard alone, by the combobox, by a shape drawn point by point, and leaving in a hurry."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.end_to_end.conftest import PHONE, Visitor
from tests.end_to_end.pages import leave, link_in_outbox
from tests.end_to_end.test_every_page import check


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.name || document.activeElement.tagName"))


def tab_to(page: Page, name: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if focused(page) == name:
            return
    raise AssertionError(f"{name} can't be reached")


def test_a_place_is_found_and_taken_by_keyboard_and_the_sign_up_finished_without_a_mouse(visitor: Visitor) -> None:
    page = visitor("/subscribe")
    tab_to(page, "place")
    field = page.get_by_role("combobox", name="Which place?")
    expect(field).to_have_attribute("aria-expanded", "false")
    with page.expect_response(re.compile("q=Sunnys$")):
        page.keyboard.type("Sunnys")
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    option = page.get_by_role("listbox", name="Suggestions").get_by_role("option", selected=True)
    name = option.evaluate("one => one.dataset.name")
    expect(field).to_have_attribute("aria-activedescendant", option.evaluate("one => one.id"))
    page.keyboard.press("Enter")
    expect(field).to_have_value(name)
    expect(field).to_have_attribute("aria-expanded", "false")
    tab_to(page, "email")
    page.keyboard.type("keys@example.org")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("check your mail")


def test_an_answer_that_comes_late_leaves_the_choice_made_by_keyboard(visitor: Visitor) -> None:
    page = visitor("/subscribe")
    late: list[Route] = []

    def hold(route: Route) -> None:
        late.append(route)

    page.route(re.compile("q=Sunnys$"), hold)
    field = page.get_by_role("combobox", name="Which place?")
    field.press_sequentially("Sunny")
    expect(field).to_have_attribute("aria-expanded", "true")
    with page.expect_request(re.compile("q=Sunnys$")):
        field.press("s")
    field.press("ArrowDown")
    chosen = page.get_by_role("listbox", name="Suggestions").get_by_role("option", selected=True)
    before = chosen.element_handle()
    with page.expect_response(re.compile("q=Sunnys$")):
        late.pop().continue_()
    page.wait_for_function("one => !one.isConnected", arg=before)
    expect(chosen).to_have_text(re.compile("^Sunnyside"))
    expect(field).to_have_attribute("aria-activedescendant", str(chosen.get_attribute("id")))


def test_the_combobox_closes_on_escape_adds_after_a_comma_and_answers_a_slip(visitor: Visitor) -> None:
    page = visitor("/subscribe")
    field = page.get_by_label("Which place?")
    field.press_sequentially("Asto")
    expect(page.locator("#place-list [role=option]").first).to_have_text(re.compile("^Astoria"))
    field.press("Escape")
    expect(page.locator("#place-list")).to_be_hidden()
    expect(field).to_have_value("Asto")
    field.fill("11201, Rid")
    page.get_by_role("option", name=re.compile("^Ridgewood")).first.click()
    expect(field).to_have_value(re.compile("^11201, Ridgewood"))
    field.fill("11291")
    expect(page.locator("#place-list")).to_contain_text("Did you mean")
    page.locator("#place-list [role=option]").first.click()
    expect(field).to_have_value("11201")


def test_a_shape_is_drawn_point_by_point_without_dragging_and_signed_up_for(visitor: Visitor) -> None:
    page = visitor("/subscribe", viewport=PHONE)
    page.get_by_text("Another kind of place").click()
    page.get_by_role("button", name="Choose on the map").click()
    page.locator("#draw[data-ready]").wait_for()
    check(page)
    page.get_by_label("A shape, corner by corner").check()
    box = page.locator("#draw-map").bounding_box()
    assert box
    for x, y in ((0.45, 0.4), (0.55, 0.4), (0.55, 0.55)):
        page.locator("#draw-map").click(position={"x": box["width"] * x, "y": box["height"] * y})
    expect(page.locator("#draw-said")).to_have_text("Corners so far: 3")
    page.get_by_role("button", name="Take back").click()
    expect(page.locator("#draw-said")).to_have_text("Corners so far: 2")
    page.get_by_role("button", name="Mark the middle of the map").press("Enter")
    expect(page.locator("#corners")).to_have_value(re.compile(r"^(-?[\d.]+, -?[\d.]+\n?){3}$"))
    page.get_by_label("Your e-mail address").fill("drawn@example.org")
    page.locator("#send").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("check your mail")


def test_the_point_of_where_one_is_is_kept_to_a_hundred_metres(visitor: Visitor) -> None:
    page = visitor("/subscribe", permissions=["geolocation"], geolocation={"latitude": 40.693712, "longitude": -73.990311})
    page.get_by_text("Another kind of place").click()
    page.get_by_role("button", name="Use my location").click()
    expect(page.locator("#point")).to_have_value("40.694, -73.990")
    expect(page.locator("#located")).to_contain_text("Found.")


def test_what_is_said_of_an_address_is_hidden_where_none_is_given(visitor: Visitor) -> None:
    page = visitor("/subscribe", javascript=False)
    said = page.get_by_text("Your address is kept encrypted")
    expect(said).to_be_visible()
    page = visitor("/subscribe")
    page.get_by_label("This browser").check()
    expect(page.get_by_text("Your address is kept encrypted")).to_be_hidden()
    page.get_by_label("Text message").check()
    expect(page.get_by_text("Your address is kept encrypted")).to_be_visible()


def test_on_a_phone_the_way_out_stays_in_reach_on_a_strip_of_its_own(visitor: Visitor) -> None:
    page = visitor("/subscribe", viewport=PHONE)
    page.get_by_text("More choices").click()
    page.mouse.wheel(0, 900)
    page.wait_for_function("() => scrollY > 500")
    link, strip = page.get_by_role("link", name="Exit this page"), page.locator(".leave")
    expect(link).to_be_in_viewport(ratio=1)
    box = strip.bounding_box()
    assert box
    assert (box["x"], round(box["width"])) == (0, PHONE["width"])
    assert strip.evaluate("one => getComputedStyle(one).backgroundColor") == page.evaluate(
        "getComputedStyle(document.body).backgroundColor"
    )
    assert strip.evaluate("one => document.elementFromPoint(20, one.getBoundingClientRect().top + 20) === one")


@pytest.mark.parametrize("how", ["button", "keys"])
def test_whoever_leaves_in_a_hurry_is_gone_at_once_and_does_not_come_back_by_the_back_button(visitor: Visitor, how: str) -> None:
    page = visitor("/manage")
    # The page that one leaves for is another host, of which a test asks nothing: our own stands in for it.
    page.goto("/subscribe")
    page.locator("#leave").evaluate("link => { link.href = location.origin + '/nothing-here'; }")
    if how == "button":
        page.get_by_role("link", name="Exit this page").click()
    else:
        for _ in range(3):
            page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("/nothing-here$"))
    page.go_back()
    expect(page).to_have_url(re.compile("/manage$"))


def test_a_person_manages_without_javascript_on_a_phone(visitor: Visitor) -> None:
    page = visitor("/subscribe", javascript=False, viewport=PHONE)
    page.get_by_label("Which place?").fill("11691")
    page.get_by_label("Your e-mail address").fill("manages@example.org")
    page.locator("#send").click()
    page.goto(link_in_outbox(page, "confirm", "alerts here for: 11691"))
    page.get_by_role("button", name="Yes").click()
    page.get_by_role("button", name="Send me a test").click()
    expect(page.get_by_role("status").filter(has_text="A test is on its way")).to_be_visible()
    check(page, with_axe=False)
    page.get_by_label("Keep quiet at these hours").check()
    page.locator("#times").get_by_role("button", name="Save").click()
    expect(page.get_by_text("you get only what can’t wait")).to_be_visible()
    leave(page)
    page.goto("/outbox?channel=email")
    expect(page.get_by_text("This is a test that you asked for.").first).to_be_visible()
