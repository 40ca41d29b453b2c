"""Whatever comes in as CAP is read or refused: nothing but BadRequest, InvalidInput and TooLarge ever comes out."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.alerts.area import resolve
from hub.alerts.cap_reader import read_cap
from hub.errors import BadRequest, InvalidInput, TooLarge
from subscriptions.areas import AreaCatalog
from tests.hub.alerts.cap_documents import DOCUMENT, POLYGON, area, cap
from tests.hub.alerts.documents import NOW

MARKUP = ["<", ">", "&", "&#0;", "&lt;", "</info>", "<info>", "<area/>", "<polygon>1,1</polygon>", "]]>", "<![CDATA[", "<!--", "-->"]
VALUES = [
    "<!DOCTYPE a>",
    "<?x?>",
    "40.7,-73.9",
    "999,999",
    "1e9",
    "-0",
    "2026-13-01T00:00:00-05:00",
    "9999-12-31T23:59:59+00:00",
    "x" * 300,
]
PIECES = st.sampled_from([*MARKUP, *VALUES, "\u202e", "🌀", " ", "\n"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(
        st.tuples(st.integers(0, len(DOCUMENT)), st.integers(0, 40), st.one_of(PIECES, st.text(max_size=8))), min_size=1, max_size=4
    )
)
def test_a_mutilated_document_is_read_or_refused_and_never_anything_else(cuts: list[tuple[int, int, str]], catalog: AreaCatalog) -> None:
    text = DOCUMENT
    for start, length, piece in cuts:
        text = text[:start] + piece + text[start + length :]
    try:
        document = read_cap(text.encode("utf-8", "surrogatepass"), catalog, NOW)
    except (BadRequest, InvalidInput, TooLarge):
        return
    assert resolve(document.alert.area, catalog) is not None


TEXTS = [
    "OEM-1",
    "oem@example.gov",
    "2026-11-22T13:50:00-05:00",
    "2026-11-22T20:00:00-05:00",
    "en-US",
    "Met",
    "Severe",
    "Flash Flood Warning",
]
TEXTS += ["Office of Examples", "https://example.gov/flood", POLYGON, "Public", "Alert<", "Water is rising."]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    old=st.sampled_from(TEXTS),
    new=st.one_of(
        st.text(max_size=30), st.lists(st.floats(), max_size=8).map(lambda numbers: " ".join(f"{number},{number}" for number in numbers))
    ),
)
def test_any_text_in_any_element_is_read_or_refused(old: str, new: str, catalog: AreaCatalog) -> None:
    escaped = new.replace("&", "&amp;").replace("<", "&lt;")
    try:
        document = read_cap(DOCUMENT.replace(old, escaped).encode("utf-8", "surrogatepass"), catalog, NOW)
    except (BadRequest, InvalidInput, TooLarge):
        return
    assert resolve(document.alert.area, catalog) is not None


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200))
def test_any_bytes_are_refused(raw: bytes, catalog: AreaCatalog) -> None:
    with pytest.raises((BadRequest, InvalidInput)):
        read_cap(raw, catalog, NOW)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(points=st.lists(st.tuples(st.floats(40.5, 40.9), st.floats(-74.2, -73.7)), min_size=3, max_size=12))
def test_any_ring_in_the_city_is_read_into_a_shape_that_passes_our_own_checks_or_refused(
    points: list[tuple[float, float]], catalog: AreaCatalog
) -> None:
    ring_text = " ".join(f"{lat:.6f},{lon:.6f}" for lat, lon in [*points, points[0]])
    try:
        document = read_cap(cap(area(f"<polygon>{ring_text}</polygon>")), catalog, NOW)
    except InvalidInput:
        return
    assert resolve(document.alert.area, catalog).polygon is not None
