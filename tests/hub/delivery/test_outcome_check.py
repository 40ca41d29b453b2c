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
        self.each = dict[str, float]()
        self.check = OutcomeCheck(
            database, lambda: NOW / 1000 + self.seconds, lambda *_: self.rate, self.told.append, lambda: self.seconds, self.each
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

    def batch(
        self, mailing: int, channel: str, *, count: int = 100, due_at: int = 0, state: int = 0, attempt: int = 1, held: bool = False
    ) -> None:
        self.run(
            "INSERT INTO batch(mailing, channel, language, simulated, priority, due_at, held, attempt, state, addresses)"
            " VALUES (?,?,'en',0,2,?,?,?,?,?)",
            mailing, channel, due_at, int(held), attempt, state, np.arange(count, dtype="<i8").tobytes(),
        )  # fmt: skip
        self.count(mailing, channel, "planned", count)
        self.count(mailing, channel, "held", count * held)

    def refused(self, mailing: int, channel: str, *, count: int, of: int, attempt: int = 2) -> None:
        """So many of a mailing's people there wait for their next try, and all others were reached."""
        self.batch(mailing, channel, count=count, due_at=NOW + 3_000_000, attempt=attempt)
        self.count(mailing, channel, "planned", of - count)
        self.count(mailing, channel, "handed_over", of - count)

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


@pytest.mark.parametrize("attempt", [1, 2])
async def test_everybody_refused_is_an_alarm_until_somebody_is_reached_however_rare_the_tries_are(watch: Watch, attempt: int) -> None:
    """A provider that says when to come again uses up no try."""
    watch.alert(1)
    watch.batch(1, "sms", due_at=NOW + 20_000, attempt=attempt)
    assert await watch.look(0) == ()
    assert await watch.look(10) == ()
    watch.run("UPDATE batch SET state=1")
    await watch.look(15)
    watch.run("UPDATE batch SET state=0, due_at=?", NOW + 45_000)
    with capture_logs() as logs:
        assert [(one.channels, one.left, one.quiet_s) for one in await watch.look(15)] == [(("sms",), 100, 40.0)]
        assert [one.quiet_s for one in await watch.look(10)] == [50.0]
        watch.run("UPDATE batch SET state=1")
        assert [one.quiet_s for one in await watch.look(10)] == [60.0]
        watch.run("UPDATE batch SET state=0, due_at=?, attempt=9", NOW + 600_000)
        watch.count(1, "sms", "uncertain", 1)
        watch.count(1, "sms", "failed", 9)
        assert [one.quiet_s for one in await watch.look(300)] == [360.0]
        watch.count(1, "sms", "handed_over", 1)
        assert await watch.look(15) == ()
    assert [line["event"] for line in logs] == ["alert_stalled", "alert_stalled", "alert_moves_again"]


async def test_an_alarm_that_ends_without_anybody_reached_does_not_say_that_it_moves(watch: Watch) -> None:
    watch.alert(1)
    watch.refused(1, "sms", count=100, of=100)
    await watch.look(0)
    assert len(await watch.look(30)) == 1
    watch.count(1, "sms", "failed", 100)
    watch.run("DELETE FROM batch")
    with capture_logs() as logs:
        assert await watch.look(15) == ()
    assert [line["event"] for line in logs] == ["alert_stalled_no_more"]


@pytest.mark.parametrize(
    ("refused", "here", "elsewhere", "alarm"),
    [
        (1, 1, 0, True),
        (1, 1, 9, False),
        (1, 3, 100_000, False),
        (9, 9, 100_000, False),
        (9, 9, 80, True),
        (10, 10, 100_000, True),
        (10, 100, 0, False),
        (11, 100, 0, True),
        (900, 9_000, 0, False),
        (999, 100_000, 0, False),
        (1000, 100_000, 0, True),
    ],
)
async def test_a_few_who_were_put_off_while_all_others_were_reached_are_no_alarm(
    watch: Watch, refused: int, here: int, elsewhere: int, *, alarm: bool
) -> None:
    watch.alert(1)
    watch.refused(1, "webhook", count=refused, of=here)
    watch.count(1, "email", "planned", elsewhere)
    watch.count(1, "email", "handed_over", elsewhere)
    await watch.look(0)
    assert [one.channels for one in await watch.look(30)] == [("webhook",)] * alarm


async def test_an_alarm_for_few_who_stood_in_line_is_over_once_they_are_put_off(watch: Watch) -> None:
    watch.alert(1)
    watch.count(1, "email", "planned", 999)
    watch.batch(1, "email", count=1, attempt=3)
    await watch.look(0)
    assert len(await watch.look(30)) == 1
    watch.run("UPDATE batch SET due_at=?", NOW + 600_000)
    assert await watch.look(15) == ()


async def test_quiet_hours_are_no_alarm_and_do_not_make_few_of_those_who_are_awake(watch: Watch) -> None:
    watch.alert(1)
    watch.batch(1, "sms", count=500, due_at=NOW + 3_000_000, held=True)
    await watch.look(0)
    assert await watch.look(60) == ()
    watch.refused(1, "sms", count=40, of=40)
    assert [one.left for one in await watch.look(30)] == [540]


async def test_whoever_was_refused_waits_in_nobodys_line_but_a_more_urgent_ones(watch: Watch) -> None:
    for number, priority in ((1, 1), (2, 1), (3, 2)):
        watch.alert(number, priority=priority)
    for number in (1, 3):
        watch.refused(number, "sms", count=50, of=50)
    watch.batch(2, "sms", count=1000)
    await watch.look(0)
    for _ in range(4):
        watch.count(2, "sms", "handed_over", 10)
        stalled = await watch.look(10)
    assert [one.alert for one in stalled] == ["al_1"]


async def test_whoever_waits_for_a_receivers_rate_behind_something_as_urgent_is_no_alarm_whoever_it_refused_is(watch: Watch) -> None:
    watch.each["web_push"] = 500.0
    for number in (1, 2, 3):
        watch.alert(number)
    watch.refused(1, "web_push", count=50, of=50, attempt=1)
    watch.refused(2, "web_push", count=50, of=50, attempt=2)
    watch.batch(3, "web_push", count=1000)
    await watch.look(0)
    for _ in range(4):
        watch.count(3, "web_push", "handed_over", 10)
        stalled = await watch.look(10)
    assert [one.alert for one in stalled] == ["al_2"]
    assert [one.alert for one in await watch.look(30)] == ["al_1", "al_2", "al_3"]


async def test_a_slow_receiver_is_given_its_time(watch: Watch) -> None:
    watch.each["telegram"] = 0.05
    watch.alert(1)
    watch.refused(1, "telegram", count=100, of=100, attempt=1)
    await watch.look(0)
    assert await watch.look(59) == ()
    assert len(await watch.look(1)) == 1


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
