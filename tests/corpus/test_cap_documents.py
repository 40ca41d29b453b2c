"""Every CAP document of the corpus: the city's are accepted, the others refused with the reason that fits them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from hub.alerts.area import resolve
from hub.alerts.cap_reader import CapDocument, read_cap
from hub.alerts.cap_writer import write_cap
from hub.alerts.grading import grade
from hub.errors import BadRequest, HubError, InvalidInput, TooLarge
from subscriptions.areas import AreaCatalog
from subscriptions.severity import SEVERITIES, rank
from tests.hub.alerts.documents import SQUARE, minimal
from tests.hub.alerts.stored import PUBLIC_URL, row, stored

NOW = datetime(2026, 10, 2, 19, 30, tzinfo=UTC).timestamp()
BOROUGHS = {"Bronx", "Brooklyn", "Manhattan", "Queens", "Staten Island"}

CITY_NOTICES = {
    "2751666898233098": ("crime", "Minor"),
    "2753041287729270": ("fire", "Moderate"),
    "2753625403297039": ("transit", "Minor"),
    "2755652627817500": ("emergency", "Minor"),
    "2776955665593473": ("utilities", "Minor"),
    "2778020817413874": ("transit", "Minor"),
    "2778089536909218": ("transit", "Minor"),
    "2779429566691859": ("transit", "Minor"),
    "2780357279743825": ("utilities", "Moderate"),
    "2781353712037956": ("transit", "Minor"),
    "2781353712177161": ("crime", "Moderate"),
}
"""Identifier → topic by category, severity by our rule; the source calls nine of these eleven Extreme."""

ADVERSARIAL: dict[str, str] = {
    "bad_utf8": "not well-formed",
    "bom": "accepted",
    "cancel_unknown_reference": "accepted",
    "circle_no_radius": "is not a circle",
    "expires_before_sent": "lies before it was sent",
    "headline_crlf_injection": "accepted",
    "html_entity_nbsp": "not well-formed",
    "identifier_space_comma": "/alert/identifier",
    "latin1_declared_utf8": "not well-formed",
    "no_mimetype": "accepted",
    "nul_byte": "NUL",
    "polygon_100k": "bytes",
    "polygon_antimeridian": "lies outside the city",
    "polygon_lonlat": "swapped",
    "polygon_space_after_comma": "is not latitude,longitude",
    "prefixed_ns": "accepted",
    "references_comma_joined": "is not sender,identifier,sent",
    "resource_dereF_bad_base64": "accepted",
    "scope_private_no_addresses": "is not Public",
    "sent_comma_offset": "/alert/sent",
    "sent_feb30": "/alert/sent",
    "sent_minus00": "accepted",
    "sent_z": "accepted",
    "status_test": "is Test",
    "trailing_garbage": "not well-formed",
    "update_no_references": "accepted",
    "very_likely": "accepted",
    "wrong_ns_12_as_13": "not CAP 1.2",
    "xxe_http": "DOCTYPE",
}

TOLD = {
    "no_mimetype": "resources are left out",
    "resource_dereF_bad_base64": "resources are left out",
    "sent_z": "/alert/sent",
    "update_no_references": "takes the place of nothing",
    "very_likely": "read as Likely",
}
"""What an accepted one is flagged with, besides the codes of California that all of them carry."""

INVALID = {
    "atbackbone__template.cap": "/alert/identifier",
    "capparselib__invalid_xmlns.cap": "not CAP 1.2",
    "google__bushfire_invalid.edxlde": "EDXLDistribution",
    "google__canada_errors.cap": "lies outside the city",
    "google__xee.cap": "DOCTYPE",
    "sahana__Fiji_Water_Shortage_Suva.xml": "Did you mean “references”?",
    "ukea__blank_areadesc.xml": "lies outside the city",
    "ukea__cancel_empty_references.xml": "/alert/references",
    "ukea__degenerate_two_points.xml": "at least 4",
    "ukea__lonlat_swapped_unclosed.xml": "lies outside the city",
    "vgrigoriu__ThunderstormUpdate12Xml.xml": "is not Public",
}

REASONS_ELSEWHERE = (
    "lies outside the city of this hub",
    "only Actual documents",
    "is not Public",
    "not CAP 1.2",
    "is missing",
    "is not latitude,longitude",
    "in no language of this hub",
    "is not supported yet",
    "lies before it was sent",
    "points; at most",
)
"""Why a document of another part of the world may be refused."""


def outcome(file: Path, catalog: AreaCatalog) -> CapDocument | str:
    """What a file gives: a document, or the words of its refusal."""
    try:
        return read_cap(file.read_bytes(), catalog, NOW)
    except (BadRequest, InvalidInput, TooLarge) as error:
        return str(error)


@pytest.mark.parametrize("identifier", CITY_NOTICES)
def test_the_citys_own_notices_are_accepted(identifier: str, corpus: Path, catalog: AreaCatalog) -> None:
    document = read_cap((corpus / "cap" / f"notifynyc__{identifier}.xml").read_bytes(), catalog, NOW)
    topic, severity = CITY_NOTICES[identifier]
    assert set(resolve(document.alert.area, catalog).names) == BOROUGHS
    assert (document.identifier, document.alert.topics, document.warnings) == (identifier, (topic,), ())
    assert SEVERITIES[grade(document.alert, imported=True)] == severity
    assert document.alert.audience_languages == ("en",)
    assert document.expired == (document.alert.expires.timestamp() <= NOW)


def test_all_notices_of_the_city_are_listed_here(corpus: Path) -> None:
    assert {file.stem.partition("__")[2] for file in (corpus / "cap").glob("notifynyc__*.xml")} == set(CITY_NOTICES)


def test_scripts_of_fourteen_languages_arrive_unharmed(corpus: Path, catalog: AreaCatalog) -> None:
    document = read_cap((corpus / "cap" / "notifynyc__2751666898233098.xml").read_bytes(), catalog, NOW)
    for word in ("العربية", "বাঙালি", "中文", "Français", "Kreyòl Ayisyen", "한국어", "Polski", "Pусский", "Español", "اردو", "ייִדיש"):
        assert word in document.alert.infos[0].description


def test_no_document_from_elsewhere_is_accepted_and_each_is_told_why(corpus: Path, catalog: AreaCatalog) -> None:
    files = [file for folder in ("cap", "cap-signed") for file in sorted((corpus / folder).iterdir()) if file.suffix != ".pem"]
    for file in files:
        if file.name.startswith("notifynyc__"):
            continue
        said = outcome(file, catalog)
        assert isinstance(said, str), file.name
        assert any(reason in said for reason in (*REASONS_ELSEWHERE, "starts with “alerts”")), (file.name, said)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_adversarial_documents_give_what_is_written_down(name: str, corpus: Path, catalog: AreaCatalog) -> None:
    said = outcome(corpus / "cap-adversarial" / f"{name}.xml", catalog)
    if ADVERSARIAL[name] != "accepted":
        assert isinstance(said, str)
        assert ADVERSARIAL[name] in said
        return
    assert isinstance(said, CapDocument), said
    assert any(TOLD.get(name, "SAME 006109") in warning for warning in said.warnings)
    assert resolve(said.alert.area, catalog).names == ("Brooklyn", "Manhattan")


def test_all_adversarial_and_invalid_documents_are_listed_here(corpus: Path) -> None:
    assert {file.stem for file in (corpus / "cap-adversarial").glob("*.xml")} == set(ADVERSARIAL)
    assert {file.name for file in (corpus / "cap-invalid").iterdir()} == set(INVALID)


@pytest.mark.parametrize("name", INVALID)
def test_invalid_documents_give_what_is_written_down(name: str, corpus: Path, catalog: AreaCatalog) -> None:
    said = outcome(corpus / "cap-invalid" / name, catalog)
    assert isinstance(said, str)
    assert INVALID[name] in said


def test_a_cancel_of_something_unknown_keeps_what_it_refers_to(corpus: Path, catalog: AreaCatalog) -> None:
    document = read_cap((corpus / "cap-adversarial" / "cancel_unknown_reference.xml").read_bytes(), catalog, NOW)
    assert [(one.sender, one.identifier) for one in document.references] == [("nobody@example.org", "NEVER-SEEN")]


def test_an_injected_header_stays_in_the_headline(corpus: Path, catalog: AreaCatalog) -> None:
    document = read_cap((corpus / "cap-adversarial" / "headline_crlf_injection.xml").read_bytes(), catalog, NOW)
    assert document.alert.infos[0].headline == "Storm Bcc: all@example.org"


# -- out again


@pytest.fixture(scope="module")
def schema(corpus: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(corpus / "schema" / "CAP-v1.2.xsd"))


def check_valid(schema: etree.XMLSchema, xml: bytes) -> None:
    assert schema.validate(etree.fromstring(xml)), schema.error_log


@pytest.mark.parametrize("identifier", CITY_NOTICES)
def test_the_citys_notices_come_out_schema_valid_and_can_be_read_back(
    identifier: str, corpus: Path, catalog: AreaCatalog, schema: etree.XMLSchema
) -> None:
    document = read_cap((corpus / "cap" / f"notifynyc__{identifier}.xml").read_bytes(), catalog, NOW)
    live_at = int(document.sent.timestamp() * 1000)
    alert = row(document.alert, catalog, sender=document.sender, identifier=document.identifier, source="cap", live_at=live_at)
    xml = write_cap(alert, catalog, public_url=PUBLIC_URL, city_name="New York City")
    check_valid(schema, xml)
    back = read_cap(xml, catalog, NOW).alert
    assert set(resolve(back.area, catalog).keys) == set(alert.area.keys)
    assert (back.infos[0].headline, back.infos[0].description) == (document.alert.infos[0].headline, document.alert.infos[0].description)


@pytest.mark.parametrize(
    "area",
    [
        {"citywide": True},
        {"zips": ["11201", "10118"], "neighborhoods": ["BK0101"], "boroughs": ["Staten Island"]},
        {"polygon": {"type": "Polygon", "coordinates": [SQUARE]}, "circle": {"lat": 40.7, "lon": -73.99, "radius_m": 800}},
    ],
)
@pytest.mark.parametrize(
    "changes", [{}, {"msgType": "Update", "references": ["al_0"]}, {"status": "Test", "onset": "2026-11-22T20:00:00Z"}]
)
def test_what_staff_write_comes_out_schema_valid(
    area: dict[str, object], changes: dict[str, object], catalog: AreaCatalog, schema: etree.XMLSchema
) -> None:
    infos = [
        {"language": "en-US", "headline": "A & B", "description": "<x>", "web": "https://example.gov/?a=1&b=2"},
        {"language": "ar", "headline": "تحذير"},
    ]
    alert = stored(catalog, minimal(area=area, infos=infos, **changes))
    check_valid(schema, write_cap(alert, catalog, public_url="http://127.0.0.1:8080", city_name="New York City"))


def test_the_source_calls_nine_of_eleven_extreme_and_we_none(corpus: Path, catalog: AreaCatalog) -> None:
    alerts = [read_cap(file.read_bytes(), catalog, NOW).alert for file in (corpus / "cap").glob("notifynyc__*.xml")]
    assert sum(alert.severity == "Extreme" for alert in alerts) == 9
    assert max(grade(alert, imported=True) for alert in alerts) == rank("Moderate")


def test_nothing_but_our_own_errors_comes_out_of_any_file(corpus: Path, catalog: AreaCatalog) -> None:
    """Feeds, JSON, schemas, certificates: whatever is not CAP is refused, too."""
    for file in sorted(corpus.rglob("*")):
        if file.is_file() and file.parent.name not in {"cap", "cap-adversarial"}:
            with pytest.raises(HubError):
                read_cap(file.read_bytes(), catalog, NOW)
