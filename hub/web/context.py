"""What every request handler may use: the parts of the running hub, who asks, and how an error page is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

from hub.clock import Clock
from hub.settings import Settings
from hub.staff.actor import Actor
from hub.store.database import Database

if TYPE_CHECKING:
    from channels.contract import ChannelSettings
    from hub.alerts.store import AlertStore
    from hub.delivery.outcome_check import Stalled
    from hub.delivery.words.rendering import Renderer
    from hub.feeds.news import News
    from hub.incidents.incident import Incidents
    from hub.live import Live
    from hub.metrics import Metrics
    from hub.publishing.publishing import Publishing
    from hub.sms.inbox import Inbox
    from hub.staff.account import Staff
    from hub.telegram_inbox import TelegramInbox
    from subscriptions.areas import AreaCatalog
    from subscriptions.audience import Audience
    from subscriptions.enrolment import Enrolment
    from subscriptions.links import Links
    from subscriptions.vault import Keyring


class PublicContext(Protocol):
    """What public documents are made from; a copy of the public site needs no more of a hub."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def catalog(self) -> AreaCatalog: ...
    @property
    def incidents(self) -> Incidents: ...
    @property
    def alerts(self) -> AlertStore: ...

    @property
    def public_url(self) -> str:
        """How people reach this hub, without a slash at the end."""

    @property
    def demo(self) -> bool:
        """Started with ``--demo``: everything shown is a sample."""


class HubContext(PublicContext, Protocol):
    """The parts of the hub, built once by `hub.application`."""

    @property
    def database(self) -> Database: ...
    @property
    def audience(self) -> Audience: ...
    @property
    def keyring(self) -> Keyring: ...
    @property
    def links(self) -> Links: ...
    @property
    def channels(self) -> ChannelSettings: ...
    @property
    def enrolment(self) -> Enrolment: ...
    @property
    def sms(self) -> Inbox: ...
    @property
    def staff(self) -> Staff: ...
    @property
    def publishing(self) -> Publishing: ...
    @property
    def renderer(self) -> Renderer: ...
    @property
    def live(self) -> Live: ...
    @property
    def news(self) -> News: ...
    @property
    def metrics(self) -> Metrics: ...

    @property
    def inbox(self) -> TelegramInbox: ...

    @property
    def vapid_public_key(self) -> str:
        """The hub's P-256 key for push services, uncompressed point, base64url (RFC 8292)."""

    def stalled(self) -> Sequence[Stalled]:
        """Live alerts that reach nobody although people are left."""

    def demo_notices(self) -> list[tuple[str, str]]:
        """Ready-made notices as (title, alert JSON); none outside the demonstration."""

    def demo_log_ins(self) -> list[tuple[str, str, str]]:
        """(role, name, password) of the demonstration's staff; none outside it."""

    def demo_people(self) -> list[tuple[str, str, tuple[str, ...], bool]]:
        """(label, language, channels, whether they take drills) of the sample people; none outside the demonstration."""

    async def readiness(self) -> Mapping[str, str]:
        """Part → ``ok`` or why not, without secrets. The parts ``publish`` and ``delivery`` decide whether the hub is ready."""


class ErrorPage(Protocol):
    """Draws an error for people. `title` and `detail` are plain text and must be escaped."""

    def __call__(self, request: web.Request, status: int, title: str, detail: str) -> web.Response: ...


HUB: web.AppKey[HubContext] = web.AppKey("hub", HubContext)
ERROR_PAGE: web.AppKey[ErrorPage] = web.AppKey("error_page", ErrorPage)
"""Set by `build_app` to `hub.web.pages.error_page`."""

ACTOR: web.RequestKey[Actor] = web.RequestKey("actor", Actor)
"""Who is logged in or sent a token; missing for everyone else."""

CLIENT: web.RequestKey[str] = web.RequestKey("client", str)
"""The client's address after trusted proxies, for limits only: never logged, never stored in clear."""


def hub(request: web.Request) -> HubContext:
    """The running hub."""
    return request.app[HUB]
