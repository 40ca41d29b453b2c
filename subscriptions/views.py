"""What residents are shown of their subscription: all of it with a manage token, very little behind the link of a message."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from subscriptions import languages, topics
from subscriptions.addresses import hint
from subscriptions.areas import AreaCatalog
from subscriptions.columns import CITY_KEY
from subscriptions.desk import Desk
from subscriptions.places import public_names
from subscriptions.quiet_hours import QuietHours
from subscriptions.severity import SEVERITIES
from subscriptions.store.sql import AddressRow, PlaceRow, SubscriberRow
from subscriptions.subscriber import PlaceRequest


class Subscribed(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a sign-up, the same whether an address was known or not."""

    id: str
    status: Literal["awaiting_confirmation", "active"]
    manage: str | None = None
    """A manage token, only when no address needs confirming."""
    telegram: str | None = None
    """The deep link that opens the bot, when Telegram is among the channels."""


class PendingView(msgspec.Struct, frozen=True, kw_only=True):
    """What a confirmation link shows: no address, label or coordinates. `places` holds ``city`` for the whole of it.

    It is empty where none of them has a name, as of a point in a park.
    """

    channel: str
    places: tuple[str, ...]
    topics: tuple[str, ...]
    minimum_severity: str
    severities: dict[str, str]
    language: str
    confirmed: bool
    shared: bool = False
    """The sign-up names further addresses, whose owners would see and change the same subscription."""


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
    severities: dict[str, str]
    language: str
    quiet_hours: QuietHours | None
    paused_until: datetime | None
    drills: bool
    discreet: bool
    channels: tuple[ChannelView, ...]
    since: str
    """Month of the confirmation, e.g. ``2026-05``."""


class ExportedAddress(msgspec.Struct, frozen=True, kw_only=True):
    """One address, in full."""

    id: str
    kind: str
    address: str
    state: str
    added: datetime | None
    confirmed: datetime | None

    def __repr__(self) -> str:
        return f"<ExportedAddress {self.kind}>"


class ExportedReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of what was agreed to and ended."""

    action: str
    channel: str | None
    source: str
    policy: str
    at: datetime | None


class ExportedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message that was sent, or was to be. `alert` is None for letters."""

    channel: str
    kind: str
    alert: str | None
    outcome: str
    at: datetime | None


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """All that is kept of one person. Street addresses are not among it, since only their points are kept."""

    subscription: SubscriptionView
    addresses: tuple[ExportedAddress, ...]
    receipts: tuple[ExportedReceipt, ...]
    messages: tuple[ExportedMessage, ...]


Way = Literal["web", "api", "sms", "telegram", "import", "other"]
"""Where somebody agreed to get alerts, as consent receipts name it."""
WAYS: tuple[Way, ...] = ("web", "api", "sms", "telegram", "import")


class WhyView(msgspec.Struct, frozen=True, kw_only=True):
    """Safeguard S26: why a message came. `places` are those that matched, by ZIP or area name; empty when they can no longer be told."""

    mailing: int
    about: Literal["alert", "subscription"]
    """`subscription` for a letter about the sign-up itself: a confirmation, a test that the person asked for."""
    places: tuple[str, ...]
    citywide: bool
    """One of the places that matched is the whole city."""
    topics: tuple[str, ...]
    """Of the alert and followed by the person; all that they follow where the alert can't be told any more."""
    asked: Way
    """How this address was signed up."""
    since: str
    """Month in which it was confirmed, e.g. ``2026-05``."""
    language: str


def pending_view(
    desk: Desk, subscriber: SubscriberRow, address: AddressRow, places: list[PlaceRow], *, shared: bool = False
) -> PendingView:
    """What the holder of a confirmation link may see."""
    return PendingView(
        channel=address.channel,
        places=public_names(places, desk.catalog),
        topics=topics.names(subscriber.topics),
        minimum_severity=SEVERITIES[subscriber.minimum_severity],
        severities=topics.of_levels(subscriber.severities),
        language=languages.tag(subscriber.language),
        confirmed=address.state in {"active", "merged"},
        shared=shared and address.state == "unconfirmed",
    )


def subscription_view(
    desk: Desk, subscriber: SubscriberRow, addresses: list[AddressRow], places: list[PlaceRow], quiet: str | None
) -> SubscriptionView:
    """What the owner sees. `quiet` is the rule of the quiet hours."""
    return SubscriptionView(
        id=subscriber.public_id,
        status=subscriber.status,
        places=tuple(as_request(place, desk.catalog) for place in places),
        topics=topics.names(subscriber.topics),
        minimum_severity=SEVERITIES[subscriber.minimum_severity],
        severities=topics.of_levels(subscriber.severities),
        language=languages.tag(subscriber.language),
        quiet_hours=msgspec.json.decode(quiet, type=QuietHours) if quiet else None,
        paused_until=instant(subscriber.paused_until),
        drills=bool(subscriber.drills),
        discreet=bool(subscriber.discreet),
        channels=tuple(_channel_view(desk, address) for address in addresses if address.state != "merged"),
        since=month(subscriber.confirmed_at or subscriber.created_at),
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
    if place.shape is not None:
        return PlaceRequest(polygon=msgspec.json.decode(place.shape, type=dict[str, Any]), label=place.label)
    if place.area is None:
        return PlaceRequest(lat=place.lat, lon=place.lon, radius_m=place.radius_m, label=place.label)
    if place.area == CITY_KEY:
        return PlaceRequest(citywide=True, label=place.label)
    layer, _, number = place.area.partition(":")
    area = catalog.get(place.area)
    unmistakable = area is not None and layer != "zip" and catalog.find(layer, area.name) == area
    return msgspec.convert({layer: area.name if area and unmistakable else number, "label": place.label}, PlaceRequest)


def instant(at: int | None) -> datetime | None:
    """Milliseconds since 1970 as a moment."""
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC)


def month(at: int) -> str:
    """When, no finer than the month."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m")
