"""A clock that jumps: whoever waits for another try waits no longer than was meant, and nobody gets it twice."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from sqlalchemy import URL

from tests.hub.delivery.test_coordinator import HOUR_MS, node
from tests.peers.http_sink import Reply, Request

HOUR_S = 3600.0
PEOPLE = 300


class Jumping:
    """A clock that can be set."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


async def test_who_was_postponed_by_a_clock_an_hour_ahead_does_not_wait_an_hour_when_it_is_set_right(
    store: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, tries = Jumping(), Counter[str]()
    clock.ahead = HOUR_S

    def respond(request: Request) -> Reply:
        tries[request.path] += 1
        return Reply(200) if tries[request.path] > 1 else Reply(503)

    async with node(store, PEOPLE, respond) as house, house.running(clock=clock) as coordinator:
        mailing = await house.launch(coordinator, PEOPLE, priority=0, ends_ms=3 * HOUR_MS)
        await house.sink.arrived(PEOPLE)
        await house.until(lambda: house.postponed(mailing) == PEOPLE)
        brings_forward, away = coordinator._ledger.bring_forward, [OSError("the database is away for a moment")]

        async def bring_forward(by: int, now: int) -> int:
            if away:
                raise away.pop()
            return await brings_forward(by, now)

        monkeypatch.setattr(coordinator._ledger, "bring_forward", bring_forward)
        clock.ahead = 0.0
        await house.until(lambda: house.state(mailing) == "done")
        assert house.counters(mailing) == {"planned": PEOPLE, "handed_over": PEOPLE}
        assert set(tries.values()) == {2}
        assert not away


async def test_a_clock_that_jumps_back_and_forth_in_mid_alert_loses_nobody_and_sends_nothing_twice(store: URL) -> None:
    clock = Jumping()

    def respond(request: Request) -> Reply:
        clock.ahead = (0.0, HOUR_S, -HOUR_S)[int(request.path[1:]) % 3]
        return Reply(200)

    async with node(store, PEOPLE, respond) as house, house.running(clock=clock) as coordinator:
        mailing = await house.launch(coordinator, PEOPLE, ends_ms=3 * HOUR_MS)
        await house.until(lambda: house.state(mailing) == "done")
        assert house.counters(mailing) == {"planned": PEOPLE, "handed_over": PEOPLE}
        assert house.reached() == {f"/{number}": 1 for number in range(1, PEOPLE + 1)}
