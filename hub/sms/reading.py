"""What a text message means: a command, places, a language, or free words that nobody will read.

Only what is clear is done: a ZIP in a sentence about something else is free text, for whoever writes it may be in danger (safeguard S27).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from hub.sms.keywords import Keywords, Word, normalise, written_in
from hub.sms.places import PlaceReader, Unknown
from subscriptions.areas import Area, AreaCatalog

Command = Literal[
    "stop", "help", "start", "urgent", "list", "remove", "pause", "resume", "drills_on", "drills_off", "language", "places", "free"
]

LONGEST = 480
"""Characters that are read; what goes on longer is no command."""
PLACES_AT_MOST = 10
LONGEST_PAUSE_DAYS = 30

_WITH_PLACES = frozenset({"remove", "stop"})
_WORDS_OF_COMMAND = 3


class Meaning(msgspec.Struct, frozen=True):
    """What to do. `language` is the one that the words themselves tell, or name.

    `else_stop` is of a `remove` that was said with a word that ends: it ends everything for whom none of the places is (safeguard S23).
    """

    command: Command
    language: str | None = None
    places: tuple[Area, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    days: int = 1
    else_stop: bool = False


class Reader:
    """Reads for one city."""

    def __init__(self, words: Keywords, catalog: AreaCatalog) -> None:
        self._words, self._places = words, PlaceReader(words, catalog)

    def read(self, text: str) -> Meaning:
        """What a text means."""
        script, said = written_in(text), normalise(text[:LONGEST])
        if len(text) > LONGEST:
            return Meaning("free", script)
        if tag := self._words.language(said):
            return Meaning("language", tag)
        core = self._places.core(said)
        meaning = self._command(text, said, core) or self._join(text, said)
        return msgspec.structs.replace(meaning, language=meaning.language or script)

    def _command(self, text: str, said: str, core: list[str]) -> Meaning | None:
        # Some words are filler and a command too: "para" is Spanish for "for" and for "stop". First, it is the command.
        first = next((word for word in said.split() if word not in self._words.polite), "") if not core else ""
        for candidate in (said, " ".join(core), first):
            if found := self._words.command(candidate):
                return msgspec.convert({"command": found.command, "language": found.language}, Meaning)
        again = self._words.command(_said_again(core or said.split()))
        if again is not None and again.command == "stop":  # "help help" is no question about this service
            return Meaning("stop", again.language)
        if core and (tag := self._words.language(" ".join(core))):
            return Meaning("language", tag)
        return self._with_argument(text, core)

    def _with_argument(self, text: str, core: list[str]) -> Meaning | None:
        """A command before or, as some languages have it, behind what it is about."""
        for length in range(min(_WORDS_OF_COMMAND, len(core) - 1), 0, -1):
            for words, rest in ((core[:length], core[length:]), (core[-length:], core[:-length])):
                found = self._words.command(" ".join(words))
                if found is None:
                    continue
                if found.command == "pause" and len(rest) <= 2 and rest[0].isdecimal() and 1 <= int(rest[0]) <= LONGEST_PAUSE_DAYS:
                    return Meaning("pause", found.language, days=int(rest[0]))
                if found.command in _WITH_PLACES and (meaning := self._less(text, words, found)):
                    return meaning
        return None

    def _less(self, text: str, words: list[str], found: Word) -> Meaning | None:
        """REMOVE or STOP with places, None where there are other words. STOP wins over every doubt about which place is meant."""
        about, ends = self._places.read(text, frozenset(words)), found.command == "stop"
        if about.free:
            slip = ends and not about.found and self._places.nearly(text, frozenset(words))
            return Meaning("stop", found.language) if slip else None
        if about.found and (ends or not about.unknown):
            return Meaning("remove", found.language, places=tuple(about.found.values()), else_stop=ends)
        return Meaning("stop", found.language) if ends else None

    def _join(self, text: str, said: str) -> Meaning:
        about = self._places.read(text)
        if not about.free and (about.found or about.unknown):
            language = next((word.language for word in map(self._words.command, said.split()) if word and word.command == "start"), None)
            return Meaning("places", language, tuple(about.found.values())[:PLACES_AT_MOST], tuple(about.unknown))
        slip = self._places.nearly(text) if about.free and not about.found and not about.unknown else None
        return Meaning("places", unknown=(slip,)) if slip is not None else Meaning("free")


def _said_again(words: list[str]) -> str:
    """What somebody says who says nothing else: "stop" of "stop stop stop"; "" when there is more to it."""
    for length in range(1, min(_WORDS_OF_COMMAND, len(words) // 2) + 1):
        if words == words[:length] * (len(words) // length):
            return " ".join(words[:length])
    return ""
