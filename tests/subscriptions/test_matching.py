"""Matching against a plain loop on the ellipsoid, on thousands of random people, with many of their places at a rim."""

from __future__ import annotations

from collections import defaultdict

import pytest

from subscriptions.areas import AreaCatalog
from subscriptions.audience import Audience
from subscriptions.columns import Person
from subscriptions.languages import tag
from subscriptions.matching import Group, Match, Target
from tests.subscriptions import oracle
from tests.subscriptions.made_up import Maker

ROUNDS = 24
TARGETS = 5
PEOPLE = 40


def rows(people: list[Person]) -> tuple[list[tuple], list[tuple], list[tuple]]:
    """As the database gives them."""
    return (
        [person[:5] for person in people],
        [(person.id, *place) for person in people for place in person.places],
        [(address.id, person.id, address.channel, address.simulated) for person in people for address in person.addresses],
    )


def audience_of(catalog: AreaCatalog, people: list[Person]) -> Audience:
    audience = Audience(catalog)
    audience.bulk(*rows(people))
    return audience


def expected(people: list[Person], target: Target, catalog: AreaCatalog) -> tuple[set[int], set[int]]:
    """Who must be reached, and whom the oracle can't decide."""
    must, open_ = set(), set()
    for person in people:
        try:
            if oracle.reached(person, target, catalog):
                must.add(person.id)
        except oracle.Undecided:
            open_.add(person.id)
    return must, open_


def addresses_of(people: list[Person], reached: set[int]) -> dict[Group, list[int]]:
    groups: dict[Group, list[int]] = defaultdict(list)
    for person in people:
        for address in person.addresses if person.id in reached else ():
            groups[Group(address.channel, tag(person.language), address.simulated)].append(address.id)
    return {group: sorted(ids) for group, ids in groups.items()}


def check(match: Match, people: list[Person], target: Target, catalog: AreaCatalog) -> tuple[int, int]:
    """Hold a match against the oracle; returns how many were decided, and how many of them reached."""
    must, open_ = expected(people, target, catalog)
    found = match.subscribers.tolist()
    assert len(found) == len(set(found)) == match.people, "a person is counted once"
    assert set(found) - open_ == must
    assert {group: sorted(ids.tolist()) for group, ids in match.groups.items()} == addresses_of(people, set(found))
    return len(people) - len(open_), len(must)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_matching_agrees_with_a_plain_loop_on_the_ellipsoid(catalog: AreaCatalog, seed: int) -> None:
    """Areas, polygons and circles against named places and points, rims included; topics, severity, language and drills as well."""
    make = Maker(catalog, seed)
    targets = [make.target() for _ in range(TARGETS)]
    people = [make.person(number, targets[number % TARGETS]) for number in range(1, TARGETS * PEOPLE + 1)]
    audience = audience_of(catalog, people)
    decided = reached = 0
    for target in targets:
        counts = check(audience.match(target), people, target, catalog)
        decided, reached = decided + counts[0], reached + counts[1]
    assert decided > 0.97 * len(people) * TARGETS, "the oracle must have an opinion"
    assert 0 < reached < decided
