"""What one room tells another that it may not import: small objects that the application puts between them."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from email.utils import quote
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import select

from channels import catalog
from channels.contract import ChannelSettings, Message
from channels.mail_sender import default_sender, read_sender
from channels.vapid import default_subject
from hub.alerts.area import target
from hub.alerts.store import AlertStore, StoredAlert
from hub.clock import instant
from hub.delivery import in_use
from hub.delivery.audience_sync import AudienceSync
from hub.delivery.coordinator import Coordinator
from hub.delivery.dead_addresses import DeadAddresses
from hub.delivery.forecast import Throughput
from hub.delivery.ledger.batches import Leased, Settlement
from hub.delivery.membership import Membership
from hub.delivery.rate_limit import EACH
from hub.delivery.reach import Elsewhere
from hub.delivery.sending import frames
from hub.delivery.sending.frames import THREADED
from hub.delivery.sending.outcome import OPEN, REACHED, Outcome
from hub.delivery.words.rendering import Renderer
from hub.incidents.incident import Incidents
from hub.metrics import Metrics
from hub.settings import Settings
from hub.signals import ALERTS, AWAY, HALT, PLAN, PROVIDERS, Signals
from hub.store import tables
from hub.store.database import Database
from subscriptions.areas import AreaCatalog
from subscriptions.audience import Audience
from subscriptions.opting_out import Matched, Tried
from subscriptions.severity import rank
from subscriptions.store import tables as people
from subscriptions.vault import Keyring
from subscriptions.views import ExportedMessage

REMEMBERED = 10_000
"""Alerts whose first hand-over was counted already."""


def channel_settings(settings: Settings, public_url: str, keyring: Keyring, vapid: str, *, outbox: bool) -> ChannelSettings:
    """What the channels need to know of the settings."""
    name, sender = read_sender(settings.mail_from or default_sender(public_url))
    return ChannelSettings(
        public_url=public_url,
        smtp=settings.smtp or None,
        mail_from=f'"{quote(name)}" <{sender}>' if name else sender,
        bounces=settings.bounces,
        sms=settings.sms or None,
        sms_from=settings.sms_from,
        telegram_token=settings.telegram_token or None,
        telegram_api=settings.telegram_api or None,
        vapid_private_key=vapid,
        vapid_subject=settings.vapid_subject or default_subject(sender, public_url),
        webhook_key=keyring.webhook_key,
        webhook_hosts=settings.items("webhook_hosts"),
        allow_private=settings.flag("allow_private"),
        outbox=outbox,
    )


KEPT = 64
"""Alerts whose words are at hand: more are hardly on their way at once."""


class Words:
    """Renders the text of a leased batch. Whether a video may be shown is asked anew for each (V3); the alert is read once, since its
    words never change after its launch."""

    def __init__(self, renderer: Renderer, alerts: AlertStore, incidents: Incidents, public_url: str, metrics: Metrics) -> None:
        self._renderer, self._alerts, self._incidents, self._public_url = renderer, alerts, incidents, public_url
        self._metrics = metrics
        self._kept: OrderedDict[int, StoredAlert] = OrderedDict()
        self._second, self._said = 0, dict[tuple[Any, ...], Message]()

    def launched(self, alert: StoredAlert) -> None:
        """Its first batch comes within milliseconds."""
        self._kept[alert.number] = alert
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    async def __call__(self, leased: Leased) -> Message:
        with self._metrics.render_seconds.labels(leased.channel).time():
            return await self._message(leased)

    async def _message(self, leased: Leased) -> Message:
        if leased.purpose == "strike":
            outdated = await self._alert(int(leased.parameter("alert")), leased)
            return self._renderer.struck(outdated, leased.channel, leased.language, leased.expires_at / 1000)
        if leased.alert is None:
            parameters = msgspec.json.decode(leased.parameters, type=dict[str, str])
            missed = [await self._alert(int(number), leased) for number in parameters.get("alerts", "").split()]
            return self._renderer.letter(
                leased.purpose,
                leased.channel,
                leased.language,
                parameters,
                missed=missed,
                discreet=bool(leased.discreet),
                written_at=leased.created_at / 1000,
            )
        alert = await self._alert(leased.alert, leased)
        self.launched(alert)
        videos = await self._videos(alert)
        silent = leased.channel in THREADED and await self._is_minor(alert)
        return self._alike(alert, leased.channel, leased.language, videos, bool(leased.discreet), silent)

    def _alike(self, alert: StoredAlert, channel: str, language: str, videos: tuple[str, ...], discreet: bool, silent: bool) -> Message:
        """Batches follow each other by milliseconds, and within a second the same is said to the same readers."""
        if self._second != (second := int(time.monotonic())):
            self._second, self._said = second, {}
        key = (alert.number, channel, language, videos, discreet, silent)
        if key not in self._said:
            self._said[key] = self._renderer.alert(alert, channel, language, videos, discreet=discreet, silent=silent)
        return self._said[key]

    async def _is_minor(self, alert: StoredAlert) -> bool:
        """Neither it nor what it updates or calls off was ever worth a sound; what takes back an alarm is."""
        if alert.grade > rank("Minor") or alert.document.msgType == "Alert":
            return alert.grade <= rank("Minor")
        return all(earlier.grade <= rank("Minor") for earlier in await self._alerts.chain(alert.chain))

    async def _alert(self, number: int, leased: Leased) -> StoredAlert:
        alert = self._kept.get(number) or await self._alerts.by_number(number)
        if alert is None:
            raise LookupError(f"mailing {leased.mailing} names an alert that is not there")
        return alert

    async def _videos(self, alert: StoredAlert) -> tuple[str, ...]:
        if alert.document.incident is None:
            return ()
        return tuple(f"{self._public_url}/v/{video}" for video in await self._incidents.public_videos(alert.document.incident))


class Rates:
    """Hand-overs a second that a channel's provider allows this hub, on all nodes together; None for no limit, as in the outbox. Called, it
    answers for the provider that is in use: the slowest of those through which hand-overs go."""

    def __init__(
        self, settings: ChannelSettings, chosen: Mapping[str, float | None], in_use: Callable[[str], Collection[int]] = lambda _: (1,)
    ) -> None:
        """`chosen` goes before what the channels say of themselves."""
        self._settings, self._chosen, self._in_use = settings, chosen, in_use

    def __call__(self, channel: str, simulated: bool) -> float | None:
        real = catalog.provider_for(channel, self._settings, simulated) == "real"
        if not real:
            return None
        rates = [self._chosen.get(f"{channel}:{place}", self._of_all(channel)) for place in self._in_use(channel)]
        return min((rate for rate in rates if rate is not None), default=None)

    def _of_all(self, channel: str) -> float | None:
        """Of the first provider, and of each that has none of its own."""
        return self._chosen.get(channel, catalog.per_second(channel))

    def of_providers(self) -> dict[str, float | None]:
        """See `frames.Configure.provider_rates`."""
        own = {key: rate for key, rate in self._chosen.items() if ":" in key}
        return own | {channel: self._of_all(channel) for channel in {key.partition(":")[0] for key in own}}

    def each(self) -> dict[str, float]:
        """Channel → messages a second that each of its receivers takes."""
        rates = {channel: self._chosen.get(f"{channel}{EACH}", catalog.per_second_each(channel)) for channel in catalog.KINDS}
        return {channel: rate for channel, rate in rates.items() if rate}

    def of_a_host(self, channel: str, simulated: bool) -> float | None:
        """What one host takes a second where many people's addresses are at one host; None for no limit, and where each is its own."""
        shared = channel in catalog.HOSTED and catalog.provider_for(channel, self._settings, simulated) == "real"
        return self.each().get(channel) if shared else None


class Settled:
    """Told after each commit of the ledger: counts it, and notes addresses that a provider called dead."""

    def __init__(self, metrics: Metrics, throughput: Throughput, dead: DeadAddresses) -> None:
        self._metrics, self._throughput, self._dead = metrics, throughput, dead
        self._begun: OrderedDict[int, None] = OrderedDict()

    def __call__(self, settlements: Sequence[Settlement], dead: Sequence[Tried]) -> None:
        for settlement in settlements:
            leased, count = settlement.leased, len(settlement.addresses)
            self._metrics.handovers.labels(leased.channel, settlement.outcome.label).inc(count)
            if settlement.outcome in REACHED:
                self._metrics.handover_latency.labels(leased.channel).observe(max(0, settlement.at - leased.created_at) / 1000)
                self._first(settlement)
            elif settlement.outcome in OPEN:
                self._metrics.retries.labels(leased.channel).inc(count)
        self._throughput.note(settlements)
        self._dead.note(dead)

    def _first(self, settlement: Settlement) -> None:
        mailing = settlement.leased.mailing
        if settlement.leased.alert is None or mailing in self._begun:
            return
        self._begun[mailing] = None
        if len(self._begun) > REMEMBERED:
            self._begun.popitem(last=False)
        self._metrics.first_handover_seconds.observe(max(0, (settlement.first_at or settlement.at) - settlement.leased.created_at) / 1000)


class Doing:
    """Told what each sender says of itself each second: counts it, and lets all nodes know which providers are in use, and which channels
    none of this node's senders can reach."""

    def __init__(self, metrics: Metrics, signals: Signals, away: Callable[[], Collection[str]], elsewhere: Elsewhere) -> None:
        self._metrics, self._signals, self._away, self._elsewhere = metrics, signals, away, elsewhere

    def __call__(self, doing: frames.Doing) -> None:
        self._metrics.window_waits.inc(doing.waits)
        for channel, took in doing.took.items():
            self._metrics.deliver_seconds.add(channel, took)
        if doing.in_use:
            self._signals.send(PROVIDERS, in_use.body(doing.in_use))
        if doing.away and (away := self._away()):
            self._signals.send(AWAY, self._elsewhere.body(away))


class Told:
    """Told by publishing: the planners get their signal, and every node looks at what is public now."""

    def __init__(self, signals: Signals, metrics: Metrics, words: Words) -> None:
        self._signals, self._metrics, self._words = signals, metrics, words

    def launched(self, alert: StoredAlert) -> None:
        """It is live."""
        self._words.launched(alert)
        self._signals.send(PLAN)
        self._metrics.alerts_published.labels(alert.source, alert.document.status).inc()
        self._signals.send(ALERTS)

    def ended(self, _: StoredAlert) -> None:
        """It has run out or was stopped."""
        self._signals.send(ALERTS)


class Halting:
    """Ends a mailing's hand-overs on every node: here and in the ledger at once, elsewhere by a signal, and by each node's own look."""

    def __init__(self, coordinator: Coordinator, signals: Signals) -> None:
        self._coordinator, self._signals = coordinator, signals

    async def __call__(self, mailing: int) -> int:
        """How many people were withheld at once."""
        withheld = await self._coordinator.halt(mailing)
        self._signals.send(HALT, b"%d" % mailing)
        return withheld

    def hold(self, mailing: int) -> None:
        """Here, while the ledger can't be told: others can't settle anything either, and so stop at their windows."""
        self._coordinator.hold(mailing, written=False)

    def heard(self, body: bytes) -> None:
        """What another node has halted; without a number signals may have been missed, and the coordinator looks by itself."""
        if body.isdigit():
            self._coordinator.hold(int(body))


class FindMatched:
    """Answers "why did I get this?" (S26): which of a person's places a mailing's alert touches, and what it is about."""

    def __init__(self, database: Database, alerts: AlertStore, audience: Audience, catalog: AreaCatalog) -> None:
        self._database, self._alerts, self._audience, self._catalog = database, alerts, audience, catalog

    async def __call__(self, subscriber: int, mailing: int) -> Matched | None:
        async with self._database.read() as connection:
            number = (await connection.execute(select(tables.mailing.c.alert).where(tables.mailing.c.id == mailing))).scalar_one_or_none()
        alert = await self._alerts.by_number(number) if number is not None else None
        if alert is None:
            return None
        places = self._audience.explain(subscriber, target(alert.area, alert.document, alert.grade, self._catalog))
        return Matched(places, alert.document.topics)


class Messages:
    """What was sent to a person's addresses, for their own copy of all that is kept of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, addresses: Sequence[int]) -> Sequence[ExportedMessage]:
        """The oldest first."""
        query = (
            select(people.address.c.channel, tables.mailing.c.purpose, tables.alert.c.id, tables.delivery.c.outcome, tables.delivery.c.at)
            # By each mailing's key: rows are ordered by mailing, and there is no index by address.
            .select_from(tables.mailing)
            .join(tables.delivery, tables.delivery.c.mailing == tables.mailing.c.id)
            .join(people.address, people.address.c.id == tables.delivery.c.address)
            .join(tables.alert, tables.alert.c.number == tables.mailing.c.alert, isouter=True)
            # Before it was signed up, the same number may have been somebody else's.
            .where(tables.delivery.c.address.in_(addresses), tables.delivery.c.at >= people.address.c.created_at)
            .where(tables.mailing.c.purpose != "strike")
            .order_by(tables.mailing.c.id, tables.delivery.c.address)
        )
        async with self._database.read(long=True) as connection:
            rows = await connection.execute(query)
            return [
                ExportedMessage(channel=channel, kind=purpose, alert=alert, outcome=Outcome(outcome).label, at=instant(at / 1000))
                for channel, purpose, alert, outcome, at in rows
            ]


class Senders:
    """How many sender processes there are on all nodes, those of other nodes taken to be as many as here."""

    def __init__(self, coordinator: Coordinator, membership: Membership, usual: int) -> None:
        self._coordinator, self._membership, self._usual = coordinator, membership, usual

    def __call__(self) -> int:
        others = sum(1 for other in self._membership.others if other.role != "web")
        return self._coordinator.alive + others * self._usual


def watch(metrics: Metrics, coordinator: Coordinator, signals: Signals, sync: AudienceSync, audience: Audience) -> None:
    """Figures that are looked up when somebody asks for them."""
    metrics.senders_alive.set_function(lambda: coordinator.alive)
    metrics.batches_held.set_function(lambda: sum(len(handle.held) for handle in coordinator.handles))
    metrics.in_flight.set_function(lambda: sum(doing.in_flight for doing in coordinator.doing()))
    metrics.ahead.set_function(lambda: sum(doing.ahead for doing in coordinator.doing()))
    for name in catalog.KINDS:
        metrics.resting.labels(name).set_function(partial(_resting, coordinator, name))
    metrics.signals_lost.set_function(lambda: signals.lost)
    metrics.audience_age_seconds.set_function(lambda: sync.age_s)
    metrics.people.set_function(lambda: audience.people_count)


def _resting(coordinator: Coordinator, channel: str) -> int:
    return sum(doing.resting.get(channel, 0) for doing in coordinator.doing())
