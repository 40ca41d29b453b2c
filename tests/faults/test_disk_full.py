"""A disk that is full in mid-alert: receipts wait, senders stop at their window, and all goes on when there is room."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from hub.delivery.coordinator import WINDOW
from hub.store.database import database_url
from hub.store.migrate import upgrade
from tests.hub.delivery.test_coordinator import node

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
