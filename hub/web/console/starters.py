"""Texts to start from, kept in ``templates/pages/starters.toml``: the author fills the blanks (``___``) and changes what does not fit."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import msgspec

BLANK = "___"
"""A blank left open is refused at the preview."""


class Starter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of event with its usual values and its words in English and Spanish."""

    id: str
    event: str
    category: str
    severity: str
    urgency: str
    certainty: str
    hours: int
    headline_en: str
    description_en: str
    instruction_en: str
    headline_es: str
    description_es: str
    instruction_es: str

    def form(self) -> dict[str, str]:
        """The values by the names of the form's fields."""
        values = {name: str(value) for name, value in msgspec.structs.asdict(self).items()}
        return {name: value for name, value in values.items() if name not in {"id", "hours"}} | {"duration": values["hours"]}


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    starter: tuple[Starter, ...]


@lru_cache(maxsize=1)
def starters() -> tuple[Starter, ...]:
    """All of them, in the order of the file."""
    return msgspec.toml.decode(files("templates").joinpath("pages", "starters.toml").read_bytes(), type=_File).starter


def starter(name: str) -> Starter | None:
    """By its id."""
    return next((one for one in starters() if one.id == name), None)
