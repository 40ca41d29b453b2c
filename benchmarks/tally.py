"""The sink that also knows who was reached: ``/RUN/WHO`` counts WHO once for RUN, however often it comes. Prints its port.

``GET /-/RUN?count=N&within=S`` answers when N have been reached or S seconds have passed; `ask` is that question. ``GET /-/RUN?forget=1``
starts RUN anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import msgspec
import uvloop

from benchmarks.sink import Sink, answer

PATIENCE_S = 120.0


class Reached(msgspec.Struct, frozen=True):
    """How many of a run were reached, by how many requests, and when the last of them was (seconds since 1970)."""

    people: int
    requests: int
    last_at: float


@dataclass
class Run:
    """One run's book."""

    people: set[bytes] = field(default_factory=set)
    requests: int = 0
    last_at: float = 0.0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    awaited: int = 0

    def note(self, who: bytes) -> None:
        """One request has come."""
        self.requests += 1
        if who not in self.people:
            self.people.add(who)
            self.last_at = time.time()
            if len(self.people) == self.awaited:
                self.changed.set()

    async def until(self, count: int, within_s: float) -> Reached:
        """Wait for so many people, one waiter at a time."""
        self.awaited, self.changed = count, asyncio.Event()
        if len(self.people) < count:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), within_s)
        return Reached(len(self.people), self.requests, self.last_at)


class Tally(Sink):
    """One connection."""

    def __init__(self, runs: dict[bytes, Run], delay_s: float) -> None:
        super().__init__(delay_s, answer(""))
        self._runs = runs

    def _answer(self, head: bytes) -> None:
        run, _, who = head.split(b" ", 2)[1].rpartition(b"/")
        if run == b"/-":
            self._told = asyncio.ensure_future(self._tell(who.decode()))
            return
        self._book(run.lstrip(b"/")).note(who)
        super()._answer(head)

    def _book(self, run: bytes) -> Run:
        return self._runs[run] if run in self._runs else self._runs.setdefault(run, Run())

    async def _tell(self, question: str) -> None:
        asked = urlsplit(question)
        values = {name: found[0] for name, found in parse_qs(asked.query).items()}
        name = asked.path.encode()
        if "forget" in values:
            self._runs.pop(name, None)
        told = await self._book(name).until(int(values.get("count", 0)), float(values.get("within", 0)))
        body = msgspec.json.encode(told)
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def ask(url: str, run: str, count: int = 0, within_s: float = PATIENCE_S, *, forget: bool = False) -> Reached:
    """Wait until `count` people of a run were reached, at most so long; what is known then."""
    question = f"{url}/-/{run}?count={count}&within={within_s}" + ("&forget=1" if forget else "")
    with urllib.request.urlopen(question, timeout=within_s + 10) as told:
        return msgspec.json.decode(told.read(), type=Reached)


async def main(delay_s: float) -> None:
    """Serve on any free port of loopback until killed."""
    runs: dict[bytes, Run] = {}
    server = await asyncio.get_running_loop().create_server(lambda: Tally(runs, delay_s), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
