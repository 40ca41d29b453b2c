"""What the bot keeps of the chats that it has heard: nothing, but for those where it waits for an answer."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest
from aiogram.fsm.storage.base import StorageKey

from hub.bot.asking import Asking
from hub.bot.memory import dialogue_storage
from hub.bot.routes import dispatcher
from hub.bot.words import Words
from tests.hub.bot.conftest import parts_of
from tests.peers.bot_api import BotApi
from tests.subscriptions.residents import Residents


def key_of(chat: int) -> StorageKey:
    return StorageKey(bot_id=1, chat_id=chat, user_id=chat)


@pytest.mark.parametrize("waited", [False, True])
async def test_of_a_chat_where_nothing_is_waited_for_no_trace_is_kept(residents: Residents, api: BotApi, waited: bool) -> None:
    made = dispatcher(parts_of(residents, api), Words())
    key = key_of(7)
    trace = weakref.ref(key)
    async with made.fsm.events_isolation.lock(key):
        if waited:
            await made.fsm.storage.set_state(key, Asking.place)
            await made.fsm.storage.set_data(key, {"a": 1})
        assert (await made.fsm.storage.get_state(key) is not None) is waited
        await made.fsm.storage.get_data(key)
        await made.fsm.storage.set_state(key, None)
        await made.fsm.storage.set_data(key, {})
    del key
    gc.collect()
    assert trace() is None


async def test_what_is_waited_for_is_kept_chat_by_chat() -> None:
    memory = dialogue_storage(None, "test")
    await memory.set_state(key_of(1), Asking.place)
    await memory.set_state(key_of(2), "own")
    await memory.set_data(key_of(2), {"a": 1})
    (await memory.get_data(key_of(2)))["a"] = 2
    assert [await memory.get_state(key_of(chat)) for chat in (1, 2, 3)] == [Asking.place.state, "own", None]
    assert [await memory.get_data(key_of(chat)) for chat in (1, 2)] == [{}, {"a": 1}]
    await memory.close()


async def test_two_updates_of_one_chat_are_served_one_after_the_other(residents: Residents, api: BotApi) -> None:
    turns = dispatcher(parts_of(residents, api), Words()).fsm.events_isolation
    seen: list[str] = []

    async def serve(name: str) -> None:
        async with turns.lock(key_of(7)):
            seen.append(name)
            await asyncio.sleep(0)
            seen.append(name)

    await asyncio.gather(serve("a"), serve("b"))
    assert seen == ["a", "a", "b", "b"]
