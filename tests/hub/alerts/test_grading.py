"""The severity of foreign documents is kept but not believed (S11): a parade is no emergency, a tornado warning is."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from hub.alerts.alert import Alert, Area, Info, Severity
from hub.alerts.grading import grade
from subscriptions.severity import SEVERITIES


def alert(
    headline: str, body: str = "", severity: Severity = "Extreme", language: str = "en-US", event: str = "Civil Emergency Message"
) -> Alert:
    return Alert(
        category="Other",
        event=event,
        urgency="Immediate",
        severity=severity,
        certainty="Observed",
        expires=datetime(2026, 11, 23, tzinfo=UTC),
        infos=(Info(language=language, headline=headline, description=body),),
        area=Area(citywide=True),
        topics=("emergency",),
    )


EVENT = "Civil Emergency Message"


def graded(*words: str, severity: Severity = "Extreme", language: str = "en-US", event: str = EVENT) -> str:
    return SEVERITIES[grade(alert(*words, severity=severity, language=language, event=event), imported=True)]


@pytest.mark.parametrize(
    ("headline", "expected"),
    [
        ("Notify NYC - Nigeria Independence Day Parade and Festival - 10/3 (MN)", "Minor"),
        ("Notify NYC - Planned Road Closure - 89th Pulaski Day Parade - 10/4 (MN)", "Minor"),
        ("Notify NYC - Unplanned Road Closure - Grand Street Bridge (BK/QN)", "Minor"),
        ("Notify NYC - Planned Natural Gas Work - 10/7 - 34th Avenue (QN)", "Minor"),
        ("Notify NYC - Coastal Flood Statement - 9/29 (Staten Island)", "Minor"),
        ("Transit Disruption - L Train", "Minor"),
        ("NYPD Active Shooter Drill", "Minor"),
        ("TV Filming w/ Simulated Explosion (QN)", "Minor"),
        ("Notify NYC - FDNY Activity - Clinton Street (BK)", "Moderate"),
        ("Notify NYC - Con Edison Power Outage - Brooklyn - 11205", "Moderate"),
        ("Three Alarm Fire - Hillside Avenue (QN)", "Moderate"),
        ("Flood Advisory (BX)", "Moderate"),
        ("TEST - Tornado Warning", "Minor"),
        ("[Test] Tornado Warning", "Minor"),
        ("Tornado Warning (Test)", "Minor"),
        ("Test of the Emergency Alert System - Tornado Warning", "Minor"),
        ("Siren Testing Today - Tornado Warning", "Minor"),
        ("Required Weekly Test", "Minor"),
        ("Tornado Warning: this is only a test", "Minor"),
        ("Full-Scale Exercise: Tornado Warning", "Minor"),
        ("Tornado Warning - exercise caution", "Extreme"),
        ("Flash Flood Warning: exercise extreme caution", "Severe"),
        ("Boil Water Notice: positive E. coli test", "Severe"),
        ("Shelter in Place: hazmat, air testing under way", "Extreme"),
        ("Boil Water Notice: test results are due tomorrow", "Severe"),
        ("Active Shooter at the Drill Hall", "Extreme"),
        ("Flash Flood Warning (QN)", "Severe"),
        ("Seven Alarm Fire - 2nd Avenue (MN)", "Severe"),
        ("Boil Water Notice - Staten Island", "Severe"),
        ("Natural Gas Leak - Liberty Avenue (QN)", "Severe"),
        ("Tornado Warning (BK)", "Extreme"),
        ("Mandatory Evacuation - Zone 1", "Extreme"),
        ("Shelter in Place - Bayonne", "Extreme"),
        ("Tornado Warning Has Been Cancelled", "Minor"),
        ("Cancelled: Tornado Warning (BK)", "Minor"),
        ("Evacuation Order Lifted - Zone 1", "Minor"),
        ("Boil Water Notice - Lifted", "Severe"),
        ("Tornado Warning - Sunday's Parade Cancelled", "Extreme"),
        ("Blizzard Warning: Alternate Side Parking Suspended", "Severe"),
    ],
)
def test_foreign_headlines_are_graded_by_what_they_name(headline: str, expected: str) -> None:
    assert graded(headline) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Evacuate now and go to the nearest shelter.", "Severe"),
        ("Residents must evacuate.", "Severe"),
        ("Do not drink the water.", "Severe"),
        ("If you are told to, evacuate immediately.", "Moderate"),
        ("This may change. Residents do not need to take cover.", "Moderate"),
        ("Expect smoke in the area.", "Moderate"),
    ],
)
def test_a_body_counts_when_it_tells_people_to_act(body: str, expected: str) -> None:
    assert graded("Emergency Activity (BX)", body) == expected


@pytest.mark.parametrize("severity", ["Minor", "Moderate", "Severe"])
def test_the_grade_never_exceeds_what_the_source_states(severity: Severity) -> None:
    assert graded("Tornado Warning", severity=severity) == severity


def test_a_source_that_states_nothing_gets_what_the_words_give() -> None:
    assert graded("Tornado Warning", severity="Unknown") == "Extreme"
    assert graded("Something", severity="Unknown") == "Moderate"


@pytest.mark.parametrize("severity", SEVERITIES)
def test_what_our_own_staff_write_keeps_its_severity(severity: Severity) -> None:
    assert SEVERITIES[grade(alert("A parade", severity=severity), imported=False)] == severity


def test_the_event_counts_as_the_headline_does() -> None:
    assert graded("Take care", event="Flash Flood Warning") == "Severe"


@pytest.mark.parametrize(
    ("headline", "language", "expected"),
    [
        ("Aviso de tornado en Brooklyn", "es", "Extreme"),
        ("Desfile del Día de la Independencia", "es", "Minor"),
        ("龍捲風警報", "zh-Hant", "Extreme"),
        ("Предупреждение о торнадо", "ru", "Extreme"),
        ("تحذير من إعصار", "ar", "Extreme"),
        ("Fuite de gaz à Queens", "fr", "Severe"),
        ("수역 주의보", "ko", "Moderate"),
    ],
)
def test_other_languages_are_not_graded_below_english(headline: str, language: str, expected: str) -> None:
    assert graded(headline, language=language) == expected


def test_of_several_languages_the_gravest_counts() -> None:
    both = alert("Notice")
    both = msgspec.structs.replace(both, infos=(*both.infos, Info(language="es", headline="Orden de evacuación")))
    assert SEVERITIES[grade(both, imported=True)] == "Extreme"
