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
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from tests.end_to_end.conftest import FLAGS, demonstration
from tests.end_to_end.pages import link_in_outbox, log_in

ROOT = Path(__file__).parents[2]
WIDTHS = {"phone": 390, "desk": 1280}
LANGUAGES = {"en": "English", "es": "Español", "ar": "العربية"}
MOST_BYTES = 40_000
FRONT: ViewportSize = {"width": 1280, "height": 860}
FRONT_BYTES = 100_000
TALLEST = 3200
PLACE = "11215"

RESIDENTS = {
    "home": ("/", "What is going on now"),
    "filter": ("/?place=Brooklyn&topic=weather", "The list, narrowed"),
    "alert": ("/alerts/{alert}", "One alert"),
    "subscribe": ("/subscribe", "Sign-up"),
    "confirm": ("/confirm/{confirm}", "The link of a letter: nothing happens before the button"),
    "manage": ("/manage", "Asking for one's settings"),
    "settings": ("/manage/{manage}", "One's own settings"),
    "why": ("/why/{why}", "Why did I get this?"),
    "unsubscribe": ("/unsubscribe/{unsubscribe}", "Stopping"),
    "offline": ("/offline", "Without a network"),
    "error": ("/nothing-here", "An error"),
}
STAFF = {
    "log-in": ("/console/log-in", "Log-in"),
    "console": ("/console", "The console"),
    "compose": ("/console/compose?start=flash-flood", "Writing an alert"),
    "console-alert": ("/console/alerts/{alert}", "An alert on its way"),
    "languages": ("/console/languages", "How far each language has got"),
    "outbox": ("/outbox", "What the sample people get"),
}
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
    """A demonstration, a visitor of it, and what the pictures need to exist."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.packer = page.context.new_page()
        self.known: dict[str, str] = {}

    def prepare(self) -> None:
        """An alert that is out, and a person who has signed up."""
        page = self.page
        log_in(page, "approver")
        for name in ("Heat advisory", "Street closure"):
            page.goto("/console")
            starter = page.get_by_role("listitem").filter(has_text=name).get_by_role("button", name="Publish")
            if starter.count():
                starter.first.click()
                page.wait_for_url(re.compile("/console/alerts/"))
                self.known.setdefault("alert", page.url.rsplit("/", 1)[1])
        page.goto("/subscribe")
        page.get_by_label("Which place?").fill(PLACE)
        page.get_by_label("Your e-mail address").fill("pictures@example.org")
        page.get_by_role("button", name="Get alerts").click()
        confirm = link_in_outbox(page, "confirm", f"alerts here for: {PLACE}")
        page.goto(confirm)
        page.get_by_role("main").get_by_role("button").first.click()
        self.known["confirm"] = confirm.rsplit("/", 1)[1]
        page.goto("/outbox?channel=email")
        for kind in ("why", "unsubscribe"):
            self.known[kind] = self._from_outbox(kind)
        page.goto("/manage")
        page.locator("main form input[name]").last.fill("pictures@example.org")
        page.get_by_role("main").get_by_role("button").first.click()
        self.page.goto(link_in_outbox(page, "manage", "To whoever asked for a link"))
        self.page.get_by_role("main").get_by_role("button").first.click()
        self.known["manage"] = urlsplit(self.page.url).path.rsplit("/", 1)[1]

    def _from_outbox(self, kind: str) -> str:
        link = self.page.locator(f".device.email a[href*='/{kind}/']").first
        return (link.get_attribute("href") or "").rsplit("/", 1)[1]

    def take(self, name: str, path: str, language: str) -> None:
        """One page at both widths."""
        address = path.format(**self.known)
        for size, width in WIDTHS.items():
            self.page.set_viewport_size({"width": width, "height": 844})
            self.page.goto(address if language == "en" else f"/{language}{address}")
            if name in {"home", "alert"}:
                self.page.locator("#show-map").click()
                self.page.wait_for_selector("#map[data-ready]")
            png = base64.b64encode(self.page.screenshot(full_page=True)).decode()
            packed = self.packer.evaluate(PACK, [png, MOST_BYTES, TALLEST])
            (self.folder / f"{name}-{language}-{size}.webp").write_bytes(base64.b64decode(packed))


def take_front(browser: Browser, hub: str) -> None:
    """The picture of the README: a flood that two people have published, a closure that needed one, and the map."""
    author, approver = (browser.new_context(base_url=hub, viewport=FRONT, reduced_motion="reduce").new_page() for _ in range(2))
    log_in(author, "author")
    for name in ("Road closure", "Flash flood"):
        author.goto("/console")
        author.get_by_role("listitem").filter(has_text=name).get_by_role("button", name="Publish").first.click()
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


def index(folder: Path) -> Iterator[str]:
    """The lines of docs/screenshots.md."""
    yield "# Every page, in pictures\n"
    yield "At 390 and 1280 points, in English, Spanish and Arabic; staff's in English. Taken from the demonstration by"
    yield "`python -m tests.end_to_end.screenshots`.\n"
    for title, pages, languages in (("Residents", RESIDENTS, LANGUAGES), ("Staff", STAFF, {"en": "English"})):
        yield f"## {title}\n"
        for name, (_, what) in pages.items():
            yield f"### {what}\n"
            for language, own_name in languages.items():
                shown = [f"{name}-{language}-{size}.webp" for size in WIDTHS]
                if all((folder / one).exists() for one in shown):
                    phone, desk = (f"images/pages/{one}" for one in shown)
                    yield (
                        f'<img src="{phone}" width="195" alt="{what}, {own_name}, on a phone"> '
                        f'<img src="{desk}" width="560" alt="{what}, {own_name}, on a desk">\n'
                    )


def main() -> None:
    """Take them all; a page that can't be shown is an error."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images" / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    with demonstration(Path(tempfile.mkdtemp())) as hub, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        context: BrowserContext = browser.new_context(base_url=hub, locale="en-US", reduced_motion="reduce", service_workers="block")
        studio = Studio(context.new_page(), folder)
        studio.prepare()
        for name, (path, _) in RESIDENTS.items():
            for language in LANGUAGES:
                studio.take(name, path, language)
        for name, (path, _) in STAFF.items():
            studio.take(name, path, "en")
        take_front(browser, hub)
        browser.close()
    (ROOT / "docs" / "screenshots.md").write_text("\n".join(index(folder)).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
