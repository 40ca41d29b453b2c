"""People from a CSV file, active at once: from another system, where they had agreed, or samples for demonstrations and benchmarks.

One line is one place and one address of a person; further lines with the same `person`, directly below, add places and addresses.
A person comes in whole or not at all, and every refused line is reported with what is wrong. `consent_source` says where the consent was
given and is kept in the receipt. ``drills=1`` takes drills and tests too. A sample (``sample=1``) is never really written to: its messages
go to the outbox.
"""

from __future__ import annotations

import csv
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from subscriptions import severity, topics
from subscriptions.addresses import Parser, lookup_of
from subscriptions.areas import AreaCatalog
from subscriptions.desk import POLICY, SOURCE_CHARACTERS
from subscriptions.documents import Faults
from subscriptions.errors import InvalidSubscription, UnreadableDocument
from subscriptions.places import LABEL_CHARACTERS, PlaceReader, without_repeats
from subscriptions.store import sql, tables
from subscriptions.store.contract import Transactions
from subscriptions.store.sql import PlaceRow
from subscriptions.subscriber import Choices, PlaceRequest, SubscriptionChange, choices
from subscriptions.vault import Keyring

PLACE_COLUMNS = ("zip", "neighborhood", "borough", "lat", "lon", "radius_m", "citywide")
CHOICE_COLUMNS = ("topics", "minimum_severity", "language", "drills", "consent_source", "label", "sample")
COLUMNS = ("person", *PLACE_COLUMNS, *CHOICE_COLUMNS, "channel", "address")

PEOPLE_AT_ONCE = 5_000
SPELLINGS_REMEMBERED = 10_000
_NUMBERS = frozenset({"lat", "lon", "radius_m"})
_SWITCH = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


class RefusedLine(NamedTuple):
    """A line that was not taken, and why; never with the address in it."""

    line: int
    why: str


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file."""

    rows: int
    people: int
    refused: tuple[RefusedLine, ...]


Row = Mapping[str, str]


class _Line(NamedTuple):
    """A line of the file, or why it is none."""

    number: int
    row: Row
    person: str | None
    """Whose it is, "" for somebody of its own; None when it does not get as far as to say so."""
    fault: str = ""


@dataclass(slots=True)
class _Address:
    line: int
    channel: str
    canonical: str
    lookup: bytes


@dataclass(slots=True)
class _Person:
    chosen: Choices
    source: str
    label: str | None
    sample: bool
    places: list[PlaceRow] = field(default_factory=list)
    addresses: list[_Address] = field(default_factory=list)


async def import_csv(
    transactions: Transactions,
    keyring: Keyring,
    parsers: Mapping[str, Parser],
    catalog: AreaCatalog,
    lines: Iterable[str],
    *,
    clock: Callable[[], float] = time.time,
    consent_source: str = "",
    on_progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Bring people in, some thousands to a transaction. `consent_source` stands in for an empty column; `on_progress` gets people so far.

    Raises UnreadableDocument as `check_csv` does, but those before the fault are taken by then: check first what may have one.
    """
    reading = _Reading(parsers, catalog, keyring, consent_source)
    writing = _Writing(transactions, keyring, reading, clock)
    waiting: list[_Person] = []
    for group in _grouped(_read(lines, reading)):
        person = reading.person(group)
        if person is not None:
            waiting.append(person)
        if len(waiting) >= PEOPLE_AT_ONCE:
            await writing.write(waiting)
            waiting = []
            if on_progress is not None:
                on_progress(writing.people)
    await writing.write(waiting)
    if on_progress is not None:
        on_progress(writing.people)
    return ImportReport(rows=reading.rows, people=writing.people, refused=tuple(sorted(reading.refused, key=lambda refused: refused.line)))


def check_csv(lines: Iterable[str]) -> None:
    """Raises UnreadableDocument where a file stops being CSV, or for its header: asked before an import, so that none of it is taken."""
    for _ in _rows(lines):
        pass


def _read(lines: Iterable[str], reading: _Reading) -> Iterator[_Line]:
    rows = _rows(lines)
    _, header = next(rows)
    for number, values in rows:
        reading.rows += 1
        row = dict(zip(header, values, strict=False))
        person = row.get("person", None if "person" in header else "")
        fault = f"has {len(values)} values where the header names {len(header)}" if len(values) != len(header) else ""
        yield _Line(number, row, person, fault)


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """The names of the columns, then each row that is not empty, with the number of its last line."""
    reader, began = csv.reader(lines, strict=True), 1
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(header)
        yield reader.line_num, header
        began = reader.line_num + 1
        for values in reader:
            if values:
                yield reader.line_num, values
            began = reader.line_num + 1
    except csv.Error as error:
        # A quote that is never closed takes in all lines up to the end of the file.
        raise UnreadableDocument(f"line {began}: the row that begins here can't be read ({error}): look at its quotes") from None


def _check_header(header: list[str]) -> None:
    unknown = [name for name in header if name not in COLUMNS]
    missing = [name for name in ("channel", "address") if name not in header]
    if unknown or missing or len(set(header)) < len(header):
        found = f"unknown: {', '.join(unknown)}. " * bool(unknown) + f"missing: {', '.join(missing)}. " * bool(missing)
        raise UnreadableDocument(f"line 1 must name each column once. {found}Columns are {', '.join(COLUMNS)}")


def _grouped(lines: Iterator[_Line]) -> Iterator[list[_Line]]:
    """Lines of one person together; without a `person` a line is one of its own, and one too short to have it is counted to those above."""
    group: list[_Line] = []
    for line in lines:
        if group and (not group[0].person or line.person not in {group[0].person, None}):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


class _Reading:
    """Lines → people, with what was refused."""

    def __init__(self, parsers: Mapping[str, Parser], catalog: AreaCatalog, keyring: Keyring, consent_source: str) -> None:
        self._parsers, self._catalog, self._keyring, self._consent_source = parsers, catalog, keyring, consent_source
        # Most people share a handful of choices, and many a place: each spelling is read once.
        self._places: dict[tuple[str, ...], PlaceRow] = {}
        self._choices: dict[tuple[str, ...], Choices] = {}
        self._names: set[int] = set()
        self.rows = 0
        self.refused: list[RefusedLine] = []

    def refuse(self, line: int, why: str) -> None:
        """Note a line that is not taken."""
        self.refused.append(RefusedLine(line, why))

    def person(self, lines: list[_Line]) -> _Person | None:
        """The person of some lines, or None when any of them has a fault."""
        if any(line.fault for line in lines):
            self._leave_out(lines)
            return None
        before = len(self.refused)
        person: _Person | None = None
        for line, row, *_ in lines:
            faults = Faults()
            if person is None:
                person = self._begin(row, faults)
            else:
                _check_same(row, lines[0].row, faults)
            self._add_place(person, row, faults)
            self._add_address(person, line, row, faults)
            try:
                faults.check()
            except InvalidSubscription as error:
                self.refuse(line, "; ".join(f"{fault.pointer.strip('/')}: {fault.detail}" for fault in error.errors))
        if len(self.refused) == before and person is not None and not person.places:
            self.refuse(lines[0].number, f"no place: fill one of {', '.join(PLACE_COLUMNS)}")
        return person if len(self.refused) == before else None

    def _leave_out(self, lines: list[_Line]) -> None:
        """A line that can't be read may hold anything of its person, so what the others say of them is worth nothing."""
        if lines[0].person:
            self._names.add(hash(lines[0].person))
        for line in lines:
            if line.fault:
                self.refuse(line.number, line.fault)

    def _begin(self, row: Row, faults: Faults) -> _Person:
        name = row.get("person", "")
        if name and hash(name) in self._names:
            faults.add("person", "stood further up already: lines of one person must follow each other")
        self._names.add(hash(name))
        source = (row.get("consent_source") or self._consent_source).strip()
        if not source:
            faults.add("consent_source", "missing: say where this person agreed")
        label, sample = row.get("label", "").strip(), _switch(row, "sample", faults)
        if label and (not sample or len(label) > LABEL_CHARACTERS):
            faults.add("label", f"only for samples, up to {LABEL_CHARACTERS} characters")
        return _Person(self._choose(row, faults), source[:SOURCE_CHARACTERS], label or None, sample)

    def _choose(self, row: Row, faults: Faults) -> Choices:
        key = (row.get("topics", ""), row.get("minimum_severity", ""), row.get("language", ""), row.get("drills", ""))
        chosen = self._choices.get(key)
        if chosen is None:
            own = Faults()
            chosen = _choices(*key[:3], _switch(row, "drills", own), own)
            faults.add_all(own)
            if not own and len(self._choices) < SPELLINGS_REMEMBERED:
                self._choices[key] = chosen
        return chosen

    def _add_place(self, person: _Person, row: Row, faults: Faults) -> None:
        key = tuple(row.get(name, "") for name in PLACE_COLUMNS)
        if not any(key):
            return
        place = self._places.get(key)
        if place is None:
            given = {name: value.strip() for name, value in zip(PLACE_COLUMNS, key, strict=True) if value.strip()}
            try:
                request = msgspec.convert(given, PlaceRequest, strict=False)
            except msgspec.ValidationError:
                faults.add("place", f"{', '.join(sorted(_NUMBERS))} are numbers, citywide is 1")
                return
            place = PlaceReader(self._catalog, faults).read(request, "")
            if place is None:
                return
            if len(self._places) < SPELLINGS_REMEMBERED:
                self._places[key] = place
        person.places += without_repeats(person.places, [place])

    def _add_address(self, person: _Person, line: int, row: Row, faults: Faults) -> None:
        channel, text = row["channel"].strip(), row["address"].strip()
        if not channel and not text and person.addresses:
            return
        parse = self._parsers.get(channel)
        if parse is None:
            faults.add("channel", f"expected one of {', '.join(self._parsers)}")
            return
        try:
            canonical = parse(text)
        except ValueError as error:
            faults.add("address", str(error))
            return
        # A sample may bear the address of a real person, who must still be able to sign up: it is found under a name of its own.
        kind = f"sample {channel}" if person.sample else channel
        lookup = lookup_of(self._keyring, kind, canonical)
        if all(address.lookup != lookup for address in person.addresses):
            person.addresses.append(_Address(line, channel, canonical, lookup))


def _choices(named: str, worst: str, language: str, drills: bool, faults: Faults) -> Choices:
    wanted = tuple(named.replace(";", " ").split()) or topics.EVERYDAY
    if drills and "test" not in wanted:
        # As on the page of signing up: who takes drills takes those that are about nothing else.
        wanted += ("test",)
    return choices(
        SubscriptionChange(
            topics=wanted,
            minimum_severity=worst.strip() or severity.SEVERITIES[1],
            language=language.strip() or "en",
            drills=drills,
        ),
        faults,
    )


def _switch(row: Row, name: str, faults: Faults) -> bool:
    word = row.get(name, "").strip().lower()
    if word not in _SWITCH:
        faults.add(name, "expected 1 or 0")
    return _SWITCH.get(word, False)


def _check_same(row: Row, first: Row, faults: Faults) -> None:
    for name in CHOICE_COLUMNS:
        if row.get(name) and row[name] != first.get(name):
            faults.add(name, "differs from this person's first line: leave it empty here, or the same")


class _Writing:
    """People → rows."""

    def __init__(self, transactions: Transactions, keyring: Keyring, reading: _Reading, clock: Callable[[], float]) -> None:
        self._transactions, self._keyring, self._reading, self._clock = transactions, keyring, reading, clock
        self.people = 0

    async def write(self, people: list[_Person]) -> None:
        """One transaction."""
        async with self._transactions.write() as connection:
            lookups = [address.lookup for person in people for address in person.addresses]
            known = await sql.lookups_in(connection, lookups, "active")
            ended = await sql.lookups_in(connection, lookups, "stopped")
            people = [person for person in people if self._is_new(person, known, ended)]
            if not people:
                return
            first = await sql.take_numbers(connection, tables.subscriber, len(people)) + 1
            numbered = list(enumerate(people, first))
            rows = _Rows(self._keyring, int(self._clock() * 1000))
            for number, person in numbered:
                rows.add(number, person)
            await sql.insert_many(connection, tables.subscriber, _SUBSCRIBER, rows.subscribers)
            await sql.insert_many(connection, tables.place, _PLACE, rows.places)
            await sql.insert_many(connection, tables.address, _ADDRESS, rows.addresses)
            await sql.insert_many(connection, tables.consent, _CONSENT, rows.consents)
            if numbered:
                await sql.note_changes(connection, [number for number, _ in numbered])
        self.people += len(people)

    def _is_new(self, person: _Person, known: set[bytes], ended: set[bytes]) -> bool:
        """Nobody who is here already, and nobody who said STOP, whatever list they still stand on."""
        refused = False
        for address in person.addresses:
            for lookups, why in ((known, "is already subscribed"), (ended, "its owner said STOP here in the last days")):
                if address.lookup in lookups:
                    self._reading.refuse(address.line, f"address: {why}")
                    refused = True
        if not refused:
            known.update(address.lookup for address in person.addresses)
        return not refused


_SUBSCRIBER = (
    *("id", "public_id", "status", "language", "topics", "minimum_severity", "drills"),
    *("label", "sample", "created_at", "confirmed_at"),
)
_PLACE = ("subscriber", "area", "lat", "lon", "radius_m")
_ADDRESS = ("subscriber", "channel", "state", "lookup", "sealed", "key_id", "simulated", "confirmed_at", "created_at")
_CONSENT = ("subscriber_public_id", "action", "channel", "source", "policy", "at")


class _Rows:
    """The rows of some people, as plain tuples for the driver."""

    def __init__(self, keyring: Keyring, now: int) -> None:
        self._keyring, self._now = keyring, now
        self.subscribers: list[tuple[object, ...]] = []
        self.places: list[tuple[object, ...]] = []
        self.addresses: list[tuple[object, ...]] = []
        self.consents: list[tuple[object, ...]] = []

    def add(self, number: int, person: _Person) -> None:
        """Append the rows of one person."""
        now, chosen, sample = self._now, person.chosen, int(person.sample)
        public_id = f"sub_{secrets.token_urlsafe(12)}"
        choice = (chosen.language, chosen.topics, chosen.minimum_severity, chosen.drills)
        self.subscribers.append((number, public_id, "active", *choice, person.label, sample, now, now))
        self.places += [(number, place.area, place.lat, place.lon, place.radius_m) for place in person.places]
        for address in person.addresses:
            key_id, sealed = self._keyring.seal(address.channel, address.canonical)
            self.addresses.append((number, address.channel, "active", address.lookup, sealed, key_id, sample, now, now))
            self.consents.append((public_id, "imported", address.channel, f"import: {person.source}"[:SOURCE_CHARACTERS], POLICY, now))
