"""Finished answers: made once per change for everyone, in two codings, within bounded memory."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from hub.web import ready
from hub.web.ready import Document, Shelf, accepts_gzip, finish

TEXT = b"<p>Water rises fast in basements and underpasses.</p>" * 40


class Desk:
    """Makes documents when it is told to, and counts them."""

    def __init__(self) -> None:
        self.version, self.now, self.made, self.good_until = 1, 1000.0, 0, ready.FOREVER
        self.go = asyncio.Event()
        self.go.set()
        self.fault: Exception | None = None
        self.body = TEXT
        self.shelf: Shelf[str] = Shelf(self.make, {"Server": "Tocsin"}, lambda: self.version, lambda: self.now)

    async def make(self, key: str) -> Document:
        self.made += 1
        text = self.body + key.encode() + b"%d" % self.made
        await self.go.wait()
        if self.fault:
            raise self.fault
        return Document(body=text, headers={"Content-Type": "text/html"}, good_until=self.good_until)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_thousand_who_ask_at_once_are_one_rendering(desk: Desk) -> None:
    desk.go.clear()
    asking = [asyncio.ensure_future(desk.shelf.get("/")) for _ in range(1000)]
    await asyncio.sleep(0)
    desk.go.set()
    answers = await asyncio.gather(*asking)
    assert desk.made == 1
    assert len({id(answer) for answer in answers}) == 1


async def test_one_who_goes_away_takes_nothing_from_the_others(desk: Desk) -> None:
    desk.go.clear()
    impatient, patient = (asyncio.ensure_future(desk.shelf.get("/")) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    desk.go.set()
    assert (await patient).plain.body.endswith(b"/1")


async def test_after_a_change_nobody_gets_what_was_made_before_it(desk: Desk) -> None:
    assert (await desk.shelf.get("/")).plain.body.endswith(b"/1")
    assert (await desk.shelf.get("/")).plain.body.endswith(b"/1")
    desk.version += 1
    assert desk.shelf.peek("/") is None
    assert (await desk.shelf.get("/")).plain.body.endswith(b"/2")


async def test_what_was_begun_before_a_change_is_not_kept_for_those_who_ask_after_it(desk: Desk) -> None:
    desk.go.clear()
    early = asyncio.ensure_future(desk.shelf.get("/"))
    await asyncio.sleep(0)
    desk.version += 1
    late = asyncio.ensure_future(desk.shelf.get("/"))
    await asyncio.sleep(0)
    desk.go.set()
    assert (await early).plain.body.endswith(b"/1")
    assert (await late).plain.body.endswith(b"/2")
    kept = desk.shelf.peek("/")
    assert kept is not None
    assert kept.plain.body.endswith(b"/2")


async def test_a_text_that_names_a_time_holds_no_longer_than_it_is_true(desk: Desk) -> None:
    desk.good_until = 1060.0
    await desk.shelf.get("/")
    desk.now = 1059.9
    assert desk.shelf.peek("/") is not None
    desk.now = 1060.0
    assert desk.shelf.peek("/") is None


async def test_a_fault_is_told_to_all_who_asked_and_the_next_one_tries_again(desk: Desk) -> None:
    desk.fault = LookupError("away")
    for outcome in await asyncio.gather(*(desk.shelf.get("/") for _ in range(3)), return_exceptions=True):
        assert isinstance(outcome, LookupError)
    desk.fault = None
    assert (await desk.shelf.get("/")).plain.body.endswith(b"/2")


async def test_memory_is_bounded_and_the_least_wanted_goes_first(desk: Desk) -> None:
    desk.body = bytes(1_000_000)
    for number in range(40):
        await desk.shelf.get(f"/{number}")
        await desk.shelf.get("/0")
    assert desk.shelf.size <= ready.MOST_BYTES
    assert desk.shelf.peek("/0") is not None
    assert desk.shelf.peek("/39") is not None
    assert desk.shelf.peek("/1") is None


async def test_one_huge_document_pushes_nothing_else_out(desk: Desk) -> None:
    await desk.shelf.get("/")
    desk.body = bytes(ready.MOST_BYTES)
    await desk.shelf.get("/huge")
    assert desk.shelf.peek("/") is not None
    assert desk.shelf.peek("/huge") is None


def test_each_coding_has_a_strong_tag_of_its_own_and_either_is_known_again() -> None:
    done = finish(Document(body=TEXT, headers={"Content-Type": "text/html"}), {})
    plain, packed = done.variant(""), done.variant("br, gzip")
    assert gzip.decompress(packed.body) == plain.body == TEXT
    assert len(packed.body) < len(plain.body)
    assert plain.etag != packed.etag
    assert not plain.etag.startswith("W/")
    assert packed.headers["Content-Encoding"] == "gzip"
    for told in (plain.etag, packed.etag, f'W/{plain.etag}, "other"', "*"):
        assert done.knows(told), told
    for told in ("", '"other"', plain.etag[1:-1], '"*"'):
        assert not done.knows(told), told


def test_a_short_text_is_not_packed() -> None:
    done = finish(Document(body=b"{}", headers={"Content-Type": "application/json"}), {})
    assert done.variant("gzip").body == b"{}"
    assert "Content-Encoding" not in done.variant("gzip").headers


def test_the_written_head_says_what_the_headers_say() -> None:
    variant = finish(Document(body=TEXT, headers={"Content-Type": "text/html", "Vary": "Accept-Encoding"}), {"Server": "Tocsin"}).packed
    first, *lines, end = variant.head.decode().split("\r\n")
    assert (first, end) == ("HTTP/1.1 200 OK", "")
    assert dict(line.split(": ", 1) for line in lines) == {**variant.headers, "Content-Length": str(len(variant.body))}
    first, *lines, end = variant.unchanged.decode().split("\r\n")
    assert (first, end) == ("HTTP/1.1 304 Not Modified", "")
    assert dict(line.split(": ", 1) for line in lines) == {"Vary": "Accept-Encoding", "Server": "Tocsin", "ETag": variant.etag}


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("*", True),
        ("GZIP", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("x-gzip-like", False),
        ("gzip;q=nonsense", False),
        ("gzip ; q = 0 , br", False),
        ("br , gzip ; q=0.5 ", True),
        ("gzip" + " " * 1_000_000 + "x", False),  # by a pattern that goes back over the spaces it would take an hour
    ],
)
def test_gzip_is_sent_only_to_who_can_read_it(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted
