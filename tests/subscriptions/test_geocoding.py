"""Street addresses become points by a geocoder's answer, and nothing else of the person reaches it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from subscriptions.areas import AreaCatalog
from subscriptions.documents import Faults
from subscriptions.errors import InvalidSubscription
from subscriptions.geocoding import GeocoderAway, NominatimGeocoder, located
from subscriptions.subscriber import PlaceRequest
from tests.peers.nominatim import Nominatim, nominatim

HOME = "350 5th Ave, New York"


@pytest.fixture
async def server() -> AsyncIterator[Nominatim]:
    async with nominatim({HOME: (40.7484, -73.9857), "Far Away": (51.5, -0.1)}) as peer:
        yield peer


@pytest.fixture
def geocoder(server: Nominatim, catalog: AreaCatalog) -> NominatimGeocoder:
    return NominatimGeocoder(server.url, catalog, "Tocsin")


async def test_an_address_becomes_its_point(geocoder: NominatimGeocoder) -> None:
    assert await geocoder.locate(HOME) == (40.7484, -73.9857)
    assert await geocoder.locate("1 Nowhere") is None


async def test_it_is_asked_within_the_city_and_told_only_the_address(geocoder: NominatimGeocoder, server: Nominatim) -> None:
    await geocoder.locate(HOME)
    question = server.asked[0]
    west, south, east, north = map(float, question.pop("viewbox").split(","))
    assert (-74.4, 40.3) < (west, south) < (-74.2, 40.6)
    assert (-73.75, 40.85) < (east, north) < (-73.5, 41.0)
    assert question == {"q": HOME, "format": "json", "limit": "1", "bounded": "1"}
    assert server.agents == ["Tocsin"]


@pytest.mark.parametrize("status", [500, 429, 200])
async def test_one_that_answers_badly_is_away_and_the_log_has_no_address(
    geocoder: NominatimGeocoder, server: Nominatim, status: int
) -> None:
    server.broken = web.Response(status=status, text="<html>" + HOME)
    with capture_logs() as lines, pytest.raises(GeocoderAway):
        await geocoder.locate(HOME)
    assert [line["event"] for line in lines] == ["geocoder_failed"]
    assert HOME not in str(lines)


async def test_one_that_is_not_there_is_away(catalog: AreaCatalog) -> None:
    with pytest.raises(GeocoderAway):
        await NominatimGeocoder("http://127.0.0.1:9", catalog, "Tocsin").locate(HOME)


async def test_only_addresses_are_asked_for_and_keep_their_radius_and_label(geocoder: NominatimGeocoder, server: Nominatim) -> None:
    faults = Faults()
    asked = (PlaceRequest(zip="11201"), PlaceRequest(address=HOME, radius_m=400, label="work"), PlaceRequest(address=HOME))
    found = await located(asked, geocoder, faults)
    faults.check()
    assert found[0] == asked[0]
    assert found[1] == PlaceRequest(lat=40.7484, lon=-73.9857, radius_m=400, label="work")
    assert found[2].radius_m == 800
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("address", "words"),
    [("1 Nowhere", "was not found in this city"), ("  ", "expected a street address"), ("x" * 201, "expected a street address")],
)
async def test_an_address_that_is_none_is_refused_with_what_to_do(geocoder: NominatimGeocoder, address: str, words: str) -> None:
    assert words in await fault(geocoder, address)


async def test_while_it_is_away_the_person_is_told_and_given_another_way(geocoder: NominatimGeocoder, server: Nominatim) -> None:
    server.broken = web.Response(status=503)
    assert "try again, or give a ZIP" in await fault(geocoder, HOME)


async def fault(geocoder: NominatimGeocoder, address: str) -> str:
    """The one fault of a place with this address."""
    faults = Faults()
    await located((PlaceRequest(zip="11201"), PlaceRequest(address=address)), geocoder, faults)
    with pytest.raises(InvalidSubscription) as caught:
        faults.check()
    (found,) = caught.value.errors
    assert found.pointer == "/places/1/address"
    return found.detail
