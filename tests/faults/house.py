"""One hub, the people it warns, and the receiver where everything arrives: what every fault is tried on, and how it is judged after."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec

from hub.commands.check import examine
from hub.delivery.coordinator import WINDOW
from hub.settings import load
from tests.faults.node_process import HubProcess
from tests.peers.http_sink import Fault, HttpSink, Reply, Request, Responder
from tests.peers.moods import is_refused, is_taken
from tests.peers.proxy import Proxy
from tests.processes import PATIENCE_S
from tests.waiting import until

SENDERS = 2
BOUND = SENDERS * WINDOW
"""What may come twice when everything is killed at once."""
SOON_S = 10.0
"""Within so many seconds of a restart everybody must have been reached; on a machine that is busy with other things, see `House.calm`."""

SQUARE = [[[-74.0, 40.68], [-73.98, 40.68], [-73.98, 40.70], [-74.0, 40.70], [-74.0, 40.68]]]
TAKEN = Reply()


class _Alert(msgspec.Struct):
    id: str


class _Body(msgspec.Struct):
    data: _Alert


def alert_of(request: Request) -> str:
    """Which alert a webhook tells of."""
    return msgspec.json.decode(request.body, type=_Body).data.id


@dataclass
class Verdict:
    """What came of one alert: people who never got it, messages too many and how many of those may be, people who waited too long."""

    lost: int
    duplicates: int
    bound: int
    stranded: int
    wrong: list[str] = field(default_factory=list)
    """Anything else that does not hold, a sentence each."""

    def __str__(self) -> str:
        said = f"lost {self.lost}, stranded {self.stranded}, duplicates {self.duplicates} of at most {self.bound}"
        return "; ".join([said, *self.wrong])

    @property
    def fine(self) -> bool:
        """Whether the promise was kept."""
        return not self.lost and not self.stranded and self.duplicates <= self.bound and not self.wrong


class Receiver:
    """Everybody's webhook: counts what arrives and is not refused, by alert and person, and answers as `respond` says."""

    def __init__(self) -> None:
        self.sink = HttpSink(self._take)
        self.respond: Responder = lambda request: TAKEN
        self.arrivals: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.accepted: defaultdict[str, set[str]] = defaultdict(set)
        """People whose receiver has answered 2xx."""
        self.count = 0
        self._awaited: list[tuple[int, asyncio.Event]] = []

    def _take(self, request: Request) -> Reply | Fault:
        self.sink.requests.clear()
        alert = alert_of(request)
        self.count += 1
        for count, reached in self._awaited:
            if self.count >= count:
                reached.set()
        answer = self.respond(request)
        if not is_refused(answer):
            self.arrivals[alert][request.path] += 1
        if is_taken(answer):
            self.accepted[alert].add(request.path)
        return answer

    @asynccontextmanager
    async def behind_proxy(self, random: Random) -> AsyncIterator[Proxy]:
        """Whoever connects to the receiver's address meets a proxy before it."""
        port = await self._move(0)
        async with Proxy(self.sink.port, random, port) as proxy:
            yield proxy
        await self._move(port)

    async def _move(self, port: int) -> int:
        before = self.sink.port
        await self.sink.refuse()
        self.sink.port = port
        await self.sink.listen()
        return before

    async def caught_up(self) -> None:
        """Wait until whatever had been sent has been read: a connection of our own comes after it."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.sink.port)
        writer.close()
        await writer.wait_closed()

    async def arrived(self, count: int) -> None:
        """Wait until so many have come, counted from the beginning of all."""
        reached = asyncio.Event()
        self._awaited.append((count, reached))
        if self.count < count:
            await reached.wait()


class House:
    """The hub under test, of one node or several: `people` persons of one ZIP with a webhook each."""

    def __init__(self, nodes: Sequence[HubProcess], receiver: Receiver, people: int, token: str, approver: str) -> None:
        self.nodes, self.receiver, self.people = nodes, receiver, people
        self.paused: list[HubProcess] = []
        self.token, self.approver = token, approver
        self.restarted = time.monotonic()
        """When the hub came back last."""
        self.soon_s = SOON_S
        self.say: Callable[[str], None] = lambda line: None
        """Told what a fault did in detail."""
        self.publishing: asyncio.Future[str] = asyncio.Future()
        """The alert of the present point."""

    @property
    def hub(self) -> HubProcess:
        """The first node that is at work, or the first of all."""
        return next((node for node in self.nodes if node.runs and node not in self.paused), self.nodes[0])

    async def restart(self) -> None:
        """Start whichever nodes do not run; the time that it may take to reach everybody runs from here."""
        for node in self.nodes:
            if not node.runs:
                await node.start()
        self.restarted = time.monotonic()

    async def calm(self) -> None:
        """One alert without any fault. What it takes from a start on, three times, is patience enough where that is more than usual."""
        verdict = await self.judge(await self.publish("calm"), 0, soon_s=PATIENCE_S)
        assert verdict.fine, str(verdict)
        self.soon_s = max(SOON_S, 3 * (time.monotonic() - self.restarted))

    async def publish(self, key: str, **changes: Any) -> str:
        """Publish until there is an answer, across whatever happens to the hub meanwhile; the same `key` publishes once. The alert's id."""
        body = json.dumps(flood(**changes)).encode()

        async def published() -> str:
            try:
                answer = await self._post("/api/v1/alerts", self.token, body, {"Idempotency-Key": key})
                if answer["status"] == "awaiting_approval":
                    await self._post(f"/api/v1/alerts/{answer['id']}/approve", self.approver, b"{}", {})
            except aiohttp.ClientError:
                return ""  # it is away, or on its way back
            return str(answer["id"])

        return await until(published)

    async def _post(self, path: str, token: str, body: bytes, headers: dict[str, str]) -> Any:
        headers |= {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        async with aiohttp.ClientSession(headers=headers) as session, session.post(self.hub.url + path, data=body) as answer:
            if answer.status >= 500:
                raise aiohttp.ClientResponseError(answer.request_info, (), status=answer.status)
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def refused(self) -> tuple[int, str, str]:
        """Try to publish something of its own; the status, media type and slug of what the hub answers."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{self.hub.url}/api/v1/alerts", data=json.dumps(flood(event="Another"))) as answer,
        ):
            said = await answer.json(content_type=None)
            return answer.status, answer.content_type, str(said.get("type", "")).rpartition("/")[2]

    async def ready(self) -> tuple[int, str]:
        """The status of /readyz, and what it says of publishing."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.hub.url}/readyz") as answer:
            return answer.status, (await answer.json())["parts"]["publish"]

    async def progress(self, alert: str) -> Any:
        """How far the hub says it has got; asked again while its database is away."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                headers = {"Authorization": f"Bearer {self.token}"}
                async with aiohttp.ClientSession(headers=headers) as session, session.get(self._progress(alert)) as answer:
                    if answer.status == 200:
                        return await answer.json()
                    assert answer.status == 503, await answer.text()

    def _progress(self, alert: str) -> str:
        return f"{self.hub.url}/api/v1/alerts/{alert}/progress"

    async def finished(self, alert: str, patience_s: float = PATIENCE_S) -> Any:
        """Wait until the hub says that nobody waits any more; what it says then, or at the end of all patience."""
        deadline = time.monotonic() + patience_s
        while not (state := await self.progress(alert))["finished"] and time.monotonic() < deadline:
            await asyncio.sleep(0.02)  # a look at the pages costs the hub something, so it is given time to work between two
        return state

    async def over(self) -> None:
        """Wait until the present alert is."""
        await self.finished(await asyncio.shield(self.publishing))

    async def judge(self, alert: str, bound: int, *, soon_s: float | None = None) -> Verdict:
        """Wait for the end of an alert and compare what arrived with what was owed, and both with the ledger."""
        state = await self.finished(alert, max(0.0, self.restarted + (soon_s or self.soon_s) - time.monotonic()))
        stranded = self.people - len(self.receiver.accepted[alert])
        if not state["finished"]:
            state = await self.finished(alert)
        arrivals, accepted = self.receiver.arrivals[alert], self.receiver.accepted[alert]
        bound += state["possible_duplicates"]
        verdict = Verdict(self.people - len(accepted), sum(arrivals.values()) - len(arrivals), bound, stranded)
        if not state["finished"]:
            verdict.wrong.append("the alert never finished")
        said, true = (state["matched"], state["planned"], state["handed_over"]), (self.people, self.people, len(accepted))
        if said != true:
            verdict.wrong.append(f"progress says matched, planned, handed over {said}, which were {true}")
        verdict.wrong += await self.broken()
        return verdict

    async def broken(self) -> list[str]:
        """What `tocsin check` finds."""
        settings = load(environ=self.hub.environ).replace("test", data=str(self.hub.data))
        return [finding.what for finding in await examine(settings) if not finding.fine]


def flood(severity: str = "Extreme", **changes: Any) -> dict[str, Any]:
    """A flood warning for everybody, of the kind that a second person approves and that is retried soonest."""
    return {
        "category": "Met",
        "event": "Flash Flood Warning",
        "urgency": "Immediate",
        "severity": severity,
        "certainty": "Likely",
        "expires": (datetime.now(UTC) + timedelta(hours=2)).isoformat(),
        "infos": [{"language": "en-US", "headline": "Flash flooding", "description": "Water rises.", "instruction": "Go up."}],
        "area": {"zips": ["11201"]},
    } | changes


def one_zip(folder: Path) -> str:
    """A city of one ZIP, which is read in no time."""
    feature = {"type": "Feature", "properties": {"id": "11201", "name": "11201"}, "geometry": {"type": "Polygon", "coordinates": SQUARE}}
    folder.mkdir()
    (folder / "zip.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return str(folder)


H = TypeVar("H", bound=House)


@asynccontextmanager
async def house(folder: Path, people: int, *, nodes: int = 1, kind: type[H] = House, **settings: str) -> AsyncIterator[H]:
    """A running hub; whatever runs at the end is killed. Several nodes need a database and a Redis in `settings`."""
    receiver = Receiver()
    async with receiver.sink:
        settings |= {"webhook_hosts": urlsplit(receiver.sink.url).netloc, "allow_private": "1", "senders": str(SENDERS)}
        city, log = one_zip(folder / "city"), folder / "log"
        hubs = [HubProcess(folder / f"node-{number}", log=log, city=city, **settings) for number in range(nodes)]
        first = hubs[0]
        try:
            lines = ["person,zip,channel,address,consent_source"]
            lines += [f"{number},11201,webhook,{receiver.sink.url}/{number},test" for number in range(people)]
            publisher = await first.run("token", "add", "--agency", "Test", "--role", "publisher")
            approver = await first.run("token", "add", "--agency", "Other", "--role", "approver")
            assert f"{people} people taken" in await first.run("subscribers", "import", "-", stdin="\n".join(lines).encode())
            for hub in hubs[1:]:
                shutil.copytree(first.data, hub.data)  # for the keyring, which is one for all
            there = kind(hubs, receiver, people, publisher, approver)
            await there.restart()
            await there.calm()
            yield there
        finally:
            for hub in hubs:
                if hub.runs:
                    await hub.kill_all()
