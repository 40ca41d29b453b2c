"""Which language a page speaks: the one in its address, the one chosen by hand, else the one that the browser asks for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from aiohttp import web
from markupsafe import Markup, escape

from hub.delivery.words.phrases import Phrases
from hub.languages.catalogue import SOURCE_LANGUAGE, catalogue, languages_of
from hub.web.when import CITY_TIME
from subscriptions.languages import LANGUAGES, nearest

PAGE_LANGUAGES = {tag: LANGUAGES[tag] for tag in languages_of("pages")}
"""Languages in which there are pages, each by its own name. Tests hold all whole; a missing string would be said in English."""

AT_HAND = ("en", "es", "zh-Hans", "ar")
"""Named at the head of every page; the others are one press away, so that the head stays short on a phone."""

_BY_FOLDED_TAG = {tag.lower(): tag for tag in PAGE_LANGUAGES}


class Words:
    """The strings of one language; `phrases` are those that messages use too: acts, hazards, times and places."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.phrases = Phrases(language, CITY_TIME, "US")
        self._catalogue = catalogue("pages", language)

    def text(self, text: str, /, **values: object) -> Markup:
        """The sentence in this language, in English while nobody has translated it. It is ours and may hold markup; values are escaped."""
        return _fill(self._catalogue.text(text) or text, values)

    def many(self, one: str, many: str, number: int, /, **values: object) -> Markup:
        """The same for a number of things, in the form that the language has for it."""
        return _fill(self._catalogue.many(one, many, number) or (one if number == 1 else many), {"n": number} | values)


def _fill(text: str, values: Mapping[str, object]) -> Markup:
    if not values:
        return Markup(text)  # noqa: S704 - our own words
    return Markup(text % {name: escape(value) for name, value in values.items()})  # noqa: S704 - values are escaped here


@lru_cache
def words(language: str) -> Words:
    """The strings of a page language, read from ``templates/locale/LANGUAGE/pages.po``."""
    return Words(language)


def split_address(path: str) -> tuple[str | None, str]:
    """``/es/alerts/al_1`` → (``es``, ``/alerts/al_1``): an address in one language. (None, the path) for any other."""
    first, slash, rest = path[1:].partition("/")
    tag = _BY_FOLDED_TAG.get(first.lower()) if slash else None
    return (tag, f"/{rest}") if tag is not None else (None, path)


def page_language(request: web.Request) -> str:
    """The address wins, then ``?lang=``, then Accept-Language, then English. No cookie: nothing is remembered about a visitor."""
    return chosen_language(request) or accepted_language(request.headers.get("Accept-Language", ""))


@lru_cache(maxsize=512)
def accepted_language(header: str) -> str:
    """The page language that a browser wants most (Accept-Language), English when it wants none of them."""
    return next((tag for wanted in _accepted(header) if (tag := nearest(wanted)) in PAGE_LANGUAGES), SOURCE_LANGUAGE)


def chosen_language(request: web.Request) -> str | None:
    """The page language that the visitor chose by hand, if any."""
    return split_address(request.path)[0] or _BY_FOLDED_TAG.get(request.query.get("lang", "").lower())


def letter_language(request: web.Request, subscribed: str | None) -> str:
    """For a page that a letter's link leads to: a choice by hand wins, then the language of the subscription, then as `page_language`."""
    known = subscribed if subscribed in PAGE_LANGUAGES else None
    return chosen_language(request) or known or page_language(request)


def _accepted(header: str) -> list[str]:
    """Language tags, most wanted first (RFC 9110 §12.5.4)."""
    wanted = []
    for position, part in enumerate(header.split(",")[:20]):
        tag, _, parameter = part.strip().partition(";")
        quality = parameter.strip().removeprefix("q=") or "1"
        try:
            wanted.append((-float(quality), position, tag.strip()))
        except ValueError:
            continue
    return [tag for quality, _, tag in sorted(wanted) if quality < 0]
