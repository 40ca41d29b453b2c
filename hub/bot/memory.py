"""What the bot is waiting for in a chat: in Redis when there is one, so that a restart or another node goes on; and always in memory too.

Nothing that counts is kept here. Redis may be stopped or wiped at any time: then the bot remembers what it heard itself. Of a chat where it
waits for nothing no trace is kept, however many a hub that runs for years has heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog
from aiogram.fsm.state import State
from aiogram.fsm.storage.base import BaseEventIsolation, BaseStorage, DefaultKeyBuilder, StateType, StorageKey
from aiogram.fsm.storage.redis import RedisStorage
from redis.asyncio import Redis
from redis.exceptions import RedisError

WAITS_S = 24 * 3600
"""So long an answer to the bot's question is one."""

LANES = 1024
"""Chats of one lane wait for each other, so there are more than are served at a time."""

T = TypeVar("T")

log = structlog.get_logger("bot")


def dialogue_storage(redis: Redis | None, hub_key: str) -> BaseStorage:
    """`hub_key` tells hubs that share a Redis apart."""
    if redis is None:
        return OwnMemory()
    keys = DefaultKeyBuilder(prefix=f"tocsin:{hub_key}:bot")
    return Remembering(RedisStorage(redis, key_builder=keys, state_ttl=WAITS_S, data_ttl=WAITS_S), OwnMemory())


class Turns(BaseEventIsolation):
    """Updates of one chat are served one after the other. Chats share the locks, so the bill of memory does not grow with them."""

    def __init__(self) -> None:
        self._locks = tuple(asyncio.Lock() for _ in range(LANES))

    @asynccontextmanager
    async def lock(self, key: StorageKey) -> AsyncGenerator[None, None]:
        """See `BaseEventIsolation`."""
        async with self._locks[hash(key) % LANES]:
            yield

    async def close(self) -> None:
        """Nothing is open."""


class OwnMemory(BaseStorage):
    """This process's own; what is empty is forgotten."""

    def __init__(self) -> None:
        self._states: dict[StorageKey, str] = {}
        self._data: dict[StorageKey, dict[str, Any]] = {}

    async def set_state(self, key: StorageKey, state: StateType = None) -> None:
        """See `BaseStorage`."""
        name = state.state if isinstance(state, State) else state
        if name is None:
            self._states.pop(key, None)
        else:
            self._states[key] = name

    async def get_state(self, key: StorageKey) -> str | None:
        """See `BaseStorage`."""
        return self._states.get(key)

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        """See `BaseStorage`."""
        if data:
            self._data[key] = dict(data)
        else:
            self._data.pop(key, None)

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        """See `BaseStorage`."""
        return dict(self._data.get(key, {}))

    async def close(self) -> None:
        """Nothing is open."""


class Remembering(BaseStorage):
    """Writes to both; reads from Redis, or from memory while Redis is away."""

    def __init__(self, shared: BaseStorage, own: BaseStorage) -> None:
        self._shared, self._own = shared, own

    async def set_state(self, key: StorageKey, state: StateType = None) -> None:
        """See `BaseStorage`."""
        await self._own.set_state(key, state)
        await _tried(lambda: self._shared.set_state(key, state), None)

    async def get_state(self, key: StorageKey) -> str | None:
        """See `BaseStorage`."""
        own = await self._own.get_state(key)
        return await _tried(lambda: self._shared.get_state(key), own)

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        """See `BaseStorage`."""
        await self._own.set_data(key, data)
        await _tried(lambda: self._shared.set_data(key, data), None)

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        """See `BaseStorage`."""
        own = await self._own.get_data(key)
        return await _tried(lambda: self._shared.get_data(key), own)

    async def close(self) -> None:
        """The connection belongs to the hub."""
        await self._own.close()


async def _tried(ask: Callable[[], Awaitable[T]], otherwise: T) -> T:
    try:
        return await ask()
    except (RedisError, OSError) as error:
        log.warning("dialogue_not_shared", error=type(error).__name__)
        return otherwise
