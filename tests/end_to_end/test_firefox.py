"""A real Firefox signs up on the page, keeps a line to a push service, and shows what the hub encrypted for it (RFC 8291)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.end_to_end.test_every_channel import flood
from tests.faults.node_process import hub_process
from tests.peers.autopush import Autopush
from tests.peers.firefox import firefox
from tests.waiting import PATIENCE_S

SHOWN = (
    "navigator.serviceWorker.ready.then((one) => one.getNotifications()).then((all) => all.map((one) => [one.title, one.tag, one.body]))"
)


def prefs(push: Autopush) -> dict[str, object]:
    return {
        "dom.push.serverURL": push.url,
        "dom.push.testing.allowInsecureServerURL": True,
        "dom.push.testing.ignorePermission": True,
        "permissions.default.desktop-notification": 1,
        "alerts.useSystemBackend": False,
        "intl.accept_languages": "en-US",
    }


async def test_firefox_subscribes_on_the_page_and_shows_what_the_hub_pushes(firefox_esr: Path, tmp_path: Path) -> None:
    async with (
        Autopush() as push,
        hub_process(tmp_path / "hub", allow_private="1", signup_limits="off", senders="1", mail_from="alerts@city.example") as hub,
        firefox(firefox_esr, tmp_path / "profile", prefs(push)) as browser,
        asyncio.timeout(PATIENCE_S),
    ):
        await hub.start()
        await browser.open(f"{hub.url}/subscribe")
        await browser.evaluate("document.getElementById('place').value = '11201'")
        await browser.press("[data-needs=push] input")
        await browser.press("#send")
        await browser.until("document.getElementById('push-status').textContent.includes('You are subscribed')")

        token = await hub.run("token", "add", "--agency", "City", "--role", "publisher")
        alert = await hub.ask("POST", "/api/v1/alerts", token, flood())
        is_there = f"{SHOWN}.then((all) => all.find(([title]) => title.includes('Flash flooding')))"
        first, tag, body = await browser.until(is_there)
        assert "11201" in body

        await hub.ask("POST", f"/api/v1/alerts/{alert['id']}/cancel", token)
        of_this = f"{SHOWN}.then((all) => all.filter(([, tag]) => tag === {json.dumps(tag)}))"
        replaced = await browser.until(f"{of_this}.then((all) => all.every(([title]) => title !== {json.dumps(first)}) && all)")
        assert len(replaced) == 1
        assert len(push.told) >= 3
        assert json.dumps(push.told).count("aes128gcm") == len(push.told)
        assert await hub.end() == 0
