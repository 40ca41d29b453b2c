"""What the bot may be waiting for in a chat. It is forgotten with the next command, and whatever else comes then is free text again."""

from __future__ import annotations

from aiogram.fsm.state import State, StatesGroup


class Asking(StatesGroup):
    """The questions that are answered by typing."""

    place = State()
    hours = State()
