"""The audience: everyone who may be alerted, in memory, as columns. A million people are matched in milliseconds.

The columns come in segments. `bulk` makes one large segment; whoever is put in or changed later is struck out of the old segments and
waits in a list, which the next match turns into a small segment. Segments of like size are joined, so that there are never many: small ones
on the way of a match, large ones by `tidy`, in a thread, while matching goes on with the old ones.

One event loop owns it; only `prepared` may run elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import shapely

from subscriptions.areas import AreaCatalog
from subscriptions.columns import (
    CITY_KEY,
    LEAST_RADIUS_M,
    AddressColumns,
    AddressKinds,
    AddressRow,
    Columns,
    PeopleColumns,
    Person,
    PlaceColumns,
    PlaceRow,
    Rows,
    ShapeColumns,
    joined,
    of_persons,
)
from subscriptions.languages import tag
from subscriptions.matching import Group, Match, Matching, Reach, Target
from subscriptions.quiet_hours import NOBODY, QuietRules
from subscriptions.region import Shape
from subscriptions.segment import Found, Segment

__all__ = ["AddressColumns", "AddressKinds", "AddressRow", "Audience", "PeopleColumns", "Person", "PlaceColumns", "PlaceRow"]

JOIN_AT = 8
"""A segment that has grown to an eighth of the one before is joined with it: at most seven for a million, each person moved a few times."""
JOINED_AT_ONCE = 4_000
"""Rows up to which joining takes a few milliseconds, which a match can wait for."""
STRUCK_AT_MOST = 0.25
"""Share of a segment's rows that may be struck out before it is built anew."""
MANY = 10_000
"""People in a segment from which on measuring the whole city beforehand is worth it."""

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


class Audience:
    """Who follows which places, wants which alerts, and is reached where. Only active people with a confirmed address belong in it."""

    def __init__(self, catalog: AreaCatalog) -> None:
        self._catalog = catalog
        self._matching = Matching(catalog)
        self._kinds = AddressKinds()
        self._segments: list[Segment] = []
        self._waiting: dict[int, Person] = {}
        self._last: tuple[Target, Mapping[int, int], Match] | None = None
        self._older: tuple[Target, Mapping[int, int], Match] | None = None
        self._tidying = asyncio.Lock()
        self.quiet_rules = QuietRules()
        """Those that people's `quiet` numbers name."""
        self.unknown_places = 0
        """Places loaded by `bulk` whose area the catalogue does not have: they match nothing."""

    @property
    def people_count(self) -> int:
        """How many people are in it."""
        return sum(map(len, self._segments)) + sum(1 for person in self._waiting.values() if person.addresses)

    @property
    def channels(self) -> set[str]:
        """Those by which anybody in it is reached, or was since the start; samples are not."""
        return {channel for channel, simulated, _ in self._kinds.names if not simulated}

    def bulk(self, people: Rows | PeopleColumns, places: Rows | PlaceColumns, addresses: Rows | AddressColumns) -> None:
        """Replace everyone. Takes columns (`AddressColumns` made with `kinds`) or rows, in any order:

        people (subscriber id, language, topics, minimum severity, drills); places (subscriber id, area key | ``"city"`` | None, lat, lon,
        radius in metres); addresses (address id, subscriber id, channel, simulated). Places and addresses of nobody are ignored.
        """
        columns = Columns(
            people if isinstance(people, PeopleColumns) else PeopleColumns.of(people),
            places if isinstance(places, PlaceColumns) else PlaceColumns.of(places, self._catalog),
            addresses if isinstance(addresses, AddressColumns) else AddressColumns.of(addresses, self._kinds),
        )
        self.exchange(self.prepared(columns))

    @property
    def kinds(self) -> AddressKinds:
        """The numbers of (channel, simulated), for whoever hands in `AddressColumns`."""
        return self._kinds

    def prepared(self, columns: Columns) -> Segment:
        """Columns made ready for `exchange`. Takes seconds for a million and changes nothing, so it may run in a thread."""
        segment = Segment(columns, len(self._catalog.areas))
        if segment.size >= MANY:
            segment.remember(self._matching.whole)
        return segment

    def exchange(self, segment: Segment, subscribers: Ints | None = None) -> None:
        """Put a segment in the place of these subscribers, or of everyone. Whoever is not in it, is not in the audience any more."""
        if subscribers is None:
            self._segments.clear()
            self._waiting.clear()
            self.unknown_places = segment.unknown_places
        else:
            self._strike(subscribers)
        self._segments.append(segment)
        self._last = None

    def put(self, person: Person) -> None:
        """Add a person, or replace all that was known of them. Someone without an address is as good as removed."""
        self.remove(person.id)
        self._waiting[person.id] = person

    def remove(self, subscriber: int) -> None:
        """Take a person out, if they are in."""
        self._strike(np.array([subscriber], dtype=np.int64))
        self._last = None

    def _strike(self, subscribers: Ints) -> None:
        for segment in self._segments:
            segment.strike(subscribers)
        if self._waiting:
            for subscriber in subscribers.tolist():
                self._waiting.pop(subscriber, None)

    def match(self, target: Target, holding: Mapping[int, int] = NOBODY) -> Match:
        """Everyone whom the target reaches, each once, and their addresses by `Group`. `holding` is of `quiet_hours.QuietRules`.

        Asked again for the same target, as when an alert is counted and then launched, it gives the answer it has, until somebody changes.
        """
        if self._last is None or self._last[:2] != (target, holding):
            self._settle(JOINED_AT_ONCE)
            reach = self._matching.reach(target)
            self._last = target, holding, self._gathered([segment.match(reach, target, holding) for segment in self._segments])
        return self._last[2]

    def match_one(self, subscriber: int, target: Target, holding: Mapping[int, int] = NOBODY) -> Match:
        """As `match`, for one person; empty when they are not in the audience or not reached."""
        person = self.get(subscriber)
        if person is None:
            return Match(0, {}, np.zeros(0, dtype=np.int64))
        alone = self.prepared(of_persons([person], self._catalog, self._kinds))
        return self._gathered([alone.match(self._matching.reach(target), target, holding)])

    def explain(self, subscriber: int, target: Target) -> list[PlaceRow]:
        """Which of a person's places the target reaches, whatever topics they chose: the answer to "why did I get this?" (S26)."""
        person = self.get(subscriber)
        if person is None:
            return []
        reach = self._matching.reach(target)
        return [place for place in person.places if self._is_reached(place, reach)]

    def get(self, subscriber: int) -> Person | None:
        """A person as they are in the columns; a point comes back to within a micrometre."""
        if subscriber in self._waiting:
            return self._waiting[subscriber]
        for segment in self._segments:
            row = segment.row_of(subscriber)
            if row is not None:
                return self._person(segment.columns_of(row))
        return None

    def settle(self) -> None:
        """Turn whoever waits into a segment, and join all segments that have become alike in size."""
        self._settle(None)

    def _settle(self, at_most: int | None) -> None:
        if self._waiting:
            self._segments.append(self.prepared(of_persons(self._waiting.values(), self._catalog, self._kinds)))
            self._waiting.clear()
        while worn := self._worn(at_most):
            self._replace(worn, self._joined(worn, [segment.alive for segment in worn]))

    async def tidy(self) -> None:
        """As `settle`, but large segments are joined in a thread, and what each named area reaches is measured there beforehand. Nothing
        waits for it, and whoever changes meanwhile is not lost."""
        async with self._tidying:
            self._forget_old_answer()
            self._settle(JOINED_AT_ONCE)
            while worn := self._worn():
                alive = [segment.alive.copy() for segment in worn]
                segment = await asyncio.to_thread(self._joined, worn, alive)
                for old, before in zip(worn, alive, strict=True):
                    segment.strike(old.id[before & ~old.alive])
                self._replace(worn, segment)
            for segment in [one for one in self._segments if one.size >= MANY and not one.knows_areas]:
                await asyncio.to_thread(segment.remember_areas, (Shape(area) for area in self._catalog.metric))

    def _forget_old_answer(self) -> None:
        """It may be a dozen megabytes; whoever is to ask again does so within the second."""
        self._last, self._older = None if self._last is self._older else self._last, self._last

    def _worn(self, at_most: int | None = None) -> list[Segment]:
        """Segments that are to become one: two neighbours of like size, or one that has lost many of its people."""
        pairs = [[one, other] for one, other in zip(self._segments, self._segments[1:], strict=False) if other.size * JOIN_AT >= one.size]
        thinned = [[segment] for segment in self._segments if len(segment) < (1 - STRUCK_AT_MOST) * segment.size]
        chosen = (worn for worn in (*thinned, *reversed(pairs)) if at_most is None or sum(part.size for part in worn) <= at_most)
        return next(chosen, [])

    def _joined(self, worn: Sequence[Segment], alive: Sequence[Flags]) -> Segment:
        return self.prepared(joined([segment.columns(keep) for segment, keep in zip(worn, alive, strict=True)]))

    def _replace(self, worn: Sequence[Segment], segment: Segment) -> None:
        """Unless everyone was exchanged meanwhile."""
        if all(old in self._segments for old in worn):
            at = self._segments.index(worn[0])
            self._segments[at : at + len(worn)] = [segment] if len(segment) else []

    def _gathered(self, parts: list[tuple[Found, Ints]]) -> Match:
        lists: dict[Group, list[Ints]] = {}
        for kind, language, after, ids in (entry for found, _ in parts for entry in found):
            channel, simulated, discreet = self._kinds.names[kind]
            lists.setdefault(Group(channel, tag(language), simulated, discreet, after), []).append(ids)
        subscribers = _as_one([people for _, people in parts])
        return Match(len(subscribers), {group: _as_one(found) for group, found in lists.items()}, subscribers)

    def _is_reached(self, place: PlaceRow, reach: Reach) -> bool:
        if reach.everyone or place.area == CITY_KEY:
            return True
        if place.area is not None:
            area = self._catalog.get(place.area)
            return area is not None and bool(reach.areas[area.index])
        if place.shape is not None:
            drawn = ShapeColumns.of([(0, place.shape)], self._catalog).shape
            return any(len(region.overlapping(drawn, shapely.STRtree(drawn))) for region in reach.regions)
        x, y = self._catalog.projection.xy([place.lon], [place.lat])
        radius = np.array([max(place.radius_m or 0.0, LEAST_RADIUS_M)])
        return any(bool(region.within(x, y, radius)[0]) for region in reach.regions)

    def _person(self, columns: Columns) -> Person:
        people = columns.people
        return Person(
            int(people.id[0]),
            int(people.language[0]),
            int(people.topics[0]),
            int(people.minimum_severity[0]),
            bool(people.drills[0]),
            (*self._places(columns.places), *self._shapes(columns.shapes)),
            tuple(self._addresses(columns.addresses)),
            int(people.severities[0]),
            int(people.quiet[0]),
        )

    def _places(self, columns: PlaceColumns) -> Iterator[PlaceRow]:
        lon, lat = self._catalog.projection.lonlat(columns.x, columns.y)
        for area, east, north, radius in zip(columns.area.tolist(), lon.tolist(), lat.tolist(), columns.radius.tolist(), strict=True):
            if area >= 0:
                yield PlaceRow(self._catalog.areas[area].key)
            else:
                yield PlaceRow(CITY_KEY) if np.isnan(radius) else PlaceRow(None, north, east, radius)

    def _shapes(self, columns: ShapeColumns) -> Iterator[PlaceRow]:
        for drawn in columns.shape:
            yield PlaceRow(None, shape=shapely.to_geojson(self._catalog.projection.to_lonlat(drawn)))

    def _addresses(self, columns: AddressColumns) -> Iterator[AddressRow]:
        for number, kind in zip(columns.id.tolist(), columns.kind.tolist(), strict=True):
            yield AddressRow(number, *self._kinds.names[kind])


def _as_one(parts: list[Ints]) -> Ints:
    """The parts end to end; one part alone is not copied."""
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
