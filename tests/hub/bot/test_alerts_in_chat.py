"""A whole hub with its bot and its senders: an alert is read, asked about, replaced and called off in a chat (S16, S26)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from channels.contract import ChannelSettings
from channels.telegram import Telegram
from hub.application import Hub, open_hub
from hub.commands import invariants
from hub.delivery.words.rendering import Renderer
from hub.settings import load
from hub.telegram_inbox import TelegramInbox
from hub.web.routes import build_app
from subscriptions.languages import LANGUAGES
from tests.hub.bot.conftest import Phone
from tests.hub.delivery.published import NOW, stored
from tests.hub.publishing.conftest import PUBLISHER, document
from tests.peers.bot_api import TOKEN, BotApi, chat, user
from tests.waiting import progressed, until


@asynccontextmanager
async def hub_with(folder: Path, api: BotApi, **more: str) -> AsyncIterator[Hub]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    environ |= {"TOCSIN_DATA": str(folder), "TOCSIN_SENDERS": "1", "TOCSIN_TESTING": "1", "TOCSIN_SIGNUP_LIMITS": "off"}
    environ |= {"TOCSIN_TELEGRAM_TOKEN": TOKEN, "TOCSIN_TELEGRAM_API": api.url} | more
    async with open_hub(load(environ=environ), demo=False, port=0) as hub:
        yield hub


async def progress(hub: Hub, alert: str, name: str, count: int) -> None:
    await progressed(hub.publishing, alert, lambda state: getattr(state, name) == count)


async def _is_stopped(hub: Hub) -> bool:
    async with hub.database.read() as connection:
        return bool(list(await connection.exec_driver_sql("SELECT 1 FROM address WHERE state='stopped'")))


async def test_an_alert_is_read_asked_about_replaced_and_called_off(tmp_path: Path, api: BotApi) -> None:
    async with hub_with(tmp_path, api) as hub:
        phone = Phone(api, 4242)
        await phone.say("/subscribe 11201")
        assert "Nothing is on" in await phone.say("/alerts")
        assert "No alert has come" in await phone.say("/why")
        first = await hub.publishing.submit(document(), PUBLISHER)
        assert "Flash flooding" in await phone.answer()
        await progressed(hub.publishing, first.id, lambda state: state.finished)  # its receipt comes after it
        number, alarm = len(api.sent), api.sent[-1]
        assert "reply_parameters" not in alarm
        assert "Flash flooding" in await phone.say("/alerts")
        assert f"/alerts/{first.id}" in phone.shown["text"]
        why = await phone.say("/why")
        assert "because you follow 11201 and Weather, since" in why

        phone.shown = alarm
        for _ in range(2):
            assert (await phone.toast("I have read this")).startswith("Noted")
        await progress(hub, first.id, "confirmed", 1)
        assert (await hub.publishing.progress(first.id)).handed_over == 1
        assert api.cleared[0]["message_id"] == "1"

        update = await hub.publishing.update(first.id, document(event="Flood"), PUBLISHER)
        assert "Update" in await phone.answer()
        assert json.loads(api.sent[-1]["reply_parameters"])["message_id"] == number
        assert api.sent[-1]["disable_notification"] == "false"
        await api.until(lambda: api.edits)
        assert api.edits[0]["message_id"] == str(number)
        assert "<s>" in api.edits[0]["text"]
        second = len(api.sent)

        await hub.publishing.cancel(update.id, document(), PUBLISHER)
        assert "Cancelled" in await phone.answer()
        assert json.loads(api.sent[-1]["reply_parameters"])["message_id"] == second
        await api.until(lambda: len(api.edits) == 2)
        assert api.edits[1]["message_id"] == str(second)
        found = await invariants.broken_twice(hub.database, again_after_s=0.2)
        assert [invariant.holds for invariant, broken in found.items() if broken.count] == []


async def test_whoever_blocks_the_bot_as_an_alert_comes_gets_it_when_they_are_back(tmp_path: Path, api: BotApi) -> None:
    async with hub_with(tmp_path, api) as hub:
        phone = Phone(api, 4242)
        await phone.say("/subscribe 11201")
        api.blocked_by = {phone.chat}
        alert = await hub.publishing.submit(document(), PUBLISHER)
        await progress(hub, alert.id, "failed", 1)
        await until(lambda: _is_stopped(hub))
        api.blocked_by = set()
        assert "on again" in await phone.say("/start")
        await progress(hub, alert.id, "handed_over", 1)
        assert "Flash flooding" in api.sent[-1]["text"]


async def test_an_alert_in_a_group_says_why_it_came_and_lets_no_reader_end_it(tmp_path: Path, api: BotApi) -> None:
    api.administrators = {8}
    async with hub_with(tmp_path, api) as hub:
        group = Phone(api, 8, room=-100123)
        await group.say("/subscribe 11201")
        await hub.publishing.submit(document(), PUBLISHER)
        text = await group.answer()
    assert "Flash flooding" in text
    assert "/why/" in text
    assert "unsubscribe" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_and_no_letter_brings_the_link_that_ends_it_into_a_group(language: str, api: BotApi) -> None:
    renderer = Renderer("https://alerts.example", "Tocsin", "New York City", NOW.timestamp)
    telegram = Telegram(ChannelSettings(public_url="https://alerts.example", telegram_token=TOKEN, telegram_api=api.url))
    messages = [renderer.alert(stored(), "telegram", language, discreet=discreet) for discreet in (False, True)]
    messages += [renderer.letter("notice", "telegram", language, {"notice": "changed"}, discreet=discreet) for discreet in (False, True)]
    for message in messages:
        draft = telegram.compose(message)
        assert "unsubscribe" in draft.body.slots
        assert set(draft.for_group.slots) <= {"why"}
        shared = draft.for_group.stamp({"why": "https://alerts.example/why/T"}).decode()
        assert not re.search(r'·\s*"', shared)


async def test_when_a_group_becomes_a_supergroup_no_message_of_the_new_chat_is_struck_by_a_number_of_the_old(
    tmp_path: Path, api: BotApi
) -> None:
    api.administrators = {8}
    async with hub_with(tmp_path, api) as hub:
        old, new = Phone(api, 8, room=-77), Phone(api, 8, room=-100123)
        await old.say("/subscribe 11201")
        first = await hub.publishing.submit(document(), PUBLISHER)
        assert "Flash flooding" in await old.answer()
        await progressed(hub.publishing, first.id, lambda state: state.finished)
        old.write(None, migrate_to_chat_id=-100123)
        await api.acknowledged()
        update = await hub.publishing.update(first.id, document(event="Flood"), PUBLISHER)
        assert "Update" in await new.answer()
        await progressed(hub.publishing, update.id, lambda state: state.finished)
        assert "reply_parameters" not in api.sent[-1]
        async with hub.database.read() as connection:
            assert (await connection.exec_driver_sql("SELECT 1 FROM mailing WHERE purpose='strike'")).all() == []


async def test_what_is_minor_comes_without_a_sound(tmp_path: Path, api: BotApi) -> None:
    async with hub_with(tmp_path, api) as hub:
        phone = Phone(api, 4242)
        await phone.say("/subscribe 11201")
        minor = await hub.publishing.submit(document(severity="Minor"), PUBLISHER)
        await phone.answer()
        assert api.sent[-1]["disable_notification"] == "true"
        await hub.publishing.update(minor.id, document(severity="Moderate"), PUBLISHER)
        await phone.answer()
        assert api.sent[-1]["disable_notification"] == "false"


def message(text: str) -> dict[str, Any]:
    return {"message": {"message_id": 1, "date": 1_790_000_000, "chat": chat(7), "from": user(7), "text": text}}


async def test_by_a_webhook_telegram_posts_what_people_do_and_nobody_else_can(tmp_path: Path, api: BotApi) -> None:
    async with hub_with(tmp_path, api, TOCSIN_TELEGRAM_WEBHOOK="1", TOCSIN_PUBLIC_URL="https://alerts.example") as hub:
        await api.until(lambda: api.webhook)
        assert api.webhook is not None
        assert api.webhook["url"] == f"https://alerts.example/telegram/{hub.inbox.path}"
        async with TestServer(build_app(hub)) as server:
            api.webhook["url"] = str(server.make_url(f"/telegram/{hub.inbox.path}"))
            assert await api.post_update(message("hello")) == 200
            assert api.sent_to(7)[0]["text"].startswith("Nobody is watching this.")
            assert await api.post_update({"message": "strange"}) == 200
            for secret in ("", "wrong", "é".encode().decode("latin-1")):
                assert await api.post_update(message("hello"), secret) == 404
            api.webhook["url"] = str(server.make_url("/telegram/wrong"))
            assert await api.post_update(message("hello")) == 404
            api.webhook["url"] = str(server.make_url(f"/telegram/{hub.inbox.path}"))
            take, hub.inbox.take = hub.inbox.take, None
            assert await api.post_update(message("hello")) == 503
            hub.inbox.take = take
        assert len(api.sent) == 1
        assert "getUpdates" not in api.calls
    async with hub_with(tmp_path, api):
        await api.until(lambda: "getUpdates" in api.calls)
        assert api.webhook is None


@pytest.mark.parametrize("path", ["", "x"])
def test_the_secrets_are_of_the_hubs_own_key(path: str) -> None:
    one, other = TelegramInbox(b"1" * 32), TelegramInbox(b"2" * 32)
    assert one.is_telegram(one.path, one.secret)
    assert not one.is_telegram(one.path, other.secret)
    assert not one.is_telegram(other.path, one.secret)
    assert not one.is_telegram(path, one.secret)
    assert one.path != one.secret
