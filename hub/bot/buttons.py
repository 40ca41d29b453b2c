"""What buttons send back. Each carries all that it needs, so one that was sent before a restart, or a year ago, still works."""

from __future__ import annotations

from aiogram.filters.callback_data import CallbackData


class Page(CallbackData, prefix="page", sep="|"):
    """Show a page of the settings."""

    name: str


class Choose(CallbackData, prefix="choose", sep="|"):
    """Set one choice."""

    field: str
    value: str


class Topic(CallbackData, prefix="topic", sep="|"):
    """Take a topic, or leave it."""

    name: str
    wanted: bool


class Level(CallbackData, prefix="level", sep="|"):
    """The least severity of one topic, ``off`` for the one that holds for all."""

    topic: str
    least: str


class Follow(CallbackData, prefix="follow", sep="|"):
    """Follow a named area, by its key."""

    key: str


class Leave(CallbackData, prefix="leave", sep="|"):
    """Follow a place no more, by its mark."""

    mark: str


class Circle(CallbackData, prefix="circle", sep="|"):
    """Follow what is around a point."""

    lat: float
    lon: float
    radius_m: int


class Widen(CallbackData, prefix="widen", sep="|"):
    """Another radius for a circle that is followed, by its mark."""

    mark: str
    radius_m: int


class Whole(CallbackData, prefix="whole", sep="|"):
    """``start`` all again, only ``extreme`` alerts, or ``stop``."""

    do: str
