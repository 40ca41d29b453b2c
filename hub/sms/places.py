"""The places in a text among words that change nothing: "zip 11201 please", "Brooklyn, NY 11201", "Astoria and Queens"."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from itertools import groupby

import msgspec

from hub.sms.keywords import Keywords, normalise
from subscriptions.area_names import fold
from subscriptions.areas import Area, AreaCatalog
from subscriptions.errors import UnknownArea

LAYERS = ("borough", "neighborhood")

# Beside commas, what Chinese, Korean and Arabic put between two names without a space around it.
_BETWEEN = re.compile(r"[,;\n\r+&،、，；和与與跟及]+|(?<=\w)(?:와|과|하고|이랑)(?:\s+|$)|(?<!\w)و")
_ALIKE = 0.8
_SHORTEST_NAME = 3
"""Letters. Two are as often a word of some language ("si", "un") or part of an address ("BK 11201")."""


class Unknown(msgspec.Struct, frozen=True):
    """Something like a place that is none, and what may have been meant."""

    said: str
    near: str | None
    is_zip: bool


class Places(msgspec.Struct):
    """What was found, by key; what looks like a place and is none; and words of something else."""

    found: dict[str, Area]
    unknown: list[Unknown]
    free: list[str]


class PlaceReader:
    """Reads for one city."""

    def __init__(self, words: Keywords, catalog: AreaCatalog) -> None:
        self._words, self._catalog = words, catalog

    def read(self, text: str, leave_out: frozenset[str] = frozenset()) -> Places:
        """The places in a text. `leave_out` are words of a command that it also has."""
        about = Places({}, [], [])
        said = self.core(normalise(text), leave_out | self._words.yes)
        whole = self._named(text) or self._named(" ".join(said))
        if whole is not None and not any(word.isdecimal() for word in said):
            about.found[whole.key] = whole
            return about
        for part in _BETWEEN.split(text):
            self._read_part(part, leave_out | self._words.yes, about)
        self._drop_addresses(about)
        return about

    def core(self, said: str, leave_out: frozenset[str] = frozenset()) -> list[str]:
        """The words that say something. One that is filler and a place's name too ("les" messages, the LES) is a name at the end."""
        words = said.split()
        bare = [self._words.bare(word) for word in words]
        kept = [word for word in bare if word and word not in self._words.filler and word not in leave_out]
        if words and words[-1] in self._words.filler and self._is_name(words[-1]):
            kept.append(words[-1])
        return kept

    def nearly(self, text: str, leave_out: frozenset[str] = frozenset()) -> Unknown | None:
        """A slip in the name of a place; None for anything less alike."""
        name = fold(" ".join(self.core(normalise(text), leave_out | self._words.yes)) or text)
        for layer in LAYERS:
            try:
                self._catalog.resolve(layer, name)
            except UnknownArea as error:
                near = next(iter(error.suggestions), None)
                if near is not None and difflib.SequenceMatcher(None, name, fold(near)).ratio() >= _ALIKE:
                    return Unknown(name, near, is_zip=False)
        return None

    def _read_part(self, part: str, leave_out: frozenset[str], about: Places) -> None:
        words = normalise(part).split()
        for number in words:
            if number.isdecimal():
                self._read_number(number, about)
        for name in self._names_in(words):
            core = [word for word in self.core(name, leave_out) if len(word) >= _SHORTEST_NAME or self._named(word) is None]
            area = self._named(name) if self._is_name(name) else self._named(" ".join(core))
            if area is not None:
                about.found[area.key] = area
            else:
                about.free += core

    def _names_in(self, words: list[str]) -> Iterator[str]:
        """What stands between numbers and words like "and"; all of it where that is one name."""
        if self._is_name(" ".join(words)):
            yield " ".join(words)
            return
        for is_between, group in groupby(words, lambda word: word.isdecimal() or word in self._words.joints):
            if not is_between:
                yield " ".join(group)

    def _read_number(self, number: str, about: Places) -> None:
        if not 4 <= len(number) <= 6:
            about.free.append(number)  # 911, 311, a house number
            return
        try:
            area = self._catalog.resolve("zip", number)
        except UnknownArea as error:
            about.unknown.append(Unknown(number, next(iter(error.suggestions), None), is_zip=True))
        else:
            about.found[area.key] = area

    def _drop_addresses(self, about: Places) -> None:
        """Beside a ZIP of its own, one mistyped too, a borough says where that is, not that all of it is wanted."""
        meant = (self._catalog.find("zip", unknown.near) for unknown in about.unknown if unknown.near)
        zips = [area for area in (*about.found.values(), *meant) if area is not None and area.layer == "zip"]
        around = {int(index) for area in zips for index in self._catalog.overlapping(area.index)}
        for key, area in list(about.found.items()):
            if area.layer == "borough" and area.index in around:
                del about.found[key]

    def _is_name(self, text: str) -> bool:
        return len(text) >= _SHORTEST_NAME and self._named(text) is not None

    def _named(self, text: str) -> Area | None:
        name = self._words.place(text)
        return next((area for layer in LAYERS if (area := self._catalog.find(layer, name)) is not None), None)
