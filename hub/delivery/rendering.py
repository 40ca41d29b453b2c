"""The words of every message, rendered once per mailing, channel and language; what differs between two people is a `slot` mark.

The way of a text: choose the author's words for the reader's language → say when, where and how urgent in the frame's language → fill the
channel's templates in ``templates/<channel>/<purpose>/<part>``. Where a transport is short, words are dropped from the end of what matters
least, never from the mark of a test, the act, the place or the time.

Whoever reads a language in which the author wrote nothing is told the essential part in it all the same: the act, the hazard and what to do
from the glossary, where and until when. The author's words come after that, in the language that they are in, and it is said which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from channels.contract import Message, Purpose, slot
from hub.alerts.alert import Alert, Info
from hub.clock import Clock, instant
from hub.delivery.phrases import Phrases, tone
from hub.delivery.shortening import cut, fit_essential_sms, fit_sms, one_line, sentence
from hub.languages.catalogue import SOURCE_LANGUAGE
from subscriptions.languages import LANGUAGES, RIGHT_TO_LEFT, nearest
from subscriptions.severity import SEVERITIES

TEMPLATES = str(files("templates"))

PARTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "email": {"subject": "subject.txt", "text": "text.txt", "html": "html.html"},
        "sms": {"text": "text.txt"},
        "web_push": {"title": "title.txt", "body": "body.txt"},
        "telegram": {"html": "html.html"},
        "apprise": {"title": "title.txt", "text": "text.txt"},
        "webhook": {},
    }
)
"""Channel → part of the message → its template."""

LETTER_LIFE_S: Mapping[Purpose, int] = MappingProxyType({"confirm": 24 * 3600, "access": 30 * 60, "notice": 24 * 3600})
"""Seconds after which a letter that could not be handed over is no longer wanted."""

NOTICES: Mapping[str, str] = MappingProxyType(
    {
        "changed": "Your alert settings were changed.",
        "ended": "Your alerts have ended. You will get no more messages.",
        "held": "This came while your quiet hours lasted, and is over:",
    }
)
"""What a notice may be about → its words."""

NEUTRAL: Mapping[Purpose, str] = MappingProxyType(
    {
        "alert": "You have a new message.",
        "confirm": "Please confirm that you want to get messages here.",
        "access": "Here is the link that you asked for.",
        "notice": "You have a new message.",
    }
)
"""Purpose → what a discreet message says."""

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

_UNSAFE = dict.fromkeys(map(ord, "\x02\x03\u202d\u202e"))
"""The slot marks' own characters, and the overrides that would turn a link or a time around."""


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


class Renderer:
    """Renders alerts and letters. It keeps nothing between two calls, so one serves the whole hub."""

    def __init__(
        self,
        public_url: str,
        hub_name: str,
        city_name: str,
        clock: Clock,
        *,
        timezone: str = "America/New_York",
        territory: str = "US",
    ) -> None:
        self._public_url = public_url.rstrip("/")
        self._clock = clock
        self._city_name = city_name
        self._shared = {"hub_name": hub_name, "city_name": city_name, "home": self._public_url, "slot": slot}
        zone = ZoneInfo(timezone)
        self._phrases = {tag: Phrases(tag, zone, territory) for tag in LANGUAGES}
        self._environments = {tag: _environment(phrases) for tag, phrases in self._phrases.items()}

    def alert(
        self, stored: Published, channel: str, language: str, video_links: tuple[str, ...] = (), *, discreet: bool = False
    ) -> Message:
        """One alert for the readers of `language` on `channel`; neutral words without a sound for who wants it so (S29).

        `video_links` are public addresses only (V3). Raises KeyError for a channel without templates.
        """
        frame = self._frame(language)
        words = self._words(stored, language, frame, video_links)
        if discreet and channel != "webhook":
            parts = self._neutral(channel, frame, NEUTRAL["alert"], words.short, lead=f"{words.mark}: " if words.mark else "")
        else:
            parts = self._parts(channel, "alert", frame, {"alert": words})
        return Message(
            purpose="alert",
            topic=stored.chain,
            language=frame,
            severity=SEVERITIES[stored.grade],
            urgency=stored.document.urgency,
            status=stored.document.status,
            parts=parts,
            silent=discreet,
            link=words.page,
            sent_at=_sent_at(stored),
            expires_at=stored.expires_at / 1000,
            data=webhook_data(stored, words, self._public_url) if channel == "webhook" else "",
        )

    def letter(
        self,
        purpose: Purpose,
        channel: str,
        language: str,
        parameters: Mapping[str, str],
        *,
        missed: Sequence[Published] = (),
        discreet: bool = False,
    ) -> Message:
        """A letter to one address. It holds nothing of the person but `parameters`, and its link is a slot.

        `parameters`: ``places`` in words, ``notice`` a key of NOTICES; `missed` are the alerts that a notice ``held`` is about.
        Raises KeyError for a channel without templates.
        """
        frame = self._frame(language)
        now = self._clock()
        notice = self._phrases[frame].gettext(NOTICES.get(parameters.get("notice", ""), NOTICES["changed"]))
        lines = [notice, *(self._missed(alert, language, frame, now) for alert in missed)]
        values = {"places": one_line(_safe(parameters.get("places", ""))), "notice_text": "\n".join(lines)}
        link = slot(purpose) if purpose in {"confirm", "access"} else self._public_url
        if discreet and channel != "webhook":
            parts = self._neutral(channel, frame, NEUTRAL[purpose], link)
        else:
            parts = self._parts(channel, purpose, frame, values) or {"link": link}
        return Message(
            purpose=purpose,
            topic=f"letter-{purpose}",
            language=frame,
            urgency="Expected",
            parts=parts,
            silent=discreet,
            link=link,
            sent_at=now,
            expires_at=now + LETTER_LIFE_S[purpose],
            data=msgspec.json.encode({"type": purpose}).decode() if channel == "webhook" else "",
        )

    def _missed(self, stored: Published, language: str, frame: str, now: float) -> str:
        """An alert that is over, in one line: ``Flood Watch (until 5:00 AM today, Nov 22)``."""
        info, say = choose_info(stored.document.infos, language), self._phrases[frame]
        until = say.say("until %(when)s", when=say.end(stored.expires_at / 1000, now))
        return f"{one_line(_safe(info.headline))} ({until})"

    def _neutral(self, channel: str, frame: str, sentence: str, link: str, *, lead: str = "") -> dict[str, str]:
        """Words that tell whoever else looks at the screen nothing."""
        direction = "rtl" if frame in RIGHT_TO_LEFT else "ltr"
        values = {"sentence": self._phrases[frame].gettext(sentence), "link": link, "lead": lead, "direction": direction}
        return self._parts(channel, "discreet", frame, values)

    def _frame(self, language: str) -> str:
        return language if language in self._phrases else SOURCE_LANGUAGE

    def _parts(self, channel: str, folder: Purpose | Literal["discreet"], frame: str, values: Mapping[str, Any]) -> dict[str, str]:
        environment = self._environments[frame]
        rendered = {}
        for part, file in PARTS[channel].items():
            template = environment.get_template(f"{channel}/{folder}/{file}")
            fill = partial(template.render, **self._shared, **values)
            if channel == "sms" and folder == "alert":
                rendered[part] = _fitted(fill, values["alert"])
            else:
                rendered[part] = one_line(fill()) if part in {"subject", "title"} or channel == "sms" else fill().strip()
        return rendered

    def _words(self, stored: Published, language: str, frame: str, video_links: tuple[str, ...]) -> AlertWords:
        say, now, document = self._phrases[frame], self._clock(), stored.document
        info = choose_info(document.infos, language)
        cancelled = document.msgType == "Cancel"
        written = nearest(info.language) or info.language
        foreign = written != frame
        return AlertWords(
            mark=say.gettext(MARKS.get(document.status, "")),
            mark_note=say.gettext(MARK_NOTES.get(document.status, "")),
            change=say.gettext(CHANGES.get(document.msgType, "")),
            change_note=say.gettext(CHANGE_NOTES.get(document.msgType, "")),
            act="" if cancelled else say.act(stored.grade, document.urgency),
            tone="over" if cancelled else tone(stored.grade, document.urgency),
            headline=one_line(_safe(info.headline)),
            description=_safe(info.description).strip(),
            instruction=_safe(info.instruction).strip(),
            web=_web_address(info.web),
            language=info.language,
            direction="rtl" if written in RIGHT_TO_LEFT else "ltr",
            hazard=say.glossary.hazard(document) if foreign else "",
            what_to_do=say.glossary.what_to_do(document) if foreign else "",
            only_in=say.only_in(info.language) if foreign else "",
            text_in=say.text_in(info.language) if foreign else "",
            where=self._where(stored.area, say, PLACES_SHOWN),
            where_short=self._where(stored.area, say, PLACES_SHOWN_SHORT),
            where_shortest=self._where(stored.area, say, 1),
            until="" if cancelled else say.end(stored.expires_at / 1000, now),
            sent=say.moment(_sent_at(stored), now),
            agency=one_line(_safe(stored.agency)),
            page=f"{self._public_url}{'' if frame == SOURCE_LANGUAGE else f'/{frame}'}/alerts/{stored.id}",
            short=short_link(self._public_url, stored.number),
            videos=tuple(link for link in video_links if _web_address(link)),
        )

    def _where(self, area: ResolvedPlace, say: Phrases, most: int) -> str:
        if area.citywide:
            return say.say("all of %(city)s", city=say.gettext(self._city_name))
        if not area.names:
            return say.gettext("the area on the map")
        return say.places([one_line(_safe(name)) for name in area.names], most)


def _fitted(fill: Callable[..., str], words: AlertWords) -> str:
    def render(where: str, headline: str, details: str) -> str:
        return one_line(fill(where=where, headline=headline, details=details))

    wheres = (words.where_short, words.where_shortest)
    if words.hazard:
        return fit_essential_sms(render, wheres, words.hazard, words.what_to_do, words.text_in, words.all_words)
    return fit_sms(render, wheres, words.headline, words.details)


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


def paragraphs(text: str) -> list[list[str]]:
    """An author's text as paragraphs of lines, for HTML."""
    return [block.splitlines() for block in text.replace("\r\n", "\n").split("\n\n") if block.strip()]


def webhook_data(stored: Published, words: AlertWords, public_url: str) -> str:
    """The alert for machines: INTERFACE's names, what the hub made of it, and where to read on."""
    document: dict[str, Any] = msgspec.to_builtins(stored.document)
    for internal in ("audience_languages", "send_at", "known_since"):
        del document[internal]
    links = {
        "page": f"{public_url}/alerts/{stored.id}",
        "short": words.short,
        "cap": f"{public_url}/feeds/cap/{stored.id}.xml",
        "videos": words.videos,
    }
    head = {"type": "alert", "status": stored.document.status, "id": stored.id, "chain": stored.chain, "agency": stored.agency}
    made = {"grade": SEVERITIES[stored.grade], "sent": instant(_sent_at(stored)), "area_names": stored.area.names, "links": links}
    return msgspec.json.encode(head | document | made).decode()


def _environment(phrases: Phrases) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"], default_for_string=False),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    # newstyle: what is filled into a phrase is escaped with it.
    environment.install_gettext_callables(phrases.gettext, phrases.ngettext, newstyle=True)  # type: ignore[attr-defined]  # added by the extension
    environment.filters |= {"paragraphs": paragraphs, "cut": cut, "sentence": sentence}
    right_to_left = phrases.language in RIGHT_TO_LEFT
    environment.globals |= {
        "frame": phrases.language,
        "direction": "rtl" if right_to_left else "ltr",
        # Programs for mail know no logical sides.
        "start": "right" if right_to_left else "left",
        "end": "left" if right_to_left else "right",
    }
    return environment


def _sent_at(stored: Published) -> float:
    return (stored.live_at or stored.sent_at) / 1000


def _safe(text: str) -> str:
    return text.translate(_UNSAFE)


def _web_address(text: str | None) -> str | None:
    return text if text and text.startswith(("https://", "http://")) else None
