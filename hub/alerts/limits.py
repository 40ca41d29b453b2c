"""How long, how many, how far: every limit of an alert in one table, for the checks and for the documentation."""

from __future__ import annotations

import msgspec


class Limit(msgspec.Struct, frozen=True):
    """The most of something: `authored` for what staff write, `imported` for documents of other sources and of archives."""

    field: str
    unit: str
    authored: int
    imported: int

    def of(self, *, imported: bool) -> int:
        """The one that holds."""
        return self.imported if imported else self.authored


EVENT = Limit("event", "characters", 120, 300)
INFOS = Limit("infos", "languages", 14, 14)
HEADLINE = Limit("headline", "characters", 160, 1_000)
DESCRIPTION = Limit("description", "characters", 4_000, 40_000)
INSTRUCTION = Limit("instruction", "characters", 2_000, 40_000)
WEB = Limit("web", "characters", 2_000, 2_000)
NAMES = Limit("area.zips, .neighborhoods, .boroughs", "names each", 300, 300)
NAME = Limit("a name of an area", "characters", 100, 100)
POINTS = Limit("area.polygon", "points", 10_000, 10_000)
PARTS = Limit("area.polygon", "separate parts", 200, 200)
RADIUS = Limit("area.circle.radius_m", "metres", 50_000, 50_000)
REFERENCES = Limit("references", "alerts", 20, 100)
IDENTIFIER = Limit("incident and each of references", "characters", 40, 200)
LIFETIME = Limit("expires", "days from now", 30, 36_500)
PAST = Limit("onset, known_since", "days before now", 366, 36_500)
BODY = Limit("the whole document", "bytes", 1_000_000, 1_000_000)

SMALLEST_RADIUS_M = 10
LEAST_SHARE_INSIDE = 0.5
"""A drawn shape of which less than this lies in the city is refused: it was most likely drawn in the wrong place."""

LIMITS = (
    EVENT,
    INFOS,
    HEADLINE,
    DESCRIPTION,
    INSTRUCTION,
    WEB,
    NAMES,
    NAME,
    POINTS,
    PARTS,
    RADIUS,
    REFERENCES,
    IDENTIFIER,
    LIFETIME,
    PAST,
    BODY,
)
