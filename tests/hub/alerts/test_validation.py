"""Every field of an alert, wrong in every way: refused with its pointer and a way to mend it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from hub.alerts import limits
from hub.alerts.alert import TOPICS_BY_CATEGORY, Alert
from hub.alerts.validation import CATEGORIES, read_alert
from hub.clock import instant
from hub.errors import BadRequest, InvalidInput, TooLarge
from subscriptions.areas import AreaCatalog
from tests.hub.alerts.documents import NOW, SQUARE, doubled, encode, everything, minimal, with_value, without

NUMBER, TEXT, LIST, OBJECT, TRUE, NULL = 5, "text", [], {}, True, None


def faults(document: Any, catalog: AreaCatalog, **options: Any) -> dict[str, str]:
    """Pointer → detail of every fault of a document."""
    raw = document if isinstance(document, bytes) else encode(document)
    with pytest.raises(InvalidInput) as refused:
        read_alert(raw, catalog, NOW, **options)
    return {error.pointer: error.detail for error in refused.value.errors}


def accepted(document: Any, catalog: AreaCatalog, **options: Any) -> Alert:
    return read_alert(encode(document), catalog, NOW, **options)


REQUIRED = ["/category", "/event", "/urgency", "/severity", "/certainty", "/expires", "/infos", "/area"]
REQUIRED += ["/infos/0/language", "/infos/0/headline"]
REQUIRED += ["/area/polygon/type", "/area/polygon/coordinates", "/area/circle/lat", "/area/circle/lon", "/area/circle/radius_m"]

WORDS = ["/event", "/infos/0/language", "/infos/0/headline", "/infos/0/description", "/infos/0/instruction"]
NULLABLE_WORDS = ["/infos/0/web", "/incident"]
ITEMS = ["/area/zips/0", "/area/neighborhoods/0", "/area/boroughs/0", "/topics/0", "/references/0"]
CHOICES = ["/status", "/msgType", "/category", "/urgency", "/severity", "/certainty"]
INSTANTS = ["/expires", "/onset", "/known_since"]
LISTS = ["/infos", "/area/zips", "/area/neighborhoods", "/area/boroughs", "/topics", "/references"]
OBJECTS = ["/area", "/infos/0", "/infos/1"]
SHAPES = ["/area/polygon", "/area/circle"]
NUMBERS = ["/area/circle/lat", "/area/circle/lon", "/area/circle/radius_m"]

OF_THE_WRONG_TYPE = [
    *[(pointer, value) for pointer in WORDS + ITEMS + CHOICES for value in (NUMBER, 1.5, LIST, OBJECT, TRUE, NULL)],
    *[(pointer, value) for pointer in NULLABLE_WORDS for value in (NUMBER, LIST, OBJECT, TRUE)],
    *[(pointer, value) for pointer in INSTANTS for value in (NUMBER, LIST, OBJECT, TRUE)],
    ("/expires", NULL),
    *[(pointer, value) for pointer in LISTS for value in (NUMBER, TEXT, OBJECT, TRUE, NULL)],
    *[(pointer, value) for pointer in OBJECTS for value in (NUMBER, TEXT, ["a"], TRUE, NULL)],
    *[(pointer, value) for pointer in SHAPES for value in (NUMBER, TEXT, ["a"], TRUE)],
    *[(pointer, value) for pointer in NUMBERS for value in (TEXT, "40.7", LIST, OBJECT, TRUE, NULL)],
    *[("/area/citywide", value) for value in (NUMBER, 0, TEXT, "true", LIST, OBJECT, NULL)],
    *[("/area/polygon/type", value) for value in (NUMBER, LIST, OBJECT, TRUE, NULL)],
    *[("/area/polygon/coordinates", value) for value in (NUMBER, TEXT, OBJECT, TRUE, NULL)],
    *[("/area/polygon/coordinates/0", value) for value in (NUMBER, TEXT, OBJECT, TRUE, NULL)],
    *[
        ("/area/polygon/coordinates/0/1", value)
        for value in (NUMBER, TEXT, OBJECT, ["a", "b"], [True, False], [None, 1], [1], [1, 2, 3], LIST)
    ],
]

OUT_OF_RANGE = [
    *[(pointer, "actual") for pointer in CHOICES],
    *[(pointer, "") for pointer in CHOICES],
    ("/status", "Draft"),
    ("/status", "System"),
    ("/msgType", "Ack"),
    ("/msgType", "Error"),
    ("/category", "Weather"),
    ("/urgency", "Now"),
    ("/severity", "severe"),
    ("/certainty", "Very Likely"),
    *[(pointer, "") for pointer in ["/event", "/infos/0/language", "/infos/0/headline", "/infos/0/web", "/incident"]],
    *[(pointer, " \n\t ") for pointer in ["/event", "/infos/0/headline"]],
    *[(pointer, "") for pointer in ITEMS],
    *[(pointer, []) for pointer in LISTS],
    *[(pointer, "2026-11-22T21:00:00") for pointer in INSTANTS],
    *[(pointer, "2026-11-22 21:00:00-05:00") for pointer in INSTANTS],
    *[(pointer, "2026-11-22T21:00-05:00") for pointer in INSTANTS],
    *[(pointer, "2026-02-30T21:00:00-05:00") for pointer in INSTANTS],
    *[(pointer, "2026-11-22T25:00:00-05:00") for pointer in INSTANTS],
    *[(pointer, "2026-11-22T21:00:00-25:00") for pointer in INSTANTS],
    *[(pointer, "2026-11-22T21:00:60-05:00") for pointer in INSTANTS],
    *[(pointer, "2026-W48-1") for pointer in INSTANTS],
    *[(pointer, "tomorrow") for pointer in INSTANTS],
    *[(pointer, "") for pointer in INSTANTS],
    ("/expires", "2026-11-22T13:59:59-05:00"),
    ("/expires", "2026-11-22T14:00:00-05:00"),
    ("/expires", "2026-12-22T14:00:01-05:00"),
    ("/expires", "9999-12-31T23:59:59-23:59"),
    ("/onset", "2026-11-22T21:00:00-05:00"),
    ("/onset", "2026-11-23T02:00:01Z"),
    ("/onset", "2024-11-22T21:00:00-05:00"),
    ("/onset", "0001-01-01T00:00:00+14:00"),
    ("/known_since", "2026-11-22T14:05:01-05:00"),
    ("/known_since", "2024-11-22T14:05:01-05:00"),
    ("/infos/0/language", "english!"),
    ("/infos/0/language", "en_US"),
    ("/infos/0/language", "de"),
    ("/infos/0/language", "tlh"),
    ("/infos/1/language", "en-GB"),
    ("/infos/0/web", "example.gov"),
    ("/infos/0/web", "ftp://example.gov/"),
    ("/infos/0/web", "javascript:alert(1)"),
    ("/infos/0/web", "https://"),
    ("/infos/0/web", "https://localhost/"),
    ("/infos/0/web", "https://user:pass@example.gov/"),
    ("/infos/0/web", "https://example.gov/a b"),
    ("/infos/0/web", 'https://example.gov/"><script>'),
    ("/infos/0/web", "https://example.gov:99999/"),
    ("/infos/0/web", "https://[::1/"),
    ("/infos/0/headline", "a\ud800b"),
    ("/infos/0/description", "\udfff"),
    ("/event", "\ud83d"),
    ("/topics/0", "sports"),
    ("/topics/0", "Weather"),
    ("/incident", "inc 1"),
    ("/incident", "inc/1"),
    ("/references/0", "al 1"),
    ("/references/0", "<al>"),
    ("/area/zips/0", "99999"),
    ("/area/zips/0", "1120"),
    ("/area/zips/0", "Brooklyn"),
    ("/area/neighborhoods/0", "Springfield"),
    ("/area/boroughs/0", "Hoboken"),
    ("/area/boroughs/0", "11201"),
    ("/area/citywide", True),
    ("/area/circle/lat", 90.1),
    ("/area/circle/lat", -91),
    ("/area/circle/lon", 180.1),
    ("/area/circle/lon", -1e9),
    ("/area/circle/radius_m", 0),
    ("/area/circle/radius_m", 9.99),
    ("/area/circle/radius_m", -800),
    ("/area/circle/radius_m", 50_000.1),
    ("/area/circle/radius_m", 10**400),
    ("/area/polygon/type", "Point"),
    ("/area/polygon/type", "polygon"),
    ("/area/polygon/coordinates", []),
    ("/area/polygon/coordinates/0/1", [-181, 40.7]),
    ("/area/polygon/coordinates/0/1", [-74, 91]),
    ("/area/polygon/coordinates/0/1", [10**400, 40.7]),
    ("/send_at", "2026-11-22T20:00:00-05:00"),
    ("/send_at", ""),
    ("/area/layers", [{"layer": "evacuation_zones", "id": "1"}]),
    ("/area/layers", []),
]

TOO_LONG = [
    ("/event", "x" * (limits.EVENT.authored + 1)),
    ("/infos/0/headline", "x" * (limits.HEADLINE.authored + 1)),
    ("/infos/0/description", "x" * (limits.DESCRIPTION.authored + 1)),
    ("/infos/0/instruction", "x" * (limits.INSTRUCTION.authored + 1)),
    ("/infos/0/web", "https://example.gov/" + "x" * limits.WEB.authored),
    ("/infos/0/language", "en-" + "x" * limits.NAME.authored),
    ("/infos", [{"language": "en", "headline": "x"}] * (limits.INFOS.authored + 1)),
    ("/incident", "x" * (limits.IDENTIFIER.authored + 1)),
    ("/references/0", "x" * (limits.IDENTIFIER.authored + 1)),
    ("/references", [f"al_{number}" for number in range(limits.REFERENCES.authored + 1)]),
    ("/topics", ["weather"] * 12),
    ("/area/zips", [str(10_000 + number) for number in range(limits.NAMES.authored + 1)]),
    ("/area/zips/0", "1" * (limits.NAME.authored + 1)),
    ("/area/neighborhoods/0", "x" * (limits.NAME.authored + 1)),
    ("/area/boroughs/0", "x" * (limits.NAME.authored + 1)),
]

UNKNOWN = [
    *["/colour", "/audience_languages", "/graded", "/id", "/info", "/msgtype", "/a~1b"],
    *["/infos/0/title", "/infos/0/audience"],
    *["/area/zip", "/area/areaDesc", "/area/same"],
    *["/area/circle/radius", "/area/polygon/bbox", "/area/polygon/crs"],
]

DOUBLED = [
    "/status",
    "/category",
    "/expires",
    "/infos",
    "/infos/0/headline",
    "/area",
    "/area/zips",
    "/area/circle/lat",
    "/area/polygon/type",
]


def test_every_field_that_is_right_is_accepted(catalog: AreaCatalog) -> None:
    """The document that the other tests spoil has no fault itself."""
    alert = accepted(everything(), catalog)
    assert alert.infos[0].headline == "Flash flooding near the Gowanus Canal"
    assert alert.area.polygon == {"type": "Polygon", "coordinates": [SQUARE]}
    assert alert.topics == ("weather", "transit")
    assert alert.expires.isoformat() == "2026-11-22T21:00:00-05:00"


@pytest.mark.parametrize("pointer", REQUIRED)
def test_missing_field_is_named(pointer: str, catalog: AreaCatalog) -> None:
    assert "is missing" in faults(without(pointer), catalog)[pointer]


@pytest.mark.parametrize(("pointer", "value"), OF_THE_WRONG_TYPE)
def test_field_of_the_wrong_type_is_named(pointer: str, value: Any, catalog: AreaCatalog) -> None:
    assert pointer in {_shortened(found, pointer) for found in faults(with_value(pointer, value), catalog)}


@pytest.mark.parametrize(("pointer", "value"), OUT_OF_RANGE)
def test_field_out_of_range_is_named(pointer: str, value: Any, catalog: AreaCatalog) -> None:
    assert pointer in faults(with_value(pointer, value), catalog)


@pytest.mark.parametrize(("pointer", "value"), TOO_LONG)
def test_field_that_is_too_long_is_named(pointer: str, value: Any, catalog: AreaCatalog) -> None:
    assert pointer in faults(with_value(pointer, value), catalog)


@pytest.mark.parametrize("pointer", UNKNOWN)
def test_unknown_field_is_an_error_and_never_ignored(pointer: str, catalog: AreaCatalog) -> None:
    document = with_value(pointer.replace("~1", "\0"), "x")
    raw = encode(document).replace(b"\\u0000", b"/")
    assert set(faults(raw, catalog)) == {pointer}


@pytest.mark.parametrize("pointer", DOUBLED)
def test_name_that_stands_twice_in_its_object_is_named(pointer: str, catalog: AreaCatalog) -> None:
    assert faults(doubled(pointer), catalog)[pointer] == "stands here more than once: keep one"


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/area/zips/1", "11201"),
        ("/area/zips/1", "11201-1832"),
        ("/area/boroughs", ["Brooklyn", "Kings"]),
        ("/area/boroughs", ["Bronx", "The Bronx"]),
        ("/topics/1", "weather"),
        ("/references", ["al_1", "al_1"]),
        ("/infos/1/language", "en"),
    ],
)
def test_item_named_twice_is_an_error(pointer: str, value: Any, catalog: AreaCatalog) -> None:
    found = faults(with_value(pointer, value), catalog)
    assert any(key.startswith(pointer) and ("same" in detail or "already" in detail) for key, detail in found.items())


def test_all_faults_are_told_at_once(catalog: AreaCatalog) -> None:
    document = minimal(
        category="Storm", severity=3, event="", colour="red", area={"zips": ["11201", 11205, "99999"], "boroughs": ["Nowhere"]}
    )
    del document["urgency"]
    expected = {"/category", "/severity", "/event", "/colour", "/urgency", "/area/zips/1", "/area/zips/2", "/area/boroughs/0"}
    assert set(faults(document, catalog)) == expected


def test_documents_with_thousands_of_faults_are_told_the_first_fifty(catalog: AreaCatalog) -> None:
    assert len(faults(minimal(**{f"field{number}": 1 for number in range(5000)}), catalog)) == 50


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"{'status': 1}", "not JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 01}', "not JSON"),
        (b'{"a": "\x01"}', "not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"[" * 100_000, "nested"),
        (b"[" * 100_000 + b"]" * 100_000, "nested"),
        (b'{"area":' * 500 + b"1" + b"}" * 500, "nested"),
    ],
)
def test_what_is_not_json_is_a_bad_request(raw: bytes, said: str, catalog: AreaCatalog) -> None:
    with pytest.raises(BadRequest) as refused:
        read_alert(raw, catalog, NOW)
    assert said in refused.value.detail


def test_document_over_a_megabyte_is_too_large(catalog: AreaCatalog) -> None:
    with pytest.raises(TooLarge):
        read_alert(b" " * 1_000_001, catalog, NOW)


@pytest.mark.parametrize("value", [None, 5, "text", [], True])
def test_document_that_is_no_object_is_one_fault_of_the_whole(value: Any, catalog: AreaCatalog) -> None:
    assert list(faults(value, catalog)) == [""]


def test_defaults_are_those_of_the_interface(catalog: AreaCatalog) -> None:
    alert = accepted(minimal(), catalog)
    assert (alert.status, alert.msgType, alert.onset, alert.known_since, alert.incident) == ("Actual", "Alert", None, None, None)
    assert (alert.references, alert.send_at, alert.audience_languages) == ((), None, None)


@pytest.mark.parametrize("category", CATEGORIES)
def test_topics_follow_the_category_when_none_is_named(category: Any, catalog: AreaCatalog) -> None:
    assert accepted(minimal(category=category), catalog).topics == (TOPICS_BY_CATEGORY[category],)


def test_null_means_not_given_where_the_interface_says_so(catalog: AreaCatalog) -> None:
    document = minimal(onset=None, known_since=None, incident=None, send_at=None)
    document["area"] |= {"polygon": None, "circle": None, "layers": None}
    document["infos"][0]["web"] = None
    assert accepted(document, catalog) == accepted(minimal(), catalog)


@pytest.mark.parametrize("area", [{}, {"citywide": False}, {"polygon": None}, {"layers": None, "circle": None}])
def test_alert_without_a_place_is_refused(area: Any, catalog: AreaCatalog) -> None:
    assert "names no place" in faults(minimal(area=area), catalog)["/area"]


def test_citywide_stands_alone(catalog: AreaCatalog) -> None:
    assert accepted(minimal(area={"citywide": True}), catalog).area.citywide
    assert "stands alone" in faults(minimal(area={"citywide": True, "zips": ["11201"]}), catalog)["/area/citywide"]


def test_unknown_zip_comes_with_a_suggestion(catalog: AreaCatalog) -> None:
    detail = faults(minimal(area={"boroughs": ["Broklyn"]}), catalog)["/area/boroughs/0"]
    assert detail == "“Broklyn” is not a borough of New York City. Did you mean Brooklyn or Bronx?"


def test_zip_as_a_number_is_told_to_stand_in_quotes(catalog: AreaCatalog) -> None:
    assert 'write "11201" in quotes' in faults(minimal(area={"zips": [11201]}), catalog)["/area/zips/0"]


def test_update_and_cancel_name_what_they_are_about(catalog: AreaCatalog) -> None:
    assert "/references" in faults(minimal(msgType="Cancel"), catalog)
    assert accepted(minimal(msgType="Cancel"), catalog, follows="al_1").references == ("al_1",)
    assert accepted(minimal(msgType="Update", references=["al_1"]), catalog, follows="al_1").references == ("al_1",)


def test_archived_alert_may_have_expired_and_be_long(catalog: AreaCatalog) -> None:
    long_ago = minimal(expires="2013-01-01T00:00:00-05:00", infos=[{"language": "en", "headline": "x" * 500, "description": "y" * 9000}])
    assert accepted(long_ago, catalog, archive=True).expires.year == 2013
    assert set(faults(long_ago, catalog)) == {"/expires", "/infos/0/headline", "/infos/0/description"}
    assert set(faults(minimal(expires="9999-12-31T23:59:59-05:00"), catalog, archive=True)) == {"/expires"}


def test_control_characters_and_line_ends_never_reach_a_headline(catalog: AreaCatalog) -> None:
    document = minimal(infos=[{"language": "en", "headline": "Storm\r\nBcc: all@example.org\x02x\x03", "description": "a\r\nb\x1ac"}])
    info = accepted(document, catalog).infos[0]
    assert info.headline == "Storm Bcc: all@example.org x"
    assert info.description == "a\nb’c"


def test_longest_that_is_allowed_is_accepted(catalog: AreaCatalog) -> None:
    words = {"headline": "é" * limits.HEADLINE.authored, "description": "x" * limits.DESCRIPTION.authored, "instruction": "x" * 2000}
    expires = (instant(NOW) + timedelta(days=limits.LIFETIME.authored)).isoformat()
    alert = accepted(minimal(event="x" * limits.EVENT.authored, expires=expires, infos=[{"language": "en", **words}]), catalog)
    assert len(alert.infos[0].headline) == limits.HEADLINE.authored


def test_accepted_alert_survives_storage_as_json(catalog: AreaCatalog) -> None:
    """What is stored, and hashed, is what was read."""
    alert = accepted(everything(), catalog)
    assert msgspec.json.decode(msgspec.json.encode(alert), type=Alert) == alert


def test_faults_name_the_place_in_a_multipolygon(catalog: AreaCatalog) -> None:
    shape = {"type": "MultiPolygon", "coordinates": [[SQUARE], [[*SQUARE[:3], [0, "x"], SQUARE[0]]]]}
    assert list(faults(minimal(area={"polygon": shape}), catalog)) == ["/area/polygon/coordinates/1/0/3"]


def test_pointers_escape_slash_and_tilde(catalog: AreaCatalog) -> None:
    assert list(faults(json.dumps(minimal(**{"a/b~c": 1})).encode(), catalog)) == ["/a~1b~0c"]


def _shortened(found: str, pointer: str) -> str:
    """A fault inside a value counts as one of the value."""
    return pointer if found.startswith(f"{pointer}/") else found
