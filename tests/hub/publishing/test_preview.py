"""What a preview says of an area without anybody being asked who lives there, and of what a text message leaves out."""

from __future__ import annotations

import json
from typing import Any

import pytest
import shapely

from hub.alerts.alert import Area, Circle, Info
from hub.alerts.area import resolve
from hub.delivery.words.rendering import Renderer
from hub.publishing.preview import adjacent_names, left_out
from subscriptions.areas import AreaCatalog, open_city
from tests.hub.delivery.published import NOW, URL, stored


@pytest.fixture(scope="module")
def catalog() -> AreaCatalog:
    return open_city("nyc")


def over(catalog: AreaCatalog, *zips: str) -> dict[str, Any]:
    """A polygon that meets these ZIPs."""
    middles = [catalog.resolve("zip", name).geometry.representative_point() for name in zips]
    drawn: dict[str, Any] = json.loads(shapely.to_geojson(shapely.convex_hull(shapely.union_all(middles))))
    return drawn


def beside(catalog: AreaCatalog, **area: Any) -> list[str]:
    return adjacent_names(resolve(Area(**area), catalog), catalog)


def test_what_a_drawn_shape_meets_is_not_told_nothing(catalog: AreaCatalog) -> None:
    around = ("11205", "11217", "11231")
    assert set(around) <= set(beside(catalog, zips=("11201",)))
    told_nothing = beside(catalog, zips=("11201",), polygon=over(catalog, *around))
    assert "11238" in told_nothing  # next to 11217
    assert not {"11201", *around} & set(told_nothing)


def test_around_what_was_only_drawn_are_the_neighborhoods_that_it_does_not_meet(catalog: AreaCatalog) -> None:
    for area in ({"polygon": over(catalog, "11205", "11217", "11231")}, {"circle": Circle(lat=40.6937, lon=-73.9903, radius_m=300)}):
        named = resolve(Area(**area), catalog).names
        told_nothing = beside(catalog, **area)
        assert "Lower East Side" in told_nothing or "Prospect Heights" in told_nothing
        assert not set(named) & set(told_nothing)


def test_beside_the_whole_city_is_nothing(catalog: AreaCatalog) -> None:
    assert beside(catalog, citywide=True) == []


ORDERS = ("Suba a un piso más alto ahora.", "Lleve medicinas y agua.", "Llame al 911 si no puede salir por su cuenta.")


@pytest.mark.parametrize(("spare", "lost"), [(0, []), (5, [ORDERS[-1]]), (8, [ORDERS[1], ORDERS[-1]])])
def test_what_people_must_do_and_a_text_message_has_no_room_for_is_named(spare: int, lost: list[str]) -> None:
    middle = "Aléjese del agua que corre por las calles. " * spare
    spanish = Info(language="es", headline="Inundación repentina", instruction=f"{ORDERS[0]} {middle}{' '.join(ORDERS[1:])}")
    english = Info(language="en", headline="Flash flooding", instruction="Go up now.")
    alert = stored(infos=(english, spanish))
    renderer = Renderer(URL, "Tocsin", "New York City", NOW.timestamp)
    texts = {tag: dict(renderer.alert(alert, "sms", tag).parts) for tag in ("en", "es")}
    findings = [found for found in left_out(alert.document, texts) if "Aléjese" not in found]
    assert findings == [f"The text message in Spanish has no room for “{order}”." for order in lost]
