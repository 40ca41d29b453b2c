"""The time to the last recipient, from limits, measured speed and what is queued before."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest
from sqlalchemy import URL

from hub.delivery.forecast import ASSUMED, OUTBOX, Forecaster, Throughput
from hub.delivery.ledger.batches import Leased, Settlement
from hub.delivery.sending.frames import To
from hub.delivery.sending.outcome import Outcome
from hub.store.database import Database
from tests.databases import write
from tests.hub.delivery.people import NOW, add_mailing

LIMITS = {"sms": 100.0, "telegram": 30.0}
EACH = {"web_push": 500.0}


class HandClock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class City:
    """An empty ledger, two senders, and providers that take 100 SMS and 30 Telegram messages a second; a push service takes 500. Of each
    nine tenths are given."""

    def __init__(self, store: URL, database: Database) -> None:
        self.store, self.senders, self.clock = store, 2, HandClock()
        self.unprovided = set[str]()
        self.throughput = Throughput(self.clock)
        self.forecaster = Forecaster(
            database,
            lambda channel, simulated: None if simulated else LIMITS.get(channel),
            lambda channel, simulated: None if simulated else EACH.get(channel),
            self.throughput,
            lambda: self.senders,
            lambda channel, simulated: simulated or channel not in self.unprovided,
        )

    def queue(self, channel: str, count: int, *, priority: int, alert: int = 0) -> None:
        if alert:
            write(
                self.store,
                "INSERT INTO alert(number, id, chain, status, agency, source, sent_at, grade, document, area, hash, author, created_at,"
                " expires_at) VALUES (?,'al','c','live','A','api',1,1,'{}','{}','','a',1,1)",
                alert,
            )
        mailing = add_mailing(self.store, priority=priority, alert=alert or None)
        write(
            self.store,
            "INSERT INTO batch(mailing, channel, language, simulated, priority, due_at, attempt, state, addresses)"
            " VALUES (?,?,'en',0,?,0,1,0,?)",
            mailing, channel, priority, np.arange(count, dtype="<i8").tobytes(),
        )  # fmt: skip

    def run(self, channel: str, per_second: int, seconds: int, *, size: int = 100, alert: int | None = 1) -> None:
        """So many hand-overs a second were settled, ten times a second."""
        recipients = [To(number, number, 0, 1, b"") for number in range(size)]
        leased = Leased(
            batch=1, mailing=1, purpose="alert", alert=alert, parameters="{}", channel=channel, language="en", simulated=0, discreet=0,
            priority=2,
            turn=0, attempt=1, created_at=NOW, expires_at=NOW, recipients=recipients,
        )  # fmt: skip
        for _ in range(seconds * 10 + 1):
            self.throughput.note([Settlement(leased, Outcome.HANDED_OVER, list(range(per_second // 10)), NOW)])
            self.clock.now += 0.1


@pytest.fixture
async def city(store: URL) -> AsyncIterator[City]:
    async with Database(store) as database:
        yield City(store, database)


async def test_the_channel_with_the_longest_way_decides(city: City) -> None:
    forecast = await city.forecaster.of({("sms", False): 21_600, ("telegram", False): 2_700, ("webhook", False): 10}, 2)
    assert (forecast.seconds, forecast.slowest) == (240.0, "sms")
    assert (forecast.by_channel["sms"].per_second, forecast.by_channel["sms"].basis) == (90.0, "limit")
    assert forecast.by_channel["telegram"].seconds == 100.0


async def test_channels_without_a_limit_share_the_senders(city: City) -> None:
    forecast = await city.forecaster.of({("email", False): 20_000, ("webhook", False): 100_000}, 2)
    assert forecast.seconds == pytest.approx(20_000 / (2 * ASSUMED["email"]) + 100_000 / (2 * ASSUMED["webhook"]))
    assert {one.basis for one in forecast.by_channel.values()} == {"assumed"}
    assert {one.seconds for one in forecast.by_channel.values()} == {forecast.seconds}


async def test_more_senders_are_faster_but_not_past_a_limit(city: City) -> None:
    async def seconds(channel: str) -> float | None:
        return (await city.forecaster.of({(channel, False): 60_000}, 2)).seconds

    before = await seconds("email"), await seconds("sms")
    city.senders = 4
    assert (await seconds("email"), await seconds("sms")) == (before[0] / 2 if before[0] else None, before[1])


async def test_what_is_as_urgent_or_more_goes_first(city: City) -> None:
    for priority in (1, 2, 3):
        city.queue("sms", 900, priority=priority)
    city.queue("sms", 450, priority=2, alert=7)
    forecasts = [await city.forecaster.of({("sms", False): 900}, priority, alert=alert) for priority, alert in ((0, 0), (2, 0), (2, 7))]
    assert [one.by_channel["sms"].queued for one in forecasts] == [0, 2_250, 1_800]
    assert [one.seconds for one in forecasts] == [10.0, 35.0, 30.0]


async def test_the_senders_time_for_other_channels_counts_too(city: City) -> None:
    city.queue("webhook", 100_000, priority=1)
    forecast = await city.forecaster.of({("email", False): 1}, 2)
    assert forecast.seconds == pytest.approx(100_000 / (2 * ASSUMED["webhook"]), abs=0.1)


async def test_a_measured_run_takes_the_place_of_the_assumption(city: City) -> None:
    city.run("webhook", 20_000, 6)
    forecast = await city.forecaster.of({("webhook", False): 100_000}, 2)
    assert forecast.by_channel["webhook"].basis == "measured"
    assert forecast.seconds == pytest.approx(5.0, rel=0.03)


async def test_a_provider_slower_than_its_limit_is_taken_at_its_own_speed(city: City) -> None:
    city.run("sms", 50, 6)
    forecast = await city.forecaster.of({("sms", False): 5_000}, 2)
    assert (forecast.by_channel["sms"].basis, forecast.seconds) == ("measured", pytest.approx(100.0, rel=0.03))


async def test_what_each_host_takes_counts_as_if_all_were_at_one_until_more_was_measured(city: City) -> None:
    before = await city.forecaster.of({("web_push", False): 9_000}, 2)
    assert (before.by_channel["web_push"].basis, before.seconds) == ("limit", 20.0)
    city.run("web_push", 1_000, 6)
    assert (await city.forecaster.of({("web_push", False): 10_000}, 2)).seconds == pytest.approx(10.0, rel=0.03)


@pytest.mark.parametrize(("seconds", "size", "alert"), [(4, 100, 1), (20, 10, 1), (20, 100, None)])
async def test_a_short_run_retries_and_letters_measure_nothing(city: City, seconds: int, size: int, alert: int | None) -> None:
    city.run("sms", 10, seconds, size=size, alert=alert)
    assert city.throughput.per_second("sms", False) is None


async def test_a_pause_begins_a_new_run_and_an_hour_forgets(city: City) -> None:
    for _ in range(4):
        city.run("sms", 50, 2)
        city.clock.now += 5
    assert city.throughput.per_second("sms", False) is None
    city.run("sms", 50, 6)
    assert city.throughput.per_second("sms", False) is not None
    city.clock.now += 3700
    assert city.throughput.per_second("sms", False) is None


async def test_samples_know_no_limit_and_a_channel_of_both_is_as_slow_as_its_slower_part(city: City) -> None:
    only = await city.forecaster.of({("sms", True): 10_000}, 2)
    both = await city.forecaster.of({("sms", True): 10_000, ("sms", False): 900}, 2)
    assert (only.seconds, both.seconds) == (10_000 / (2 * OUTBOX), 10.0)
    assert both.by_channel["sms"].deliveries == 10_900


async def test_nobody_takes_no_time_and_without_senders_there_is_no_answer(city: City) -> None:
    assert (await city.forecaster.of({}, 2)).seconds == 0.0
    city.senders = 0
    assert (await city.forecaster.of({("sms", False): 1}, 2)).seconds is None


async def test_what_one_provider_has_done_says_nothing_of_another(city: City) -> None:
    in_use = [1]
    city.throughput._in_use = lambda _: in_use
    city.run("sms", 50, 6)
    in_use[:] = [2]
    assert city.throughput.per_second("sms", False) is None
    city.run("sms", 10, 6)
    assert city.throughput.per_second("sms", False) == pytest.approx(10, rel=0.03)
    in_use[:] = [1]
    assert city.throughput.per_second("sms", False) == pytest.approx(50, rel=0.03)


async def test_what_has_no_provider_takes_no_time_and_holds_nobody_up(city: City) -> None:
    city.unprovided.add("email")
    city.queue("email", 500, priority=1)
    forecast = await city.forecaster.of({("sms", False): 180, ("email", False): 700, ("email", True): 1}, 1)
    assert forecast.unprovided == {"email": 700}
    assert (forecast.slowest, forecast.seconds) == ("sms", 2.0)
    assert forecast.by_channel["email"].deliveries == 1
    nobody = await city.forecaster.of({("email", False): 700}, 1)
    assert (nobody.seconds, nobody.unprovided) == (None, {"email": 700})
    city.senders = 0
    assert (await city.forecaster.of({("email", False): 700}, 1)).unprovided == {}
