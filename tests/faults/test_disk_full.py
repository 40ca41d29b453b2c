"""A disk that is full in mid-alert: receipts wait, senders stop at their window, and all goes on when there is room."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from hub.delivery.coordinator import WINDOW
from hub.store.database import database_url
from hub.store.migrate import upgrade
from tests.faults.house import SENDERS, house
from tests.hub.delivery.test_coordinator import node
from tests.peers.slow import Slow
from tests.processes import tell
from tests.waiting import until

PEOPLE = 3000
MOST_PAGES = 4_294_967_294


async def test_while_nothing_can_be_settled_a_sender_stops_at_its_window_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    url = database_url("", tmp_path)
    upgrade(url)
    async with node(url, PEOPLE) as house, house.running(senders=1) as coordinator:
        mailing = await house.launch(coordinator, PEOPLE)
        await house.sink.arrived(1)
        disk = coordinator._ledger._database.writer
        with capture_logs() as told:
            disk.execute("PRAGMA max_page_count=1")  # no less than there are
            await house.until(lambda: any(line["event"] == "settle_failed" for line in told))
            assert len(house.sink.requests) <= house.counters(mailing).get("handed_over", 0) + WINDOW < PEOPLE
            disk.execute(f"PRAGMA max_page_count={MOST_PAGES}")
            await house.until(lambda: house.state(mailing) == "done")
        assert house.counters(mailing) == {"planned": PEOPLE, "handed_over": PEOPLE}
        assert house.reached() == {f"/{number}": 1 for number in range(1, PEOPLE + 1)}


@pytest.mark.parametrize("dies", [False, True], ids=["all senders live", "a sender dies"])
async def test_a_stop_that_can_not_be_written_ends_hand_overs_all_the_same_and_is_written_when_there_is_room(
    tmp_path: Path, dies: bool
) -> None:
    """S12."""
    slow = Slow()
    async with house(tmp_path, 600) as it:
        before, it.receiver.respond = it.receiver.count, slow
        alert = await it.publish("alarm")
        await it.receiver.arrived(before + 8 * SENDERS)
        resource.prlimit(it.hub.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        with pytest.raises(aiohttp.ClientResponseError, match="503"):
            await it._post(f"/api/v1/alerts/{alert}/stop", it.token, b"", {})
        if dies:
            gone = it.hub.senders()[0]
            tell(gone, signal.SIGKILL)
            await until(lambda: gone not in it.hub.senders())
        slow.go_on.set()
        resource.prlimit(it.hub.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        state = await it.finished(alert)
        assert state["handed_over"] + state["uncertain"] + state["withheld"] == 600
        assert it.receiver.count - before <= 64 * SENDERS  # the places of a receiver that has not answered
        await it._post(f"/api/v1/alerts/{alert}/stop", it.token, b"", {})
        assert await it.broken() == []
