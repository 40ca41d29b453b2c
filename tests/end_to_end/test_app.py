"""The pages as an app: current without a reload, there without a network, and notifications that replace each other and go."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import Visitor
from tests.end_to_end.pages import log_in, publish_heat
from tests.end_to_end.test_residents import push_service
from tests.subscriptions.test_renewal import browser

SNAPSHOTS = Path(__file__).with_name("accessibility")
KEPT = """async () => {
    const found = [];
    for (const name of await caches.keys())
        for (const request of await (await caches.open(name)).keys()) found.push(new URL(request.url).pathname);
    return found.sort();
}"""


def test_an_open_page_gets_what_is_new_and_loses_what_is_over_without_a_reload(visitor: Visitor) -> None:
    page, staff = visitor("/"), visitor("/")
    page.evaluate("window.loadedOnce = true")
    page.get_by_role("button", name="Show the map").click()
    expect(page.locator("#map[data-ready]")).to_be_attached()
    before = page.locator("#now article").count()
    log_in(staff, "approver")
    publish_heat(staff)
    expect(page.locator("#now article")).to_have_count(before + 1)
    expect(page.locator("#live")).to_contain_text("New alert:")
    headline = page.locator("#now article.fresh h2").inner_text()
    signs = page.locator("#map .sign").and_(page.get_by_label(headline))
    alike = page.locator("#now article h2").filter(has_text=headline).count()
    expect(signs).to_have_count(alike)
    expect(page.locator("#urgent")).to_be_empty()
    assert page.locator("[aria-live]:not([aria-live=off]), [role=status], [role=alert]").evaluate_all(
        "all => all.map((one) => one.id).filter(Boolean)"
    ) == ["live", "urgent"]

    staff.get_by_role("link", name="Call it off").click()
    staff.get_by_role("main").get_by_role("button").filter(has_text=re.compile("call it off", re.IGNORECASE)).first.click()
    expect(page.locator("#now article")).to_have_count(before)
    expect(page.locator("#live")).to_contain_text("Over:")
    expect(signs).to_have_count(alike - 1)
    assert page.evaluate("window.loadedOnce")


def test_without_a_network_the_last_alerts_are_there_and_nothing_personal(visitor: Visitor) -> None:
    staff = visitor("/")
    log_in(staff, "approver")
    publish_heat(staff)
    page = visitor("/es/", locale="es")
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    page.wait_for_function("navigator.serviceWorker.controller")
    for path in (
        "/es/",
        "/manage",
        "/confirm/none",
        "/manage/none",
        "/why/none",
        "/api/v1/subscriptions/none",
        "/subscribe",
        "/console/log-in",
    ):
        page.goto(path)
    page.evaluate(
        f"async () => {{ while (!(await ({KEPT})()).includes('/es/offline')) await new Promise((wake) => setTimeout(wake, 50)); }}"
    )
    kept = page.evaluate(KEPT)
    assert [path for path in kept if not path.startswith("/assets/")] == ["/api/v1/public/alerts", "/es/offline", "/offline"]

    page.context.set_offline(True)
    page.goto("/es/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sin conexión")
    expect(page.locator("#seen")).to_contain_text(re.compile(r"Alertas a las .*\d:\d\d"))
    expect(page.locator("#kept article").first).to_be_visible()
    assert page.locator("#kept svg.shape").count() == page.locator("#kept article").count() > 0
    page.context.set_offline(False)  # the page comes back by itself
    expect(page.locator("#now")).to_be_attached()


def test_without_a_network_an_area_without_a_name_is_not_taken_for_the_whole_city(visitor: Visitor) -> None:
    page = visitor("/")
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    page.wait_for_function("navigator.serviceWorker.controller")
    drawn: dict[str, Any] = {
        "status": "Actual",
        "urgency": "Immediate",
        "grade": "Severe",
        "expires": "2100-01-01T00:00:00Z",
        "infos": [{"language": "en", "headline": "Spill in the river", "description": "", "instruction": ""}],
        "area": {"circle": {"lat": 40.83, "lon": -73.933, "radius_m": 50}},
        "area_names": [],
    }
    page.evaluate(KEEP, [drawn, drawn | {"area": {"citywide": True}}, drawn | {"area": {"zips": ["11201"]}, "area_names": ["11201"]}])
    page.goto("/offline")
    cards, city = page.locator("#kept article"), page.locator("#seen").get_attribute("data-city")
    expect(cards).to_have_count(3)
    expect(cards.nth(0)).not_to_contain_text(city or "")
    expect(cards.nth(1)).to_contain_text(city or "")
    expect(cards.nth(2)).to_contain_text("11201")


KEEP = """async (alerts) => {
    const headers = { "X-Seen": new Date().toUTCString() };
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        const list = "/api/v1/public/alerts";
        if (await cache.match(list)) await cache.put(list, new Response(JSON.stringify({ alerts }), { headers }));
    }
}"""


def test_a_later_version_replaces_a_notification_and_sounds_only_if_it_should(visitor: Visitor) -> None:
    page = visitor("/subscribe", permissions=["notifications"])
    deliver = push_service(page)
    flood: dict[str, Any] = {"purpose": "alert", "title": "Flood", "body": "", "url": "/", "tag": "chain", "severity": "Extreme"}
    deliver(flood)
    assert shown(page, "Flood") == ["Flood", True, False, True]
    deliver(flood | {"title": "Flood is over", "severity": "Extreme", "urgency": "Past"})
    assert shown(page, "Flood is over") == ["Flood is over", True, False, False]
    deliver(flood | {"title": "News from your city", "silent": True})
    assert shown(page, "News from your city") == ["News from your city", False, True, False]
    deliver(flood | {"title": "Short", "tag": "short", "expires": time.time() * 1000 - 1000})
    assert shown(page, "Short")
    deliver(flood | {"title": "Last", "tag": "last"})
    assert shown(page, "Last")
    assert page.evaluate(NOTIFICATIONS) == ["Last", "News from your city"]


def test_notifications_that_come_at_once_are_all_kept(visitor: Visitor) -> None:
    page = visitor("/subscribe", permissions=["notifications"])
    deliver = push_service(page)
    titles = [f"Alert {number:02}" for number in range(30)]
    deliver(*({"purpose": "alert", "title": title, "url": "/", "tag": title} for title in titles))
    assert page.evaluate(NOTIFICATIONS) == titles


NOTIFICATIONS = "navigator.serviceWorker.ready.then((one) => one.getNotifications()).then((all) => all.map((one) => one.title).sort())"


def shown(page: Page, title: str) -> list[Any]:
    """[title, calls again, silent, stays] of the one notification with this title."""
    found: list[Any] = page.evaluate(
        """async (title) => {
            const worker = await navigator.serviceWorker.ready;
            const one = (await worker.getNotifications()).find((each) => each.title === title);
            return one && [one.title, one.renotify, one.silent || false, one.requireInteraction];
        }""",
        title,
    )
    return found


def test_a_push_address_that_the_browser_exchanges_is_exchanged_at_the_hub(visitor: Visitor) -> None:
    """The worker remembers the new one once the hub has taken the news, and names it as the old one the next time."""
    page = visitor("/subscribe")
    page.evaluate("async () => { await navigator.serviceWorker.register('/sw.js'); await navigator.serviceWorker.ready; }")
    (worker,) = page.context.service_workers
    first, second, third = browser("first"), browser("second"), browser("third")
    assert worker.evaluate(EXCHANGE, [first, second])["endpoint"] == second["endpoint"]
    assert worker.evaluate(EXCHANGE, [None, third])["endpoint"] == third["endpoint"]
    refused = browser("fourth", "https://elsewhere.example")
    assert worker.evaluate(EXCHANGE, [None, refused])["endpoint"] == third["endpoint"]


EXCHANGE = """async ([oldSubscription, newSubscription]) => {
    const event = Object.assign(new ExtendableEvent("pushsubscriptionchange"), { oldSubscription, newSubscription });
    let work = null;  // only an event of the browser's own may ask it to wait
    Object.defineProperty(event, "waitUntil", { value: (one) => { work = one; } });
    self.dispatchEvent(event);
    await work;
    return (await caches.match("/push-subscription")).json();
}"""


def test_an_exchange_that_the_hub_could_not_be_told_of_is_told_at_the_next_visit_or_message(visitor: Visitor) -> None:
    page = visitor("/subscribe", permissions=["notifications"])
    deliver = push_service(page)
    (worker,) = page.context.service_workers
    first, second, third = browser("first"), browser("second"), browser("third")
    worker.evaluate(FAIL_RENEWALS, [503, 0, 429])
    assert worker.evaluate(EXCHANGE, [first, second])["endpoint"] == first["endpoint"]
    worker.evaluate(HOLDS, second)
    page.goto("/")  # no network
    page.goto("/")  # too many at once
    page.goto("/")
    told = worker.evaluate(REMEMBERED, second["endpoint"])
    assert told == [[first["endpoint"], second["endpoint"]]] * 4

    worker.evaluate(HOLDS, third)
    deliver({"purpose": "alert", "title": "Flood", "url": "/", "tag": "chain"})
    told = worker.evaluate(REMEMBERED, third["endpoint"])
    assert told[4:] == [[second["endpoint"], third["endpoint"]]]
    page.goto("/")
    deliver({"purpose": "alert", "title": "Flood is over", "url": "/", "tag": "chain"})
    assert worker.evaluate("self.told.length") == 5


# The first renewals get these statuses, 0 for no network; all that is said is kept.
FAIL_RENEWALS = """(answers) => {
    const real = self.fetch;
    self.told = [];
    self.fetch = (target, options) => {
        if (target !== "/api/v1/web-push/renewed") return real(target, options);
        const { old, new: now } = JSON.parse(options.body);
        self.told.push([old.endpoint, now.endpoint]);
        const status = answers.shift();
        if (status === undefined) return real(target, options);
        return status ? Promise.resolve(new Response("", { status })) : Promise.reject(new TypeError("no network"));
    };
}"""
# Chromium without a push service of its maker holds none.
HOLDS = "(mine) => { registration.pushManager.getSubscription = async () => mine; }"
REMEMBERED = """async (endpoint) => {
    for (const end = Date.now() + 60000; Date.now() < end;) {
        const kept = await caches.match("/push-subscription");
        if (kept && (await kept.json()).endpoint === endpoint) return self.told;
        await new Promise((wake) => setTimeout(wake, 20));
    }
}"""


@pytest.mark.parametrize("ours", [True, False])
def test_a_subscription_for_another_key_than_the_hubs_is_not_signed_up(ours: bool, visitor: Visitor) -> None:
    page = visitor("/subscribe", permissions=["notifications"])
    page.evaluate(HOLDS_ONE, [ours, browser("there"), browser("new")])
    page.get_by_label("Which place?").fill("11201")
    page.locator("[data-needs=push] input").check()
    page.locator("#send").click()
    expect(page.locator("#push-status")).to_have_text(page.locator("#push-status").get_attribute("data-sent") or "")
    assert page.evaluate("self.did") == ([] if ours else ["unsubscribe", "subscribe"])


# Chromium without a push service of its maker holds none: here it holds one for the hub's key, or for another one.
HOLDS_ONE = """async ([ours, there, made]) => {
    const { key } = await (await fetch("/api/v1/web-push/key")).json();
    const plain = Uint8Array.from(atob(key.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
    self.did = [];
    const options = { applicationServerKey: ours ? plain.buffer : new Uint8Array(65).buffer };
    const unsubscribe = async () => self.did.push("unsubscribe");
    PushManager.prototype.getSubscription = async () => ({ ...there, options, unsubscribe, toJSON: () => there });
    PushManager.prototype.subscribe = async () => { self.did.push("subscribe"); return made; };
}"""


def test_the_list_is_narrowed_with_the_keyboard_alone_and_without_a_script(visitor: Visitor) -> None:
    for javascript in (True, False):
        page = visitor("/", javascript=javascript)
        summary = page.get_by_text("Show only a place, a topic or a language")
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.localName") == "summary" and summary.evaluate("one => one === document.activeElement"):
                break
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.type("11201")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Only: 11201.")).to_be_visible()
        expect(page).to_have_url(re.compile("place=11201"))


def test_a_screen_reader_meets_sign_up_and_an_alert_in_this_order(visitor: Visitor) -> None:
    """What the browser tells assistive technology, beyond what axe-core can know."""
    page = visitor("/subscribe")
    expect(page.get_by_role("main")).to_match_aria_snapshot((SNAPSHOTS / "subscribe.yml").read_text(encoding="utf-8"))
    log_in(page, "approver")
    publish_heat(page)
    page.get_by_role("link", name="Public page").click()
    expect(page.get_by_role("main")).to_match_aria_snapshot((SNAPSHOTS / "alert.yml").read_text(encoding="utf-8"))
