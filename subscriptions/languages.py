"""The languages that residents can choose: those in which New York City publishes its alerts."""

from __future__ import annotations

from collections.abc import Iterable

LANGUAGES = {
    "en": "English",
    "es": "Español",
    "zh-Hans": "简体中文",
    "zh-Hant": "繁體中文",
    "ru": "Русский",
    "bn": "বাংলা",
    "ht": "Kreyòl ayisyen",
    "ko": "한국어",
    "ar": "العربية",
    "ur": "اردو",
    "fr": "Français",
    "pl": "Polski",
    "yi": "ייִדיש",
    "it": "Italiano",
}
"""BCP 47 tag → the language's own name. The order is stored as a number: only ever append."""

RIGHT_TO_LEFT = frozenset({"ar", "ur", "yi"})

_BETWEEN = {"zh-Hans": "、", "zh-Hant": "、", "ar": "، ", "ur": "، "}
"""What stands between the words of a list, where it is no comma and blank."""

_NUMBER = {tag: number for number, tag in enumerate(LANGUAGES)}
_TAGS = tuple(LANGUAGES)
_CHINESE = {"cn": "zh-Hans", "sg": "zh-Hans", "hans": "zh-Hans", "tw": "zh-Hant", "hk": "zh-Hant", "mo": "zh-Hant", "hant": "zh-Hant"}


def number(tag: str) -> int:
    """Position of a supported tag. Raises KeyError for another."""
    return _NUMBER[tag]


def tag(position: int) -> str:
    """The tag at a position."""
    return _TAGS[position]


def nearest(wanted: str) -> str | None:
    """The supported tag for any BCP 47 tag (``en-US`` → ``en``, ``zh-TW`` → ``zh-Hant``), None when there is none."""
    parts = wanted.strip().replace("_", "-").lower().split("-")
    if parts[0] == "zh":
        return next((_CHINESE[part] for part in parts[1:] if part in _CHINESE), "zh-Hans")
    return parts[0] if parts[0] in _NUMBER else None


def listed(words: Iterable[str], tag: str) -> str:
    """Words of a language one after another, without an "and"."""
    return _BETWEEN.get(tag, ", ").join(words)
