"""An alert that reaches nobody although people are left is an alarm; one that waits on purpose is none."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest
from sqlalchemy import URL
from structlog.testing import capture_logs

from hub.delivery.outcome_check import OutcomeCheck, Stalled
from hub.store.database import Database
from tests.databases import write
from tests.hub.delivery.people import NOW


class Watch:
    """A ledger, and the check that looks at it when a test says so."""

    def __init__(self, store: URL, database: Database) -> None:
        self.store, self.seconds = store, 0.0
        self.told: list[int] = []
        self.rate: float | None = None
        self.check = OutcomeCheck(
            database, lambda: NOW / 1000 + self.seconds, lambda *_: self.rate, self.told.append, timer=lambda: self.seconds
        )

    def run(self, statement: str, *values: object) -> None:
        write(self.store, statement, *values)

    def alert(self, number: int, *, priority: int = 2, state: str = "planned", lasts_s: int = 3600) -> None:
        """Alert `al_1` with mailing 1, and so on."""
        self.run(
            "INSERT INTO alert(number, id, chain, status, agency, source, sent_at, grade, document, area, hash, author, created_at,"
            " expires_at) VALUES (?,?,'c','live','A','api',0,1,'{}','{}','','a',0,?)",
            number, f"al_{number}", NOW + lasts_s * 1000,
        )  # fmt: skip
        self.run(
            "INSERT INTO mailing(id, purpose, alert, priority, state, created_at, expires_at) VALUES (?,'alert',?,?,?,0,?)",
            number, number, priority, state, NOW + lasts_s * 1000,
        )  # fmt: skip

    def batch(self, mailing: int, channel: str, *, count: int = 100, due_at: int = 0, state: int = 0) -> None:
        self.run(
            "INSERT INTO batch(mailing, channel, language, simulated, priority, due_at, attempt, state, addresses)"
            " VALUES (?,?,'en',0,2,?,1,?,?)",
            mailing, channel, due_at, state, np.arange(count, dtype="<i8").tobytes(),
        )  # fmt: skip
        self.count(mailing, channel, "planned", count)

    def count(self, mailing: int, channel: str, outcome: str, number: int) -> None:
        self.run(
            "INSERT INTO counter(mailing, channel, outcome, node, count) VALUES (?,?,?,1,?)"
            " ON CONFLICT(mailing, channel, outcome, node) DO UPDATE SET count=counter.count+excluded.count",
            mailing, channel, outcome, number,
        )  # fmt: skip

    async def look(self, after: float) -> tuple[Stalled, ...]:
        self.seconds += after
        await self.check.look()
        return self.check.stalled


@pytest.fixture
async def watch(store: URL) -> AsyncIterator[Watch]:
    async with Database(store) as database:
        yield Watch(store, database)


async def test_no_hand_over_for_half_a_minute_with_people_left_is_an_alarm(watch: Watch) -> None:
    watch.alert(1)
    watch.batch(1, "sms")
    watch.count(1, "sms", "handed_over", 40)
    assert await watch.look(0) == ()
    assert await watch.look(29) == ()
    with capture_logs() as logs:
        (stalled,) = await watch.look(1)
    assert stalled == Stalled(alert="al_1", channels=("sms",), left=60, quiet_s=30.0)
    assert logs == [{"event": "alert_stalled", "log_level": "error", "alert_id": "al_1", "channels": ["sms"], "left": 60, "quiet_s": 30.0}]
    assert (watch.told[-1], watch.check.status) == (1, {"alerts": "reaching nobody: al_1 (sms)"})


async def test_it_is_said_again_each_minute_and_when_it_is_over(watch: Watch) -> None:
    watch.alert(1)
    watch.batch(1, "sms", state=1)
    await watch.look(0)
    with capture_logs() as logs:
        for _ in range(8):
            await watch.look(15)
        watch.count(1, "sms", "handed_over", 1)
        await watch.look(15)
    assert [(line["event"], line.get("quiet_s")) for line in logs] == [
        ("alert_stalled", 30.0),
        ("alert_stalled", 90.0),
        ("alert_moves_again", None),
    ]
    assert (watch.told[-1], watch.check.status) == (0, {"alerts": "ok"})


async def test_any_end_is_movement(watch: Watch) -> None:
    watch.alert(1)
    watch.batch(1, "sms")
    for outcome in ("handed_over", "simulated", "failed", "uncertain", "expired", "withheld"):
        watch.count(1, "sms", outcome, 1)
        assert await watch.look(29) == (), outcome


async def test_tries_that_may_be_duplicates_are_no_end(watch: Watch) -> None:
    watch.alert(1)
    watch.batch(1, "sms")
    await watch.look(0)
    watch.count(1, "sms", "possible_duplicate", 5)
    assert len(await watch.look(30)) == 1


async def test_a_retry_that_is_not_due_is_no_alarm_until_it_has_been_due_for_half_a_minute(watch: Watch) -> None:
    watch.alert(1)
    watch.batch(1, "sms", due_at=NOW + 100_000)
    assert await watch.look(90) == ()
    assert await watch.look(20) == ()
    assert await watch.look(19) == ()
    assert [one.quiet_s for one in await watch.look(1)] == [30.0]


async def test_a_slow_limit_is_given_its_time(watch: Watch) -> None:
    watch.rate = 0.05
    watch.alert(1)
    watch.batch(1, "sms")
    await watch.look(0)
    assert await watch.look(59) == ()
    assert len(await watch.look(1)) == 1


async def test_a_channel_busy_with_something_as_urgent_is_no_alarm_one_busy_with_lesser_things_is(watch: Watch) -> None:
    for number, priority in ((1, 0), (2, 1), (3, 2)):
        watch.alert(number, priority=priority)
        watch.batch(number, "sms", count=1000)
    await watch.look(0)
    for _ in range(4):
        watch.count(2, "sms", "handed_over", 10)
        stalled = await watch.look(10)
    assert [one.alert for one in stalled] == ["al_1"]


async def test_whoever_waited_behind_an_alert_that_is_over_has_half_a_minute_from_then(watch: Watch) -> None:
    for number in (1, 2):
        watch.alert(number)
        watch.batch(number, "sms")
    watch.count(1, "sms", "handed_over", 99)
    await watch.look(0)
    watch.run("UPDATE mailing SET state='done' WHERE id=1")
    watch.run("DELETE FROM batch WHERE mailing=1")
    assert await watch.look(40) == ()
    assert await watch.look(29) == ()
    assert [one.alert for one in await watch.look(1)] == ["al_2"]


async def test_one_channel_that_stands_is_named_while_another_moves(watch: Watch) -> None:
    watch.alert(1)
    for channel in ("email", "sms"):
        watch.batch(1, channel)
    await watch.look(0)
    watch.count(1, "email", "handed_over", 5)
    assert [(one.channels, one.left) for one in await watch.look(30)] == [(("sms",), 195)]


async def test_an_alert_whose_recipients_were_never_listed_is_an_alarm(watch: Watch) -> None:
    watch.alert(1, state="launched")
    await watch.look(0)
    (stalled,) = await watch.look(30)
    assert (stalled.alert, stalled.channels) == ("al_1", ())
    assert watch.check.status == {"alerts": "reaching nobody: al_1 (no list of recipients)"}


@pytest.mark.parametrize("change", ["UPDATE mailing SET state='stopped'", "UPDATE mailing SET state='done'", "DELETE FROM batch"])
async def test_what_is_stopped_done_or_has_nobody_left_is_no_alarm(watch: Watch, change: str) -> None:
    watch.alert(1)
    watch.batch(1, "sms")
    await watch.look(0)
    watch.run(change)
    assert await watch.look(60) == ()


async def test_what_has_expired_is_no_alarm(watch: Watch) -> None:
    watch.alert(1, lasts_s=50)
    watch.batch(1, "sms")
    await watch.look(0)
    assert len(await watch.look(40)) == 1
    assert await watch.look(10) == ()
