"""What a person can choose, in words that need no explanation, and how their choices read in one sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from msgspec import UNSET

from hub.bot import places
from hub.bot.talk import TIMEZONE, Talk
from hub.bot.words import N_
from subscriptions.languages import LANGUAGES, listed
from subscriptions.quiet_hours import QuietHours
from subscriptions.subscriber import SubscriptionChange
from subscriptions.topics import EVERYDAY, with_drills
from subscriptions.views import SubscriptionView

TOPICS = {
    "emergency": N_("Emergencies"),
    "weather": N_("Weather"),
    "fire": N_("Fire"),
    "crime": N_("Crime and safety"),
    "missing": N_("Missing people"),
    "health": N_("Health"),
    "utilities": N_("Power, water, gas"),
    "transit": N_("Streets and transit"),
    "schools": N_("Schools"),
    "events": N_("Events"),
}
"""The gravest first. Tests are a choice of their own."""

SEVERITIES = {
    "Minor": N_("Everything"),
    "Moderate": N_("What may disturb my day"),
    "Severe": N_("Only danger to people or homes"),
    "Extreme": N_("Only when lives are in danger"),
}
"""Minimum severity → what one gets with it."""

QUIET = ("22:00-07:00", "23:00-06:00", "21:00-08:00")
PAUSES = {"8": N_("8 hours"), "24": N_("1 day"), "168": N_("1 week")}
"""Hours."""
OFF = "off"

_ANY_DAY = date(2026, 1, 1)

_HOURS = re.compile(r"(\d{1,2})(?::(\d{2}))?(?:\s*[-–—]\s*|\s+)(\d{1,2})(?::(\d{2}))?")


def severity_of(view: SubscriptionView) -> str:
    """The level that a button shows as chosen."""
    return "Minor" if view.minimum_severity == "Unknown" else view.minimum_severity


def read_hours(text: str) -> str | None:
    """``22:00-07:00`` from what people type: "22-7", "22:00 – 7:30", in any script's digits. None when it is no such thing."""
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        return None
    start, end = (f"{int(hour):02}:{int(minute or 0):02}" for hour, minute in (found.group(1, 2), found.group(3, 4)))
    return f"{start}-{end}"


def change(field: str, value: str, view: SubscriptionView, now: float) -> SubscriptionChange | None:  # noqa: PLR0911 - a table
    """What a press of a button asks for; None for one that no button of ours sends."""
    match field:
        case "severity" if value in SEVERITIES:
            return SubscriptionChange(minimum_severity=value)
        case "language" if value in LANGUAGES:
            return SubscriptionChange(language=value)
        case "drills" if value in {"0", "1"}:
            return SubscriptionChange(drills=value == "1", topics=with_drills(view.topics, wanted=value == "1"))
        case "discreet" if value in {"0", "1"}:
            return SubscriptionChange(discreet=value == "1")
        case "pause" if value in PAUSES or value == OFF:
            until = None if value == OFF else datetime.fromtimestamp(int(now) + int(value) * 3600, UTC)
            return SubscriptionChange(paused_until=until)
        case "quiet":
            return _quiet(value, view)
    return None


def _quiet(value: str, view: SubscriptionView) -> SubscriptionChange | None:
    if value == OFF:
        return SubscriptionChange(quiet_hours=None)
    start, dash, end = value.partition("-")
    before = view.quiet_hours
    zone, severe = (before.timezone, before.severe) if before is not None else (TIMEZONE, True)
    return SubscriptionChange(quiet_hours=QuietHours(start=start, end=end, timezone=zone, severe=severe)) if dash else None


def toggle(topic: str, wanted: bool, view: SubscriptionView) -> SubscriptionChange | None:
    """Take or leave a topic; None when none would be left. A severity of its own stays only with its topic."""
    if topic not in TOPICS:
        return None
    chosen = {*view.topics, topic} if wanted else {*view.topics} - {topic}
    if not chosen - {"test"}:
        return None
    severities: Mapping[str, str] = {name: least for name, least in view.severities.items() if name in chosen}
    in_order = tuple(name for name in (*EVERYDAY, "test") if name in chosen)
    return SubscriptionChange(topics=in_order, severities=dict(severities) if severities != view.severities else UNSET)


def level(topic: str, least: str, view: SubscriptionView) -> SubscriptionChange | None:
    """A topic's own least severity, or with `OFF` none of its own; None for what no button of ours sends."""
    if topic not in TOPICS or topic not in view.topics or least not in {*SEVERITIES, OFF}:
        return None
    others = {name: kept for name, kept in view.severities.items() if name != topic}
    return SubscriptionChange(severities=others if least == OFF else others | {topic: least})


def hours(value: str, talk: Talk) -> str:
    """``22:00-07:00`` as a reader of the language says it."""
    zone = ZoneInfo(TIMEZONE)
    start, end = (talk.phrases.time(datetime.combine(_ANY_DAY, time.fromisoformat(part), zone).timestamp()) for part in value.split("-"))
    return f"{start} – {end}"


def topics_in_words(view: SubscriptionView, talk: Talk) -> str:
    """``Weather, Fire``, or that it is everything."""
    chosen = [talk.plain(name) for topic, name in TOPICS.items() if topic in view.topics]
    return talk.plain(N_("all topics")) if len(chosen) == len(TOPICS) else listed(chosen, talk.language)


def severity_in_words(view: SubscriptionView, talk: Talk) -> str:
    """``Everything (Weather: Only when lives are in danger)``."""
    single = [f"{talk.plain(name)}: {own}" for topic, name in TOPICS.items() if (own := own_level(topic, view, talk))]
    return talk.plain(SEVERITIES[severity_of(view)]) + (f" ({'; '.join(single)})" if single else "")


def own_level(topic: str, view: SubscriptionView, talk: Talk) -> str:
    """What one gets of a topic with a level of its own, "" for one without."""
    least = view.severities.get(topic) if topic in view.topics else None
    return talk.plain(SEVERITIES["Minor" if least == "Unknown" else least]) if least else ""


def summary(view: SubscriptionView, talk: Talk) -> str:
    """Everything that is chosen, line by line, as HTML."""
    lines = [
        talk.say(N_("Places: %(places)s"), places="; ".join(places.place_name(place, talk) for place in view.places)),
        talk.say(N_("Topics: %(topics)s"), topics=topics_in_words(view, talk)),
        talk.say(N_("How serious: %(severity)s"), severity=severity_in_words(view, talk)),
        talk.say(N_("Language: %(language)s"), language=LANGUAGES[view.language]),
    ]
    if view.quiet_hours is not None:
        lines.append(talk.say(N_("Quiet hours: %(hours)s"), hours=hours(f"{view.quiet_hours.start}-{view.quiet_hours.end}", talk)))
    if view.paused_until is not None:
        until = talk.phrases.moment(view.paused_until.timestamp(), talk.hub.clock())
        lines.append(talk.say(N_("Paused until %(when)s"), when=until))
    if view.drills:
        lines.append(talk.say(N_("Drills come too.")))
    if view.discreet:
        lines.append(talk.say(N_("Messages are discreet: neutral words, no sound.")))
    return "\n".join(lines)
