"""A hub of real parts on a real database, behind the real application, without sender processes: nothing here sends anything."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from sqlalchemy import URL

from hub.alerts.store import AlertStore, StoredAlert
from hub.clock import instant
from hub.delivery.forecast import Forecaster, Throughput
from hub.delivery.ledger.ledger import Ledger
from hub.delivery.outcome_check import Stalled
from hub.delivery.planner import Planner
from hub.delivery.words.rendering import Renderer
from hub.feeds.news import News
from hub.incidents.incident import Incidents
from hub.live import Live
from hub.metrics import Metrics
from hub.publishing.publishing import Publishing
from hub.settings import Settings, load
from hub.staff.account import Staff
from hub.staff.passwords import Passwords
from hub.store.database import Database, database_url
from hub.web.routes import build_app
from subscriptions.areas import AreaCatalog, open_city
from subscriptions.audience import Audience

PUBLIC_URL = "http://alerts.example"
PASSWORD = "three calm words"


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Parts:
    """What `hub.web.context.HubContext` names, as far as the frame and the API need it."""

    settings: Settings
    clock: HandClock
    database: Database
    catalog: AreaCatalog
    audience: Audience
    staff: Staff
    incidents: Incidents
    publishing: Publishing
    alerts: AlertStore
    renderer: Renderer
    live: Live
    news: News
    metrics: Metrics
    public_url: str = PUBLIC_URL
    demo: bool = False
    vapid_public_key: str = "BKey"
    standing_still: tuple[Stalled, ...] = ()
    parts: dict[str, str] = field(default_factory=lambda: {"publish": "ok", "delivery": "ok"})

    async def readiness(self) -> dict[str, str]:
        return self.parts

    def stalled(self) -> tuple[Stalled, ...]:
        return self.standing_still

    def demo_notices(self) -> list[tuple[str, str]]:
        return []

    def demo_log_ins(self) -> list[tuple[str, str, str]]:
        return []

    def demo_people(self) -> list[tuple[str, str, tuple[str, ...], bool]]:
        return []

    def alert(self, **changes: Any) -> dict[str, Any]:
        """An alert that needs no approval, as an author writes it."""
        document = {
            "category": "Met",
            "event": "Flood Advisory",
            "urgency": "Expected",
            "severity": "Moderate",
            "certainty": "Likely",
            "expires": instant(self.clock() + 7200).isoformat(),
            "infos": [
                {
                    "language": "en-US",
                    "headline": "Flooding possible in Brooklyn Heights",
                    "description": "Heavy rain until 5 PM. Source: National Weather Service.",
                    "instruction": "Stay off flooded streets.",
                }
            ],
            "area": {"zips": ["11201"]},
        }
        return document | changes


@pytest.fixture(scope="session")
def catalog() -> AreaCatalog:
    return open_city("nyc")


@pytest.fixture
def settings() -> Settings:
    """Overridden by tests of a setting."""
    return load(environ={})


@pytest.fixture
def kept_at(tmp_path: Path, migrated_sqlite: Path) -> URL:
    """Where the hub's database is. Overridden by tests of what is another on PostgreSQL."""
    shutil.copy(migrated_sqlite, tmp_path / "tocsin.db")
    return database_url("", tmp_path)


@pytest.fixture
async def hub(kept_at: URL, catalog: AreaCatalog, settings: Settings) -> AsyncIterator[Parts]:
    clock, live, metrics = HandClock(), Live(), Metrics()
    async with Database(kept_at) as database:
        audience, renderer = Audience(catalog), Renderer(PUBLIC_URL, "Tocsin", "New York City", clock)

        async def nothing() -> None:
            """Nobody signs up here, and no sender runs."""

        async def none_halted(_: int) -> int:
            return 0

        news = News(database, live, clock, data=lambda alert: msgspec.json.encode({"id": alert.id}))

        def told(_: StoredAlert) -> None:
            news.hint()

        ledger = Ledger(database)
        planner = Planner(
            database,
            ledger,
            audience,
            catalog,
            clock,
            refresh=nothing,
            halt=none_halted,
            rate_of=lambda *_: None,
            planned=lambda: None,
            matched=lambda _: None,
        )
        forecaster = Forecaster(database, lambda *_: None, lambda *_: None, Throughput(), lambda: 1)
        publishing = Publishing(
            database,
            catalog,
            planner,
            renderer,
            clock,
            refresh=nothing,
            launched=told,
            halt=none_halted,
            hold=lambda _: None,
            ended=told,
            forecaster=forecaster,
        )
        staff = Staff(database, clock, Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))
        async with news.watching():
            yield Parts(
                settings=settings,
                clock=clock,
                database=database,
                catalog=catalog,
                audience=audience,
                staff=staff,
                incidents=Incidents(database, clock, news.hint),
                publishing=publishing,
                alerts=AlertStore(database),
                renderer=renderer,
                live=live,
                news=news,
                metrics=metrics,
            )
        live.close()
        await ledger.aclose()


@pytest.fixture
def app(hub: Parts) -> web.Application:
    """The whole application; a test may add a route before it uses `client`."""
    return build_app(hub)  # type: ignore[arg-type]  # the parts that residents' sign-up needs are not here


@pytest.fixture
async def client_of() -> AsyncIterator[Any]:
    """Starts an application and gives a client of it."""
    async with AsyncExitStack() as stack:

        async def start(app: web.Application) -> TestClient:
            return await stack.enter_async_context(TestClient(TestServer(app)))

        yield start


@pytest.fixture
async def client(app: web.Application, client_of: Any) -> TestClient:
    return await client_of(app)


class Program:
    """A program with a token."""

    def __init__(self, client: TestClient, token: str) -> None:
        self._client = client
        self.headers = {"Authorization": f"Bearer {token}"}

    async def __call__(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """(status, JSON or None)."""
        headers = self.headers | more.pop("headers", {})
        async with self._client.request(method, path, headers=headers, **more) as response:
            body = await response.read()
            return response.status, msgspec.json.decode(body) if body else None


@pytest.fixture
def program(hub: Parts, client: TestClient) -> Any:
    """Makes a program of a role."""

    async def make(role: str, agency: str = "Emergency Management") -> Program:
        return Program(client, await hub.staff.add_token(agency, role))

    return make


@pytest.fixture
async def logged_in(hub: Parts, client: TestClient) -> str:
    """The browser is logged in as an approver; the value is the session's secret."""
    await hub.staff.add("desk", PASSWORD, agency="Emergency Management", role="approver")
    secret = await hub.staff.log_in("desk", PASSWORD)
    client.session.cookie_jar.update_cookies({"tocsin": secret}, client.make_url("/"))
    return secret
