"""People from a file: whole or not at all, each refused line with its reason, and samples apart from real people."""

from __future__ import annotations

import pytest

from subscriptions.csv_import import ImportReport, import_csv
from subscriptions.errors import UnreadableDocument
from tests.subscriptions.residents import Residents

HEADER = (
    "person,zip,neighborhood,borough,lat,lon,radius_m,citywide,topics,minimum_severity,language,drills,channel,address,consent_source,"
    "label,sample"
)


async def bring_in(residents: Residents, *rows: str, header: str = HEADER, **options: str) -> ImportReport:
    lines = [f"{header}\n", *(f"{row}\n" for row in rows)]
    return await import_csv(
        residents.database, residents.keyring, residents.parsers, residents.catalog, lines, clock=residents.clock, **options
    )


def row(**fields: str) -> str:
    filled = {"zip": "11201", "channel": "email", "address": "a@example.org", "consent_source": "paper form"} | fields
    return ",".join(filled.get(name, "") for name in HEADER.split(","))


async def test_a_person_of_several_lines_has_all_their_places_and_addresses(residents: Residents) -> None:
    report = await bring_in(
        residents,
        row(person="1", topics="crime;fire", minimum_severity="Severe", language="es"),
        row(person="1", zip="", lat="40.68", lon="-73.97", radius_m="800", channel="sms", address="718-555-0100", consent_source=""),
        row(person="1", zip="", borough="Bronx", channel="", address="", consent_source=""),
        row(person="2", zip="", citywide="1", address="b@example.org"),
    )
    assert (report.rows, report.people, report.refused) == (4, 2, ())
    assert await residents.rows("SELECT status, language, topics, minimum_severity, sample FROM subscriber ORDER BY id") == [
        *(("active", 1, 0b11, 3, 0), ("active", 0, 1023, 1, 0)),
    ]
    assert await residents.rows("SELECT subscriber, area, lat FROM place ORDER BY id") == [
        *((1, "zip:11201", None), (1, None, 40.68), (1, "borough:2", None), (2, "city", None)),
    ]
    assert await residents.rows("SELECT subscriber, channel, state, simulated FROM address ORDER BY id") == [
        *((1, "email", "active", 0), (1, "sms", "active", 0), (2, "email", "active", 0)),
    ]
    assert await residents.rows("SELECT seq, subscriber FROM audience_change") == [(1, 1), (2, 2)]


async def test_drills_are_taken_by_those_whose_line_says_so(residents: Residents) -> None:
    """As on the page of signing up, who takes drills takes the topic of tests too, with whatever else they named."""
    await bring_in(
        residents,
        row(person="1", drills="1"),
        row(person="2", drills="yes", topics="crime", address="b@example.org"),
        row(person="3", drills="0", address="c@example.org"),
        row(person="4", address="d@example.org"),
    )
    assert await residents.rows("SELECT drills, topics FROM subscriber ORDER BY id") == [
        *((1, 0b111_1111_1111), (1, 0b100_0000_0001), (0, 0b11_1111_1111), (0, 0b11_1111_1111)),
    ]


async def test_the_consent_that_was_given_elsewhere_is_kept_with_its_source(residents: Residents) -> None:
    await bring_in(residents, row(person="1"), row(person="2", address="b@example.org", consent_source=""), consent_source="old system")
    assert await residents.rows("SELECT action, channel, source FROM consent ORDER BY id") == [
        *(("imported", "email", "import: paper form"), ("imported", "email", "import: old system")),
    ]


async def test_an_imported_person_has_control_like_any_other(residents: Residents) -> None:
    await bring_in(residents, row())
    await residents.enrolment.request_access("a@example.org", client="c")
    manage = await residents.enrolment.redeem(residents.token("access", (await residents.letters())[-1]))
    assert (await residents.enrolment.view(manage)).places[0].zip == "11201"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"zip": "99999"}, "zip: 99999 is not a ZIP"),
        ({"zip": ""}, "no place"),
        ({"zip": "", "lat": "x", "lon": "1", "radius_m": "1"}, "numbers"),
        ({"zip": "", "lat": "40.68", "lon": "-73.97"}, "radius_m"),
        ({"borough": "Bronx"}, "exactly one kind"),
        ({"topics": "crime;nope"}, "topics/1"),
        ({"minimum_severity": "Bad"}, "minimum_severity"),
        ({"language": "tlh"}, "language"),
        ({"channel": "pigeon"}, "channel: expected one of"),
        ({"channel": ""}, "channel: expected one of"),
        ({"address": "no-at-sign"}, "address: this is not an e-mail address"),
        ({"consent_source": ""}, "consent_source: missing"),
        ({"sample": "maybe"}, "sample: expected 1 or 0"),
        ({"drills": "2"}, "drills: expected 1 or 0"),
        ({"label": "Sample"}, "label: only for samples"),
    ],
)
async def test_a_line_with_a_fault_is_reported_and_its_person_left_out(residents: Residents, fields: dict[str, str], words: str) -> None:
    report = await bring_in(residents, row(person="1", address="good@example.org"), row(person="2", **fields))
    assert report.people == 1
    assert [refused.line for refused in report.refused] == [3]
    assert words in report.refused[0].why
    assert await residents.column("SELECT count(*) FROM address") == [1]


async def test_one_bad_line_leaves_the_whole_person_out_and_nobody_else(residents: Residents) -> None:
    report = await bring_in(
        residents,
        row(person="1"),
        row(person="1", zip="99999", channel="", address=""),
        row(person="1", zip="10001", topics="weather", channel="", address=""),
        row(person="2", address="b@example.org"),
        row(person="1", address="c@example.org"),
    )
    assert report.people == 1
    assert [refused.line for refused in report.refused] == [3, 4, 6]
    assert "differs from this person's first line" in report.refused[1].why
    assert "must follow each other" in report.refused[2].why


CUT_SHORT = "1,11201"
TOO_LONG = row(person="1") + ",x"
SECOND = row(person="1", zip="10001", channel="", address="", consent_source="")


@pytest.mark.parametrize("bad", [CUT_SHORT, TOO_LONG])
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_line_with_too_few_or_too_many_values_leaves_its_whole_person_out(residents: Residents, bad: str, place: int) -> None:
    lines = [row(person="1", address="good@example.org"), SECOND.replace("10001", "10002")]
    lines.insert(place, bad)
    again = row(person="1", address="c@example.org")
    report = await bring_in(residents, row(person="0", address="z@example.org"), *lines, row(person="2", address="b@example.org"), again)
    assert report.people == 2
    assert [refused.line for refused in report.refused] == [place + 3, 7]
    assert "values where the header names" in report.refused[0].why
    assert "must follow each other" in report.refused[1].why
    assert await residents.column("SELECT count(*) FROM place") == [2]


async def test_a_line_too_short_to_name_its_person_is_counted_to_the_one_above(residents: Residents) -> None:
    header = "channel,address,zip,consent_source,person"
    lines = [
        "email,a@example.org,11201,form,1",
        "email,b@example.org",
        "email,c@example.org,11201,form,1",
        "email,d@example.org,11201,form,2",
    ]
    report = await bring_in(residents, *lines, header=header)
    assert (report.people, [refused.line for refused in report.refused]) == (1, [3])
    nobody = ["email,e@example.org,11201,form", "email", "email,f@example.org,11201,form"]
    report = await bring_in(residents, *nobody, header=header.removesuffix(",person"))
    assert (report.people, [refused.line for refused in report.refused]) == (2, [3])


async def test_an_address_is_imported_once_however_often_it_stands_there(residents: Residents) -> None:
    await residents.resident("known@example.org")
    lines = [row(address="new@example.org"), row(address="NEW@example.org"), row(address="known@example.org")]
    first, second = await bring_in(residents, *lines), await bring_in(residents, *lines)
    assert (first.people, [refused.line for refused in first.refused]) == (1, [3, 4])
    assert (second.people, [refused.line for refused in second.refused]) == (0, [2, 3, 4])
    assert all("new@" not in refused.why.lower() for refused in (*first.refused, *second.refused))


async def test_who_said_stop_is_not_brought_back_by_a_list(residents: Residents) -> None:
    await residents.resident("left@example.org")
    assert await residents.enrolment.own_address.stop("email", "left@example.org", source="test")
    report = await bring_in(residents, row(address="left@example.org"), row(address="new@example.org"))
    assert (report.people, [(refused.line, "STOP" in refused.why) for refused in report.refused]) == (1, [(2, True)])


async def test_samples_are_marked_and_never_stand_in_a_real_persons_way(residents: Residents) -> None:
    """The sample bears a real address by chance: its owner can sign up all the same, and is then really written to."""
    await bring_in(residents, row(sample="1", label="Sample Brooklyn"))
    assert await residents.rows("SELECT s.sample, s.label, a.simulated FROM subscriber s JOIN address a ON a.subscriber=s.id") == [
        (1, "Sample Brooklyn", 1)
    ]
    manage = await residents.resident("a@example.org")
    assert (await residents.rows("SELECT subscriber, simulated FROM address WHERE state='active' ORDER BY id"))[1] == (2, 0)
    assert (await residents.enrolment.view(manage)).since == "2026-09"


@pytest.mark.parametrize("header", ["zip,channel", "channel,address,colour", "channel,address,address", "", "zip;channel;address"])
async def test_a_header_that_cannot_be_used_stops_the_import(residents: Residents, header: str) -> None:
    with pytest.raises(UnreadableDocument):
        await bring_in(residents, "x,y", header=header)


async def test_broken_quotes_stop_the_import_and_short_lines_are_reported(residents: Residents) -> None:
    report = await bring_in(residents, "only,three,values", row())
    assert (report.people, [refused.line for refused in report.refused]) == (1, [2])
    with pytest.raises(UnreadableDocument, match="line 2"):
        await bring_in(residents, 'a"b,"x"y')


async def test_progress_is_told_and_numbers_go_on_where_they_ended(residents: Residents) -> None:
    seen: list[int] = []
    lines = [f"{HEADER}\n", *(f"{row(channel='webhook', address=f'https://example.org/{number}')}\n" for number in range(12_000))]
    report = await import_csv(residents.database, residents.keyring, residents.parsers, residents.catalog, lines, on_progress=seen.append)
    assert (report.people, seen) == (12_000, [5000, 10_000, 12_000])
    await residents.resident("next@example.org")
    assert await residents.rows("SELECT max(id), count(*) FROM subscriber") == [(12_001, 12_001)]
    assert await residents.rows("SELECT seq FROM audience_counter") == [(12_001,)]
