"""Pictures of every page at two widths and in three languages, and their index.

``python -m tests.end_to_end.screenshots`` writes docs/images/pages, docs/images/home.webp and docs/screenshots.md.
"""

from __future__ import annotations

import base64
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from tests.end_to_end.conftest import FLAGS, demonstration
from tests.end_to_end.course import way
from tests.end_to_end.eyes import Eyes
from tests.end_to_end.pages import log_in
from tests.end_to_end.severities import publish_every_severity

ROOT = Path(__file__).parents[2]
WIDTHS = {"phone": 390, "desk": 1280}
LANGUAGES = {"en": "English", "es": "Español", "ar": "العربية"}
MOST_BYTES = 40_000
FRONT: ViewportSize = {"width": 1280, "height": 860}
FRONT_BYTES = 100_000
TALLEST = 3200
PLACES = {"en": "11215", "es": "11217", "ar": "11231"}

RESIDENTS = {
    "home": "What is going on now",
    "filter": "The list, narrowed",
    "alert": "One alert",
    "subscribe": "Sign-up",
    "subscribed": "Signed up: one more step",
    "confirm": "The link of a letter: nothing happens before the button",
    "confirmed": "Confirmed, with what is in effect there now",
    "manage": "Asking for one's settings",
    "manage-asked": "Asked: the same whoever asks",
    "manage-open": "A link that works once: nothing happens before the button",
    "settings": "One's own settings",
    "no-link": "A link that does not work",
    "why": "Why did I get this?",
    "unsubscribe": "Stopping",
    "ended": "Stopped",
    "offline": "Without a network: the last that the device has seen",
    "error": "An error",
}
STAFF = {
    "log-in": ("/console/log-in", "Log-in"),
    "console": ("/console", "The console"),
    "preview": ("/console/demo-notice?notice={notice}", "What a ready-made notice will do, before anything is sent"),
    "compose": ("/console/compose?start=flash-flood", "Writing an alert"),
    "console-alert": ("/console/alerts/{alert}", "An alert on its way"),
    "languages": ("/console/languages", "How far each language has got"),
    "outbox": ("/outbox", "What the sample people get"),
}
EYES = {"deuteranopia": "deuteranopia: red and green look alike", "achromatopsia": "achromatopsia: no colours at all"}
PACK = """async ([png, most, tallest]) => {
    const image = new Image();
    image.src = "data:image/png;base64," + png;
    await image.decode();
    for (const [scale, quality] of [[1, 0.7], [1, 0.5], [0.75, 0.6], [0.75, 0.4], [0.5, 0.5], [0.4, 0.4], [0.25, 0.3]]) {
        const canvas = new OffscreenCanvas(image.width * scale, Math.min(image.height, tallest) * scale);
        canvas.getContext("2d").drawImage(image, 0, 0, image.width * scale, image.height * scale);
        const blob = await canvas.convertToBlob({ type: "image/webp", quality });
        if (blob.size > most) continue;
        const bytes = new Uint8Array(await blob.arrayBuffer());
        return btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join(""));
    }
    throw new Error("too large");
}"""


class Studio:
    """A page before the camera."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.packer = page.context.new_page()

    def publish(self) -> tuple[str, str]:
        """Two alerts that are out. (the path of the one that everybody gets, the number of the notice that is worth a preview)"""
        log_in(self.page, "approver")
        for name in ("Road closure", "Heat advisory"):
            self.page.goto("/console")
            self.page.get_by_role("listitem").filter(has_text=name).get_by_role("button", name="Publish").click()
            self.page.wait_for_url(re.compile("/console/alerts/"))
        alert = self.page.url.rsplit("/", 1)[1]
        self.page.goto("/console")
        notice = self.page.get_by_role("link", name="Preview: Flash flood").get_attribute("href") or ""
        return f"/alerts/{alert}", notice.rpartition("=")[2]

    def take(self, name: str, language: str) -> None:
        """What stands there, at both widths."""
        for size, width in WIDTHS.items():
            self.page.set_viewport_size({"width": width, "height": 844})
            if name in {"home", "alert"}:
                self.page.reload()
                self.page.locator("#show-map").click()
            if self.page.locator("#map:not([hidden]), #map[data-soon]").count():
                self.page.wait_for_selector("#map[data-ready]")
            self.page.evaluate("scrollTo(0, 0)")  # what sticks to the window stands where it begins
            png = base64.b64encode(self.page.screenshot(full_page=True)).decode()
            packed = self.packer.evaluate(PACK, [png, MOST_BYTES, TALLEST])
            (self.folder / f"{name}-{language}-{size}.webp").write_bytes(base64.b64decode(packed))


def take_front(browser: Browser, hub: str) -> None:
    """The picture of the README: to what is out already, a flood that two people publish, and the map."""
    author, approver = (browser.new_context(base_url=hub, viewport=FRONT, reduced_motion="reduce").new_page() for _ in range(2))
    log_in(author, "author")
    author.get_by_role("listitem").filter(has_text="Flash flood").get_by_role("button", name="Publish").first.click()
    author.wait_for_url(re.compile("/console/alerts/"))
    log_in(approver, "approver")
    approver.goto(author.url)
    approver.get_by_label("How many people").fill(approver.locator(".big b").inner_text())
    approver.get_by_role("button", name="Approve and send").click()
    approver.wait_for_load_state()
    approver.goto("/")
    approver.locator("#show-map").click()
    approver.wait_for_selector("#map[data-ready]")
    approver.evaluate("scrollTo(0, 0)")
    png = base64.b64encode(approver.screenshot()).decode()
    packed = approver.context.new_page().evaluate(PACK, [png, FRONT_BYTES, FRONT["height"]])
    (ROOT / "docs" / "images" / "home.webp").write_bytes(base64.b64decode(packed))


def take_eyes(browser: Browser, folder: Path) -> None:
    """One alert of each severity, in the list and on the map, as people see it who tell colours apart differently."""
    data = Path(tempfile.mkdtemp())
    with demonstration(data) as hub:
        publish_every_severity(hub, data)
        page = browser.new_context(base_url=hub, reduced_motion="reduce", service_workers="block").new_page()
        studio = Studio(page, folder)
        page.goto("/")
        for deficiency in EYES:
            Eyes(page).become(deficiency)
            studio.take("home", deficiency)


def index(folder: Path) -> Iterator[str]:
    """The lines of docs/screenshots.md."""
    yield "# Every page, in pictures\n"
    yield "At 390 and 1280 points, in English, Spanish and Arabic; staff's in English. Taken from the demonstration by"
    yield "`python -m tests.end_to_end.screenshots`.\n"
    staff = {name: what for name, (_, what) in STAFF.items()}
    for title, pages, languages in (("Residents", RESIDENTS, LANGUAGES), ("Staff", staff, {"en": "English"})):
        yield f"## {title}\n"
        for name, what in pages.items():
            yield f"### {what}\n"
            for language, own_name in languages.items():
                if (folder / f"{name}-{language}-desk.webp").exists():
                    yield _pair(f"{name}-{language}", f"{what}, {own_name}")
    yield "## Without colours\n"
    yield "One alert of each severity, as Chromium emulates it.\n"
    for deficiency, what in EYES.items():
        yield f"### {what.capitalize()}\n"
        yield _pair(f"home-{deficiency}", f"Current alerts, {what}")


def _pair(picture: str, what: str) -> str:
    """What stands on a phone and on a desk, side by side."""
    phone, desk = (f"images/pages/{picture}-{size}.webp" for size in WIDTHS)
    return f'<img src="{phone}" width="195" alt="{what}, on a phone"> <img src="{desk}" width="560" alt="{what}, on a desk">\n'


def main() -> None:
    """Take them all; a page that can't be shown is an error."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images" / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    with demonstration(Path(tempfile.mkdtemp())) as hub, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        context: BrowserContext = browser.new_context(base_url=hub, locale="en-US", reduced_motion="reduce", service_workers="block")
        studio = Studio(context.new_page(), folder)
        alert, notice = studio.publish()
        for language, place in PLACES.items():
            for name in way(studio.page, language, place, alert):
                if name in RESIDENTS:
                    studio.take(name, language)
        for name, (path, _) in STAFF.items():
            studio.page.goto(path.format(alert=alert.rpartition("/")[2], notice=notice))
            studio.take(name, "en")
        take_front(browser, hub)
        take_eyes(browser, folder)
        browser.close()
    (ROOT / "docs" / "screenshots.md").write_text("\n".join(index(folder)).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
