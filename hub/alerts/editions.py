"""Who gets an alert whose source writes one document per language.

New York's feed sends the same notice thirteen times, each in another language, with no key that ties them together; the language stands
only in the name of the sender ("NYCEM [Spanish]"), while CAP's own `language` says en-US in all of them. So that nobody gets it thirteen
times, an alert in one language goes to that language's readers:

- A mark in square brackets at the end of `senderName` names an edition and its language, and overrules `language`.
- An edition in another language than English goes to the readers of that language. The Chinese edition, written in traditional characters,
  goes to readers of both Chinese scripts.
- The English edition goes to readers of English, and to readers of each language in which the source has no edition.
- A document without a mark: in English, or in several languages, it goes to everyone; in one other language, to its readers only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from subscriptions.languages import LANGUAGES, nearest

EDITIONS: dict[str, tuple[str, ...]] = {
    "english": ("en",),
    "spanish": ("es",),
    "chinese": ("zh-Hant", "zh-Hans"),
    "chinese (traditional)": ("zh-Hant",),
    "traditional chinese": ("zh-Hant",),
    "chinese (simplified)": ("zh-Hans",),
    "simplified chinese": ("zh-Hans",),
    "russian": ("ru",),
    "bengali": ("bn",),
    "haitian creole": ("ht",),
    "korean": ("ko",),
    "arabic": ("ar",),
    "urdu": ("ur",),
    "french": ("fr",),
    "polish": ("pl",),
    "yiddish": ("yi",),
    "italian": ("it",),
} | {own_name.lower(): (tag,) for tag, own_name in LANGUAGES.items()}
"""The mark's text in lower case → the languages whose readers it is for; the first is the one it is written in."""

PUBLISHED_BY_SOURCE = {"nycem": ("en", "es", "zh-Hant", "zh-Hans", "ru", "bn", "ht", "ko", "ar", "ur", "fr", "pl", "yi", "it")}
"""Sender's name without the mark, in lower case → the languages that have an edition. Seen in the feed of September 2026."""

_MARK = re.compile(r"^(?P<source>.*?)\s*\[(?P<mark>[^\[\]]+)\]\s*$")


class Edition(msgspec.Struct, frozen=True):
    """`language` that the words are in, None to believe the document; `readers` of these only, None for everyone."""

    language: str | None
    readers: tuple[str, ...] | None


def edition(sender_name: str, languages: tuple[str, ...], published: Mapping[str, tuple[str, ...]] = PUBLISHED_BY_SOURCE) -> Edition:
    """By the rule above. `languages` are the tags that the document itself states, one per `info`."""
    match = _MARK.match(sender_name)
    marked = EDITIONS.get(match["mark"].strip().lower()) if match else None
    if match is None or marked is None:
        return Edition(None, _readers_without_mark(languages))
    if marked[0] != "en":
        return Edition(marked[0], marked)
    elsewhere = published.get(match["source"].strip().lower(), tuple(LANGUAGES))
    return Edition("en", ("en", *(tag for tag in LANGUAGES if tag not in elsewhere)))


def _readers_without_mark(languages: tuple[str, ...]) -> tuple[str, ...] | None:
    known = {nearest(tag) for tag in languages}
    if len(known) != 1 or known & {"en", None}:
        return None
    return tuple(tag for tag in known if tag)
