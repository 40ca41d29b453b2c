"""Rows of the city's archive become alerts by the stated mapping of severity, expiry and area."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub.errors import InvalidInput
from hub.sources.notify_nyc import TYPES, ArchivedNotice, area_of, read_row
from subscriptions.areas import AreaCatalog, open_city


@pytest.fixture(scope="module")
def catalog() -> AreaCatalog:
    return open_city("nyc")


def row(**changes: str) -> dict[str, str]:
    written = {
        "Record ID": "1456",
        "Date and Time": "11/09/2013 07:30:00 AM",
        "NotificationType": "Road Closure",
        "Notification Title": "Road Closure - Hutchinson River Parkway (BX)",
        "Email Body": "Due to an accident, all southbound lanes are closed.",
    }
    return written | {name.replace("_", " "): value for name, value in changes.items()}


def read(catalog: AreaCatalog, **changes: str) -> ArchivedNotice:
    return read_row(row(**changes), catalog)


def test_a_row_becomes_an_alert_of_its_own_time(catalog: AreaCatalog) -> None:
    notice = read(catalog)
    assert (notice.record, notice.sent.isoformat()) == ("1456", "2013-11-09T07:30:00-05:00")
    alert = notice.alert
    assert (alert.category, alert.topics, alert.severity, alert.urgency) == ("Transport", ("transit",), "Minor", "Immediate")
    assert alert.expires - notice.sent == timedelta(hours=4)
    assert alert.infos[0].headline == "Road Closure - Hutchinson River Parkway (BX)"
    assert alert.infos[0].description == "Due to an accident, all southbound lanes are closed."
    assert alert.area.boroughs == ("Bronx",)


def test_times_are_new_yorks_in_summer_too(catalog: AreaCatalog) -> None:
    assert read(catalog, Date_and_Time="08/22/2013 10:47:00 PM").sent.isoformat() == "2013-08-22T22:47:00-04:00"


def test_a_row_without_a_body_says_its_title(catalog: AreaCatalog) -> None:
    assert read(catalog, Email_Body=" ").alert.infos[0].description == "Road Closure - Hutchinson River Parkway (BX)"


def test_a_long_title_is_cut_at_a_word_and_told_in_full(catalog: AreaCatalog) -> None:
    title = " ".join(["Closure"] * 40)
    info = read(catalog, Notification_Title=title).alert.infos[0]
    assert info.headline.endswith("Closure…")
    assert len(info.headline) <= 160
    assert info.description.startswith(f"{title}\n\nDue to")


@pytest.mark.parametrize(
    ("kind", "title", "severity"),
    [
        ("Weather", "Tornado Warning (BK)", "Extreme"),
        ("Weather", "Flash Flood Warning (CW)", "Severe"),
        ("Weather", "Wind Advisory (CW)", "Moderate"),
        ("Fire", "Seven Alarm Fire (MN)", "Severe"),
        ("Fire", "Two Alarm Fire (MN)", "Moderate"),
        ("Public Awareness", "Evacuation of a film set", "Minor"),
        ("Drills / Exercises", "Active Shooter Drill (MN)", "Minor"),
        ("A new type", "Something (MN)", "Moderate"),
    ],
)
def test_severity_is_graded_by_words_and_everyday_types_stay_minor(kind: str, title: str, severity: str, catalog: AreaCatalog) -> None:
    assert read(catalog, NotificationType=kind, Notification_Title=title).alert.severity == severity


@pytest.mark.parametrize("kind", TYPES)
def test_each_type_has_its_expiry_and_topic(kind: str, catalog: AreaCatalog) -> None:
    notice = read(catalog, NotificationType=kind)
    assert notice.alert.expires - notice.sent == timedelta(hours=TYPES[kind].hours)
    assert notice.alert.topics == (TYPES[kind].topic,)


@pytest.mark.parametrize(
    ("title", "body", "area"),
    [
        ("A (BK)", "", {"boroughs": ["Brooklyn"]}),
        ("A (MN/NJ)", "in the Bronx", {"boroughs": ["Manhattan"]}),
        ("A (BK/S QN/SI)", "", {"boroughs": ["Brooklyn", "Queens", "Staten Island"]}),
        ("A (BX, MN, QU)", "", {"boroughs": ["Manhattan", "Bronx", "Queens"]}),
        ("A (CW)", "in Brooklyn", {"citywide": True}),
        ("A (Citywide)", "", {"citywide": True}),
        ("A - (City Wide)", "", {"citywide": True}),
        ("A (Staten Island)", "", {"boroughs": ["Staten Island"]}),
        ("A in Queens", "and Brooklyn", {"boroughs": ["Queens"]}),
        ("A", "in the Arden Heights section of Staten Island", {"boroughs": ["Staten Island"]}),
        ("A (NJ)", "", {"citywide": True}),
        ("A", "nowhere named", {"citywide": True}),
        ("Outage - Brooklyn - 11205", "in Brooklyn ZIP code: 11205.", {"zips": ["11205"]}),
        ("Outage (QN)", "Zip Codes 11373, 11378 and 11379 are affected; 11201 trees fell", {"zips": ["11373", "11378", "11379"]}),
        ("Outage (QN)", "ZIP code 11999 is affected", {"boroughs": ["Queens"]}),
        ("MNBX at the BKSI (QN)", "", {"boroughs": ["Queens"]}),
    ],
)
def test_area_is_read_from_where_the_rule_says(title: str, body: str, area: dict[str, Any], catalog: AreaCatalog) -> None:
    assert area_of(title, body, catalog) == area


@pytest.mark.parametrize("column", ["Record ID", "Date and Time", "NotificationType", "Notification Title"])
def test_a_row_without_what_it_needs_is_refused_by_column(column: str, catalog: AreaCatalog) -> None:
    for spoiled in (row() | {column: " "}, {name: value for name, value in row().items() if name != column}):
        with pytest.raises(InvalidInput) as refused:
            read_row(spoiled, catalog)
        assert refused.value.errors[0].pointer == f"/{column}"


@pytest.mark.parametrize("time", ["2013-11-09T07:30:00", "13/41/2013 07:30:00 AM", "yesterday"])
def test_a_time_of_another_form_is_refused(time: str, catalog: AreaCatalog) -> None:
    with pytest.raises(InvalidInput, match="not a time"):
        read(catalog, Date_and_Time=time)
