"""What people do on the pages, named as they would name it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

TOKEN = re.compile(r"https?://[^/]+(/(?:confirm|manage|unsubscribe|why)/[\w-]+)")


def log_in(page: Page, who: str) -> None:
    """One of the demonstration's log-ins, by its button."""
    page.goto("/console/log-in")
    page.get_by_role("button", name=f"Log in as {who}").click()
    expect(page).to_have_url(re.compile("/console$"))


def publish_heat(page: Page) -> None:
    """A ready alert that needs no second person, by whoever is logged in."""
    page.goto("/console")
    page.get_by_role("listitem").filter(has_text="Heat advisory").get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", name="Gone out")).to_be_visible()


def sign_up(page: Page, place: str, address: str) -> None:
    """By e-mail."""
    page.goto("/subscribe")
    page.get_by_label("Which place?").fill(place)
    page.get_by_label("Your e-mail address").fill(address)
    page.get_by_role("button", name="Get alerts").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("check your mail")


def leave(page: Page) -> None:
    """Everything of whoever's settings are open is deleted: nobody's quiet hours hold back what another test waits for."""
    page.get_by_text("Stop all alerts and delete my data").click()
    page.get_by_role("button", name="Yes, stop and delete").click()
    expect(page.get_by_text("are deleted")).to_be_visible()


def link_in_outbox(page: Page, kind: str, *about: str) -> str:
    """The path of the newest link of a kind (confirm, manage, unsubscribe, why) in an e-mail whose text says all of `about`.

    Each test has a place of its own, so that nobody opens another person's letter while theirs is still on its way.
    """
    mail = page.locator(".device.email")
    for words in about:
        mail = mail.filter(has_text=words)
    link = mail.locator(f"a[href*='/{kind}/']").first
    for _ in range(200):
        page.goto("/outbox?channel=email")
        if link.count():
            break
    found = TOKEN.match(link.get_attribute("href") or "")
    assert found, f"no {kind} link in the outbox"
    return found[1]


def letters(outbox: Page, kind: str) -> set[str]:
    """The paths of all links of a kind in the e-mails that have come so far."""
    outbox.goto("/outbox?channel=email")
    links = outbox.locator(f".device.email a[href*='/{kind}/']").evaluate_all("all => all.map((one) => one.href)")
    return {found[1] for link in links if (found := TOKEN.match(link))}


def new_letter(outbox: Page, kind: str, before: set[str]) -> str:
    """The path of the link in the letter that was not there `before`, whatever its language."""
    for _ in range(200):
        if new := letters(outbox, kind) - before:
            return new.pop()
    raise AssertionError(f"no {kind} link in the outbox")


def beside(outbox: Page, link: str, kind: str) -> str:
    """The path of the link of another kind in the same letter."""
    outbox.goto("/outbox?channel=email")
    letter = outbox.locator(".device.email").filter(has=outbox.locator(f"a[href$='{link}']"))
    found = TOKEN.match(letter.first.locator(f"a[href*='/{kind}/']").first.evaluate("one => one.href"))
    assert found, f"no {kind} link in that letter"
    return found[1]
