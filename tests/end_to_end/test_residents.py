"""Residents in a real browser, most of them without JavaScript: sign up by ZIP, confirm, see what holds, change, leave."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.end_to_end.conftest import PHONE, Visitor
from tests.end_to_end.pages import leave, letters, link_in_outbox, log_in, new_letter, sign_up


def test_a_person_signs_up_by_zip_confirms_changes_and_leaves_without_javascript(visitor: Visitor) -> None:
    page = visitor("/", javascript=False, viewport=PHONE)
    page.get_by_label("ZIP code").fill("11201")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("Which place?")).to_have_value("11201")
    sign_up(page, "11201", "leaves@example.org")

    page.goto(link_in_outbox(page, "confirm", "alerts here for: 11201"))
    expect(page.get_by_text("ZIP 11201")).to_be_visible()
    page.get_by_role("button", name="Yes, send me these alerts").click()
    expect(page.get_by_role("heading", name="You are subscribed")).to_be_visible()

    page.get_by_role("link", name="Open my settings").click()
    page.get_by_label("Add a place").fill("Astoria (Central), Bronx")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Added.")).to_be_visible()
    page.get_by_label("Events").uncheck()
    page.get_by_label("Only danger to people or homes").check()
    page.locator("#choices").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    for place in ("in ZIP code 11201", "in Astoria (Central)", "in the Bronx"):
        expect(page.locator("#places").get_by_text(place, exact=True)).to_be_visible()
    expect(page.get_by_label("Events")).not_to_be_checked()
    expect(page.get_by_label("Only danger to people or homes")).to_be_checked()
    expect(page.get_by_text("severe or worse, in ZIP code 11201, in Astoria (Central), and in the Bronx.")).to_be_visible()

    leave(page)
    page.go_back()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("This link does not work")


def test_a_forgotten_link_comes_to_the_address_and_works_once(visitor: Visitor) -> None:
    page = visitor("/", javascript=False)
    sign_up(page, "10301", "forgets@example.org")
    page.goto(link_in_outbox(page, "confirm", "alerts here for: 10301"))
    page.get_by_role("button", name="Yes").click()

    before = letters(page, "manage")  # of others, who may have used their links
    page.goto("/manage")
    page.get_by_label("E-mail address or mobile number").fill("Forgets@example.org")
    page.get_by_role("button", name="Send me the link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your messages")
    once = new_letter(page, "manage", before)
    for _ in range(2):  # a mail scanner looks first
        page.goto(once)
        expect(page.get_by_role("button", name="Open my settings")).to_be_visible()
    page.get_by_role("button", name="Open my settings").click()
    expect(page.locator("#places")).to_contain_text("in ZIP code 10301")
    page.goto(once)
    expect(page.get_by_role("heading", level=1)).to_have_text("This link does not work")


def test_to_save_one_card_asks_first_when_another_was_changed_too(visitor: Visitor) -> None:
    page = visitor("/", timezone_id="Europe/Paris")
    sign_up(page, "10302", "changes@example.org")
    page.goto(link_in_outbox(page, "confirm", "alerts here for: 10302"))
    page.get_by_role("button", name="Yes").click()
    page.get_by_role("link", name="Open my settings").click()
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        if len(asked) == 1:
            dialog.dismiss()
        else:
            dialog.accept()

    page.on("dialog", answer)
    save = page.locator("#choices").get_by_role("button", name="Save")
    page.get_by_label("Events").uncheck()
    save.click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert not asked, "nothing but this card was changed"
    page.get_by_label("Keep quiet at these hours").check()
    page.get_by_label("Schools").uncheck()
    save.click()
    assert [sentence.partition(" was ")[0] for sentence in asked] == ["Something else on this page"]
    expect(page.get_by_label("Keep quiet at these hours")).to_be_checked()
    expect(page.get_by_label("Schools")).not_to_be_checked()
    save.click()
    expect(page.get_by_label("Keep quiet at these hours")).not_to_be_checked()
    expect(page.get_by_label("Schools")).not_to_be_checked()
    page.get_by_label("Events").check()
    leave(page)
    assert len(asked) == 2


def test_an_unknown_address_gets_the_same_answer(visitor: Visitor) -> None:
    page = visitor("/manage", javascript=False)
    page.get_by_label("E-mail address or mobile number").fill("nobody@example.org")
    page.get_by_role("button", name="Send me the link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your messages")


def test_errors_stand_at_their_fields_and_keep_what_was_typed(visitor: Visitor) -> None:
    page = visitor("/subscribe?zip=99999", javascript=False)
    page.get_by_label("Your e-mail address").fill("me@nowhere")
    page.get_by_role("button", name="Get alerts").click()
    expect(page.get_by_role("alert")).to_contain_text("99999")
    expect(page.get_by_label("Which place?")).to_have_value("99999")
    expect(page.get_by_label("Which place?")).to_have_accessible_description(re.compile("do not know"))
    expect(page.get_by_label("Your e-mail address")).to_have_value("me@nowhere")
    page.get_by_label("Which place?").fill("11201")
    page.get_by_role("button", name="Get alerts").click()
    expect(page.get_by_label("Your e-mail address")).to_have_accessible_description(re.compile("not a complete e-mail address"))


def test_spanish_is_chosen_by_the_browser_and_stays_when_chosen_by_hand(visitor: Visitor) -> None:
    page = visitor("/", locale="es-US")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    english = visitor("/subscribe", locale="en-US")
    english.get_by_role("link", name="Español").click()
    expect(english.get_by_role("heading", level=1)).to_have_text("Recibir alertas")
    english.get_by_role("link", name="Mis ajustes").click()
    expect(english.get_by_role("heading", level=1)).to_have_text("Mis ajustes")


def test_whoever_confirms_during_an_alert_sees_it_and_can_stop_from_the_message(visitor: Visitor) -> None:
    desk = visitor("/console")
    log_in(desk, "author")
    desk.get_by_role("listitem").filter(has_text="Road closure").get_by_role("button", name="Publish").click()
    expect(desk.get_by_role("heading", name="Gone out")).to_be_visible()

    page = visitor("/", javascript=False)
    sign_up(page, "11205", "stops@example.org")
    page.goto(link_in_outbox(page, "confirm", "alerts here for: 11205"))
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("heading", name=re.compile("alerts? (is|are) in effect there now"))).to_be_visible()

    alert = ("To a subscriber", "Flatbush Avenue Extension")
    page.goto(link_in_outbox(page, "why", *alert))
    expect(page.get_by_text("ZIP 11205")).to_be_visible()
    expect(page.get_by_text("stops@example.org")).to_have_count(0)

    stop = link_in_outbox(page, "unsubscribe", *alert)
    page.goto(stop)
    page.get_by_role("button", name="Stop alerts to this address").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your alerts have ended")
    again = page.request.post(stop, form={"List-Unsubscribe": "One-Click"}, headers={"Cookie": ""})
    assert again.status == 200


def test_the_service_worker_answers_the_challenge_and_shows_alerts(visitor: Visitor) -> None:
    """As the browser's push service would deliver them (W3C Push API); the encryption is tested with the channel."""
    page = visitor("/subscribe", permissions=["notifications"])
    sign_up(page, "11215", "pushed@example.org")
    link = link_in_outbox(page, "confirm", "alerts here for: 11215")
    page.goto("/subscribe")
    deliver = push_service(page)

    deliver({"purpose": "confirm", "title": "Confirmed", "confirm": page.url.split("/subscribe")[0] + link, "tag": "letter"})
    expect(page.locator("#push-status")).to_contain_text("You are subscribed in this browser.")
    page.locator("#push-status").get_by_role("link", name="Open my settings").click()
    expect(page.locator("#places")).to_contain_text("in ZIP code 11215")

    deliver(
        {
            "purpose": "alert",
            "title": "Act now: Flash flooding",
            "body": "Leave basements.",
            "url": "/",
            "tag": "chain",
            "severity": "Extreme",
        }
    )
    assert ["Act now: Flash flooding", "Leave basements."] in page.evaluate(NOTIFICATIONS)


@pytest.mark.parametrize(
    ("place", "answers", "asked"), [("10305", [503], 2), ("10306", [0, 429], 3)], ids=["a fault", "no network, then a crowd"]
)
def test_the_challenge_is_answered_again_when_the_hub_could_not_be_told(
    visitor: Visitor, place: str, answers: list[int], asked: int
) -> None:
    page, link, deliver = challenged(visitor, place, answers)
    deliver({"purpose": "confirm", "title": "Confirmed", "confirm": link, "tag": "letter"})
    expect(page.locator("#push-status")).to_contain_text("You are subscribed in this browser.")
    assert pressed(page) == ["/", asked]


@pytest.mark.parametrize(
    ("place", "answers", "asked"), [("10308", [0, 503, 500], 3), ("10309", [403], 1)], ids=["the hub is away", "a refusal"]
)
def test_a_press_confirms_where_the_worker_could_not(visitor: Visitor, place: str, answers: list[int], asked: int) -> None:
    page, link, deliver = challenged(visitor, place, answers)
    deliver({"purpose": "confirm", "title": "Open this to get alerts", "confirm": link, "tag": "letter"})
    opened, tries = pressed(page)
    assert (opened, tries) == (urlsplit(link).path, asked)
    page.goto(opened)
    page.get_by_role("button", name="Yes, send me these alerts").click()
    expect(page.get_by_role("heading", name="You are subscribed")).to_be_visible()


def challenged(visitor: Visitor, place: str, answers: list[int]) -> tuple[Page, str, Callable[..., None]]:
    """Page, link and push service of a sign-up whose first confirmations from the worker get these statuses, 0 for no network."""
    page = visitor("/subscribe", permissions=["notifications"])
    sign_up(page, place, f"in{place}@example.org")
    link = link_in_outbox(page, "confirm", f"alerts here for: {place}")
    page.goto("/subscribe")
    deliver = push_service(page)
    (worker,) = page.context.service_workers
    worker.evaluate(FAIL_FIRST, answers)
    return page, page.url.split("/subscribe")[0] + link, deliver


FAIL_FIRST = """(answers) => {
    const real = self.fetch;
    self.asked = 0;
    self.fetch = (target, options) => {
        if (!String(target).startsWith("/confirm/")) return real(target, options);
        self.asked += 1;
        const status = answers.shift();
        if (status === undefined) return real(target, options);
        return status ? Promise.resolve(new Response("", { status })) : Promise.reject(new TypeError("no network"));
    };
}"""


def pressed(page: Page) -> list[Any]:
    """[path that a press of the only notification opens, how often the worker tried to confirm]."""
    (worker,) = page.context.service_workers
    found: list[Any] = worker.evaluate(
        """async () => {
            const [notification] = await registration.getNotifications();
            const event = new NotificationEvent("notificationclick", { notification });
            let work = null, opened = null;
            // Only a person's own press may open a window, and only an event of the browser's own may ask it to wait.
            clients.matchAll = async () => [];
            clients.openWindow = async (link) => { opened = new URL(link).pathname; };
            Object.defineProperty(event, "waitUntil", { value: (one) => { work = one; } });
            self.dispatchEvent(event);
            await work;
            return [opened, self.asked];
        }"""
    )
    return found


NOTIFICATIONS = "navigator.serviceWorker.ready.then((one) => one.getNotifications()).then((all) => all.map((one) => [one.title, one.body]))"


def push_service(page: Page) -> Callable[..., None]:
    """Delivers to the page's service worker through the browser's own debugging door, and returns once everything has been shown."""
    devtools = page.context.new_cdp_session(page)
    registered: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registered.extend(one["registrationId"] for one in event["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    page.evaluate("async () => { await navigator.serviceWorker.register('/sw.js'); await navigator.serviceWorker.ready; }")
    origin = page.evaluate("location.origin")
    (worker,) = page.context.service_workers
    worker.evaluate(COUNT_SHOWN)
    count = 0

    def deliver(*messages: dict[str, Any]) -> None:
        nonlocal count
        count += len(messages)
        for message in messages:
            devtools.send(
                "ServiceWorker.deliverPushMessage", {"origin": origin, "registrationId": registered[-1], "data": json.dumps(message)}
            )
        assert worker.evaluate(WAIT_FOR_SHOWN, count) == count

    return deliver


# Whoever asks for the list while a notification is on its way makes Chromium forget that one, so nobody asks before.
COUNT_SHOWN = """() => {
    const show = registration.showNotification.bind(registration);
    self.shown = 0;
    registration.showNotification = (...given) => show(...given).then(() => { self.shown += 1; });
}"""
WAIT_FOR_SHOWN = """async (count) => {
    for (const end = Date.now() + 60000; self.shown < count && Date.now() < end;) await new Promise((wake) => setTimeout(wake, 20));
    return self.shown;
}"""
