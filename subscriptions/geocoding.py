"""Street addresses to points, by a geocoder that the hub's operator names: any server with Nominatim's search.

Only the address is sent there, without anything of who asks. It is not kept: a place is its point and radius from then on.
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit

import msgspec
import structlog
from geopy.adapters import AioHTTPAdapter
from geopy.exc import GeopyError
from geopy.geocoders import Nominatim

from subscriptions.areas import AreaCatalog
from subscriptions.documents import Faults
from subscriptions.subscriber import PlaceRequest

TIMEOUT_S = 5.0
ADDRESS_CHARACTERS = 200
RADIUS_M = 800.0
"""Around an address for which no radius is given: half a mile."""

AWAY = "addresses can't be looked up just now: try again, or give a ZIP or a point on the map"
"""The detail of a fault that is none of the person's."""

log = structlog.get_logger()


class GeocoderAway(Exception):
    """The geocoder does not answer, or not sensibly."""


class Geocoder(Protocol):
    """Finds addresses."""

    async def locate(self, address: str) -> tuple[float, float] | None:
        """(lat, lon), None when there is no such address in the city. Raises GeocoderAway."""


class NominatimGeocoder:
    """Asks a server with Nominatim's API (nominatim.org/release-docs/latest/api/Search) within the bounds of the city."""

    def __init__(self, base_url: str, catalog: AreaCatalog, agent: str) -> None:
        """`base_url` is what stands before ``/search``; `agent` names this hub to the server."""
        parts = urlsplit(base_url)
        self._where = (parts.netloc + parts.path).rstrip("/")
        self._scheme, self._agent = parts.scheme, agent
        west, south, east, north = catalog.outline.bounds
        (west, east), (south, north) = catalog.projection.lonlat([west, east], [south, north])
        self._viewbox = ((south, west), (north, east))

    async def locate(self, address: str) -> tuple[float, float] | None:
        """See `Geocoder`."""
        try:
            async with Nominatim(
                domain=self._where, scheme=self._scheme, user_agent=self._agent, timeout=TIMEOUT_S, adapter_factory=AioHTTPAdapter
            ) as geocoder:
                found = await geocoder.geocode(address, viewbox=self._viewbox, bounded=True)
        except (GeopyError, ValueError, OSError) as error:
            log.warning("geocoder_failed", error=type(error).__name__)  # its text may hold the address
            raise GeocoderAway from None
        return None if found is None else (found.latitude, found.longitude)


async def located(requests: tuple[PlaceRequest, ...], geocoder: Geocoder | None, faults: Faults) -> tuple[PlaceRequest, ...]:
    """The places with each address turned into its point; one that can't be stays, with a fault."""
    return tuple([await _located(request, geocoder, f"/places/{index}", faults) for index, request in enumerate(requests)])


async def _located(request: PlaceRequest, geocoder: Geocoder | None, pointer: str, faults: Faults) -> PlaceRequest:
    text = (request.address or "").strip()
    others = (request.zip, request.neighborhood, request.borough, request.citywide, request.polygon, request.lat, request.lon)
    if request.address is None or geocoder is None or any(other is not None for other in others):
        return request  # which `read_places` finds fault with
    if not text or len(text) > ADDRESS_CHARACTERS or not text.isprintable():
        faults.add(f"{pointer}/address", f"expected a street address of up to {ADDRESS_CHARACTERS} characters, like 350 5th Ave, New York")
        return _settled(request)
    try:
        point = await geocoder.locate(text)
    except GeocoderAway:
        faults.add(f"{pointer}/address", AWAY)
        return _settled(request)
    if point is None:
        faults.add(f"{pointer}/address", "was not found in this city: write number and street, like 350 5th Ave, or give a ZIP")
        return _settled(request)
    return PlaceRequest(lat=point[0], lon=point[1], radius_m=request.radius_m or RADIUS_M, label=request.label)


def _settled(request: PlaceRequest) -> PlaceRequest:
    """A place whose fault is noted already, so that nothing else is found wrong with it."""
    return msgspec.structs.replace(request, address=None, citywide=True, radius_m=None)
