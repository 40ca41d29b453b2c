"""Words that are cut: between two of them where the script has spaces, and never inside a link or a character."""

from __future__ import annotations

import pytest

from hub.alerts.alert import Info
from hub.delivery.words.rendering import Renderer
from hub.delivery.words.shortening import cut
from tests.channels.test_cutting import CHARACTERS, LINK
from tests.hub.delivery.published import NOW, TEXT_CHANNELS, URL, everything, stored

CHINESE = "街道水位上升，请立即离开地下室上楼，不要返回。"


@pytest.mark.parametrize(
    ("text", "most", "left"),
    [
        ("Boil your water", 15, "Boil your water"),
        ("Boil your water", 14, "Boil your…"),
        ("立即前往更高的地方", 5, "立即前往…"),
        ("Boil", 1, "…"),
        ("Boil", 0, ""),
    ],
)
def test_a_cut_ends_with_a_word(text, most, left):
    assert cut(text, most) == left


def test_a_name_ends_with_a_place_where_it_names_several():
    assert cut("Breezy Point-Belle Harbor-Rockaway Park", 20, "- ") == "Breezy Point…"
    assert cut("Springfield Gardens (South)-Brookville", 20, "- ") == "Springfield…"
    assert cut("Astoria", 20, "- ") == "Astoria"


@pytest.mark.parametrize("before", ["See ", "详情见"])
def test_a_cut_leaves_a_link_out_that_has_no_room_and_touches_none_with_its_ellipsis(before):
    text = f"{before}{LINK}{'。' if before != 'See ' else ' '}{CHINESE}"
    for most in range(1, len(text)):
        left = cut(text, most)
        assert len(left) <= most
        assert left.endswith("…")
        assert f"{before}{LINK}".startswith(left.removesuffix("…")) is ("http" not in left)
        assert f"{LINK}…" not in left


@pytest.mark.parametrize("character", CHARACTERS.values(), ids=CHARACTERS)
def test_a_cut_is_never_inside_a_character(character):
    for most in range(1, len(character) * 4):
        assert cut(character * 4, most).removesuffix("…").replace(character, "") == ""


@pytest.mark.parametrize("channel", TEXT_CHANNELS)
def test_no_channel_breaks_an_authors_link_in_a_script_without_spaces(channel):
    renderer = Renderer(URL, "Tocsin", "New York City", NOW.timestamp)
    for room in range(0, 320, 6):
        words = f"{(CHINESE * 20)[:room]}详情见{LINK}。{CHINESE * 60}"
        info = Info(language="zh-Hans", headline="洪水", description=words, instruction=words)
        said = everything(renderer.alert(stored(infos=(info,)), channel, "zh-Hans")).replace("&amp;", "&")
        assert said.count("https://www1") == said.count(LINK)
