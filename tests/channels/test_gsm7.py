"""SMS texts are coded and cut as phones put them together again."""

import pytest
from aiosmpplib.codec import GSM7BitCodec
from hypothesis import given
from hypothesis import strategies as st

from channels.gsm7 import Segmented, decode, encode, plain_letters, segments

EXTENSION = "^{}\\[~]|€\f"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segmented("GSM-7", 0, 1)),
        ("a" * 160, Segmented("GSM-7", 160, 1)),
        ("a" * 161, Segmented("GSM-7", 161, 2)),
        ("a" * 306, Segmented("GSM-7", 306, 2)),
        ("a" * 307, Segmented("GSM-7", 307, 3)),
        ("€" * 80, Segmented("GSM-7", 160, 1)),
        ("a" * 159 + "€", Segmented("GSM-7", 161, 2)),
        ("水" * 70, Segmented("UCS-2", 70, 1)),
        ("水" * 71, Segmented("UCS-2", 71, 2)),
        ("水" * 134, Segmented("UCS-2", 134, 2)),
        ("水" * 135, Segmented("UCS-2", 135, 3)),
        ("🚨" * 35, Segmented("UCS-2", 70, 1)),
        ("🚨" * 36, Segmented("UCS-2", 72, 2)),
    ],
)
def test_segments_are_counted_at_every_border(text: str, expected: Segmented) -> None:
    assert segments(text) == expected


def test_an_extension_character_is_not_split_between_segments() -> None:
    parts = encode("a" * 152 + "€" + "b" * 100).parts
    assert [len(part) for part in parts] == [152, 102]
    assert decode(parts[1], "GSM-7").startswith("€b")


def test_a_surrogate_pair_is_not_split_between_segments() -> None:
    parts = encode("水" * 66 + "🚨" + "水" * 30).parts
    assert [len(part) // 2 for part in parts] == [66, 32]
    assert decode(parts[1], "UCS-2").startswith("🚨")


def test_typographic_characters_become_plain_when_that_alone_brings_the_text_into_gsm7() -> None:
    coded = encode("“Stay inside” – it’s not over…")
    assert coded.encoding == "GSM-7"
    assert decode(coded.parts[0], "GSM-7") == '"Stay inside" - it\'s not over...'


def test_typographic_characters_stay_when_the_text_needs_ucs2_anyway() -> None:
    coded = encode("“煮沸水”…")
    assert decode(coded.parts[0], "UCS-2") == "“煮沸水”…"


@pytest.mark.parametrize("text", ["La estación está cerrada", "Fuja já", "Đường", "ﬁre"])
def test_letters_are_never_replaced(text: str) -> None:
    coded = encode(text)
    assert (coded.encoding, decode(coded.parts[0], "UCS-2")) == ("UCS-2", text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Suba más, señor: ¡ya!", "Suba mas, señor: ¡ya!"),
        ("Zażółć gęślą jaźń — łąki", "Zazolc gesla jazn - laki"),
        ("Cœur, ça va “été”", 'Coeur, ca va "été"'),
        ("100 °F, 1½ miles", "100 F, 1 1/2 miles"),
        ("Увага", None),
        ("洪水", None),
        ("🌊 now", None),
    ],
)
def test_letters_lose_their_marks_only_where_all_of_a_text_becomes_plain_by_it(text: str, plain: str | None) -> None:
    assert plain_letters(text) == plain
    assert plain is None or segments(plain).encoding == "GSM-7"


def test_a_letter_with_a_combining_accent_counts_as_the_letter_that_gsm7_has() -> None:
    assert segments("cafe\u0301") == Segmented("GSM-7", 4, 1)


def test_a_text_in_gsm7_is_not_rewritten() -> None:
    text = "¿Qué pasa? Ñandú: ü ö ä ß Å é ù ì ò 100 €"
    assert encode(text).encoding == "UCS-2"
    text = text.replace("ú", "u")
    assert decode(encode(text).parts[0], "GSM-7") == text


def test_the_alphabet_is_that_of_another_implementation() -> None:
    codec = GSM7BitCodec.get_codec_info()
    agreed = [chr(code) for code in range(0x2100) if GSM7BitCodec.is_gsm_text(chr(code)) and chr(code) != "\x1b"]
    assert len(agreed) == 127 + len(EXTENSION)
    for character in agreed:
        assert encode(character).parts[0] == codec.encode(character)[0]


@given(st.text(alphabet=st.sampled_from("ab é€[]{}水🚨’…ß\n"), max_size=700))
def test_joined_parts_are_the_text_and_no_part_is_too_long(text: str) -> None:
    coded = encode(text)
    limit = {("GSM-7", True): 160, ("GSM-7", False): 153, ("UCS-2", True): 140, ("UCS-2", False): 134}[
        coded.encoding, len(coded.parts) == 1
    ]
    assert all(len(part) <= limit for part in coded.parts)
    joined = "".join(decode(part, coded.encoding) for part in coded.parts)
    assert joined == (text.replace("’", "'").replace("…", "...") if coded.encoding == "GSM-7" else text)


def test_octets_outside_the_alphabet_are_an_error() -> None:
    with pytest.raises(ValueError, match="octet 1"):
        decode(b"a\x80", "GSM-7")
