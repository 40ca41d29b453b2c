"""Coming, following places and going: /start, /subscribe, a location, /stop, /help, and whatever else is said."""

from __future__ import annotations

from aiogram import Bot
from aiogram.enums import ChatType
from aiogram.filters import CommandObject
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, ForceReply, Message, ReplyParameters

from hub.bot import choices, places
from hub.bot.asking import Asking
from hub.bot.buttons import Circle, Follow, Whole
from hub.bot.parts import CHANNEL
from hub.bot.talk import HOW_ADMINISTRATORS_BEGIN, NOBODY, TOO_OLD, Button, Talk
from hub.bot.words import N_
from subscriptions.subscriber import PlaceRequest, SubscriptionChange

STOPPED_AGAIN = (
    (N_("Only when lives are in danger"), "extreme"),
    (N_("Start again"), "start"),
)


async def start_with_payload(message: Message, command: CommandObject, talk: Talk, state: FSMContext) -> None:
    """A poster's link names a place, which is followed at once; a sign-up's link has a token."""
    await state.clear()
    payload = (command.args or "").strip()
    area = places.of_payload(payload, talk.hub.catalog)
    if area is not None:
        await follow(talk, (places.as_request(area),))
    elif await talk.hub.enrolment.attach_telegram(payload, talk.address):
        await tell_all(await talk.again(), N_("Done. Alerts for your places come to this chat from now on. To end them: /stop"))
    else:
        await talk.send(talk.say(N_("This link has been used or is too old. Begin here, for instance with /subscribe 11201")))


async def start(message: Message, talk: Talk, state: FSMContext) -> None:
    """Welcome; who had stopped is brought back."""
    await state.clear()
    if talk.view is None and await talk.own.start(CHANNEL, talk.address, source=CHANNEL) is not None:
        await tell_all(await talk.again(), N_("Your alerts are on again."))
        return
    await talk.send(help_text(talk, N_("%(hub)s sends official alerts for the places you choose.")))


async def help_me(message: Message, talk: Talk) -> None:
    """``/help``."""
    await talk.send(help_text(talk, N_("%(hub)s sends official alerts for the places you choose.")))


def help_text(talk: Talk, first: str) -> str:
    """What the bot does, and what it does not."""
    return "\n\n".join(
        [
            talk.say(first, hub=talk.hub.settings.hub_name),
            f"<b>{talk.say(NOBODY)}</b> " + talk.say(N_("This bot cannot take reports.")),
            "\n".join(
                [
                    talk.say(N_("/subscribe 11201 – follow a ZIP code, a neighborhood or a borough; or send your location")),
                    talk.say(N_("/settings – topics, how serious, language, quiet hours, pause")),
                    talk.say(N_("/list – what you follow")),
                    talk.say(N_("/alerts – what is on now at your places")),
                    talk.say(N_("/why – why the last alert came")),
                    talk.say(N_("/stop – end all alerts")),
                ]
            ),
        ]
    )


async def subscribe(message: Message, command: CommandObject, talk: Talk, state: FSMContext) -> None:
    """``/subscribe 11201``; without a place it is asked for, but not in a channel, where the next post may be meant for its readers."""
    await state.clear()
    if command.args:
        await follow_text(talk, command.args)
        return
    if talk.channel:
        await talk.send(talk.say(HOW_ADMINISTRATORS_BEGIN))
        return
    await state.set_state(Asking.place)
    question = talk.say(N_("Which place? Send a ZIP code, a neighborhood or a borough, or your location."))
    if talk.private:
        await talk.send(question)
        return
    # In a group only an answer to the question is one, so the app of whoever asked opens its line for it.
    asked = ReplyParameters(message_id=message.message_id, allow_sending_without_reply=True)
    await talk.bot.send_message(
        talk.chat, question, reply_markup=ForceReply(selective=True), reply_parameters=asked, message_thread_id=talk.thread
    )


async def typed_place(message: Message, talk: Talk, state: FSMContext) -> None:
    """The answer to that."""
    await state.clear()
    await follow_text(talk, message.text or "")


async def follow_text(talk: Talk, text: str) -> None:
    """Follow what was typed; what is no place is free text, which nobody watches (S27)."""
    read = places.read(text, talk.hub.catalog)
    if read.areas:
        await follow(talk, tuple(places.as_request(area) for area in read.areas))
        return
    unknown = talk.say(N_("“%(place)s” is no ZIP code, neighborhood or borough here."), place=read.unknown or text[: places.LONGEST])
    if read.near:
        unknown += " " + talk.say(N_("Did you mean:"))
    rows: list[list[Button]] = [[(places.area_name(area, talk), Follow(key=area.key))] for area in read.near]
    await talk.send(f"{unknown}\n\n{talk.say(NOBODY)}", rows)


async def follow_meant(press: CallbackQuery, callback_data: Follow, talk: Talk) -> None:
    """One of those that may have been meant."""
    await press.answer()
    area = talk.hub.catalog.get(callback_data.key)
    if area is not None:
        await follow(talk, (places.as_request(area),))


async def location(message: Message, talk: Talk, state: FSMContext) -> None:
    """A shared location: within which distance?"""
    await state.clear()
    if message.location is None:
        return
    lat, lon = (round(value, 3) for value in (message.location.latitude, message.location.longitude))
    if not places.in_city(lat, lon, talk.hub.catalog):
        await talk.send(talk.say(N_("This point is not in %(city)s."), city=talk.hub.settings.city_name))
        return
    rows: list[list[Button]] = [
        [(places.radius_name(meters, talk), Circle(lat=lat, lon=lon, radius_m=meters))] for meters, _ in places.RADII
    ]
    await talk.send(talk.say(N_("Alerts within which distance of this point?")), rows)


async def follow_circle(press: CallbackQuery, callback_data: Circle, talk: Talk) -> None:
    """The distance."""
    await press.answer()
    await follow(talk, (PlaceRequest(lat=callback_data.lat, lon=callback_data.lon, radius_m=float(callback_data.radius_m)),))


async def follow(talk: Talk, added: tuple[PlaceRequest, ...]) -> None:
    """Follow these too, and say what comes from now on."""
    if talk.view is None:
        await talk.own.join(CHANNEL, talk.address, added, language=talk.language, source=CHANNEL)
    else:
        change = SubscriptionChange(places=(*talk.view.places, *added), paused_until=None)  # as by text message: who asks wants alerts now
        await talk.own.change(CHANNEL, talk.address, change, source=CHANNEL)
    await tell_all(await talk.again(), N_("Done. From now on this chat gets alerts:"))


async def tell_all(talk: Talk, first: str) -> None:
    """A sentence, and all that is chosen."""
    lines = [talk.say(first)]
    if talk.view is not None:
        lines += [choices.summary(talk.view, talk), talk.say(N_("To change it: /settings. To end it: /stop"))]
    await talk.send("\n\n".join(lines))


async def stop(message: Message, talk: Talk, state: FSMContext) -> None:
    """``/stop``."""
    await state.clear()
    await _stop(talk)


async def _stop(talk: Talk) -> None:
    await talk.own.stop(CHANNEL, talk.address, source=CHANNEL)
    rows: list[list[Button]] = [[(talk.plain(text), Whole(do=do))] for text, do in STOPPED_AGAIN]
    # The same words whether or not there was something to end.
    stopped = talk.say(N_("Stopped. %(hub)s sends nothing more to this chat."), hub=talk.hub.settings.hub_name)
    kept = talk.say(N_("For a week a button brings your choices back; then they are forgotten."))
    await talk.send(f"{stopped}\n\n{kept}", rows)


async def whole(press: CallbackQuery, callback_data: Whole, talk: Talk) -> None:
    """Stop, or start again as before or with only the gravest."""
    await press.answer()
    if callback_data.do == "stop":
        await _stop(talk)
        return
    extreme = callback_data.do == "extreme"
    if await talk.own.start(CHANNEL, talk.address, source=CHANNEL, only_extreme=extreme) is None:
        await talk.send(talk.say(N_("There is nothing to bring back. Begin anew, for instance with /subscribe 11201")))
        return
    await tell_all(await talk.again(), N_("Your alerts are on again."))


async def anything_else(message: Message, talk: Talk) -> None:
    """Whoever writes in the belief that somebody reads it learns at once that nobody does (S27). Talk among others is none of ours."""
    if not talk.private and not _to_us(message, talk.bot):
        return
    areas = places.read(message.text, talk.hub.catalog).areas if message.text and talk.private else ()
    offered = talk.plain(N_("Get alerts for %(place)s"))
    rows: list[list[Button]] = [
        [(offered % {"place": places.area_name(area, talk)}, Follow(key=area.key))] for area in areas[: places.NEAR_AT_MOST]
    ]
    await talk.send(talk.nobody(N_("What this bot can do: /help")), rows)


async def is_answer(message: Message, bot: Bot) -> bool:
    """Whether words may be the answer to a question of the bot: in a group only where they say so, since others talk there too."""
    return message.chat.type == ChatType.PRIVATE or _to_us(message, bot)


def _to_us(message: Message, bot: Bot) -> bool:
    answered = message.reply_to_message
    return answered is not None and answered.from_user is not None and answered.from_user.id == bot.id


async def unknown_button(press: CallbackQuery, talk: Talk) -> None:
    """A button of an older release."""
    await press.answer(talk.plain(TOO_OLD), show_alert=True)
