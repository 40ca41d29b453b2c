"""Lanes share one process: what is urgent is begun first, within a lane and across them."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator

import pytest

from channels.contract import Channel, ChannelSettings, Message
from channels.outbox import Outbox
from channels.webhook import Webhook
from hub.delivery.sending.frames import To, Work
from hub.delivery.sending.lanes import AT_ONCE, FEW, Job, Lane, Precedence
from tests.hub.delivery.sender_process import SETTINGS

PEOPLE = 200


class House:
    """Two lanes whose hand-overs last until they are let go."""

    def __init__(self) -> None:
        precedence = Precedence()
        self.webhook: Channel = Webhook(SETTINGS)
        self.outbox: Channel = Outbox("email", ChannelSettings(public_url="http://hub.invalid"))
        self.first = Lane(self.webhook, precedence, self._hand_over)
        self.second = Lane(self.outbox, precedence, self._hand_over)
        self.begun: dict[int, int] = {}
        self._ends: list[asyncio.Future[None]] = []

    async def _hand_over(self, lane: Lane, job: Job, to: To, _: int) -> None:
        self.begun[job.work.batch] = self.begun.get(job.work.batch, 0) + 1
        end = asyncio.get_running_loop().create_future()
        self._ends.append(end)
        await end

    async def let_go(self) -> None:
        """All that are under way end; whatever may begin after that begins."""
        ends, self._ends = self._ends, []
        for end in ends:
            end.set_result(None)
        await self.calm()

    async def calm(self) -> None:
        """Until nothing more begins by itself."""
        before: dict[int, int] | None = None
        while before != self.begun:
            before = dict(self.begun)
            for _ in range(10):
                await asyncio.sleep(0)

    async def aclose(self) -> None:
        workers = [*self.first.workers, *self.second.workers]
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await self.webhook.aclose()


@pytest.fixture
async def house() -> AsyncIterator[House]:
    opened = House()
    yield opened
    await opened.aclose()


def job(channel: Channel, batch: int, priority: int, *, limited: bool = False, people: int = PEOPLE) -> Job:
    now = time.time()
    message = Message(purpose="alert", topic="t", language="en", parts={}, link="", sent_at=now, expires_at=now + 3600, data="{}")
    recipients = [To(number, number, 1, 1, b"") for number in range(people)]
    return Job(Work(batch, batch, channel.name, "en", False, message, priority, limited, 0, recipients), channel, channel.compose(message))


async def test_an_urgent_batch_is_begun_before_the_rest_of_a_lesser_one(house: House) -> None:
    house.first.put(job(house.webhook, 1, 3))
    await house.calm()
    begun = house.begun[1]
    house.first.put(job(house.webhook, 2, 0))
    await house.let_go()
    assert house.begun == {1: begun, 2: begun}


async def test_a_lane_with_lesser_work_goes_on_with_few_while_another_has_something_urgent(house: House) -> None:
    house.second.put(job(house.outbox, 1, 0, people=2 * house.outbox.limits.concurrency))
    house.first.put(job(house.webhook, 2, 3))
    await house.calm()
    assert house.begun[1] > FEW
    assert house.begun[2] == FEW


async def test_it_goes_on_with_all_as_soon_as_the_urgent_is_begun(house: House) -> None:
    urgent = job(house.outbox, 1, 0, people=3 * house.outbox.limits.concurrency)
    house.second.put(urgent)
    house.first.put(job(house.webhook, 2, 3))
    await house.calm()
    rounds = 1
    while house.begun[1] < len(urgent.work.recipients):
        assert house.begun[2] == FEW * rounds
        await house.let_go()
        rounds += 1
    assert rounds > 2
    assert house.begun[2] > FEW * rounds


async def test_nobody_makes_room_for_what_has_to_wait_for_its_rate_anyway(house: House) -> None:
    house.second.put(job(house.outbox, 1, 0, limited=True))
    house.first.put(job(house.webhook, 2, 3))
    await house.calm()
    assert house.begun[2] > FEW


async def test_lanes_of_equal_urgency_share_without_giving_way(house: House) -> None:
    house.second.put(job(house.outbox, 1, 2))
    house.first.put(job(house.webhook, 2, 2))
    await house.calm()
    assert house.begun[1] > FEW
    assert house.begun[2] > FEW


async def test_what_is_dropped_comes_back_with_those_who_had_not_begun_and_those_who_wait_for_their_host(house: House) -> None:
    dropped, kept = job(house.webhook, 1, 2), job(house.webhook, 2, 2)
    host = house.first.host("http://127.0.0.1:9/hook")
    assert host is not None
    house.first.park(host, dropped, dropped.work.recipients[0], 0)
    house.first.park(host, kept, kept.work.recipients[0], 0)
    house.first.put(dropped)
    dropped.next = 150
    given_back = house.first.drop(lambda waiting: waiting is not dropped)
    assert sorted(to.address for _, people in given_back for to in people) == [0, *range(150, PEOPLE)]
    assert {id(waiting) for waiting, _ in given_back} == {id(dropped)}


async def test_whoever_waits_for_a_host_comes_again_when_it_has_a_place_the_most_urgent_first(house: House) -> None:
    host = house.first.host("http://127.0.0.1:9/hook")
    assert host is not None
    while not host.is_full:
        host.enter()
    for batch, priority in ((1, 3), (2, 0)):
        waiting = job(house.webhook, batch, priority, people=1)
        house.first.park(host, waiting, waiting.work.recipients[0], 0)
    await house.calm()
    assert house.begun == {}
    host.abandoned()
    house.first.left(host)
    await house.calm()
    assert house.begun == {2: 1}


async def test_what_is_limited_begins_only_with_a_credit_each(house: House) -> None:
    house.second.put(job(house.outbox, 1, 2, limited=True))
    await house.calm()
    assert house.begun == {}
    house.second.credit(3)
    await house.calm()
    assert house.begun == {1: 3}
    assert house.second.void_credits() == 0


async def test_without_a_credit_somebody_less_urgent_who_has_one_goes_and_nobody_else(house: House) -> None:
    host = house.first.host("http://127.0.0.1:9/hook")
    assert host is not None
    lesser = job(house.webhook, 1, 3, limited=True, people=1)
    house.first.park(host, lesser, lesser.work.recipients[0], 0)
    house.first.put(job(house.webhook, 2, 0, limited=True))
    await house.calm()
    house.first.left(host)
    house.first.credit(2)
    await house.calm()
    assert house.begun == {2: 2, 1: 1}
    await house.let_go()
    assert house.begun == {2: 2, 1: 1}


async def test_a_place_that_the_last_one_did_not_take_is_the_next_ones(house: House) -> None:
    """Whoever is released may end without ever entering the host, for instance since it has expired."""
    host = house.first.host("http://127.0.0.1:9/hook")
    assert host is not None
    while host.places > 1:
        assert host.enter()
        host.answered(time.monotonic() - 60)
    assert host.enter()
    waiting = job(house.webhook, 1, 2, people=4)
    for to in waiting.work.recipients:
        house.first.park(host, waiting, to, 0)
    host.answered(time.monotonic() - 60)
    house.first.left(host)
    for begun in range(1, 5):
        await house.let_go()
        assert house.begun == {1: begun}
        assert house.first.look_after() == []


async def test_credits_go_to_the_most_urgent(house: House) -> None:
    house.second.put(job(house.outbox, 1, 3, limited=True))
    house.second.put(job(house.outbox, 2, 0, limited=True, people=2))
    house.second.credit(3)
    await house.calm()
    assert house.begun == {2: 2, 1: 1}


async def test_a_few_are_begun_before_the_first_answers_are_read(house: House) -> None:
    """What the process can hear in a turn of its loop comes after what is begun in it: all at once would keep the first answer waiting."""
    await house.calm()
    house.first.put(job(house.webhook, 1, 0))
    begun = [0]
    while begun[-1] < house.webhook.limits.concurrency:
        await asyncio.sleep(0)
        begun.append(house.begun.get(1, 0))
    assert max(after - before for before, after in itertools.pairwise(begun)) == AT_ONCE
