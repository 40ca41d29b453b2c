"""Senders that can't reach a provider leave the work to those that can."""

from __future__ import annotations

import asyncio
import math
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

import numpy as np
import pytest
from sqlalchemy import URL

from channels.contract import ChannelSettings, Message
from hub.delivery.coordinator import WINDOW, Coordinator
from hub.delivery.credits import Credits
from hub.delivery.handle import LOWEST, Handle
from hub.delivery.ledger.batches import Leased, Planned, Settlement
from hub.delivery.ledger.ledger import Ledger
from hub.delivery.rate_limit import LocalRateLimit
from hub.delivery.reach import KEPT_S, Elsewhere, Reach
from hub.delivery.sending import frames
from hub.delivery.sending.frames import To
from hub.store.database import Database
from subscriptions.vault import Keyring
from tests.databases import rows
from tests.hub.delivery.people import add_mailing, filled
from tests.peers.smsc import Smsc
from tests.waiting import until

RESTS, MAY_TRY = math.inf, 0.0
PEOPLE = 30
MANY = 600


def leased(batch: int = 1, channel: str = "sms", *, simulated: int = 0) -> Leased:
    return Leased(
        batch=batch, mailing=1, purpose="alert", alert=1, parameters="{}", channel=channel, language="en", simulated=simulated, discreet=0,
        priority=2, turn=0, attempt=1, created_at=0, expires_at=9, recipients=[To(number, number, 0, 1, b"") for number in range(PEOPLE)],
    )  # fmt: skip


@asynccontextmanager
async def sender(away: dict[str, float]) -> AsyncIterator[Handle]:
    ours, theirs = socket.socketpair()
    (reader, writer), (_, other) = [await asyncio.open_connection(sock=end) for end in (ours, theirs)]
    handle = Handle(cast("asyncio.subprocess.Process", None), reader, writer)
    handle.doing = frames.Doing(away=away)
    yield handle
    for end in (writer, other):
        end.close()
        await end.wait_closed()


@pytest.fixture
async def senders() -> AsyncIterator[list[Handle]]:
    """One that rests, one that may try, and one that nothing is known against."""
    async with AsyncExitStack() as stack:
        known: list[dict[str, float]] = [{"sms": RESTS}, {"sms": MAY_TRY}, {}]
        yield [await stack.enter_async_context(sender(away)) for away in known]


async def test_who_rests_is_given_nothing_who_may_try_one_batch_and_after_those_who_reach_it(senders: list[Handle]) -> None:
    rests, tries, reaches = senders
    reach = Reach(lambda: senders, lambda _: False)
    assert reach.rooms("sms") == [(reaches, 1, LOWEST), (tries, 1, LOWEST)]
    assert [handle for handle, *_ in reach.rooms("email")] == senders
    for handle in (tries, reaches):
        handle.take(leased(), limited=False)
    assert reach.rooms("sms") == [(reaches, 1, LOWEST)]
    assert rests.room("sms")[0] == 0


async def test_a_channel_is_reached_while_any_sender_that_lives_or_another_node_may(senders: list[Handle]) -> None:
    elsewhere = set[str]()
    reach = Reach(lambda: senders, elsewhere.__contains__)
    assert (reach("sms"), reach.away) == (True, set())
    senders[2].ended.set()
    assert (reach("sms"), reach("email"), reach.away) == (False, True, {"sms"})
    elsewhere.add("sms")
    assert (reach("sms"), reach.away) == (True, {"sms"})


async def test_who_has_to_try_gets_one_person_while_others_reach_it_and_all_of_the_batch_when_nobody_does(senders: list[Handle]) -> None:
    _, tries, reaches = senders
    reach = Reach(lambda: senders, lambda _: False)
    batch = leased()
    given, rest = reach.to_try(tries, batch, 5)
    assert (given.recipients, [row.address for row in rest]) == (batch.recipients[:1], list(range(1, PEOPLE)))
    assert {row.after for row in rest} == {0.0}
    assert reach.to_try(reaches, batch, 5) == (batch, [])
    assert reach.to_try(tries, leased(channel="email"), 5)[1] == []
    assert reach.to_try(tries, leased(simulated=1), 5)[1] == []
    reaches.ended.set()
    assert reach.to_try(tries, batch, 5) == (batch, [])


async def test_nobody_who_rests_takes_of_the_rate_that_all_share(senders: list[Handle]) -> None:
    for handle in senders:
        handle.take(leased(), limited=True)
    granter = Credits(LocalRateLimit(lambda: 0.0), lambda *_: 1000.0, {}, lambda: senders)
    await granter._grant_all()
    assert [handle.wants("sms")[1] for handle in senders] == [PEOPLE, 0, 0]


def test_another_node_may_reach_what_it_has_not_said_is_away_from_it_of_late() -> None:
    now, others = [0.0], [2]
    elsewhere = Elsewhere(lambda: 7, lambda: others[0], lambda: now[0])
    assert elsewhere.body({"sms", "email"}) == b"7 email sms"
    for body in (b"8 sms email", b"8 sms", b"7 sms", b"", b"\xff x"):
        elsewhere.heard(body)
    assert (elsewhere("sms"), elsewhere("email")) == (True, True)
    elsewhere.heard(b"9 sms")
    assert (elsewhere("sms"), elsewhere("email")) == (False, True)
    now[0] += KEPT_S + 0.1
    assert elsewhere("sms")
    others[0] = 0
    assert not elsewhere("sms")


class Node:
    """Two senders at one SMS centre, and what they came to in the ledger."""

    def __init__(self, store: URL, keyring: Keyring, smsc: Smsc) -> None:
        self.store, self._keyring, self._smsc = store, keyring, smsc
        self.put_off: list[tuple[float, int]] = []
        """(seconds until the next try, its number) of whoever was not reached."""

    def settled(self, settlements: Sequence[Settlement], _: object) -> None:
        now = time.time()
        self.put_off += [(it.due_at / 1000 - now, it.next_attempt) for it in settlements if it.due_at and "bind" not in (it.reason or "")]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Coordinator]:
        async def render(batch: Leased) -> Message:
            return Message(
                purpose="alert", topic="t", language="en", parts={"text": "t"}, link="http://hub.invalid/a", sent_at=time.time(),
                expires_at=batch.expires_at / 1000,
            )  # fmt: skip

        settings = ChannelSettings(public_url="http://hub.invalid", sms=self._smsc.url, sms_from="62262")
        async with Database(self.store) as database:
            ledger = Ledger(database)
            ledger.join(1)
            coordinator = Coordinator(
                ledger,
                frames.Configure(settings, self._keyring.to_bytes(), WINDOW, 0.0),
                time.time,
                senders=2,
                until=lambda: math.inf,
                render=render,
                rate_of=lambda *_: None,
                rate_limit=LocalRateLimit(),
                settled=self.settled,
            )
            try:
                async with coordinator:
                    yield coordinator
            finally:
                await ledger.aclose()

    async def launch(self, coordinator: Coordinator) -> int:
        mailing = add_mailing(self.store, priority=0, expires_at=int(time.time() * 1000) + 3_600_000)
        part = Planned("sms", "en", False, np.arange(1, MANY + 1, dtype=np.int64), 100)
        assert await coordinator._ledger.plan(mailing, MANY, [part], int(time.time() * 1000))
        coordinator.wake()
        return mailing

    def state(self, mailing: int) -> str:
        return str(rows(self.store, "SELECT state FROM mailing WHERE id=?", mailing)[0][0])


@asynccontextmanager
async def centre(store: URL, most: int) -> AsyncIterator[tuple[Node, Smsc]]:
    async with Smsc() as smsc:
        smsc.most_transmitters = most
        keyring = Keyring.generate()
        filled(store, keyring, [("sms", f"+1718{number:07}") for number in range(1, MANY + 1)])
        yield Node(store, keyring, smsc), smsc


async def test_whom_the_sender_without_a_bind_turns_back_the_other_reaches_without_a_wait(store: URL) -> None:
    async with centre(store, 1) as (node, smsc), node.running() as coordinator:
        mailing = await node.launch(coordinator)
        await until(lambda: node.state(mailing) == "done")
        assert len({phone for phone, _ in smsc.phones.messages}) == len(smsc.phones.messages) == MANY
        assert node.put_off
        assert all(wait < 1.0 and attempt == 1 for wait, attempt in node.put_off)


async def test_when_no_sender_has_a_bind_all_wait_by_policy_and_are_reached_when_the_centre_takes_one(store: URL) -> None:
    async with centre(store, 0) as (node, smsc), node.running() as coordinator:
        mailing = await node.launch(coordinator)
        await until(lambda: coordinator.reach.away == {"sms"} and any(wait > 1.0 for wait, _ in node.put_off))
        assert len(smsc.binds) < 20
        smsc.most_transmitters = 1
        await until(lambda: node.state(mailing) == "done")
        assert len(smsc.phones.messages) == MANY
