"""A console that stays open: it learns what others have done, and nobody leaves a draft behind without being asked."""

from __future__ import annotations

import re

from playwright.sync_api import Dialog, Page, expect

from tests.end_to_end.conftest import PHONE, Visitor
from tests.end_to_end.pages import log_in
from tests.end_to_end.test_staff import write_flood

ASKED_AGAIN_MS = 10_000


def watching(page: Page, who: str, path: str = "/console") -> None:
    """Logged in, on a page whose clock the test moves."""
    log_in(page, who)
    page.clock.install()
    page.goto(path)


def sent_for_approval(author: Page, where: str) -> str:
    """The address of a severe alert that waits."""
    log_in(author, "author")
    write_flood(author, "11201", where)
    author.get_by_role("button", name="Send for approval").click()
    expect(author.get_by_text("Somebody else must approve it")).to_be_visible()
    return author.url


def test_an_open_list_learns_that_an_alert_waits_and_says_so_in_its_title(visitor: Visitor) -> None:
    approver = visitor("/console")
    watching(approver, "approver")
    before = approver.title()
    approver.get_by_role("link", name="An empty form").focus()
    sent_for_approval(visitor("/console"), "Pier Nine")
    approver.clock.run_for(ASKED_AGAIN_MS)
    expect(approver.get_by_role("heading", name=re.compile("Pier Nine")).first).to_be_visible()
    expect(approver).to_have_title(re.compile(r"^\(\d+ waits?\) Alerts"))
    assert approver.title() != before
    expect(approver.locator("#told")).to_have_text(re.compile("for approval"))
    expect(approver.get_by_role("link", name="An empty form")).to_be_focused()


def test_an_author_learns_that_it_was_approved_and_an_approver_who_types_is_only_told(visitor: Visitor) -> None:
    author, slow, quick = visitor("/console"), visitor("/console"), visitor("/console")
    address = sent_for_approval(author, "Pier Ten")
    author.clock.install()
    author.goto(address)
    watching(slow, "approver", address)
    slow.get_by_label("How many people").fill("1")
    log_in(quick, "approver")
    quick.goto(address)
    quick.get_by_label("How many people").fill(quick.locator(".big b").inner_text())
    quick.get_by_role("button", name="Approve and send").click()
    expect(quick.get_by_role("heading", name="Gone out")).to_be_visible()
    for page in (author, slow):
        page.clock.run_for(ASKED_AGAIN_MS)
    expect(author.get_by_role("heading", level=1)).to_contain_text("Live")
    expect(slow.get_by_role("alert")).to_contain_text("This has changed meanwhile.")
    expect(slow.get_by_label("How many people")).to_have_value("1")
    slow.get_by_role("link", name="Look at it again").click()
    expect(slow.get_by_role("heading", level=1)).to_contain_text("Live")


def asked_before_leaving(page: Page) -> list[str]:
    """The kinds of the dialogs that have come so far; whoever is asked stays."""
    kinds: list[str] = []

    def stay(dialog: Dialog) -> None:
        kinds.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    return kinds


def test_whoever_leaves_a_changed_form_is_asked_and_whoever_sends_it_is_not(visitor: Visitor) -> None:
    page = visitor("/console", viewport=PHONE)
    log_in(page, "author")
    asked = asked_before_leaving(page)
    away = page.get_by_role("link", name="Outbox", exact=True)
    page.goto("/console/compose?start=flash-flood")
    away.click()
    expect(page).to_have_url(re.compile("/outbox$"))
    assert asked == []
    write_flood(page, "10002", "Seward Park", kind="Drill")
    expect(page.get_by_role("heading", level=1)).to_contain_text("nothing is sent yet")
    assert asked == []
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_label("ZIP codes")).to_have_value("10002")
    away.click()
    assert asked == ["beforeunload"]
    expect(page.get_by_label("ZIP codes")).to_have_value("10002")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("nothing is sent yet")
    page.goto("/console/compose")
    page.get_by_label("Event", exact=True).fill("Flood")
    away.click()
    assert asked == ["beforeunload"] * 2
    expect(page.get_by_label("Event", exact=True)).to_have_value("Flood")
