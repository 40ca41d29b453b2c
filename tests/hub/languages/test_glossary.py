"""Hazards and what to do about them: whole in every language, found by name, and silent where an instruction would be wrong."""

from __future__ import annotations

import re

import msgspec
import pytest

from hub.alerts.alert import TOPICS_BY_CATEGORY
from hub.languages.catalogue import catalogue
from hub.languages.glossary import Glossary
from hub.languages.hazards import AT_ONCE, CATEGORIES, HAZARDS, SEVERITIES, URGENCIES
from hub.sources.notify_nyc import TYPES
from hub.web.console.starters import starters
from subscriptions.languages import LANGUAGES


class Event(msgspec.Struct):
    """As much of an alert as the glossary reads."""

    event: str = "Flash Flood Warning"
    category: str = "Met"
    msgType: str = "Alert"  # noqa: N815 - CAP's own spelling
    status: str = "Actual"
    urgency: str = "Immediate"


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_the_glossary_is_whole_in_every_language_and_nothing_is_left_over(language: str) -> None:
    every = {*HAZARDS, *HAZARDS.values(), *CATEGORIES.values(), *SEVERITIES.values(), *URGENCIES.values()}
    assert set(catalogue("glossary", language).entries) == every - {""}


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_no_two_kinds_of_event_that_ask_for_different_things_have_one_name(language: str) -> None:
    said = catalogue("glossary", language)
    asked: dict[str, set[str]] = {}
    for event, what_to_do in HAZARDS.items():
        asked.setdefault(said.text(event) or "", set()).add(what_to_do)
    assert {name: sorted(things) for name, things in asked.items() if len(things) > 1} == {}


def test_it_knows_every_event_of_the_texts_to_start_from_of_notify_nyc_and_every_category_of_cap() -> None:
    assert {one.event for one in starters()} <= set(HAZARDS)
    assert set(TYPES) <= set(HAZARDS)
    assert set(CATEGORIES) == set(TOPICS_BY_CATEGORY)


@pytest.mark.parametrize("event", ["Flash Flood Warning", "FLASH FLOOD WARNING", " flash  flood warning "])
def test_an_event_is_found_in_any_case_and_spacing(event: str) -> None:
    assert Glossary("es").event(event) == "Aviso de inundación repentina"


def test_an_unknown_event_is_called_by_its_category_and_has_no_instruction() -> None:
    assert Glossary("es").hazard(Event(event="Sinkhole", category="Geo")) == "Terremoto o deslizamiento"
    assert Glossary("es").what_to_do(Event(event="Sinkhole"), "now") == ""
    assert Glossary("es").event("Sinkhole") is None


@pytest.mark.parametrize("over", [Event(msgType="Cancel"), Event(status="Test"), Event(status="Exercise"), Event(urgency="Past")])
def test_nothing_is_to_be_done_about_a_cancellation_a_drill_a_test_or_what_has_passed(over: Event) -> None:
    """A drill's author says who takes part in it; the standard instruction would order everybody else out of the house."""
    assert Glossary("es").what_to_do(over, "now") == ""
    assert Glossary("es").what_to_do(Event(msgType="Update"), "now").startswith("Salga de los sótanos")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("tone", ["ready", "aware"])
def test_nobody_is_told_to_leave_or_to_take_shelter_at_once_but_by_the_gravest_alert(language: str, tone: str) -> None:
    for event in ("Gas Leak", "Evacuation Order", "Shelter in Place Warning", "Tornado Warning", "Flash Flood Warning", "Tsunami Warning"):
        assert Glossary(language).what_to_do(Event(event=event), tone) == ""
        assert Glossary(language).what_to_do(Event(event=event), "now")
    assert Glossary(language).what_to_do(Event(event="Power Outage"), tone)


def test_whatever_is_to_be_done_now_counts_as_done_at_once_or_not_at_all() -> None:
    assert {todo for todo in HAZARDS.values() if "now" in re.findall(r"\w+", todo)} <= AT_ONCE <= set(HAZARDS.values())


def test_severity_and_urgency_are_said_in_words_and_unknown_is_not() -> None:
    spanish = Glossary("es")
    assert (spanish.severity("Extreme"), spanish.urgency("Future")) == ("Hay vidas en peligro", "Se espera más tarde")
    assert (spanish.severity("Unknown"), spanish.urgency("Unknown")) == ("", "")
