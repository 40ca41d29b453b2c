"""What a person can choose, in words that need no explanation. The English strings are msgids of pages.po."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from hub.web.language import Words
from subscriptions.languages import LANGUAGES

TOPIC_WORDS = {
    "emergency": ("Emergencies", "Evacuations, collapses, hazardous materials"),
    "weather": ("Weather", "Floods, storms, heat, snow"),
    "fire": ("Fire", "Large fires and smoke"),
    "crime": ("Crime and safety", "Police activity, public danger"),
    "missing": ("Missing people", "Children and vulnerable adults"),
    "health": ("Health", "Outbreaks, air quality, unsafe water"),
    "utilities": ("Power, water, gas", "Outages and leaks"),
    "transit": ("Streets and transit", "Closures and serious delays"),
    "schools": ("Schools", "Closings and early dismissals"),
    "events": ("Events", "Parades, marathons, street fairs"),
}
"""Topic → its name and what it is about, the gravest first. `test` is a choice of its own."""

SEVERITY_WORDS = {
    "Minor": ("Everything", "Closures, delays and other small matters too"),
    "Moderate": ("What may disturb my day", "And everything worse"),
    "Severe": ("Only danger to people or homes", "Severe and extreme alerts"),
    "Extreme": ("Only when lives are in danger", "Extreme alerts; they are rare"),
}
"""Minimum severity → what a person gets with it."""

CHANNEL_WORDS = {
    "email": ("E-mail", "A message with all details"),
    "sms": ("Text message", "Works on any phone"),
    "web_push": ("This browser", "A notification, no address needed"),
    "telegram": ("Telegram", "A message from our bot"),
    "apprise": ("Another service", ""),
    "webhook": ("Webhook", ""),
}
"""Channel → its name and what comes that way."""

ADDRESS_STATES = {"active": "", "unconfirmed": "not confirmed yet", "dead": "no longer works", "stopped": "stopped"}
RADII = ((400, "A quarter mile"), (800, "Half a mile"), (1600, "1 mile"), (4800, "3 miles"))
"""Metres and how a New Yorker says them."""


class Option(msgspec.Struct, frozen=True):
    """One thing to tick."""

    value: str
    name: str
    hint: str
    chosen: bool


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be ticked besides places and addresses."""

    topics: list[Option]
    severities: list[Option]
    languages: list[Option]
    drills: bool


def choices(words: Words, *, topics: Collection[str], minimum_severity: str, language: str, drills: bool) -> Choices:
    """The options with the person's own ticked."""
    level = "Minor" if minimum_severity == "Unknown" else minimum_severity
    return Choices(
        topics=[Option(key, words.text(name), words.text(hint), key in topics) for key, (name, hint) in TOPIC_WORDS.items()],
        severities=[Option(key, words.text(name), words.text(hint), key == level) for key, (name, hint) in SEVERITY_WORDS.items()],
        languages=[Option(tag, name, "", tag == language) for tag, name in LANGUAGES.items()],
        drills=drills,
    )


def channel_options(words: Words, available: Collection[str], chosen: str) -> list[Option]:
    """The channels that a person can sign up for in a browser, those of this hub only."""
    offered = [kind for kind in ("email", "sms", "web_push", "telegram") if kind in available]
    return [Option(kind, words.text(CHANNEL_WORDS[kind][0]), words.text(CHANNEL_WORDS[kind][1]), kind == chosen) for kind in offered]


def channel_name(words: Words, kind: str) -> str:
    """``E-mail``."""
    return words.text(CHANNEL_WORDS[kind][0]) if kind in CHANNEL_WORDS else kind


def topics_sentence(words: Words, topics: Collection[str]) -> str:
    """``Weather, Fire``, or that it is everything."""
    chosen = [words.text(name) for key, (name, _) in TOPIC_WORDS.items() if key in topics]
    return words.text("All topics") if len(chosen) == len(TOPIC_WORDS) else ", ".join(chosen)


def severity_sentence(words: Words, minimum: str) -> str:
    """``Only danger to people or homes``."""
    return words.text(SEVERITY_WORDS["Minor" if minimum == "Unknown" else minimum][0])


def radii(words: Words) -> list[tuple[int, str]]:
    """Distances to choose from."""
    return [(meters, words.text(name)) for meters, name in RADII]
