"""Draws the app's icons from templates/assets/bell.svg, with Chromium: ``python -m tests.end_to_end.icons``."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.end_to_end.conftest import FLAGS

ASSETS = Path(__file__).parents[2] / "templates" / "assets"
BELL = (ASSETS / "bell.svg").read_text(encoding="utf-8")
SQUARE = re.sub(r' rx="\d+"', "", BELL)
ALONE = re.sub(r"<rect[^>]*/>", "", BELL)
ICONS = {
    "icon-192.png": (192, BELL),
    "icon-512.png": (512, BELL),
    # Systems cut up to a tenth from each side: the bell fills three fifths, the colour everything.
    "icon-maskable-512.png": (512, SQUARE),
    # Android shows only the shape of it.
    "badge-96.png": (96, ALONE),
}


def draw() -> None:
    """Write them all."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name, (size, drawing) in ICONS.items():
            page = browser.new_page(viewport={"width": size, "height": size})
            sized = drawing.replace("<svg ", f'<svg width="{size}" height="{size}" style="display:block" ', 1)
            page.set_content(f"<!doctype html><body style='margin:0'>{sized}</body>")
            page.screenshot(path=ASSETS / name, omit_background=True)
        browser.close()


if __name__ == "__main__":
    draw()
