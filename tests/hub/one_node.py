"""One node as `tocsin serve` opens it, here in the tests' process: on SQLite, with senders of its own and a test's settings."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from channels import catalog
from hub.application import Hub, open_hub
from hub.delivery.membership import Role
from hub.settings import Settings, load
from hub.ticking import Ticking
from subscriptions.csv_import import import_csv
from subscriptions.subscriber import read_subscription
from subscriptions.views import Subscribed
from tests.peers.http_sink import HttpSink
from tests.waiting import until


def settings_of(folder: Path, **changes: str) -> Settings:
    """Untouched by the environment."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    common = {"senders": "1", "allow_private": "1", "outbox": "1", "signup_limits": "off"}
    return load(environ=environ).replace("test", **(common | {"data": str(folder)} | changes))


@asynccontextmanager
async def opened(folder: Path, *, role: Role = "all", **changes: str) -> AsyncIterator[Hub]:
    """It runs until the end of the block."""
    async with open_hub(settings_of(folder, **changes), demo=False, port=0, role=role) as hub:
        yield hub


class Hurried(Ticking):
    """A second clockwork of a hub, whose next time for everything can be now."""

    def hurry(self, when: datetime | None = None) -> None:
        """All of it, now or then."""
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=when or datetime.now(UTC))

    def due(self) -> list[datetime]:
        """When each comes next."""
        return [job.next_run_time for job in self._scheduler.get_jobs()]

    def intervals(self) -> list[tuple[str, float]]:
        """(what, after how many seconds again) for whatever comes again."""
        jobs = [job for job in self._scheduler.get_jobs() if hasattr(job.trigger, "interval")]
        return sorted((job.func.__name__.strip("_"), job.trigger.interval.total_seconds()) for job in jobs)


async def bring(hub: Hub, channel: str, *addresses: str) -> None:
    """People in 11201, one for each address, past the hub: as `tocsin subscribers import` does it."""
    lines = ["person,zip,channel,address,consent_source"]
    lines += [f"{number},11201,{channel},{address},test" for number, address in enumerate(addresses, 1)]
    assert not (await import_csv(hub.database, hub.keyring, catalog.parsers(), hub.catalog, lines)).refused


async def ask_to_join(hub: Hub, address: str) -> Subscribed:
    """Somebody in 11201 signs up with a webhook."""
    wanted = {"places": [{"zip": "11201"}], "channels": [{"kind": "webhook", "address": address}]}
    return await hub.enrolment.subscribe(read_subscription(json.dumps(wanted).encode()), client="c", source="test")


async def asked_to_confirm(sink: HttpSink, path: str) -> str:
    """The token of the link that the letter to an address holds, once it is there."""
    letter = await until(lambda: next((request for request in sink.requests if request.path == path), None))
    assert letter is not None
    return str(json.loads(letter.body)["links"]["confirm"]).rpartition("/")[2]
