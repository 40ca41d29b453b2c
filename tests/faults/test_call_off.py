"""A false alarm is called off while something breaks: whoever may have got it learns so (S3)."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.house import SENDERS, house
from tests.peers.slow import Slow
from tests.processes import PATIENCE_S, tell

PEOPLE = 600


@pytest.mark.parametrize("dies", ["a sender", "everything"])
async def test_whoever_was_reached_by_what_then_died_learns_that_it_is_called_off(tmp_path: Path, dies: str) -> None:
    slow = Slow()
    async with house(tmp_path, PEOPLE) as it:
        before, it.receiver.respond = it.receiver.count, slow
        alarm = await it.publish("alarm")
        await it.receiver.arrived(before + 8 * SENDERS)
        if dies == "a sender":
            tell(it.hub.senders()[-1], signal.SIGKILL)
        else:
            await it.hub.kill_all()
            await it.restart()
        slow.go_on.set()
        called_off = (await it._post(f"/api/v1/alerts/{alarm}/cancel", it.token, b"", {}))["id"]
        assert (await it.finished(called_off, PATIENCE_S))["finished"]
        got, told = (set(it.receiver.arrivals[alert]) for alert in (alarm, called_off))
        assert len(got) >= 8 * SENDERS
        assert got <= told
        assert await it.broken() == []
