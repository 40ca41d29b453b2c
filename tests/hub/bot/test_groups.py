"""Groups and channels: whoever administers one may choose what it gets; the bot does not listen in, and goes when it is removed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hub.bot.conftest import BotName, Phone, eventually
from tests.peers.bot_api import BOT, BotApi, chat, user
from tests.subscriptions.residents import Residents

GROUP, CHANNEL = -100123, -100456
ADMIN, MEMBER = 8, 9
NOBODY = "Nobody is watching this. Call or text 911."


@pytest.fixture
def admin(api: BotApi, bot: BotName) -> Phone:
    api.administrators = {ADMIN}
    return Phone(api, ADMIN, room=GROUP)


def membership(number: int, before: str, after: str, by: int = ADMIN) -> dict[str, Any]:
    """The bot's own place in a chat changes."""
    states = {
        "left": {"status": "left"},
        "kicked": {"status": "kicked", "until_date": 0},
        "member": {"status": "member"},
    }
    me = {"id": BOT, "is_bot": True, "first_name": "Tocsin"}
    changed = {"chat": chat(number), "from": user(by), "date": 1_790_000_000}
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
    assert await residents.column("SELECT COUNT(*) FROM address") == [1]
