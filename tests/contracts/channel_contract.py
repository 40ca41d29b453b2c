"""What one row of the channel contract's suite brings along: a channel, a real peer on loopback, and how to read what arrived."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Literal, Self

from channels.contract import Channel, Message, Purpose

NOW = 1_790_000_000.0
"""Seconds since 1970: the tests' clock stands here."""

Trouble = Literal["refuses", "hangs", "busy", "gone", "no"]
"""refuses: nobody listens. hangs: it takes the message and never answers. busy: comes back with a wish to wait of WAIT seconds.
gone: the address is dead. no: a final no that leaves the address alone."""

WAIT = 7.0

SCRIPTS = {
    "en": "Move to high ground now. Don't drive through water – turn around.",
    "es": "Suba ahora a un lugar alto. ¡No cruce el agua, señor Núñez!",
    "zh-Hans": "请立即前往高处。切勿驾车涉水。",
    "zh-Hant": "請立即前往高處。切勿駕車涉水。",
    "ru": "Немедленно поднимитесь на возвышенность. Объезд закрыт.",
    "bn": "এখনই উঁচু জায়গায় যান। পানির মধ্য দিয়ে গাড়ি চালাবেন না।",
    "ht": "Ale sou yon kote ki wo kounye a. Pa kondui nan dlo – tounen dèyè.",
    "ko": "지금 즉시 높은 곳으로 이동하세요. 물속을 운전하지 마세요.",
    "ar": "انتقل إلى مكان مرتفع الآن. لا تقُد عبر المياه.",
    "ur": "ابھی اونچی جگہ پر جائیں۔ پانی میں گاڑی نہ چلائیں۔",
    "fr": "Gagnez les hauteurs dès maintenant. Évitez l’eau : 2 € d’œufs, ça va.",
    "pl": "Natychmiast udaj się na wyżej położony teren. Żółć, gęś, jaźń.",
    "yi": "גייט באַלד צו אַ הויכן אָרט. פֿאָרט נישט דורך וואַסער.",
    "it": "Raggiunga subito un luogo elevato. Perché? L’acqua è già lì.",
    "emoji": "🌊 Flood 👩‍🚒 🇺🇸 – “quoted” & <b>not bold</b> \\ 100 % {x}",
}
"""The languages of New York's alerts, and what breaks encoders. None holds a line break."""


@dataclass(frozen=True)
class Arrival:
    """One message as its reader sees it: `text` is all its words, `wire` is everything decoded, `headers` are lower-case names."""

    text: str
    wire: str
    headers: frozenset[str] = frozenset()


def fixed_clock() -> float:
    """The suite's clock."""
    return NOW


class ChannelRow(ABC):
    """One channel beside its peer; ``async with`` starts and stops the peer."""

    channel: ClassVar[type[Channel]]
    troubles: ClassVar[frozenset[Trouble]]
    """Which of them this channel can meet; the outbox, for instance, meets none."""
    stamps: ClassVar[bool] = True
    """Whether each person gets links of their own; False for a channel whose text is one for all, as SMS."""
    good: ClassVar[tuple[str, ...]]
    """Valid addresses as people write them."""
    same: ClassVar[tuple[tuple[str, str], ...]]
    """Two spellings of one address."""
    bad: ClassVar[tuple[str, ...]]

    answer_seconds: float = 10.0
    """How long a channel that is opened now waits. Ample, so that a slow machine fails no test; short where a peer hangs on purpose."""

    @abstractmethod
    async def __aenter__(self) -> Self:
        """Start the peer."""

    @abstractmethod
    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop it."""

    @abstractmethod
    def open(self, clock: Callable[[], float] = fixed_clock) -> Channel:
        """The channel with settings for this peer; it waits `answer_seconds` for an answer, where it can be told."""

    @abstractmethod
    def someone(self) -> str:
        """The canonical address of a new person whom the peer can reach."""

    @abstractmethod
    async def suffer(self, trouble: Trouble) -> None:
        """From now on the peer has this trouble, with everyone."""

    @abstractmethod
    async def arrived(self) -> list[Arrival]:
        """All that came, in order."""

    @abstractmethod
    async def hung_up(self) -> None:
        """Wait, at most 5 s, until the channel has no connection to the peer."""

    @abstractmethod
    def words(self, text: str) -> dict[str, str]:
        """A message's parts by the names of this channel's templates, each holding `text`, with slots where the channel has them."""

    def as_read(self, text: str) -> str:
        """How a reader sees a text: unchanged, unless the channel says which marks it swaps for plainer ones."""
        return text

    def message(
        self, text: str = "Boil water.", *, purpose: Purpose = "alert", language: str = "en", topic: str = "alr_1", link: str = ""
    ) -> Message:
        """A message of one hour from NOW."""
        return Message(
            purpose=purpose,
            topic=topic,
            language=language,
            severity="Severe",
            urgency="Immediate",
            parts=self.words(text),
            link=link or "https://alerts.example/a/1",
            sent_at=NOW,
            expires_at=NOW + 3600,
            data=self.data(text),
        )

    def data(self, text: str) -> str:
        """The message as JSON for machines; none, unless the channel carries it."""
        return ""
