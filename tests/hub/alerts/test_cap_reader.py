"""CAP 1.2 in: what is right is read, what is odd is read and told, what is wrong is refused with the path of its element."""

from __future__ import annotations

import pytest
from shapely.geometry import shape

from hub.alerts.alert import Area, Circle
from hub.alerts.area import resolve
from hub.alerts.cap_reader import CapDocument, read_cap
from hub.errors import BadRequest, InvalidInput, TooLarge
from subscriptions.areas import AreaCatalog
from tests.hub.alerts.cap_documents import DOCUMENT, POLYGON, SAME_BROOKLYN, area, cap, geocode, ring
from tests.hub.alerts.documents import NOW

LATER = NOW + 86_400
SPIKE = "40.68,-73.99 40.68,-73.97 40.69,-73.97 40.69,-73.965 40.69,-73.97 40.70,-73.97 40.70,-73.99 40.68,-73.99"

SECOND = (
    "</info><info><language>{language}</language>" + DOCUMENT.partition("<language>en-US</language>")[2].partition("</info>")[0] + "</info>"
)

_WITHOUT_EXPIRES = ("<expires>2026-11-22T20:00:00-05:00</expires>", "")


def read(catalog: AreaCatalog, *changes: tuple[str, str], now: float = NOW) -> CapDocument:
    return read_cap(cap(*changes), catalog, now)


def faults(catalog: AreaCatalog, *changes: tuple[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        read(catalog, *changes)
    return {error.pointer: error.detail for error in refused.value.errors}


def second_info(language: str, *changes: tuple[str, str]) -> tuple[str, str]:
    """A further info after the first."""
    added = SECOND.format(language=language)
    for old, new in changes:
        added = added.replace(old, new)
    return "</info>", added


def test_a_document_becomes_an_alert(catalog: AreaCatalog) -> None:
    document = read(catalog)
    alert = document.alert
    assert (document.identifier, document.sender, document.sent.isoformat()) == ("OEM-1", "oem@example.gov", "2026-11-22T13:50:00-05:00")
    assert (alert.category, alert.event, alert.severity, alert.topics) == ("Met", "Flash Flood Warning", "Severe", ("weather",))
    assert alert.infos[0].headline == "Flash flooding near the canal"
    assert alert.infos[0].web == "https://example.gov/flood"
    assert alert.onset is not None
    assert (document.expired, document.warnings, document.references, alert.audience_languages) == (False, (), (), None)
    assert shape(alert.area.polygon).equals(shape({"type": "Polygon", "coordinates": [_lonlat(POLYGON)]}))


def _lonlat(text: str) -> list[list[float]]:
    return [[float(lon), float(lat)] for lat, lon in (pair.split(",") for pair in text.split())]


def test_a_document_may_hold_for_most_of_a_century(catalog: AreaCatalog) -> None:
    assert read(catalog, ("2026-11-22T20:00:00-05:00", "2126-01-01T00:00:00-05:00")).alert.expires.year == 2126


def test_an_expired_document_is_read_and_marked(catalog: AreaCatalog) -> None:
    assert read(catalog, now=LATER).expired


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ([("<identifier>OEM-1</identifier>", "")], "/alert/identifier"),
        ([("OEM-1", "")], "/alert/identifier"),
        ([("OEM-1", "OEM 1")], "/alert/identifier"),
        ([("OEM-1", "OEM,1")], "/alert/identifier"),
        ([("OEM-1", "OEM&lt;1")], "/alert/identifier"),
        ([("OEM-1", "OEM&amp;1")], "/alert/identifier"),
        ([("OEM-1", "x" * 201)], "/alert/identifier"),
        ([("<sender>oem@example.gov</sender>", "")], "/alert/sender"),
        ([("oem@example.gov", "o em")], "/alert/sender"),
        ([("<sent>2026-11-22T13:50:00-05:00</sent>", "")], "/alert/sent"),
        ([("2026-11-22T13:50:00-05:00", "2026-11-22T13:50:00")], "/alert/sent"),
        ([("2026-11-22T13:50:00-05:00", "2026-11-22T13:50:00,05:00")], "/alert/sent"),
        ([("2026-11-22T13:50:00-05:00", "2026-02-30T13:50:00-05:00")], "/alert/sent"),
        ([("2026-11-22T13:50:00-05:00", "2026-11-22")], "/alert/sent"),
        ([("Actual", "Test")], "/alert/status"),
        ([("Actual", "Exercise")], "/alert/status"),
        ([("Actual", "System")], "/alert/status"),
        ([("Actual", "Draft")], "/alert/status"),
        ([("Actual", "Real")], "/alert/status"),
        ([("<status>Actual</status>", "")], "/alert/status"),
        ([("<scope>Public</scope>", "")], "/alert/scope"),
        ([("Public", "Private")], "/alert/scope"),
        ([("Public", "Restricted")], "/alert/scope"),
        ([("<msgType>Alert</msgType>", "<msgType>Ack</msgType>")], "/alert/msgType"),
        ([("<msgType>Alert</msgType>", "<msgType>Cancel</msgType>")], "/alert/references"),
        ([("<scope>", "<scope>Public</scope><scope>")], "/alert/scope"),
        ([("<scope>", "<colour>red</colour><scope>")], "/alert/colour"),
        ([("<scope>", "<reference>a</reference><scope>")], "/alert/reference"),
        ([("Public</scope>", "Public</scope><references>a,b</references>")], "/alert/references"),
        ([("Public</scope>", "Public</scope><references>a,b,yesterday</references>")], "/alert/references"),
        ([("Public</scope>", "Public</scope><references>,b,2026-11-22T13:50:00-05:00</references>")], "/alert/references"),
        ([("<category>Met</category>", "")], "/alert/info[1]/category"),
        ([("Met", "Weather")], "/alert/info[1]/category"),
        ([("<category>Met</category>", "<category>Met</category><category>No</category>")], "/alert/info[1]/category[2]"),
        ([("<event>Flash Flood Warning</event>", "")], "/alert/info[1]/event"),
        ([("Flash Flood Warning", " ")], "/alert/info[1]/event"),
        ([("Flash Flood Warning", "x" * 301)], "/alert/info[1]/event"),
        ([("<event>Flash Flood Warning</event>", "<event><b>x</b></event>")], "/alert/info[1]/event"),
        ([("<urgency>Immediate", "<urgency>Now")], "/alert/info[1]/urgency"),
        ([("<severity>Severe", "<severity>severe")], "/alert/info[1]/severity"),
        ([("<certainty>Likely", "<certainty>Sure")], "/alert/info[1]/certainty"),
        ([("<severity>Severe</severity>", "")], "/alert/info[1]/severity"),
        ([("2026-11-22T20:00:00-05:00", "2026-11-22T13:00:00-05:00")], "/alert/info[1]/expires"),
        ([("2026-11-22T20:00:00-05:00", "soon")], "/alert/info[1]/expires"),
        ([("2026-11-22T20:00:00-05:00", "2127-01-01T00:00:00-05:00")], "/alert/info[1]/expires"),
        ([("2026-11-22T20:00:00-05:00", "9999-12-31T23:59:59-05:00")], "/alert/info[1]/expires"),
        ([("2026-11-22T13:50:00-05:00", "9999-12-30T00:00:00-05:00"), _WITHOUT_EXPIRES], "/alert/info[1]/expires"),
        ([("2026-11-22T13:50:00-05:00", "1926-01-01T00:00:00-05:00")], "/alert/sent"),
        ([("2026-11-22T14:30:00-05:00", "1926-01-01T00:00:00-05:00")], "/alert/info[1]/onset"),
        ([("2026-11-22T14:30:00-05:00", "soon")], "/alert/info[1]/onset"),
        ([("Flash flooding near the canal", "x" * 1001)], "/alert/info[1]/headline"),
        ([("Water is rising.", "x" * 40_001)], "/alert/info[1]/description"),
        ([("<language>en-US</language>", "<language>de</language>")], "/alert/info"),
        ([("<language>en-US</language>", "<language>???</language>")], "/alert/info"),
        ([("<area>", "<!--"), ("</area>", "-->")], "/alert/info[1]/area"),
        ([("<areaDesc>Gowanus</areaDesc>", "")], "/alert/info[1]/area[1]/areaDesc"),
        ([area()], "/alert/info[1]/area"),
        ([area(geocode("SAME", "006037"))], "/alert/info[1]/area"),
        ([area(geocode("SAME", "036000"))], "/alert/info[1]/area"),
        ([area(geocode("UGC", "NYC047"))], "/alert/info[1]/area"),
        ([area(geocode("ZIP", "99999"))], "/alert/info[1]/area"),
        ([area("<geocode><value>036047</value></geocode>")], "/alert/info[1]/area[1]/geocode[1]/valueName"),
        ([area(ring(51.5, -0.1))], "/alert/info[1]/area"),
        ([area(ring(52.0, 180.0, 1))], "/alert/info[1]/area[1]/polygon[1]"),
        ([area("<polygon>40.6,179 40.6,-179 40.8,-179 40.8,179 40.6,179</polygon>")], "/alert/info[1]/area"),
        ([area(ring(-73.98, 40.69))], "/alert/info[1]/area[1]/polygon[1]"),
        ([area("<polygon></polygon>")], "/alert/info[1]/area[1]/polygon[1]"),
        ([area("<polygon>40.68,-73.99 40.68,-73.97 40.68,-73.99</polygon>")], "/alert/info[1]/area[1]/polygon[1]"),
        ([area("<polygon>40.68,-73.99 40.68,-73.98 40.68,-73.97 40.68,-73.99</polygon>")], "/alert/info[1]/area[1]/polygon[1]"),
        (
            [area("<polygon>40.68,-73.99 40.70,-73.97 40.68,-73.97 40.70,-73.99 40.68,-73.99</polygon>")],
            "/alert/info[1]/area[1]/polygon[1]",
        ),
        ([area("<polygon>40.68, -73.99 40.68, -73.97 40.70, -73.97 40.68, -73.99</polygon>")], "/alert/info[1]/area[1]/polygon[1]"),
        ([area("<polygon>nan,nan 1,1 2,2 nan,nan</polygon>")], "/alert/info[1]/area[1]/polygon[1]"),
        ([area("<polygon>95,-73 95,-74 96,-74 95,-73</polygon>")], "/alert/info[1]/area[1]/polygon[1]"),
        ([area(f"<polygon>{'40.7,-73.9 ' * 10_001}</polygon>")], "/alert/info[1]/area[1]/polygon[1]"),
        ([area("<circle>40.7,-73.99</circle>")], "/alert/info[1]/area[1]/circle[1]"),
        ([area("<circle>40.7,-73.99 -1</circle>")], "/alert/info[1]/area[1]/circle[1]"),
        ([area("<circle>40.7,-73.99 501</circle>")], "/alert/info[1]/area[1]/circle[1]"),
        ([area("<circle>140.7,-73.99 1</circle>")], "/alert/info[1]/area[1]/circle[1]"),
        ([area("<circle>51.5,-0.1 5</circle>")], "/alert/info[1]/area"),
        ([second_info("en-GB")], "/alert/info[2]/language"),
        ([second_info("es", ("<severity>Severe", "<severity>Minor"))], "/alert/info[2]/severity"),
        ([second_info("es", ("2026-11-22T20:00:00-05:00", "2026-11-22T21:00:00-05:00"))], "/alert/info[2]/expires"),
        ([second_info("es", ("40.68,-73.99", "40.67,-73.99"))], "/alert/info[2]/area"),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(changes: list[tuple[str, str]], path: str, catalog: AreaCatalog) -> None:
    assert path in faults(catalog, *changes)


def test_all_faults_of_the_shape_are_told_at_once(catalog: AreaCatalog) -> None:
    found = faults(
        catalog, ("<sender>oem@example.gov</sender>", ""), ("<urgency>Immediate</urgency>", "<x/>"), ("<areaDesc>Gowanus</areaDesc>", "")
    )
    assert set(found) == {"/alert/sender", "/alert/info[1]/urgency", "/alert/info[1]/x", "/alert/info[1]/area[1]/areaDesc"}


def test_swapped_coordinates_are_called_so(catalog: AreaCatalog) -> None:
    assert "swapped" in faults(catalog, area(ring(-73.98, 40.69)))["/alert/info[1]/area[1]/polygon[1]"]


def test_a_place_elsewhere_is_said_to_lie_outside_and_why(catalog: AreaCatalog) -> None:
    detail = faults(catalog, area(geocode("SAME", "006037")))["/alert/info[1]/area"]
    assert detail.startswith("lies outside the city of this hub, New York City")
    assert "SAME 006037" in detail


def test_area_description_is_never_guessed_from(catalog: AreaCatalog) -> None:
    assert "areaDesc is not guessed from" in faults(catalog, area(), ("Gowanus", "Brooklyn"))["/alert/info[1]/area"]


def test_a_cancel_without_words_is_not_supported_yet(catalog: AreaCatalog) -> None:
    start, _, end = DOCUMENT.partition("<info>")
    with pytest.raises(InvalidInput) as refused:
        read_cap((start + end.partition("</info>")[2]).replace("<msgType>Alert", "<msgType>Cancel").encode(), catalog, NOW)
    assert {error.pointer for error in refused.value.errors} == {"/alert/references", "/alert/info"}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "empty"),
        (b"   ", "empty"),
        (b"{}", "well-formed"),
        (b"<alert>", "well-formed"),
        (cap() + b"<!DOCTYPE x><alert/>", "well-formed"),
        (cap() + b"x", "well-formed"),
        (b"\x00" + cap(), "NUL"),
        (cap().decode().encode("utf-16"), "NUL"),
        (cap(("canal", "can\x01al")), "well-formed"),
        (cap(("canal", "x")).replace(b">Water", b">\xff\xfe"), "well-formed"),
        (cap(("canal", "can&nbsp;al")), "well-formed"),
        (cap(("cap:1.2", "cap:1.1")), "not CAP 1.2"),
        (cap(("cap:1.2", "cap:1.3")), "not CAP 1.2"),
        (cap((' xmlns="urn:oasis:names:tc:emergency:cap:1.2"', "")), "not CAP 1.2"),
        (b"<alerts/>", "starts with"),
        (b"<rss version='2.0'/>", "starts with"),
        (cap(("<alert ", "<!DOCTYPE alert><alert ")), "DOCTYPE"),
        (cap(("<alert ", "<!-- a --> <?x y?>\n<!DOCTYPE alert><alert ")), "DOCTYPE"),
        (cap(("<alert ", '<!DOCTYPE alert SYSTEM "http://127.0.0.1:9/x"><alert ')), "DOCTYPE"),
        (cap(("<alert ", '<!DOCTYPE alert [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]><alert '), ("canal", "&c;")), "DOCTYPE"),
        (cap(("<alert ", '<!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/passwd">]><alert '), ("canal", "&x;")), "DOCTYPE"),
        (b"\xef\xbb\xbf" + cap(("<alert ", "<!DOCTYPE alert><alert ")), "DOCTYPE"),
        (cap(('encoding="UTF-8"', 'encoding="UTF-7"')), "utf-7"),
        (b"<a>" * 5000, "well-formed"),
    ],
)
def test_what_is_not_cap_is_a_bad_request(raw: bytes, said: str, catalog: AreaCatalog) -> None:
    with pytest.raises(BadRequest) as refused:
        read_cap(raw, catalog, NOW)
    assert said in refused.value.detail


def test_a_document_over_a_megabyte_is_too_large(catalog: AreaCatalog) -> None:
    with pytest.raises(TooLarge):
        read_cap(cap(("canal", "x" * 1_000_000)), catalog, NOW)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("2026-11-22T13:50:00-05:00", "2026-11-22T18:50:00Z")], "/alert/sent"),
        ([("2026-11-22T13:50:00-05:00", "2026-11-22T13:50:00.5-05:00")], "/alert/sent"),
        ([("<certainty>Likely", "<certainty>Very Likely")], "read as Likely"),
        ([("<msgType>Alert", "<msgType>Update")], "takes the place of nothing"),
        ([("<expires>2026-11-22T20:00:00-05:00</expires>", "")], "ends a day after"),
        ([("2026-11-22T14:30:00-05:00", "2026-11-22T20:30:00-05:00")], "lies after expires"),
        ([("<headline>Flash flooding near the canal</headline>", "")], "the event stands in its place"),
        ([("https://example.gov/flood", "ftp://example.gov")], "is not a web address"),
        ([("<area>", "<resource><resourceDesc>a</resourceDesc><derefUri>!!!</derefUri></resource><area>")], "resources are left out"),
        ([area(f"<polygon>{POLYGON}</polygon>", geocode("SAME", "006109"))], "SAME 006109"),
        ([area(f"<polygon>{POLYGON}</polygon>", ring(51.5, -0.1))], "polygon[2]: lies outside the city"),
        ([area(f"<polygon>{POLYGON.rpartition(' ')[0]}</polygon>")], "was not closed"),
        (
            [area(f"<polygon>{SPIKE}</polygon>")],
            "repaired",
        ),
        ([area(f"<polygon>{POLYGON}</polygon>", SAME_BROOKLYN)], "the drawn shape counts"),
        ([second_info("de")], "is not a language of this hub"),
    ],
)
def test_what_is_odd_is_read_and_told(changes: list[tuple[str, str]], said: str, catalog: AreaCatalog) -> None:
    document = read(catalog, *changes)
    assert any(said in warning for warning in document.warnings), document.warnings
    assert resolve(document.alert.area, catalog).keys or document.alert.area.polygon


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([area(SAME_BROOKLYN)], Area(boroughs=("3",))),
        ([area(geocode("FIPS6", "036061"), geocode("SAME", "036047"))], Area(boroughs=("1", "3"))),
        ([area(SAME_BROOKLYN, geocode("SAME", "006109"))], Area(boroughs=("3",))),
        ([area(SAME_BROOKLYN, SAME_BROOKLYN)], Area(boroughs=("3",))),
        ([area(geocode("ZIP", "11201"))], Area(zips=("11201",))),
        ([area(geocode("tocsin:area", "neighborhood:BK0101"))], Area(neighborhoods=("BK0101",))),
        ([area(geocode("tocsin:area", "city"))], Area(citywide=True)),
        ([area("<circle>40.7,-73.99 0.8</circle>")], Area(circle=Circle(lat=40.7, lon=-73.99, radius_m=800.0))),
    ],
)
def test_codes_and_circles_name_places(changes: list[tuple[str, str]], expected: Area, catalog: AreaCatalog) -> None:
    assert read(catalog, *changes).alert.area == expected


def test_a_coded_area_apart_from_the_shape_is_added_to_it(catalog: AreaCatalog) -> None:
    """CAP's own rule: what one area element holds adds up."""
    found = read(catalog, area(f"<polygon>{POLYGON}</polygon>", geocode("SAME", "036085"))).alert.area
    assert found.boroughs == ("5",)
    assert found.polygon is not None


def test_several_circles_and_polygons_become_one_shape(catalog: AreaCatalog) -> None:
    found = read(catalog, area("<circle>40.70,-73.95 1</circle><circle>40.60,-74.10 1</circle>", ring(40.85, -73.88))).alert.area
    assert found.circle is None
    assert found.polygon is not None
    assert len(shape(found.polygon).geoms) == 3
    assert resolve(found, catalog).names


def test_a_shape_mostly_outside_is_cut_to_the_city(catalog: AreaCatalog) -> None:
    """A storm over New Jersey that reaches Staten Island is not refused, and reaches nobody else."""
    found = read(catalog, area(ring(40.6, -74.3, 0.15))).alert.area
    names = resolve(found, catalog).names
    assert names
    assert {place.borough for place in catalog.areas if place.name in names} == {"Staten Island"}


def test_a_hurricane_over_half_the_coast_reaches_the_whole_city(catalog: AreaCatalog) -> None:
    found = read(catalog, area("<circle>39.0,-74.0 400</circle>")).alert.area
    assert set(resolve(found, catalog).names) == {"Manhattan", "Bronx", "Brooklyn", "Queens", "Staten Island"}


def test_prefixes_comments_and_latin_1_are_read(catalog: AreaCatalog) -> None:
    prefixed = cap().decode().replace("<", "<c:").replace("<c:/", "</c:").replace("<c:?", "<?").replace("xmlns=", "xmlns:c=")
    assert read_cap(prefixed.encode(), catalog, NOW) == read(catalog)
    latin = cap(("canal", "cañal"), ("UTF-8", "ISO-8859-1")).decode().encode("latin-1")
    assert read_cap(latin, catalog, NOW).alert.infos[0].headline == "Flash flooding near the cañal"
    assert read_cap(b"\xef\xbb\xbf" + cap(("<info>", "<!-- <!DOCTYPE x> --><info>")), catalog, NOW) == read(catalog)


def test_utc_as_minus_zero_is_read(catalog: AreaCatalog) -> None:
    assert read(catalog, ("2026-11-22T13:50:00-05:00", "2026-11-22T18:50:00-00:00")).sent == read(catalog).sent


def test_a_headline_cannot_break_into_a_mail_header(catalog: AreaCatalog) -> None:
    found = read(catalog, ("Flash flooding near the canal", "Storm&#13;&#10;Bcc: all@example.org"))
    assert found.alert.infos[0].headline == "Storm Bcc: all@example.org"


def test_topics_come_from_every_category_and_from_our_own_parameter(catalog: AreaCatalog) -> None:
    assert read(catalog, ("<category>Met</category>", "<category>Fire</category><category>Health</category>")).alert.topics == (
        "fire",
        "health",
    )
    parameter = "<parameter><valueName>tocsin:topics</valueName><value>schools transit nonsense</value></parameter><area>"
    assert read(catalog, ("<area>", parameter)).alert.topics == ("transit", "schools")


def test_references_are_read_as_triples(catalog: AreaCatalog) -> None:
    text = "<references>a@b,X-1,2026-11-22T13:00:00-05:00 a@b,X-2,2026-11-22T18:00:00-00:00</references>"
    document = read(catalog, ("<msgType>Alert", "<msgType>Cancel"), ("Public</scope>", f"Public</scope>{text}"))
    assert [(one.sender, one.identifier) for one in document.references] == [("a@b", "X-1"), ("a@b", "X-2")]
    assert document.alert.references == tuple(text.removeprefix("<references>").removesuffix("</references>").split())
    assert document.alert.msgType == "Cancel"


def test_several_languages_become_the_infos_of_one_alert_for_everyone(catalog: AreaCatalog) -> None:
    document = read(catalog, second_info("es-US", ("Water is rising.", "El agua sube.")))
    assert [info.language for info in document.alert.infos] == ["en-US", "es-US"]
    assert document.alert.audience_languages is None


@pytest.mark.parametrize(
    ("sender", "stated", "language", "readers"),
    [
        ("NYCEM [English]", "en-US", "en-US", ("en",)),
        ("NYCEM [Spanish]", "en-US", "es", ("es",)),
        ("NYCEM [Chinese]", "en-US", "zh-Hant", ("zh-Hant", "zh-Hans")),
        ("NYCEM [Yiddish]", "en-US", "yi", ("yi",)),
        ("Oficina", "es-US", "es-US", ("es",)),
        ("Office", "en-US", "en-US", None),
    ],
)
def test_an_edition_goes_to_its_readers(
    sender: str, stated: str, language: str, readers: tuple[str, ...] | None, catalog: AreaCatalog
) -> None:
    alert = read(catalog, ("Office of Examples", sender), ("<language>en-US", f"<language>{stated}")).alert
    assert (alert.infos[0].language, alert.audience_languages) == (language, readers)


def test_a_signature_does_not_disturb(catalog: AreaCatalog) -> None:
    signature = '</info><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature>'
    assert read(catalog, ("</info>", signature)) == read(catalog)
