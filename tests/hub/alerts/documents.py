"""Alerts as their authors send them, right in every field, to be made wrong one field at a time."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC).timestamp()

SQUARE = [[-73.99, 40.68], [-73.97, 40.68], [-73.97, 40.70], [-73.99, 40.70], [-73.99, 40.68]]
"""In Brooklyn."""

EVERYTHING: dict[str, Any] = {
    "status": "Actual",
    "msgType": "Update",
    "category": "Met",
    "event": "Flash Flood Warning",
    "urgency": "Immediate",
    "severity": "Severe",
    "certainty": "Likely",
    "onset": "2026-11-22T15:00:00-05:00",
    "expires": "2026-11-22T21:00:00-05:00",
    "infos": [
        {
            "language": "en-US",
            "headline": "Flash flooding near the Gowanus Canal",
            "description": "Water is rising fast.",
            "instruction": "Go to higher ground now.",
            "web": "https://example.gov/flood",
        },
        {"language": "es", "headline": "Inundación repentina"},
    ],
    "area": {
        "zips": ["11201", "11205"],
        "neighborhoods": ["Astoria (Central)"],
        "boroughs": ["Bronx"],
        "polygon": {"type": "Polygon", "coordinates": [SQUARE]},
        "circle": {"lat": 40.7, "lon": -73.99, "radius_m": 800},
        "layers": None,
        "citywide": False,
    },
    "known_since": "2026-11-22T13:55:00-05:00",
    "topics": ["weather", "transit"],
    "incident": "inc_1",
    "references": ["al_0123456789"],
    "send_at": None,
}
"""Every field of the staff API, each with a value that is right."""


def everything() -> dict[str, Any]:
    """A copy to change."""
    return copy.deepcopy(EVERYTHING)


def minimal(**changes: Any) -> dict[str, Any]:
    """Only what must be there."""
    required = {"category", "event", "urgency", "severity", "certainty", "expires"}
    document = {name: value for name, value in everything().items() if name in required}
    return document | {"infos": [{"language": "en", "headline": "Flooding"}], "area": {"zips": ["11201"]}} | changes


def encode(document: Any) -> bytes:
    """As it goes over the wire."""
    return json.dumps(document).encode()


def place(document: Any, pointer: str) -> tuple[Any, Any]:
    """The container that a JSON pointer leads to, and the last key or position."""
    *steps, last = pointer.strip("/").split("/")
    for step in steps:
        document = document[int(step) if isinstance(document, list) else step]
    return document, int(last) if isinstance(document, list) else last


def with_value(pointer: str, value: Any) -> dict[str, Any]:
    """Every field right but one."""
    document = everything()
    container, key = place(document, pointer)
    container[key] = value
    return document


def without(pointer: str) -> dict[str, Any]:
    """Every field but one."""
    document = everything()
    container, key = place(document, pointer)
    del container[key]
    return document


def doubled(pointer: str) -> bytes:
    """A document in which one name stands twice in its object."""
    document = everything()
    container, key = place(document, pointer)
    value = container.pop(key)
    container["\0first"] = container["\0second"] = value
    return encode(document).replace(b'"\\u0000first"', json.dumps(key).encode()).replace(b'"\\u0000second"', json.dumps(key).encode())
