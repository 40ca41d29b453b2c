"""A whole hub whose receivers answer, and refuse everybody: whoever runs it is told, though nothing of it is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.application import Hub
from hub.delivery.outcome_check import QUIET_S
from tests.hub.one_node import bring, opened
from tests.hub.publishing.conftest import PUBLISHER, document
from tests.peers.http_sink import HttpSink, Reply
from tests.waiting import until

PEOPLE = 5


async def stalled(hub: Hub, *at: float) -> list[tuple[str, tuple[str, ...]]]:
    """What is an alarm after looks at these times."""
    for second in at:
        hub.outcomes._timer = lambda second=second: second  # type: ignore[misc]
        await hub.outcomes.look()
    return [(one.alert, one.channels) for one in hub.stalled()]


@pytest.mark.parametrize("answer", [Reply(503), Reply(429, {"Retry-After": "900"})])
async def test_an_alert_that_every_receiver_refuses_is_an_alarm(tmp_path: Path, answer: Reply) -> None:
    async with HttpSink(lambda _: answer) as sink, opened(tmp_path) as hub:
        await bring(hub, "webhook", *(f"{sink.url}/{number}" for number in range(PEOPLE)))
        alert = await hub.publishing.submit(document(), PUBLISHER)
        await until(lambda: f'tocsin_retries_total{{channel="webhook"}} {PEOPLE}.0' in hub.metrics.render().decode())
        assert await stalled(hub, 0, QUIET_S) == [(alert.id, ("webhook",))]
        assert (await hub.readiness())["alerts"] == f"reaching nobody: {alert.id} (webhook)"
        assert "tocsin_alerts_stalled 1.0" in hub.metrics.render().decode()


async def test_receivers_whose_own_rate_is_slow_are_given_their_time(tmp_path: Path) -> None:
    async with HttpSink(lambda _: Reply(503)) as sink, opened(tmp_path, rates="webhook/each=0.01") as hub:
        await bring(hub, "webhook", *(f"{sink.url}/{number}" for number in range(PEOPLE)))
        alert = await hub.publishing.submit(document(), PUBLISHER)
        await sink.arrived(1)
        assert await stalled(hub, 0, 9 * QUIET_S) == []
        assert await stalled(hub, 10 * QUIET_S) == [(alert.id, ("webhook",))]
