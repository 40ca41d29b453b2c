"""How far each language has got: strings that there are, that were written here, and that a speaker has checked."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hub.languages.catalogue import SOURCE_LANGUAGE, catalogue
from subscriptions.languages import LANGUAGES

DOMAINS = {
    "messages": "Messages",
    "glossary": "Hazards and what to do",
    "pages": "Residents' pages",
    "bot": "Telegram bot",
    "sms": "Answers to text messages",
}
"""Domain → what its strings are for."""

YARDSTICK = "es"
"""Tests hold every language whole by this one: it has every string that there is."""


class Coverage(msgspec.Struct, frozen=True):
    """One domain in one language. `written` and `checked` are the two states of a translated string: none is in both."""

    language: str
    domain: str
    strings: int
    written: int
    checked: int

    @property
    def missing(self) -> int:
        """Strings that are said in English."""
        return self.strings - self.written - self.checked


def coverage() -> Iterator[Coverage]:
    """Every language but English, every domain."""
    for language in LANGUAGES:
        if language != SOURCE_LANGUAGE:
            yield from (_of(language, domain) for domain in DOMAINS)


def _of(language: str, domain: str) -> Coverage:
    every = catalogue(domain, YARDSTICK).entries
    have = [entry for message, entry in catalogue(domain, language).entries.items() if message in every]
    checked = sum(entry.checked is not None for entry in have)
    return Coverage(language, domain, len(every), len(have) - checked, checked)
