"""A part of the audience, sorted once so that matching it is slices and flags.

- People are rows, sorted by language and then by where they are: who is reached together stands together in memory, and reading it is what
  a match waits for. A filter is decided per profile (language, topics, minimum severity, drills), not per person.
- Named places are grouped by area; points are a `PointTree`.
- Addresses are sorted by kind and row, which makes each (channel, simulated, language) one slice.

Rows are never changed, only struck out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import shapely

from subscriptions.columns import CITY, POINT, UNKNOWN, AddressColumns, Columns, PeopleColumns, PlaceColumns, ShapeColumns
from subscriptions.matching import Reach, Target
from subscriptions.point_tree import CURVE_BITS, PointTree, curve
from subscriptions.region import Region
from subscriptions.severity import MILDEST
from subscriptions.topics import LEVEL_BITS

_CARD = np.dtype([("id", "u4"), ("address", "u4"), ("extra", "u4"), ("group", "u2"), ("extras", "u2")])
"""A person's id, their first address and its group, and where further addresses stand: four to a line of memory."""
_WIDE_CARD = np.dtype([("id", "i8"), ("address", "i8"), ("extra", "i4"), ("group", "u2"), ("extras", "u2"), ("unused", "i8")])
"""For numbers beyond 2**32. Padded: numpy copies odd sizes slowly."""

FEW = 8
"""Up to one matched row in so many, addresses are looked up per person; beyond, all addresses are scanned in order."""

KINDS_KEPT = 32
"""Kinds of alert (topics, severity, languages, drill) of which it is known who wants them."""

C = TypeVar("C", PeopleColumns, PlaceColumns, AddressColumns)

_LEVELS = (1 << LEVEL_BITS) - 1
_HOME_BITS = CURVE_BITS + 1

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
Indices = npt.NDArray[np.intp]
_Groups: TypeAlias = list[tuple[int, int, Ints]]
"""(kind of address, language, address ids)."""
Found: TypeAlias = list[tuple[int, int, int, Ints]]
"""(kind of address, language, when it may go in milliseconds since 1970 or 0 for at once, address ids)."""


@dataclass(frozen=True, slots=True)
class _Profiles:
    """The distinct combinations of choices, by one person for each."""

    example: PeopleColumns

    def wanting(self, topics: int, severity: int, languages: frozenset[int] | None, drill: bool) -> Flags:
        """Which profiles want this kind of alert."""
        choices = self.example
        wanted = self._wanting_topics(topics, severity)
        if languages is not None:
            wanted &= np.isin(choices.language, np.array(sorted(languages), dtype=np.uint8))
        wanted = wanted & choices.drills if drill else wanted
        wanted.setflags(write=False)
        return wanted

    def _wanting_topics(self, topics: int, severity: int) -> Flags:
        """Any of the topics, at its own least severity where one was chosen for it."""
        choices = self.example
        usual: Flags = choices.minimum_severity <= severity
        levels = choices.severities
        chosen: Flags = (choices.topics & np.uint32(topics)) != 0
        if not levels.any():
            return chosen & usual
        wanted = np.zeros(len(choices.id), dtype=np.bool_)
        for bit in (bit for bit in range(topics.bit_length()) if topics >> bit & 1):
            own = levels >> LEVEL_BITS * bit & _LEVELS
            wanted |= ((choices.topics >> np.uint32(bit) & np.uint32(1)) != 0) & np.where(own > 0, own - 1 <= severity, usual)
        return wanted

    def held(self, holding: Mapping[int, int]) -> Ints | None:
        """Until when each profile's quiet hours hold an alert back, 0 for not at all; None when they hold back nobody."""
        quiet = self.example.quiet if holding else self.example.id[:0]
        if not quiet.any():
            return None
        rules, rule_of = np.unique(quiet, return_inverse=True)
        return np.array([holding.get(rule, 0) for rule in rules.tolist()], dtype=np.int64)[rule_of]


class Segment:
    """People, places and addresses that don't change; `strike` takes a person out."""

    def __init__(self, columns: Columns, areas: int) -> None:
        """`areas` is the number of areas of the catalogue. People without an address are left out, and whatever belongs to nobody."""
        people, self.profiles, self._profile_of = _sorted(_addressed(columns.people, columns.addresses), columns.places)
        self._wanting = lru_cache(KINDS_KEPT)(self.profiles.wanting)
        self.id = people.id
        self.id.setflags(write=False)  # as the addresses: matches give out views
        self.alive = np.ones(len(people.id), dtype=np.bool_)
        order = np.argsort(people.id)
        self._sorted, self._order = people.id[order], order.astype(np.int32)
        self.unknown_places = int(np.count_nonzero(columns.places.area == UNKNOWN))
        self._remembered: dict[Region, Flags] = {}
        self._near: list[Rows] | None = None
        self._keep_places(columns.places, areas)
        self._keep_shapes(columns.shapes)
        self._keep_addresses(columns.addresses)

    def __len__(self) -> int:
        return int(np.count_nonzero(self.alive))

    @property
    def size(self) -> int:
        """Rows, those struck out included."""
        return len(self.id)

    def _keep_places(self, places: PlaceColumns, areas: int) -> None:
        row, known = self._rows(places.owner)
        named = known & ((places.area >= 0) | (places.area == CITY))
        area = np.where(places.area == CITY, areas, places.area)[named].astype(np.uint16)
        order = np.argsort(area, kind="stable")
        self._followers = row[named][order]
        self._first_follower = np.searchsorted(area[order], np.arange(areas + 2))
        points = known & (places.area == POINT) & np.isfinite(places.x) & np.isfinite(places.y)
        self.points = PointTree(places.x[points], places.y[points], places.radius[points], row[points])

    def _keep_shapes(self, shapes: ShapeColumns) -> None:
        row, known = self._rows(shapes.owner)
        self._shape_owner, self._shapes = row[known], shapes.shape[known]
        self._shape_tree = shapely.STRtree(self._shapes)

    def _keep_addresses(self, addresses: AddressColumns) -> None:
        row, known = self._rows(addresses.owner)
        row, number, kind = row[known], addresses.id[known], addresses.kind[known]
        order = np.argsort(kind.astype(np.int64) << 32 | row)
        self._address, self._address_row, kind = number[order], row[order], kind[order]
        self._address.setflags(write=False)
        language = self.profiles.example.language[self._profile_of[self._address_row]]
        group = kind.astype(np.uint16) << 8 | language
        self._bounds = np.concatenate([np.flatnonzero(np.diff(group.astype(np.int32), prepend=-1)), [len(group)]])
        self._groups = [(int(each) >> 8, int(each) & 255) for each in group[self._bounds[:-1]]]
        self._keep_cards(np.repeat(np.arange(len(self._groups), dtype=np.uint16), np.diff(self._bounds)))

    def _keep_cards(self, group: npt.NDArray[np.uint16]) -> None:
        """All that a few matched people are asked for, each on one line of memory: reading it is what their match waits for."""
        by_person = np.argsort(self._address_row, kind="stable")
        is_first = np.diff(self._address_row[by_person], prepend=-1) > 0
        first, extra = by_person[is_first], by_person[~is_first]
        self._extra, self._extra_group = self._address[extra], group[extra]
        extras = np.bincount(self._address_row, minlength=self.size) - 1
        narrow = max(self.id.max(initial=0), self._address.max(initial=0)) <= np.iinfo(np.uint32).max
        self._card = np.empty(self.size, dtype=_CARD if narrow else _WIDE_CARD)
        self._card["id"], self._card["address"], self._card["group"] = self.id, self._address[first], group[first]
        self._card["extras"], self._card["extra"] = extras, np.cumsum(extras) - extras

    def _rows(self, ids: Ints) -> tuple[Rows, Flags]:
        """Rows of subscriber ids, and which of them are here at all."""
        if not self.size:
            return np.zeros(len(ids), dtype=np.int32), np.zeros(len(ids), dtype=np.bool_)
        at = np.minimum(np.searchsorted(self._sorted, ids), self.size - 1)
        return self._order[at], self._sorted[at] == ids

    def row_of(self, subscriber: int) -> int | None:
        """The row of a person who is here and not struck out."""
        row, known = self._rows(np.array([subscriber], dtype=np.int64))
        return int(row[0]) if known[0] and self.alive[row[0]] else None

    def strike(self, subscribers: Ints) -> None:
        """Take out whoever of these is here."""
        row, known = self._rows(subscribers)
        self.alive[row[known]] = False

    def match(self, reach: Reach, target: Target, holding: Mapping[int, int]) -> tuple[Found, Ints]:
        """Addresses by group, and ids of the people reached. `holding`: rule of quiet hours → until when it holds this alert back."""
        wanted = self._wanting(target.topics, max(target.severity, MILDEST), target.languages, target.drill)
        held = self.profiles.held(holding)
        if held is None:
            return self._match(reach, wanted, 0)
        ends = np.unique(held[wanted]).tolist()
        parts = [self._match(reach, wanted & (held == end), end) for end in ends]
        return [entry for found, _ in parts for entry in found], np.concatenate([self.id[:0], *(people for _, people in parts)])

    def _match(self, reach: Reach, wanted: Flags, end: int) -> tuple[Found, Ints]:
        found, people = self._match_wanting(reach, wanted)
        return [(*group, end, ids) for *group, ids in found], people  # type: ignore[misc]  # mypy keeps no types through a star

    def _match_wanting(self, reach: Reach, wanted: Flags) -> tuple[_Groups, Ints]:
        whole = len(self) == self.size
        if reach.everyone and whole and wanted.all():
            return self._all_addresses(), self.id
        if not wanted.any():
            return [], self.id[:0]
        reached = self._remembered.get(reach.regions[0]) if len(reach.regions) == 1 else None
        if reached is None and not reach.everyone:
            touched = self._touched(reach)
            if len(touched) * FEW < self.size:
                return self._few(touched, wanted, whole=whole)
            reached = self._flagged(touched)
        mark = wanted.take(self._profile_of)
        mark &= self.alive
        if reached is not None:
            mark &= reached
        return self._addresses_marked(mark), np.compress(mark, self.id)

    def _flagged(self, rows: Rows) -> Flags:
        flags = np.zeros(self.size, dtype=np.bool_)
        flags[rows] = True
        return flags

    def _touched(self, reach: Reach) -> Rows:
        """Rows of which some place is reached, as often as places are."""
        areas = np.flatnonzero(np.append(reach.areas, True))  # followers of the whole city come last
        bounds = zip(self._first_follower[areas].tolist(), self._first_follower[areas + 1].tolist(), strict=True)
        named = [self._followers[first:end] for first, end in bounds]
        drawn = [self._shape_owner[region.overlapping(self._shapes, self._shape_tree)] for region in reach.regions if len(self._shapes)]
        return np.concatenate([*named, *self._points_reached(reach), *drawn])

    def _points_reached(self, reach: Reach) -> list[Rows]:
        if self._near is None or not reach.named or reach.regions[0] in self._remembered:
            return [self._reached(region) for region in reach.regions]
        return [*(self._near[area] for area in reach.named), *(self._reached(region) for region in reach.regions[1:])]

    def _reached(self, region: Region) -> Rows:
        known = self._remembered.get(region)
        return self.points.reached(region) if known is None else np.flatnonzero(known).astype(np.int32)

    @property
    def knows_areas(self) -> bool:
        """Whether `remember_areas` has been done."""
        return self._near is not None

    def remember_areas(self, shapes: Iterable[Region]) -> None:
        """Measure every named area once and for all, in the catalogue's order. Takes seconds for a million, and may run in a thread."""
        self._near = [self.points.reached(shape) for shape in shapes]

    def remember(self, reach: Reach) -> None:
        """Measure once and for all whom a reach of named areas touches: places never change."""
        self._remembered[reach.regions[0]] = self._flagged(self._touched(reach))

    def _few(self, touched: Rows, wanted: Flags, *, whole: bool) -> tuple[_Groups, Ints]:
        """Each row once, in order: sorting a few is faster than scanning flags of everyone."""
        rows = np.sort(touched)
        rows = np.compress(np.append(True, rows[1:] != rows[:-1])[: len(rows)], rows)
        rows = np.compress(wanted.take(self._profile_of.take(rows)), rows)
        cards = self._card.take(rows if whole else rows[self.alive[rows]])
        return self._addresses_of(cards), cards["id"].astype(np.int64)

    def _all_addresses(self) -> _Groups:
        bounds = self._bounds.tolist()
        return [(*group, self._address[first:end]) for group, first, end in zip(self._groups, bounds, bounds[1:], strict=False)]

    def _addresses_of(self, cards: npt.NDArray[np.void]) -> _Groups:
        """All addresses of the people on these cards."""
        more = np.flatnonzero(cards["extras"] != 0)
        count = cards["extras"][more].astype(np.int32)
        after = np.cumsum(count, dtype=np.int32)
        index = np.repeat(cards["extra"][more] - (after - count), count) + np.arange(after[-1] if len(after) else 0, dtype=np.int32)
        group = np.concatenate([cards["group"], self._extra_group.take(index)])
        order = np.argsort(group, kind="stable")
        ids = np.concatenate([cards["address"], self._extra.take(index)]).take(order)
        bounds = np.searchsorted(group.take(order), np.arange(len(self._groups), dtype=np.uint16), side="right").tolist()
        slices = zip(self._groups, [0, *bounds], bounds, strict=False)
        return [(*each, ids[low:high]) for each, low, high in slices if high > low]

    def _addresses_marked(self, mark: Flags) -> _Groups:
        bounds = self._bounds.tolist()
        slices = zip(self._groups, bounds, bounds[1:], strict=False)
        # Group by group: what is known of a group in between stays in the cache.
        found = [(group, np.compress(mark.take(self._address_row[low:high]), self._address[low:high])) for group, low, high in slices]
        return [(*group, ids) for group, ids in found if len(ids)]

    def columns_of(self, row: int) -> Columns:
        """One person, struck out or not."""
        only = np.zeros(self.size, dtype=np.bool_)
        only[row] = True
        return self.columns(only)

    def columns(self, keep: Flags) -> Columns:
        """Everything of the rows that `keep` marks, as it came in."""
        rows = np.flatnonzero(keep)
        choices = _only(self.profiles.example, self._profile_of[rows])
        people = PeopleColumns(self.id[rows], *(getattr(choices, name) for name in list(PeopleColumns.__dataclass_fields__)[1:]))
        kept = np.flatnonzero(keep[self._address_row])
        group = np.searchsorted(self._bounds, kept, side="right") - 1
        kinds = np.array([kind for kind, _ in self._groups], dtype=np.uint8)
        addresses = AddressColumns(self.id[self._address_row[kept]], self._address[kept], kinds[group])
        drawn = np.flatnonzero(keep[self._shape_owner])
        shapes = ShapeColumns(self.id[self._shape_owner[drawn]], self._shapes[drawn])
        return Columns(people, self._places(keep), addresses, shapes)

    def _places(self, keep: Flags) -> PlaceColumns:
        points = self.points
        named, spots = np.flatnonzero(keep[self._followers]), np.flatnonzero(keep[points.owner])
        area = (np.searchsorted(self._first_follower, named, side="right") - 1).astype(np.int32)
        area[area == len(self._first_follower) - 2] = CITY
        nowhere = np.full(len(named), np.nan)
        return PlaceColumns(
            self.id[np.concatenate([self._followers[named], points.owner[spots]])],
            np.concatenate([area, np.full(len(spots), POINT, dtype=np.int32)]),
            *(np.concatenate([nowhere, column[spots]]) for column in (points.x, points.y, points.radius)),
        )


def _only(columns: C, keep: Flags | Ints | Rows) -> C:
    names: dict[str, Any] = columns.__dataclass_fields__
    return type(columns)(*(getattr(columns, name)[keep] for name in names))


def _addressed(people: PeopleColumns, addresses: AddressColumns) -> PeopleColumns:
    return _only(people, np.isin(people.id, addresses.owner))


def _sorted(people: PeopleColumns, places: PlaceColumns) -> tuple[PeopleColumns, _Profiles, Indices]:
    """People in the order of their rows; the profiles; and each row's profile."""
    examples, profile = _profiles(people)
    order = np.argsort(people.language.astype(np.int64) << _HOME_BITS | _homes(people.id, places))
    return _only(people, order), _Profiles(_only(people, examples)), profile[order]


def _profiles(people: PeopleColumns) -> tuple[Ints, Indices]:
    """One person of each profile, and everyone's profile, as numpy's own index: it would turn any other into that at each match."""
    key, further = people.packed(), people.further
    order = np.lexsort((further, key)) if further.any() else np.argsort(key)
    key, further = key[order], further[order]
    is_first = np.append(True, (key[1:] != key[:-1]) | (further[1:] != further[:-1]))[: len(key)]
    profile = np.empty(len(key), dtype=np.intp)
    profile[order] = np.cumsum(is_first) - 1
    return order[is_first], profile


def _homes(people: Ints, places: PlaceColumns) -> Ints:
    """For each person a number that is like that of others at the same place: an area, or else a piece of the curve through all points."""
    order = np.argsort(people)
    at = np.minimum(np.searchsorted(people[order], places.owner), max(0, len(people) - 1))
    known = people[order[at]] == places.owner if len(people) else np.zeros(len(at), dtype=np.bool_)
    spot = np.isfinite(places.x) & np.isfinite(places.y)
    code = places.area.astype(np.int64) - min(CITY, POINT, UNKNOWN)
    code[spot] = 1 << CURVE_BITS | curve(places.x[spot], places.y[spot])
    home = np.zeros(len(people), dtype=np.int64)
    home[order[at[known]]] = code[known]
    return home
