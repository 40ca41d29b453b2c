"""Draws pages: Jinja2 templates with autoescape, one environment per language, the same frame for residents and staff."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import ETag, web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hub.web import when
from hub.web.assets import asset_url
from hub.web.chat import chat
from hub.web.context import ACTOR, hub
from hub.web.language import PAGE_LANGUAGES, chosen_language, page_language, words
from hub.web.security import csrf_token

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
        self._environments = {language: _environment(language) for language in PAGE_LANGUAGES}

    def text(self, name: str, language: str, values: Mapping[str, Any]) -> str:
        """One template as HTML. A name that the template uses and nobody gave is an error, never an empty space."""
        return self._environments[language].get_template(name).render(values)


def _environment(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("templates", "pages"),
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
        "asset": asset_url,
        "number": lambda value: when.number(value, language),
        "rfc3339": when.rfc3339,
    }
    return environment


def own_link(text: str) -> str:
    """In a preview, what stands where each person has a link of their own."""
    return text.replace("#why", "[each person's own link]").replace("#unsubscribe", "[each person's own link]")


PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)


def render(
    request: web.Request, template: str, /, *, language: str | None = None, status: int = 200, public: bool = False, **values: Any
) -> web.Response:
    """Answer with a page, in the visitor's language unless another is given.

    `public` pages hold nothing of the visitor: they may be cached, carry an ETag and are compressed. All others are never stored, and
    never compressed either, since they hold a form token beside text that the visitor sent (the BREACH attack).
    """
    language = language or page_language(request)
    text = request.app[PAGES].text(template, language, frame(request, language, public=public) | values)
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language, Cookie"
    if public:
        _make_cacheable(request, response)
    else:
        response.headers["Cache-Control"] = "no-store"
    return response


def frame(request: web.Request, language: str, *, public: bool) -> dict[str, Any]:
    """What every page needs: whose hub this is, the language links, the visitor's form token."""
    context = hub(request)
    chosen = chosen_language(request) or (language if language != page_language(request) else None)

    def url(path: str, **query: str) -> str:
        query |= {"lang": chosen} if chosen else {}
        return f"{path}?{urlencode(query)}" if query else path

    return {
        "hub_name": context.settings.hub_name,
        "city_name": words(language).phrases.gettext(context.settings.city_name),
        "demo": context.demo,
        "actor": request.get(ACTOR),
        "path": request.path,
        "languages": language_links(request, language),
        "url": url,
        "tile_url": context.settings.tile_url,
        "csrf": _no_token if public else lambda: _token_field(request),
    }


def language_links(request: web.Request, language: str) -> list[tuple[str, str, str]]:
    """(tag, own name, address of this page in it) for each other page language."""
    return [
        (tag, name, f"{request.path}?{urlencode({**request.query, 'lang': tag})}")
        for tag, name in PAGE_LANGUAGES.items()
        if tag != language
    ]


def _token_field(request: web.Request) -> Markup:
    return Markup('<input type="hidden" name="csrf" value="{}">').format(csrf_token(request))


def _no_token() -> Markup:
    raise LookupError("a public page holds no form token; render it without public=True")


def _make_cacheable(request: web.Request, response: web.Response) -> None:
    body = response.body if isinstance(response.body, bytes) else b""
    tag = hashlib.blake2b(body, digest_size=12).hexdigest()
    response.headers["Cache-Control"] = "no-cache"  # kept, but asked about each time: a page of alerts may not be old
    response.etag = ETag(tag, is_weak=True)  # the same words may travel compressed or not
    if any(known.value in {tag, "*"} for known in request.if_none_match or ()):
        response.set_status(304)
        response.body = b""
        return
    response.enable_compression()


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
