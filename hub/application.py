"""The only place that builds concrete parts and joins them: one node, from its settings to its open port."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import structlog
from aiohttp import web
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from channels import catalog
from channels.contract import ChannelSettings, Message
from channels.vapid import create_vapid_key, public_key
from hub import demo as samples
from hub.alerts.store import AlertStore, StoredAlert
from hub.clock import Clock, milliseconds, parse_clock
from hub.delivery import frames
from hub.delivery.audience_sync import AudienceSync
from hub.delivery.coordinator import WINDOW, Coordinator
from hub.delivery.ledger import Leased, Ledger, Settlement
from hub.delivery.letters import Letters
from hub.delivery.planner import Planner
from hub.delivery.providers import LOOK_EVERY_S, Providers
from hub.delivery.rendering import Renderer
from hub.errors import SettingsError
from hub.incidents.incident import Incidents
from hub.live import Live
from hub.metrics import Metrics
from hub.publishing.publishing import Publishing
from hub.settings import Settings
from hub.staff.account import Staff
from hub.store.database import Database
from hub.store.migrate import upgrade
from hub.web.routes import build_app
from subscriptions.areas import AreaCatalog, open_city
from subscriptions.audience import Audience
from subscriptions.enrolment import Enrolment
from subscriptions.links import Links
from subscriptions.vault import Keyring, open_keyring

SHUTDOWN_S = 3.0
DEMO_MARK = "this-is-a-demonstration"

log = structlog.get_logger()


class Hub(msgspec.Struct, frozen=True, kw_only=True):
    """One running node. Satisfies `hub.web.context.HubContext`."""

    settings: Settings
    clock: Clock
    public_url: str
    demo: bool
    database: Database
    catalog: AreaCatalog
    audience: Audience
    keyring: Keyring
    links: Links
    enrolment: Enrolment
    staff: Staff
    incidents: Incidents
    publishing: Publishing
    alerts: AlertStore
    renderer: Renderer
    live: Live
    metrics: Metrics
    coordinator: Coordinator
    providers: Providers
    channels: ChannelSettings
    vapid_public_key: str
    telegram_name: Callable[[], str | None]

    async def readiness(self) -> Mapping[str, str]:
        """Part → ``ok`` or why not. A provider that is away is named, and stops nothing."""
        parts = {"publish": await self._can_write(), "delivery": "ok" if self.coordinator.alive else "no sender process runs"}
        return parts | {f"provider:{channel}": status for channel, status in self.providers.status.items()}

    async def _can_write(self) -> str:
        try:
            async with asyncio.timeout(2), self.database.write():
                return "ok"
        except Exception as error:  # noqa: BLE001 - whatever it is, the hub can't publish, and the page must say so instead of failing
            return f"the database can't be written ({type(error).__name__})"

    def demo_notices(self) -> list[tuple[str, str]]:
        """Ready-made notices as (title, alert JSON); none outside the demonstration."""
        return samples.notices(self.clock()) if self.demo else []

    def demo_log_ins(self) -> list[tuple[str, str, str]]:
        """(role, name, password) of the demonstration's staff."""
        return samples.LOG_INS if self.demo else []


class _Parts:
    """What is needed while joining: the callbacks between rooms that may not import each other."""

    def __init__(self, renderer: Renderer, alerts: AlertStore, incidents: Incidents, public_url: str) -> None:
        self._renderer, self._alerts, self._incidents, self._public_url = renderer, alerts, incidents, public_url

    async def render(self, leased: Leased) -> Message:
        """The text of a batch. Whether a video may be shown is asked anew each time (V3)."""
        if leased.alert is None:
            parameters = msgspec.json.decode(leased.parameters, type=dict[str, str])
            return self._renderer.letter(leased.purpose, leased.channel, leased.language, parameters)  # type: ignore[arg-type]  # from our own row
        alert = await self._alerts.by_number(leased.alert)
        if alert is None:
            raise LookupError(f"mailing {leased.mailing} names an alert that is not there")
        return self._renderer.alert(alert, leased.channel, leased.language, await self._videos(alert))

    async def _videos(self, alert: StoredAlert) -> tuple[str, ...]:
        if alert.document.incident is None:
            return ()
        shown = await self._incidents.public_videos(alert.document.incident)
        return tuple(f"{self._public_url}/v/{video}" for video in shown)


def rate_of(settings: ChannelSettings) -> Callable[[str, bool], float | None]:
    """Hand-overs a second that a channel's provider allows this hub; the outbox has no limit."""

    def rate(channel: str, simulated: bool) -> float | None:
        real = catalog.provider_for(channel, settings, simulated) == "real"
        return catalog.per_second(channel) if real else None

    return rate


@asynccontextmanager
async def open_hub(settings: Settings, *, demo: bool, port: int) -> AsyncIterator[Hub]:
    """Every part of one node, started in order and closed in reverse. `port` is the one that is really listened on."""
    async with AsyncExitStack() as stack:
        clock = _clock(settings, demo=demo)
        folder = Path(settings.data)
        stack.enter_context(_only_one(folder))
        _mark(folder, demo=demo)
        url = settings.database or f"sqlite:///{folder / 'tocsin.db'}"
        database = await stack.enter_async_context(Database(url))
        await asyncio.to_thread(upgrade, database.path)
        public_url = settings.public_url.rstrip("/") or f"http://{settings.host}:{port}"
        keyring = open_keyring(folder, settings.keyring)
        vapid = _vapid(folder)
        channels = channel_settings(settings, public_url, keyring, vapid, outbox=demo or settings.flag("outbox"))
        places = await asyncio.to_thread(open_city, settings.city)
        audience = Audience(places)
        sync = AudienceSync(database, audience)
        links = Links(keyring.link_key, public_url)
        renderer = Renderer(public_url, settings.hub_name, settings.city_name, clock)
        alerts, live, metrics = AlertStore(database), Live(milliseconds(clock)), Metrics()
        incidents = Incidents(database, clock)
        ledger = Ledger(database)
        stack.push_async_callback(ledger.aclose)
        rate = rate_of(channels)
        parts = _Parts(renderer, alerts, incidents, public_url)
        coordinator = Coordinator(
            ledger,
            frames.Configure(channels, keyring.to_bytes(), WINDOW, clock() - time.time()),
            clock,
            senders=settings.number("senders", 1, 64),
            render=parts.render,
            rate_of=rate,
            settled=_Settled(metrics, lambda: enrolment).__call__,
        )
        planner = Planner(database, ledger, audience, places, clock, refresh=sync.catch_up, rate_of=rate, planned=coordinator.wake)

        def wake() -> None:
            planner.wake()
            coordinator.wake()

        bot_name: list[str] = []
        enrolment = Enrolment(
            database,
            keyring=keyring,
            links=links,
            catalog=places,
            audience=sync.catch_up,
            post=Letters(clock, wake),
            clock=clock,
            parsers=catalog.parsers(channels),
            available=lambda: catalog.available(channels),
            limits=settings.signup_limits.strip().lower() != "off",
            sms_countries=settings.items("sms_countries"),
            bot_name=lambda: bot_name[0] if bot_name else None,
        )
        told = _Told(live, renderer, metrics, planner.wake)
        publishing = Publishing(
            database, places, audience, renderer, clock, refresh=sync.catch_up, launched=told.launched, halt=coordinator.halt, ended=told.ended
        )
        await sync.load()
        await stack.enter_async_context(coordinator)
        stack.callback(live.close)
        await stack.enter_async_context(_running(planner.run))
        providers = Providers(channels)
        hub = Hub(
            settings=settings,
            clock=clock,
            public_url=public_url,
            demo=demo,
            database=database,
            catalog=places,
            audience=audience,
            keyring=keyring,
            links=links,
            enrolment=enrolment,
            staff=Staff(database, clock),
            incidents=incidents,
            publishing=publishing,
            alerts=alerts,
            renderer=renderer,
            live=live,
            metrics=metrics,
            coordinator=coordinator,
            providers=providers,
            channels=channels,
            vapid_public_key=public_key(vapid),
            telegram_name=lambda: bot_name[0] if bot_name else None,
        )
        if demo:
            await samples.fill(hub)
        stack.enter_context(_ticking(hub))
        if channels.telegram_token:
            from hub.bot.start import run_bot  # aiogram costs 165 MB and seconds: only a hub with a bot pays for it

            await stack.enter_async_context(_running(lambda: run_bot(hub, bot_name)))
        yield hub


class _Settled:
    """Told after each commit: metrics, and addresses that a provider called dead."""

    def __init__(self, metrics: Metrics, enrolment: Callable[[], Enrolment]) -> None:
        self._metrics, self._enrolment = metrics, enrolment

    async def __call__(self, _: set[int], settlements: Sequence[Settlement], dead: Sequence[int]) -> None:
        for settlement in settlements:
            self._metrics.handovers.labels(settlement.leased.channel, settlement.outcome.label).inc(len(settlement.addresses))
        if dead:
            await self._enrolment().close_addresses(dead)


class _Told:
    """Told by publishing: residents who watch, metrics, and the planner's signal."""

    def __init__(self, live: Live, renderer: Renderer, metrics: Metrics, wake: Callable[[], None]) -> None:
        self._live, self._renderer, self._metrics, self._wake = live, renderer, metrics, wake

    def launched(self, alert: StoredAlert) -> None:
        self._wake()
        self._metrics.alerts_published.labels(alert.source, alert.document.status).inc()
        name = {"Alert": "alert", "Update": "update", "Cancel": "cancel"}[alert.document.msgType]
        self._live.publish(name, self._renderer.alert(alert, "webhook", "en").data.encode())

    def ended(self, alert: StoredAlert) -> None:
        self._live.publish("end", msgspec.json.encode({"id": alert.id}))


def channel_settings(settings: Settings, public_url: str, keyring: Keyring, vapid: str, *, outbox: bool) -> ChannelSettings:
    """What the channels need to know of the settings."""
    host = urlsplit(public_url).hostname or "localhost"
    mail_from = settings.mail_from or f"alerts@{host}"
    return ChannelSettings(
        public_url=public_url,
        smtp=settings.smtp or None,
        mail_from=mail_from,
        sms=settings.sms or None,
        sms_from=settings.sms_from,
        telegram_token=settings.telegram_token or None,
        telegram_api=settings.telegram_api or None,
        vapid_private_key=vapid,
        vapid_subject=settings.vapid_subject or f"mailto:{mail_from}",
        webhook_key=keyring.webhook_key,
        webhook_hosts=settings.items("webhook_hosts"),
        allow_private=settings.flag("allow_private"),
        outbox=outbox,
    )


def _clock(settings: Settings, *, demo: bool) -> Clock:
    if not settings.clock:
        return time.time
    if not demo and not settings.flag("testing"):
        raise SettingsError("TOCSIN_CLOCK: a hub that warns people keeps real time; a set clock is for --demo and tests")
    try:
        return parse_clock(settings.clock)
    except ValueError as error:
        raise SettingsError(f"TOCSIN_CLOCK: {error}") from None


def _vapid(folder: Path) -> str:
    """The P-256 key that identifies this hub to push services, made at the first start. Losing it ends every web push subscription."""
    file = folder / "vapid.pem"
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(create_vapid_key())
    return file.read_text(encoding="ascii")


class _only_one:  # noqa: N801 - reads as the condition it is
    """A lock on the data folder: a second hub on the same SQLite file would take the first one's leases for void."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def __enter__(self) -> None:
        self._file = (self._folder / "lock").open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise SettingsError(f"another hub runs on the data folder {self._folder}: stop it, or choose another with --data") from None

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _mark(folder: Path, *, demo: bool) -> None:
    """Samples and real people never share a folder."""
    mark, exists = folder / DEMO_MARK, any(folder.glob("*.db"))
    if demo and exists and not mark.exists():
        raise SettingsError(f"{folder} belongs to a real hub: start the demonstration with another --data folder")
    if not demo and mark.exists():
        raise SettingsError(f"{folder} belongs to a demonstration: choose another --data folder")
    if demo:
        mark.touch()


@asynccontextmanager
async def _running(work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class _ticking:  # noqa: N801 - reads as the state it is
    """What happens by the clock. Due times live in the tables; this only looks."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._scheduler = AsyncIOScheduler(timezone="UTC")

    def __enter__(self) -> None:
        every = self._scheduler.add_job
        every(self._hub.publishing.end_expired, "interval", seconds=2, max_instances=1, coalesce=True)
        every(self._hub.providers.look, "interval", seconds=LOOK_EVERY_S, max_instances=1, coalesce=True)
        every(self._purge, "interval", hours=1, max_instances=1, coalesce=True)
        self._scheduler.start()
        self._first = asyncio.ensure_future(self._hub.providers.look())

    async def _purge(self) -> None:
        await self._hub.enrolment.purge(self._hub.clock())

    def __exit__(self, *_: object) -> None:
        self._first.cancel()
        self._scheduler.shutdown(wait=False)


def listen(settings: Settings) -> socket.socket:
    """The port is taken before anything else, so that a wrong one is said at once and `--port 0` knows its number."""
    try:
        return socket.create_server((settings.host, settings.number("port", 0, 65535)), reuse_port=False)
    except OSError as error:
        raise SettingsError(f"can't listen on {settings.host}:{settings.port}: {error.strerror}. Choose another with --port") from None


async def serve(settings: Settings, *, demo: bool, say: Callable[[str], None]) -> None:
    """Run one node until SIGTERM or Ctrl-C; what was handed over is settled before it returns, within 10 s."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    with listen(settings) as port:
        number = port.getsockname()[1]
        async with open_hub(settings, demo=demo, port=number) as hub:
            runner = web.AppRunner(build_app(hub), access_log=None, shutdown_timeout=SHUTDOWN_S)
            await runner.setup()
            await web.SockSite(runner, port).start()
            if demo:
                say(samples.welcome(hub.public_url))
            say(f"listening on http://{settings.host}:{number}")
            await stop.wait()
            log.info("stopping")
            hub.live.close()
            await runner.cleanup()
