"""What a person can choose, in words that need no explanation. The English strings are msgids of pages.po."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from hub.web.language import Words
from hub.web.residents.forms import Data, text, texts
from subscriptions.languages import LANGUAGES, listed, nearest

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


class LevelOption(msgspec.Struct, frozen=True):
    """The severities of one topic; the first, without a value, is "as above"."""

    topic: str
    name: str
    levels: list[Option]


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be ticked besides places, addresses and times."""

    topics: list[Option]
    severities: list[Option]
    levels: list[LevelOption]
    languages: list[Option]
    drills: bool
    discreet: bool


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has ticked."""

    topics: tuple[str, ...] = tuple(TOPIC_WORDS)
    minimum_severity: str = "Minor"
    severities: dict[str, str] = {}
    language: str = "en"
    drills: bool = False
    discreet: bool = False

    @property
    def all_topics(self) -> tuple[str, ...]:
        """With the topic of tests for who takes drills."""
        return self.topics + (("test",) if self.drills and self.topics else ())


def read_chosen(data: Data, language: str) -> Chosen:
    """The ticks of a POST."""
    levels = {topic: level for topic in TOPIC_WORDS if (level := text(data, f"level_{topic}"))}
    return Chosen(
        topics=texts(data, "topics"),
        minimum_severity=text(data, "minimum_severity", "Minor"),
        severities=levels,
        language=nearest(text(data, "language", language)) or "en",
        drills="drills" in data,
        discreet="discreet" in data,
    )


def choices(words: Words, chosen: Chosen) -> Choices:
    """The options with the person's own ticked."""
    level = "Minor" if chosen.minimum_severity == "Unknown" else chosen.minimum_severity
    return Choices(
        topics=[Option(key, words.text(name), words.text(hint), key in chosen.topics) for key, (name, hint) in TOPIC_WORDS.items()],
        severities=_severities(words, level),
        levels=[
            LevelOption(topic, words.text(name), _severities(words, chosen.severities.get(topic, "")))
            for topic, (name, _) in TOPIC_WORDS.items()
        ],
        languages=[Option(tag, name, "", tag == chosen.language) for tag, name in LANGUAGES.items()],
        drills=chosen.drills,
        discreet=chosen.discreet,
    )


def _severities(words: Words, chosen: str) -> list[Option]:
    return [Option(key, words.text(name), words.text(hint), key == chosen) for key, (name, hint) in SEVERITY_WORDS.items()]


def channel_options(words: Words, available: Collection[str], chosen: str, *, first: str = "email") -> list[Option]:
    """The channels that a person can sign up for in a browser, those of this hub only, with `first` before the others."""
    offered = [kind for kind in dict.fromkeys((first, "email", "sms", "web_push", "telegram")) if kind in available]
    return [Option(kind, words.text(CHANNEL_WORDS[kind][0]), words.text(CHANNEL_WORDS[kind][1]), kind == chosen) for kind in offered]


def channel_name(words: Words, kind: str) -> str:
    """``E-mail``."""
    return words.text(CHANNEL_WORDS[kind][0]) if kind in CHANNEL_WORDS else kind


def topics_sentence(words: Words, topics: Collection[str]) -> str:
    """``Weather, Fire``, or that it is everything; that it is drills where it is nothing else."""
    chosen = [words.text(name) for key, (name, _) in TOPIC_WORDS.items() if key in topics]
    return (
        words.text("All topics")
        if len(chosen) == len(TOPIC_WORDS)
        else listed(chosen, words.language) or words.text("Drills and tests too")
    )


def severity_sentence(words: Words, minimum: str) -> str:
    """``Only danger to people or homes``."""
    return words.text(SEVERITY_WORDS["Minor" if minimum == "Unknown" else minimum][0])


def radii(words: Words) -> list[tuple[int, str]]:
    """Distances to choose from."""
    return [(meters, words.text(name)) for meters, name in RADII]
