"""Style, scripts and icons: our own from ``templates/assets``, Leaflet from its wheel. Nothing ever comes from another host."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import msgspec
from xstatic.pkg import leaflet

FOR_A_YEAR = "public, max-age=31536000, immutable"
FOR_AN_HOUR = "public, max-age=3600"
_LEAFLET = (
    "leaflet.css",
    "leaflet.js",
    "images/layers.png",
    "images/marker-icon.png",
    "images/marker-icon-2x.png",
    "images/marker-shadow.png",
)
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json"}


class Asset(msgspec.Struct, frozen=True):
    """One file, ready to be sent."""

    content_type: str
    version: str
    body: bytes


@lru_cache(maxsize=1)
def assets() -> dict[str, Asset]:
    """All of them by name. They are few and small (200 kB), so they are held in memory."""
    own = Path(str(files("templates").joinpath("assets")))
    found = {path.name: _read(path) for path in sorted(own.iterdir()) if path.is_file()}
    base = Path(leaflet.BASE_DIR)
    return found | {f"leaflet/{name}": _read(base / name) for name in _LEAFLET}


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Asset(kind, hashlib.blake2b(body, digest_size=6).hexdigest(), body)


def asset_url(name: str) -> str:
    """Address with the file's own version, so that it may be kept for a year. Raises KeyError for a file that does not exist."""
    return f"/assets/{name}?v={assets()[name].version}"


def asset_headers(name: str, version: str) -> dict[str, str]:
    """Of a file as it was asked for. Raises KeyError for one that does not exist."""
    found = assets()[name]
    cache = FOR_A_YEAR if version == found.version else FOR_AN_HOUR
    return {"Content-Type": found.content_type, "Cache-Control": cache, "Vary": "Accept-Encoding"}
