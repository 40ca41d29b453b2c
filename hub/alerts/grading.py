"""How severe an alert is for us: what decides who is reached, whether a second person must approve, and whether quiet hours are broken.

The rule, in plain words:

- What our own staff write keeps the severity they gave it.
- A document from another source is graded by its words, because the city's own feed calls a parade "Extreme, Immediate". It never counts
  for more than its source says, except that a source which says "Unknown", or nothing, gets what the words give.
- The words: a headline or event that names a danger to life (a tornado warning, an evacuation order, …) is Extreme; one that names
  likely harm (a flash flood warning, a gas leak, boil-water, …) is Severe. A danger that the same headline says is over doesn't count,
  and what is a drill, a test or an exercise is Minor whatever it rehearses.
- Otherwise a headline about something planned, about traffic, transit or an event, or about what is over, is Minor; an advisory or a watch
  is Moderate; a body that tells people to act at once (evacuate, take cover, boil the water) without an "if" is Severe; everything else is
  Moderate, the most an unknown text gets.
- Of several languages the gravest counts. For other languages than English and Spanish only the headline is weighed.

Wrong in either direction is possible, so a person may always publish a better graded alert; the lists are in `hub.alerts.grading_words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from hub.alerts import grading_words as words
from hub.alerts.alert import Alert, Info
from subscriptions import severity
from subscriptions.languages import nearest

MINOR, MODERATE, SEVERE, EXTREME = (severity.rank(name) for name in ("Minor", "Moderate", "Severe", "Extreme"))


def _any(phrases: Iterable[str]) -> str:
    return rf"\b(?:{'|'.join(phrases)})\b"


_IT_IS_OVER = "it is over"
_DANGER = _any(words.EXTREME + words.SEVERE)
_ENDED = _any(words.ENDED)
_OVER = re.compile(
    rf"{_DANGER}(?: (?:order|is|was|has|have|been|now))*(?: ?[-–:])? ?{_ENDED}"  # "Tornado Warning has been cancelled"
    rf"|{_ENDED} ?(?:[-–:] ?)?(?:of |the |for )*{_DANGER}"  # "Cancelled: Tornado Warning"
)
_HEADLINES = (
    (re.compile(_any(words.REHEARSED)), MINOR),
    (re.compile(_any(words.EXTREME)), EXTREME),
    (re.compile(_any(words.SEVERE)), SEVERE),
    (re.compile(_any((*words.CALM, *words.ENDED, _IT_IS_OVER))), MINOR),
    (re.compile(_any(words.CAUTION)), MODERATE),
)
"""The first that a headline holds decides."""
_TEST_LABEL = re.compile(words.TEST_LABEL)
_ORDERS = re.compile(_any(words.ORDERS))
_CONDITIONS = re.compile(_any(words.CONDITIONS))
_SENTENCE_ENDS = re.compile(r"[.!?;\n]+")


def grade(alert: Alert, *, imported: bool) -> int:
    """The severity rank (`subscriptions.severity`) by the rule above. `imported`: it was not written by this hub's staff."""
    stated = severity.rank(alert.severity)
    if not imported:
        return stated
    weighed = max(_weigh(alert.event, info) for info in alert.infos)
    return min(stated, weighed) if stated else weighed


def _weigh(event: str, info: Info) -> int:
    headline = f"{info.headline} - {event}".lower()
    foreign = _weigh_foreign(headline, info.language)
    if foreign is not None:
        return foreign
    if any(_TEST_LABEL.search(text.lower()) for text in (info.headline, event)):
        return MINOR
    headline = _OVER.sub(f" {_IT_IS_OVER} ", headline)
    for pattern, level in _HEADLINES:
        if pattern.search(headline):
            return level
    return SEVERE if _orders(f"{info.description}\n{info.instruction}".lower()) else MODERATE


def _weigh_foreign(headline: str, language: str) -> int | None:
    lists = words.OTHER_LANGUAGES.get((nearest(language) or "").partition("-")[0])
    if lists is None:
        return None
    found = [name for name, phrases in lists.items() if any(phrase in headline for phrase in phrases)]
    return max((severity.rank(name) for name in found), default=MODERATE)


def _orders(body: str) -> bool:
    """Whether a sentence tells people to act, and not only what they would have to do if."""
    for sentence in _SENTENCE_ENDS.split(body):
        order = _ORDERS.search(sentence)
        if order and not _CONDITIONS.search(sentence, 0, order.start()):
            return True
    return False
