"""The pages that only a message's link opens: as sound as the others, in English by day and in Arabic by night, with all that unfolds."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import PHONE, Visitor
from tests.end_to_end.pages import leave, link_in_outbox, log_in, publish_heat, sign_up
from tests.end_to_end.test_every_page import check

LOOKS = (("", "light"), ("/ar", "dark"))
"""Where each language's pages stand, and the scheme that they are looked at in."""


def check_in_both(page: Page, path: str) -> None:
    for prefix, scheme in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.goto(prefix + path)
        check_unfolded(page)


def check_unfolded(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    check(page)


def test_what_only_a_link_opens_is_sound_in_english_and_arabic(visitor: Visitor) -> None:
    page = visitor("/", viewport=PHONE)
    for prefix, scheme in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{prefix}/subscribe?zip=99999")
        page.locator("#email").fill("me@nowhere")
        page.locator("#send").click()
        expect(page.get_by_role("alert").first).to_be_visible()
        check_unfolded(page)
    page.emulate_media(color_scheme="light")
    sign_up(page, "11233", "looks@example.org")
    check_unfolded(page)

    link = link_in_outbox(page, "confirm", "alerts here for: 11233")
    check_in_both(page, link)
    page.get_by_role("main").get_by_role("button").first.click()
    check_unfolded(page)
    manage = (page.locator("main a.button[href*='/manage/']").get_attribute("href") or "").removeprefix("/ar")
    staff = visitor("/")
    log_in(staff, "approver")
    publish_heat(staff)
    staff.get_by_role("link", name="Public page").click()
    check_in_both(page, staff.evaluate("location.pathname"))
    for kind in ("why", "unsubscribe"):
        check_in_both(page, link_in_outbox(page, kind, "Why you get this"))

    page.emulate_media(color_scheme="light")
    page.goto(manage)
    page.get_by_role("button", name="Send me a test").click()
    page.get_by_label("Keep quiet at these hours").check()
    page.locator("#times").get_by_role("button", name="Save").click()
    page.get_by_label("Add a place").fill("Astoria (Central), Bronx")
    page.get_by_role("button", name="Add", exact=True).press("Enter")  # suggestions that come late lie over it
    check_in_both(page, f"{manage}?at=choices&done=saved")
    page.locator("#place").fill("99999")
    page.locator("form:has(#place) > button").last.click()
    check_unfolded(page)
    page.goto("/manage")
    page.get_by_label("E-mail address or mobile number").fill("looks@example.org")
    page.get_by_role("button", name="Send me the link").click()
    check_unfolded(page)
    check_in_both(page, link_in_outbox(page, "manage", "To whoever asked for a link"))
    page.goto(manage)
    leave(page)
    check_unfolded(page)
