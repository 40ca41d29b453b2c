"""Which of the alerts a visitor wants to see: those of a place, about a topic, or written in a language. One GET form, no memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from hub.feeds.selection import touches, written_in
from hub.web.residents.places import LAYERS
from subscriptions.areas import Area
from subscriptions.languages import nearest
from subscriptions.topics import TOPICS

if TYPE_CHECKING:
    from hub.alerts.store import StoredAlert
    from subscriptions.areas import AreaCatalog

NAMES = ("place", "topic", "language")


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """None for everything."""

    place: Area | None = None
    topic: str | None = None
    language: str | None = None

    @property
    def query(self) -> str:
        """In one spelling, so that whoever asks for the same gets the same bytes."""
        given = {"place": self.place.key if self.place else None, "topic": self.topic, "language": self.language}
        return urlencode({name: value for name, value in given.items() if value})

    def passes(self, alert: StoredAlert, catalog: AreaCatalog) -> bool:
        """Whether this alert is wanted; where it holds is judged as for the feeds."""
        return (
            (self.topic is None or self.topic in alert.document.topics)
            and (self.language is None or written_in(alert, self.language))
            and (self.place is None or touches(alert, self.place, catalog))
        )


class NoSuchPlace(Exception):
    """Nobody knows a place of this name; `near` are names that may have been meant."""

    def __init__(self, text: str, near: tuple[str, ...]) -> None:
        super().__init__("no such place")
        self.text, self.near = text, near


def read_filter(query: Mapping[str, str], catalog: AreaCatalog) -> Filter:
    """Blank fields are those that the visitor left alone; a topic or language that does not exist filters nothing. Raises NoSuchPlace."""
    topic, language = query.get("topic", ""), query.get("language", "")
    return Filter(
        place=find_place(query.get("place", ""), catalog),
        topic=topic if topic in TOPICS else None,
        language=nearest(language) if language else None,
    )


def find_place(text: str, catalog: AreaCatalog) -> Area | None:
    """By its key (``zip:11201``), or as people call it. Raises NoSuchPlace."""
    text = text.strip()
    if not text:
        return None
    found = catalog.get(text) or next((area for layer in LAYERS if (area := catalog.find(layer, text)) is not None), None)
    if found is None:
        raise NoSuchPlace(text[:40], tuple(dict.fromkeys(area.name for area in catalog.search(text, 3))))
    return found


def filtered(alerts: Iterable[StoredAlert], wanted: Filter, catalog: AreaCatalog) -> list[StoredAlert]:
    """Those that pass, in the order given."""
    return [alert for alert in alerts if wanted.passes(alert, catalog)]
