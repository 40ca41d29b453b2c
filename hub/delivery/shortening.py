"""Making words fit a transport: whole words where there are any, and never a cut mark, link or time (those are not given to be cut)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from channels.gsm7 import segments

SMS_SEGMENTS = 3
"""459 characters of GSM 03.38 or 201 of UCS-2: what phones and carriers join reliably."""

ENOUGH_DETAILS = 60
"""Characters of what to do that are worth more than a second and third place name."""


def one_line(text: str) -> str:
    """The text without line breaks, for a subject, a title or an SMS."""
    return " ".join(text.split())


def sentence(text: str) -> str:
    """The text with a full stop, unless it ends in something like one ("9:00 p.m.")."""
    return text if text.endswith((".", "!", "?", "…", "。", "！", "？", "؟", "۔", "।")) else f"{text}."


def cut(text: str, most: int) -> str:
    """At most `most` characters, ending in "…" when something was dropped; between two words where the script has spaces."""
    if len(text) <= most:
        return text
    kept = text[: max(most - 1, 0)]
    between = kept.rfind(" ")
    if between > most // 2:
        kept = kept[:between]
    return kept.rstrip(" .,;:-") + "…" if most > 0 else ""


def fit_sms(render: Callable[[str, str, str], str], wheres: Sequence[str], headline: str, details: str) -> str:
    """The best SMS of at most SMS_SEGMENTS that ``render(where, headline, details)`` gives.

    `wheres` says the place ever shorter; a shorter one is taken when otherwise hardly a word of what to do would be left. Then details are
    dropped from their end, and the headline's end only when nothing else helps.
    """
    enough = cut(details, ENOUGH_DETAILS)
    where = next((where for where in wheres if _fits(render(where, headline, enough))), wheres[-1])
    if _fits(render(where, headline, details)):
        return render(where, headline, details)
    if _fits(render(where, headline, "")):
        return _longest(lambda most: render(where, headline, cut(details, most)), len(details))
    return _longest(lambda most: render(where, cut(headline, most), ""), len(headline))


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
