"""The public alerts as a JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/), with what CAP says of each under `_cap`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from hub.alerts.alert import Info
from hub.alerts.store import StoredAlert
from hub.clock import instant
from hub.feeds.atom import changed, content, entry_id, since, summary
from hub.feeds.selection import Selection, words
from subscriptions.areas import AreaCatalog
from subscriptions.severity import SEVERITIES

FEED_PATH = "/feeds/alerts.json"


class Author(msgspec.Struct, frozen=True):
    """Who says so."""

    name: str


class Attachment(msgspec.Struct, frozen=True):
    """The same alert for machines."""

    url: str
    mime_type: str


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """In CAP's terms; `grade` is the severity by the hub's own rule."""

    msgType: str  # noqa: N815 - CAP's own spelling
    event: str
    urgency: str
    severity: str
    certainty: str
    grade: str
    expires: datetime
    areas: tuple[str, ...]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One alert in one language."""

    id: str
    url: str
    title: str
    content_text: str
    summary: str
    date_published: datetime
    date_modified: datetime
    authors: tuple[Author, ...]
    tags: tuple[str, ...]
    language: str
    attachments: tuple[Attachment, ...]
    cap: Cap = msgspec.field(name="_cap")


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """The document."""

    version: str = "https://jsonfeed.org/version/1.1"
    title: str
    home_page_url: str
    feed_url: str
    language: str
    items: tuple[Item, ...]


def alerts_json(
    alerts: Sequence[StoredAlert], _: AreaCatalog, *, public_url: str, hub_name: str, selection: Selection, **_more: Any
) -> bytes:
    """The feed in UTF-8; the parameters are those of `hub.feeds.atom.alerts_atom`."""
    base = public_url.rstrip("/")
    feed = Feed(
        title=hub_name,
        home_page_url=f"{base}/",
        feed_url=f"{base}{FEED_PATH}" + (f"?{selection.query}" if selection.query else ""),
        language=selection.language or "en",
        items=tuple(_item(alert, words(alert, selection.language), base) for alert in alerts),
    )
    return msgspec.json.encode(feed)


def _item(alert: StoredAlert, info: Info, base: str) -> Item:
    return Item(
        id=entry_id(alert, base),
        url=f"{base}/alerts/{alert.id}",
        title=info.headline,
        content_text=content(info),
        summary=summary(alert, info),
        date_published=instant(since(alert) / 1000),
        date_modified=instant(changed(alert) / 1000),
        authors=(Author(alert.agency),),
        tags=alert.document.topics,
        language=info.language,
        attachments=(Attachment(f"{base}/feeds/cap/{alert.id}.xml", "application/cap+xml"),),
        cap=cap(alert),
    )


def cap(alert: StoredAlert) -> Cap:
    """What CAP says of an alert, as feeds in JSON carry it."""
    document = alert.document
    return Cap(
        msgType=document.msgType,
        event=document.event,
        urgency=document.urgency,
        severity=document.severity,
        certainty=document.certainty,
        grade=SEVERITIES[alert.grade],
        expires=document.expires,
        areas=alert.area.names,
    )
