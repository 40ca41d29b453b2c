"""Groups and channels: whoever administers one may choose what it gets; the bot does not listen in, and goes when it is removed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiogram.types import ChatMemberAdministrator

from tests.hub.bot.conftest import BotName, Phone, eventually
from tests.peers.bot_api import BOT, BotApi, chat, user
from tests.subscriptions.residents import Residents

GROUP, CHANNEL = -100123, -100456
ADMIN, MEMBER = 8, 9
RIGHTS = [name for name, right in ChatMemberAdministrator.model_fields.items() if right.is_required() and right.annotation is bool]
NOBODY = "Nobody is watching this. Call or text 911."


@pytest.fixture
def admin(api: BotApi, bot: BotName) -> Phone:
    api.administrators = {ADMIN}
    return Phone(api, ADMIN, room=GROUP)


def membership(number: int, before: str, after: str, by: int = ADMIN, kind: str | None = None) -> dict[str, Any]:
    """The bot's own place in a chat changes."""
    states = {
        "left": {"status": "left"},
        "kicked": {"status": "kicked", "until_date": 0},
        "member": {"status": "member"},
        "administrator": {"status": "administrator"} | dict.fromkeys(RIGHTS, False),
    }
    me = {"id": BOT, "is_bot": True, "first_name": "Tocsin"}
    changed = {"chat": chat(number, kind), "from": user(by), "date": 1_790_000_000}
    return {"my_chat_member": changed | {"old_chat_member": states[before] | {"user": me}, "new_chat_member": states[after] | {"user": me}}}


async def test_only_administrators_choose_what_a_group_gets(residents: Residents, api: BotApi, admin: Phone) -> None:
    member = Phone(api, MEMBER, room=GROUP)
    assert await member.say("/subscribe 11201") == "Only administrators of this chat can do this."
    assert await residents.column("SELECT COUNT(*) FROM address") == [0]
    admin.seen = member.seen
    assert "ZIP 11201" in await admin.say("/subscribe@tocsin_test_bot 11201")
    await admin.say("/settings")
    member.shown = admin.shown
    assert "Only administrators" in await member.toast("Drills too")
    assert "Drills come too" in await admin.press_and_see("Drills too")
    member.seen = admin.seen
    assert "ZIP 11201" in await member.say("/list")


async def test_whoever_writes_as_the_group_itself_administers_it(residents: Residents, api: BotApi, admin: Phone) -> None:
    nameless = Phone(api, 1087968824, room=GROUP)
    assert "ZIP 11201" in await nameless.say("/subscribe 11201", sender_chat=chat(GROUP))


async def test_the_bot_stays_out_of_the_talk_of_others_and_answers_who_answers_it(api: BotApi, admin: Phone) -> None:
    admin.write("good morning")
    admin.write("/subscribe@another_bot 11201")
    mine = {"message_id": 1, "date": 1, "chat": chat(GROUP), "from": {"id": BOT, "is_bot": True, "first_name": "T"}, "text": "…"}
    assert (await admin.say("there is a fire", reply_to_message=mine)).startswith(NOBODY)
    assert len(api.sent) == 1


def ours(text: str = "…") -> dict[str, Any]:
    """What the bot said in the group, as an answer to it shows it."""
    return {"message_id": 1, "date": 1, "chat": chat(GROUP), "from": {"id": BOT, "is_bot": True, "first_name": "T"}, "text": text}


async def test_a_question_that_is_open_in_a_group_takes_only_what_answers_it(residents: Residents, api: BotApi, admin: Phone) -> None:
    member = Phone(api, MEMBER, room=GROUP)
    question = await admin.say("/subscribe")
    assert question.startswith("Which place?")
    assert json.loads(admin.shown["reply_parameters"])["message_id"] == 1000
    assert json.loads(admin.shown["reply_markup"]) == {"force_reply": True, "selective": True}
    for somebody in (member, admin):
        somebody.write("good morning, 11201")
        somebody.write("…", reply_to_message=ours() | {"from": user(MEMBER)})
        somebody.write(None, location={"latitude": 40.70321, "longitude": -73.98932})
    await api.acknowledged()
    assert len(api.sent) == 1
    member.seen = admin.seen
    assert await member.say("11205", reply_to_message=ours(question)) == "Only administrators of this chat can do this."
    admin.seen = member.seen
    assert "ZIP 11201" in await admin.say("11201", reply_to_message=ours(question))


async def test_hours_are_asked_of_who_pressed_and_taken_only_from_an_answer(api: BotApi, admin: Phone) -> None:
    await admin.say("/subscribe 11201")
    await admin.say("/settings")
    await admin.press_and_see("Quiet hours")
    question = await admin.press_and_hear("Other hours")
    assert question == f'<a href="tg://user?id={ADMIN}">A</a>: From when to when? Write for instance 22:30-6:45.'
    assert json.loads(admin.shown["reply_markup"]) == {"force_reply": True, "selective": True}
    admin.write("see you at 9 5")
    admin.write("9-5")
    assert "Quiet hours: 10:30 PM – 6:45 AM" in await admin.say("22:30-6:45", reply_to_message=ours(question))


async def test_in_a_channel_nothing_is_waited_for(residents: Residents, api: BotApi, bot: BotName) -> None:
    api.administrators = {ADMIN}
    channel = Phone(api, ADMIN, room=CHANNEL)
    assert "for instance with /subscribe 11201 or /subscribe Brooklyn" in await channel.say("/subscribe", channel=True)
    channel.write("Brooklyn", channel=True)
    assert "ZIP 11201" in await channel.say("/subscribe 11201", channel=True)
    assert await residents.column("SELECT area FROM place") == ["zip:11201"]
    await channel.say("/settings", channel=True)
    pages = len(api.edits)
    channel.send_back("page|quiet", where="channel")
    await api.until(lambda: len(api.edits) > pages)
    assert "Other hours" not in api.edits[-1]["reply_markup"]
    toasts = len(api.toasts)
    channel.send_back("choose|quiet|own", where="channel")
    await api.until(lambda: len(api.toasts) > toasts)
    assert "too old" in api.toasts[-1]["text"]


async def test_a_channel_is_subscribed_by_a_post_and_speaks_the_language_that_it_chooses(
    residents: Residents, api: BotApi, bot: BotName
) -> None:
    channel = Phone(api, 0, room=CHANNEL)
    assert "Brooklyn" in await channel.say("/subscribe Brooklyn", channel=True)
    assert "Idioma: Español" in await channel.say("/language es", channel=True)
    assert await residents.rows("SELECT channel, state FROM address") == [("telegram", "active")]
    assert "/subscribe" not in await channel.say("/stop", channel=True)
    assert await residents.column("SELECT state FROM address") == ["stopped"]


async def test_a_group_is_greeted_and_is_closed_when_the_bot_is_removed(residents: Residents, api: BotApi, admin: Phone) -> None:
    api.push_update(membership(GROUP, "left", "member"))
    assert "Administrators can choose" in await admin.answer()
    await admin.say("/subscribe 11201")
    api.push_update(membership(GROUP, "member", "kicked"))
    await eventually(residents, "SELECT state FROM address", ["stopped"])
    assert len(api.sent_to(GROUP)) == 2


async def test_a_group_where_an_administrator_adds_the_bot_again_gets_what_it_got(residents: Residents, api: BotApi, admin: Phone) -> None:
    await admin.say("/subscribe 11201")
    api.push_update(membership(GROUP, "member", "kicked"))
    await eventually(residents, "SELECT state FROM address", ["stopped"])
    api.push_update(membership(GROUP, "kicked", "member", by=MEMBER))
    assert "Administrators can choose" in await admin.answer()
    assert await residents.column("SELECT state FROM address") == ["stopped"]
    api.push_update(membership(GROUP, "left", "member"))
    again = await admin.answer()
    assert again.startswith("Your alerts are on again.")
    assert "ZIP 11201" in again
    assert await residents.column("SELECT state FROM address") == ["active"]


async def test_a_channel_gets_again_what_it_got_without_a_word(residents: Residents, api: BotApi, bot: BotName) -> None:
    channel = Phone(api, 0, room=CHANNEL)
    api.push_update(membership(CHANNEL, "left", "administrator", kind="channel"))
    await channel.say("/subscribe Brooklyn", channel=True)
    api.push_update(membership(CHANNEL, "administrator", "kicked", kind="channel"))
    await eventually(residents, "SELECT state FROM address", ["stopped"])
    api.administrators = {ADMIN}
    api.push_update(membership(CHANNEL, "left", "administrator", kind="channel"))
    await eventually(residents, "SELECT state FROM address", ["active"])
    await api.acknowledged()
    assert len(api.sent) == 1


async def test_who_blocks_the_bot_is_closed(residents: Residents, api: BotApi, phone: Phone) -> None:
    await phone.say("/subscribe 11201")
    api.push_update(membership(phone.chat, "member", "kicked", by=phone.person))
    await eventually(residents, "SELECT state FROM address", ["stopped"])


async def test_a_group_that_becomes_a_supergroup_keeps_its_alerts(residents: Residents, api: BotApi, admin: Phone) -> None:
    old = Phone(api, ADMIN, room=-77)
    await old.say("/subscribe 11201")
    old.write(None, migrate_to_chat_id=GROUP)
    await api.acknowledged()
    assert "ZIP 11201" in await admin.say("/list")
    assert await residents.column("SELECT id FROM address") == await residents.moved() != []


async def test_in_a_forum_an_answer_goes_to_the_topic_in_which_it_was_asked(residents: Residents, api: BotApi, admin: Phone) -> None:
    topic = {"message_thread_id": 7, "is_topic_message": True}
    await admin.say("/subscribe 11201", **topic)
    await admin.say("/subscribe", **topic)
    await admin.say("/list")
    assert [sent.get("message_thread_id") for sent in api.sent_to(GROUP)] == ["7", "7", None]
