"""An alert as JSON, checked field by field: every fault is found in one go, and each says where it is and how to mend it.

The fields are those of the staff API; the limits are one table in `hub.alerts.limits`. Nothing is accepted and ignored: an unknown field is
a fault, and so is a field that a later release will bring.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from urllib.parse import urlsplit

from hub.alerts import limits
from hub.alerts.alert import TOPICS_BY_CATEGORY, Alert, Area, Category, Certainty, Circle, Info, MsgType, Severity, Status, Urgency
from hub.alerts.area import resolve_into
from hub.alerts.faults import Faults, did_you_mean, one_of, shown
from hub.alerts.json_fields import Fields, decode
from hub.clock import instant
from subscriptions.areas import AreaCatalog
from subscriptions.languages import LANGUAGES, nearest
from subscriptions.topics import TOPICS

STATUSES: tuple[Status, ...] = get_args(Status)
MSG_TYPES: tuple[MsgType, ...] = get_args(MsgType)
CATEGORIES: tuple[Category, ...] = get_args(Category)
URGENCIES: tuple[Urgency, ...] = get_args(Urgency)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
CERTAINTIES: tuple[Certainty, ...] = get_args(Certainty)

LATER = "is not supported yet: leave it out"
"""What a field of a later release gets."""

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far in the future "known since" may lie, for clocks that differ."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_.:-]+")
_STAND_IN = datetime.max.replace(tzinfo=UTC)


def read_alert(raw: bytes, catalog: AreaCatalog, now: float, *, archive: bool = False, follows: str | None = None) -> Alert:
    """The alert of a JSON document.

    `now`: seconds since 1970. `archive`: one of another time, which may have expired and may be longer than what staff write.
    `follows`: id of the alert that it updates or cancels, so that `references` may be left out.
    Raises BadRequest (not JSON), TooLarge, InvalidInput (every fault with its pointer).
    """
    faults = Faults()
    fields = Fields(decode(raw), "", faults)
    category = fields.choice("category", CATEGORIES)
    msg_type = fields.choice("msgType", MSG_TYPES, "Alert")
    expires, onset, known_since = _times(fields, instant(now), archive=archive)
    area = _area(fields)
    alert = Alert(
        status=fields.choice("status", STATUSES, "Actual"),
        msgType=msg_type,
        category=category,
        event=fields.text("event", limits.EVENT.of(imported=archive), required=True),
        urgency=fields.choice("urgency", URGENCIES),
        severity=fields.choice("severity", SEVERITIES),
        certainty=fields.choice("certainty", CERTAINTIES),
        onset=onset,
        expires=expires,
        infos=_infos(fields, imported=archive),
        area=area or Area(),
        known_since=known_since,
        topics=_topics(fields, category),
        incident=_identifier(fields, "incident"),
        references=_references(fields, msg_type, follows),
    )
    fields.refuse("send_at", LATER)
    fields.close()
    if area is not None:
        resolve_into(faults, area, catalog)
    faults.check()
    return alert


def _times(fields: Fields, now: datetime, *, archive: bool) -> tuple[datetime, datetime | None, datetime | None]:
    expires, onset, known_since = fields.instant("expires", required=True), fields.instant("onset"), fields.instant("known_since")
    earliest = now - timedelta(days=limits.PAST.of(imported=archive))
    if expires is not None:
        _check_expiry(fields, expires, now, archive=archive)
    for name, moment in (("onset", onset), ("known_since", known_since)):
        if moment is not None and moment < earliest:
            fields.fault(name, f"lies more than {limits.PAST.of(imported=archive)} days in the past")
    if expires is not None and onset is not None and onset >= expires:
        fields.fault("onset", "must lie before expires")
    if known_since is not None and known_since > now + CLOCKS_DIFFER:
        fields.fault("known_since", "lies in the future")
    return expires or _STAND_IN, onset, known_since


def _check_expiry(fields: Fields, expires: datetime, now: datetime, *, archive: bool) -> None:
    longest = limits.LIFETIME.of(imported=archive)
    if expires <= now and not archive:
        fields.fault("expires", f"lies in the past: it is now {now.astimezone(expires.tzinfo).isoformat(timespec='seconds')}")
    elif expires > now + timedelta(days=longest):
        fields.fault("expires", f"lies more than {longest:,} days ahead: publish it again when it still holds")


def _infos(fields: Fields, *, imported: bool) -> tuple[Info, ...]:
    infos = []
    languages: dict[str, str] = {}
    for pointer, item in fields.items("infos", limits.INFOS.of(imported=imported), required=True):
        info = Fields(item, pointer, fields.faults)
        read = _info(info, imported=imported)
        language = _supported(info, read.language)
        if language in languages:
            info.fault("language", f"is a language that {languages[language]} has already: one info for each")
        elif language:
            languages[language] = pointer
        infos.append(read)
    return tuple(infos)


def is_language_tag(text: str) -> bool:
    """Whether it has the form of a BCP 47 tag."""
    return _LANGUAGE.fullmatch(text) is not None


def _supported(info: Fields, given: str) -> str | None:
    """The hub's own tag for a language, None when it has none."""
    supported = nearest(given) if is_language_tag(given) else None
    if given and not is_language_tag(given):
        info.fault("language", f"“{shown(given)}” is not a language tag (BCP 47) such as en-US or es")
    elif given and supported is None:
        info.fault("language", f"“{shown(given)}” is not a language of this hub: {one_of(LANGUAGES)}")
    return supported


def _info(info: Fields, *, imported: bool) -> Info:
    read = Info(
        language=info.text("language", limits.NAME.authored, required=True),
        headline=info.text("headline", limits.HEADLINE.of(imported=imported), required=True),
        description=info.text("description", limits.DESCRIPTION.of(imported=imported), lines=True, empty=True),
        instruction=info.text("instruction", limits.INSTRUCTION.of(imported=imported), lines=True, empty=True),
        web=info.text("web", limits.WEB.authored, nullable=True) or None,
    )
    if read.web and not is_web_address(read.web):
        info.fault("web", f"“{shown(read.web)}” is not a web address such as https://example.gov/storm")
    info.close()
    return read


def is_web_address(text: str) -> bool:
    """Whether it is an http or https URL that may stand in a message: with a host, without a log-in or spaces."""
    try:
        parts = urlsplit(text)
        port_is_possible = parts.port != 0
    except ValueError:
        return False
    host = parts.hostname or ""
    plain = re.fullmatch(r"[^\s\"<>\\^`{|}]+", text) is not None
    return parts.scheme in {"http", "https"} and "." in host.strip(".") and "@" not in parts.netloc and plain and port_is_possible


def _topics(fields: Fields, category: Category) -> tuple[str, ...]:
    named = []
    for pointer, topic in fields.words("topics", len(TOPICS), limits.NAME.authored):
        if topic in TOPICS:
            named.append(topic)
        elif topic:
            fields.faults.add(pointer, f"“{shown(topic)}” is not one of {one_of(TOPICS)}.{did_you_mean(topic.lower(), TOPICS)}")
    return tuple(sorted(named, key=TOPICS.index)) or (TOPICS_BY_CATEGORY[category],)


def _identifier(fields: Fields, name: str) -> str | None:
    value = fields.text(name, limits.IDENTIFIER.authored, nullable=True)
    if value and not _IDENTIFIER.fullmatch(value):
        fields.fault(name, f"“{shown(value)}” is not an id of this hub")
    return value or None


def _references(fields: Fields, msg_type: MsgType, follows: str | None) -> tuple[str, ...]:
    named = []
    for pointer, value in fields.words("references", limits.REFERENCES.authored, limits.IDENTIFIER.authored):
        if value and not _IDENTIFIER.fullmatch(value):
            fields.faults.add(pointer, f"“{shown(value)}” is not an id of this hub")
        named.append(value)
    if follows is not None and follows not in named:
        named.append(follows)
    if msg_type != "Alert" and not named and not fields.given("references"):
        fields.fault("references", f"is missing: name the alert that this {msg_type.lower()} is about")
    return tuple(named)


def _area(fields: Fields) -> Area | None:
    """The area as its author wrote it; None when it can't be looked up because its fields are wrong already."""
    if not fields.given("area", required=True):
        return None
    before = len(fields.faults)
    area = Fields(fields.value("area"), fields.at("area"), fields.faults)
    read = Area(
        zips=_names(area, "zips"),
        neighborhoods=_names(area, "neighborhoods"),
        boroughs=_names(area, "boroughs"),
        polygon=_polygon(area),
        circle=_circle(area),
        citywide=area.flag("citywide"),
    )
    area.refuse("layers", LATER)
    area.close()
    whole = Area() != read or len(fields.faults) == before
    return read if whole else None


def _names(area: Fields, name: str) -> tuple[str, ...]:
    return tuple(word for _, word in area.words(name, limits.NAMES.authored, limits.NAME.authored))


def _polygon(area: Fields) -> dict[str, Any] | None:
    if not area.given("polygon", nullable=True):
        return None
    value = area.value("polygon")
    if isinstance(value, dict):
        return value
    area.fault("polygon", "must be a GeoJSON Polygon or MultiPolygon")
    return None


def _circle(area: Fields) -> Circle | None:
    if not area.given("circle", nullable=True):
        return None
    before = len(area.faults)
    circle = Fields(area.value("circle"), area.at("circle"), area.faults)
    read = Circle(
        lat=circle.number("lat", -90, 90),
        lon=circle.number("lon", -180, 180),
        radius_m=circle.number("radius_m", limits.SMALLEST_RADIUS_M, limits.RADIUS.authored),
    )
    circle.close()
    return read if len(area.faults) == before else None
