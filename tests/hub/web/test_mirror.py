"""The copy of the public site: read in a browser without JavaScript from a plain file server, and true again after each run."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec
import pytest
from lxml import html
from playwright.async_api import Page, async_playwright, expect
from sqlalchemy import update

from hub.alerts.store import StoredAlert
from hub.commands.mirror import LIST, copy, mirror
from hub.errors import HubError
from hub.staff.actor import SYSTEM
from hub.store import tables
from hub.store.database import database_url
from hub.store.migrate import upgrade
from hub.web.language import PAGE_LANGUAGES
from tests.hub.web.conftest import PUBLIC_URL, Parts
from tests.hub.web.test_never_public import HOUR_S, cap
from tests.processes import PATIENCE_S
from tests.warm import Command, tocsin

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


async def publish(hub: Parts, **changes: Any) -> Any:
    return await hub.publishing.submit(json.dumps(hub.alert(**changes)).encode(), SYSTEM)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


class Quiet(SimpleHTTPRequestHandler):
    """Python's own file server, which knows nothing of alerts."""

    def send_head(self) -> Any:
        """Whole each time: its times are in whole seconds, and a test may write two copies in one."""
        del self.headers["If-Modified-Since"]
        return super().send_head()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
async def page(chromium: Path) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        context = await browser.new_context(java_script_enabled=False, viewport=PHONE)
        opened, failed = await context.new_page(), list[str]()
        opened.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
        yield opened
        await browser.close()
        assert failed == []


@pytest.mark.parametrize("subfolder", ["", "city/alerts/"])
async def test_a_copy_is_read_from_a_plain_server_without_javascript_and_says_when_it_was_made(
    hub: Parts, tmp_path: Path, page: Page, subfolder: str
) -> None:
    spanish = {"language": "es", "headline": "Posibles inundaciones", "description": "Llueve.", "instruction": "No salga."}
    alert = await publish(hub, infos=[*hub.alert()["infos"], spanish])
    await copy(hub, tmp_path / "site" / subfolder)  # type: ignore[arg-type]  # the parts hold all that pages are made from
    with served(tmp_path / "site") as url:
        await page.goto(f"{url}/{subfolder}")
        await expect(page.get_by_role("heading", level=1)).to_have_text("1 alert now")
        await expect(page.get_by_role("complementary")).to_contain_text(
            re.compile(r"This is a copy \(.* 2026\) and does not change by itself")
        )
        assert await page.evaluate("getComputedStyle(document.querySelector('.alert')).borderRadius") == "12px"
        await page.get_by_role("link", name="Flooding possible in Brooklyn Heights").click()
        await expect(page.get_by_text("Stay off flooded streets.")).to_be_visible()
        await expect(page.get_by_role("link", name="The page itself")).to_have_attribute("href", f"{PUBLIC_URL}/alerts/{alert.id}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        await page.get_by_role("link", name="Español").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Posibles inundaciones")
        await expect(page.get_by_role("complementary")).to_contain_text("Esta es una copia")
        await page.get_by_role("link", name="Alertas", exact=True).click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("1 alerta ahora")


async def test_the_next_run_says_that_an_alert_has_ended(hub: Parts, tmp_path: Path, page: Page) -> None:
    alert = await publish(hub)
    await copy(hub, tmp_path / "site")  # type: ignore[arg-type]  # as above
    with served(tmp_path / "site") as url:
        await page.goto(f"{url}/alerts/{alert.id}/")
        await expect(page.get_by_text("Stay off flooded streets.")).to_be_visible()
        hub.clock.now += 3 * 3600
        await hub.publishing.end_expired()
        await copy(hub, tmp_path / "site")  # type: ignore[arg-type]  # as above
        await page.reload()
        await expect(page.get_by_text("This alert has ended.")).to_be_visible()
        await page.goto(f"{url}/")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("No alerts now")
    assert alert.id not in (tmp_path / "site/feeds/alerts.atom").read_text()
    assert (tmp_path / f"site/feeds/cap/{alert.id}.xml").exists()


@pytest.mark.parametrize("demo", [False, True])
async def test_every_link_of_a_copy_leads_to_a_file_of_it_or_to_the_hub(hub: Parts, tmp_path: Path, demo: bool) -> None:
    folder = tmp_path / "site"
    hub.demo = demo
    first = await publish(hub)
    await hub.publishing.update(first.id, json.dumps(hub.alert()).encode(), SYSTEM)
    await hub.publishing.submit(cap(hub, -HOUR_S), SYSTEM, source="cap")  # it had run out: there is a page of it and no CAP document
    await copy(hub, folder)  # type: ignore[arg-type]  # as above
    base = "http://copy.example/"
    pages = [path for path in files(folder) if path.endswith(".html")]
    assert len(pages) == 4 * len(PAGE_LANGUAGES)
    for name in pages:
        tree = html.fromstring((folder / name).read_bytes())
        assert not tree.xpath("//script")
        for link in tree.xpath("//@href | //@src | //form/@action"):
            target = urljoin(base + name, link)
            if target.startswith(base):
                assert (folder / urlsplit(target).path[1:]).is_file() or "#" in link, (name, link)
            else:
                assert target.startswith(f"{PUBLIC_URL}/"), (name, link)


async def test_what_nobody_may_see_is_not_copied(hub: Parts, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    waiting = await publish(hub, severity="Extreme")
    await copy(hub, folder)  # type: ignore[arg-type]  # as above
    assert not [path for path in files(folder) if waiting.id in path]
    assert not [path for path in files(folder) if waiting.id in (folder / path).read_text(errors="replace")]


async def test_what_is_gone_is_removed_and_what_says_the_same_is_left_alone(hub: Parts, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    alert = await publish(hub)
    await copy(hub, folder)  # type: ignore[arg-type]  # as above
    stale, cap = folder / "alerts/al_old/index.html", folder / f"feeds/cap/{alert.id}.xml"
    stale.parent.mkdir()
    stale.write_text("old")
    (folder / LIST).write_text((folder / LIST).read_text() + "alerts/al_old/index.html\n../outside\n")
    outside = tmp_path / "outside"
    outside.write_text("not ours")
    before = cap.stat().st_mtime_ns
    await copy(hub, folder)  # type: ignore[arg-type]  # as above
    assert not stale.parent.exists()
    assert outside.exists()
    assert cap.stat().st_mtime_ns == before
    assert set((folder / LIST).read_text().splitlines()) == files(folder) - {LIST}


async def test_a_folder_with_other_things_in_it_is_left_as_it_is(hub: Parts, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(HubError, match="holds other files"):
        await copy(hub, tmp_path)  # type: ignore[arg-type]  # as above
    assert files(tmp_path) - {"tocsin.db", "tocsin.db-wal", "tocsin.db-shm"} == {"letter.txt"}


async def test_the_command_copies_and_says_what_is_wrong(hub: Parts, tmp_path: Path) -> None:
    done = await tocsin("mirror", tmp_path / "site", "--data", tmp_path, "--url", "https://alerts.example.gov/")
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"0 alerts, \d+ files in .*: \d+ written, 0 removed\n", done.out)
    assert "https://alerts.example.gov/subscribe" in (tmp_path / "site/index.html").read_text()
    wrong = await tocsin("mirror", tmp_path / "other", "--data", tmp_path / "nothing")
    assert (wrong.code, wrong.out) == (1, "")
    assert "there is no hub in" in wrong.err
    assert "Traceback" not in wrong.err


async def test_a_folder_that_is_a_file_and_a_time_out_of_bounds_are_refused_in_words(hub: Parts, tmp_path: Path) -> None:
    settings = hub.settings.replace("this test", data=str(tmp_path))
    (tmp_path / "site").write_text("a file")
    with pytest.raises(HubError, match="site: File exists"):
        await mirror(settings, tmp_path / "site", every=None, say=print)
    with pytest.raises(HubError, match="between 1 and 86400 seconds"):
        await mirror(settings, tmp_path / "other", every=0.1, say=print)


async def test_copying_goes_on_after_a_copy_that_failed_until_sigterm(hub: Parts, tmp_path: Path) -> None:
    alert = await publish(hub)
    command = [str(Path(sys.executable).with_name("tocsin")), "mirror", str(tmp_path / "site"), "--data", str(tmp_path), "--every", "1"]
    await _write(hub, alert, "{}")
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        assert b"this copy failed, the next follows in 1 s" in await process.stderr.readline()
        await _write(hub, alert, msgspec.json.encode(alert.document).decode())
        assert (await process.stdout.readline()).startswith(b"1 alerts")
    finally:
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


async def test_the_copy_after_a_restore_is_of_the_hub_that_stands_there_now(hub: Parts, tmp_path: Path) -> None:
    alert = await publish(hub)
    data, restored = tmp_path / "data", tmp_path / "restored"
    upgrade(database_url("", data))
    upgrade(database_url("", restored))
    (restored / "tocsin.db").unlink()
    with closing(sqlite3.connect(tmp_path / "tocsin.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(restored / "tocsin.db"),))
    process = Command(["mirror", str(tmp_path / "site"), "--data", str(data), "--every", "1"], dict(os.environ))
    lines = await process.lines()
    try:
        assert (await lines.readline()).startswith(b"0 alerts")
        data.rename(tmp_path / "lost")
        restored.rename(data)
        async with asyncio.timeout(PATIENCE_S):
            while not (await lines.readline()).startswith(b"1 alerts"):
                """A copy that had begun before is said after."""
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
    assert (tmp_path / f"site/alerts/{alert.id}/index.html").exists()


async def test_a_disk_that_is_full_leaves_no_draft_behind(hub: Parts, tmp_path: Path) -> None:
    site = tmp_path / "site"
    copied = partial(copy, hub, site)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    await asyncio.to_thread(site.mkdir)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))  # to whoever writes, as a full disk: a fault of the system
    try:
        with pytest.raises(OSError, match="File too large"):
            await copied()  # type: ignore[arg-type]  # as above
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files(site) == set()
    assert "0 alerts" in await copied()  # type: ignore[arg-type]  # as above


async def test_a_first_copy_that_was_killed_is_begun_again(hub: Parts, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / f".{LIST}.new").write_text("index.ht")
    await copy(hub, site)  # type: ignore[arg-type]  # as above
    assert (site / "index.html").exists()
    assert not (site / f".{LIST}.new").exists()


async def _write(hub: Parts, alert: StoredAlert, document: str) -> None:
    """Behind the back of what publishes, as after a fault of an earlier release."""
    async with hub.database.write() as connection:
        await connection.execute(update(tables.alert).where(tables.alert.c.id == alert.id).values(document=document))
