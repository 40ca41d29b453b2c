"""Residents sign up on every channel, prove each address by what arrived there, and then get a real alert: exactly those it touches.

The hub is a process of its own; mail server, SMSC, Bot API, push service and receivers are real servers on loopback.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from tests.faults.node_process import HubProcess, hub_process
from tests.peers.bot_api import TOKEN, BotApi
from tests.peers.http_sink import HttpSink, Reply, Request
from tests.peers.push_service import PushService
from tests.peers.smsc import Smsc
from tests.peers.smtp import MailServer, mail_server
from tests.waiting import until

PHONE = "+17185550123"
CHAT = 4711


class World:
    """The hub and everyone it talks to."""

    def __init__(self, hub: HubProcess, mails: MailServer, smsc: Smsc, bot: BotApi, push: PushService, receiver: HttpSink) -> None:
        self.hub, self.mails, self.smsc, self.bot, self.push, self.receiver = hub, mails, smsc, bot, push, receiver
        self.browser = push.subscribe()

    async def subscribe(self, zip_code: str, *channels: dict[str, Any], language: str = "en") -> dict[str, Any]:
        body = {"places": [{"zip": zip_code}], "language": language, "channels": list(channels)}
        async with aiohttp.ClientSession() as session, session.post(f"{self.hub.url}/api/v1/subscriptions", json=body) as answer:
            assert answer.status == 202, await answer.text()
            return dict(await answer.json())

    async def confirm(self, link: str) -> None:
        """Look, which changes nothing, then press the button."""
        async with aiohttp.ClientSession() as session:
            async with session.get(link) as page:
                assert page.status == 200
            async with session.post(link) as page:
                assert page.status == 200, await page.text()

    def mail(self, index: int) -> tuple[EmailMessage, str]:
        mail = self.mails.mails()[index]
        text = mail.get_body(("plain",))
        assert text is not None
        return mail, text.get_content()

    def webhooks(self) -> list[Request]:
        return [request for request in self.receiver.requests if request.path == "/hook"]

    def services(self) -> list[Request]:
        return [request for request in self.receiver.requests if request.path.startswith("/service")]


@asynccontextmanager
async def opened(folder: Path, **more: Any) -> AsyncIterator[World]:
    """A hub that runs, with `more` said to its process."""
    async with AsyncExitStack() as stack:
        mails = await stack.enter_async_context(mail_server())
        smsc, bot, push = Smsc(), BotApi(), PushService()
        for peer in (smsc, bot, push):
            await stack.enter_async_context(peer)
        receiver = await stack.enter_async_context(HttpSink(lambda _: Reply(200)))
        hub = await stack.enter_async_context(
            hub_process(
                folder,
                allow_private="1",
                signup_limits="off",
                smtp=mails.url,
                sms=smsc.url,
                sms_from="TOCSIN",
                telegram_token=TOKEN,
                telegram_api=bot.url,
                senders="1",
                mail_from="alerts@city.example",
                **more,
            )
        )
        await hub.start()
        yield World(hub, mails, smsc, bot, push, receiver)
        assert await hub.end() == 0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as world:
        yield world


async def delivered(hub: HubProcess, alert: str, token: str) -> dict[str, Any]:
    """The alert's progress, once nobody is waiting any more."""

    async def look() -> dict[str, Any] | None:
        state = await hub.ask("GET", f"/api/v1/alerts/{alert}/progress", token)
        return state if state["finished"] else None

    return await until(look) or {}


def link_in(text: str, path: str) -> str:
    found = re.search(rf"http://[0-9.:]+{path}[A-Za-z0-9_-]+", text)
    assert found, text
    return found[0]


def flood(**fields: object) -> dict[str, object]:
    infos = [
        {"language": "en-US", "headline": "Flash flooding", "description": "Water rises.", "instruction": "Go to a higher floor."},
        {"language": "es", "headline": "Inundación repentina", "description": "El agua sube.", "instruction": "Suba a un piso más alto."},
    ]
    return {
        "category": "Met", "event": "Flash Flood Warning", "urgency": "Immediate", "severity": "Moderate", "certainty": "Likely",
        "expires": (datetime.now(UTC) + timedelta(hours=1)).isoformat(), "infos": infos, "area": {"zips": ["11201"]},
    } | fields  # fmt: skip


async def test_one_alert_reaches_each_proven_address_of_those_it_touches(world: World) -> None:
    await sign_up_everywhere(world)
    token = await world.hub.run("token", "add", "--agency", "City", "--role", "publisher")
    before = (len(world.mails.sent), len(world.smsc.phones.messages), len(world.push.pushes), len(world.bot.sent), len(world.webhooks()))
    assert before == (2, 1, 1, 1, 1)  # what asked for confirmation, and nothing else
    answer = await world.hub.ask("POST", "/api/v1/alerts", token, flood())
    assert answer["audience"] == {
        "people": 6,
        "by_channel": {"email": 1, "sms": 1, "web_push": 1, "telegram": 1, "webhook": 1, "apprise": 1},
    }
    state = await delivered(world.hub, answer["id"], token)
    assert (state["planned"], state["handed_over"], state["failed"]) == (6, 6, 0), state
    check_mail(world, answer["id"])
    ((phone, words),) = world.smsc.phones.messages[1:]
    assert phone == PHONE.removeprefix("+")
    assert "Inundación repentina" in words
    assert "/a/" in words
    assert "why" not in words
    pushed = world.push.pushes[-1]
    assert "Flash flooding" in pushed.document["title"]
    assert 3000 < int(pushed.headers["ttl"]) <= 3600
    chat = world.bot.sent[-1]
    assert chat["chat_id"] == str(CHAT)
    assert "Inundación repentina" in chat["text"]
    hook = world.webhooks()[-1]
    assert json.loads(hook.body)["data"]["id"] == answer["id"]
    assert hook.headers["webhook-signature"].startswith("v1,")
    assert "Flash flooding" in world.services()[-1].body.decode()
    assert len(world.mails.sent) == 3  # nothing to the mail address that was never confirmed


async def sign_up_everywhere(world: World) -> None:
    await world.subscribe("11201", {"kind": "email", "address": "resident@example.org"})
    await world.subscribe("11201", {"kind": "email", "address": "never@example.org"})
    await world.subscribe("11201", {"kind": "sms", "address": PHONE}, language="es")
    await world.subscribe("11201", {"kind": "web_push", "subscription": world.browser})
    await world.subscribe("11201", {"kind": "webhook", "address": f"{world.receiver.url}/hook"})
    await world.subscribe("11201", {"kind": "apprise", "address": world.receiver.url.replace("http", "json") + "/service"})
    started = await until(lambda: telegram_link(world))
    assert started
    world.bot.push_update(start_message(parse_qs(urlsplit(started).query)["start"][0]))
    await until(
        lambda: len(world.mails.sent) >= 2 and world.smsc.phones.messages and world.push.pushes and world.webhooks() and world.services()
    )
    mine = next(mail for mail in world.mails.mails() if mail["To"] == "resident@example.org").get_body(("plain",))
    assert mine is not None
    await world.confirm(link_in(mine.get_content(), "/confirm/"))
    await world.confirm(link_in(world.smsc.phones.messages[0][1], "/confirm/"))
    await world.confirm(world.push.pushes[0].document["confirm"])
    await world.confirm(link_in(world.webhooks()[0].body.decode(), "/confirm/"))
    await world.confirm(link_in(world.services()[0].body.decode(), "/confirm/"))
    await until(lambda: world.bot.sent)


async def telegram_link(world: World) -> str | None:
    """The deep link; there is none until the bot has said hello to its server."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{world.hub.url}/api/v1/subscriptions",
            json={"places": [{"zip": "11201"}], "language": "es", "channels": [{"kind": "telegram"}]},
        ) as answer,
    ):
        return str((await answer.json())["telegram"]) if answer.status == 202 else None


def start_message(token: str) -> dict[str, Any]:
    chat = {"id": CHAT, "type": "private", "first_name": "R"}
    sender = {"id": CHAT, "is_bot": False, "first_name": "R"}
    return {"message": {"message_id": 1, "date": 1_790_000_000, "chat": chat, "from": sender, "text": f"/start {token}"}}


def check_mail(world: World, alert: str) -> None:
    mail, text = world.mail(-1)
    assert mail["To"] == "resident@example.org"
    assert "Flash flooding" in str(mail["Subject"])
    for words in ("Go to a higher floor.", "11201", f"/alerts/{alert}"):
        assert words in text
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert link_in(text, "/why/")


async def test_one_click_ends_it_and_what_is_live_comes_to_whoever_joins(world: World) -> None:
    """S24, S28."""
    token = await world.hub.run("token", "add", "--agency", "City", "--role", "publisher")
    first = await world.hub.ask("POST", "/api/v1/alerts", token, flood())
    await world.subscribe("11201", {"kind": "email", "address": "late@example.org"})
    await until(lambda: len(world.mails.sent) == 1)
    await world.confirm(link_in(world.mail(0)[1], "/confirm/"))
    await until(lambda: len(world.mails.sent) == 2)
    mail, text = world.mail(1)
    assert f"/alerts/{first['id']}" in text
    one_click = re.fullmatch(r"<(\S+)>", str(mail["List-Unsubscribe"]))
    assert one_click
    async with aiohttp.ClientSession() as session:
        async with session.get(link_in(text, "/why/")) as page:
            words = await page.text()
            assert "11201" in words
            assert "late@example.org" not in words
        for _ in range(2):  # mail providers repeat themselves
            async with session.post(one_click[1], data={"List-Unsubscribe": "One-Click"}) as page:
                assert page.status == 200
    second = await world.hub.ask("POST", "/api/v1/alerts", token, flood())
    assert second["audience"]["people"] == 0
    assert len(world.mails.sent) == 2


async def test_a_provider_that_is_down_at_start_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        mails = await stack.enter_async_context(mail_server())
        smsc = await stack.enter_async_context(Smsc())
        port = smsc.port
        await smsc.refuse()
        hub = await stack.enter_async_context(hub_process(tmp_path, sms=f"smpp://hub:secret@127.0.0.1:{port}", smtp=mails.url, senders="1"))
        rows = "person,zip,channel,address,consent_source\n1,11201,sms,+17185550123,test\n2,11201,email,a@example.org,test\n"
        token = await hub.run("token", "add", "--agency", "City", "--role", "publisher")
        await hub.run("subscribers", "import", "-", stdin=rows.encode())
        await hub.start()

        async def refused() -> dict[str, Any] | None:
            ready = await hub.ask("GET", "/readyz", token)
            return ready if ready["parts"].get("provider:sms") == "refused" else None

        ready = await until(refused) or {}
        assert ready["ready"] is True
        alert = (await hub.ask("POST", "/api/v1/alerts", token, flood()))["id"]
        await until(lambda: mails.sent)
        state = await hub.ask("GET", f"/api/v1/alerts/{alert}/progress", token)
        assert state["by_channel"]["sms"]["handed_over"] == 0
        back = Smsc()
        back._server = await asyncio.start_server(back._serve, "127.0.0.1", port)
        stack.push_async_callback(back.refuse)
        await until(lambda: back.phones.messages)
        state = await delivered(hub, alert, token)
        assert state["handed_over"] == 2
        assert await hub.end() == 0
