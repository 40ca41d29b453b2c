"""Finding an area by what people type: case, accents, punctuation, scripts of digits, short forms and half-remembered words."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator

SUGGESTIONS_AT_MOST = 3

CODE_DIGITS = 5
_KEYS = "1234567890"

_SHORT = {"saint": "st", "mount": "mt", "fort": "ft", "sainte": "ste", "and": ""}
_WORDS = re.compile(r"[^\W_]+", re.UNICODE)
_ZIP_PLUS_FOUR = re.compile(r"(\d{5})\s*[-–]\s*\d{4}")


def fold(text: str) -> str:
    """One spelling for all spellings: ``"The Bronx"`` → ``"bronx"``, ``"١١٢٠١"`` → ``"11201"``, ``"Saint George"`` → ``"st george"``."""
    plain = unicodedata.normalize("NFKD", text.strip()).casefold().replace("'", "").replace("’", "")
    plain = "".join(_digit(letter) for letter in plain if not unicodedata.combining(letter))
    plain = _ZIP_PLUS_FOUR.sub(r"\1", plain)
    words = [_SHORT.get(word, word) for word in _WORDS.findall(plain)]
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    return " ".join(word for word in words if word)


def slip(typed: str, meant: str) -> tuple[int, int, int] | None:
    """How unlike two codes are, for sorting: whether two digits changed places, where the slip is, how far apart the keys are.

    None when it takes more than one slip to turn one into the other.

    >>> slip("11291", "11201"), slip("12101", "11201"), slip("11291", "10001")
    ((0, -3, 1), (1, -1, 0), None)
    """
    if len(typed) != len(meant) or not meant.isdecimal():
        return None
    wrong = [place for place, pair in enumerate(zip(typed, meant, strict=True)) if pair[0] != pair[1]]
    if len(wrong) == 1:
        return 0, -wrong[0], abs(_KEYS.index(typed[wrong[0]]) - _KEYS.index(meant[wrong[0]]))
    swapped = len(wrong) == 2 and wrong[1] == wrong[0] + 1 and typed[wrong[0]] == meant[wrong[1]] and typed[wrong[1]] == meant[wrong[0]]
    return (1, -wrong[0], 0) if swapped else None


def _digit(letter: str) -> str:
    value = unicodedata.decimal(letter, None)
    return letter if value is None else str(value)


class NameIndex:
    """Names of areas by layer. A name that two areas of one layer share finds neither: it is answered with both.

    >>> names = NameIndex([("borough", 0, "Brooklyn", ("Kings",)), ("zip", 1, "11201", ())])
    >>> names.find("borough", "KINGS"), names.find("zip", "11201-1832"), names.find("zip", "99999")
    (0, 1, None)
    """

    def __init__(self, entries: Iterable[tuple[str, int, str, tuple[str, ...]]]) -> None:
        """Entries are (layer, index, name, aliases). An area's own name wins over another's alias."""
        self._own: dict[str, dict[str, set[int]]] = {}
        self._aliases: dict[str, dict[str, set[int]]] = {}
        for layer, index, name, aliases in entries:
            self._own.setdefault(layer, {}).setdefault(fold(name), set()).add(index)
            table = self._aliases.setdefault(layer, {})
            for alias in aliases:
                table.setdefault(fold(alias), set()).add(index)

    def find(self, layer: str, text: str) -> int | None:
        """The one area of this name."""
        found = self.sharing(layer, text)
        return next(iter(found)) if len(found) == 1 else None

    def sharing(self, layer: str, text: str) -> frozenset[int]:
        """All areas of this name."""
        key = fold(text)
        found = self._own.get(layer, {}).get(key) or self._aliases.get(layer, {}).get(key)
        return frozenset(found or ())

    def near(self, layer: str, text: str) -> list[int]:
        """Areas whose names look like the text, best first."""
        key = fold(text)
        names = list(self._names(layer))
        if key.isdecimal() and len(key) >= CODE_DIGITS:
            return self._near_codes(key, names)
        starting = [name for name, _ in names if key and (name.startswith(key) or f" {key}" in name)]
        alike = difflib.get_close_matches(key, [name for name, _ in names], n=2 * SUGGESTIONS_AT_MOST, cutoff=0.6)
        table = dict(names)
        found = (index for name in (*sorted(starting, key=len), *alike) for index in sorted(table[name]))
        return list(dict.fromkeys(found))[:SUGGESTIONS_AT_MOST]

    def _near_codes(self, code: str, names: list[tuple[str, set[int]]]) -> list[int]:
        """A ZIP code is no word: it is mistyped by one digit, mostly one beside it on the keyboard, or by two that changed places."""
        slips = ((slip(code, name), name, indices) for name, indices in names)
        found = (index for _, _, indices in sorted(one for one in slips if one[0] is not None) for index in sorted(indices))
        return list(dict.fromkeys(found))[:SUGGESTIONS_AT_MOST]

    def search(self, text: str, limit: int) -> list[int]:
        """Areas of all layers with a name that holds the text: whole names first, then beginnings, then words, then parts.

        An area is listed by its own name, so one that begins with the text stands before one of which only another name does.
        """
        key = fold(text)
        if not key:
            return []
        ranked: dict[int, tuple[int, int, str]] = {}
        for own, table in ((True, self._own), (False, self._aliases)):
            for name, indices in (entry for names in table.values() for entry in names.items()):
                rank = _rank(key, name, own=own)
                for index in indices if rank is not None else ():
                    ranked[index] = min(ranked.get(index, (9, 0, "")), (rank or 0, len(name), name))
        return sorted(ranked, key=lambda index: (*ranked[index], index))[:limit]

    def _names(self, layer: str) -> Iterator[tuple[str, set[int]]]:
        yield from self._own.get(layer, {}).items()
        yield from self._aliases.get(layer, {}).items()


def _rank(key: str, name: str, *, own: bool) -> int | None:
    if name == key:
        return 0
    if name.startswith(key):
        return 1 if own else 2
    if f" {key}" in name:
        return 3
    return 4 if key in name else None
