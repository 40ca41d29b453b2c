"""What is kept of a city is the city: the same areas, names, tables and outline; anything else is made anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from subscriptions import kept_city, nyc
from subscriptions.areas import AreaCatalog
from subscriptions.kept_city import Made


@pytest.fixture(scope="module")
def made() -> Made:
    city = nyc.city()
    catalog = AreaCatalog(city)
    return Made(city, catalog.overlaps, catalog.outline)


def test_what_comes_back_is_what_was_kept_to_the_last_corner(made: Made, tmp_path: Path) -> None:
    kept_city.keep(made, tmp_path)
    back = kept_city.read(tmp_path)
    assert back is not None
    assert back.city == made.city
    assert back.outline == made.outline
    for name in ("matching", "touching", "crossing"):
        pairs = zip(getattr(back.overlaps, name), getattr(made.overlaps, name), strict=True)
        assert all(np.array_equal(one, other) for one, other in pairs)


def test_a_catalogue_of_what_was_kept_answers_alike(made: Made, tmp_path: Path) -> None:
    kept_city.keep(made, tmp_path)
    back = kept_city.read(tmp_path)
    assert back is not None
    one, other = AreaCatalog(made.city), AreaCatalog(back.city, back)
    assert [area.key for area in one.areas] == [area.key for area in other.areas]
    assert all(np.array_equal(one.matching([area.index]), other.matching([area.index])) for area in one.areas)
    assert shapely.equals(one.outline, other.outline)


@pytest.mark.parametrize("content", [b"", b"x", b"\x93\x01\x02\x03"])
def test_what_can_not_be_read_is_not_there(made: Made, tmp_path: Path, content: bytes) -> None:
    kept_city.keep(made, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    assert kept_city.read(tmp_path) is None


def test_an_older_one_gives_way_and_a_folder_that_can_not_be_written_is_no_fault(made: Made, tmp_path: Path) -> None:
    (tmp_path / "nyc-of-another-release.msgpack").write_bytes(b"x")
    kept_city.keep(made, tmp_path)
    kept_city.keep(made, tmp_path)
    (file,) = tmp_path.iterdir()
    kept_city.keep(made, file / "below-a-file")
    assert kept_city.read(file / "below-a-file") is None
