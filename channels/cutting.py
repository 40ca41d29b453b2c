"""Where a text that is too long may end: between what readers see as characters, and never inside a link.

Half a link leads nowhere, or elsewhere, so that one which has no room goes whole. Characters are told as by Unicode's grapheme clusters
(UAX #29), as far as people write them: letters with their marks, conjuncts of Indic scripts, Hangul, emoji, flags.
"""

from __future__ import annotations

import re
from unicodedata import category, combining

_AROUND = r"\s<>\"\x02\x03“”‘’«»…\u3000-\u9fff\uac00-\ud7af\uff00-\uffef"
"""What ends a link: among it letters of scripts without spaces, which stand right before and behind one."""
_LINK = re.compile(
    rf"(?:https?://|(?<![a-z0-9.-])(?:www\.|(?:[a-z0-9-]+\.)+[a-z]{{2,}}/))[^{_AROUND}]*",
    re.IGNORECASE,
)
_ENDS_IN_LINK = re.compile(rf"{_LINK.pattern}\Z", re.IGNORECASE)

_JOINER = "\u200d"
_JOINED = re.compile("[\u200c\u200d\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\u1160-\u11ff]")
"""What is no mark and belongs to the character ahead all the same: joiners, skin tones, letters of a flag's tag, Hangul's later parts."""
_VIRAMA = 9
"""Canonical class of the sign that binds two consonants of an Indic script."""


def cut_place(text: str, end: int) -> int:
    """The last place at or before `end` at which a cut breaks no character, no link and no slot.

    A link needs one more character behind it, so that no ellipsis touches it: a program that makes links of texts would take that along.
    """
    if end >= len(text):
        return len(text)
    while end > 0 and _are_one(text, end):
        end -= 1
    if text.rfind("\x02", 0, end) > text.rfind("\x03", 0, end):
        end = text.rfind("\x02", 0, end)
    blank = max(text.rfind(" ", 0, end), text.rfind("\n", 0, end))
    for link in _LINK.finditer(text, blank + 1):
        if link.start() >= end:
            break
        if end <= link.end():
            return link.start()
    return end


def with_ellipsis(kept: str) -> str:
    """The beginning of a text, and a mark that there was more. It ends in no blank."""
    blank = max(kept.rfind(" "), kept.rfind("\n"))
    return f"{kept} …" if _ENDS_IN_LINK.search(kept, blank + 1) else f"{kept}…"


def _are_one(text: str, end: int) -> bool:
    before, after = text[end - 1], text[end]
    if category(after).startswith("M") or _JOINED.match(after) or before == _JOINER:
        return True
    if combining(before) == _VIRAMA:
        return category(after) == "Lo"
    return _in_flag(before) and _in_flag(after) and _flags_letters(text[:end]) % 2 == 1


def _in_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flags_letters(text: str) -> int:
    """How many of them stand at the end: a flag is two."""
    return len(text) - len(text.rstrip("".join(map(chr, range(0x1F1E6, 0x1F200)))))
