"""In a sender: by the rate of which provider a channel's hand-overs begin, where its providers have rates of their own.

The coordinator grants credits by the rate of the provider in use. When another one takes over, credits for the one before are given back
at once; and a hand-over that was begun by the one's rate and must go through the other asks for a place in the other's rate first.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from functools import partial

from channels.contract import Channel, Several
from hub.delivery.sending.frames import Unused, Wanted, provider_key
from hub.delivery.sending.lanes import Lane
from hub.delivery.sending.pace import PATIENCE_S

_FIRST = 0
"""Priority of those who wait in the midst of a hand-over: it holds a worker."""


class ProviderRates:
    """`rates` as in `frames.Configure`; `tell` sends a frame to the coordinator, `tell_in_use` says what is in use now."""

    def __init__(self, rates: Mapping[str, float | None], tell: Callable[[Unused | Wanted], None], tell_in_use: Callable[[], None]) -> None:
        self._rates, self._tell, self._tell_in_use = rates, tell, tell_in_use
        self._watched: dict[str, tuple[Several, Lane]] = {}
        self._waiting: defaultdict[str, deque[asyncio.Future[None]]] = defaultdict(deque)

    def watch(self, name: str, channel: Channel, lane: Lane) -> None:
        """The channel's hand-overs are begun in this lane."""
        if name not in self._rates or not isinstance(channel, Several):
            return
        self._watched[name], lane.provider = (channel, lane), channel.in_use
        channel.watch(partial(self._look, name), partial(self._admits, name))

    def look_after(self) -> None:
        """Each second: a provider may be in use again because nobody has used any for a while."""
        for name in self._watched:
            self._look(name)

    @property
    def in_use(self) -> dict[str, int]:
        """Channel → place of the provider in use, where it is not the first."""
        return {name: lane.provider for name, (_, lane) in self._watched.items() if lane.provider != 1}

    def allows(self, name: str, key: str) -> bool:
        """Whether credits by the rate that is called so are for the provider in use."""
        return name not in self._watched or key == self._key(name, self._watched[name][1].provider)

    def granted(self, key: str, count: int) -> None:
        """So many of those who wait for a provider's rate may go on."""
        for turn in self._waiting.get(key, ()):
            if count and not turn.done():
                turn.set_result(None)
                count -= 1

    def _key(self, name: str, place: int) -> str:
        return provider_key(name, place, self._rates)

    def _look(self, name: str) -> None:
        channel, lane = self._watched[name]
        before, lane.provider = lane.provider, channel.in_use
        if before == lane.provider:
            return
        self._tell_in_use()  # first, so that what is given back is granted anew by the other rate
        if self._key(name, before) != self._key(name, lane.provider) and (void := lane.drop_credits()):
            self._tell(Unused(name, void))

    async def _admits(self, name: str, place: int, begun_by: int) -> bool:
        """Whether a hand-over that was begun by one provider's rate may go through another one; it waits for that, not for long."""
        key = self._key(name, place)
        if key == self._key(name, begun_by) or self._rates[key] is None:
            return True
        turns, turn = self._waiting[key], asyncio.get_running_loop().create_future()
        turns.append(turn)
        self._want(key)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await turn
        except TimeoutError:
            return False
        finally:
            turns.remove(turn)
            self._want(key)
        return True

    def _want(self, key: str) -> None:
        count = sum(1 for turn in self._waiting[key] if not turn.done())
        self._tell(Wanted(key, self._rates[key] or 0.0, _FIRST, count))
