"""Which language a page speaks: strings are English in the templates, translations are .po files read once at start."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Protocol

from aiohttp import web
from babel.messages.pofile import read_po
from markupsafe import Markup, escape

from hub.delivery.phrases import SOURCE_LANGUAGE, Phrases, read_catalogues
from hub.web.when import CITY_TIME

PAGE_LANGUAGES = {"en": "English", "es": "Español"}
"""Languages in which the pages exist, each by its own name. Alerts may come in many more."""


class Translate(Protocol):
    """`_("Until %(time)s", time=…)`: the msgid is ours and may hold markup, what is filled in is escaped."""

    def __call__(self, text: str, /, **values: object) -> Markup: ...


class TranslateMany(Protocol):
    """The same for a number of things."""

    def __call__(self, one: str, many: str, number: int, /, **values: object) -> Markup: ...


class Words:
    """The strings of one language; `phrases` are those that messages use too: acts, times and places."""

    def __init__(self, language: str, singular: Mapping[str, str], plural: Mapping[str, tuple[str, ...]]) -> None:
        self.language = language
        self.phrases = Phrases(language, read_catalogues().get(language, {}), CITY_TIME, "US")
        self._singular = singular
        self._plural = plural
        self.sources = {text: (form,) for text, form in singular.items()} | dict(plural)
        """English → its forms in this language."""

    def text(self, text: str, /, **values: object) -> Markup:
        """The sentence in this language, in English while nobody has translated it."""
        return _fill(self._singular.get(text) or text, values)

    def name(self, text: str) -> str | None:
        """A proper name or an author's word in this language, as plain text; None while nobody has translated it."""
        return text if self.language == SOURCE_LANGUAGE else self._singular.get(text)

    def many(self, one: str, many: str, number: int, /, **values: object) -> Markup:
        """English and Spanish both have one form for 1 and one for the rest."""
        forms = self._plural.get(one) or (one, many)
        return _fill(forms[0] if number == 1 else forms[1], {"n": number} | values)


def _fill(text: str, values: Mapping[str, object]) -> Markup:
    if not values:
        return Markup(text)  # noqa: S704 - our own words
    return Markup(text % {name: escape(value) for name, value in values.items()})  # noqa: S704 - values are escaped here


@lru_cache
def words(language: str) -> Words:
    """The strings of a page language, read from ``templates/locale/LANGUAGE/pages.po``."""
    if language == "en":
        return Words("en", {}, {})
    source = files("templates").joinpath("locale", language, "pages.po").read_bytes()
    singular: dict[str, str] = {}
    plural: dict[str, tuple[str, ...]] = {}
    for message in read_po(BytesIO(source), locale=language):
        if not message.id:
            continue  # the header
        if isinstance(message.id, str):
            singular[message.id] = str(message.string or "")
        else:
            plural[message.id[0]] = tuple(message.string or ())
    return Words(language, singular, plural)


def page_language(request: web.Request) -> str:
    """``?lang=`` wins, then Accept-Language, then English. No cookie: nothing is remembered about a visitor."""
    return chosen_language(request) or accepted_language(request.headers.get("Accept-Language", ""))


@lru_cache(maxsize=512)
def accepted_language(header: str) -> str:
    """The page language that a browser wants most (Accept-Language), English when it wants none of them."""
    return next((tag for tag in _accepted(header) if tag in PAGE_LANGUAGES), "en")


def chosen_language(request: web.Request) -> str | None:
    """The page language that the visitor chose by hand, if any."""
    chosen = request.query.get("lang", "").lower()
    return chosen if chosen in PAGE_LANGUAGES else None


def letter_language(request: web.Request, subscribed: str | None) -> str:
    """For a page that a letter's link leads to: ``?lang=`` wins, then the language of the subscription, then as `page_language`."""
    known = subscribed if subscribed in PAGE_LANGUAGES else None
    return chosen_language(request) or known or page_language(request)


def _accepted(header: str) -> list[str]:
    """Primary language subtags, most wanted first (RFC 9110 §12.5.4)."""
    wanted = []
    for position, part in enumerate(header.split(",")[:20]):
        tag, _, parameter = part.strip().partition(";")
        quality = parameter.strip().removeprefix("q=") or "1"
        try:
            wanted.append((-float(quality), position, tag.strip().split("-")[0].lower()))
        except ValueError:
            continue
    return [tag for quality, _, tag in sorted(wanted) if quality < 0]
