"""Gathers everything that is wrong with a document, so that its author mends it once and not fault by fault."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from hub.errors import InvalidInput
from subscriptions.errors import FieldError

MOST = 50
"""A document with more faults than this is told of the first ones only."""


class Faults:
    """A growing list of faults."""

    def __init__(self) -> None:
        self._found: list[FieldError] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def add(self, pointer: str, detail: str) -> None:
        """Note one. `pointer` is an RFC 6901 JSON pointer, or the path of an XML element."""
        if len(self._found) < MOST:
            self._found.append(FieldError(pointer, detail))

    def error(self) -> InvalidInput:
        """All of them, in the order in which they were found."""
        return InvalidInput(tuple(self._found))

    def check(self) -> None:
        """Raises InvalidInput when anything was found."""
        if self._found:
            raise self.error()


def one_of(options: Iterable[str]) -> str:
    """A list of words for a sentence."""
    return ", ".join(options)


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """A suggestion to append to a sentence, empty when nothing is near."""
    near = get_close_matches(word[:40], list(options), n=1, cutoff=0.6)
    return f" Did you mean “{near[0]}”?" if near else ""


def token(name: str) -> str:
    """A name as a part of a JSON pointer (RFC 6901 §3)."""
    return readable(name).replace("~", "~0").replace("/", "~1")


def readable(text: str) -> str:
    """Without halves of surrogate pairs, which JSON can spell and no answer can carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


def shown(text: str, longest: int = 60) -> str:
    """A value of the document inside a sentence about it: on one line, shortened."""
    line = " ".join(readable(text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
