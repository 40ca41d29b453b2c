"""The words of every message, rendered once per mailing, channel and language; what differs between two people is a `slot` mark.

The way of a text: choose the author's words for the reader's language → say when, where and how urgent in the frame's language → fill the
channel's templates in ``templates/<channel>/<purpose>/<part>``. Where a transport is short, words are dropped from the end of what matters
least, never from the mark of a test, the act, the place or the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache, partial
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from channels.contract import Message, Purpose, slot
from channels.gsm7 import plain_letters, segments
from hub.clock import Clock, instant
from hub.delivery.words.alert_words import MARKS, AlertWords, Published, alert_words, choose_info, safe, sent_at, short_code
from hub.delivery.words.phrases import READ, Phrases
from hub.delivery.words.shortening import ENOUGH_HEADLINE, SMS_SEGMENTS, cut, fit_essential_sms, fit_sms, one_line, sentence
from hub.languages.catalogue import SOURCE_LANGUAGE
from hub.languages.compiled import Compiled
from subscriptions.columns import CITY_KEY
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

LETTER_LIFE_S: Mapping[Purpose, int] = MappingProxyType({"confirm": 24 * 3600, "access": 30 * 60, "notice": 24 * 3600, "answer": 3600})
"""Seconds after which a letter that could not be handed over is no longer wanted."""

NOTICES: Mapping[str, str] = MappingProxyType(
    {
        "changed": "Your alert settings were changed.",
        "ended": "Your alerts have ended. You will get no more messages.",
        "test": "This is a test that you asked for. A real alert comes in the same way. A phone that is switched to silent stays silent.",
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


_FIRST_SENTENCE = re.compile(r"^[^.!?。！？؟۔।]+.")

ALIKE = 256
"""Letters whose words are kept: while a neighbourhood signs up, the same is said to everybody in it."""


class Renderer:
    """Renders alerts and letters. What it keeps between two calls changes no answer, so one serves the whole hub."""

    def __init__(
        self,
        public_url: str,
        hub_name: str,
        city_name: str,
        clock: Clock,
        *,
        timezone: str = "America/New_York",
        territory: str = "US",
        sms_replies: bool = False,
    ) -> None:
        """With `sms_replies` an SMS says that one can answer it."""
        self._public_url = public_url.rstrip("/")
        self._clock = clock
        self._city_name = city_name
        self._shared = {"hub_name": hub_name, "city_name": city_name, "home": self._public_url, "slot": slot, "replies": sms_replies}
        zone = ZoneInfo(timezone)
        self._phrases = {tag: Phrases(tag, zone, territory) for tag in LANGUAGES}
        self._environment_of = cache(lambda tag: _environment(self._phrases[tag]))
        self._alike = lru_cache(ALIKE)(lambda channel, purpose, frame, values: self._parts(channel, purpose, frame, dict(values)))

    def alert(
        self,
        stored: Published,
        channel: str,
        language: str,
        video_links: tuple[str, ...] = (),
        *,
        discreet: bool = False,
        silent: bool = False,
    ) -> Message:
        """One alert for the readers of `language` on `channel`; neutral words without a sound for who wants it so (S29).

        `video_links` are public addresses only (V3). Raises KeyError for a channel without templates.
        """
        frame = self._frame(language)
        words = self._words(stored, frame, video_links)
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
            parts=parts | ({"read": self._phrases[frame].gettext(READ)} if channel == "telegram" else {}),
            silent=discreet or silent,
            reference=short_code(stored.number),
            link=words.page,
            sent_at=sent_at(stored),
            expires_at=stored.expires_at / 1000,
            data=webhook_data(stored, words, self._public_url) if channel == "webhook" else "",
        )

    def struck(self, stored: Published, channel: str, language: str, expires_at: float) -> Message:
        """An alert that is out of date, struck through: it takes the place of what was sent. Raises KeyError as `alert` does."""
        frame = self._frame(language)
        words = self._words(stored, frame)
        return Message(
            purpose="strike",
            topic=stored.chain,
            language=frame,
            parts=self._parts(channel, "strike", frame, {"alert": words}),
            silent=True,
            link=words.page,
            sent_at=sent_at(stored),
            expires_at=expires_at,
        )

    def _words(self, stored: Published, frame: str, video_links: tuple[str, ...] = ()) -> AlertWords:
        return alert_words(
            stored,
            self._phrases[frame],
            public_url=self._public_url,
            city_name=self._city_name,
            now=self._clock(),
            video_links=video_links,
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
        written_at: float | None = None,
    ) -> Message:
        """A letter to one address. It holds nothing of the person but `parameters`, and its link is a slot.

        `parameters`: ``places`` as of `subscriptions.places.in_a_few_words`, ``notice`` a key of NOTICES, ``text`` of an answer; `missed`:
        alerts that a ``held`` is about; `written_at` in seconds since 1970 begins the time for which it is worth sending, by default now.
        Raises KeyError for a channel without templates.
        """
        frame = self._frame(language)
        now, say = self._clock(), self._phrases[frame]
        notice = say.gettext(NOTICES.get(parameters.get("notice", ""), NOTICES["changed"]))
        over = [self._missed(alert, frame, now) for alert in missed]
        lead = f"{say.gettext(MARKS['Test'])}: " if parameters.get("notice") == "test" else ""
        values = {"places": self._places(parameters.get("places", ""), say), "lead": lead, "text": parameters.get("text", "")}
        values["notice_text"] = "\n".join([notice, *(f"{about} ({until})" for about, until in over)])
        link = slot(purpose) if purpose in {"confirm", "access"} else self._public_url
        if discreet and purpose in NEUTRAL and channel != "webhook":
            parts = self._neutral(channel, frame, NEUTRAL[purpose], link, lead=lead)
        elif over and channel == "sms":
            parts = {"text": self._fitted_summary(notice, over, frame, values)}
        else:
            parts = self._alike(channel, purpose, frame, tuple(values.items())) or {"link": link}
        return Message(
            purpose=purpose,
            topic=f"letter-{purpose}",
            language=frame,
            urgency="Expected",
            status="Test" if lead else "Actual",
            parts=parts,
            silent=discreet,
            link=link,
            sent_at=now,
            expires_at=(now if written_at is None else written_at) + LETTER_LIFE_S[purpose],
            data=msgspec.json.encode({"type": purpose}).decode() if channel == "webhook" else "",
        )

    def _places(self, asked: str, say: Phrases) -> str:
        """The whole city, and what has no name since no ZIP code covers it, in the reader's language; else the names."""
        known = {CITY_KEY: self._city_name, "": "a place on the map"}.get(asked)
        return one_line(safe(asked)) if known is None else say.gettext(known)

    def _missed(self, stored: Published, frame: str, now: float) -> tuple[str, str]:
        """An alert that is over: what it was about, and its end: ``Flood Watch``, ``until 5:00 AM today, Nov 22``."""
        info, say = choose_info(stored.document.infos, frame), self._phrases[frame]
        headline = info.headline if nearest(info.language) == frame else say.glossary.hazard(stored.document)
        until = say.say("until %(when)s", when=say.end(stored.expires_at / 1000, now))
        mark = say.gettext(MARKS.get(stored.document.status, ""))
        return f"{mark + ': ' if mark else ''}{one_line(safe(headline))}", until

    def _fitted_summary(self, notice: str, over: Sequence[tuple[str, str]], frame: str, values: Mapping[str, str]) -> str:
        """An SMS of as many alerts as it holds, and how many more there are; the headline of a single one loses its end if it must."""
        (headline, until), *others = over

        # What is made ever shorter is the rest of the list, in place of an alert's places.
        def render(where: str, headline: str, details: str) -> str:
            text = f"{notice} {headline} ({until}) {details} {where}"
            return self._parts("sms", "notice", frame, {**values, "notice_text": text})["text"]

        fewer = _ever_fewer(others, self._phrases[frame])
        return fit_sms(render, fewer, fewer[-1], headline, "")

    def _neutral(self, channel: str, frame: str, sentence: str, link: str, *, lead: str = "") -> dict[str, str]:
        """Words that tell whoever else looks at the screen nothing."""
        values = {"sentence": self._phrases[frame].gettext(sentence), "link": link, "lead": lead}
        return self._parts(channel, "discreet", frame, values)

    def _frame(self, language: str) -> str:
        return language if language in self._phrases else SOURCE_LANGUAGE

    def _parts(self, channel: str, folder: Purpose | Literal["discreet"], frame: str, values: Mapping[str, Any]) -> dict[str, str]:
        environment = self._environment_of(frame)
        rendered = {}
        for part, file in PARTS[channel].items():
            template = environment.get_template(f"{channel}/{folder}/{file}")
            fill = partial(template.render, **self._shared, **values)
            if channel == "sms" and folder == "alert":
                rendered[part] = _fitted(fill, values["alert"])
            else:
                rendered[part] = one_line(fill()) if part in {"subject", "title"} or channel == "sms" else fill().strip()
        return rendered


def _fitted(fill: Callable[..., str], words: AlertWords) -> str:
    def written(note: str, where: str, headline: str, details: str) -> str:
        return one_line(fill(where=where, headline=headline, details=f" {note} {details}"))

    def in_plain_letters(note: str, where: str, headline: str, details: str) -> str:
        text = written(note, where, headline, details)
        return plain_letters(text) or text

    wheres = (words.where_short, words.where_shortest)
    owed = (words.hazard, words.what_to_do) if words.hazard else (words.headline, words.details)
    # Without its accents a text has room for twice as much; it keeps them where nothing of what to do is left out for it.
    essential = (words.hazard, words.what_to_do) if words.hazard else (words.headline, one_line(words.instruction) or words.details)
    said = written if segments(written(words.mark_note, words.where_short, *essential)).segments <= SMS_SEGMENTS else in_plain_letters
    least = partial(said, where=words.where_shortest, headline=cut(words.hazard or words.headline, ENOUGH_HEADLINE), details="")
    notes = (words.mark_note, "".join(_FIRST_SENTENCE.findall(words.mark_note)))
    render = partial(said, next((note for note in notes if segments(least(note)).segments <= SMS_SEGMENTS), ""))
    if words.hazard:
        return fit_essential_sms(render, wheres, words.where_least, *owed, words.text_in, words.all_words)
    return fit_sms(render, wheres, words.where_least, *owed)


def _ever_fewer(over: Sequence[tuple[str, str]], say: Phrases) -> list[str]:
    """All alerts, then all but one, and so on to none; each time with how many more there are."""
    lines = [f"{about} ({until})" for about, until in over]
    fewer = [" ".join([*lines[:shown], sentence(say.say("+%(count)s more", count=str(len(lines) - shown)))]) for shown in range(len(lines))]
    return [" ".join(lines), *reversed(fewer)]


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
    made = {"grade": SEVERITIES[stored.grade], "sent": instant(sent_at(stored)), "area_names": stored.area.names, "links": links}
    return msgspec.json.encode(head | document | made).decode()


_COMPILED = Compiled()


def _environment(phrases: Phrases) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        bytecode_cache=_COMPILED,
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
