"""Credits of a channel whose providers have rates of their own: each sender gets those of the provider that it uses."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

import pytest

from hub.delivery.credits import Credits, Wish, fair_shares
from hub.delivery.handle import Handle
from hub.delivery.ledger.batches import Leased
from hub.delivery.rate_limit import LocalRateLimit
from hub.delivery.sending import frames
from hub.delivery.sending.frames import To

RATES: dict[str, float | None] = {"email": 100.0, "email:2": 20.0, "email:3": None}
PEOPLE = 50


class Grants:
    """Three senders with people to reach by mail, the second and third of which go through other providers than the first."""

    def __init__(self, handles: list[Handle], readers: list[asyncio.StreamReader]) -> None:
        self._handles, self._readers = handles, readers
        self.credits = Credits(LocalRateLimit(lambda: 0.0), lambda *_: None, RATES, lambda: handles)

    async def granted(self) -> list[list[tuple[int, str]]]:
        """To each: for how many who are not begun, and by whose rate."""
        return [[(frame.count, frame.key) for frame in frames_ if isinstance(frame, frames.Credits)] for frames_ in await self.said()]

    async def said(self) -> list[list[frames.ToSender]]:
        """To each, in one round."""
        await self.credits._grant_all()
        said: list[list[frames.ToSender]] = []
        for handle, reader in zip(self._handles, self._readers, strict=True):
            handle.send(frames.Drain())  # nothing follows it
            said.append([])
            while not isinstance(frame := frames.to_sender.decode(await frames.read(reader) or b""), frames.Drain):
                said[-1].append(frame)
        return said


@asynccontextmanager
async def sender(in_use: dict[str, int], batch: int) -> AsyncIterator[tuple[Handle, asyncio.StreamReader]]:
    ours, theirs = socket.socketpair()
    (reader, writer), (far, other) = [await asyncio.open_connection(sock=end) for end in (ours, theirs)]
    handle = Handle(cast("asyncio.subprocess.Process", None), reader, writer)
    handle.doing = frames.Doing(in_use=in_use)
    leased = Leased(
        batch=batch, mailing=1, purpose="alert", alert=1, parameters="{}", channel="email", language="en", simulated=0, discreet=0,
        priority=2, turn=0, attempt=1, created_at=0, expires_at=9, recipients=[To(number, number, 0, 1, b"") for number in range(PEOPLE)],
    )  # fmt: skip
    handle.take(leased, limited=True)
    yield handle, far
    for end in (writer, other):
        end.close()
        await end.wait_closed()


@pytest.fixture
async def grants() -> AsyncIterator[Grants]:
    async with AsyncExitStack() as stack:
        used: list[dict[str, int]] = [{}, {"email": 2}, {"email": 2}, {"email": 3}, {}]
        pairs = [await stack.enter_async_context(sender(in_use, batch)) for batch, in_use in enumerate(used)]
        yield Grants([handle for handle, _ in pairs], [reader for _, reader in pairs])


async def test_each_sender_gets_them_by_the_rate_of_its_provider_and_one_that_is_used_up_holds_up_no_other(grants: Grants) -> None:
    assert await grants.granted() == [[(6, "email")], [(2, "email:2")], [(1, "email:2")], [(PEOPLE, "email:3")], [(5, "email")]]


async def test_whoever_waits_in_the_midst_of_a_hand_over_goes_before_those_who_are_not_begun(grants: Grants) -> None:
    """Each holds a worker, and the others want more than there will ever be."""
    second = grants._handles[1]
    grants.credits.want(second, frames.Wanted("email:2", 20.0, 0, 3))
    assert (await grants.said())[1:3] == [[frames.Granted("email:2", 3)], []]


async def test_a_sender_that_has_ended_takes_nothing_from_the_others(grants: Grants) -> None:
    grants._handles[0].ended.set()
    grants._handles[1].ended.set()
    assert (await grants.granted())[:3] == [[], [], [(3, "email:2")]]


async def test_senders_that_hold_what_is_as_urgent_take_turns_and_the_most_urgent_goes_first(grants: Grants) -> None:
    first, second, urgent = grants._handles[:3]
    got = [[handle for handle, _ in grants.credits._shared_out(1, [Wish(2, 9, first), Wish(2, 1, second)])] for _ in range(3)]
    assert got == [[first], [second], [first]]
    shares = grants.credits._shared_out(10, [Wish(2, 9, first), Wish(2, 9, second), Wish(0, 4, urgent)])
    assert list(shares) == [(urgent, 4), (second, 3), (first, 3)]


@pytest.mark.parametrize(
    ("total", "wanted", "shares"),
    [
        (30, [1000, 1], [29, 1]),
        (30, [1000, 1000], [15, 15]),
        (3, [9, 9], [2, 1]),
        (1, [9, 9], [1, 0]),
        (10, [2, 9, 3], [2, 5, 3]),
        (10, [2, 3], [2, 3]),
        (0, [2, 3], [0, 0]),
    ],
)
def test_none_gets_more_than_it_wants_or_another_may_have(total: int, wanted: list[int], shares: list[int]) -> None:
    assert fair_shares(total, wanted) == shares


def test_whoever_is_reached_on_such_a_channel_needs_one_but_for_samples() -> None:
    granter = Credits(LocalRateLimit(), lambda *_: None, RATES, list)
    assert [granter.needed(*way) for way in (("email", False), ("email", True), ("sms", False))] == [True, False, False]
