"""Who may begin how many hand-overs of a channel whose provider allows only so many a second.

N senders are not N limits, and neither are N nodes: the limit is asked for each few, and whoever holds the most urgent people gets them.
Where providers of a channel have rates of their own, each sender gets credits by the rate of the one that its hand-overs go through.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple
from weakref import WeakKeyDictionary

import msgspec
import structlog

from hub.delivery.handle import Handle
from hub.delivery.rate_limit import RateLimit
from hub.delivery.sending import frames

TICK_S = 0.05

log = structlog.get_logger()


class Wish(NamedTuple):
    """Of one sender: people for whom it has no credit yet, and the priority of its most urgent batch."""

    priority: int
    people: int
    handle: Handle


class Credits:
    """`run` and `answer` until cancelled."""

    def __init__(
        self,
        rate_limit: RateLimit,
        rate_of: Callable[[str, bool], float | None],
        provider_rates: Mapping[str, float | None],
        handles: Callable[[], Sequence[Handle]],
    ) -> None:
        """`provider_rates` as in `frames.Configure`; `rate_of` counts for the other channels."""
        self._rate_limit, self._rate_of, self._provider_rates, self._handles = rate_limit, rate_of, provider_rates, handles
        self._granting = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._asked = asyncio.Event()
        self._wishes: dict[tuple[Handle, str], frames.Wanted] = {}
        self._fresh: set[tuple[Handle, str]] = set()
        self._new_work = False
        self._last = WeakKeyDictionary[Handle, int]()
        self._grants = 0

    async def run(self) -> None:
        """Grant as time goes by, while anybody needs it."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await asyncio.sleep(TICK_S)
            try:
                await self._grant_all()
            except Exception:  # process boundary: the next tick tries again
                log.exception("grant_failed")
                self._wanted.set()

    def want(self, handle: Handle, wanted: frames.Wanted) -> None:
        """A sender says how many wait there for one receiver's rate."""
        if wanted.count:
            self._wishes[handle, wanted.key] = wanted
            self._fresh.add((handle, wanted.key))
            self._asked.set()
        else:
            self._wishes.pop((handle, wanted.key), None)

    def needed(self, channel: str, simulated: bool) -> bool:
        """Whether whoever is reached on this channel needs one, whichever of its providers is in use."""
        return self._rate_of(channel, simulated) is not None or (channel in self._provider_rates and not simulated)

    def given(self) -> None:
        """A sender was given work of a channel that has a limit, has lost credits, or goes through another provider now. Nobody waits for
        the limit but those it is for."""
        self._new_work = True
        self._asked.set()

    async def answer(self) -> None:
        """Grant what there is as soon as it is asked for; what is not there yet, `run` grants."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            new_work, self._new_work = self._new_work, False
            try:
                async with self._granting:
                    await self._grant_each(self._midway())
                    if new_work:
                        await self._grant_channels()
                    fresh, self._fresh = self._fresh, set()
                    await self._grant_each(fresh & self._wishes.keys())
            except Exception:  # process boundary: the next tick tries again
                log.exception("grant_failed")
                self._wanted.set()

    async def _grant_all(self) -> None:
        """As much as the limits allow now."""
        async with self._granting:
            await self._grant_each(self._midway())
            await self._grant_channels()
            await self._grant_each(self._wishes.keys())

    def _midway(self) -> set[tuple[Handle, str]]:
        """Those who wait in the midst of a hand-over go first: each holds a worker, and the lanes behind would take all there is."""
        return {wish for wish in self._wishes if wish[1] in self._provider_rates}

    def _living(self) -> list[Handle]:
        return [handle for handle in self._handles() if not handle.ended.is_set()]

    async def _grant_channels(self) -> None:
        for channel in sorted({channel for handle in self._living() for channel in handle.limited_channels}):
            await self._grant(channel)

    async def _grant(self, channel: str) -> None:
        wishes = defaultdict[str, list[Wish]](list)
        for handle in self._living():
            priority, count = handle.wants(channel)
            if count > 0 and not handle.rests(channel):
                key = frames.provider_key(channel, handle.doing.in_use.get(channel, 1), self._provider_rates)
                wishes[key].append(Wish(priority, count, handle))
        for key, of_key in wishes.items():
            per_second = self._provider_rates[key] if key in self._provider_rates else self._rate_of(channel, False)
            wanted = sum(wish.people for wish in of_key)
            granted = wanted if per_second is None else await self._rate_limit.take(key, per_second, wanted)
            if granted < wanted:
                self._wanted.set()
            for handle, count in self._shared_out(granted, of_key):
                handle.credit(channel, count, key)

    def _shared_out(self, granted: int, wishes: list[Wish]) -> Iterator[tuple[Handle, int]]:
        """The most urgent first; alike ones get alike, so that what one sender holds never waits for all that another does. Where there is
        not one for each, whoever got some longest ago is next."""
        for _, alike in groupby(
            sorted(wishes, key=lambda wish: (wish.priority, self._last.get(wish.handle, 0))), lambda wish: wish.priority
        ):
            each = list(alike)
            for place, count in enumerate(fair_shares(granted, [wish.people for wish in each])):
                if count:
                    granted -= count
                    self._grants += 1
                    self._last[each[place].handle] = self._grants
                    yield each[place].handle, count

    async def _grant_each(self, wishes: Collection[tuple[Handle, str]]) -> None:
        """The most urgent first at each receiver."""
        for (handle, key), wanted in sorted(((wish, self._wishes[wish]) for wish in wishes), key=lambda wish: wish[1].priority):
            if handle.ended.is_set():
                self._wishes.pop((handle, key), None)
                continue
            granted = await self._rate_limit.take(key, wanted.per_second, wanted.count)
            if granted:
                handle.send(frames.Granted(key, granted))
            if self._wishes.get((handle, key)) is wanted:  # nothing newer was said meanwhile
                self._wishes[handle, key] = msgspec.structs.replace(wanted, count=wanted.count - granted)
                if granted == wanted.count:
                    del self._wishes[handle, key]
            if granted < wanted.count:
                self._wanted.set()


def fair_shares(total: int, wanted: Sequence[int]) -> list[int]:
    """As much of `total` for each as for any other, and none more than it wants: what one leaves is the others'. The first ones get what
    can't be divided."""
    shares, open_ = [0] * len(wanted), list(range(len(wanted)))
    while total and open_:
        each, more = divmod(total, len(open_))
        for place, index in enumerate(open_):
            share = min(wanted[index] - shares[index], each + (place < more))
            shares[index] += share
            total -= share
        open_ = [index for index in open_ if shares[index] < wanted[index]]
    return shares
