"""What residents' forms have in common: reading a field, and saying which fields to mend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from multidict import MultiDictProxy

FIELD_CHARACTERS = 4000

Data = MultiDictProxy[Any]


def text(data: Data, name: str, default: str = "") -> str:
    """A field as it was typed, without the spaces around it; a file in its place counts as nothing."""
    value = data.get(name, default)
    return value.strip()[:FIELD_CHARACTERS] if isinstance(value, str) else default


def texts(data: Data, name: str) -> tuple[str, ...]:
    """All values of a field."""
    return tuple(value for value in data.getall(name, []) if isinstance(value, str))


class Faulty(Exception):
    """Fields to mend: name → sentence. `fixes` are what the field `place` may have meant instead of `wrong`."""

    def __init__(self, errors: Mapping[str, str], *, wrong: str = "", fixes: tuple[str, ...] = ()) -> None:
        super().__init__("; ".join(errors))
        self.errors = dict(errors)
        self.wrong = wrong
        self.fixes = fixes
