"""A whole hub in this process: real database, real areas, real senders, the outbox behind every channel."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from channels import catalog
from hub.application import Hub, open_hub
from hub.publishing.publishing import Publishing
from hub.settings import load
from hub.staff.actor import Actor
from subscriptions.csv_import import import_csv
from tests.waiting import progressed

AUTHOR = Actor(kind="staff", id=1, name="author", agency="Test", role="author")
PUBLISHER = Actor(kind="staff", id=2, name="publisher", agency="Test", role="publisher")
APPROVER = Actor(kind="staff", id=3, name="approver", agency="Test", role="approver")


class City:
    """The hub with what tests of publishing do to it."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    @property
    def publishing(self) -> Publishing:
        return self.hub.publishing

    async def people(self, *places: str, channel: str = "email", language: str = "en", more: str = "") -> None:
        """One sample person for each ``column=value`` of the import."""
        columns, extra = ["zip", "borough", "citywide"], dict(pair.split("=") for pair in more.split())
        lines = [",".join(["person", "label", *columns, "language", "channel", "address", "consent_source", "sample", *extra])]
        for place in places:
            self.count = getattr(self, "count", 0) + 1
            column, _, value = place.partition("=")
            cells = [value if column == name else "" for name in columns]
            address = f"p{self.count}@example.org" if channel == "email" else f"+1718555{100 + self.count:04d}"
            label = f"Sample {self.count}"
            lines.append(",".join([str(self.count), label, *cells, language, channel, address, "test", "1", *extra.values()]))
        report = await import_csv(self.hub.database, self.hub.keyring, catalog.parsers(), self.hub.catalog, lines)
        assert not report.refused

    async def finished(self, alert: str) -> Any:
        """Progress, once nobody is waiting any more."""
        return await progressed(self.publishing, alert)

    async def change_whatever_is_launched(self, change: str) -> None:
        """Each alert, in the transaction that launches it, behind the back of what wrote it."""
        if self.hub.database.shared:
            body = f"BEGIN UPDATE alert SET {change}; RETURN NULL; END"
            statements = [
                f"CREATE FUNCTION tamper() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
                "CREATE TRIGGER tamper AFTER INSERT ON mailing FOR EACH ROW EXECUTE FUNCTION tamper()",
            ]
        else:
            statements = [f"CREATE TRIGGER tamper AFTER INSERT ON mailing BEGIN UPDATE alert SET {change}; END"]
        async with self.hub.database.write() as connection:
            for statement in statements:
                await connection.exec_driver_sql(statement)

    async def table(self, query: str) -> list[tuple[Any, ...]]:
        async with self.hub.database.read() as connection:
            return [tuple(row) for row in await connection.exec_driver_sql(query)]


@pytest.fixture
async def city(tmp_path: Path, store: URL) -> AsyncIterator[City]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    settings = environ | {"TOCSIN_DATA": str(tmp_path / "data"), "TOCSIN_OUTBOX": "1", "TOCSIN_SENDERS": "1", "TOCSIN_TESTING": "1"}
    settings["TOCSIN_DATABASE"] = store.render_as_string(hide_password=False)
    async with open_hub(load(environ=settings), demo=False, port=0) as hub:
        yield City(hub)


def document(**fields: Any) -> bytes:
    """A flood in 11201 for an hour, changed by `fields`; a field of None is left out."""
    alert: dict[str, Any] = {
        "category": "Met",
        "event": "Flash Flood Warning",
        "urgency": "Immediate",
        "severity": "Moderate",
        "certainty": "Likely",
        "expires": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        "infos": [{"language": "en-US", "headline": "Flash flooding", "description": "Water rises.", "instruction": "Go up."}],
        "area": {"zips": ["11201"]},
    }
    return json.dumps({name: value for name, value in (alert | fields).items() if value is not None}).encode()


def names(rows: Iterable[tuple[Any, ...]]) -> set[Any]:
    return {row[0] for row in rows}
