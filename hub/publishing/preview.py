"""What an author and an approver see before anything goes out: who would get it, what it looks like, and what is missing."""

from __future__ import annotations

from typing import Any

import msgspec

from channels import gsm7
from hub.alerts.alert import Alert
from hub.alerts.area import ResolvedArea, geojson, shapes_of
from hub.alerts.store import StoredAlert
from hub.delivery.forecast import Forecast
from hub.delivery.words.alert_words import safe
from hub.delivery.words.rendering import PARTS, Renderer
from hub.delivery.words.shortening import cut, one_line, sentences
from hub.publishing.changes import english_name, left_behind
from subscriptions.areas import AreaCatalog
from subscriptions.languages import nearest
from subscriptions.matching import Match
from subscriptions.severity import SEVERITIES

SHOWN_OF_A_SENTENCE = 60
"""Characters of it that are enough to find it."""


class SmsLength(msgspec.Struct, frozen=True):
    """What a text costs: `segments` are what a phone network carries and bills."""

    encoding: str
    segments: int
    characters: int


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing of it is stored. `hash` is what an approval would be bound to."""

    people: int
    by_channel: dict[str, int]
    grade: str
    approval_needed: bool
    hash: str
    topics: tuple[str, ...]
    messages: dict[str, dict[str, dict[str, str]]]
    """Channel → language → part → text."""
    sms: dict[str, SmsLength]
    """Language → length of the SMS."""
    adjacent: list[str]
    """Neighbouring areas that get nothing (S10)."""
    area_names: list[str]
    area_geojson: dict[str, Any]
    lint: list[str]
    warnings: list[str]
    forecast: Forecast
    """How long until the last of them has it."""


def preview_languages(document: Alert) -> tuple[str, ...]:
    """The languages worth looking at: those the author wrote, and English and Spanish, which most readers here have."""
    written = [nearest(info.language) for info in document.infos]
    return tuple(dict.fromkeys(tag for tag in (*written, "en", "es") if tag))


def by_channel(match: Match) -> dict[str, int]:
    """Deliveries per channel."""
    counts: dict[str, int] = {}
    for group, addresses in match.groups.items():
        counts[group.channel] = counts.get(group.channel, 0) + len(addresses)
    return counts


def by_way(match: Match) -> dict[tuple[str, bool], int]:
    """Deliveries per channel that can go at once, those to the outbox apart."""
    counts: dict[tuple[str, bool], int] = {}
    for group, addresses in match.groups.items():
        if group.after:
            continue
        key = (group.channel, group.simulated)
        counts[key] = counts.get(key, 0) + len(addresses)
    return counts


def too_late(forecast: Forecast, seconds_left: float) -> list[str]:
    """A warning when it ends before everybody can have it."""
    if forecast.seconds is None or forecast.seconds <= seconds_left:
        return []
    return ["It ends before everyone can have it: choose a later end, or a smaller area."]


def unprovided(forecast: Forecast) -> list[str]:
    """A warning for each channel that can reach nobody."""
    return [
        f"This hub has no provider for {channel}: {count:,} {'message waits' if count == 1 else 'messages wait'} until it has one."
        for channel, count in sorted(forecast.unprovided.items())
    ]


def messages(renderer: Renderer, alert: StoredAlert) -> dict[str, dict[str, dict[str, str]]]:
    """Every channel's words in every language of the preview; the marks of personal links become an ellipsis."""
    return {
        channel: {
            language: {name: _plain(text) for name, text in _parts(renderer, alert, channel, language).items()}
            for language in preview_languages(alert.document)
        }
        for channel in PARTS
    }


def _parts(renderer: Renderer, alert: StoredAlert, channel: str, language: str) -> dict[str, str]:
    message = renderer.alert(alert, channel, language)
    return dict(message.parts) or {"data": message.data}


def _plain(text: str) -> str:
    for mark in ("why", "unsubscribe"):
        text = text.replace(f"\x02{mark}\x03", f"#{mark}")
    return text


def sms_lengths(rendered: dict[str, dict[str, dict[str, str]]]) -> dict[str, SmsLength]:
    """Segments of the SMS in each language."""
    lengths = {}
    for language, parts in rendered["sms"].items():
        coded = gsm7.segments(parts["text"])
        lengths[language] = SmsLength(coded.encoding, coded.segments, coded.characters)
    return lengths


def lint(document: Alert) -> list[str]:
    """What a reader would miss (S7): said to the author, and again to the approver."""
    findings = []
    called_off = document.msgType == "Cancel"  # the frame says what that means, and the headline what it is about
    for info in document.infos:
        language = english_name(info.language)
        if not info.instruction.strip() and not called_off:
            findings.append(f"In {language} nothing says what to do. Write an instruction.")
        if not info.description.strip() and not called_off:
            findings.append(f"In {language} nothing says what has happened. Write a description.")
        if len(info.headline) > 100:
            findings.append(f"In {language} the headline is longer than a lock screen shows (100 characters).")
    languages = {nearest(info.language) for info in document.infos}
    if "es" not in languages:
        findings.append("No Spanish text: Spanish readers get act, hazard, place, end and advice in Spanish, your words in English.")
    return findings


def left_out(document: Alert, texts: dict[str, dict[str, str]]) -> list[str]:
    """What people must do and a text message has no room for; `texts` are those messages, by language."""
    return [
        f"The text message in {english_name(info.language)} has no room for “{cut(part, SHOWN_OF_A_SENTENCE)}”."
        for info in document.infos
        if (text := texts.get(nearest(info.language) or "", {}).get("text"))
        for part in map(str.strip, sentences(one_line(safe(info.instruction))))
        if part not in text and (gsm7.plain_letters(part) or part) not in text
    ]


def adjacent_names(area: ResolvedArea, catalog: AreaCatalog) -> list[str]:
    """Areas next to where it holds that get nothing: of the layers that were named, neighborhoods around what was only drawn."""
    if area.citywide:
        return []
    named = [found.index for key in area.keys if (found := catalog.get(key)) is not None]
    layers = {catalog.areas[index].layer for index in named} or {"neighborhood"}
    # People in an area that a shape meets are told, so it is none of those beside it.
    met = (index for shape in shapes_of(area, catalog) for index in catalog.meeting(shape))
    return [neighbour.name for neighbour in catalog.adjacent([*named, *(index for index in met if catalog.areas[index].layer in layers)])]


def describe(
    alert: StoredAlert,
    match: Match,
    renderer: Renderer,
    catalog: AreaCatalog,
    *,
    approval_needed: bool,
    warnings: list[str],
    forecast: Forecast,
    before: Alert | None = None,
) -> Preview:
    """Put the whole preview together. `before` is what people were told last of what this follows."""
    rendered = messages(renderer, alert)
    return Preview(
        people=match.people,
        by_channel=by_channel(match),
        grade=SEVERITIES[alert.grade],
        approval_needed=approval_needed,
        hash=alert.hash,
        topics=alert.document.topics,
        messages=rendered,
        sms=sms_lengths(rendered),
        adjacent=adjacent_names(alert.area, catalog),
        area_names=list(alert.area.names),
        area_geojson=geojson(alert.area, catalog),
        lint=[
            *lint(alert.document),
            *left_out(alert.document, rendered["sms"]),
            *(left_behind(alert.document, before) if before is not None else []),
        ],
        warnings=warnings,
        forecast=forecast,
    )
