"""What a whole hub writes about a day's work, as whoever reads its log sees it: what happened, and nobody's address, token or password."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from tests.end_to_end.test_every_channel import CHAT, PHONE, World, delivered, flood, link_in, opened, sign_up_everywhere
from tests.peers.bot_api import TOKEN
from tests.peers.http_sink import RESET, Reply
from tests.peers.smsc import RINVDSTADR
from tests.waiting import until

LINKS = re.compile(r"/(?:confirm|manage|why|unsubscribe)/([\w-]+)")
MINE = "/hook-of-mine"


async def test_the_log_of_sign_ups_alerts_and_faults_names_nobody(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with opened(tmp_path / "data", log=log, log_level="debug") as world:
        token = await world.hub.run("token", "add", "--agency", "City", "--role", "publisher")
        await sign_up_everywhere(world)
        manage = await sign_up_and_manage(world)
        first = await world.hub.ask("POST", "/api/v1/alerts", token, flood())
        assert (await delivered(world.hub, first["id"], token))["handed_over"] == 7
        let_fail(world)
        second = await world.hub.ask("POST", "/api/v1/alerts", token, flood())
        await until(lambda: refused(world, second["id"], token))
        await say_badly(world, manage)
        secrets = everybody(world) | links(world) | {token, manage, TOKEN, TOKEN.partition(":")[2], world.smsc.password}
    written = log.read_text()
    events = {json.loads(line)["event"] for line in written.splitlines()}
    assert {"planned", "stopping", "Error handling request from 127.0.0.1 (BadHttpMessage)"} <= events, events
    assert [secret for secret in secrets if re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", written)] == []


async def sign_up_and_manage(world: World) -> str:
    """Somebody confirms and looks at their settings; the token of that page."""
    await world.subscribe("11201", {"kind": "webhook", "address": f"{world.receiver.url}{MINE}"})
    letter = await until(lambda: next((request for request in world.receiver.requests if request.path == MINE), None))
    assert letter is not None
    async with aiohttp.ClientSession() as session:
        async with session.post(link_in(letter.body.decode(), "/confirm/")) as page:
            found = re.search(r"/manage/([\w-]+)", await page.text())
        assert found
        async with session.get(f"{world.hub.url}/manage/{found[1]}") as page:
            assert page.status == 200
    return found[1]


def let_fail(world: World) -> None:
    """From now on everybody refuses, each with the address in their words where there are words."""
    world.mails.answers["resident@example.org"] = "550 5.1.1 <resident@example.org> does not live here"
    world.smsc.answer = lambda _: RINVDSTADR
    world.bot.blocked_by = {CHAT}
    world.push.instead = {urlsplit(world.browser["endpoint"]).path: Reply(410)}
    world.receiver.respond = lambda request: RESET if request.path == MINE else Reply(410, body=request.path.encode())


async def refused(world: World, alert: str, token: str) -> bool:
    state = await world.hub.ask("GET", f"/api/v1/alerts/{alert}/progress", token)
    return bool(state["failed"] >= 5)


async def say_badly(world: World, manage: str) -> None:
    """A request that nobody can read, with somebody's link in it."""
    address = urlsplit(world.hub.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"GET /manage/{manage} HTTP/1.1\r\nReferer {world.hub.url}/manage/{manage} resident@example.org\r\n\r\n".encode())
    assert b" 400 " in await reader.readline()
    writer.close()


def everybody(world: World) -> set[str]:
    """The addresses of all who signed up, in each way in which they are written."""
    browser = world.browser
    receivers = {MINE, "/hook", "/service", MINE[1:]}
    push = {browser["endpoint"], urlsplit(browser["endpoint"]).path, *browser["keys"].values()}
    return {"resident@example.org", "resident", "never@example.org", PHONE, PHONE[1:], PHONE[2:], str(CHAT), *receivers, *push}


def links(world: World) -> set[str]:
    """The tokens in all that anybody got."""
    mails = [bytes(envelope.content).decode() for envelope in world.mails.sent]
    texts = [text for _, text in world.smsc.phones.messages] + [message["text"] for message in world.bot.sent]
    pushed = [push.payload.decode() for push in world.push.pushes]
    posted = [request.body.decode() for request in world.receiver.requests]
    found = set(LINKS.findall("\n".join((*mails, *texts, *pushed, *posted))))
    assert len(found) > 10
    return found
