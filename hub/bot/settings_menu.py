"""The settings: pages of buttons in one message, each of which changes something at once and shows what is so now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, ForceReply, Message

from hub.bot import choices, places
from hub.bot.asking import Asking
from hub.bot.buttons import Choose, Leave, Level, Page, Topic, Whole, Widen
from hub.bot.parts import CHANNEL
from hub.bot.talk import TOO_OLD, Button, Talk
from hub.bot.words import N_
from subscriptions.errors import NotSubscribed
from subscriptions.languages import LANGUAGES, nearest
from subscriptions.subscriber import SubscriptionChange
from subscriptions.views import SubscriptionView

Rows = Sequence[Sequence[Button]]


async def settings(message: Message, talk: Talk) -> None:
    """``/settings``."""
    view = subscribed(talk)
    await talk.send(choices.summary(view, talk), MENU["main"](view, talk))


async def list_places(message: Message, talk: Talk) -> None:
    """``/list``."""
    await talk.send(choices.summary(subscribed(talk), talk))


async def language(message: Message, talk: Talk) -> None:
    """``/language es``; without a language the buttons."""
    view = subscribed(talk)
    wanted = (message.text or "").partition(" ")[2].strip().casefold()
    named = next((tag for tag, name in LANGUAGES.items() if wanted and wanted in {name.casefold(), tag.casefold()}), None)
    chosen = named or (nearest(wanted) if wanted else None)
    if chosen is None:
        await talk.send(talk.say(N_("Which language?")), MENU["language"](view, talk))
        return
    await talk.own.change(CHANNEL, talk.address, SubscriptionChange(language=chosen), source=CHANNEL)
    now = await talk.again()
    await now.send(choices.summary(subscribed(now), now))


def subscribed(talk: Talk) -> SubscriptionView:
    """What they are subscribed to. Raises NotSubscribed."""
    if talk.view is None:
        raise NotSubscribed
    return talk.view


async def show(press: CallbackQuery, callback_data: Page, talk: Talk) -> None:
    """Another page, in the place of this one."""
    await press.answer()
    await rewrite(press, talk, callback_data.name)


async def ask_for_hours(press: CallbackQuery, talk: Talk, state: FSMContext) -> None:
    """Quiet hours of one's own are typed; not in a channel, where the next post may be meant for its readers."""
    if talk.channel:
        await press.answer(talk.plain(TOO_OLD), show_alert=True)
        return
    await press.answer()
    await state.set_state(Asking.hours)
    question = talk.say(N_("From when to when? Write for instance 22:30-6:45."))
    if talk.private:
        await talk.send(question)
        return
    # In a group only an answer to the question is one: named, whoever pressed has the line for it opened.
    person = press.from_user
    named = f'<a href="tg://user?id={person.id}">{talk.words.escaped(person.first_name)}</a>'
    await talk.bot.send_message(talk.chat, f"{named}: {question}", reply_markup=ForceReply(selective=True), message_thread_id=talk.thread)


async def typed_hours(message: Message, talk: Talk, state: FSMContext) -> None:
    """The answer to that."""
    await state.clear()
    value = choices.read_hours(message.text or "")
    change = choices.change("quiet", value, subscribed(talk), talk.hub.clock()) if value else None
    if change is None:
        await talk.send(talk.nobody(N_("These are no hours. Choose them anew: /settings")))
        return
    await talk.own.change(CHANNEL, talk.address, change, source=CHANNEL)
    now = await talk.again()
    await now.send(choices.summary(subscribed(now), now), MENU["main"](subscribed(now), now))


async def choose(press: CallbackQuery, callback_data: Choose, talk: Talk) -> None:
    """One choice."""
    change = choices.change(callback_data.field, callback_data.value, subscribed(talk), talk.hub.clock())
    await _apply(press, talk, change, "language" if callback_data.field == "language" else "main")


async def choose_topic(press: CallbackQuery, callback_data: Topic, talk: Talk) -> None:
    """A topic more or less; the last one stays."""
    change = choices.toggle(callback_data.name, callback_data.wanted, subscribed(talk))
    if change is None:
        await press.answer(talk.plain(N_("Choose at least one topic.")), show_alert=True)
        return
    await _apply(press, talk, change, "topics")


async def choose_level(press: CallbackQuery, callback_data: Level, talk: Talk) -> None:
    """How serious it must be for one topic."""
    change = choices.level(callback_data.topic, callback_data.least, subscribed(talk))
    await _apply(press, talk, change, "levels")


async def leave(press: CallbackQuery, callback_data: Leave, talk: Talk) -> None:
    """A place less; the last one stays, since /stop is what ends everything."""
    view = subscribed(talk)
    kept = tuple(place for place in view.places if places.mark(place) != callback_data.mark)
    if not kept:
        await press.answer(talk.plain(N_("This is your last place. To end all alerts: /stop")), show_alert=True)
        return
    await _apply(press, talk, SubscriptionChange(places=kept) if len(kept) < len(view.places) else None, "places")


async def widen(press: CallbackQuery, callback_data: Widen, talk: Talk) -> None:
    """Another radius."""
    changed = tuple(
        places.with_radius(place, callback_data.radius_m) if places.mark(place) == callback_data.mark and place.lat is not None else place
        for place in subscribed(talk).places
    )
    await _apply(press, talk, SubscriptionChange(places=changed), "places")


async def _apply(press: CallbackQuery, talk: Talk, change: SubscriptionChange | None, page: str) -> None:
    """Change it unless there is nothing to change, and show what is so now."""
    if change is not None:
        await talk.own.change(CHANNEL, talk.address, change, source=CHANNEL)
    now = await talk.again()
    await press.answer(now.plain(N_("Saved.")) if change is not None else None)
    await rewrite(press, now, page)


async def rewrite(press: CallbackQuery, talk: Talk, page: str) -> None:
    """Show a page in the message whose button was pressed, or in a new one when that can't be changed."""
    view = subscribed(talk)
    text, rows = choices.summary(view, talk), MENU.get(page, MENU["main"])(view, talk)
    if isinstance(press.message, Message):
        await talk.rewrite(press.message, text, rows)
    else:
        await talk.send(text, rows)


def _main(view: SubscriptionView, talk: Talk) -> Rows:
    def page(name: str, text: str) -> Button:
        return talk.plain(text), Page(name=name)

    drills, discreet = int(not view.drills), int(not view.discreet)
    return [
        [page("places", N_("Places")), page("topics", N_("Topics"))],
        [page("severity", N_("How serious")), page("language", N_("Language"))],
        [page("quiet", N_("Quiet hours")), page("pause", N_("Pause"))],
        [
            (talk.plain(N_("No drills") if view.drills else N_("Drills too")), Choose(field="drills", value=str(drills))),
            (talk.plain(N_("Not discreet") if view.discreet else N_("Discreet")), Choose(field="discreet", value=str(discreet))),
        ],
        [(talk.plain(N_("Stop all alerts")), Whole(do="stop"))],
    ]


def _places(view: SubscriptionView, talk: Talk) -> Rows:
    rows: list[list[Button]] = []
    for place in view.places[:30]:
        rows.append([("✕ " + places.place_name(place, talk), Leave(mark=places.mark(place)))])
        if place.lat is not None:
            rows.append(
                [
                    (
                        _ticked(places.radius_name(meters, talk), round(place.radius_m or 0) == meters),
                        Widen(mark=places.mark(place), radius_m=meters),
                    )
                    for meters, _ in places.RADII
                ]
            )
    return [*rows, *_back(talk)]


def _topics(view: SubscriptionView, talk: Talk) -> Rows:
    buttons: list[Button] = [
        (_ticked(talk.plain(name), topic in view.topics), Topic(name=topic, wanted=topic not in view.topics))
        for topic, name in choices.TOPICS.items()
    ]
    return [*_in_twos(buttons), *_back(talk)]


def _severity(view: SubscriptionView, talk: Talk) -> Rows:
    chosen = choices.severity_of(view)
    return [
        *(
            [(_ticked(talk.plain(name), level == chosen), Choose(field="severity", value=level))]
            for level, name in choices.SEVERITIES.items()
        ),
        [(talk.plain(N_("Another level for single topics")), Page(name="levels"))],
        *_back(talk),
    ]


def _levels(view: SubscriptionView, talk: Talk) -> Rows:
    rows = [
        [(talk.plain(name) + (f": {own}" if (own := choices.own_level(topic, view, talk)) else ""), Page(name=_level_page(topic)))]
        for topic, name in choices.TOPICS.items()
        if topic in view.topics
    ]
    return [*rows, *_back(talk, "severity")]


def _level(topic: str, view: SubscriptionView, talk: Talk) -> Rows:
    own = view.severities.get(topic, choices.OFF)
    offered = {choices.OFF: N_("As above"), **choices.SEVERITIES}
    rows = [[(_ticked(talk.plain(name), least == own), Level(topic=topic, least=least))] for least, name in offered.items()]
    return [*rows, *_back(talk, "levels")]


def _level_page(topic: str) -> str:
    return f"level-{topic}"


def _language(view: SubscriptionView, talk: Talk) -> Rows:
    buttons: list[Button] = [(_ticked(name, tag == view.language), Choose(field="language", value=tag)) for tag, name in LANGUAGES.items()]
    return [*_in_twos(buttons), *_back(talk)]


def _quiet(view: SubscriptionView, talk: Talk) -> Rows:
    now = f"{view.quiet_hours.start}-{view.quiet_hours.end}" if view.quiet_hours is not None else choices.OFF
    offered: list[tuple[str, str]] = [(choices.hours(value, talk), value) for value in choices.QUIET]
    if not talk.channel:
        offered.append((talk.plain(N_("Other hours")), "own"))
    offered.append((talk.plain(N_("No quiet hours")), choices.OFF))
    return [*([(_ticked(text, value == now), _quiet_data(value))] for text, value in offered), *_back(talk)]


def _quiet_data(value: str) -> Choose:
    return Choose(field="quiet", value=value)


def _pause(view: SubscriptionView, talk: Talk) -> Rows:
    rows: list[list[Button]] = [[(talk.plain(name), Choose(field="pause", value=hours))] for hours, name in choices.PAUSES.items()]
    if view.paused_until is not None:
        rows.append([(talk.plain(N_("End the pause")), Choose(field="pause", value=choices.OFF))])
    return [*rows, *_back(talk)]


def _back(talk: Talk, page: str = "main") -> Rows:
    return [[("‹ " + talk.plain(N_("Back")), Page(name=page))]]


def _in_twos(buttons: Sequence[Button]) -> Iterable[Sequence[Button]]:
    return [buttons[start : start + 2] for start in range(0, len(buttons), 2)]


def _ticked(text: str, chosen: bool) -> str:
    return f"✓ {text}" if chosen else text


MENU: dict[str, Callable[[SubscriptionView, Talk], Rows]] = {
    "main": _main,
    "places": _places,
    "topics": _topics,
    "severity": _severity,
    "levels": _levels,
    **{_level_page(topic): partial(_level, topic) for topic in choices.TOPICS},
    "language": _language,
    "quiet": _quiet,
    "pause": _pause,
}
"""Page → its buttons."""
