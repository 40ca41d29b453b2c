"""What people chose, in the columns: a severity of a topic's own, quiet hours, discreet words, and places that they drew."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely

from subscriptions import severity, topics
from subscriptions.areas import AreaCatalog
from subscriptions.audience import Audience
from subscriptions.columns import AddressRow, Person, PlaceRow
from subscriptions.matching import Group, Target
from tests.subscriptions.made_up import Maker
from tests.subscriptions.test_audience import WEATHER, alert, ids, same, someone

CRIME = topics.mask(["crime"])
BOTH = WEATHER | CRIME
HERE = PlaceRow("zip:11201")
SQUARE = "[[[-73.995,40.690],[-73.985,40.690],[-73.985,40.700],[-73.995,40.700],[-73.995,40.690]]]"
DRAWN = PlaceRow(None, shape=json.dumps({"type": "Polygon", "coordinates": json.loads(SQUARE)}))


@pytest.fixture
def audience(catalog: AreaCatalog) -> Audience:
    return Audience(catalog)


def test_levels_go_into_one_number_and_come_back() -> None:
    chosen = {"crime": "Severe", "weather": "Unknown", "test": "Extreme"}
    assert topics.of_levels(topics.levels(chosen)) == chosen
    assert topics.levels({}) == 0
    assert topics.levels(dict.fromkeys(topics.TOPICS, "Extreme")) < 1 << 39


@pytest.mark.parametrize(
    ("asked", "grade", "reached"),
    [
        (WEATHER, "Minor", True),
        (CRIME, "Moderate", False),
        (CRIME, "Severe", True),
        (BOTH, "Minor", True),
        (topics.mask(["fire"]), "Extreme", False),
    ],
)
def test_a_topic_may_have_a_least_severity_of_its_own(
    catalog: AreaCatalog, audience: Audience, asked: int, grade: str, reached: bool
) -> None:
    choosy = someone(1, HERE, topics=BOTH, minimum="Minor")._replace(severities=topics.levels({"crime": "Severe"}))
    audience.put(choosy)
    assert ids(audience.match(alert(catalog, "zip:11201", topics=asked, grade=grade))) == ([1] if reached else [])


def test_a_topic_may_be_milder_than_the_rest_too(catalog: AreaCatalog, audience: Audience) -> None:
    audience.put(someone(1, HERE, topics=BOTH, minimum="Extreme")._replace(severities=topics.levels({"weather": "Minor"})))
    assert ids(audience.match(alert(catalog, "zip:11201", topics=WEATHER, grade="Minor"))) == [1]
    assert ids(audience.match(alert(catalog, "zip:11201", topics=CRIME, grade="Severe"))) == []


def test_whoever_is_in_quiet_hours_is_matched_apart_with_when_they_end(catalog: AreaCatalog, audience: Audience) -> None:
    for number, quiet in enumerate((0, 1, 2, 1, 3), 1):
        audience.put(someone(number, HERE)._replace(quiet=quiet))
    match = audience.match(alert(catalog, "zip:11201"), {1: 7_000, 2: 8_000})
    assert match.people == 5
    assert {group.after: found.tolist() for group, found in match.groups.items()} == {0: [100, 500], 7_000: [200, 400], 8_000: [300]}
    assert [group.after for group in audience.match(alert(catalog, "zip:11201")).groups] == [0]


def test_quiet_hours_apply_in_a_large_audience_and_to_the_whole_city(catalog: AreaCatalog, audience: Audience) -> None:
    people = [someone(number, PlaceRow("city"), channels=("email", "sms"))._replace(quiet=number % 3) for number in range(1, 301)]
    for person in people:
        audience.put(person)
    audience.settle()
    groups = audience.match(alert(catalog, citywide=True), {1: 5_000}).groups
    assert {(group.channel, group.after): len(found) for group, found in groups.items()} == {
        ("email", 0): 200, ("sms", 0): 200, ("email", 5_000): 100, ("sms", 5_000): 100,
    }  # fmt: skip


def test_one_person_is_held_as_among_many(catalog: AreaCatalog, audience: Audience) -> None:
    audience.put(someone(7, HERE)._replace(quiet=4))
    target = alert(catalog, "zip:11201")
    assert same(audience.match_one(7, target, {4: 9}), audience.match(target, {4: 9}))
    assert [group.after for group in audience.match_one(7, target, {4: 9}).groups] == [9]


def test_discreet_people_are_a_group_of_their_own(catalog: AreaCatalog, audience: Audience) -> None:
    audience.put(someone(1, HERE))
    audience.put(someone(2, HERE)._replace(addresses=(AddressRow(200, "email", False, True),)))
    groups = audience.match(alert(catalog, "zip:11201")).groups
    assert {group: found.tolist() for group, found in groups.items()} == {
        Group("email", "en", False): [100],
        Group("email", "en", False, discreet=True): [200],
    }


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        ({"areas": ("zip:11201",)}, True),
        ({"areas": ("zip:11205",)}, False),
        ({"areas": ("borough:3",)}, True),
        ({"citywide": True}, True),
        ({"circles": ((-73.98, 40.695, 300.0),)}, False),
        ({"circles": ((-73.98, 40.695, 450.0),)}, True),
        ({"polygons": (shapely.box(-73.985, 40.69, -73.98, 40.70),)}, False),
        ({"polygons": (shapely.box(-73.9855, 40.69, -73.98, 40.70),)}, True),
    ],
)
def test_a_drawn_place_is_reached_by_what_truly_overlaps_it(
    catalog: AreaCatalog, audience: Audience, target: dict[str, object], reached: bool
) -> None:
    audience.put(someone(1, DRAWN))
    keys = target.pop("areas", ())
    aim = alert(catalog, *keys, **target)  # type: ignore[misc]  # a tuple of keys
    assert ids(audience.match(aim)) == ([1] if reached else [])
    assert [place.shape is not None for place in audience.explain(1, aim)] == ([True] if reached else [])


def test_everything_chosen_survives_joining_and_comes_back(catalog: AreaCatalog, audience: Audience) -> None:
    person = Person(
        1, 2, BOTH, 2, True, (HERE, DRAWN), (AddressRow(10, "sms", False, True),), severities=topics.levels({"crime": "Extreme"}), quiet=12
    )
    audience.put(person)
    audience.settle()
    for number in range(2, 40):
        audience.put(someone(number, HERE))
        audience.settle()
    back = audience.get(1)
    assert back is not None
    assert back._replace(places=()) == person._replace(places=())
    drawn = shapely.from_geojson(back.places[1].shape or "")
    assert shapely.hausdorff_distance(drawn, shapely.from_geojson(DRAWN.shape or "")) < 1e-2 / 111_000, "a centimetre"


def test_choices_agree_with_a_plain_loop_over_people(catalog: AreaCatalog) -> None:
    """Random topics, severities of their own and quiet hours, for the whole city, against the rule written out."""
    make, random = Maker(catalog, 5), np.random.default_rng(5)
    whole = Target(citywide=True, topics=1, severity=0)
    people = []
    for number in range(1, 400):
        own = {topic: severity.SEVERITIES[random.integers(0, 5)] for topic in topics.TOPICS if random.random() < 0.3}
        people.append(make.person(number, whole)._replace(severities=topics.levels(own), quiet=int(random.integers(0, 4))))
    audience = Audience(catalog)
    for person in people:
        audience.put(person)
    holding = {1: 111, 3: 333}
    for grade in range(5):
        asked = ("crime", "weather") if grade % 2 else ("fire", "emergency", "test")
        match = audience.match(Target(citywide=True, topics=topics.mask(asked), severity=grade), holding)
        wanted = {person.id: holding.get(person.quiet, 0) for person in people if person.addresses and wants(person, asked, grade)}
        assert set(match.subscribers.tolist()) == set(wanted)
        owners = {address.id: person.id for person in people for address in person.addresses}
        for group, found in match.groups.items():
            assert {wanted[owners[number]] for number in found.tolist()} == {group.after}


def wants(person: Person, asked: tuple[str, ...], grade: int) -> bool:
    """The rule: some topic that was chosen, at its own least severity or the usual one; Unknown counts as Minor."""
    grade = max(grade, severity.rank("Minor"))
    own = topics.of_levels(person.severities)
    chosen = [topic for topic in asked if topic in topics.names(person.topics)]
    return any(grade >= (severity.rank(own[topic]) if topic in own else person.minimum_severity) for topic in chosen)
