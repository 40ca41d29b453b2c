"""What a browser needs to show notifications and to keep the page as an app. Both must lie at the root to be in charge of all pages."""

from __future__ import annotations

from aiohttp import web

from hub.web.assets import answer, asset_url, assets
from hub.web.context import hub


async def service_worker(request: web.Request) -> web.StreamResponse:
    """``GET /sw.js``, never from a cache: a fault in it must be mended at once."""
    return answer(request, assets()["sw.js"], "no-cache")


async def manifest(request: web.Request) -> web.StreamResponse:
    """``GET /manifest.webmanifest`` (W3C Web Application Manifest)."""
    name = hub(request).settings.hub_name
    document = {
        "name": f"{name} – {hub(request).settings.city_name}",
        "short_name": name,
        "start_url": "/",
        "display": "standalone",
        "background_color": "#f4f5f7",
        "theme_color": "#0b4ea2",
        "icons": [{"src": asset_url("bell.svg"), "sizes": "any", "type": "image/svg+xml"}],
    }
    return web.json_response(document, content_type="application/manifest+json", headers={"Cache-Control": "public, max-age=3600"})
