"""Open data: what is on now as JSON, the feeds, and single alerts as CAP. Nothing about anyone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from hub.alerts.alert import Area, Info
from hub.alerts.cap_writer import reference_to, write_cap
from hub.alerts.store import TOLD, StoredAlert
from hub.clock import instant, milliseconds
from hub.errors import NotFound
from hub.feeds import selection
from hub.feeds.atom import alerts_atom
from hub.feeds.geojson import alerts_geojson
from hub.feeds.json_feed import alerts_json
from hub.feeds.rss import alerts_rss
from hub.web.api import here
from hub.web.api.exchange import choice
from hub.web.context import PublicContext
from hub.web.ready import FOREVER
from subscriptions.areas import AreaCatalog
from subscriptions.severity import SEVERITIES, rank

RECENT = 100
JSON, CAP = "application/json; charset=utf-8", "application/cap+xml; charset=utf-8"
PARAMETERS = (*here.PARAMETERS, "severity", "active")


class PublicAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as everyone may read it, in the author's words and CAP's terms. `grade` is its severity by the hub's own rule."""

    id: str
    chain: str
    active: bool
    agency: str
    status: str
    msgType: str  # noqa: N815 - CAP's own spelling
    category: str
    event: str
    urgency: str
    severity: str
    certainty: str
    grade: str
    topics: tuple[str, ...]
    sent: datetime
    onset: datetime | None
    expires: datetime
    infos: tuple[Info, ...]
    area: Area
    area_names: tuple[str, ...]
    references: tuple[str, ...]
    links: dict[str, str]


class PublicAlerts(msgspec.Struct, frozen=True, kw_only=True):
    """What is on here now, the worst first."""

    alerts: tuple[PublicAlert, ...]


class Question(msgspec.Struct, frozen=True):
    """What `/api/v1/public/alerts` was asked."""

    holds_here: here.Holds
    least: int
    active: bool


def read_question(asked: Mapping[str, str], catalog: AreaCatalog) -> Question:
    """Raises InvalidInput with the parameter that makes no sense."""
    least = rank(choice(asked, "severity", SEVERITIES) or SEVERITIES[0])
    return Question(here.read_place(asked, catalog), least, choice(asked, "active", ("true", "false")) != "false")


async def alerts(context: PublicContext, asked: Mapping[str, str]) -> tuple[bytes, float]:
    """The JSON, and until when it is true. Raises InvalidInput."""
    question = read_question(asked, context.catalog)
    known = await (_live(context) if question.active else _over(context))
    # Beside the loop: every point of the map is a question of its own, and large shapes are measured for each.
    found = await asyncio.to_thread(_found, context, question, known)
    return found, first_end(known) if question.active else FOREVER


def _found(context: PublicContext, question: Question, known: list[StoredAlert]) -> bytes:
    chosen = (alert for alert in known if alert.grade >= question.least and question.holds_here(alert))
    return msgspec.json.encode(PublicAlerts(alerts=tuple(public_alert(alert, context, active=question.active) for alert in chosen)))


def public_alert(alert: StoredAlert, context: PublicContext, *, active: bool) -> PublicAlert:
    """The public side of a stored alert."""
    document = alert.document
    return PublicAlert(
        id=alert.id,
        chain=alert.chain,
        active=active,
        agency=alert.agency,
        status=document.status,
        msgType=document.msgType,
        category=document.category,
        event=document.event,
        urgency=document.urgency,
        severity=document.severity,
        certainty=document.certainty,
        grade=SEVERITIES[alert.grade],
        topics=document.topics,
        sent=instant((alert.live_at or alert.sent_at) / 1000),
        onset=document.onset,
        expires=document.expires,
        infos=document.infos,
        area=document.area,
        area_names=alert.area.names,
        references=document.references,
        links={"page": f"{context.public_url}/alerts/{alert.id}", "cap": f"{context.public_url}/feeds/cap/{alert.id}.xml"},
    )


async def feed(context: PublicContext, kind: str, query: Mapping[str, str], started: float) -> tuple[bytes, float]:
    """What is live as a feed, narrowed by `query`, and until when it is true. Raises InvalidInput.

    `started`: seconds since 1970, what a feed says it was updated at before the first alert. After that only news moves it.
    """
    chosen, live = selection.read_selection(query, context.catalog), await _live(context)
    changed = await context.alerts.last_change()
    document = await asyncio.to_thread(
        WRITERS[kind],
        selection.select(live, chosen, context.catalog),
        context.catalog,
        public_url=context.public_url,
        hub_name=context.settings.hub_name,
        updated=started if changed is None else changed / 1000,
        selection=chosen,
    )
    return document, first_end(live)


async def cap(context: PublicContext, alert_id: str) -> tuple[bytes, float]:
    """One published alert as CAP 1.2, also when it is over. Raises NotFound."""
    alert = await context.alerts.get(alert_id)
    if alert is None or alert.live_at is None:
        raise NotFound("There is no published alert with this id.")
    # From the chain, since an imported document names the messages of its own source there, and not ours.
    earlier = [one for one in await context.alerts.chain(alert.chain) if one.number < alert.number and one.live_at is not None]
    document = await asyncio.to_thread(
        write_cap,
        alert,
        context.catalog,
        public_url=context.public_url,
        city_name=context.settings.city_name,
        references=tuple(reference_to(one, context.public_url) for one in earlier),
    )
    return document, FOREVER


def first_end(alerts: list[StoredAlert]) -> float:
    """When the first of them runs out, in seconds since 1970."""
    return min((alert.expires_at / 1000 for alert in alerts), default=FOREVER)


async def _live(context: PublicContext) -> list[StoredAlert]:
    return await context.alerts.live(milliseconds(context.clock))


async def _over(context: PublicContext) -> list[StoredAlert]:
    return await context.alerts.recent(status=("ended", "stopped"), among=TOLD, limit=RECENT)


WRITERS: Mapping[str, Callable[..., bytes]] = {"atom": alerts_atom, "rss": alerts_rss, "json": alerts_json, "geojson": alerts_geojson}
TYPES = {
    "atom": "application/atom+xml; charset=utf-8",
    "rss": "application/rss+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
    "geojson": "application/geo+json; charset=utf-8",
}
