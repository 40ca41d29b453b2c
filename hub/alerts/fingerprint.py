"""The hash that an approval is bound to: over everything that decides who gets what (S5, S11)."""

from __future__ import annotations

import hashlib

import msgspec

from hub.alerts.alert import Alert
from hub.alerts.area import ResolvedArea

AUDIENCE_RULE = "2026-11 overlap 5 % or 2 ha; points by distance; drawn areas by overlap; topics and severity as chosen"
"""Names the rules of matching: when they change, so does this, and what was approved under the old ones is approved anew."""

_json = msgspec.json.Encoder(order="deterministic")


def fingerprint(document: Alert, area: ResolvedArea, grade: int) -> str:
    """SHA-256 in hexadecimal over text, area, grade and the rule that picks the audience. Channels are always all that a person chose."""
    return hashlib.sha256(_json.encode([document, area, grade, "all channels", AUDIENCE_RULE])).hexdigest()
