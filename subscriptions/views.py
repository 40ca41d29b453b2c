"""What residents are shown of their subscription: all of it with a manage token, very little behind the link of a message."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec

from subscriptions import languages, topics
from subscriptions.addresses import hint
from subscriptions.areas import AreaCatalog
from subscriptions.columns import CITY_KEY
from subscriptions.desk import Desk
from subscriptions.places import public_names
from subscriptions.severity import SEVERITIES
from subscriptions.store.sql import AddressRow, PlaceRow, SubscriberRow
from subscriptions.subscriber import PlaceRequest, QuietHours


class Subscribed(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a sign-up, the same whether an address was known or not."""

    id: str
    status: Literal["awaiting_confirmation", "active"]
    manage: str | None = None
    """A manage token, only when no address needs confirming."""
    telegram: str | None = None
    """The deep link that opens the bot, when Telegram is among the channels."""


class PendingView(msgspec.Struct, frozen=True, kw_only=True):
    """What a confirmation link shows: no address, label or coordinates. `places` is empty for the whole city."""

    channel: str
    places: tuple[str, ...]
    topics: tuple[str, ...]
    minimum_severity: str
    language: str
    confirmed: bool


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a confirmation. `manage` is a token for whoever was first, None for every repeat."""

    manage: str | None
    view: PendingView


class ChannelView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One address as its owner sees it. `id` is what `remove_channels` takes; `link` opens the bot while Telegram waits for its Start."""

    id: str
    kind: str
    hint: str
    state: str
    link: str | None = None


class SubscriptionView(msgspec.Struct, frozen=True, kw_only=True):
    """A whole subscription, for whoever has control of it. `places` can be sent back as they are."""

    id: str
    status: str
    places: tuple[PlaceRequest, ...]
    topics: tuple[str, ...]
    minimum_severity: str
    language: str
    quiet_hours: QuietHours | None
    drills: bool
    channels: tuple[ChannelView, ...]
    since: str
    """Month of the confirmation, e.g. ``2026-05``."""


class WhyView(msgspec.Struct, frozen=True, kw_only=True):
    """Safeguard S26: why a message came. `places` are those that matched, by ZIP or area name; empty when they can no longer be told."""

    mailing: int
    places: tuple[str, ...]
    topics: tuple[str, ...]
    since: str
    language: str


def pending_view(desk: Desk, subscriber: SubscriberRow, address: AddressRow, places: list[PlaceRow]) -> PendingView:
    """What the holder of a confirmation link may see."""
    return PendingView(
        channel=address.channel,
        places=public_names(places, desk.catalog),
        topics=topics.names(subscriber.topics),
        minimum_severity=SEVERITIES[subscriber.minimum_severity],
        language=languages.tag(subscriber.language),
        confirmed=address.state != "unconfirmed",
    )


def subscription_view(desk: Desk, subscriber: SubscriberRow, addresses: list[AddressRow], places: list[PlaceRow]) -> SubscriptionView:
    """What the owner sees."""
    quiet = subscriber.quiet_hours
    return SubscriptionView(
        id=subscriber.public_id,
        status=subscriber.status,
        places=tuple(as_request(place, desk.catalog) for place in places),
        topics=topics.names(subscriber.topics),
        minimum_severity=SEVERITIES[subscriber.minimum_severity],
        language=languages.tag(subscriber.language),
        quiet_hours=msgspec.json.decode(quiet, type=QuietHours) if quiet else None,
        drills=bool(subscriber.drills),
        channels=tuple(_channel_view(desk, address) for address in addresses if address.state != "merged"),
        since=month(subscriber),
    )


def _channel_view(desk: Desk, address: AddressRow) -> ChannelView:
    waits_for_start = address.channel == "telegram" and not address.sealed
    text = "" if waits_for_start else desk.addresses.keyring.open(address.channel, address.key_id, address.sealed)
    return ChannelView(
        id=str(address.id),
        kind=address.channel,
        hint=hint(address.channel, text),
        state=address.state,
        link=telegram_link(desk, address) if waits_for_start else None,
    )


def telegram_link(desk: Desk, address: AddressRow) -> str | None:
    """The deep link for an address that waits for its Start, None while no bot is connected."""
    bot = desk.addresses.bot_name()
    return desk.links.telegram(bot, address.subscriber, address.id, 0) if bot else None


def as_request(place: PlaceRow, catalog: AreaCatalog) -> PlaceRequest:
    """The place as it would be asked for."""
    if place.area is None:
        return PlaceRequest(lat=place.lat, lon=place.lon, radius_m=place.radius_m, label=place.label)
    if place.area == CITY_KEY:
        return PlaceRequest(citywide=True, label=place.label)
    layer, _, number = place.area.partition(":")
    area = catalog.get(place.area)
    unmistakable = area is not None and layer != "zip" and catalog.find(layer, area.name) == area
    return msgspec.convert({layer: area.name if area and unmistakable else number, "label": place.label}, PlaceRequest)


def month(subscriber: SubscriberRow) -> str:
    """Since when, no finer than the month."""
    return datetime.fromtimestamp((subscriber.confirmed_at or subscriber.created_at) / 1000, UTC).strftime("%Y-%m")
