"""What a message says of an alert, in the reader's language: put together once per mailing and language, ready to be filled into templates.

Whoever reads a language in which the author wrote nothing is told the essential part in it all the same: the act, the hazard and what to do
from the glossary, where and until when. The author's words come after that, in the language that they are in, and it is said which.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import msgspec

from hub.alerts.alert import Alert, Info
from hub.delivery.words.phrases import Phrases, tone
from hub.delivery.words.shortening import cut, one_line, sentence
from hub.languages.catalogue import SOURCE_LANGUAGE
from subscriptions.languages import RIGHT_TO_LEFT, nearest

MARKS: Mapping[str, str] = MappingProxyType({"Test": "TEST", "Exercise": "EXERCISE"})
MARK_NOTES: Mapping[str, str] = MappingProxyType(
    {
        "Test": "This is only a test. You do not need to do anything.",
        "Exercise": "This is only an exercise. There is no real emergency.",
    }
)
"""CAP `status` → what stands first, and what it means."""

CHANGES: Mapping[str, str] = MappingProxyType({"Update": "Update", "Cancel": "Cancelled"})
CHANGE_NOTES: Mapping[str, str] = MappingProxyType(
    {
        "Update": "This replaces what we told you before.",
        "Cancel": "This alert is over. You no longer need to act on it.",
    }
)
"""CAP `msgType` → what stands next, and what it means."""

PLACES_SHOWN = 12
PLACES_SHOWN_SHORT = 3
LEAST_OF_A_NAME = 20
"""Characters of a place's name by which it is still known."""

_UNSAFE = dict.fromkeys(map(ord, "\x02\x03\u202d\u202e"))
"""The slot marks' own characters, and the overrides that would turn a link or a time around."""

_RIGHT_TO_LEFT_MARK = "\u200f"
"""After a name in Latin letters: else a number that follows counts as part of it, and stands on its other side."""


class ResolvedPlace(Protocol):
    """What a message says of an area."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def citywide(self) -> bool: ...


class Published(Protocol):
    """What a message needs of a stored alert. Times are milliseconds since 1970."""

    @property
    def id(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def chain(self) -> str: ...
    @property
    def agency(self) -> str: ...
    @property
    def grade(self) -> int: ...
    @property
    def document(self) -> Alert: ...
    @property
    def area(self) -> ResolvedPlace: ...
    @property
    def sent_at(self) -> int: ...
    @property
    def live_at(self) -> int | None: ...
    @property
    def expires_at(self) -> int: ...


class AlertWords(msgspec.Struct, frozen=True, kw_only=True):
    """What the templates of an alert may say; every text is ready to read and none is escaped yet."""

    mark: str
    """ "TEST", "EXERCISE" or nothing (S2)."""
    mark_note: str
    change: str
    """ "Update", "Cancelled" or nothing."""
    change_note: str
    act: str
    tone: str
    """now | ready | aware | over: for colours, beside the words."""
    headline: str
    description: str
    instruction: str
    web: str | None
    language: str
    """Of the author's words, which may not be the frame's."""
    direction: str
    hazard: str
    """In the reader's language, when the author's words are in another; else nothing."""
    what_to_do: str
    """The standard instruction for the hazard, in the same case."""
    only_in: str
    """Says so when the author's words are not in the reader's language, and which it is."""
    text_in: str
    """The same where there is little room."""
    where: str
    where_short: str
    where_shortest: str
    where_least: str
    """The same with LEAST_OF_A_NAME, for where not even what it is about has room beside the name."""
    until: str
    """Empty for a cancellation."""
    sent: str
    agency: str
    page: str
    """Its page in the reader's language."""
    short: str
    videos: tuple[str, ...]

    @property
    def lead(self) -> str:
        """What stands before the headline: the mark first, then what changed, then the act."""
        return "".join(f"{word}: " for word in (self.mark, self.change, self.act) if word)

    @property
    def details(self) -> str:
        """What to do, then what happens, on one line: the author's words."""
        return one_line(f"{self.instruction} {self.description}")

    @property
    def all_words(self) -> str:
        """All of the author's words on one line."""
        return one_line(f"{sentence(self.headline)} {self.details}")

    def title(self, most: int) -> str:
        """Lead and what it is about on one line of at most about `most` characters; the lead is never cut."""
        return self.lead + cut(self.hazard or self.headline, max(most - len(self.lead), 20))


def alert_words(
    stored: Published, say: Phrases, *, public_url: str, city_name: str, now: float, video_links: tuple[str, ...] = ()
) -> AlertWords:
    """The words of an alert for the readers of one language. `now` in seconds since 1970; `public_url` without a slash at its end."""
    document, frame = stored.document, say.language
    info = choose_info(document.infos, frame)
    cancelled = document.msgType == "Cancel"
    heard = tone(stored.grade, document.urgency)
    written = nearest(info.language) or info.language
    foreign = written != frame
    return AlertWords(
        mark=say.gettext(MARKS.get(document.status, "")),
        mark_note=say.gettext(MARK_NOTES.get(document.status, "")),
        change=say.gettext(CHANGES.get(document.msgType, "")),
        change_note=say.gettext(CHANGE_NOTES.get(document.msgType, "")),
        act="" if cancelled else say.act(stored.grade, document.urgency),
        tone="over" if cancelled else heard,
        headline=one_line(safe(info.headline)),
        description=safe(info.description).strip(),
        instruction=safe(info.instruction).strip(),
        web=_web_address(info.web),
        language=info.language,
        direction="rtl" if written in RIGHT_TO_LEFT else "ltr",
        hazard=say.glossary.hazard(document) if foreign else "",
        what_to_do=say.glossary.what_to_do(document, heard) if foreign else "",
        only_in=say.only_in(info.language) if foreign else "",
        text_in=say.text_in(info.language) if foreign else "",
        where=_where(stored.area, say, city_name, PLACES_SHOWN),
        where_short=_where(stored.area, say, city_name, PLACES_SHOWN_SHORT),
        where_shortest=_where(stored.area, say, city_name, 1),
        where_least=_where(stored.area, say, city_name, 1, LEAST_OF_A_NAME),
        until="" if cancelled else say.end(stored.expires_at / 1000, now),
        sent=say.moment(sent_at(stored), now),
        agency=one_line(safe(stored.agency)) + (_RIGHT_TO_LEFT_MARK if frame in RIGHT_TO_LEFT else ""),
        page=f"{public_url}{'' if frame == SOURCE_LANGUAGE else f'/{frame}'}/alerts/{stored.id}",
        short=short_link(public_url, stored.number),
        videos=tuple(link for link in video_links if _web_address(link)),
    )


def _where(area: ResolvedPlace, say: Phrases, city_name: str, most: int, of_a_name: int | None = None) -> str:
    if area.citywide:
        return say.say("all of %(city)s", city=say.gettext(city_name))
    if not area.names:
        return say.gettext("the area on the map")
    names = [one_line(safe(name)) for name in area.names]
    return say.places([cut(name, of_a_name, "- ") for name in names] if of_a_name else names, most)


def choose_info(infos: tuple[Info, ...], language: str) -> Info:
    """The author's words in the reader's language, else in English, else the first."""
    by_language = {nearest(info.language): info for info in reversed(infos)}
    return by_language.get(language) or by_language.get(SOURCE_LANGUAGE) or infos[0]


def short_link(public_url: str, number: int) -> str:
    """The one short address of an alert, the same for everyone, so that an SMS tells nothing of who got it."""
    return f"{public_url.rstrip('/')}/a/{short_code(number)}"


def short_code(number: int) -> str:
    """An alert's number in base 36; ``int(code, 36)`` reads it back."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


def sent_at(stored: Published) -> float:
    """When it went out, in seconds since 1970."""
    return (stored.live_at or stored.sent_at) / 1000


def safe(text: str) -> str:
    """An author's text without what could turn our own marks around."""
    return text.translate(_UNSAFE)


def _web_address(text: str | None) -> str | None:
    return text if text and text.startswith(("https://", "http://")) else None
