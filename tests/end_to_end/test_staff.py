"""Staff in a real browser: one writes, another approves what was frozen, both watch it arrive."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import DESK, PHONE, Visitor
from tests.end_to_end.pages import log_in


def write_flood(page: Page, zips: str, where: str, *, kind: str = "Real alert") -> None:
    """From a ready text to its preview."""
    page.goto("/console/compose?start=flash-flood")
    page.get_by_label(kind, exact=False).first.check()
    for name in ("headline_en", "description_en", "headline_es", "description_es"):
        box = page.locator(f"#{name}")
        box.fill(box.input_value().replace("___", where))
    page.get_by_label("ZIP codes").fill(zips)
    page.get_by_role("button", name="Preview").click()


def test_a_severe_alert_goes_from_its_author_over_an_approver_to_the_outbox_and_the_live_page(visitor: Visitor) -> None:
    resident = visitor("/")
    author = visitor("/console")
    log_in(author, "author")
    write_flood(author, "11201, 11205", "Fulton Landing")
    expect(author.get_by_role("heading", level=1)).to_contain_text("nothing is sent yet")
    expect(author.get_by_text("Next to it, and told nothing:")).to_be_visible()
    expect(author.locator("#map[data-ready] path.area").first).to_be_attached()
    author.get_by_role("button", name="Send for approval").click()
    expect(author.get_by_text("Somebody else must approve it")).to_be_visible()
    expect(author.get_by_role("button", name="Approve")).to_have_count(0)

    approver = visitor("/console")
    log_in(approver, "approver")
    approver.get_by_role("link", name=re.compile("Fulton Landing")).first.click()
    expect(approver.get_by_text("This is not a drill.")).to_be_visible()
    people = approver.locator(".big b").inner_text()
    approver.get_by_role("button", name="Approve and send").click()
    expect(approver.get_by_role("alert")).to_contain_text("not the number of people shown above")
    approver.get_by_label("How many people").fill(people)
    approver.get_by_role("button", name="Approve and send").click()
    expect(approver.get_by_role("heading", name="Gone out")).to_be_visible()
    expect(approver.locator("[data-n=matched]")).to_have_text(people)
    assert approver.locator("#bar").evaluate("bar => bar.value === bar.max")

    expect(resident.get_by_role("status")).to_contain_text("Fulton Landing")
    expect(resident.get_by_role("article").filter(has_text="Fulton Landing")).to_contain_text("Act now")

    approver.goto("/outbox?channel=sms")
    expect(approver.locator(".device.sms").filter(has_text="Fulton Landing").first).to_contain_text("Sample, 11201")


def test_a_drill_is_approved_in_other_words_and_marked_for_everyone(visitor: Visitor) -> None:
    page = visitor("/console")
    log_in(page, "approver")
    write_flood(page, "10025", "Straus <i>Park</i>", kind="Drill")
    expect(page.get_by_role("article")).to_contain_text("Drill. This is not real.")
    page.get_by_role("button", name="Start the drill").click()
    expect(page.get_by_role("heading", name="Gone out")).to_be_visible()  # the page has asked for itself again, and stays
    expect(page.get_by_role("heading", level=1)).to_contain_text("Flash Flood Warning")
    page.goto("/")
    card = page.get_by_role("article").filter(has_text="Straus <i>Park</i>")
    expect(card).to_contain_text("Drill. This is not real.")
    card.get_by_role("link").first.click()
    page.locator("#show-map").click()
    page.locator("#map[data-ready] path.area").first.dispatch_event("mouseover")
    expect(page.locator(".leaflet-tooltip")).to_contain_text("Straus <i>Park</i>")


def test_nobody_sends_anything_but_what_the_preview_showed(visitor: Visitor) -> None:
    page = visitor("/console")
    log_in(page, "author")
    write_flood(page, "10001", "Chelsea Park")
    page.locator("input[name=headline_en]").evaluate("field => { field.value = 'Something else' }")
    page.get_by_role("button", name="Send for approval").click()
    expect(page.get_by_role("alert")).to_contain_text("Not sent.")
    expect(page.get_by_role("article")).to_contain_text("Something else")


def test_an_approver_sends_a_draft_back_with_a_reason_and_it_can_be_written_again(visitor: Visitor) -> None:
    author = visitor("/console")
    log_in(author, "author")
    write_flood(author, "10463", "Van Cortlandt Park")
    author.get_by_role("button", name="Send for approval").click()
    address = author.url
    approver = visitor("/console")
    log_in(approver, "approver")
    approver.goto(address)
    approver.get_by_text("Send it back").click()
    approver.get_by_role("button", name="Send back to its author").click()
    expect(approver.get_by_role("alert")).to_contain_text("Say what must change")
    approver.get_by_text("Send it back").click()
    approver.get_by_label("What must change?").fill("Name the street.")
    approver.get_by_role("button", name="Send back to its author").click()
    expect(approver.get_by_role("heading", level=1)).to_contain_text("Draft")
    author.reload()
    expect(author.get_by_role("main")).to_contain_text("approver sent it back")
    expect(author.get_by_role("main")).to_contain_text("Name the street.")
    author.get_by_role("link", name="Correct and send again").click()
    expect(author.get_by_label("ZIP codes")).to_have_value("10463")


def test_a_false_alarm_is_called_off_in_one_press_and_whoever_got_it_is_told(visitor: Visitor) -> None:
    page = visitor("/console", viewport=PHONE)
    log_in(page, "approver")
    page.get_by_role("listitem").filter(has_text="Police activity").get_by_role("link", name="Preview").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("nothing is sent yet")
    page.get_by_role("button", name=re.compile("Publish now")).click()
    expect(page.get_by_role("heading", name="Gone out")).to_be_visible()
    reached = page.locator("[data-n=matched]").inner_text()
    page.get_by_role("link", name="Call it off").click()
    question = page.get_by_role("region", name="Call it off?")
    expect(question).to_contain_text(f"{reached} people who got it are told")
    expect(question).to_contain_text("Cancelled: Police activity at Borough Hall")
    question.get_by_role("button", name="Call it off now").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Call-off")
    expect(page.get_by_role("heading", name="Gone out")).to_be_visible()
    expect(page.locator("[data-n=matched]")).to_have_text(reached)
    expect(page.get_by_role("link", name="Call it off")).to_have_count(0)
    page.get_by_role("link", name="Public page").click()
    expect(page.get_by_role("main").get_by_text("You no longer need to act on it.")).to_have_count(1)
    expect(page.get_by_role("heading", name="What was said, newest first")).to_be_visible()


def test_a_call_off_in_own_words_is_previewed_for_whoever_got_the_alert(visitor: Visitor) -> None:
    page = visitor("/console")
    log_in(page, "approver")
    page.get_by_role("listitem").filter(has_text="Heat advisory").get_by_role("button", name="Publish now").click()
    expect(page.get_by_role("heading", name="Gone out")).to_be_visible()
    reached = page.locator("[data-n=matched]").inner_text()
    page.get_by_role("link", name="Call it off").click()
    page.get_by_role("link", name="write your own words").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Call off an alert")
    page.get_by_label("What has happened", exact=True).fill("The air has cooled earlier than forecast.")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".big b")).to_have_text(reached)
    page.get_by_role("button", name=f"Call it off now and tell {reached} people").click()
    expect(page.get_by_role("heading", name="Gone out")).to_be_visible()
    expect(page.locator("[data-n=matched]")).to_have_text(reached)


def test_pressing_an_area_on_the_map_names_its_zip(visitor: Visitor) -> None:
    page = visitor("/console")
    log_in(page, "author")
    page.goto("/console/compose")
    page.locator("#map[data-ready]").wait_for()
    page.locator("path.leaflet-interactive").nth(20).dispatch_event("click")
    expect(page.get_by_label("ZIP codes")).to_have_value(re.compile(r"^\d{5}$"))
    expect(page.locator("path.area")).to_have_count(1)


NEEDED = """select => {
    const pen = document.createElement("canvas").getContext("2d"), style = getComputedStyle(select), arrow = 20;
    pen.font = style.font;
    const longest = Math.max(...[...select.options].map((option) => pen.measureText(option.text).width));
    return longest + parseFloat(style.paddingLeft) + parseFloat(style.paddingRight) + arrow;
}"""


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_no_answer_to_choose_is_cut(visitor: Visitor, viewport: dict[str, int]) -> None:
    page = visitor("/console", viewport=viewport)
    log_in(page, "author")
    page.goto("/console/compose")
    for label in ("Category", "When must people act?", "How sure is it?"):
        select = page.get_by_label(label)
        assert select.evaluate(NEEDED) <= select.evaluate("select => select.clientWidth"), label


def test_a_wrong_password_and_a_stranger_learn_nothing(visitor: Visitor) -> None:
    page = visitor("/console/alerts/al_unknown")
    expect(page).to_have_url(re.compile("/console/log-in"))
    page.get_by_label("Name").fill("author")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Wrong name or password")
    expect(page.get_by_label("Password")).to_have_value("")
