"""A resident's whole way over the pages, in one language: whoever looks at pages or takes pictures of them goes along.

It knows no word of any language, so it goes the same way in each.
"""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import Page, expect

from tests.end_to_end.pages import beside, letters, new_letter

PAGES = {
    "home": "home",
    "filter": "home",
    "alert": "alert",
    "subscribe": "subscribe",
    "subscribed": "subscribed",
    "confirm": "confirm",
    "confirmed": "confirmed",
    "manage": "manage_ask",
    "manage-asked": "manage_asked",
    "manage-open": "manage_open",
    "settings": "manage",
    "no-link": "no_link",
    "why": "why",
    "unsubscribe": "unsubscribe",
    "ended": "ended",
    "offline": "offline",
    "error": "error",
}
"""Each stop of the way, and the template that shows it. Stops that are in no dictionary are the same page in another state."""

KEEP_ALERTS = """async () => {
    const cache = await caches.open("kept by hand"), list = "/api/v1/public/alerts";
    const answer = await fetch(list);
    await cache.put(list, new Response(await answer.text(), { headers: { "X-Seen": new Date().toUTCString() } }));
}"""


def way(page: Page, language: str, place: str, alert: str) -> Iterator[str]:
    """Each stop, while `page` stands there. `place` is a ZIP code of nobody else; `alert` is the path of one that is out.

    The person signs up by e-mail and is gone at the end. Letters are opened in another tab, so that what answers a form stays open.
    """
    yield from _read(page, language, alert)
    outbox = page.context.new_page()
    yield from _sign_up(page, outbox, language, place)
    yield from _live(page, outbox, language, place)
    outbox.close()


def at(language: str, path: str) -> str:
    """The address of a page in a language."""
    return path if language == "en" else f"/{language}{path}"


def address(language: str, place: str) -> str:
    """Of the person who goes the way."""
    return f"{language}{place}@example.org"


def unfold(page: Page) -> None:
    """Everything that is folded away stands open."""
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")


def press(page: Page, button: str) -> None:
    """A button by its place, and not by its name; then the answer."""
    with page.expect_navigation():
        page.locator(button).first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def _read(page: Page, language: str, alert: str) -> Iterator[str]:
    """What nobody has to sign up for."""
    for name, path in (("home", "/"), ("filter", "/?place=Brooklyn&topic=weather"), ("alert", alert), ("error", "/nothing-here")):
        page.goto(at(language, path))
        yield name
    page.goto(at(language, "/?place=nowhere"))
    yield "an unknown place"
    page.evaluate(KEEP_ALERTS)
    page.goto(at(language, "/offline"))
    expect(page.locator("#kept article").first).to_be_visible()
    yield "offline"


def _sign_up(page: Page, outbox: Page, language: str, place: str) -> Iterator[str]:
    """From the empty form to the first alert."""
    page.goto(at(language, "/subscribe"))
    yield "subscribe"
    page.locator("#place").fill("99999")
    page.locator("#email").fill("me@nowhere")
    press(page, "#send")
    yield "a sign-up with faults"
    page.goto(at(language, "/subscribe"))
    page.locator("#place").fill(place)
    page.locator("[name=kind][value=sms]").check()
    page.locator("#phone").fill(f"718 55{place}")
    press(page, "#send")
    yield "a sign-up by text message"
    before = letters(outbox, "confirm")
    page.goto(at(language, "/subscribe"))
    page.locator("#place").fill(place)
    page.locator("#email").fill(address(language, place))
    press(page, "#send")
    yield "subscribed"
    page.goto(at(language, new_letter(outbox, "confirm", before)))
    yield "confirm"


def _live(page: Page, outbox: Page, language: str, place: str) -> Iterator[str]:
    """From the press that confirms, with the first alert in the letters, over the settings to the end."""
    before = letters(outbox, "unsubscribe")
    press(page, "main form button")
    yield "confirmed"
    stop = new_letter(outbox, "unsubscribe", before)
    yield from _settings(page, outbox, language, place)
    settings = page.url
    page.goto(at(language, beside(outbox, stop, "why")))
    yield "why"
    page.goto(at(language, stop))
    yield "unsubscribe"
    page.goto(settings)
    unfold(page)
    press(page, "form[action$='/end'] button")
    yield "everything deleted"
    page.goto(at(language, beside(outbox, stop, "why")))
    yield "why, of nobody any more"
    page.goto(at(language, stop))
    press(page, "main form button")
    yield "ended"


def _settings(page: Page, outbox: Page, language: str, place: str) -> Iterator[str]:
    """By a link that works once. They stay open at the end."""
    page.goto(at(language, "/manage"))
    yield "manage"
    press(page, "main form button")
    yield "no address given"
    before = letters(outbox, "manage")
    page.locator("#address").fill(address(language, place))
    press(page, "main form button")
    yield "manage-asked"
    once = at(language, new_letter(outbox, "manage", before))
    page.goto(once)
    yield "manage-open"
    press(page, "main form button")
    yield "settings"
    settings = page.url
    page.goto(once)
    yield "no-link"
    page.goto(settings)
    press(page, "form:has([name=action][value=test]) button")
    yield "a test is on its way"
    page.locator("#times [name=quiet]").check()
    press(page, "#times form button")
    yield "settings saved"
    page.locator("#place").fill("99999")
    with page.expect_navigation():
        page.locator("form:has(#place) > button").last.press("Enter")  # suggestions that come late lie over it
    yield "settings with a fault"
    page.goto(settings)
