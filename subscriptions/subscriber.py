"""What a resident asks for: the documents of INTERFACE's subscriptions and the choices that are kept of them."""

from __future__ import annotations

import difflib
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from subscriptions import documents, languages, severity, topics
from subscriptions.documents import Faults
from subscriptions.limits import DAY_MS
from subscriptions.quiet_hours import QuietHours

CHANNELS_AT_MOST = 10
PLACES_AT_MOST = 50
PAUSE_MS = (-DAY_MS, 366 * DAY_MS)
"""From when to when, counted from now, a pause may end. It may have ended a moment ago, since whoever sends a whole document back sends
that moment too; one that ends in years is a slip or a dare."""


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The base of every part of a request."""


class PlaceRequest(_Document, frozen=True):
    """One place: exactly one of `zip`, `neighborhood`, `borough`, `citywide`, `address`, `polygon`, or `lat` with `lon`."""

    zip: str | None = None
    neighborhood: str | None = None
    borough: str | None = None
    citywide: bool | None = None
    address: str | None = None
    lat: float | None = None
    lon: float | None = None
    radius_m: float | None = None
    """Metres around the point or the address."""
    polygon: dict[str, Any] | None = None
    """A GeoJSON Polygon, as drawn on a map."""
    label: str | None = None
    """The person's own word for it, never shown to anyone else."""


class PushKeys(_Document, frozen=True):
    """The keys of a PushSubscription (W3C Push API §8), base64url."""

    p256dh: str
    auth: str


class PushSubscription(_Document, frozen=True):
    """What `PushSubscription.toJSON()` gives in a browser."""

    endpoint: str
    keys: PushKeys
    expirationTime: float | None = None  # noqa: N815 - the browser's own spelling

    def __repr__(self) -> str:
        return "<PushSubscription>"


class ChannelRequest(_Document, frozen=True):
    """One way to reach the person. Telegram has no address: the person opens the hub's bot by a link."""

    kind: str
    address: str | None = None
    subscription: PushSubscription | None = None

    def __repr__(self) -> str:
        return f"<ChannelRequest {self.kind[:20]}>"


class SubscriptionRequest(_Document, frozen=True):
    """The body of ``POST /api/v1/subscriptions``."""

    places: tuple[PlaceRequest, ...]
    channels: tuple[ChannelRequest, ...]
    topics: tuple[str, ...] = topics.EVERYDAY
    minimum_severity: str = "Minor"
    severities: dict[str, str] = {}
    """Topic → least severity, where it is another than `minimum_severity`."""
    language: str = "en"
    quiet_hours: QuietHours | None = None
    paused_until: datetime | None = None
    """Nothing comes before."""
    drills: bool = False
    discreet: bool = False
    """A neutral sender and neutral words, no sound (safeguard S29)."""


class SubscriptionChange(_Document, frozen=True):
    """The body of ``PATCH``: what is named replaces what was; what is absent stays. `remove_channels` holds ids of the view."""

    places: tuple[PlaceRequest, ...] | UnsetType = UNSET
    topics: tuple[str, ...] | UnsetType = UNSET
    minimum_severity: str | UnsetType = UNSET
    severities: dict[str, str] | UnsetType = UNSET
    language: str | UnsetType = UNSET
    quiet_hours: QuietHours | UnsetType | None = UNSET
    paused_until: datetime | UnsetType | None = UNSET
    drills: bool | UnsetType = UNSET
    discreet: bool | UnsetType = UNSET
    add_channels: tuple[ChannelRequest, ...] = ()
    remove_channels: tuple[str, ...] = ()


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """A person's choices as the database keeps them; UNSET for what a change leaves alone."""

    topics: int | UnsetType = UNSET
    minimum_severity: int | UnsetType = UNSET
    severities: int | UnsetType = UNSET
    language: int | UnsetType = UNSET
    quiet_hours: QuietHours | UnsetType | None = UNSET
    """A row of its own, which many share: see `subscriptions.store.sql.quiet_rule`."""
    paused_until: int | UnsetType | None = UNSET
    drills: int | UnsetType = UNSET
    discreet: int | UnsetType = UNSET

    def columns(self) -> dict[str, Any]:
        """Column → value of what is set, but for the quiet hours."""
        values = msgspec.structs.asdict(self)
        return {name: value for name, value in values.items() if value is not UNSET and name != "quiet_hours"}


def read_subscription(raw: bytes) -> SubscriptionRequest:
    """The document in its right shape. Raises UnreadableDocument, or InvalidSubscription with every fault."""
    return documents.read(raw, SubscriptionRequest)


def read_change(raw: bytes) -> SubscriptionChange:
    """As `read_subscription`, for ``PATCH``."""
    return documents.read(raw, SubscriptionChange)


def choices(request: SubscriptionRequest | SubscriptionChange, faults: Faults) -> Choices:
    """Everything but places and addresses, checked for its meaning."""
    if isinstance(request.quiet_hours, QuietHours):
        request.quiet_hours.check(faults, "/quiet_hours")
    return Choices(
        topics=_topics(request.topics, faults),
        minimum_severity=_severity(request.minimum_severity, faults),
        severities=_severities(request.severities, faults),
        language=_language(request.language, faults),
        quiet_hours=request.quiet_hours,
        paused_until=_moment(request.paused_until, faults),
        drills=UNSET if request.drills is UNSET else int(request.drills),
        discreet=UNSET if request.discreet is UNSET else int(request.discreet),
    )


def _topics(wanted: tuple[str, ...] | UnsetType, faults: Faults) -> int | UnsetType:
    if wanted is UNSET:
        return UNSET
    for index, topic in enumerate(wanted):
        if topic not in topics.TOPICS:
            faults.add(f"/topics/{index}", one_of("topic", topic, topics.TOPICS))
        elif topic in wanted[:index]:
            faults.add(f"/topics/{index}", f"{topic} stands here twice: leave one")
    if not wanted:
        faults.add("/topics", f"name at least one of {', '.join(topics.TOPICS)}, or leave the field out for all but test")
    return topics.mask(topic for topic in wanted if topic in topics.TOPICS)


def _severity(wanted: str | UnsetType, faults: Faults) -> int | UnsetType:
    if wanted is UNSET:
        return UNSET
    if wanted not in severity.SEVERITIES:
        faults.add("/minimum_severity", one_of("severity", wanted, severity.SEVERITIES))
        return 0
    return severity.rank(wanted)


def _language(wanted: str | UnsetType, faults: Faults) -> int | UnsetType:
    if wanted is UNSET:
        return UNSET
    tag = languages.nearest(wanted)
    if tag is None:
        faults.add("/language", one_of("language of this hub", wanted, tuple(languages.LANGUAGES)))
        return 0
    return languages.number(tag)


def _severities(wanted: dict[str, str] | UnsetType, faults: Faults) -> int | UnsetType:
    if wanted is UNSET:
        return UNSET
    known = {}
    for topic, least in wanted.items():
        if topic not in topics.TOPICS:
            faults.add(f"/severities/{documents.escape(topic[:80])}", one_of("topic", topic, topics.TOPICS))
        elif least not in severity.SEVERITIES:
            faults.add(f"/severities/{topic}", one_of("severity", least, severity.SEVERITIES))
        else:
            known[topic] = least
    return topics.levels(known)


def _moment(wanted: datetime | UnsetType | None, faults: Faults) -> int | UnsetType | None:
    if wanted is UNSET or wanted is None:
        return wanted
    if wanted.tzinfo is None:
        faults.add("/paused_until", "has no offset from UTC: write it like 2026-12-01T08:00:00-05:00")
        return None
    return int(wanted.timestamp() * 1000)


def check_pause(until: int | UnsetType | None, now: int, faults: Faults) -> None:
    """Whether a pause ends when a pause can; both in milliseconds since 1970."""
    if until is UNSET or until is None:
        return
    earliest, latest = PAUSE_MS
    if until - now < earliest:
        faults.add("/paused_until", "has passed: name a moment that is still to come, or null for no pause")
    elif until - now > latest:
        faults.add("/paused_until", f"is too far away: name a moment in the next {latest // DAY_MS} days")


def one_of(kind: str, given: str, known: tuple[str, ...]) -> str:
    """Say that a word is none of the known ones, and which it may have meant."""
    near = difflib.get_close_matches(given.casefold(), [word.casefold() for word in known], n=1, cutoff=0.7)
    meant = next((word for word in known if word.casefold() in near), None)
    return f"{given[:40]!r} is not a {kind}. " + (f"Did you mean {meant}?" if meant else f"Choose one of {', '.join(known)}.")
