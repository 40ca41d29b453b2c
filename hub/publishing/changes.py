"""What an update says otherwise than what it follows: for whoever approves it, and for an author who changed one language alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

import msgspec
from babel import Locale

from hub.alerts.alert import Alert, Info
from hub.alerts.area import ResolvedArea
from subscriptions.languages import nearest

PARTS: Mapping[str, str] = MappingProxyType({"headline": "headline", "instruction": "what to do", "description": "what has happened"})
"""Field of an info → what its author calls it."""

_FACTS: Mapping[str, Callable[[Alert], object]] = MappingProxyType(
    {
        "event": lambda alert: alert.event,
        "category": lambda alert: alert.category,
        "how serious it is": lambda alert: alert.severity,
        "when people must act": lambda alert: alert.urgency,
        "how sure it is": lambda alert: alert.certainty,
        "until when": lambda alert: int(alert.expires.timestamp() // 60),  # forms say an end to the minute
        "page with more": lambda alert: {info.web for info in alert.infos if info.web},
        "topics": lambda alert: alert.topics,
    }
)


class PartChange(msgspec.Struct, frozen=True):
    """One part of the words, and the languages in which it changed or stands as before. Only those in which both were written."""

    part: str
    changed: tuple[str, ...]
    kept: tuple[str, ...]


def compare(now: Alert, before: Alert) -> list[PartChange]:
    """Every part with what became of it. A part that is empty in both is neither changed nor kept."""
    pairs = _pairs(now, before)
    return [
        PartChange(
            part,
            changed=tuple(tag for tag, (new, old) in pairs.items() if getattr(new, part) != getattr(old, part)),
            kept=tuple(tag for tag, (new, old) in pairs.items() if getattr(new, part) == getattr(old, part) != ""),
        )
        for part in PARTS
    ]


def left_behind(now: Alert, before: Alert) -> list[str]:
    """A part changed in some languages alone contradicts itself in the others: two neighbours would be told different things."""
    return [
        f"“{PARTS[one.part].capitalize()}” changed in {_named(one.changed)}, but not in {_named(one.kept)}: there the old words go out."
        for one in compare(now, before)
        if one.changed and one.kept
    ]


def said_otherwise(now: Alert, before: Alert, *, moved: bool = False) -> list[str]:
    """What changed, in words for staff: ``headline``, ``what to do (English)``, ``where``, ``now also in French``.

    `moved`: whether it holds elsewhere, which the names that an author or a source wrote do not tell.
    """
    parts = [PARTS[one.part] + (f" ({_named(one.changed)})" if one.kept else "") for one in compare(now, before) if one.changed]
    facts = [words for words, fact in _FACTS.items() if fact(now) != fact(before)]
    return parts + facts + (["where"] if moved else []) + _languages_changed(now, before)


def same_place(one: ResolvedArea, other: ResolvedArea) -> bool:
    """Whether two alerts hold in the same area, however it was written."""
    return _place(one) == _place(other)


def _place(area: ResolvedArea) -> tuple[object, ...]:
    return frozenset(area.keys), area.polygon, area.circle, area.citywide


def english_name(tag: str) -> str:
    """``es`` → ``Spanish``, for staff; a tag that the hub does not know as it stands."""
    known = nearest(tag)
    return _english_name(known) if known else tag


@cache
def _english_name(tag: str) -> str:
    return str(Locale.parse(tag.replace("-", "_")).get_display_name("en"))


def _named(tags: tuple[str, ...]) -> str:
    names = [english_name(tag) for tag in tags]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _languages_changed(now: Alert, before: Alert) -> list[str]:
    new, old = _by_language(now), _by_language(before)
    added, gone = tuple(tag for tag in new if tag not in old), tuple(tag for tag in old if tag not in new)
    return ([f"now also in {_named(added)}"] if added else []) + ([f"no longer in {_named(gone)}"] if gone else [])


def _pairs(now: Alert, before: Alert) -> dict[str, tuple[Info, Info]]:
    new, old = _by_language(now), _by_language(before)
    return {tag: (info, old[tag]) for tag, info in new.items() if tag in old}


def _by_language(alert: Alert) -> dict[str, Info]:
    return {nearest(info.language) or info.language: info for info in alert.infos}
