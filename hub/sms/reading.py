"""What a text message means: a command, places, a language, or free words that nobody will read.

Only what is clear is done: a ZIP in a sentence about something else is free text, for whoever writes it may be in danger (safeguard S27).
"""

from __future__ import annotations

import difflib
import re
from typing import Literal

import msgspec

from hub.sms.keywords import Keywords, normalise, written_in
from subscriptions.area_names import fold
from subscriptions.areas import Area, AreaCatalog
from subscriptions.errors import UnknownArea

Command = Literal[
    "stop", "help", "start", "urgent", "list", "remove", "pause", "resume", "drills_on", "drills_off", "language", "places", "free"
]

LONGEST = 480
"""Characters that are read; what goes on longer is no command."""
PLACES_AT_MOST = 10
LONGEST_PAUSE_DAYS = 30

_LAYERS = ("borough", "neighborhood")
_BETWEEN = re.compile(r"[,;\n\r+&،、，；]+")
_ALIKE = 0.8
_WITH_PLACES = frozenset({"remove", "stop"})
_WORDS_OF_COMMAND = 3


class Unknown(msgspec.Struct, frozen=True):
    """Something like a place that is none, and what may have been meant."""

    said: str
    near: str | None
    is_zip: bool


class Meaning(msgspec.Struct, frozen=True):
    """What to do. `language` is the one that the words themselves tell, or name."""

    command: Command
    language: str | None = None
    places: tuple[Area, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    days: int = 1


class _Places(msgspec.Struct):
    found: dict[str, Area]
    unknown: list[Unknown]
    free: list[str]


class Reader:
    """Reads for one city."""

    def __init__(self, words: Keywords, catalog: AreaCatalog) -> None:
        self._words, self._catalog = words, catalog

    def read(self, text: str) -> Meaning:
        """What a text means."""
        script, said = written_in(text), normalise(text[:LONGEST])
        if len(text) > LONGEST:
            return Meaning("free", script)
        if tag := self._words.language(said):
            return Meaning("language", tag)
        core = [word for word in said.split() if word not in self._words.filler]
        meaning = self._command(said, core) or self._places(text, said)
        return msgspec.structs.replace(meaning, language=meaning.language or script)

    def _command(self, said: str, core: list[str]) -> Meaning | None:
        first_word = next((word for word in said.split() if self._words.command(word)), "") if not core else ""
        for candidate in (said, " ".join(core), first_word):
            if found := self._words.command(candidate):
                return msgspec.convert({"command": found.command, "language": found.language}, Meaning)
        again = self._words.command(_said_again(core or said.split()))
        if again is not None and again.command == "stop":  # "help help" is no question about this service
            return Meaning("stop", again.language)
        if core and (tag := self._words.language(" ".join(core))):
            return Meaning("language", tag)
        return self._with_argument(core)

    def _with_argument(self, core: list[str]) -> Meaning | None:
        """A command before or, as some languages have it, behind what it is about."""
        for length in range(min(_WORDS_OF_COMMAND, len(core) - 1), 0, -1):
            for words, rest in ((core[:length], core[length:]), (core[-length:], core[:-length])):
                found = self._words.command(" ".join(words))
                if found is None:
                    continue
                if found.command == "pause" and len(rest) <= 2 and rest[0].isdecimal() and 1 <= int(rest[0]) <= LONGEST_PAUSE_DAYS:
                    return Meaning("pause", found.language, days=int(rest[0]))
                if found.command in _WITH_PLACES:
                    about = self._read_places(" ".join(rest))
                    if about.found and not about.free and not about.unknown:
                        return Meaning("remove", found.language, places=tuple(about.found.values()))
        return None

    def _places(self, text: str, said: str) -> Meaning:
        about = self._read_places(text)
        if about.free:
            return self._nearly(said) if not about.found and not about.unknown else Meaning("free")
        if not about.found and not about.unknown:
            return Meaning("free")
        return Meaning("places", places=tuple(about.found.values())[:PLACES_AT_MOST], unknown=tuple(about.unknown))

    def _read_places(self, text: str) -> _Places:
        about = _Places({}, [], [])
        whole = self._named(text)
        for part in [text] if whole is not None else _BETWEEN.split(text):
            self._read_part(part, about)
        return about

    def _read_part(self, part: str, about: _Places) -> None:
        words = normalise(part).split()
        numbers = [word for word in words if word.isdecimal()]
        area = self._named(part)
        if area is not None and not numbers:
            about.found[area.key] = area
            return
        for number in numbers:
            self._read_number(number, about)
        rest = [word for word in words if not word.isdecimal() and word not in self._words.filler]
        if not rest:
            return
        area = self._named(" ".join(rest))
        if area is None:
            about.free += rest
        elif not numbers or area.layer != "borough":  # "11201 Brooklyn" says where the ZIP is, not that all of Brooklyn is wanted
            about.found[area.key] = area

    def _read_number(self, number: str, about: _Places) -> None:
        if not 4 <= len(number) <= 6:
            about.free.append(number)  # 911, 311, a house number
            return
        try:
            area = self._catalog.resolve("zip", number)
        except UnknownArea as error:
            about.unknown.append(Unknown(number, next(iter(error.suggestions), None), is_zip=True))
        else:
            about.found[area.key] = area

    def _named(self, text: str) -> Area | None:
        return next((area for layer in _LAYERS if (area := self._catalog.find(layer, text)) is not None), None)

    def _nearly(self, said: str) -> Meaning:
        """A slip in the name of a place is answered with the right one; anything less alike is free text."""
        name = fold(" ".join(word for word in said.split() if word not in self._words.filler) or said)
        for layer in _LAYERS:
            try:
                self._catalog.resolve(layer, name)
            except UnknownArea as error:
                near = next(iter(error.suggestions), None)
                if near is not None and difflib.SequenceMatcher(None, name, fold(near)).ratio() >= _ALIKE:
                    return Meaning("places", unknown=(Unknown(name, near, is_zip=False),))
        return Meaning("free")


def _said_again(words: list[str]) -> str:
    """What somebody says who says nothing else: "stop" of "stop stop stop"; "" when there is more to it."""
    for length in range(1, min(_WORDS_OF_COMMAND, len(words) // 2) + 1):
        if words == words[:length] * (len(words) // length):
            return " ".join(words[:length])
    return ""
