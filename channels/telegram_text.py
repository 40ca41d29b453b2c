"""Telegram's HTML, cut to what a message may hold without breaking a tag, an entity or a character.

Source: core.telegram.org/bots/api#html-style; the limit counts UTF-16 units of what is shown, after tags and entities are read.
"""

from __future__ import annotations

import html
import re

LIMIT = 4096

_PIECE = re.compile("(?P<tag><[^<>]*>)|(?P<slot>\x02[a-z_]+\x03)|(?P<entity>&#?[0-9A-Za-z]+;)|(?P<text>.)", re.DOTALL)
_SLOT_LENGTH = 300
"""Units kept free for a link that is shown as text; one inside a tag is not shown."""


def shorten(text: str, limit: int = LIMIT) -> str:
    """The text itself when it fits, else its beginning, an ellipsis, and its last paragraphs from the first link of a person on."""
    if _shown(text) <= limit:
        return text
    head, tail = _split_at_first_slot(text, limit)
    kept, open_tags = _take(head, limit - _shown(tail) - 1)
    return f"{kept}…{''.join(f'</{name}>' for name in reversed(open_tags))}{tail}"


def _split_at_first_slot(text: str, limit: int) -> tuple[str, str]:
    """Cut before the paragraph that holds the first slot, where no tag is open; no tail when there is no such place, or none that fits."""
    place = text.rfind("\n\n", 0, max(text.find("\x02"), 0))
    if place < 0 or _shown(text[place:]) >= limit or _take(text[:place], len(text))[1]:
        return text, ""
    return text[:place], text[place:]


def _take(text: str, budget: int) -> tuple[str, list[str]]:
    """As much as `budget` units show, and the tags that are then open."""
    kept: list[str] = []
    open_tags: list[str] = []
    for piece in _PIECE.finditer(text):
        budget -= _units(piece)
        if budget < 0:
            break
        kept.append(piece[0])
        if piece["tag"]:
            _follow(piece[0], open_tags)
    return "".join(kept).rstrip(), open_tags


def _follow(tag: str, open_tags: list[str]) -> None:
    name = re.split(r"[\s>]", tag.strip("</>"), maxsplit=1)[0]
    if not tag.startswith("</"):
        open_tags.append(name)
    elif open_tags and open_tags[-1] == name:
        open_tags.pop()


def _shown(text: str) -> int:
    return sum(map(_units, _PIECE.finditer(text)))


def _units(piece: re.Match[str]) -> int:
    if piece["tag"]:
        return 0
    if piece["slot"]:
        return _SLOT_LENGTH
    return len((html.unescape(piece[0]) if piece["entity"] else piece[0]).encode("utf-16-le", "replace")) // 2
