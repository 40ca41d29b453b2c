"""The city's archive: fifty messages, every 65th of the file, and a look at all of them."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import pytest

from hub.alerts.area import resolve
from hub.sources.notify_nyc import TYPES, read_row
from subscriptions.areas import AreaCatalog

EVERY = 65
CONTROLS = {chr(code) for code in (*range(9), *range(11, 32), *range(0x7F, 0xA0))}


@pytest.fixture(scope="module")
def rows(corpus: Path) -> list[dict[str, str]]:
    with (corpus / "notify-nyc" / "notify_nyc_messages_2012_2018__public.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def selected(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return rows[::EVERY][:50]


def test_fifty_messages_become_alerts_by_the_stated_mapping(selected: list[dict[str, str]], catalog: AreaCatalog) -> None:
    assert len(selected) == 50
    for written in selected:
        notice = read_row(written, catalog)
        kind = TYPES[written["NotificationType"]]
        assert notice.alert.expires - notice.sent == timedelta(hours=kind.hours)
        assert notice.alert.topics == (kind.topic,)
        assert notice.alert.severity != "Unknown"
        assert not kind.everyday or notice.alert.severity == "Minor"
        assert resolve(notice.alert.area, catalog).citywide == notice.alert.area.citywide
        assert notice.alert.infos[0].headline


def test_brackets_at_the_end_of_a_title_are_the_area(selected: list[dict[str, str]], catalog: AreaCatalog) -> None:
    codes = {"BK": "Brooklyn", "BX": "Bronx", "MN": "Manhattan", "QN": "Queens", "SI": "Staten Island"}
    seen = 0
    for written in selected:
        code = written["Notification Title"].strip()[-4:]
        if code[0] + code[-1] == "()" and code[1:3] in codes:
            area = read_row(written, catalog).alert.area
            assert area.boroughs == (codes[code[1:3]],) or area.zips
            seen += 1
    assert seen > 10


def test_every_message_of_the_archive_is_read(rows: list[dict[str, str]], catalog: AreaCatalog) -> None:
    for written in rows:
        alert = read_row(written, catalog).alert
        assert not CONTROLS & set(alert.infos[0].headline + alert.infos[0].description)
        assert alert.infos[0].description


def test_lost_marks_are_put_back(rows: list[dict[str, str]], catalog: AreaCatalog) -> None:
    broken = [written for written in rows if "\x1a" in written["Notification Title"] + written["Email Body"]]
    assert broken
    texts = " ".join(read_row(written, catalog).alert.infos[0].description for written in broken)
    assert "St. John’s University" in texts
    assert "“shrike”" in texts
    assert "\x1a" not in texts
