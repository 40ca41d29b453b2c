"""Making words fit a transport: whole words where there are any, and never a cut mark, link or time (those are not given to be cut)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from channels.cutting import cut_place, with_ellipsis
from channels.gsm7 import segments

SMS_SEGMENTS = 3
"""459 characters of GSM 03.38 or 201 of UCS-2: what phones and carriers join reliably."""

ENOUGH_DETAILS = 60
"""Characters of what to do that are worth more than a second and third place name."""

ENOUGH_HEADLINE = 30
"""Characters of a headline that are worth more than the whole name of a place, or than a sentence that says again that it is a drill."""

ENOUGH_WORDS = 25
"""Characters of an author's words in another language than the reader's, below which they say nothing."""

_SENTENCE = re.compile(r".+?(?:[.!?…]+[\"'”’»)]*(?=\s|$)|[。！？؟۔।]+|$)\s*")
_ABBREVIATED = re.compile(r"\b(?:\w|St|Mt|Ft|Ste?|Ave?|Blvd|Rd|Hwy|Dra?|Mrs?|Ms|No|Sra?|Sta|Sto|Uds?)\.\s*$")
"""What ends in a point and ends no sentence: "9 p.m. today", "St. George"."""


def one_line(text: str) -> str:
    """The text without line breaks, for a subject, a title or an SMS."""
    return " ".join(text.split())


def sentence(text: str) -> str:
    """The text with its script's full stop, unless it ends in something like one ("9:00 p.m.")."""
    if not text or text.endswith((".", "!", "?", "…", "。", "！", "？", "؟", "۔", "।")):
        return text
    return text + ("。" if "\u3040" <= text[-1] <= "\u9fff" else "।" if "\u0980" <= text[-1] <= "\u09ff" else ".")


def cut(text: str, most: int, between: str = " ") -> str:
    """At most `most` characters, ending in "…" when something was dropped; if it can be at one of `between`, the first rather."""
    if len(text) <= most:
        return text
    kept = text[: cut_place(text, max(most - 1, 0))]
    end = next((end for mark in between if (end := kept.rfind(mark)) > most // 2), len(kept))
    return with_ellipsis(kept[:end].rstrip(" .,;:-")) if most > 0 else ""


class Fill(Protocol):
    """Renders a text from its parts that may be shortened."""

    def __call__(self, where: str, headline: str, details: str) -> str: ...


def fit_sms(render: Fill, wheres: Sequence[str], least: str, headline: str, details: str) -> str:
    """The best SMS of at most SMS_SEGMENTS that ``render(where, headline, details)`` gives.

    `wheres` says the place ever shorter; a shorter one is taken when otherwise hardly a word of what to do would be left, and `least` when
    there would be no room for ENOUGH_HEADLINE. Then details lose whole sentences from their end, since half an order may say the contrary;
    only where not even the first has room, it is cut. The headline's end goes when nothing else helps.
    """
    enough = cut(details, ENOUGH_DETAILS)
    where = next((where for where in wheres if _fits(render(where, headline, enough))), wheres[-1])
    if not _fits(render(where, cut(headline, ENOUGH_HEADLINE), "")):
        where = least
    for kept in ever_fewer_sentences(details):
        if (kept or not details) and _fits(render(where, headline, kept)):
            return render(where, headline, kept)
    if _fits(render(where, headline, "")):
        return _longest(lambda most: render(where, headline, cut(details, most)), len(details))
    return _longest(lambda most: render(where, cut(headline, most), ""), len(headline))


def fit_essential_sms(render: Fill, wheres: Sequence[str], least: str, hazard: str, what_to_do: str, label: str, words: str) -> str:
    """The same for whom the author has no words: what to do stands in the reader's language, and the author's words only in the room left.

    What to do loses whole sentences from its end, never a part of one; `least` is taken when otherwise the hazard would not be whole. The
    author's words follow `label`, which says their language, when all of what to do is there and there is room for ENOUGH_WORDS of them.
    """
    fewer = list(ever_fewer_sentences(what_to_do))
    tries = [(where, kept) for kept in fewer for where in wheres] + [(least, kept) for kept in fewer]
    where, kept = next((found for found in tries if _fits(render(found[0], hazard, found[1]))), (least, ""))

    def with_words(most: int) -> str:
        return render(where, hazard, f"{kept} {label} {cut(words, most)}")

    if words and kept == what_to_do and _fits(with_words(min(ENOUGH_WORDS, len(words)))):
        return _longest(with_words, len(words))
    return _longest(lambda most: render(where, cut(hazard, most), kept), len(hazard))


def sentences(text: str) -> list[str]:
    """One after another, each with the blank behind it."""
    found = [""]
    for part in _SENTENCE.findall(text):
        if found == [""] or _ABBREVIATED.search(found[-1]):
            found[-1] += part
        else:
            found.append(part)
    return found


def ever_fewer_sentences(text: str) -> Iterator[str]:
    """The whole text, then without its last sentence, and so on to nothing."""
    whole = sentences(text)
    yield text.strip()
    for count in range(len(whole) - 1, -1, -1):
        yield "".join(whole[:count]).strip()


def _longest(render: Callable[[int], str], most: int) -> str:
    # By halving: a longer text never takes fewer segments (give or take an escape), so the last that fits is close to the longest.
    low, high, best = 1, most, render(0)
    while low <= high:
        middle = (low + high) // 2
        text = render(middle)
        if _fits(text):
            low, best = middle + 1, text
        else:
            high = middle - 1
    return best


def _fits(text: str) -> bool:
    return segments(text).segments <= SMS_SEGMENTS
