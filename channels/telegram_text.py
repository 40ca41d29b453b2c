"""Telegram's HTML, cut to what a message may hold without breaking a tag, an entity or a character.

Source: core.telegram.org/bots/api#html-style; the limit counts UTF-16 units of what is shown, after tags and entities are read.
"""

from __future__ import annotations

import html
import re
from itertools import accumulate, takewhile

from channels.cutting import cut_place, with_ellipsis

LIMIT = 4096

_PIECE = re.compile("(?P<tag><[^<>]*>)|(?P<slot>\x02[a-z_]+\x03)|(?P<entity>&#?[0-9A-Za-z]+;)|(?P<text>.)", re.DOTALL)
_SLOT_LENGTH = 300
"""Units kept free for a link that is shown as text; one inside a tag is not shown."""


def shorten(text: str, limit: int = LIMIT) -> str:
    """The text itself when it fits, else its beginning, an ellipsis, and its last paragraphs with links."""
    if _shown(text) <= limit:
        return text
    head, tail = _split_before_links(text, limit)
    kept, open_tags = _take(head, limit - _shown(tail) - 1)
    return f"{with_ellipsis(kept)}{''.join(f'</{name}>' for name in reversed(open_tags))}{tail}"


def _split_before_links(text: str, limit: int) -> tuple[str, str]:
    """Cut before the last paragraphs that begin with a link, or hold the first slot, where no tag is open; no tail when none fits."""
    slot = text.find("\x02")
    first_slot = text.rfind("\n\n", 0, slot) if slot >= 0 else len(text)
    earliest = first_slot
    while (before := text.rfind("\n\n", 0, max(earliest, 0))) >= 0 and text.startswith("<a ", before + 2):
        earliest = before
    for place in (earliest, first_slot):
        if 0 <= place < len(text) and _shown(text[place:]) < limit and not _take(text[:place], len(text))[1]:
            return text[:place], text[place:]
    return text, ""


def _take(text: str, budget: int) -> tuple[str, list[str]]:
    """As much as `budget` units show, no link or character broken, and the tags that are then open."""
    pieces = list(_PIECE.finditer(text))
    shown = list(takewhile(lambda units: units <= budget, accumulate(map(_units, pieces))))
    end = cut_place(text, pieces[len(shown)].start()) if len(shown) < len(pieces) else len(text)
    open_tags: list[str] = []
    kept = 0
    # The place may lie inside a tag or an entity, behind which the character or link began that has no room.
    for piece in takewhile(lambda piece: piece.end() <= end, pieces):
        kept = piece.end()
        if piece["tag"]:
            _follow(piece[0], open_tags)
    return text[:kept].rstrip(), open_tags


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
