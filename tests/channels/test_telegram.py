"""Telegram against a Bot API server on loopback."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiohttp import web
from hypothesis import assume, given
from hypothesis import strategies as st

from channels.contract import (
    ChannelSettings,
    DeliveryFailed,
    InvalidAddress,
    Message,
    NotConfigured,
    OptedOut,
    ProviderFault,
    Recipient,
    Rejected,
    TryAgain,
    Uncertain,
    slot,
)
from channels.failover import Failover
from channels.http_outcomes import LONGEST_WAIT
from channels.telegram import Telegram
from channels.telegram_text import shorten
from tests.channels.test_cutting import CHARACTERS, LINK
from tests.peers.bot_api import TOKEN, BotApi, failure, result


def settings(api: BotApi, **changes: Any) -> ChannelSettings:
    return ChannelSettings(**({"public_url": "https://alerts.example", "telegram_token": TOKEN, "telegram_api": api.url} | changes))


def message(text: str = "<b>Boil water</b>", **changes: Any) -> Message:
    base: dict[str, Any] = {
        "purpose": "alert",
        "topic": "alr_1",
        "language": "en",
        "parts": {"html": text},
        "link": "https://alerts.example/a/1",
        "sent_at": 1_790_000_000.0,
        "expires_at": 1_790_003_600.0,
    }
    return Message(**(base | changes))


def person(chat: str = "1000001", **links: str) -> Recipient:
    return Recipient(delivery_id="d1", address=chat, links=links)


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as running:
        yield running


@pytest.fixture
async def channel(api: BotApi) -> AsyncIterator[Telegram]:
    opened = Telegram(settings(api))
    yield opened
    await opened.aclose()


async def test_a_message_arrives_as_html_without_a_preview_and_with_this_persons_link(api: BotApi, channel: Telegram) -> None:
    draft = channel.compose(message(f'<b>Boil</b> &amp; wait 煮沸 🚨 <a href="{slot("why")}">Why</a>'))
    assert draft.slots == ("why",)
    receipt = await channel.deliver(draft, person(why="https://alerts.example/why?a=1&b=2"))
    (sent,) = api.sent
    assert sent["text"] == '<b>Boil</b> &amp; wait 煮沸 🚨 <a href="https://alerts.example/why?a=1&amp;b=2">Why</a>'
    assert (sent["chat_id"], sent["parse_mode"]) == ("1000001", "HTML")
    assert sent["link_preview_options"] == '{"is_disabled": true}'
    assert sent.get("disable_notification", "false") == "false"
    assert receipt.provider_id == "1"


async def test_a_silent_message_makes_no_sound(api: BotApi, channel: Telegram) -> None:
    await channel.deliver(channel.compose(message(silent=True)), person())
    assert api.sent[0]["disable_notification"] == "true"


async def test_an_alert_for_one_person_has_a_button_that_says_it_was_read_and_a_group_has_none(api: BotApi, channel: Telegram) -> None:
    draft = channel.compose(message(reference="9ix", parts={"html": "Boil water", "read": "Lo he leído"}))
    for chat in ("7", "-7"):
        await channel.deliver(draft, person(chat))
    mine, groups = api.sent
    assert json.loads(mine["reply_markup"]) == {"inline_keyboard": [[{"text": "Lo he leído", "callback_data": "read:9ix"}]]}
    assert "reply_markup" not in groups


async def test_what_goes_to_a_group_or_channel_has_no_link_that_would_end_its_alerts_for_all(api: BotApi, channel: Telegram) -> None:
    why, stop = f'<a href="{slot("why")}">Why</a>', f'<a href="{slot("unsubscribe")}">Stop these messages</a>'
    links = {"why": "https://alerts.example/why/T", "unsubscribe": "https://alerts.example/unsubscribe/T"}
    for end in (f"{why} · {stop}", stop):
        draft = channel.compose(message(f"Boil water\n\n{end}"))
        for chat in ("7", "-7"):
            await channel.deliver(draft, person(chat, **links))
    texts = [sent["text"] for sent in api.sent]
    assert ["unsubscribe" in text for text in texts] == [True, False, True, False]
    assert texts[1::2] == ['Boil water\n\n<a href="https://alerts.example/why/T">Why</a>', "Boil water"]


async def test_a_letter_has_no_button(api: BotApi, channel: Telegram) -> None:
    await channel.deliver(channel.compose(message(purpose="notice")), person())
    assert "reply_markup" not in api.sent[0]


async def test_a_later_message_answers_the_earlier_one_even_when_that_was_deleted(api: BotApi, channel: Telegram) -> None:
    await channel.deliver(channel.compose(message()), Recipient(delivery_id="d", address="7", earlier=41))
    assert json.loads(api.sent[0]["reply_parameters"]) == {"message_id": 41, "allow_sending_without_reply": True}


async def test_what_is_out_of_date_is_overwritten_without_waiting_for_the_chats_turn(api: BotApi, channel: Telegram) -> None:
    await channel.deliver(channel.compose(message()), person("7"))
    struck = channel.compose(message("<s>Boil water</s>", purpose="strike"))
    await channel.deliver(struck, Recipient(delivery_id="d", address="7", earlier=41))
    (edit,) = api.edits
    assert (edit["chat_id"], edit["message_id"], edit["text"]) == ("7", "41", "<s>Boil water</s>")
    assert len(api.sent) == 1


async def test_what_is_struck_already_is_as_it_should_be_and_what_was_never_sent_is_refused(api: BotApi, channel: Telegram) -> None:
    struck = channel.compose(message(purpose="strike"))
    api.fault = (400, "Bad Request: message is not modified: specified new message content is the same", {})
    await channel.deliver(struck, Recipient(delivery_id="d", address="7", earlier=41))
    api.fault = None
    with pytest.raises(Rejected):
        await channel.deliver(struck, person("7"))
    assert api.edits == []


@pytest.mark.parametrize(
    ("fault", "error", "dead"),
    [
        ((429, "Too Many Requests: retry after 7", {"retry_after": 7}), TryAgain, False),
        ((500, "Internal Server Error", {}), TryAgain, False),
        ((502, "restart", {}), TryAgain, False),
        ((401, "Unauthorized", {}), TryAgain, False),
        ((404, "Not Found", {}), TryAgain, False),
        ((403, "Forbidden: bot was blocked by the user", {}), OptedOut, True),
        ((403, "Forbidden: user is deactivated", {}), OptedOut, True),
        ((400, "Bad Request: chat not found", {}), Rejected, True),
        ((400, "Bad Request: group chat was upgraded to a supergroup chat", {"migrate_to_chat_id": -1001}), Rejected, False),
        ((400, "Bad Request: can't parse entities", {}), Rejected, False),
    ],
)
async def test_what_an_answer_means(
    fault: tuple[int, str, dict[str, int]], error: type[DeliveryFailed], dead: bool, api: BotApi, channel: Telegram
) -> None:
    api.fault = fault
    with pytest.raises(error) as caught:
        await channel.deliver(channel.compose(message()), person())
    assert getattr(caught.value, "address_is_dead", False) is dead
    assert getattr(caught.value, "after", None) == fault[2].get("retry_after")
    assert "1000001" not in caught.value.reason
    assert TOKEN not in caught.value.reason


def test_a_chat_takes_one_message_a_second_a_group_twenty_a_minute_and_what_strikes_does_not_count(channel: Telegram) -> None:
    assert Telegram.limits.per_second_each == 1.0
    assert (channel.share_of("alert", "7"), channel.share_of("alert", "-7")) == (1.0, 20 / 60)
    assert channel.share_of("strike", "7") == 0.0
    assert Failover([channel]).share_of("alert", "-7") == 20 / 60


async def test_a_flood_stops_one_message_and_names_its_time_while_others_go_on(api: BotApi, channel: Telegram) -> None:
    async def flooded(request: web.Request) -> web.StreamResponse:
        if (await request.json())["chat_id"] == 13:
            return failure(429, "Too Many Requests: retry after 35", {"retry_after": 35})
        return result({"message_id": 5, "date": 1, "chat": {"id": 1, "type": "private"}})

    api.hook = flooded
    draft = channel.compose(message())
    ends = await asyncio.gather(*(channel.deliver(draft, person(str(chat))) for chat in range(10, 20)), return_exceptions=True)
    (failed,) = [end for end in ends if isinstance(end, BaseException)]
    assert isinstance(failed, TryAgain)
    assert failed.after == 35.0
    assert ends[3] is failed


async def test_a_flood_that_would_last_for_weeks_is_asked_again_after_a_day(api: BotApi, channel: Telegram) -> None:
    """As any provider's Retry-After."""
    api.fault = (429, "Too Many Requests: retry after 31536000", {"retry_after": 31_536_000})
    with pytest.raises(TryAgain) as caught:
        await channel.deliver(channel.compose(message()), person())
    assert caught.value.after == LONGEST_WAIT


async def test_a_server_that_is_away_is_tried_again(api: BotApi, channel: Telegram) -> None:
    await api.refuse()
    with pytest.raises(ProviderFault):
        await channel.deliver(channel.compose(message()), person())


async def test_no_answer_and_an_unreadable_one_are_uncertain(api: BotApi) -> None:
    async def garble(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>")

    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async def wait(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    for hook in (garble, cut, wait):
        api.hook = hook
        channel = Telegram(settings(api), timeout=0.3)
        with pytest.raises(Uncertain):
            await channel.deliver(channel.compose(message()), person())
        await channel.aclose()


@pytest.mark.parametrize("token", [None, "", "no token", "abc:def"])
def test_without_a_token_the_channel_is_not_configured(token: str | None) -> None:
    with pytest.raises(NotConfigured, match="TOCSIN_TELEGRAM_TOKEN"):
        Telegram(ChannelSettings(public_url="https://alerts.example", telegram_token=token))


@pytest.mark.parametrize(("raw", "chat"), [("1000001", "1000001"), (" -1001234567890 ", "-1001234567890")])
def test_a_chat_is_a_number(raw: str, chat: str) -> None:
    assert Telegram.parse_address(raw) == chat


@pytest.mark.parametrize("raw", ["", "0", "@someone", "12a", "1.5", "٣", "9" * 20])
def test_what_is_no_chat_is_refused(raw: str) -> None:
    with pytest.raises(InvalidAddress, match="press Start"):
        Telegram.parse_address(raw)


async def test_the_peer_hands_out_what_people_write_to_a_bot_that_waits(api: BotApi) -> None:
    bot = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(api.url)))
    waiting = asyncio.create_task(bot.get_updates(timeout=30))
    while "getUpdates" not in api.calls:
        await asyncio.sleep(0)
    person = {"id": 7, "is_bot": False, "first_name": "A"}
    api.push_update({"message": {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}, "from": person, "text": "/start T"}})
    (update,) = await waiting
    assert update.message is not None
    assert update.message.text == "/start T"
    assert await bot.get_updates(offset=update.update_id + 1, timeout=0) == []
    await bot.session.close()


def shown(text: str) -> str:
    return html.unescape(re.sub(r"<[^<>]*>", "", text))


def units(text: str) -> int:
    return len(shown(text).encode("utf-16-le")) // 2


def test_a_text_that_fits_is_left_alone() -> None:
    assert shorten("<b>" + "a" * 4096 + "</b>") == "<b>" + "a" * 4096 + "</b>"


def test_a_long_text_is_cut_and_its_tags_are_closed() -> None:
    cut = shorten('<b>Boil</b> <i>all <a href="https://alerts.example/">' + "&amp;🚨" * 3000)
    assert cut.endswith("…</a></i>")
    assert units(cut) in {4095, 4096}
    assert "&" not in re.sub(r"&amp;", "", cut)


def test_the_links_at_the_end_survive_a_cut() -> None:
    end = f'\n\n<a href="{slot("why")}">Why</a> · {slot("unsubscribe")}'
    cut = shorten(f"<b>Boil</b>\n\n{'a' * 5000}{end}")
    assert cut.endswith("a…" + end)
    assert units(cut) <= 4096


def test_every_paragraph_of_links_at_the_end_survives_a_cut() -> None:
    page = '\n\n<a href="https://alerts.example/alerts/al_1">Map</a>\n<a href="https://example.gov/">More</a>'
    why = f'\n\n<a href="{slot("why")}">Why</a>'
    assert shorten(f"<b>Boil</b>\n\n{'a' * 5000}{page}{why}").endswith("a…" + page + why)
    assert shorten(f"<b>Boil</b>\n\n{'a' * 5000}{page}").endswith("a…" + page)
    too_long = f'\n\n<a href="https://example.gov/">{"x" * 4096}</a>'
    assert shorten(f"<b>Boil</b>\n\n{'a' * 5000}{too_long}{why}").endswith("a…" + why)


@pytest.mark.parametrize(("before", "after"), [("See ", " for zones. "), ("详情见", "。")])
def test_a_link_of_the_author_is_whole_or_left_out(before: str, after: str) -> None:
    for room in range(10, 120):
        cut = shorten(f"{'水' * room}{before}{html.escape(LINK)}{after}{'水' * 200}", 120)
        assert units(cut) <= 120
        assert shown(cut).count("https://") == shown(cut).count(LINK)
        assert f"{LINK}…" not in shown(cut)


@pytest.mark.parametrize("character", CHARACTERS.values(), ids=CHARACTERS)
def test_a_cut_is_never_inside_a_character(character: str) -> None:
    for limit in range(50, 70):
        assert shorten(character * 100, limit).removesuffix("…").replace(character, "") == ""


def test_a_mark_behind_an_entity_or_a_tag_goes_with_it() -> None:
    assert shorten("aaa&amp;\u0301aaa", 5) == "aaa…"
    assert shorten("<b>aaa</b>\u0301aaa", 4) == "<b>aaa…</b>"


def test_last_paragraphs_that_alone_are_too_long_are_cut_as_all_else() -> None:
    cut = shorten(f"Boil\n\n{'x' * 120}{slot('why') * 3}", 1000)
    assert units(cut.replace(slot("why"), "u" * 300)) <= 1000


@given(st.lists(st.sampled_from(["<b>", "</b>", "<i>", "</i>", "&lt;", "🚨", "a", "\n\n", "x" * 40, slot("why")]), max_size=60))
def test_a_cut_never_breaks_a_tag_or_shows_too_much(pieces: list[str]) -> None:
    assume(pieces.count(slot("why")) <= 3)  # no message shows more links than a thousand characters hold
    balanced, depth = [], []
    for piece in pieces:
        if piece in {"<b>", "<i>"}:
            depth.append(piece)
        elif piece.startswith("</"):
            if not depth or depth[-1] != piece.replace("/", ""):
                continue
            depth.pop()
        balanced.append(piece)
    text = "".join(balanced) + "".join(tag.replace("<", "</") for tag in reversed(depth))
    cut = shorten(text, 1000)
    stack: list[str] = []
    for closing, name in re.findall(r"<(/?)(\w+)>", cut):
        if closing:
            assert stack.pop() == name
        else:
            stack.append(name)
    assert stack == []
    assert units(cut.replace(slot("why"), "u" * 300)) <= 1000
