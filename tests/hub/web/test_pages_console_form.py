"""The compose form: what it makes of its fields, what it refuses itself, and where the document's faults are shown."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest
from multidict import MultiDict, MultiDictProxy

from hub.alerts.area import resolve
from hub.alerts.validation import read_alert
from hub.errors import InvalidInput
from hub.web.console import form as forms
from hub.web.console.faults import errors_of
from hub.web.console.form import Form, Unfinished
from hub.web.console.starters import BLANK, starters
from subscriptions.errors import FieldError

NOW = 1_795_000_000.0


def form(**fields: str | list[str]) -> Form:
    """A form that is ready, with some fields changed."""
    ready = {
        "status": "Actual",
        "event": "Flood Advisory",
        "category": "Met",
        "severity": "Moderate",
        "urgency": "Expected",
        "certainty": "Likely",
        "duration": "4",
        "headline_en": "Water is rising at the canal",
        "zips": "11201",
    }
    data: MultiDict[str] = MultiDict()
    for name, value in (ready | fields).items():
        for one in value if isinstance(value, list) else [value]:
            data.add(name, one)
    return forms.read(MultiDictProxy(data))


def test_a_filled_form_is_a_valid_alert(catalog) -> None:
    made = form(
        headline_es="Sube el agua", boroughs=["Bronx", "Queens"], topics=["weather", "transit"], neighborhoods="Astoria (Central)\n"
    )
    alert = read_alert(msgspec.json.encode(forms.document(made, NOW)), catalog, NOW)
    assert [info.language for info in alert.infos] == ["en-US", "es"]
    assert alert.area.zips == ("11201",)
    assert alert.area.boroughs == ("Bronx", "Queens")
    assert alert.topics == ("weather", "transit")
    assert alert.expires.timestamp() == NOW + 4 * 3600


@pytest.mark.parametrize("typed", ["11201 11205", "11201,11205", " 11201 ;\n11205, "])
def test_zips_may_be_separated_as_people_do(typed: str) -> None:
    assert forms.document(form(zips=typed), NOW)["area"] == {"zips": ["11201", "11205"]}


def test_a_local_time_is_the_citys() -> None:
    made = forms.document(form(duration="at", expires_at="2026-11-22T21:00"), NOW)
    assert made["expires"] == "2026-11-22T21:00:00-05:00"


def test_the_preview_fixes_the_end_so_that_what_is_seen_is_what_is_sent() -> None:
    fixed = forms.fixed_end(form(duration="2"), NOW)
    assert (fixed.get("duration"), forms.as_chosen(fixed).get("duration")) == ("at", "2")
    later = NOW + 600
    assert forms.document(fixed, NOW)["expires"] == forms.document(fixed, later)["expires"]


@pytest.mark.parametrize(
    ("now", "hours", "end"),
    [
        ("2026-11-01T00:40-04:00", "1", "2026-11-01T01:40:00-04:00"),
        ("2026-11-01T00:40-04:00", "2", "2026-11-01T01:40:00-05:00"),
        ("2026-11-01T01:30-04:00", "1", "2026-11-01T01:30:00-05:00"),
        ("2026-11-01T01:30-05:00", "1", "2026-11-01T02:30:00-05:00"),
        ("2026-11-01T00:40-04:00", "4", "2026-11-01T03:40:00-05:00"),
        ("2027-03-14T01:30-05:00", "1", "2027-03-14T03:30:00-04:00"),
    ],
)
def test_an_hour_lasts_an_hour_on_the_nights_when_the_clocks_change(now: str, hours: str, end: str) -> None:
    chosen, moment = form(duration=hours), datetime.fromisoformat(now).timestamp()
    previewed = forms.fixed_end(chosen, moment)
    published = forms.read(MultiDictProxy(MultiDict(previewed.hidden())))
    for one in (chosen, previewed, published):
        assert forms.document(one, moment)["expires"] == end


@pytest.mark.parametrize("duration", ["9" * 20, "9" * 400, "nan"])
def test_a_duration_beyond_all_calendars_is_asked_for_again(duration: str) -> None:
    with pytest.raises(Unfinished) as unfinished:
        forms.document(forms.fixed_end(form(duration=duration), NOW), NOW)
    assert list(unfinished.value.errors) == ["duration"]


@pytest.mark.parametrize(
    ("pasted", "kind"),
    [
        ('{"type": "Polygon", "coordinates": []}', "Polygon"),
        ('{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": []}}', "Polygon"),
        (
            '{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": []}}]}',
            "MultiPolygon",
        ),
    ],
)
def test_geojson_may_be_a_geometry_a_feature_or_a_collection_of_one(pasted: str, kind: str) -> None:
    assert forms.document(form(zips="", polygon=pasted), NOW)["area"]["polygon"]["type"] == kind


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        *[({name: ""}, name) for name in ("status", "event", "category", "severity", "urgency", "certainty")],
        ({"headline_en": ""}, "headline_en"),
        ({"headline_en": f"Fire at {BLANK}"}, "headline_en"),
        ({"instruction_es": f"Vaya a {BLANK}"}, "instruction_es"),
        ({"zips": ""}, "zips"),
        ({"zips": "", "polygon": "a square"}, "polygon"),
        ({"zips": "", "polygon": "[" * 5_000}, "polygon"),
        ({"zips": "", "polygon": "[" * 900 + "]" * 900}, "polygon"),
        ({"zips": "", "polygon": "[" * 11 + "]" * 11}, "polygon"),
        ({"zips": "", "lat": "40.7", "lon": "west"}, "lat"),
        ({"duration": ""}, "duration"),
        ({"duration": "at", "expires_at": "tomorrow"}, "expires_at"),
    ],
)
def test_what_only_the_form_can_know_is_said_at_its_field(changes: dict[str, str], field: str) -> None:
    with pytest.raises(Unfinished) as unfinished:
        forms.document(form(**changes), NOW)
    assert list(unfinished.value.errors) == [field]


@pytest.mark.parametrize(
    ("pointer", "field", "said"),
    [
        ("/infos/0/headline", "headline_en", "“Headline” is wrong"),
        ("/infos/1/instruction", "instruction_es", "“What to do” in Spanish is wrong"),
        ("/infos/0/web", "web", "“Page with more” is wrong"),
        ("/infos/1/web", "web_es", "“Page with more” in Spanish is wrong"),
        ("/area/zips/3", "zips", "“ZIP codes” is wrong"),
        ("/area/polygon/coordinates/0", "polygon", "“Shape” is wrong"),
        ("/area/circle/radius_m", "lat", "“Metres” is wrong"),
        ("/area", "zips", "Is wrong"),
        ("/expires", "expires_at", "“Day and time” is wrong"),
        ("/known_since", "form", "Is wrong"),
        ("/topics/0", "topics", "“Topics” is wrong"),
        ("/severity", "severity", "“How serious is it?” is wrong"),
        ("/somewhere/else", "form", "Is wrong"),
        ("", "form", "Is wrong"),
    ],
)
def test_each_fault_of_the_document_is_shown_at_its_field_by_that_fields_name(pointer: str, field: str, said: str) -> None:
    both = form(headline_es="Sube el agua", web_es="https://example.org/es")
    assert errors_of(InvalidInput((FieldError(pointer, "is wrong"),)), both, NOW) == {field: said}


def faults_of(made: Form, catalog) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        read_alert(msgspec.json.encode(forms.document(made, NOW)), catalog, NOW)
    return errors_of(refused.value, made, NOW)


def test_two_headlines_that_are_too_long_are_told_apart(catalog) -> None:
    assert faults_of(form(headline_en="a" * 1_139, headline_es="b" * 161), catalog) == {
        "headline_en": "“Headline” has 1,139 characters; at most 160 are allowed",
        "headline_es": "“Headline” in Spanish has 161 characters; at most 160 are allowed",
    }


def test_an_end_that_is_over_is_told_the_time_as_people_say_it(catalog) -> None:
    found = faults_of(form(duration="at", expires_at="2026-11-18T06:00"), catalog)
    assert found == {"expires_at": "That has passed: it is now 6:06 AM today, Nov 18. Choose a later end."}


def test_a_place_that_is_named_twice_is_said_without_a_pointer(catalog) -> None:
    assert faults_of(form(zips="11201 11201"), catalog) == {"zips": "“ZIP codes” stands there twice: keep one"}


def test_an_update_that_ends_before_it_begins_says_so_at_its_end(catalog) -> None:
    early = form(kind="Update", follows="al_1", onset="2026-11-30T12:00:00-05:00")
    assert faults_of(early, catalog)["expires_at"].startswith("It begins only after that")


def test_nothing_that_was_typed_is_lost_through_the_preview() -> None:
    typed = form(boroughs=["Bronx"], topics=["fire"], citywide="1", description_en="One\r\nTwo", follows="al_1", kind="Update")
    assert forms.read(MultiDictProxy(MultiDict(typed.hidden()))).hidden() == typed.hidden()


def test_an_alert_can_be_written_again_from_its_own_document(catalog) -> None:
    circle = {"lat": "40.69", "lon": "-73.99", "radius_m": "500.0"}
    alert = read_alert(
        msgspec.json.encode(forms.document(form(description_es="Sube el agua", headline_es="Agua", **circle), NOW)), catalog, NOW
    )
    again = forms.document(forms.from_alert(alert, catalog), NOW)
    assert read_alert(msgspec.json.encode(again), catalog, NOW) == alert


def test_an_update_keeps_every_language_and_what_the_form_cannot_change(catalog) -> None:
    first = forms.document(form(), NOW) | {"onset": "2026-11-18T07:00:00-05:00", "known_since": "2026-11-18T06:00:00-05:00"}
    first["infos"] += [{"language": tag, "headline": f"In {tag}", "instruction": "…"} for tag in ("es", "zh-Hans", "ru", "ar")]
    alert = read_alert(msgspec.json.encode(first), catalog, NOW)
    shown = forms.from_alert(alert, catalog)
    assert [tag for tag, _ in shown.further()] == ["zh-Hans", "ru", "ar"]
    assert shown.begins() == "7:00 AM on Wed, Nov 18, 2026"
    update = Form(shown.values | {"kind": "Update", "follows": "al_1"}, shown.boroughs, shown.topics)
    posted = forms.read(MultiDictProxy(MultiDict(update.hidden())))
    assert read_alert(msgspec.json.encode(forms.document(posted, NOW)), catalog, NOW) == alert
    for kind in ("", "Cancel"):
        other = forms.document(Form(posted.values | {"kind": kind}), NOW)
        assert not {"onset", "known_since"} & other.keys()


def test_places_are_shown_by_their_names_however_they_were_written(catalog) -> None:
    written = {"zips": ["11201"], "neighborhoods": ["BK0101", "astoria (central)"], "boroughs": ["the bronx", "4"]}
    alert = read_alert(msgspec.json.encode(forms.document(form(), NOW) | {"area": written}), catalog, NOW)
    shown = forms.from_alert(alert, catalog)
    assert shown.boroughs == ("Bronx", "Queens")
    assert shown.get("neighborhoods") == "Greenpoint\nAstoria (Central)"
    again = read_alert(msgspec.json.encode(forms.document(shown, NOW)), catalog, NOW)
    assert resolve(again.area, catalog) == resolve(alert.area, catalog)


@pytest.mark.parametrize(
    "links",
    [
        ("https://example.org/en", "https://example.org/es", None),
        ("https://example.org/en", None, None),
        (None, "https://example.org/es", "https://example.org/ru"),
        ("https://example.org/", "https://example.org/", "https://example.org/"),
    ],
)
def test_each_language_keeps_its_own_link(links: tuple[str | None, ...], catalog) -> None:
    infos = [
        {"language": tag, "headline": f"In {tag}"} | ({"web": link} if link else {})
        for tag, link in zip(("en-US", "es", "ru"), links, strict=True)
    ]
    alert = read_alert(msgspec.json.encode(forms.document(form(), NOW) | {"infos": infos}), catalog, NOW)
    posted = forms.read(MultiDictProxy(MultiDict(forms.from_alert(alert, catalog).hidden())))
    assert read_alert(msgspec.json.encode(forms.document(posted, NOW)), catalog, NOW).infos == alert.infos


def test_a_link_for_all_stands_in_where_a_language_has_none_of_its_own() -> None:
    made = forms.document(form(headline_es="Sube el agua", web="https://example.org/", web_es="https://example.org/es"), NOW)
    assert [info["web"] for info in made["infos"]] == ["https://example.org/", "https://example.org/es"]


@pytest.mark.parametrize("one", starters(), ids=lambda one: one.id)
def test_a_text_to_start_from_is_refused_until_its_blanks_are_filled_and_then_valid(one, catalog) -> None:
    start = Form(forms.DEFAULTS | one.form() | {"zips": "11201", "status": "Actual"})
    with pytest.raises(Unfinished):
        forms.document(start, NOW)
    filled = Form({name: text.replace(BLANK, "Main Street") for name, text in start.values.items()})
    assert read_alert(msgspec.json.encode(forms.document(filled, NOW)), catalog, NOW).event == one.event
