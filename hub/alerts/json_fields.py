"""JSON read strictly: one value of the asked kind per field, every fault with its pointer, nothing guessed and nothing ignored."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, TypeVar

from hub.alerts.faults import Faults, did_you_mean, one_of, shown, token
from hub.alerts.limits import BODY
from hub.alerts.text import clean, clean_line, has_surrogate
from hub.errors import BadRequest, TooLarge

DEEPEST = 12
"""Levels of nesting; a MultiPolygon inside an alert needs seven."""

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)")
_KINDS = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number", type(None): "null"}

Choice = TypeVar("Choice", bound=str)


class JsonObject(dict[str, Any]):
    """An object that remembers the names it held twice."""

    repeated: tuple[str, ...] = ()


def decode(raw: bytes) -> Any:
    """The document.

    Raises TooLarge, or BadRequest when it isn't JSON in UTF-8 (RFC 8259): also for a byte order mark, NaN and deep nesting.
    """
    if len(raw) > BODY.authored:
        raise TooLarge(f"The document has {len(raw):,} bytes; {BODY.authored:,} are allowed.")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise BadRequest("The document starts with a byte order mark: save it as UTF-8 without one.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(f"The document is not UTF-8: byte {error.start + 1} can't be read.") from None
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise BadRequest(f"The document is not JSON: line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except RecursionError:
        raise BadRequest(f"The document is nested deeper than {DEEPEST} levels.") from None
    except ValueError as error:  # a number of thousands of digits
        raise BadRequest(f"The document is not JSON: {shown(str(error))}.") from None
    if depth(document) > DEEPEST:
        raise BadRequest(f"The document is nested deeper than {DEEPEST} levels.")
    return document


def _object(pairs: list[tuple[str, Any]]) -> JsonObject:
    read = JsonObject(pairs)
    if len(read) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        read.repeated = tuple(name for name, count in counted.items() if count > 1)
    return read


def _refuse_constant(name: str) -> None:
    raise BadRequest(f"The document is not JSON: {name} is not a JSON number.")


def depth(document: Any) -> int:
    """Levels of nesting, counted without recursion: 1 for a value that holds no others."""
    level, levels = [document], 0
    while level:
        level = [child for node in level for child in _children(node)]
        levels += 1
    return levels


def _children(node: Any) -> Collection[Any]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def kind(value: Any) -> str:
    """What a JSON value is, in words."""
    return _KINDS.get(type(value), "an object" if isinstance(value, dict) else "something else")


class Fields:
    """The fields of one object. Each is asked for once by its kind; `close` then reports what nobody asked for.

    A faulty field gives a harmless stand-in: callers build nothing before they have called `Faults.check`.
    """

    def __init__(self, value: Any, pointer: str, faults: Faults) -> None:
        self.pointer = pointer
        self.faults = faults
        self.readable = isinstance(value, dict)
        self._values: dict[str, Any] = value if isinstance(value, dict) else {}
        self._asked: set[str] = set()
        if not self.readable:
            faults.add(pointer, f"must be an object, not {kind(value)}")
        for name in getattr(value, "repeated", ()):
            faults.add(self.at(name), "stands here more than once: keep one")

    def at(self, name: str) -> str:
        """The pointer of a field."""
        return f"{self.pointer}/{token(name)}"

    def fault(self, name: str, detail: str) -> None:
        """Note something about a field."""
        self.faults.add(self.at(name), detail)

    def given(self, name: str, *, required: bool = False, nullable: bool = False) -> bool:
        """Whether a field holds anything. `nullable`: null means not given. Notes a missing one when `required`."""
        self._asked.add(name)
        if name not in self._values:
            if required and self.readable:
                self.fault(name, "is missing and must be given")
            return False
        return not (nullable and self._values[name] is None)

    def value(self, name: str) -> Any:
        """The value as it stands."""
        return self._values[name]

    def text(
        self, name: str, longest: int, *, required: bool = False, nullable: bool = False, lines: bool = False, empty: bool = False
    ) -> str:
        """Clean words, on one line unless `lines`; "" when not given. `empty`: it may be given and hold nothing."""
        if not self.given(name, required=required, nullable=nullable):
            return ""
        return self._text(self.at(name), self.value(name), longest, lines=lines, empty=empty)

    def _text(self, pointer: str, value: Any, longest: int, *, lines: bool = False, empty: bool = False) -> str:
        if not isinstance(value, str):
            self.faults.add(pointer, f"must be text, not {kind(value)}{_in_quotes(value)}")
            return ""
        if has_surrogate(value):
            self.faults.add(pointer, "holds half of a surrogate pair, which is no character: send the whole character")
            return ""
        words = clean(value) if lines else clean_line(value)
        if not words and not empty:
            self.faults.add(pointer, "is empty: write something or leave the field out")
        if len(words) > longest:
            self.faults.add(pointer, f"has {len(words):,} characters; at most {longest:,} are allowed")
        return words

    def choice(self, name: str, options: tuple[Choice, ...], default: Choice | None = None) -> Choice:
        """One of a few words; required when there is no default."""
        stand_in = options[0] if default is None else default
        if not self.given(name, required=default is None):
            return stand_in
        value = self.value(name)
        for option in options:
            if value == option:
                return option
        if isinstance(value, str):
            near = did_you_mean(value[:40].capitalize(), options)
            self.fault(name, f"“{shown(value)}” is not one of {one_of(options)}.{near}")
        else:
            self.fault(name, f"must be one of {one_of(options)}, not {kind(value)}")
        return stand_in

    def instant(self, name: str, *, required: bool = False) -> datetime | None:
        """A moment in RFC 3339 with an offset; null means not given unless it is required."""
        if not self.given(name, required=required, nullable=not required):
            return None
        value = self.value(name)
        if not isinstance(value, str):
            self.fault(name, f"must be a time such as 2026-11-22T21:00:00-05:00, not {kind(value)}")
            return None
        if not _INSTANT.fullmatch(value):
            without = " (the offset is missing)" if re.fullmatch(r"[\d-]+[Tt ][\d:.]+", value) else ""
            self.fault(name, f"“{shown(value)}” is not a time such as 2026-11-22T21:00:00-05:00{without}")
            return None
        return self._moment(name, value)

    def _moment(self, name: str, value: str) -> datetime | None:
        try:
            moment = datetime.fromisoformat(value.upper())
            moment.timestamp()
        except (ValueError, OverflowError):
            self.fault(name, f"“{shown(value)}” is no moment in the calendar")
            return None
        return moment

    def flag(self, name: str) -> bool:
        """true or false; false when not given."""
        if not self.given(name):
            return False
        value = self.value(name)
        if not isinstance(value, bool):
            self.fault(name, f"must be true or false, not {kind(value)}")
        return value is True

    def number(self, name: str, low: float, high: float) -> float:
        """A required number in a range; 0.0 when it is faulty."""
        if not self.given(name, required=True):
            return 0.0
        value = self.value(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault(name, f"must be a number, not {kind(value)}")
            return 0.0
        if not low <= value <= high:
            self.fault(name, f"must lie between {low:,g} and {high:,g}")
            return 0.0
        return float(value)

    def items(self, name: str, most: int, *, required: bool = False) -> list[tuple[str, Any]]:
        """The items of a list with their pointers; a list that is given holds at least one."""
        if not self.given(name, required=required):
            return []
        value = self.value(name)
        if not isinstance(value, list):
            self.fault(name, f"must be a list, not {kind(value)}")
            return []
        if not value:
            self.fault(name, "is an empty list: name at least one" + ("" if required else ", or leave the field out"))
        if len(value) > most:
            self.fault(name, f"has {len(value):,} items; at most {most:,} are allowed")
            return []
        return [(f"{self.at(name)}/{position}", item) for position, item in enumerate(value)]

    def words(self, name: str, most: int, longest: int) -> Iterator[tuple[str, str]]:
        """The texts of a list with their pointers, "" in place of a faulty or repeated one."""
        seen: dict[str, str] = {}
        for pointer, item in self.items(name, most):
            word = self._text(pointer, item, longest)
            if word in seen:
                self.faults.add(pointer, f"is the same as {seen[word]}: keep one")
                word = ""
            elif word:
                seen[word] = pointer
            yield pointer, word

    def refuse(self, name: str, why: str) -> None:
        """A field of a later release: null is nothing, anything else is a fault."""
        if self.given(name, nullable=True):
            self.fault(name, why)

    def close(self, known: Collection[str] = ()) -> None:
        """Reports every field that nobody asked for."""
        names = {*self._asked, *known}
        for name in self._values:
            if name not in names:
                self.fault(name, f"is not a field of this object.{did_you_mean(name, names) or ' Leave it out.'}")


def _in_quotes(value: Any) -> str:
    return f': write "{value}" in quotes' if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**12 else ""
