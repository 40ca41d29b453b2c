"""What is wrong with an alert, as its author reads it: at the field where it is mended, by that field's name, in the city's time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.web.console.form import LANGUAGES, PARTS, Form, link_field, written_languages
from hub.web.language import words

if TYPE_CHECKING:
    from hub.errors import InvalidInput
    from subscriptions.errors import FieldError

LABELS = {
    "event": "Event",
    "category": "Category",
    "severity": "How serious is it?",
    "urgency": "When must people act?",
    "certainty": "How sure is it?",
    "status": "Is it real?",
    "headline": "Headline",
    "instruction": "What to do",
    "description": "What has happened",
    "web": "Page with more",
    "zips": "ZIP codes",
    "neighborhoods": "Neighborhoods",
    "boroughs": "Boroughs",
    "polygon": "Shape",
    "radius_m": "Metres",
    "lat": "Latitude",
    "lon": "Longitude",
    "circle": "Circle",
    "citywide": "The whole city",
    "expires": "Day and time",
    "topics": "Topics",
    "incident": "Incident",
}
"""Part of a JSON pointer → what the form calls it; of several the last."""

_SAME_NAME = frozenset({"event", "category", "severity", "urgency", "certainty", "topics", "status", "incident"})
_FIELD_OF = {
    "zips": "zips",
    "neighborhoods": "neighborhoods",
    "boroughs": "boroughs",
    "polygon": "polygon",
    "circle": "lat",
    "citywide": "citywide",
}
_BEGINS_LATER = "It begins only after that, as the one before said: choose a later end."


def errors_of(faults: InvalidInput, form: Form, now: float) -> dict[str, str]:
    """Field → what to mend, from the faults of the document that the form made. `now` in seconds since 1970."""
    found: dict[str, str] = {}
    for fault in faults.errors:
        path = fault.pointer.strip("/").split("/")
        field, said = _field(path, form), _said(fault, path, form, now)
        found[field] = f"{found[field]} {said}" if field in found else said
    return found


def _field(path: list[str], form: Form) -> str:
    match path:
        case ["infos", position, part, *_] if (tag := _language_at(position, form)) and part in (*PARTS, "web"):
            return link_field(form, tag) if part == "web" else f"{part}_{tag}"
        case ["area", *kind]:
            return _FIELD_OF.get(kind[0], "zips") if kind else "zips"
        case [name, *_] if name in _SAME_NAME:
            return name
        case _:
            return {"expires": "expires_at", "onset": "expires_at"}.get(path[0], "form")


def _language_at(position: str, form: Form) -> str:
    tags = written_languages(form)
    return tags[int(position)] if position.isdecimal() and int(position) < len(tags) else ""


def _said(fault: FieldError, path: list[str], form: Form, now: float) -> str:
    detail = fault.detail
    if path[0] == "expires" and detail.startswith("lies in the past"):
        return f"That has passed: it is now {words('en').phrases.moment(now, now)}. Choose a later end."
    if path[0] == "onset" and detail.endswith("before expires"):
        return _BEGINS_LATER
    if detail.startswith("is the same as "):  # the rest is a pointer
        detail = "stands there twice: keep one"
    return f"{name} {detail}" if detail[:1].islower() and (name := _name(path, form)) else detail[:1].upper() + detail[1:]


def _name(path: list[str], form: Form) -> str:
    """What the faulty field is called, in quotes; empty for what has no field of its own."""
    label = next((LABELS[part] for part in reversed(path) if part in LABELS), "")
    tag = _language_at(path[1], form) if path[0] == "infos" and len(path) > 1 else "en"
    return label and f"“{label}”" + (f" in {LANGUAGES[tag]}" if tag not in {"", "en"} else "")
