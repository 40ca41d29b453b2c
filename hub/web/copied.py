"""The public site as plain files: which there are, and how the pages among them are linked.

Links between files are relative, so that a copy works on a CDN, in any folder of a web server and from a disk. Whatever needs the hub
itself (signing up, the console, a video) leads to the hub's own address.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from hub.alerts.store import PUBLIC, StoredAlert
from hub.clock import milliseconds
from hub.web.assets import assets
from hub.web.context import PublicContext
from hub.web.language import PAGE_LANGUAGES, words
from hub.web.pages import Copied, Pages
from hub.web.publication import FEEDS, LISTS, Asked, Maker

RECENT = 100
"""How many alerts that are over are kept beside those that are live."""
MAIN = "en"
"""The language whose pages lie at the top; each other one has a folder."""
ASSETS = ("tocsin.css", "bell.svg")


class File(msgspec.Struct, frozen=True):
    """One file of the copy: its path below the folder, and what is in it."""

    path: str
    body: bytes


class CopyPlace(msgspec.Struct, frozen=True):
    """A page in the copy; satisfies `hub.web.pages.Place`. `pages` are the paths of which the copy has a page."""

    language: str
    path: str
    hub: str
    at: str
    pages: frozenset[str]

    @property
    def location(self) -> str:
        """Where this page lies."""
        return location(self.path, self.language)

    def url(self, path: str, **query: str) -> str:
        """See `Place`."""
        if path in self.pages and not query:
            return self._up() + location(path, self.language)
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        return f"{self.hub}{self._prefix}{path}" + (f"?{asked}" if asked else "")

    def file(self, path: str) -> str:
        """See `Place`."""
        here = path in FEEDS or path.startswith(("/feeds/cap/", "/pictures/"))
        return self._up() + path[1:] if here else self.hub + path

    def asset(self, name: str) -> str:
        """See `Place`."""
        known = name in ASSETS
        return f"{self._up()}assets/{name}?v={assets()[name].version}" if known else f"{self.hub}/assets/{name}"

    def languages(self) -> list[tuple[str, str, str]]:
        """See `Place`."""
        return [(tag, name, self._up() + location(self.path, tag)) for tag, name in PAGE_LANGUAGES.items() if tag != self.language]

    def alternates(self) -> list[tuple[str, str]]:
        """See `Place`."""
        here = [(tag, self._up() + location(self.path, tag)) for tag in PAGE_LANGUAGES]
        return [*here, ("x-default", self._up() + location(self.path, MAIN))]

    def copied(self) -> Copied:
        """See `Place`."""
        return Copied(self.at, f"{self.hub}{self._prefix}{self.path}")

    @property
    def _prefix(self) -> str:
        return f"/{self.language}" if self.language != MAIN else ""

    def _up(self) -> str:
        return "../" * self.location.count("/")


def location(path: str, language: str) -> str:
    """``/alerts/al_1`` → ``es/alerts/al_1/index.html``: named in full, since a disk has no index pages."""
    folder = "" if language == MAIN else f"{language}/"
    return f"{folder}{path[1:]}/index.html" if path != "/" else f"{folder}index.html"


async def site(context: PublicContext) -> AsyncIterator[File]:
    """All files, what is linked to before what links to it."""
    shown = await _shown(context)
    pages, now = Pages(), context.clock()
    maker = Maker(context, pages, now)
    for name in ASSETS:
        yield File(f"assets/{name}", assets()[name].body)
    for asked, path in _data(shown):
        yield File(path, (await maker.document(asked)).body)
    wanted = [Asked("alert", alert.id) for alert in shown] + [Asked("home")]
    paths = frozenset(asked.path for asked in wanted)
    for asked in wanted:
        for language in PAGE_LANGUAGES:
            # With its year and day, since a copy may be read long after "today".
            at = words(language).phrases.moment(now, 0)
            place = CopyPlace(language, asked.path, context.public_url, at, paths)
            body, _ = await maker.page(asked, place)
            yield File(place.location, body)


def _data(shown: list[StoredAlert]) -> list[tuple[Asked, str]]:
    lists = [(Asked(kind), path[1:] if path in FEEDS else f"{path[1:]}.json") for path, kind in LISTS.items()]
    caps = [Asked("cap", alert.id) for alert in shown if alert.live_at is not None]
    pictures = [Asked("picture", alert.id) for alert in shown]
    return [(asked, asked.path[1:]) for asked in (*caps, *pictures)] + lists


async def _shown(context: PublicContext) -> list[StoredAlert]:
    """Whatever is live, with all that its history links to, and the last that are over."""
    live = await context.alerts.live(milliseconds(context.clock))
    over = await context.alerts.recent(among=PUBLIC, limit=RECENT)
    found = {alert.id: alert for alert in (*live, *over)}
    for chain in sorted({alert.chain for alert in live}):
        found |= {alert.id: alert for alert in await context.alerts.chain(chain)}
    return [alert for alert in found.values() if alert.was_public]
