"""Style, scripts and templates: small, our own, and allowed by a policy that knows no inline code and no other host."""

from __future__ import annotations

import json
import re
import struct

import pytest

from hub.web.assets import asset_url, assets
from hub.web.routes import TABLE
from tests.hub.web.page_strings import TEMPLATES

CSS_BYTES = 15_000
OTHER_HOST = re.compile(r"""(?:src|href|url\(|fetch\(|import)\s*[=(]?\s*["']?(?:https?:)?//""")
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", re.IGNORECASE)


def test_the_style_is_one_small_file() -> None:
    assert [name for name in assets() if name.endswith(".css") and not name.startswith("leaflet/")] == ["tocsin.css"]
    assert len(assets()["tocsin.css"].body) <= CSS_BYTES


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_no_template_holds_inline_code_or_names_another_host(template) -> None:
    text = template.read_text(encoding="utf-8")
    assert not INLINE.search(text)
    assert not OTHER_HOST.search(text)


@pytest.mark.parametrize("name", [name for name in assets() if not name.startswith("leaflet/") and not name.endswith(".png")])
def test_no_asset_of_ours_asks_another_host(name: str) -> None:
    assert not OTHER_HOST.search(assets()[name].body.decode())


def test_an_address_changes_with_the_file() -> None:
    assert asset_url("tocsin.css") == f"/assets/tocsin.css?v={assets()['tocsin.css'].version}"


async def test_an_asset_is_kept_for_a_year_only_at_the_address_of_its_version(client) -> None:
    fresh = await client.get(asset_url("tocsin.css"))
    assert "immutable" in fresh.headers["Cache-Control"]
    other = await client.get("/assets/tocsin.css?v=old")
    assert "immutable" not in other.headers["Cache-Control"]


async def test_leaflet_comes_from_its_wheel(client) -> None:
    answer = await client.get("/assets/leaflet/leaflet.js")
    assert answer.status == 200
    assert answer.content_type == "text/javascript"


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fpages%2Fbase.html", "leaflet/leaflet-src.js", "../../pyproject.toml"])
async def test_nothing_else_can_be_read(client, name: str) -> None:
    assert (await client.get(f"/assets/{name}")).status == 404


async def test_the_service_worker_lies_at_the_root_and_is_asked_about_each_time(client) -> None:
    answer = await client.get("/sw.js")
    assert answer.content_type == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_the_manifest_makes_an_app_with_icons_that_are_what_they_say(client) -> None:
    answer = await client.get("/manifest.webmanifest")
    assert answer.content_type == "application/manifest+json"
    app = json.loads(await answer.read())
    assert (app["start_url"], app["scope"], app["display"]) == ("/", "/", "standalone")
    assert {(icon["sizes"], icon["purpose"]) for icon in app["icons"]} >= {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")}
    for icon in app["icons"]:
        drawing = await client.get(icon["src"])
        assert drawing.content_type == icon["type"]
        body = await drawing.read()
        if icon["type"] == "image/png":
            # PNG: eight bytes of signature, then IHDR with width and height (RFC 2083 §11.2.1).
            assert "x".join(str(side) for side in struct.unpack(">II", body[16:24])) == icon["sizes"]
    known = {route.path for route in TABLE if route.method == "GET"}
    assert {shortcut["url"] for shortcut in app["shortcuts"]} <= known


async def test_the_offline_page_is_the_same_for_everyone_and_speaks_their_language(client) -> None:
    for path, words in (("/offline", "You are offline"), ("/es/offline", "Sin conexión")):
        answer = await client.get(path)
        assert words in await answer.text()
        assert "public" in answer.headers["Cache-Control"]
