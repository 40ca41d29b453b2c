"""What the bot needs of the hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from channels.contract import ChannelSettings
from hub.clock import Clock
from hub.settings import Settings

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from hub.alerts.store import AlertStore
    from hub.delivery.ledger.ledger import Ledger
    from hub.store.database import Database
    from hub.telegram_inbox import TelegramInbox
    from subscriptions.areas import AreaCatalog
    from subscriptions.audience import Audience
    from subscriptions.enrolment import Enrolment
    from subscriptions.links import Links

CHANNEL = "telegram"


class BotHub(Protocol):
    """Satisfied by `hub.application.Hub`."""

    @property
    def enrolment(self) -> Enrolment: ...
    @property
    def channels(self) -> ChannelSettings: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def public_url(self) -> str: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def catalog(self) -> AreaCatalog: ...
    @property
    def audience(self) -> Audience: ...
    @property
    def alerts(self) -> AlertStore: ...
    @property
    def database(self) -> Database: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def links(self) -> Links: ...
    @property
    def inbox(self) -> TelegramInbox: ...

    @property
    def redis(self) -> Redis | None:
        """Where dialogues are kept when there is one."""

    @property
    def hub_key(self) -> str:
        """Tells hubs that share a Redis apart."""


class Named(Protocol):
    """Where the bot's name is written once the server has told it: from then on there are deep links."""

    name: str | None
