"""Two nodes of one hub on one PostgreSQL and one Redis: they share the work, hear each other, and do everything once."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestClient, TestServer

from channels import catalog
from hub.application import Hub, open_hub
from hub.delivery.coordinator import WINDOW
from hub.errors import SettingsError
from hub.settings import Settings, load
from hub.staff.actor import Actor
from hub.web.routes import WATCHED, build_app
from subscriptions.csv_import import import_csv
from subscriptions.subscriber import read_subscription
from subscriptions.vault import FILE_NAME
from tests.databases import rows
from tests.hub.publishing.conftest import document
from tests.peers.http_sink import HttpSink
from tests.peers.postgres import PostgresServer
from tests.peers.slow import Slow
from tests.waiting import until

PEOPLE = 3000
PUBLISHER = Actor(kind="staff", id=2, name="publisher", agency="Test", role="publisher")


class City:
    """Opens nodes of one hub; each has a data folder of its own and the keyring of the first."""

    def __init__(self, stack: AsyncExitStack, folder: Path, database: str, redis: str, sink: HttpSink) -> None:
        self._stack, self._folder, self.sink = stack, folder, sink
        self.common = {"database": database, "redis": redis, "webhook_hosts": urlsplit(sink.url).netloc}
        self._nodes = 0

    def settings(self, **changes: str) -> Settings:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
        fixed = {"senders": "1", "allow_private": "1", "outbox": "1", "testing": "1", "signup_limits": "off"}
        return load(environ=environ).replace("test", **(self.common | fixed | changes))

    async def node(self, role: Literal["all", "web", "deliver"] = "all", **changes: str) -> Hub:
        self._nodes += 1
        folder = self._folder / f"node{self._nodes}"
        folder.mkdir()
        if self._nodes > 1:
            shutil.copy(self._folder / "node1" / FILE_NAME, folder)
        return await self._stack.enter_async_context(open_hub(self.settings(data=str(folder), **changes), demo=False, port=0, role=role))

    async def people(self, hub: Hub, count: int = PEOPLE) -> None:
        lines = ["person,zip,channel,address,consent_source"]
        lines += [f"{number},11201,webhook,{self.sink.url}/{number},test" for number in range(1, count + 1)]
        assert not (await import_csv(hub.database, hub.keyring, catalog.parsers(), hub.catalog, lines)).refused


@pytest.fixture
async def city(tmp_path: Path, postgres: PostgresServer, migrated_postgres: str, valkey: str) -> AsyncIterator[City]:
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(HttpSink())
        yield City(stack, tmp_path, postgres.new_database(migrated_postgres), valkey, sink)


def done(hub: Hub, alert: str) -> Callable[[], Any]:
    async def look() -> Any:
        state = await hub.publishing.progress(alert)
        return state if state.finished else None

    return look


async def test_two_nodes_share_an_alert_and_everybody_gets_it_once(city: City) -> None:
    one, other = await city.node(), await city.node()
    await city.people(one)
    slow = city.sink.respond = Slow()
    alert = await one.publishing.submit(document(), PUBLISHER)

    async def both_at_it() -> bool:
        return rows(one.database.url, "SELECT count(DISTINCT node) FROM batch WHERE state=1") == [(2,)]

    await until(both_at_it)
    slow.go_on.set()
    state = await until(done(other, alert.id))
    assert (state.matched, state.planned, state.handed_over, state.possible_duplicates) == (PEOPLE, PEOPLE, PEOPLE, 0)
    assert Counter(request.path for request in city.sink.requests) == {f"/{number}": 1 for number in range(1, PEOPLE + 1)}
    counted = dict(rows(one.database.url, "SELECT node, sum(count) FROM counter WHERE outcome='handed_over' GROUP BY node"))
    assert set(counted) == {one.membership.node, other.membership.node}
    assert sum(counted.values()) == PEOPLE


async def test_what_is_published_at_a_web_node_is_handed_over_by_another_and_stopped_from_there(city: City) -> None:
    web, deliver = await city.node("web"), await city.node("deliver")
    await web.membership._beat()
    assert web.coordinator.alive == 0
    assert (await web.readiness())["delivery"] == "ok"
    await city.people(web)
    alert = await web.publishing.submit(document(), PUBLISHER)
    await city.sink.arrived(200)
    stopped = await web.publishing.stop(alert.id, PUBLISHER)
    state = await until(done(deliver, alert.id))
    assert state.handed_over <= len(city.sink.requests) <= state.handed_over + WINDOW
    assert len(city.sink.requests) < PEOPLE
    assert state.handed_over + state.withheld == PEOPLE
    assert stopped.withheld > 0


async def test_a_node_that_only_delivers_shows_its_health_and_nothing_else(city: City) -> None:
    deliver = await city.node("deliver")
    async with TestClient(TestServer(build_app(deliver, paths=WATCHED))) as client:
        answers = {path: (await client.get(path)).status for path in ("/healthz", "/metrics", "/", "/console", "/api/v1/openapi.json")}
    assert answers == {"/healthz": 200, "/metrics": 200, "/": 404, "/console": 404, "/api/v1/openapi.json": 404}


async def test_who_signs_up_at_one_node_is_in_the_next_alert_of_another(city: City) -> None:
    one, other = await city.node(), await city.node()
    wanted = {"places": [{"zip": "11201"}], "channels": [{"kind": "webhook", "address": f"{city.sink.url}/late"}]}
    answer = await one.enrolment.subscribe(read_subscription(json.dumps(wanted).encode()), client="c", source="test")
    assert answer.status == "awaiting_confirmation"
    (letter,) = await until(lambda: _arrived(city.sink, 1))
    link = json.loads(letter.body)["links"]["confirm"]
    await other.enrolment.confirm(link.rsplit("/", 1)[1])
    alert = await one.publishing.submit(document(), PUBLISHER)
    assert (await until(done(one, alert.id))).handed_over == 1


async def _arrived(sink: HttpSink, count: int) -> Any:
    return sink.requests if len(sink.requests) >= count else None


async def test_what_the_clock_does_is_done_once_on_many_nodes(city: City) -> None:
    nodes = [await city.node(), await city.node()]
    await city.people(nodes[0], 1)
    soon = document(expires=(datetime.now(UTC) + timedelta(seconds=2)).isoformat())
    alert = await nodes[0].publishing.submit(soon, PUBLISHER)

    async def ended() -> bool:
        await asyncio.gather(*(node.publishing.end_expired() for node in nodes))
        found = await nodes[1].alerts.get(alert.id)
        return found is not None and found.status == "ended"

    await until(ended)
    assert rows(nodes[0].database.url, "SELECT count(*) FROM audit WHERE action='expired'") == [(1,)]


async def test_a_node_with_another_keyring_is_refused(city: City, tmp_path: Path) -> None:
    await city.node()
    (tmp_path / "stranger").mkdir()
    with pytest.raises(SettingsError, match="keyring"):
        async with open_hub(city.settings(data=str(tmp_path / "stranger")), demo=False, port=0):
            pass


async def test_a_second_node_without_redis_is_refused(city: City) -> None:
    await city.node()
    with pytest.raises(SettingsError, match="TOCSIN_REDIS"):
        await city.node(redis="")
