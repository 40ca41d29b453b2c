"""What a resident asks for: the documents of INTERFACE's subscriptions and the choices that are kept of them."""

from __future__ import annotations

import difflib
import functools
import re
import zoneinfo
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from subscriptions import documents, languages, severity, topics
from subscriptions.documents import Faults

CHANNELS_AT_MOST = 10
PLACES_AT_MOST = 50
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The base of every part of a request."""


class PlaceRequest(_Document, frozen=True):
    """One place: exactly one of `zip`, `neighborhood`, `borough`, `citywide`, `address`, or `lat` with `lon`."""

    zip: str | None = None
    neighborhood: str | None = None
    borough: str | None = None
    citywide: bool | None = None
    address: str | None = None
    lat: float | None = None
    lon: float | None = None
    radius_m: float | None = None
    """Metres around the point."""
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


class QuietHours(_Document, frozen=True, rename={"start": "from", "end": "to"}):
    """From one time of day to another, over midnight when `from` is later, in an IANA time zone."""

    start: str
    end: str
    timezone: str


class SubscriptionRequest(_Document, frozen=True):
    """The body of ``POST /api/v1/subscriptions``."""

    places: tuple[PlaceRequest, ...]
    channels: tuple[ChannelRequest, ...]
    topics: tuple[str, ...] = topics.EVERYDAY
    minimum_severity: str = "Minor"
    language: str = "en"
    quiet_hours: QuietHours | None = None
    drills: bool = False


class SubscriptionChange(_Document, frozen=True):
    """The body of ``PATCH``: what is named replaces what was; what is absent stays. `remove_channels` holds ids of the view."""

    places: tuple[PlaceRequest, ...] | UnsetType = UNSET
    topics: tuple[str, ...] | UnsetType = UNSET
    minimum_severity: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    quiet_hours: QuietHours | UnsetType | None = UNSET
    drills: bool | UnsetType = UNSET
    add_channels: tuple[ChannelRequest, ...] = ()
    remove_channels: tuple[str, ...] = ()


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """A person's choices as the database keeps them; UNSET for what a change leaves alone."""

    topics: int | UnsetType = UNSET
    minimum_severity: int | UnsetType = UNSET
    language: int | UnsetType = UNSET
    quiet_hours: str | UnsetType | None = UNSET
    drills: int | UnsetType = UNSET

    def columns(self) -> dict[str, Any]:
        """Column → value of what is set."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not UNSET}


def read_subscription(raw: bytes) -> SubscriptionRequest:
    """The document in its right shape. Raises UnreadableDocument, or InvalidSubscription with every fault."""
    return documents.read(raw, SubscriptionRequest)


def read_change(raw: bytes) -> SubscriptionChange:
    """As `read_subscription`, for ``PATCH``."""
    return documents.read(raw, SubscriptionChange)


def choices(request: SubscriptionRequest | SubscriptionChange, faults: Faults) -> Choices:
    """Topics, severity, language, quiet hours and drills, checked for their meaning."""
    return Choices(
        topics=_topics(request.topics, faults),
        minimum_severity=_severity(request.minimum_severity, faults),
        language=_language(request.language, faults),
        quiet_hours=_quiet_hours(request.quiet_hours, faults),
        drills=UNSET if request.drills is UNSET else int(request.drills),
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


def _quiet_hours(wanted: QuietHours | UnsetType | None, faults: Faults) -> str | UnsetType | None:
    if wanted is UNSET or wanted is None:
        return wanted
    for name, value in (("from", wanted.start), ("to", wanted.end)):
        if not _TIME_OF_DAY.fullmatch(value):
            faults.add(f"/quiet_hours/{name}", "expected a time of day such as 22:00")
    if wanted.start == wanted.end:
        faults.add("/quiet_hours/to", "from and to are the same: leave quiet_hours out for none")
    if wanted.timezone not in _time_zones():
        faults.add("/quiet_hours/timezone", "expected an IANA time zone such as America/New_York")
    return msgspec.json.encode(wanted).decode()


@functools.cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def one_of(kind: str, given: str, known: tuple[str, ...]) -> str:
    """Say that a word is none of the known ones, and which it may have meant."""
    near = difflib.get_close_matches(given.casefold(), [word.casefold() for word in known], n=1, cutoff=0.7)
    meant = next((word for word in known if word.casefold() in near), None)
    return f"{given[:40]!r} is not a {kind}. " + (f"Did you mean {meant}?" if meant else f"Choose one of {', '.join(known)}.")
