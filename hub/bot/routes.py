"""The whole table of what the bot answers, in the order in which it is asked: the first that fits serves."""

from __future__ import annotations

from aiogram import Dispatcher, F
from aiogram.enums import ChatType
from aiogram.filters import Command, CommandStart
from aiogram.fsm.strategy import FSMStrategy

from channels.telegram import READ
from hub.bot import chats, commands, news, settings_menu
from hub.bot.asking import Asking
from hub.bot.buttons import Choose, Circle, Follow, Leave, Level, Page, Topic, Whole, Widen
from hub.bot.memory import Turns, dialogue_storage
from hub.bot.parts import BotHub
from hub.bot.talking import Talking
from hub.bot.words import Words

CHANGES = {"changes": True}
"""Only for who may change what a chat gets: see `hub.bot.talking.may_change`."""
ANYONE: dict[str, bool] = {}

COMMANDS = (
    ("subscribe", commands.subscribe, CHANGES),
    ("settings", settings_menu.settings, CHANGES),
    ("language", settings_menu.language, CHANGES),
    ("stop", commands.stop, CHANGES),
    ("list", settings_menu.list_places, ANYONE),
    ("alerts", news.alerts, ANYONE),
    ("why", news.why, ANYONE),
    ("help", commands.help_me, ANYONE),
)
"""In chats, groups and channels alike."""

BUTTONS = (
    (Page.filter(), settings_menu.show),
    (Choose.filter(F.value == "own"), settings_menu.ask_for_hours),
    (Choose.filter(), settings_menu.choose),
    (Topic.filter(), settings_menu.choose_topic),
    (Level.filter(), settings_menu.choose_level),
    (Leave.filter(), settings_menu.leave),
    (Widen.filter(), settings_menu.widen),
    (Follow.filter(), commands.follow_meant),
    (Circle.filter(), commands.follow_circle),
    (Whole.filter(), commands.whole),
)
"""Those that change something, but for the first."""


def dispatcher(hub: BotHub, words: Words) -> Dispatcher:
    """One chat is one dialogue, in a group too, and its updates are served one after the other."""
    storage = dialogue_storage(hub.redis, hub.hub_key)
    made = Dispatcher(storage=storage, fsm_strategy=FSMStrategy.CHAT, events_isolation=Turns())
    talking = Talking(hub, words)
    for observer in (made.message, made.channel_post, made.callback_query, made.my_chat_member):
        observer.middleware(talking)
    _membership(made)
    _messages(made)
    _buttons(made)
    return made


def _membership(made: Dispatcher) -> None:
    of_many = F.chat.type.in_({ChatType.GROUP, ChatType.SUPERGROUP, ChatType.CHANNEL})
    made.my_chat_member.register(chats.removed, F.new_chat_member.status.in_(chats.GONE))
    made.my_chat_member.register(chats.added, F.old_chat_member.status.in_(chats.GONE), of_many)
    made.message.register(chats.migrated, F.migrate_to_chat_id)


def _messages(made: Dispatcher) -> None:
    made.message.register(commands.start_with_payload, CommandStart(deep_link=True), flags=CHANGES)
    made.message.register(commands.start, CommandStart(), flags=CHANGES)
    for name, handler, flags in COMMANDS:
        for observer in (made.message, made.channel_post):
            observer.register(handler, Command(name, ignore_case=True), flags=flags)
    typed = F.text & ~F.text.startswith("/")
    made.message.register(commands.typed_place, Asking.place, typed, commands.is_answer, flags=CHANGES)
    made.message.register(settings_menu.typed_hours, Asking.hours, typed, commands.is_answer, flags=CHANGES)
    made.message.register(commands.location, F.location, commands.is_answer, flags=CHANGES)
    made.message.register(commands.anything_else)


def _buttons(made: Dispatcher) -> None:
    made.callback_query.register(news.have_read, F.data.startswith(f"{READ}:"))
    for data, handler in BUTTONS:
        made.callback_query.register(handler, data, flags=CHANGES)
    made.callback_query.register(commands.unknown_button)
