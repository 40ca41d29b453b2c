"""What somebody changes is in the audience when they are answered, before any alert asks for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from subscriptions.subscriber import SubscriptionChange
from tests.hub.one_node import ask_to_join, asked_to_confirm, opened
from tests.peers.http_sink import HttpSink


async def test_who_confirms_pauses_goes_on_or_leaves_is_counted_so_when_the_answer_comes(tmp_path: Path) -> None:
    async with HttpSink() as sink, opened(tmp_path) as hub:
        await ask_to_join(hub, f"{sink.url}/a")
        token = await asked_to_confirm(sink, "/a")
        counts = [hub.audience.people_count]
        manage = (await hub.enrolment.confirm(token)).manage
        counts.append(hub.audience.people_count)
        assert manage is not None
        for until in (datetime.now(UTC) + timedelta(days=1), None):
            await hub.enrolment.change(manage, SubscriptionChange(paused_until=until), source="test")
            counts.append(hub.audience.people_count)
        await hub.enrolment.end(manage, source="test")
        counts.append(hub.audience.people_count)
        assert counts == [0, 1, 0, 1, 0]
