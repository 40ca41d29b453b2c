"""Which alerts the open feeds show: what is public and real, narrowed by `?zip=&topic=&language=`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np
import shapely

from hub.alerts.alert import Info
from hub.alerts.area import shapes_of
from hub.alerts.faults import Faults, did_you_mean, one_of, shown
from hub.alerts.store import StoredAlert
from subscriptions.areas import Area, AreaCatalog
from subscriptions.errors import UnknownArea
from subscriptions.languages import LANGUAGES, nearest
from subscriptions.topics import TOPICS

PUBLIC = frozenset({"live", "ended", "stopped"})
"""States in which an alert has been public; drafts and what waits for approval never were."""

NAMES = ("zip", "topic", "language")


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader of a feed wants; None for everything."""

    zip: Area | None = None
    topic: str | None = None
    language: str | None = None

    @property
    def query(self) -> str:
        """As it stands in the address of the feed, in one order."""
        given = {"zip": self.zip.id if self.zip else None, "topic": self.topic, "language": self.language}
        return "&".join(f"{name}={value}" for name, value in given.items() if value)


def read_selection(query: Mapping[str, str], catalog: AreaCatalog) -> Selection:
    """From the parameters of a request. Raises InvalidInput with pointers such as ``/zip``; an unknown parameter is a fault, too."""
    faults = Faults()
    for name in query:
        if name not in NAMES:
            faults.add(f"/{name}", f"is not a parameter of this feed.{did_you_mean(name, NAMES) or f' Known: {one_of(NAMES)}.'}")
    selection = Selection(zip=_zip(query.get("zip"), catalog, faults), topic=_topic(query, faults), language=_language(query, faults))
    faults.check()
    return selection


def _zip(text: str | None, catalog: AreaCatalog, faults: Faults) -> Area | None:
    if text is None:
        return None
    try:
        return catalog.resolve("zip", text)
    except UnknownArea as unknown:
        near = f" Did you mean {' or '.join(unknown.suggestions)}?" if unknown.suggestions else ""
        faults.add("/zip", f"“{shown(text)}” is not a ZIP code of {catalog.name}.{near}")
        return None


def _topic(query: Mapping[str, str], faults: Faults) -> str | None:
    topic = query.get("topic")
    if topic is not None and topic not in TOPICS:
        faults.add("/topic", f"“{shown(topic)}” is not one of {one_of(TOPICS)}.{did_you_mean(topic, TOPICS)}")
    return topic


def _language(query: Mapping[str, str], faults: Faults) -> str | None:
    wanted = query.get("language")
    language = nearest(wanted) if wanted is not None else None
    if wanted is not None and language is None:
        faults.add("/language", f"“{shown(wanted)}” is not a language of this hub: {one_of(LANGUAGES)}")
    return language


def select(alerts: Iterable[StoredAlert], selection: Selection, catalog: AreaCatalog) -> list[StoredAlert]:
    """Those that are public, real and wanted, in the order given. Drills and tests are nobody's news, so feeds leave them out."""
    return [
        alert
        for alert in alerts
        if alert.status in PUBLIC
        and alert.document.status == "Actual"
        and (selection.topic is None or selection.topic in alert.document.topics)
        and (selection.language is None or written_in(alert, selection.language))
        and (selection.zip is None or touches(alert, selection.zip, catalog))
    ]


def words(alert: StoredAlert, language: str | None) -> Info:
    """The text in a language, else in English, else the first there is."""
    return (_in_language(alert, language) if language else None) or _in_language(alert, "en") or alert.document.infos[0]


def written_in(alert: StoredAlert, language: str) -> bool:
    """Whether its author gave it in this language."""
    return _in_language(alert, language) is not None


def _in_language(alert: StoredAlert, language: str) -> Info | None:
    return next((info for info in alert.document.infos if nearest(info.language) == language), None)


def touches(alert: StoredAlert, place: Area, catalog: AreaCatalog) -> bool:
    """Whether an alert holds in a named area, by the same table of overlaps as its delivery."""
    if alert.area.citywide:
        return True
    named = [found.index for key in alert.area.keys if (found := catalog.get(key)) is not None]
    if named and bool(np.isin(catalog.overlapping(place.index), named).any()):
        return True
    return any(shapely.intersects(shape, place.metric) for shape in shapes_of(alert.area, catalog))
