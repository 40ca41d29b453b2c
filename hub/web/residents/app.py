"""What makes an app of the pages: the manifest, the worker that shows notifications, and the page for when there is no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hub.web.assets import asset_url
from hub.web.language import words
from hub.web.pages import public_page
from hub.web.when import CITY_TIME
from subscriptions.severity import rank

if TYPE_CHECKING:
    from hub.settings import Settings
    from hub.web.context import PublicContext
    from hub.web.pages import Pages, Place

THEME, GROUND = "#0b4ea2", "#f4f5f7"


class Icon(msgspec.Struct, frozen=True):
    """One drawing of the bell. `maskable` ones have room around it, for systems that cut icons to a shape."""

    src: str
    sizes: str
    type: str
    purpose: str = "any"


class Shortcut(msgspec.Struct, frozen=True):
    """What a long press on the icon offers."""

    name: str
    url: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """W3C Web Application Manifest."""

    id: str = "/"
    name: str
    short_name: str
    description: str
    lang: str = "en"
    start_url: str = "/"
    scope: str = "/"
    display: str = "standalone"
    background_color: str = GROUND
    theme_color: str = THEME
    icons: tuple[Icon, ...]
    shortcuts: tuple[Shortcut, ...]


def manifest(settings: Settings) -> bytes:
    """``GET /manifest.webmanifest``."""
    name = settings.hub_name
    return msgspec.json.encode(
        Manifest(
            name=f"{name} – {settings.city_name}",
            short_name=name,
            description=f"Alerts for {settings.city_name}",
            icons=(
                Icon(asset_url("icon-192.png"), "192x192", "image/png"),
                Icon(asset_url("icon-512.png"), "512x512", "image/png"),
                Icon(asset_url("icon-maskable-512.png"), "512x512", "image/png", "maskable"),
                Icon(asset_url("bell.svg"), "any", "image/svg+xml"),
            ),
            shortcuts=(Shortcut("Get alerts", "/subscribe"),),
        )
    )


def offline(context: PublicContext, pages: Pages, place: Place) -> bytes:
    """``GET /offline``: a frame that the visitor's own device fills with what it kept."""
    said = words(place.language)
    grades = {"now": ("Extreme", "Immediate"), "ready": ("Severe", "Expected"), "aware": ("Moderate", "Expected")}
    acts = [(tone, said.phrases.act(rank(grade), urgency)) for tone, (grade, urgency) in grades.items()]
    return public_page(pages, context, place, "offline.html", acts=[*acts, ("over", said.text("Over"))], zone=CITY_TIME.key)
