"""The audience: who is in it, however they came in, and who is told apart from whom."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subscriptions import severity, topics
from subscriptions.areas import AreaCatalog
from subscriptions.audience import JOINED_AT_ONCE, MANY, Audience
from subscriptions.columns import CITY_KEY, AddressRow, Columns, Person, PlaceRow, of_persons
from subscriptions.languages import number
from subscriptions.matching import Group, Match, Target, reached_areas
from tests.subscriptions.made_up import Maker
from tests.subscriptions.test_matching import audience_of, rows

WEATHER = topics.mask(["weather"])
ENGLISH, SPANISH = number("en"), number("es")


def someone(
    identity: int,
    *places: PlaceRow,
    topics: int = WEATHER,
    language: int = ENGLISH,
    minimum: str = "Unknown",
    drills: bool = False,
    channels: tuple[str, ...] = ("email",),
    simulated: bool = False,
) -> Person:
    addresses = tuple(AddressRow(100 * identity + index, channel, simulated) for index, channel in enumerate(channels))
    return Person(identity, language, topics, severity.rank(minimum), drills, places, addresses)


def alert(catalog: AreaCatalog, *keys: str, topics: int = WEATHER, grade: str = "Moderate", **more: object) -> Target:
    areas = tuple(area.index for key in keys if (area := catalog.get(key)) is not None)
    assert len(areas) == len(keys)
    return Target(areas=areas, topics=topics, severity=severity.rank(grade), **more)


def ids(match: Match) -> list[int]:
    assert match.people == len(match.subscribers)
    return sorted(match.subscribers.tolist())


def same(one: Match, other: Match) -> bool:
    groups = [{group: sorted(found.tolist()) for group, found in match.groups.items()} for match in (one, other)]
    return ids(one) == ids(other) and groups[0] == groups[1]


@pytest.fixture
def audience(catalog: AreaCatalog) -> Audience:
    return Audience(catalog)


def test_an_empty_audience_reaches_nobody(catalog: AreaCatalog, audience: Audience) -> None:
    match = audience.match(alert(catalog, "zip:11201"))
    assert (match.people, match.groups, audience.people_count) == (0, {}, 0)
    audience.bulk([], [], [])
    assert audience.match(alert(catalog, citywide=True)).people == 0


def test_a_person_with_several_matching_places_is_one_person(catalog: AreaCatalog, audience: Audience) -> None:
    """And each of their addresses stands once (S9)."""
    places = (PlaceRow("zip:11201"), PlaceRow("borough:3"), PlaceRow("city"), PlaceRow(None, 40.694, -73.99, 800.0))
    audience.put(someone(1, *places, channels=("email", "sms")))
    match = audience.match(alert(catalog, "zip:11201", "neighborhood:BK0201"))
    assert ids(match) == [1]
    assert {group: found.tolist() for group, found in match.groups.items()} == {
        Group("email", "en", False): [100],
        Group("sms", "en", False): [101],
    }


def test_a_neighbour_that_only_touches_gets_nothing(catalog: AreaCatalog, audience: Audience) -> None:
    audience.put(someone(1, PlaceRow("zip:11201")))
    audience.put(someone(2, PlaceRow("zip:11205")))
    audience.put(someone(3, PlaceRow("neighborhood:BK0201")))
    assert ids(audience.match(alert(catalog, "zip:11201"))) == [1, 3]


def test_an_alert_for_a_building_and_one_for_the_zip_around_it_reach_each_other(catalog: AreaCatalog, audience: Audience) -> None:
    audience.put(someone(1, PlaceRow("zip:11241")))
    audience.put(someone(2, PlaceRow("zip:11201")))
    assert ids(audience.match(alert(catalog, "zip:11201"))) == [1, 2]
    assert ids(audience.match(alert(catalog, "zip:11241"))) == [1, 2]
    assert ids(audience.match(alert(catalog, "zip:11205"))) == []


def test_a_group_and_its_parts_reach_each_other(catalog: AreaCatalog, audience: Audience) -> None:
    audience.put(someone(1, PlaceRow("neighborhood:Astoria")))
    audience.put(someone(2, PlaceRow("neighborhood:QN0103")))
    audience.put(someone(3, PlaceRow("neighborhood:QN0104")))
    assert ids(audience.match(alert(catalog, "neighborhood:QN0103"))) == [1, 2]
    assert ids(audience.match(alert(catalog, "neighborhood:Astoria"))) == [1, 2, 3]


def test_a_place_that_is_the_whole_city_gets_every_alert(catalog: AreaCatalog, audience: Audience) -> None:
    audience.put(someone(1, PlaceRow("city")))
    for target in (alert(catalog, "zip:11697"), alert(catalog, circles=((-74.2, 40.5, 20.0),)), alert(catalog, citywide=True)):
        assert ids(audience.match(target)) == [1]


def test_an_alert_for_the_city_reaches_everyone_who_wants_it(catalog: AreaCatalog, audience: Audience) -> None:
    """Even a point outside, and a place whose area is no longer known."""
    audience.put(someone(1, PlaceRow(None, 41.5, -73.0, 100.0)))
    audience.put(someone(2, PlaceRow("zip:00000")))
    audience.put(someone(3, PlaceRow("zip:11201"), topics=topics.mask(["crime"])))
    assert ids(audience.match(alert(catalog, citywide=True))) == [1, 2]
    assert ids(audience.match(alert(catalog, *(f"borough:{each}" for each in range(1, 6))))) == []


def test_a_circle_and_a_point_meet_when_their_radii_do(catalog: AreaCatalog, audience: Audience) -> None:
    """1112 m north of the middle of the circle, by the geodesic."""
    audience.put(someone(1, PlaceRow(None, 40.71001, -74.0, 312.0)))
    audience.put(someone(2, PlaceRow(None, 40.71001, -74.0, 310.0)))
    assert ids(audience.match(alert(catalog, circles=((-74.0, 40.7, 800.0),)))) == [1]


def test_a_circle_reaches_a_named_place_by_its_border(catalog: AreaCatalog, audience: Audience) -> None:
    """In Central Park, 1 km from the ZIPs on both sides of it at the most."""
    audience.put(someone(1, PlaceRow("zip:10024")))
    assert ids(audience.match(alert(catalog, circles=((-73.9654, 40.7829, 100.0),)))) == []
    assert ids(audience.match(alert(catalog, circles=((-73.9654, 40.7829, 900.0),)))) == [1]


@pytest.mark.parametrize(("chosen", "told"), [(["weather"], True), (["weather", "crime"], True), (["crime", "health"], False)])
def test_topics_match_when_one_is_wanted(catalog: AreaCatalog, audience: Audience, chosen: list[str], told: bool) -> None:
    audience.put(someone(1, PlaceRow("zip:11201"), topics=topics.mask(chosen)))
    assert ids(audience.match(alert(catalog, "zip:11201", topics=topics.mask(["weather", "transit"])))) == [1] * told


@pytest.mark.parametrize(
    ("minimum", "grade", "told"),
    [
        ("Moderate", "Moderate", True),
        ("Moderate", "Minor", False),
        ("Moderate", "Unknown", False),
        ("Minor", "Unknown", True),
        ("Unknown", "Unknown", True),
        ("Minor", "Extreme", True),
    ],
)
def test_severity_matches_from_the_minimum_on(catalog: AreaCatalog, audience: Audience, minimum: str, grade: str, told: bool) -> None:
    audience.put(someone(1, PlaceRow("zip:11201"), minimum=minimum))
    assert ids(audience.match(alert(catalog, "zip:11201", grade=grade))) == [1] * told


def test_a_drill_reaches_only_those_who_take_drills(catalog: AreaCatalog, audience: Audience) -> None:
    audience.put(someone(1, PlaceRow("zip:11201")))
    audience.put(someone(2, PlaceRow("zip:11201"), drills=True))
    assert ids(audience.match(alert(catalog, "zip:11201", drill=True))) == [2]
    assert ids(audience.match(alert(catalog, "zip:11201"))) == [1, 2]


def test_an_alert_in_one_language_goes_to_its_readers(catalog: AreaCatalog, audience: Audience) -> None:
    audience.put(someone(1, PlaceRow("zip:11201")))
    audience.put(someone(2, PlaceRow("zip:11201"), language=SPANISH))
    assert ids(audience.match(alert(catalog, "zip:11201", languages=frozenset({SPANISH})))) == [2]
    assert ids(audience.match(alert(catalog, "zip:11201", languages=frozenset()))) == []


def test_addresses_come_by_channel_language_and_whether_they_are_simulated(catalog: AreaCatalog, audience: Audience) -> None:
    audience.put(someone(1, PlaceRow("zip:11201"), channels=("email", "email")))
    audience.put(someone(2, PlaceRow("zip:11201"), language=SPANISH))
    audience.put(someone(3, PlaceRow("zip:11201"), simulated=True))
    groups = {group: found.tolist() for group, found in audience.match(alert(catalog, "zip:11201")).groups.items()}
    assert groups == {Group("email", "en", False): [100, 101], Group("email", "es", False): [200], Group("email", "en", True): [300]}


def test_putting_a_person_again_replaces_all_of_them(catalog: AreaCatalog, audience: Audience) -> None:
    target = alert(catalog, "zip:11201")
    audience.put(someone(1, PlaceRow("zip:11201")))
    assert ids(audience.match(target)) == [1]
    audience.put(someone(1, PlaceRow("zip:10001"), channels=("sms",)))
    assert ids(audience.match(target)) == []
    assert list(audience.match(alert(catalog, "zip:10001")).groups) == [Group("sms", "en", False)]
    assert audience.people_count == 1


def test_a_person_without_an_address_is_not_in_it(catalog: AreaCatalog, audience: Audience) -> None:
    audience.put(someone(1, PlaceRow("zip:11201")))
    audience.put(someone(1, PlaceRow("zip:11201"), channels=()))
    audience.put(someone(2, PlaceRow("zip:11201"), channels=()))
    assert audience.people_count == 0
    assert ids(audience.match(alert(catalog, "zip:11201"))) == []
    assert audience.people_count == 0


def test_removing_takes_effect_at_once_wherever_the_person_is_kept(catalog: AreaCatalog, audience: Audience) -> None:
    people = [someone(each, PlaceRow("zip:11201")) for each in range(1, 30)]
    audience.bulk(*rows(people[:20]))
    for person in people[20:25]:
        audience.put(person)
    audience.match(alert(catalog, "zip:11201"))
    for person in people[25:]:
        audience.put(person)
    for gone in (1, 21, 26, 999):
        audience.remove(gone)
    assert ids(audience.match(alert(catalog, "zip:11201"))) == [each for each in range(1, 30) if each not in {1, 21, 26}]
    assert audience.people_count == 26


def test_one_of_a_few_among_many_is_removed_too(catalog: AreaCatalog) -> None:
    audience = audience_of(catalog, [someone(each, PlaceRow("zip:11201" if each < 5 else "zip:10001")) for each in range(1, 200)])
    audience.remove(2)
    assert ids(audience.match(alert(catalog, "zip:11201"))) == [1, 3, 4]


def test_a_radius_of_less_than_five_metres_counts_as_five(catalog: AreaCatalog, audience: Audience) -> None:
    """North of the middle of a circle, by the geodesic: 111.05 m and 115.04 m."""
    audience.put(someone(1, PlaceRow(None, 40.701, -74.0, 0.0)))
    audience.put(someone(2, PlaceRow(None, 40.701036, -74.0, 1.0)))
    assert ids(audience.match(alert(catalog, circles=((-74.0, 40.7, 109.0),)))) == [1]


def test_loading_everyone_forgets_who_was_there(catalog: AreaCatalog, audience: Audience) -> None:
    audience.put(someone(1, PlaceRow("zip:11201")))
    audience.match(alert(catalog, citywide=True))
    audience.put(someone(2, PlaceRow("zip:11201")))
    audience.bulk(*rows([someone(3, PlaceRow("zip:11201"))]))
    assert ids(audience.match(alert(catalog, citywide=True))) == [3]


def test_rows_of_nobody_are_ignored_and_unknown_areas_counted(catalog: AreaCatalog, audience: Audience) -> None:
    people, places, addresses = rows([someone(1, PlaceRow("zip:11201"))])
    audience.bulk(
        people, [*places, (9, "zip:11201", None, None, None), (1, "zip:00000", None, None, None)], [*addresses, (900, 9, "email", 0)]
    )
    match = audience.match(alert(catalog, citywide=True))
    assert (ids(match), [found.tolist() for found in match.groups.values()]) == ([1], [[100]])
    assert audience.unknown_places == 1


def test_what_a_match_gave_does_not_change_with_the_audience(catalog: AreaCatalog, audience: Audience) -> None:
    """Arrays may be views, so they are read-only."""
    audience.bulk(*rows([someone(each, PlaceRow("zip:11201")) for each in range(1, 9)]))
    everything = Target(citywide=True, topics=topics.mask(topics.TOPICS), severity=4)
    before = audience.match(everything)
    audience.remove(1)
    assert ids(before) == list(range(1, 9))
    for array in (before.subscribers, *before.groups.values()):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_why_names_the_places_that_were_reached_and_no_others(catalog: AreaCatalog, audience: Audience) -> None:
    point = PlaceRow(None, 40.694, -73.99, 800.0)
    audience.put(someone(1, PlaceRow("zip:11201"), PlaceRow("zip:10001"), point, PlaceRow("city"), PlaceRow("zip:00000")))
    for _ in range(2):  # waiting, then in a segment
        reasons = audience.explain(1, alert(catalog, "neighborhood:BK0201"))
        assert {place.area for place in reasons} == {"zip:11201", None, "city"}
        (near,) = [place for place in reasons if place.area is None]
        assert (near.lat, near.lon, near.radius_m) == pytest.approx((40.694, -73.99, 800.0), abs=1e-9)
        audience.settle()
    assert audience.explain(1, alert(catalog, "zip:11697")) == [PlaceRow("city")]
    assert audience.explain(2, alert(catalog, "zip:11201")) == []


def test_columns_that_grow_by_single_people_stay_few(catalog: AreaCatalog, audience: Audience) -> None:
    """A match after each of many changes must not become slower with their number."""
    target = alert(catalog, "zip:11201")
    for each in range(1, 400):
        audience.put(someone(each, PlaceRow("zip:11201")))
        audience.settle()
    for each in range(1, 390):
        audience.remove(each)
    assert ids(audience.match(target)) == list(range(390, 400))
    assert len(audience._segments) <= 4
    assert sum(segment.size for segment in audience._segments) < 200, "rows that were struck out are given back"


def columns_of(audience: Audience, catalog: AreaCatalog, people: list[Person]) -> Columns:
    return of_persons(people, catalog, audience.kinds)


def test_many_who_changed_are_exchanged_at_once_wherever_they_are_kept(catalog: AreaCatalog, audience: Audience) -> None:
    target = alert(catalog, "zip:11201")
    audience.bulk(*rows([someone(each, PlaceRow("zip:11201")) for each in range(1, 10)]))
    audience.put(someone(10, PlaceRow("zip:11201")))
    audience.match(target)
    audience.put(someone(11, PlaceRow("zip:11201")))
    now = [someone(2, PlaceRow("zip:10001")), someone(11, PlaceRow("zip:11201"), channels=("sms",)), someone(12, PlaceRow("zip:11201"))]
    audience.exchange(audience.prepared(columns_of(audience, catalog, now)), np.array([1, 2, 10, 11, 12]))
    assert ids(audience.match(target)) == [3, 4, 5, 6, 7, 8, 9, 11, 12]
    assert audience.match(target).groups[Group("sms", "en", False)].tolist() == [1100]
    assert audience.people_count == 10


async def test_large_parts_are_joined_beside_the_loop_and_no_change_is_lost(catalog: AreaCatalog, audience: Audience) -> None:
    """More than are joined while a match waits; some go, come and change while the thread works."""
    target, count = alert(catalog, "zip:11201"), JOINED_AT_ONCE
    audience.bulk(*rows([someone(each, PlaceRow("zip:11201")) for each in range(1, count)]))
    more = [someone(each, PlaceRow("zip:11201")) for each in range(count, 2 * count)]
    audience.exchange(audience.prepared(columns_of(audience, catalog, more)), np.arange(count, 2 * count))
    assert audience.match(target).people == 2 * count - 1
    assert len(audience._segments) == 2, "not joined on the way of a match"
    joining = asyncio.ensure_future(audience.tidy())
    await asyncio.sleep(0)
    assert not joining.done()
    audience.remove(5)
    audience.put(someone(count, PlaceRow("zip:10001")))
    audience.put(someone(10 * count, PlaceRow("zip:11201")))
    expected = {*range(1, 2 * count), 10 * count} - {5, count}
    assert set(audience.match(target).subscribers.tolist()) == expected
    await joining
    assert set(audience.match(target).subscribers.tolist()) == expected
    assert audience.people_count == len(expected) + 1
    await audience.tidy()
    assert len(audience._segments) <= 2


async def test_everyone_loaded_anew_while_parts_are_joined_stays_as_loaded(catalog: AreaCatalog, audience: Audience) -> None:
    count = JOINED_AT_ONCE
    audience.bulk(*rows([someone(each, PlaceRow("zip:11201")) for each in range(1, count)]))
    more = [someone(each, PlaceRow("zip:11201")) for each in range(count, 2 * count)]
    audience.exchange(audience.prepared(columns_of(audience, catalog, more)), np.arange(count, 2 * count))
    joining = asyncio.ensure_future(audience.tidy())
    await asyncio.sleep(0)
    audience.bulk(*rows([someone(7, PlaceRow("zip:11201"))]))
    await joining
    assert ids(audience.match(alert(catalog, "zip:11201"))) == [7]


@pytest.mark.parametrize("first", [1, 2**32 - 2, 2**40])
def test_numbers_of_any_size_come_back_as_they_are(catalog: AreaCatalog, audience: Audience, first: int) -> None:
    people = [someone(first + each, PlaceRow("zip:11201"), channels=("email", "sms")) for each in range(3)]
    audience.bulk(*rows([*people, *(someone(each, PlaceRow("zip:10001")) for each in range(5_000, 5_100))]))
    found = audience.match(alert(catalog, "zip:11201"))
    assert ids(found) == [person.id for person in people]
    assert sorted(np.concatenate(list(found.groups.values())).tolist()) == [100 * person.id + each for person in people for each in (0, 1)]


async def test_what_each_named_area_reaches_is_known_beforehand_and_reaches_the_same(catalog: AreaCatalog, audience: Audience) -> None:
    places = np.random.default_rng(8).uniform((40.66, -74.03, 20), (40.74, -73.95, 900), (MANY, 3)).tolist()
    audience.bulk(*rows([someone(each, PlaceRow(None, *spot)) for each, spot in enumerate(places, start=1)]))
    audience.put(someone(MANY + 1, PlaceRow(None, 40.693, -73.99, 50.0)))
    drawn = shapely.box(-74.01, 40.70, -74.0, 40.71)
    targets = [
        alert(catalog, "zip:11201"),
        alert(catalog, "zip:11201", "neighborhood:BK0602"),
        alert(catalog, "zip:10004", polygons=(drawn,)),
        alert(catalog, "borough:3", circles=((-74.0, 40.72, 300.0),)),
        alert(catalog, *(area.key for area in catalog.areas if area.index in catalog.whole)),
    ]
    measured = [audience.match(target) for target in targets]
    assert len({match.people for match in measured}) == len(targets), "five different questions"
    await audience.tidy()
    assert [segment.knows_areas for segment in audience._segments] == [True, False]
    audience.remove(0)
    assert all(same(audience.match(target), before) for target, before in zip(targets, measured, strict=True))


def test_whom_the_whole_city_reaches_is_known_beforehand_and_is_the_same(catalog: AreaCatalog, audience: Audience) -> None:
    """Points in and beyond the city, people of areas and of the whole city; some of them leave afterwards."""
    spots = np.random.default_rng(9).uniform((40.45, -74.35, 20), (40.95, -73.65, 900), (MANY, 3)).tolist()
    places = [PlaceRow(None, *spot) for spot in spots]
    places[::50] = [PlaceRow("zip:11201"), PlaceRow(CITY_KEY)] * (MANY // 100)
    audience.bulk(*rows([someone(each, place) for each, place in enumerate(places, start=1)]))
    (segment,) = audience._segments
    assert segment._remembered
    for each in (1, 51, 52, 53):
        audience.remove(each)
    whole = [area.key for area in catalog.areas if area.index in catalog.whole]
    beside = shapely.box(-74.20, 40.75, -74.1, 40.80)
    targets = [alert(catalog, *whole), alert(catalog, *whole, polygons=(beside,))]
    found = [audience.match(target) for target in targets]
    assert MANY // 4 < found[0].people < found[1].people < MANY - 4
    segment._remembered.clear()
    audience.remove(0)
    assert all(same(audience.match(target), before) for target, before in zip(targets, found, strict=True))


def test_an_answer_is_given_again_only_while_nobody_has_changed(catalog: AreaCatalog, audience: Audience) -> None:
    target = alert(catalog, "zip:11201")
    audience.put(someone(1, PlaceRow("zip:11201")))
    assert audience.match(target) is audience.match(alert(catalog, "zip:11201"))
    assert ids(audience.match(alert(catalog, "zip:10001"))) == []
    audience.put(someone(2, PlaceRow("zip:11201")))
    assert ids(audience.match(target)) == [1, 2]
    audience.remove(1)
    assert ids(audience.match(target)) == [2]


def test_named_areas_that_a_drawn_shape_reaches_are_told(catalog: AreaCatalog) -> None:
    """For the list of neighbours that get nothing."""
    middle = catalog.resolve("zip", "11201").geometry.point_on_surface()
    box = middle.buffer(0.00001)
    names = {catalog.areas[index].key for index in reached_areas(catalog, Target(polygons=(box,), topics=1, severity=0))}
    assert "zip:11201" in names
    assert {key.split(":")[0] for key in names} == {"zip", "neighborhood", "borough"}
    assert len(reached_areas(catalog, Target(citywide=True, topics=1, severity=0))) == len(catalog.areas)


def test_a_shape_drawn_along_a_border_does_not_reach_across_it(catalog: AreaCatalog) -> None:
    """A copy of a ZIP's own outline, a centimetre wider, overlaps the neighbours by slivers only."""
    area = catalog.resolve("zip", "11201")
    drawn = catalog.to_lonlat(area.metric.buffer(0.005))
    reached = reached_areas(catalog, Target(polygons=(drawn,), topics=1, severity=0))
    assert {catalog.areas[index].id for index in reached if catalog.areas[index].layer == "zip"} == {"11201", "11241", "11242"}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    steps=st.lists(st.sampled_from(["put", "again", "remove", "match", "settle", "bulk"]), min_size=5, max_size=40),
)
def test_however_people_come_and_go_the_match_is_that_of_a_fresh_load(catalog: AreaCatalog, seed: int, steps: list[str]) -> None:
    make = Maker(catalog, seed)
    target = make.target()
    known: dict[int, Person] = {}
    audience = Audience(catalog)
    for step in steps:
        identity = int(make.random.integers(1, 12)) if step in {"again", "remove"} else len(known) + 20
        if step in {"put", "again"}:
            known[identity] = make.person(identity, target)
            audience.put(known[identity])
        elif step == "remove":
            known.pop(identity, None)
            audience.remove(identity)
        elif step == "settle":
            audience.settle()
        elif step == "bulk":
            audience.bulk(*rows(list(known.values())))
        else:
            assert same(audience.match(target), audience_of(catalog, list(known.values())).match(target))
    fresh = audience_of(catalog, list(known.values()))
    assert audience.people_count == fresh.people_count
    assert same(audience.match(target), fresh.match(target))
    for identity, person in known.items():
        assert same(audience.match_one(identity, target), audience_of(catalog, [person]).match(target))
    assert audience.match_one(10**9, target).people == 0


def test_a_few_of_many_and_most_of_many_are_found_alike(catalog: AreaCatalog) -> None:
    """Few matches are looked up person by person, many by scanning; the answers must agree where the one turns into the other."""
    make = Maker(catalog, 3)
    people = [someone(each, PlaceRow("zip:11201" if each % 8 else "zip:10001"), language=each % 3) for each in range(1, 801)]
    people += [make.person(each, alert(catalog, "zip:11201")) for each in range(1000, 1400)]
    audience = audience_of(catalog, people)
    for key, first in (("zip:10001", 8), ("zip:11201", 1)):
        found = audience.match(alert(catalog, key))
        assert first in ids(found)
        for person in people:
            assert (person.id in found.subscribers) == (audience.match_one(person.id, alert(catalog, key)).people == 1)
        wanted = sorted(address.id for person in people if person.id in set(found.subscribers.tolist()) for address in person.addresses)
        assert np.sort(np.concatenate(list(found.groups.values()))).tolist() == wanted
