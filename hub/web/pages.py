"""Draws pages: Jinja2 templates with autoescape, one environment per language, the same frame for residents and staff."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hub.languages.compiled import Compiled
from hub.web import when
from hub.web.assets import asset_url
from hub.web.chat import chat
from hub.web.context import ACTOR, PublicContext, hub
from hub.web.language import AT_HAND, PAGE_LANGUAGES, chosen_language, page_language, split_address, words
from hub.web.security import csrf_token
from subscriptions.languages import RIGHT_TO_LEFT

STATUS_WORDS = {
    404: ("There is no page here", "The address may be mistyped, or the page may have been removed."),
    410: ("This no longer works", ""),
    429: ("Too many tries", "Please wait a little, then try again."),
    500: ("Something went wrong on our side", "It has been recorded. Please try again in a minute."),
    503: ("Not available right now", "Please try again in a minute."),
}
"""What a visitor reads instead of a status code: title and advice, msgids of pages.po. Without advice, the error's own words are shown."""


class Pages:
    """The templates of ``templates/pages``, ready in every page language."""

    def __init__(self) -> None:
        self._environment_of = cache(_environment)  # each at its first use: reading fourteen languages takes a while

    def text(self, name: str, language: str, values: Mapping[str, Any]) -> str:
        """One template as HTML. A name that the template uses and nobody gave is an error, never an empty space."""
        return self._environment_of(language).get_template(name).render(values)


_COMPILED = Compiled()


def _environment(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("templates", "pages"),
        bytecode_cache=_COMPILED,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    said = words(language)
    environment.filters |= {"chat": chat, "own_link": own_link}
    environment.globals |= {
        "_": said.text,
        "_n": said.many,
        "language": language,
        "direction": "rtl" if language in RIGHT_TO_LEFT else "ltr",
        "own_name": PAGE_LANGUAGES[language],
        "number": said.phrases.number,
        "at_hand": AT_HAND,
        "rfc3339": when.rfc3339,
    }
    return environment


def own_link(text: str) -> str:
    """In a preview, what stands where each person has a link of their own."""
    return text.replace("#why", "[each person's own link]").replace("#unsubscribe", "[each person's own link]")


PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)


class Place(Protocol):
    """Where a page will be read, which decides where its links lead."""

    @property
    def language(self) -> str: ...
    @property
    def path(self) -> str: ...

    def url(self, path: str, **query: str) -> str:
        """Another page, in the language that the visitor chose by hand."""

    def file(self, path: str) -> str:
        """What has no language: a feed, the console."""

    def asset(self, name: str) -> str:
        """A file of ``templates/assets``."""

    def languages(self) -> list[tuple[str, str, str]]:
        """(tag, own name, address of this page in it) for each other page language."""

    def alternates(self) -> list[tuple[str, str]]:
        """(tag, address of this page in it) for every page language: what search engines are told."""

    def copied(self) -> Copied | None:
        """When this page is a copy that does not change by itself."""


class Copied(msgspec.Struct, frozen=True):
    """Said on top of a copy, so that nobody trusts an old one."""

    at: str
    live: str
    """Address of the page itself."""


class Here(msgspec.Struct, frozen=True):
    """The hub itself. `chosen` is the language that the visitor chose by hand, `query` what the address held beside it.

    `path` is without the language that the address began with; with `prefixed` it did, and so do all links to other pages.
    """

    language: str
    path: str
    chosen: str | None = None
    query: Mapping[str, str] = {}
    prefixed: bool = False

    def url(self, path: str, **query: str) -> str:
        """See `Place`."""
        if self.prefixed:
            path = f"/{self.language}{path}"
        elif self.chosen:
            query |= {"lang": self.chosen}
        return f"{path}?{urlencode(query)}" if query else path

    def file(self, path: str) -> str:
        """See `Place`."""
        return path

    def asset(self, name: str) -> str:
        """See `Place`."""
        return asset_url(name)

    def languages(self) -> list[tuple[str, str, str]]:
        """See `Place`."""
        return [(tag, name, self._in(tag)) for tag, name in PAGE_LANGUAGES.items() if tag != self.language]

    def alternates(self) -> list[tuple[str, str]]:
        """See `Place`."""
        return [(tag, f"/{tag}{self.path}") for tag in PAGE_LANGUAGES] + [("x-default", self.path)]

    def _in(self, tag: str) -> str:
        query = {name: value for name, value in self.query.items() if name != "lang"}
        path = f"/{tag}{self.path}" if self.prefixed else self.path
        query |= {} if self.prefixed else {"lang": tag}
        return f"{path}?{urlencode(query)}" if query else path

    def copied(self) -> None:
        """See `Place`."""
        return


def render(
    request: web.Request, template: str, /, *, language: str | None = None, status: int = 200, at: str | None = None, **values: Any
) -> web.Response:
    """Answer with a page for this visitor, in the visitor's language unless another is given.

    Such pages are never stored, and never compressed either, since they hold a form token beside text that the visitor sent (the BREACH
    attack). Pages that are the same for everyone are `hub.web.publication`'s business. `at` is where the other languages of this one are
    when its own address only takes forms.
    """
    own = page_language(request)
    language = language or own
    prefix, path = split_address(request.path)
    place = Here(
        language,
        at or "/" + path.lstrip("/"),  # to a browser "//…" is another host
        chosen=chosen_language(request) or (language if language != own else None),
        query=dict(request.query),
        prefixed=prefix is not None,
    )
    context = hub(request)
    values |= frame(context, place) | {"actor": request.get(ACTOR), "csrf": lambda: _token_field(request)}
    text = request.app[PAGES].text(template, language, values)
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language, Cookie"
    response.headers["Cache-Control"] = "no-store"
    return response


def public_page(pages: Pages, context: PublicContext, place: Place, template: str, /, **values: Any) -> bytes:
    """A page that is the same for everyone who reads this language. It holds no form token and knows no visitor."""
    values |= frame(context, place) | {"actor": None, "csrf": _no_token, "alternates": place.alternates()}
    return pages.text(template, place.language, values).encode()


def frame(context: PublicContext, place: Place) -> dict[str, Any]:
    """What every page needs: whose hub this is, and where its links lead."""
    return {
        "hub_name": context.settings.hub_name,
        "city_name": words(place.language).phrases.gettext(context.settings.city_name),
        "demo": context.demo,
        "path": place.path,
        "languages": place.languages(),
        "url": place.url,
        "file": place.file,
        "asset": place.asset,
        "copied": place.copied(),
        "alternates": (),
        "exit_url": context.settings.exit_url,
        "tile_url": context.settings.tile_url,
    }


def _token_field(request: web.Request) -> Markup:
    return Markup('<input type="hidden" name="csrf" value="{}">').format(csrf_token(request))


def _no_token() -> Markup:
    raise LookupError("a public page holds no form token; answer with render")


def error_page(request: web.Request, status: int, title: str, detail: str) -> web.Response:
    """A page for whoever meets an error: what happened, in plain words, and where to go."""
    language = page_language(request)
    said = words(language)
    known = STATUS_WORDS.get(status)
    return render(
        request,
        "error.html",
        status=status,
        status_code=status,
        title=said.text(known[0]) if known else title,
        detail=said.text(known[1]) if known and known[1] else detail,
    )
