"""Each fault at one moment: nobody is lost, nothing comes twice beyond what was in flight. `make faults` tries many."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random

import pytest
import pytest_asyncio

from tests.faults import points
from tests.faults.house import House, house
from tests.faults.points import Fault, Moment, strike
from tests.peers.http_sink import Reply

PEOPLE = 1500

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One hub for all of them, as it would be: what one fault leaves behind, the next one meets."""
    async with house(tmp_path_factory.mktemp("faults"), PEOPLE) as there:
        yield there


async def struck(town: House, fault: Fault, moment: Moment, seed: int = 1) -> None:
    verdict = await strike(town, fault, moment, Random(seed), key=f"{fault.__name__} {moment} {seed}")
    assert verdict.fine, str(verdict)


@pytest.mark.parametrize("moment", [Moment(arrivals=PEOPLE // 3), Moment(arrivals=PEOPLE)], ids=str)
async def test_sigkill_of_everything_while_messages_go_out_loses_nobody(town: House, moment: Moment) -> None:
    await struck(town, points.kill_everything, moment)


@pytest.mark.parametrize("moment", [Moment(events=2), Moment(events=6)], ids=str)
async def test_sigkill_of_everything_while_an_alert_is_published_and_planned_publishes_it_once(town: House, moment: Moment) -> None:
    await struck(town, points.kill_everything, moment)


async def test_sigkill_in_recovery_loses_nobody(town: House) -> None:
    await struck(town, points.kill_at_start, Moment(arrivals=PEOPLE // 4), seed=3)


async def test_sigkill_twice_in_a_row_loses_nobody(town: House) -> None:
    await struck(town, points.kill_everything_twice, Moment(arrivals=PEOPLE // 4), seed=4)


async def test_a_coordinator_that_hangs_for_longer_than_its_senders_bear_loses_nobody(town: House) -> None:
    await struck(town, points.hang_coordinator, Moment(arrivals=PEOPLE // 3))


async def test_a_machine_that_is_paused_goes_on_where_it_stood(town: House) -> None:
    await struck(town, points.hang_everything, Moment(arrivals=PEOPLE // 3))


async def test_senders_end_with_a_coordinator_that_is_killed(town: House) -> None:
    await struck(town, points.kill_coordinator, Moment(arrivals=PEOPLE // 2))


async def test_a_sender_that_hangs_and_wakes_when_another_has_its_batch_sends_nothing(town: House) -> None:
    await struck(town, points.wake_orphan, Moment(arrivals=PEOPLE // 3))


async def test_a_power_failure_loses_nobody(town: House) -> None:
    await struck(town, points.cut_power_off, Moment(arrivals=PEOPLE // 2), seed=2)


async def test_sigterm_settles_what_was_handed_over_and_sends_nobody_a_second_time(town: House) -> None:
    await struck(town, points.terminate, Moment(arrivals=PEOPLE // 3))


async def test_a_full_disk_refuses_to_publish_and_loses_nothing_when_there_is_room_again(town: House) -> None:
    await struck(town, points.fill_disk, Moment(arrivals=PEOPLE // 3))


async def test_receivers_that_are_busy_broken_or_hang_up_get_it_when_they_are_well_and_not_before_they_said(town: House) -> None:
    await struck(town, points.moody_provider, Moment(arrivals=1), seed=2)


async def test_a_line_that_cuts_delays_and_truncates_costs_no_more_duplicates_than_are_said(town: House) -> None:
    await struck(town, points.bad_line, Moment(arrivals=1))


async def test_one_dead_address_fails_alone_is_seen_in_the_progress_and_gets_nothing_more(town: House) -> None:
    dead = "/7"
    town.receiver.respond = lambda request: Reply(410 if request.path == dead else 200)
    alert = await town.publish("one is dead")
    state = await town.finished(alert)
    assert (state["planned"], state["handed_over"], state["failed"]) == (PEOPLE, PEOPLE - 1, 1)
    assert len(town.receiver.accepted[alert]) == PEOPLE - 1
    later = await town.publish("after it")
    assert (await town.finished(later))["handed_over"] == PEOPLE - 1
    assert dead not in town.receiver.arrivals[later]
    assert await town.broken() == []
