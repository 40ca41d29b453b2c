"""What a text message does, and what is answered to it. Who writes from a number proves it (safeguards S23, S25, S27)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from channels.gsm7 import segments
from hub.sms import words as say
from hub.sms.places import Unknown
from hub.sms.reading import Meaning, Reader
from hub.sms.words import PLACES_SHOWN, Sentences, Words
from subscriptions import topics
from subscriptions.addresses import NewAddress
from subscriptions.answering import Answer, Answering, Kind
from subscriptions.areas import Area, AreaCatalog
from subscriptions.errors import InvalidSubscription, NotSubscribed, TooManyRequests
from subscriptions.languages import LANGUAGES
from subscriptions.own_address import OwnAddress
from subscriptions.store.sql import PlaceRow
from subscriptions.subscriber import PlaceRequest, SubscriptionChange
from subscriptions.views import SubscriptionView, as_request

CHANNEL = "sms"
SEGMENTS_AT_MOST = 3
"""Of an answer: where it would be longer, it names fewer of one's places."""


class Names(msgspec.Struct, frozen=True):
    """What the hub is called, and where its pages are."""

    hub: str
    city: str
    url: str


class _Talk(msgspec.Struct, frozen=True):
    """One message and who wrote it. `view` is None for whoever is not subscribed."""

    number: str
    meaning: Meaning
    view: SubscriptionView | None
    words: Words

    def answer(self, sentence: str, *more: str, kind: Kind = "command", **values: str) -> Answer:
        return Answer(" ".join((self.words.say(sentence, **values), *more)), self.words.language, kind)


class Dialog:
    """Text of a number → its effect → the answer."""

    def __init__(
        self,
        own_address: OwnAddress,
        answering: Answering,
        reader: Reader,
        sentences: Sentences,
        catalog: AreaCatalog,
        names: Names,
        clock: Callable[[], float],
    ) -> None:
        self._own, self._answering, self._reader, self._sentences = own_address, answering, reader, sentences
        self._catalog, self._names, self._clock = catalog, names, clock

    async def answer(self, sender: NewAddress, text: str) -> Answer:
        """Do what the text asks for, as often as it comes, and say so."""
        number, meaning = sender.canonical or "", self._reader.read(text)
        view = await self._own.view(CHANNEL, number)
        spoken = view.language if view is not None else meaning.language or await self._answering.language_of(sender) or "en"
        talk = _Talk(number, meaning, view, self._sentences.in_language(spoken))
        try:
            answer = await self._act(talk)
        except TooManyRequests:
            answer = talk.answer(say.TOO_MUCH)
        except NotSubscribed:
            answer = self._unknown(talk)
        except InvalidSubscription:
            answer = talk.answer(say.NOBODY, kind="nobody")
        if answer.kind == "nobody" or (view is not None and view.discreet):
            return answer
        return msgspec.structs.replace(answer, text=f"{self._names.hub}: {answer.text}")

    async def obey_stop(self, sender: NewAddress, text: str) -> None:
        """End what goes to the number if the text says so, without a word: what may be new, or a repeat, is obeyed all the same."""
        if self._reader.read(text).command == "stop":
            await self._own.stop(CHANNEL, sender.canonical or "", source=CHANNEL)

    async def _act(self, talk: _Talk) -> Answer:
        match talk.meaning.command:
            case "stop":
                answer = await self._stop(talk)
            case "help":
                answer = talk.answer(say.HELP, talk.words.say(say.NOBODY), url=self._names.url)
            case "start" | "urgent":
                answer = await self._start(talk, only_extreme=talk.meaning.command == "urgent")
            case "language":
                answer = await self._language(talk)
            case "places":
                answer = await self._join(talk)
            case "remove" if talk.meaning.else_stop and not self._theirs(talk):
                answer = await self._stop(talk)
            case "free":
                answer = talk.answer(say.NOBODY, kind="nobody")
            case _:
                answer = await self._change_choices(talk)
        return answer

    async def _stop(self, talk: _Talk) -> Answer:
        if await self._own.stop(CHANNEL, talk.number, source=CHANNEL):
            return talk.answer(say.STOPPED, kind="stopped")
        return talk.answer(say.NOT_ENDED, kind="already stopped")

    async def _start(self, talk: _Talk, *, only_extreme: bool) -> Answer:
        view = await self._own.start(CHANNEL, talk.number, source=CHANNEL, only_extreme=only_extreme)
        if view is None:
            return self._unknown(talk)
        words = self._sentences.in_language(view.language)
        names, sentence = self._names_of(view.places, words), say.URGENT if only_extreme else say.STARTED
        # "Urgent" alone may be a cry for help (safeguard S27).
        more = [words.say(say.NOBODY)] if only_extreme else []
        text = self._fitting(lambda shown: " ".join((words.say(sentence, places=words.a_few(names, max(shown, 1))), *more)))
        return Answer(text, view.language)

    def _unknown(self, talk: _Talk) -> Answer:
        return talk.answer(say.UNKNOWN, talk.words.say(say.NOBODY))

    async def _join(self, talk: _Talk) -> Answer:
        wrong = [self._correction(talk.words, unknown) for unknown in talk.meaning.unknown]
        if not talk.meaning.places:
            return Answer(" ".join(wrong), talk.words.language)
        places = tuple(self._request(area) for area in talk.meaning.places)
        try:
            view = await self._own.join(CHANNEL, talk.number, places, language=talk.words.language, source=CHANNEL)
        except InvalidSubscription:
            if talk.view is None:
                raise
            # There is no room for more: what is on the list says so, and how a place is removed.
            return self._list(talk, talk.view)
        words = self._sentences.in_language(view.language)
        return Answer(" ".join((words.say(say.JOINED, places=words.a_few(_named(talk.meaning.places))), *wrong)), view.language)

    def _correction(self, words: Words, unknown: Unknown) -> str:
        sentence = words.say(say.NOT_A_ZIP if unknown.is_zip else say.NOT_A_PLACE, said=unknown.said, city=self._names.city)
        return f"{sentence} {words.say(say.NEAR, near=unknown.near) if unknown.near else words.say(say.ASK_ZIP)}"

    async def _language(self, talk: _Talk) -> Answer:
        tag = talk.meaning.language or "en"
        words = self._sentences.in_language(tag)
        if talk.view is None:
            return Answer(words.say(say.LANGUAGE_THEN_ZIP, language=LANGUAGES[tag]), tag)
        await self._change(talk, SubscriptionChange(language=tag))
        return Answer(words.say(say.LANGUAGE, language=LANGUAGES[tag]), tag)

    async def _change_choices(self, talk: _Talk) -> Answer:
        """The commands of whoever is subscribed."""
        if talk.view is None:
            return self._unknown(talk)
        match talk.meaning.command:
            case "remove":
                return await self._remove(talk, talk.view)
            case "pause":
                until = datetime.fromtimestamp(self._clock(), UTC).replace(microsecond=0) + timedelta(days=talk.meaning.days)
                await self._change(talk, SubscriptionChange(paused_until=until))
                return talk.answer(say.PAUSED, when=talk.words.moment(until, self._clock()))
            case "resume":
                await self._change(talk, SubscriptionChange(paused_until=None))
                return talk.answer(say.RESUMED)
            case "drills_on" | "drills_off":
                wanted = talk.meaning.command == "drills_on"
                # As the web and the bot do: who wants drills wants the tests too.
                await self._change(talk, SubscriptionChange(drills=wanted, topics=topics.with_drills(talk.view.topics, wanted=wanted)))
                return talk.answer(say.DRILLS_ON if wanted else say.DRILLS_OFF)
        return self._list(talk, talk.view)

    async def _change(self, talk: _Talk, change: SubscriptionChange) -> SubscriptionView:
        return await self._own.change(CHANNEL, talk.number, change, source=CHANNEL)

    async def _remove(self, talk: _Talk, view: SubscriptionView) -> Answer:
        if not talk.meaning.places:
            return self._list(talk, view)
        named, left = talk.words.a_few(_named(talk.meaning.places)), self._left(talk, view)
        if len(left) == len(view.places):
            return talk.answer(say.NOT_YOURS, places=named)
        if not left:
            return await self._stop(talk)
        await self._change(talk, SubscriptionChange(places=left))
        return talk.answer(say.REMOVED, places=named, left=talk.words.a_few(self._names_of(left, talk.words)))

    def _left(self, talk: _Talk, view: SubscriptionView) -> tuple[PlaceRequest, ...]:
        unwanted = [self._request(area) for area in talk.meaning.places]
        return tuple(place for place in view.places if msgspec.structs.replace(place, label=None) not in unwanted)

    def _theirs(self, talk: _Talk) -> bool:
        """Whether one of the places that a message names is one of the writer's."""
        return talk.view is not None and len(self._left(talk, talk.view)) < len(talk.view.places)

    def _list(self, talk: _Talk, view: SubscriptionView) -> Answer:
        words, names = talk.words, self._names_of(view.places, talk.words)
        chosen = [say.ALL_TOPICS] if set(view.topics) >= set(topics.EVERYDAY) else [say.TOPICS[topic] for topic in view.topics]
        more = [words.say(say.PAUSED_UNTIL, when=words.moment(view.paused_until, self._clock()))] if view.paused_until else []
        more += [words.say(say.DRILLS_TOO)] if view.drills else []
        more += [words.say(say.CHANGE_HERE, url=f"{self._names.url}/manage")]

        def listed(shown: int) -> str:
            yours = words.say(
                say.YOURS,
                places=words.a_few(names, max(shown, 1)),
                topics=words.all_of(tuple(chosen)),
                severity=_severity(view, words, shown),
                language=LANGUAGES[view.language],
            )
            return " ".join((yours, *more))

        return Answer(self._fitting(listed), words.language)

    def _fitting(self, says: Callable[[int], str]) -> str:
        """What is said with as many names as three segments have room for."""
        said = [says(shown) for shown in range(PLACES_SHOWN, -1, -1)]
        return next((text for text in said if segments(f"{self._names.hub}: {text}").segments <= SEGMENTS_AT_MOST), said[-1])

    def _request(self, area: Area) -> PlaceRequest:
        return as_request(PlaceRow(area.key), self._catalog)

    def _names_of(self, places: tuple[PlaceRequest, ...], words: Words) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._name(place, words) for place in places))

    def _name(self, place: PlaceRequest, words: Words) -> str:
        """As a place may stand in a message (safeguard S26): a point only by its ZIP, never the person's own label."""
        if place.citywide:
            return words.say(say.WHOLE_CITY)
        if place.zip is not None:
            return place.zip
        for layer, text in (("borough", place.borough), ("neighborhood", place.neighborhood)):
            if text is not None:
                area = self._catalog.find(layer, text)
                return area.name if area is not None else text
        around = self._catalog.covering(place.lon, place.lat, "zip") if place.lon is not None and place.lat is not None else None
        return around.id if around is not None else words.say(say.ON_THE_MAP)


def _named(areas: tuple[Area, ...]) -> tuple[str, ...]:
    return tuple(area.id if area.layer == "zip" else area.name for area in areas)


def _severity(view: SubscriptionView, words: Words, shown: int) -> str:
    """``of every severity (fires, weather: danger to life only)``: with the first of the topics that have a least severity of their own."""
    single: dict[str, list[str]] = {}
    for topic in view.topics:
        least = view.severities.get(topic, view.minimum_severity)
        if least != view.minimum_severity:
            single.setdefault(say.SEVERITIES[least], []).append(words.say(say.TOPICS[topic]))
    said = "; ".join(f"{words.a_few(tuple(named), shown)}: {words.say(least)}" for least, named in single.items())
    said = said if shown else f"+{sum(map(len, single.values()))}"
    return words.say(say.SEVERITIES[view.minimum_severity]) + (f" ({said})" if single else "")
