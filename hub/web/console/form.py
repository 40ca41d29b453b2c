"""The compose form: from its fields to INTERFACE's alert document, and from an alert to its fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from hub.alerts.area import LAYERS
from hub.alerts.json_fields import DEEPEST, depth
from hub.web.console.starters import BLANK
from hub.web.language import words
from hub.web.when import CITY_TIME, local
from subscriptions.languages import LANGUAGES as OWN_NAMES
from subscriptions.languages import nearest

if TYPE_CHECKING:
    from multidict import MultiDictProxy

    from hub.alerts.alert import Alert, Area
    from subscriptions.areas import AreaCatalog

ALWAYS = {"en": "English", "es": "Spanish"}
"""The languages that every form has fields for."""
LANGUAGES = OWN_NAMES | ALWAYS
"""Those that it can hold: the others have fields once something was written in them, by the API or by another source."""
PARTS = ("headline", "description", "instruction")
ONE_LINE = (
    "status",
    "event",
    "category",
    "severity",
    "urgency",
    "certainty",
    "duration",
    "expires_at",
    "expires_fold",
    "chosen",
    "lat",
    "lon",
    "radius_m",
    "web",
    "incident",
)
KEPT = ("onset", "known_since")
"""What the form shows but can't change; an update keeps it."""
TEXTS = (*KEPT, "zips", "neighborhoods", "polygon", "follows", "kind")
MANY = ("boroughs", "topics")

DEFAULTS = {"duration": "4"}
"""What an empty form has chosen. Never whether it is real, nor how grave: whoever says that must have meant it."""

REQUIRED = {
    "status": "Choose whether it is real, a drill or a test.",
    "event": "Say what it is, in two or three words.",
    "category": "Choose a category.",
    "severity": "Choose how serious it is.",
    "urgency": "Choose when people must act.",
    "certainty": "Choose how sure it is.",
}
"""Field → what is said when it is empty."""

DEEPEST_SHAPE = DEEPEST - 2
"""Levels of nesting: a shape lies two levels down in its alert."""


class Form(msgspec.Struct, frozen=True):
    """What was typed, exactly as it was typed, so that nothing is lost when something is wrong."""

    values: Mapping[str, str]
    boroughs: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    citywide: bool = False

    def get(self, name: str) -> str:
        """The text of a field; empty when it was not sent."""
        return self.values.get(name, "")

    def further(self) -> list[tuple[str, str]]:
        """(tag, name) of the other languages in which there are words."""
        return [(tag, LANGUAGES[tag]) for tag in written_languages(self) if tag not in ALWAYS]

    def begins(self) -> str:
        """When the hazard begins, for people; empty when that was not said."""
        try:
            return words("en").phrases.moment(datetime.fromisoformat(self.get("onset")).timestamp(), 0)
        except (ValueError, OverflowError):
            return ""

    def hidden(self) -> list[tuple[str, str]]:
        """All of it as (name, value), to be carried through the preview."""
        many = [("boroughs", name) for name in self.boroughs] + [("topics", name) for name in self.topics]
        return [(name, text) for name, text in self.values.items() if text] + many + ([("citywide", "1")] if self.citywide else [])


class Unfinished(Exception):
    """The form can't become a document yet: field → what to mend."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


def read(data: MultiDictProxy[Any]) -> Form:
    """The form from a POST. Fields that nobody knows are dropped; files are no text."""
    texts = (*ONE_LINE, *TEXTS, *(f"{part}_{tag}" for tag in LANGUAGES for part in (*PARTS, "web")))
    values = {name: text.replace("\r\n", "\n").strip() for name in texts if isinstance(text := data.get(name, ""), str)}
    many = {name: tuple(text for text in data.getall(name, []) if isinstance(text, str)) for name in MANY}
    return Form(values, many["boroughs"], many["topics"], data.get("citywide") == "1")


def document(form: Form, now: float) -> dict[str, Any]:
    """The alert as JSON. Raises Unfinished for what only the form can know; everything else is for the document's own validation."""
    errors = {name: sentence for name, sentence in REQUIRED.items() if not form.get(name)}
    made = {name: form.get(name) for name in REQUIRED}
    whole = made | {
        "expires": _expires(form, now, errors),
        "infos": _infos(form, errors),
        "area": _area(form, errors),
    }
    if form.topics:
        whole["topics"] = list(form.topics)
    if form.get("incident"):
        whole["incident"] = form.get("incident")
    if form.get("kind") == "Update":
        whole |= {name: form.get(name) for name in KEPT if form.get(name)}
    if errors:
        raise Unfinished(errors)
    return whole


def fixed_end(form: Form, now: float) -> Form:
    """The same form with its duration turned into a moment, so that what is previewed is what is published; `chosen` keeps the hours."""
    hours = form.get("duration")
    if not _is_number(hours):
        return form  # a moment already, or no duration: `document` says which
    try:
        end = ending(_after(hours, now))
    except (ValueError, OverflowError):
        return form
    return msgspec.structs.replace(form, values={**form.values, **end, "chosen": hours})


def as_chosen(form: Form) -> Form:
    """The form of a preview as its author filled it: whoever chose two hours finds two hours, which then count anew."""
    hours = form.get("chosen")
    if not _is_number(hours):
        return form
    return msgspec.structs.replace(form, values={**form.values, "duration": hours, "expires_at": "", "expires_fold": "", "chosen": ""})


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def ending(moment: float) -> dict[str, str]:
    """The fields that say: until this moment, to the minute. Seconds since 1970.

    `expires_fold` is "1" in the hour that comes a second time when the clocks go back: a time of day alone would mean the first.
    """
    end = local(moment)
    return {"duration": "at", "expires_at": end.strftime("%Y-%m-%dT%H:%M"), "expires_fold": "1" if end.fold else ""}


def _after(hours: str, now: float) -> float:
    """Hours that pass, whatever the clocks on the wall do meanwhile. Raises ValueError, OverflowError."""
    return now + 3600 * float(hours)


def _expires(form: Form, now: float, errors: dict[str, str]) -> str:
    chosen = form.get("duration")
    if chosen != "at":
        try:
            return local(_after(chosen, now)).isoformat(timespec="seconds")
        except (ValueError, OverflowError):
            errors["duration"] = "Choose how long it holds."
            return ""
    try:
        end = datetime.fromisoformat(form.get("expires_at"))
    except ValueError:
        errors["expires_at"] = "Give the day and time at which it ends."
        return ""
    return end.replace(tzinfo=CITY_TIME, fold=int(form.get("expires_fold") == "1")).isoformat()


def _infos(form: Form, errors: dict[str, str]) -> list[dict[str, str]]:
    infos = []
    for tag, language in LANGUAGES.items():
        texts = {part: form.get(f"{part}_{tag}") for part in PARTS}
        for part, text in texts.items():
            if BLANK in text:
                errors[f"{part}_{tag}"] = f"Fill the blank ({BLANK}) in the {language} {part}."
        if any(texts.values()):
            info = {
                "language": "en-US" if tag == "en" else tag,
                **{part: text for part, text in texts.items() if text or part == "headline"},
            }
            infos.append(info | ({"web": link} if (link := form.get(link_field(form, tag))) else {}))
    if not infos:
        errors["headline_en"] = "Write a headline."
    return infos


def link_field(form: Form, tag: str) -> str:
    """Where a language's link stands: in a field of its own, else in the one for all."""
    return own if form.get(own := f"web_{tag}") else "web"


def _area(form: Form, errors: dict[str, str]) -> dict[str, Any]:
    area: dict[str, Any] = {"citywide": True} if form.citywide else {}
    if zips := re.split(r"[\s,;]+", form.get("zips").strip(" ,;\n")):
        area |= {"zips": zips} if zips != [""] else {}
    if names := [name.strip() for name in re.split(r"[\n;]+", form.get("neighborhoods")) if name.strip()]:
        area["neighborhoods"] = names
    if form.boroughs:
        area["boroughs"] = list(form.boroughs)
    if form.get("polygon"):
        area |= _polygon(form.get("polygon"), errors)
    if form.get("lat") or form.get("lon"):
        area |= _circle(form, errors)
    if not area and not {"polygon", "lat"} & errors.keys():
        errors["zips"] = "Say where: ZIP codes, neighborhoods, boroughs, a shape, or the whole city."
    return area


def _polygon(text: str, errors: dict[str, str]) -> dict[str, Any]:
    """The geometry of pasted GeoJSON: itself, or that of a Feature or of a collection with one Feature."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        errors["polygon"] = "This is not JSON. Paste a GeoJSON Polygon, for instance from geojson.io."
        return {}
    if isinstance(found, dict) and isinstance(found.get("features"), list) and len(found["features"]) == 1:
        found = found["features"][0]
    if isinstance(found, dict) and "geometry" in found:
        found = found["geometry"]
    if depth(found) > DEEPEST_SHAPE:
        errors["polygon"] = "This is nested too deep for a shape. Paste a GeoJSON Polygon, for instance from geojson.io."
        return {}
    return {"polygon": found}


def _circle(form: Form, errors: dict[str, str]) -> dict[str, Any]:
    try:
        return {"circle": {name: float(form.get(name)) for name in ("lat", "lon", "radius_m")}}
    except ValueError:
        errors["lat"] = "A circle needs three numbers: latitude, longitude and a radius in metres."
        return {}


def written_languages(form: Form) -> list[str]:
    """The languages in which something was written, in the order of the infos."""
    return [tag for tag in LANGUAGES if any(form.get(f"{part}_{tag}") for part in PARTS)]


def from_alert(alert: Alert, catalog: AreaCatalog) -> Form:
    """The form that would make this alert again, with a duration to choose anew."""
    values = DEFAULTS | {name: str(getattr(alert, name)) for name in REQUIRED} | {"incident": alert.incident or ""}
    shared = len({info.web for info in alert.infos}) == 1
    for info in alert.infos:
        if (tag := nearest(info.language)) is not None:
            values |= {f"{part}_{tag}": getattr(info, part) for part in PARTS}
            values["web" if shared else f"web_{tag}"] = info.web or ""
    values |= {name: moment.isoformat() for name in KEPT if (moment := getattr(alert, name)) is not None}
    area, named = alert.area, _names(alert.area, catalog)
    values |= {"zips": ", ".join(named["zips"]), "neighborhoods": "\n".join(named["neighborhoods"])}
    if area.polygon is not None:
        values["polygon"] = msgspec.json.encode(area.polygon).decode()
    if area.circle is not None:
        values |= {"lat": str(area.circle.lat), "lon": str(area.circle.lon), "radius_m": str(area.circle.radius_m)}
    return Form(values, named["boroughs"], alert.topics, area.citywide)


def _names(area: Area, catalog: AreaCatalog) -> dict[str, tuple[str, ...]]:
    """Field → its places by the names that the form shows: an author may have written another, and CAP names their ids."""
    return {
        field: tuple(place.name if (place := catalog.find(layer, text)) else text for text in getattr(area, field))
        for field, layer in LAYERS.items()
    }
