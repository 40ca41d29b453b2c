"""The only place that builds concrete parts and joins them: one node, from its settings to its open port."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from hashlib import blake2b
from importlib import import_module
from pathlib import Path

import msgspec
import structlog
from redis.asyncio import Redis

from channels import catalog
from channels.contract import ChannelSettings
from channels.vapid import public_key
from hub import data_folder, wiring
from hub import demo as samples
from hub.alerts.store import AlertStore
from hub.backup.schedule import Schedule
from hub.clock import Clock, parse_clock
from hub.delivery.audience_sync import AudienceSync
from hub.delivery.coordinator import WINDOW, Coordinator
from hub.delivery.dead_addresses import DeadAddresses
from hub.delivery.forecast import Forecaster, Throughput
from hub.delivery.in_use import InUse
from hub.delivery.ledger.ledger import Ledger
from hub.delivery.letters import Letters
from hub.delivery.membership import Membership, Role
from hub.delivery.outcome_check import OutcomeCheck, Stalled
from hub.delivery.planner import Planner
from hub.delivery.providers import Providers
from hub.delivery.rate_limit import LocalRateLimit, RedisRateLimit, read_rates
from hub.delivery.reach import Elsewhere
from hub.delivery.sending import frames
from hub.delivery.words.rendering import Renderer
from hub.errors import SettingsError
from hub.feeds.news import News
from hub.incidents.incident import Incidents
from hub.keys import keyring_of, vapid_of
from hub.live import Live
from hub.metrics import Metrics
from hub.publishing.publishing import Publishing
from hub.settings import Settings
from hub.signals import ALERTS, AWAY, HALT, PLAN, PROVIDERS, WORK, LocalSignals, RedisSignals, Signals, redis_at
from hub.sms.inbox import Inbox
from hub.sms.start import Receivers, open_inbox, takes_replies
from hub.staff.account import Staff
from hub.store.database import Database, database_url
from hub.store.migrate import upgrade
from hub.store.writable import Writable
from hub.telegram_inbox import BotName, TelegramInbox
from hub.ticking import Ticking
from subscriptions.areas import AreaCatalog, open_city
from subscriptions.audience import Audience
from subscriptions.enrolment import Enrolment
from subscriptions.geocoding import NominatimGeocoder
from subscriptions.links import Links
from subscriptions.opting_out import Tried
from subscriptions.vault import Keyring

log = structlog.get_logger()


class Hub(msgspec.Struct, frozen=True, kw_only=True):
    """One running node. Satisfies `hub.web.context.HubContext`."""

    settings: Settings
    clock: Clock
    public_url: str
    demo: bool
    role: Role
    database: Database
    writable: Writable
    catalog: AreaCatalog
    audience: Audience
    keyring: Keyring
    links: Links
    enrolment: Enrolment
    sms: Inbox
    receivers: Receivers
    staff: Staff
    incidents: Incidents
    publishing: Publishing
    alerts: AlertStore
    renderer: Renderer
    live: Live
    news: News
    signals: Signals
    metrics: Metrics
    sync: AudienceSync
    membership: Membership
    coordinator: Coordinator
    dead: DeadAddresses
    planner: Planner
    providers: Providers
    backups: Schedule
    outcomes: OutcomeCheck
    channels: ChannelSettings
    vapid_public_key: str
    bot_name: BotName
    ledger: Ledger
    inbox: TelegramInbox
    redis: Redis | None
    hub_key: str

    def delivering(self) -> bool:
        """Whether senders have something to hand over just now."""
        return any(handle.held for handle in self.coordinator.handles)

    async def readiness(self) -> Mapping[str, str]:
        """Part → ``ok`` or why not. A provider that is away is named, and stops nothing."""
        parts = {"publish": await self.writable.look(), "delivery": self._can_deliver()}
        return (
            parts
            | {f"provider:{channel}": status for channel, status in self.providers.status.items()}
            | self.receivers.status
            | self.backups.status
            | self.outcomes.status
            | self.membership.clock_status
        )

    def _can_deliver(self) -> str:
        if self.role == "web":
            others = any(other.role != "web" for other in self.membership.others)
            return "ok" if others else "no node with --role deliver or all runs"
        if self.membership.until <= time.monotonic():
            return "this node's lease is over: the database does not answer"
        return "ok" if self.coordinator.alive else "no sender process runs"

    async def run_bot(self) -> None:
        """Serve Telegram until cancelled; what only one may do, while no earlier node does."""
        # aiogram costs 165 MB and seconds: only a hub with a bot pays for it, and not on the loop.
        bot = await asyncio.to_thread(import_module, "hub.bot.start")
        await bot.run_bot(self, self.bot_name, self.membership.while_first)

    async def receive_sms(self) -> None:
        """Take what phones write until cancelled, on one node: each message is answered once."""
        await self.membership.while_first(self.receivers.run)

    def stalled(self) -> tuple[Stalled, ...]:
        """Live alerts that reach nobody although people are left."""
        return self.outcomes.stalled

    def demo_notices(self) -> list[tuple[str, str]]:
        """Ready-made notices as (title, alert JSON); none outside the demonstration."""
        return samples.notices(self.clock()) if self.demo else []

    def demo_log_ins(self) -> list[tuple[str, str, str]]:
        """(role, name, password) of the demonstration's staff."""
        return samples.LOG_INS if self.demo else []

    def demo_people(self) -> list[tuple[str, str, tuple[str, ...], bool]]:
        """(label, language, channels, whether they take drills) of the sample people."""
        return samples.people() if self.demo else []


@asynccontextmanager
async def open_hub(settings: Settings, *, demo: bool, port: int, role: Role = "all") -> AsyncIterator[Hub]:
    """Every part of one node, started in order and closed in reverse. `port` is the one that is really listened on."""
    async with AsyncExitStack() as stack:
        folder = Path(settings.data)
        stack.enter_context(data_folder.held(folder, demo=demo))
        hub = await _joined(stack, settings, folder, demo=demo, port=port, role=role)
        await hub.sync.load()
        await hub.membership.join()
        stack.push_async_callback(lambda: hub.membership.leave(in_doubt=hub.coordinator.in_doubt))
        await stack.enter_async_context(_running(hub.membership.run))
        await stack.enter_async_context(hub.dead)
        await stack.enter_async_context(hub.coordinator)
        stack.push_async_callback(hub.publishing.write_last_stops)
        stack.callback(hub.live.close)
        await stack.enter_async_context(hub.news.watching())
        if role != "web":
            await stack.enter_async_context(_running(hub.planner.run))
        if demo:
            await samples.fill(hub)
        stack.enter_context(Ticking(hub))
        await stack.enter_async_context(_running(hub.backups.run))
        if hub.channels.telegram_token and role != "deliver":
            await stack.enter_async_context(_running(hub.run_bot))
        if role != "deliver" and hub.receivers:
            await stack.enter_async_context(_running(hub.receive_sms))
        yield hub


async def _joined(stack: AsyncExitStack, settings: Settings, folder: Path, *, demo: bool, port: int, role: Role) -> Hub:
    """The parts, each with what it needs; nothing runs yet."""
    clock = _clock(settings, demo=demo)
    database = await stack.enter_async_context(Database(database_url(settings.database, folder)))
    if not database.shared:
        stack.enter_context(data_folder.alone(database.path.with_suffix(".lock"), f"the database {database.path}"))
    await asyncio.to_thread(upgrade, database.url)
    metrics = Metrics()
    ledger = Ledger(database, lambda step, seconds: metrics.ledger_seconds.labels(step).observe(seconds))
    stack.push_async_callback(ledger.aclose)
    public_url = settings.public_at(port)
    keyring = await keyring_of(settings, database)
    vapid = await vapid_of(settings, database, keyring)
    redis = _redis(stack, settings)
    # Hubs that share a Redis are told apart by what only their own keyring can make.
    name = blake2b(keyring.link_key, digest_size=8, person=b"tocsin-redis").hexdigest()
    signals: Signals = await stack.enter_async_context(RedisSignals(redis, name) if redis else LocalSignals())
    channels = wiring.channel_settings(settings, public_url, keyring, vapid, outbox=demo or settings.flag("outbox"))
    places = await asyncio.to_thread(_city, settings.city)
    audience, alerts, live = Audience(places), AlertStore(database), Live()
    sync, links = AudienceSync(database, audience, places), Links(keyring.link_key, public_url)
    renderer = Renderer(public_url, settings.hub_name, settings.city_name, clock, sms_replies=takes_replies(channels))
    incidents = Incidents(database, clock, lambda: signals.send(ALERTS))
    in_use, bot_name = InUse(), BotName()
    elsewhere = Elsewhere(lambda: membership.node, lambda: membership.delivering - 1)
    rates = wiring.Rates(channels, read_rates(settings.rates, catalog.provider_counts(channels)), in_use)
    throughput = Throughput(in_use=in_use)
    words = wiring.Words(renderer, alerts, incidents, public_url, metrics)

    async def close(tried: Sequence[Tried]) -> None:
        await enrolment.close_tried(tried)

    dead = DeadAddresses(close)
    coordinator = Coordinator(
        ledger,
        frames.Configure(channels, keyring.to_bytes(), WINDOW, clock() - time.time(), rates.each(), rates.of_providers()),
        clock,
        senders=settings.number("senders", 1, 64) if role != "web" else 0,
        until=lambda: membership.until,
        render=words,
        rate_of=rates,
        rate_limit=RedisRateLimit(redis, name, lambda: membership.delivering) if redis else LocalRateLimit(),
        settled=wiring.Settled(metrics, throughput, dead),
        told=wiring.Doing(metrics, signals, lambda: coordinator.reach.away, elsewhere),
        elsewhere=elsewhere,
    )
    membership = Membership(
        database, role, signals=signals.shared, joined=ledger.join, freed=coordinator.wake, lost=coordinator.fence, clock=clock
    )
    sync.changed = coordinator.changed
    wiring.watch(metrics, coordinator, signals, sync, audience)
    halting = wiring.Halting(coordinator, signals)
    planner = Planner(
        database,
        ledger,
        audience,
        places,
        clock,
        refresh=sync.catch_up,
        halt=halting,
        rate_of=rates,
        planned=lambda: signals.send(WORK),
        matched=metrics.match_seconds.observe,
    )

    signals.listen(PLAN, lambda _: planner.wake())
    signals.listen(WORK, lambda _: coordinator.wake())
    for topic, heard in {HALT: halting.heard, PROVIDERS: in_use.heard, AWAY: elsewhere.heard}.items():
        signals.listen(topic, heard)

    def posted(live: bool) -> None:
        signals.send(WORK)
        if live:
            signals.send(PLAN)

    enrolment = Enrolment(
        database,
        keyring=keyring,
        links=links,
        catalog=places,
        audience=sync.catch_up,
        post=Letters(database, clock, posted, rate_of=rates),
        clock=clock,
        parsers=catalog.resident_parsers(channels),
        available=lambda: catalog.available(channels),
        limits=settings.signup_limits.strip().lower() != "off",
        sms_countries=frozenset(settings.items("sms_countries")),
        bot_name=bot_name,
        find_matched=wiring.FindMatched(database, alerts, audience, places),
        messages=wiring.Messages(database),
        geocoder=NominatimGeocoder(settings.geocoder, places, settings.hub_name) if settings.geocoder else None,
    )
    told = wiring.Told(signals, metrics, words)
    news = News(
        database,
        live,
        clock,
        data=lambda alert: renderer.alert(alert, "webhook", "en").data.encode(),
    )
    signals.listen(ALERTS, news.hint)
    publishing = Publishing(
        database,
        places,
        planner,
        renderer,
        clock,
        refresh=sync.catch_up,
        launched=told.launched,
        halt=halting,
        hold=halting.hold,
        ended=told.ended,
        forecaster=Forecaster(
            database,
            rates,
            rates.of_a_host,
            throughput,
            wiring.Senders(coordinator, membership, settings.number("senders", 1, 64)),
            lambda channel, simulated: catalog.provider_for(channel, channels, simulated) != "none",
        ),
        took=metrics.publish_seconds.observe,
    )
    sms = open_inbox(enrolment, places, settings, public_url, clock)
    receivers = Receivers(channels, sms)
    metrics.sms_bound.set_function(receivers.bound)
    return Hub(
        settings=settings,
        clock=clock,
        public_url=public_url,
        demo=demo,
        database=database,
        writable=Writable(database, membership.touch),
        catalog=places,
        audience=audience,
        sync=sync,
        membership=membership,
        role=role,
        keyring=keyring,
        links=links,
        enrolment=enrolment,
        sms=sms,
        receivers=receivers,
        staff=Staff(database, clock),
        incidents=incidents,
        publishing=publishing,
        alerts=alerts,
        renderer=renderer,
        live=live,
        news=news,
        signals=signals,
        metrics=metrics,
        coordinator=coordinator,
        dead=dead,
        planner=planner,
        providers=Providers(channels, lambda: audience.channels),
        backups=Schedule(settings, clock, metrics),
        outcomes=OutcomeCheck(database, clock, rates, metrics.alerts_stalled.set, each=rates.each()),
        channels=channels,
        vapid_public_key=public_key(vapid),
        bot_name=bot_name,
        ledger=ledger,
        inbox=TelegramInbox(keyring.link_key),
        redis=redis,
        hub_key=name,
    )


def _redis(stack: AsyncExitStack, settings: Settings) -> Redis | None:
    if not settings.redis:
        return None
    redis = redis_at(settings.redis)
    stack.push_async_callback(redis.aclose)
    return redis


@cache
def _city(name: str) -> AreaCatalog:
    """The city's areas, which never change while a process lives; what is slow to make at first use is made now, not in an alert's way."""
    city = open_city(name)
    _ = city.outline
    return city


def _clock(settings: Settings, *, demo: bool) -> Clock:
    if not settings.clock:
        return time.time
    if not demo and not settings.flag("testing"):
        raise SettingsError("TOCSIN_CLOCK: a hub that warns people keeps real time; a set clock is for --demo and tests")
    try:
        return parse_clock(settings.clock)
    except ValueError as error:
        raise SettingsError(f"TOCSIN_CLOCK: {error}") from None


@asynccontextmanager
async def _running(work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
