"""Putting a person's own links into a text that everyone shares: split once at its slots, then join per person."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping

_SLOT = re.compile("\x02([a-z_]+)\x03")


class Stamp:
    """A text with slots (`contract.slot`), cut once.

    `encode` is applied to each fixed piece when cutting and to each link when stamping, so that what is stamped stays valid in its
    surroundings, for instance JSON's escapes. `encode_link` is for links alone, when the text itself is already encoded, as HTML is.
    """

    __slots__ = ("_encode_link", "_names", "_pieces", "slots")

    def __init__(self, text: str, encode: Callable[[str], str] = str, *, encode_link: Callable[[str], str] | None = None) -> None:
        cut = _SLOT.split(text)
        self._encode_link = encode_link or encode
        self._pieces = tuple(encode(piece) for piece in cut[::2])
        self._names = tuple(cut[1::2])
        self.slots: tuple[str, ...] = tuple(dict.fromkeys(self._names))

    def stamp(self, links: Mapping[str, str]) -> str:
        """The text with these links (slot name → URL). Raises KeyError for a slot without a link."""
        if not self._names:
            return self._pieces[0]
        parts = [self._pieces[0]]
        for name, piece in zip(self._names, self._pieces[1:], strict=True):
            parts += (self._encode_link(links[name]), piece)
        return "".join(parts)


def stamp_part(name: str, text: str) -> Stamp:
    """A part of a message by its name: in ``html`` the links are escaped as HTML text and attributes ask for."""
    return Stamp(text, encode_link=html.escape) if name == "html" else Stamp(text)


def slots_of(texts: Iterable[str]) -> tuple[str, ...]:
    """The names of all slots in some texts, each once, in order of appearance."""
    return tuple(dict.fromkeys(name for text in texts for name in _SLOT.findall(text)))


def split_slots(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fixed pieces and the slot names between them; always one piece more than names."""
    cut = _SLOT.split(text)
    return tuple(cut[::2]), tuple(cut[1::2])


def without_slots(text: str, replacement: str) -> str:
    """The text with every slot replaced by one shared text, for a channel that can't stamp."""
    return _SLOT.sub(lambda _: replacement, text)
