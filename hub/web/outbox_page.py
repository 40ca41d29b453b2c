"""What the outbox holds, shown as the phone, the mail or the chat where it would have arrived. Without addresses: it never had any."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy import Row, Select, select

from hub.store import tables
from hub.web.console.staff import ENGLISH, actor_of, page
from hub.web.context import HubContext, hub
from subscriptions.store.tables import address, subscriber

CHANNELS = ("sms", "web_push", "email", "telegram", "apprise", "webhook")
"""In the order in which they are shown: what people read first, what machines read last."""
PAGE = 36


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
    channel: str
    language: str
    parts: dict[str, str]
    label: str
    time: str


async def outbox(request: web.Request) -> web.StreamResponse:
    """``GET /outbox[?channel=&before=]``: open in the demonstration, else for staff."""
    context = hub(request)
    if not context.demo:
        actor_of(request).require("read")
    channel = request.query.get("channel", "")
    before = request.query.get("before", "")
    query = _query(channel if channel in CHANNELS else "", int(before) if before.isascii() and before.isdecimal() else None)
    async with context.database.read() as connection:
        rows = (await connection.execute(query.limit(PAGE + 1))).all()
    shown = [_shown(one, context) for one in rows[:PAGE]]
    older = shown[-1].id if len(rows) > PAGE else None
    shown.sort(key=lambda one: CHANNELS.index(one.channel))
    return page(request, "outbox.html", messages=shown, channel=channel, channels=CHANNELS, older=older)


def _query(channel: str, before: int | None) -> Select[Any]:
    box = tables.outbox
    query = (
        select(box.c.id, box.c.channel, box.c.copy, box.c.at, subscriber.c.label)
        .outerjoin(address, address.c.id == box.c.address)
        .outerjoin(subscriber, subscriber.c.id == address.c.subscriber)
        .order_by(box.c.id.desc())
    )
    query = query.where(box.c.channel == channel) if channel else query
    return query.where(box.c.id < before) if before is not None else query


def _shown(row: Row[Any], context: HubContext) -> Shown:
    copy = msgspec.json.decode(row.copy, type=Copy)
    labels = {"confirm": "To a new sign-up", "access": "To whoever asked for a link"}
    return Shown(
        id=row.id,
        channel=copy.channel,
        language=copy.language,
        parts=copy.parts or {"data": _pretty(copy.data)},
        label=row.label or labels.get(copy.purpose, "To a subscriber"),
        time=ENGLISH.phrases.moment(row.at / 1000, context.clock()),
    )


def _pretty(data: str) -> str:
    try:
        return msgspec.json.format(data, indent=2)
    except msgspec.DecodeError:
        return data
