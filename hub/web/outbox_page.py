"""What the outbox holds, shown as the phone, the mail or the chat where it would have arrived. Without addresses: it never had any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.store import tables
from hub.web.api.exchange import whole
from hub.web.console.staff import ENGLISH, actor_of, page
from hub.web.context import HubContext, hub
from subscriptions.store.tables import address, subscriber

CHANNELS = ("sms", "web_push", "email", "telegram", "apprise", "webhook")
"""In the order in which those of one alert are shown: what people read first, what machines read last."""
PAGE = 36
_LETTERS = {"confirm": "To confirm", "access": "Links to settings", "notice": "Notices", "answer": "Answers"}
_TO = {"confirm": "To a new sign-up", "access": "To whoever asked for a link"}


class Copy(msgspec.Struct, frozen=True):
    """What `channels.outbox` kept of one message."""

    channel: str
    purpose: str
    language: str
    parts: dict[str, str]
    data: str = ""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One message for the page. `label` is a sample's own, or says whose it would be without naming them."""

    id: int
    mailing: int
    purpose: str
    channel: str
    language: str
    parts: dict[str, str]
    label: str
    time: str


class Together(msgspec.Struct, frozen=True, kw_only=True):
    """The messages of one alert, or letters of one kind that went one after another."""

    title: str
    time: str
    """When the first of them went out, and the last, where that is another minute."""
    messages: list[Shown]


class _Named(msgspec.Struct, frozen=True):
    """What is read of an alert."""

    event: str


async def outbox(request: web.Request) -> web.StreamResponse:
    """``GET /outbox[?channel=&before=]``: open in the demonstration, else for staff."""
    context = hub(request)
    if not context.demo:
        actor_of(request).require("read")
    channel = request.query.get("channel", "")
    query = _query(channel if channel in CHANNELS else "", whole(request.query.get("before", "")))
    async with context.database.read() as connection:
        rows = (await connection.execute(query.limit(PAGE + 1))).all()
        events = await _events(connection, {row.mailing for row in rows})
    shown = [_shown(one, context) for one in rows[:PAGE]]
    older = shown[-1].id if len(rows) > PAGE else None
    return page(
        request,
        "outbox.html",
        groups=_together(shown, events),
        channel=channel,
        channels=CHANNELS,
        older=older,
        people=context.demo_people(),
    )


def _query(channel: str, before: int | None) -> Select[Any]:
    box = tables.outbox
    query = (
        select(box.c.id, box.c.mailing, box.c.channel, box.c.copy, box.c.at, subscriber.c.label)
        .outerjoin(address, address.c.id == box.c.address)
        .outerjoin(subscriber, subscriber.c.id == address.c.subscriber)
        .order_by(box.c.id.desc())
    )
    query = query.where(box.c.channel == channel) if channel else query
    return query.where(box.c.id < before) if before is not None else query


async def _events(connection: AsyncConnection, mailings: set[int]) -> dict[int, str]:
    """Number of a mailing → what its alert is about."""
    query = select(tables.mailing.c.id, tables.alert.c.document).join(tables.alert, tables.alert.c.number == tables.mailing.c.alert)
    rows = (await connection.execute(query.where(tables.mailing.c.id.in_(mailings)))).all()
    return {row.id: msgspec.json.decode(row.document, type=_Named).event for row in rows}


def _together(newest_first: Sequence[Shown], events: Mapping[int, str]) -> list[Together]:
    """Newest first, but for messages of one alert, which stay together however many went out meanwhile."""
    first = dict[int, int]()
    for position, one in enumerate(newest_first):
        first.setdefault(one.mailing, position)

    def of(one: Shown) -> tuple[str, int]:
        return (one.purpose, 0) if one.purpose in _LETTERS else ("", first[one.mailing])

    groups = [list(group) for _, group in groupby(sorted(newest_first, key=lambda one: first[one.mailing]), key=of)]
    return [
        Together(
            title=_LETTERS.get(group[0].purpose) or events.get(group[0].mailing, "Alert"),
            time=_when(group),
            messages=group if group[0].purpose in _LETTERS else sorted(group, key=lambda one: CHANNELS.index(one.channel)),
        )
        for group in groups
    ]


def _when(group: Sequence[Shown]) -> str:
    ends = (choose(group, key=lambda one: one.id) for choose in (min, max))
    return " – ".join(dict.fromkeys(one.time for one in ends))


def _shown(row: Row[Any], context: HubContext) -> Shown:
    copy = msgspec.json.decode(row.copy, type=Copy)
    return Shown(
        id=row.id,
        mailing=row.mailing,
        purpose=copy.purpose,
        channel=copy.channel,
        language=copy.language,
        parts=copy.parts or {"data": _pretty(copy.data)},
        label=row.label or _TO.get(copy.purpose, "To a subscriber"),
        time=ENGLISH.phrases.moment(row.at / 1000, context.clock()),
    )


def _pretty(data: str) -> str:
    try:
        return msgspec.json.format(data, indent=2)
    except msgspec.DecodeError:
        return data
