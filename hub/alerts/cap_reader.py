"""CAP 1.2 documents (OASIS, 1 July 2010) as alerts, for what an alert of this hub holds.

What is not for the public (status other than Actual, scope other than Public) is refused. What a document leaves open is filled in by a
stated rule and told as a warning: no `expires` means a day after `sent`, no `headline` means the `event`. Resources are left out, and told.
What this hub can't hold yet (hazards that differ from one `info` to the next, a Cancel without words) is refused, never half accepted.

Every fault names the path of its element. Nothing but BadRequest, TooLarge and InvalidInput is raised, whatever comes in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from hub.alerts import limits
from hub.alerts.alert import TOPICS_BY_CATEGORY, Alert, Category, Info, MsgType
from hub.alerts.cap_area import read_area
from hub.alerts.cap_xml import Node, parse
from hub.alerts.editions import edition
from hub.alerts.faults import Faults, one_of, shown
from hub.alerts.limits import Limit
from hub.alerts.text import clean, clean_line
from hub.alerts.validation import CATEGORIES, CERTAINTIES, MSG_TYPES, SEVERITIES, URGENCIES, is_language_tag, is_web_address
from hub.clock import instant
from subscriptions.areas import AreaCatalog
from subscriptions.languages import LANGUAGES, nearest
from subscriptions.topics import TOPICS

TOPICS_PARAMETER = "tocsin:topics"
"""`valueName` of our own parameter: topics separated by spaces."""

WITHOUT_EXPIRES = timedelta(days=1)
"""How long a document holds that doesn't say so (CAP leaves it to each recipient)."""

DEFAULT_LANGUAGE = "en-US"
"""CAP 1.2 §3.2.2, `language`."""

_NOT_PUBLIC = {"Exercise", "System", "Test", "Draft"}
_SCOPES = ("Public", "Restricted", "Private")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_FORBIDDEN_IN_IDS = re.compile(r"[\s,<&]")
_LEGACY_CERTAINTY = {"Very Likely": "Likely"}
_STAND_IN = datetime.max.replace(tzinfo=UTC)

Word = TypeVar("Word", bound=str)


class Reference(msgspec.Struct, frozen=True):
    """Another CAP message, as `references` names it."""

    sender: str
    identifier: str
    sent: datetime

    @property
    def text(self) -> str:
        """The triple as CAP writes it; `Alert.references` of an imported alert holds these."""
        return f"{self.sender},{self.identifier},{cap_time(self.sent)}"


class CapDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`alert` as this hub holds it; what the document says of itself; and what was filled in, repaired or left out."""

    alert: Alert
    identifier: str
    sender: str
    sent: datetime
    expired: bool
    """It is kept as ended and delivered to nobody."""
    references: tuple[Reference, ...] = ()
    warnings: tuple[str, ...] = ()


def cap_time(moment: datetime) -> str:
    """A time as CAP writes it (§3.3.2): whole seconds, an offset, UTC as -00:00."""
    text = moment.replace(microsecond=0).isoformat()
    return f"{text[:-6]}-00:00" if text.endswith("+00:00") else text


def read_cap(xml: bytes, catalog: AreaCatalog, now: float) -> CapDocument:
    """Read one document. `now`: seconds since 1970.

    Raises BadRequest, TooLarge, InvalidInput (every fault with the path of its element).
    """
    alert = parse(xml)
    reader = _Reader(catalog, instant(now))
    document = reader.read(alert)
    reader.faults.check()
    return document


class _Reader:
    """One reading: its faults and its warnings."""

    def __init__(self, catalog: AreaCatalog, now: datetime) -> None:
        self._catalog = catalog
        self._now = now
        self.faults = Faults()
        self._warnings: list[str] = []

    def read(self, alert: Node) -> CapDocument:
        """The document; it means something only when there are no faults."""
        self._public(alert)
        msg_type = self._word(alert, "msgType", MSG_TYPES)
        sent = self._recent(alert, "sent") or _STAND_IN
        identifier, sender = self._id(alert, "identifier"), self._id(alert, "sender")
        references = self._references(alert, msg_type)
        infos = list(alert.children("info"))
        if not infos:
            self.faults.add("/alert/info", f"is missing: {self._no_words(msg_type)}")
        self.faults.check()
        self._agree(infos)
        expires = self._expires(infos[0], sent, msg_type)
        readable = self._languages(infos)
        self.faults.check()
        built = Alert(
            msgType=msg_type,
            category=self._word(infos[0], "category", CATEGORIES),
            event=self._line(infos[0], "event", limits.EVENT),
            urgency=self._word(infos[0], "urgency", URGENCIES),
            severity=self._word(infos[0], "severity", SEVERITIES),
            certainty=self._word(infos[0], "certainty", CERTAINTIES, _LEGACY_CERTAINTY),
            onset=self._onset(infos[0], expires),
            expires=expires,
            infos=tuple(self._info(info) for info in readable),
            area=read_area(infos[0], self._catalog, self.faults, self._warnings),
            topics=self._topics(infos[0]),
            references=tuple(reference.text for reference in references),
        )
        self.faults.check()
        return CapDocument(
            alert=self._for_its_readers(built, infos[0]),
            identifier=identifier,
            sender=sender,
            sent=sent,
            expired=expires <= self._now,
            references=references,
            warnings=tuple(dict.fromkeys(self._warnings)),
        )

    # -- the frame

    def _public(self, alert: Node) -> None:
        status = alert.text_of("status")
        if status in _NOT_PUBLIC:
            self.faults.add("/alert/status", f"is {status}: only Actual documents are published to people")
        else:
            self._word(alert, "status", ("Actual",))
        if self._word(alert, "scope", _SCOPES) != "Public":
            self.faults.add("/alert/scope", "is not Public: this document is not for everyone and is never broadcast")

    @staticmethod
    def _no_words(msg_type: str) -> str:
        return "a Cancel without words is not supported yet, say what is over" if msg_type == "Cancel" else "there is nothing to tell"

    def _id(self, alert: Node, name: str) -> str:
        text = alert.text_of(name)
        if not text or _FORBIDDEN_IN_IDS.search(text):
            self.faults.add(f"/alert/{name}", "must not be empty or hold spaces, commas, < or &")
        elif len(text) > limits.IDENTIFIER.imported:
            self.faults.add(f"/alert/{name}", f"has {len(text):,} characters; at most {limits.IDENTIFIER.imported:,} are allowed")
        return text

    def _references(self, alert: Node, msg_type: str) -> tuple[Reference, ...]:
        words = alert.text_of("references").split()
        if not words and msg_type == "Cancel":
            self.faults.add("/alert/references", "is missing: name what this Cancel cancels")
        elif not words and msg_type == "Update":
            self._warnings.append("/alert/references: is missing, so this Update takes the place of nothing")
        if len(words) > limits.REFERENCES.imported:
            self.faults.add("/alert/references", f"names {len(words):,} messages; at most {limits.REFERENCES.imported:,} are allowed")
            return ()
        return tuple(reference for word in words if (reference := self._reference(word)))

    def _reference(self, word: str) -> Reference | None:
        parts = word.split(",")
        sent = self._parse_moment(parts[2]) if len(parts) == 3 else None
        if sent is None or not parts[0] or not parts[1]:
            self.faults.add("/alert/references", f"“{shown(word)}” is not sender,identifier,sent")
            return None
        return Reference(parts[0], parts[1], sent)

    # -- one info

    def _word(self, node: Node, name: str, options: Sequence[Word], legacy: dict[str, str] | None = None) -> Word:
        text = node.text_of(name)
        if legacy and text in legacy:
            self._warnings.append(f"{node.path}/{name}: “{text}” is of an older CAP and was read as {legacy[text]}")
            text = legacy[text]
        for option in options:
            if text == option:
                return option
        self.faults.add(f"{node.path}/{name}", f"“{shown(text)}” is not one of {one_of(options)}")
        return options[0]

    def _line(self, node: Node, name: str, limit: Limit, default: str = "") -> str:
        return self._text(node, name, clean_line(node.text_of(name)) or default, limit)

    def _text(self, node: Node, name: str, words: str, limit: Limit) -> str:
        if limit is limits.EVENT and not words:
            self.faults.add(f"{node.path}/{name}", "is empty: name the event")
        if len(words) > limit.imported:
            self.faults.add(f"{node.path}/{name}", f"has {len(words):,} characters; at most {limit.imported:,} are allowed")
        return words

    def _info(self, info: Node) -> Info:
        event = self._line(info, "event", limits.EVENT)
        headline = self._line(info, "headline", limits.HEADLINE, default=event)
        if not info.text_of("headline"):
            self._warnings.append(f"{info.path}/headline: is missing; the event stands in its place")
        if info.child("resource") is not None:
            self._warnings.append(f"{info.path}/resource: resources are left out")
        return Info(
            language=info.text_of("language") or DEFAULT_LANGUAGE,
            headline=headline,
            description=self._text(info, "description", clean(info.text_of("description")), limits.DESCRIPTION),
            instruction=self._text(info, "instruction", clean(info.text_of("instruction")), limits.INSTRUCTION),
            web=self._web(info),
        )

    def _web(self, info: Node) -> str | None:
        text = info.text_of("web")
        if not text:
            return None
        if len(text) <= limits.WEB.imported and is_web_address(text):
            return text
        self._warnings.append(f"{info.path}/web: is not a web address that people can open, and was left out")
        return None

    def _topics(self, info: Node) -> tuple[str, ...]:
        stated = [word for _, name, value in info.named_values("parameter") if name == TOPICS_PARAMETER for word in value.split()]
        by_category = [TOPICS_BY_CATEGORY[category] for node in info.children("category") if (category := self._category(node))]
        named = [topic for topic in TOPICS if topic in stated] or by_category
        return tuple(sorted(set(named), key=TOPICS.index)) or ("emergency",)

    def _category(self, node: Node) -> Category | None:
        for category in CATEGORIES:
            if node.text.strip() == category:
                return category
        self.faults.add(node.path, f"“{shown(node.text)}” is not one of {one_of(CATEGORIES)}")
        return None

    # -- times

    def _moment(self, node: Node, name: str) -> datetime | None:
        text = node.text_of(name)
        moment = self._parse_moment(text)
        if moment is None:
            self.faults.add(f"{node.path}/{name}", f"“{shown(text)}” is not a time such as 2026-11-22T21:00:00-05:00")
        elif text.endswith("Z") or "." in text:
            self._warnings.append(f"{node.path}/{name}: CAP writes whole seconds and an offset; it was read all the same")
        return moment

    def _recent(self, node: Node, name: str) -> datetime | None:
        moment = self._moment(node, name)
        if moment is not None and moment < self._now - timedelta(days=limits.PAST.imported):
            self.faults.add(f"{node.path}/{name}", f"lies more than {limits.PAST.imported:,} days in the past")
        return moment

    @staticmethod
    def _parse_moment(text: str) -> datetime | None:
        if not _INSTANT.fullmatch(text):
            return None
        try:
            moment = datetime.fromisoformat(text)
            moment.timestamp()
        except (ValueError, OverflowError):
            return None
        return moment

    def _expires(self, info: Node, sent: datetime, msg_type: MsgType) -> datetime:
        expires = self._end(info, sent, msg_type)
        if expires is not None and expires > self._now + timedelta(days=limits.LIFETIME.imported):
            self.faults.add(f"{info.path}/expires", f"lies more than {limits.LIFETIME.imported:,} days ahead")
        return expires or _STAND_IN

    def _end(self, info: Node, sent: datetime, msg_type: MsgType) -> datetime | None:
        if not info.text_of("expires"):
            self._warnings.append(f"{info.path}/expires: is missing; it ends a day after it was sent")
            return min(sent, _STAND_IN - 2 * WITHOUT_EXPIRES) + WITHOUT_EXPIRES
        expires = self._moment(info, "expires")
        if expires is not None and (expires < sent or (expires == sent and msg_type != "Cancel")):  # a cancel may be over as it is sent
            self.faults.add(f"{info.path}/expires", "lies before it was sent")
        return expires

    def _onset(self, info: Node, expires: datetime) -> datetime | None:
        name = "onset" if info.text_of("onset") else "effective"
        if not info.text_of(name):
            return None
        onset = self._recent(info, name)
        if onset is not None and onset >= expires:
            self._warnings.append(f"{info.path}/{name}: lies after expires and was left out")
            return None
        return onset

    # -- several languages

    def _agree(self, infos: list[Node]) -> None:
        """Infos that differ in more than words are several alerts in one document."""
        first = _facts(infos[0])
        for info in infos[1:]:
            for name, value in _facts(info).items():
                if value != first[name]:
                    self.faults.add(
                        f"{info.path}/{name}", "differs from the first info: send one document for each, this is not supported yet"
                    )

    def _languages(self, infos: list[Node]) -> list[Node]:
        """The infos in languages of this hub, one each."""
        found: dict[str, Node] = {}
        for info in infos:
            tag = info.text_of("language") or DEFAULT_LANGUAGE
            language = nearest(tag) if is_language_tag(tag) else None
            if language is None:
                self._warnings.append(f"{info.path}/language: “{shown(tag)}” is not a language of this hub; its words were left out")
            elif language in found:
                self.faults.add(
                    f"{info.path}/language", f"“{shown(tag)}” has an info already: send one document for each, this is not supported yet"
                )
            else:
                found[language] = info
        if not found:
            self.faults.add("/alert/info", f"is in no language of this hub: {one_of(LANGUAGES)}")
        return list(found.values())

    def _for_its_readers(self, alert: Alert, first: Node) -> Alert:
        mark = edition(clean_line(first.text_of("senderName")), tuple(info.language for info in alert.infos))
        if mark.language is None or len(alert.infos) > 1:
            readers = mark.readers if mark.language is None else None
            return msgspec.structs.replace(alert, audience_languages=readers)
        info = alert.infos[0]
        same = nearest(info.language) == mark.language
        infos = (info if same else msgspec.structs.replace(info, language=mark.language),)
        return msgspec.structs.replace(alert, infos=infos, audience_languages=mark.readers)


def _facts(info: Node) -> dict[str, object]:
    """What must be the same in every language."""
    single = ("urgency", "severity", "certainty", "onset", "effective", "expires")
    area = {
        (name, tuple(child.text.split()) if name != "geocode" else (child.text_of("valueName"), child.text_of("value")))
        for node in info.children("area")
        for name in ("polygon", "circle", "geocode")
        for child in node.children(name)
    }
    return {name: info.text_of(name) for name in single} | {
        "category": [node.text.strip() for node in info.children("category")],
        "area": area,
    }
