"""What the documentation promises to hold, and that what it points at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.tables import PAGES, ROOT, TABLES, tables_of, with_tables

SAFEGUARDS = [f"S{number}" for number in range(1, 30)] + [f"V{number}" for number in range(1, 16)]
TEXT = {
    page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8")
    for page in (*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md")
}


@pytest.mark.parametrize("page", [name for name in TEXT if tables_of(TEXT[name])])
def test_a_pages_tables_are_those_of_the_code(page):
    """After a change of the code: python -m tests.docs.tables."""
    assert with_tables(TEXT[page]) == TEXT[page]


def test_the_commands_are_all_there_with_those_of_groups():
    """Read from the source of `hub.__main__`: every function that is made a command."""
    source = (ROOT / "hub/__main__.py").read_text(encoding="utf-8")
    groups = {"app": "tocsin"} | {
        variable: f"tocsin {name}" for variable, name in re.findall(r'app\.add_typer\((\w+), name="(\w+)"\)', source)
    }
    made = re.findall(r'^@(\w+)\.command\((?:"(\w+)")?.*\)\ndef (\w+)', source, re.MULTILINE)
    assert len(made) > 10
    said = TABLES["commands"]()
    assert [line for group, named, function in made if f"`{(line := f'{groups[group]} {named or function}')}" not in said] == []
    assert said.count("\n") == len(made) + 2


@pytest.mark.parametrize("name", TABLES)
def test_every_table_stands_on_some_page(name):
    assert any(name in tables_of(text) for text in TEXT.values())


@pytest.mark.parametrize("page", TEXT)
def test_links_between_pages_lead_somewhere(page):
    folder = (ROOT / page).parent
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", TEXT[page]) if "://" not in target]
    assert [target for target in targets if target and not (folder / target).exists()] == []


@pytest.mark.parametrize("page", TEXT)
def test_files_that_a_page_names_are_there(page):
    named = re.findall(r"`((?:hub|channels|subscriptions|templates|tests|benchmarks|docs)/[\w./-]*\w)`", TEXT[page])
    assert [name for name in named if not _is_there(ROOT / name)] == []


def _is_there(path: Path) -> bool:
    # A folder that only waits for its first file holds nothing.
    return path.is_file() or any(found.is_file() and found.suffix != ".pyc" for found in path.rglob("*"))


@pytest.mark.parametrize("number", SAFEGUARDS)
def test_each_safeguard_has_its_line(number):
    line = re.search(rf"^\| {number} \|(.*)$", TEXT["docs/safeguards.md"], re.MULTILINE)
    assert line is not None
    assert re.search(r"`tests/[\w./-]+`|comes with", line[1]), "name the test, or what the safeguard comes with"


def test_the_readme_shows_the_commands_that_ci_runs():
    said = (ROOT / ".ci/run").read_text(encoding="utf-8")
    for target in ("check", "test"):
        assert f"make --no-print-directory {target}" in said
        assert f"make {target}" in TEXT["README.md"]
    assert "make run" in TEXT["README.md"]


def test_the_changelog_names_the_release():
    version = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert f"## {version[1]}" in TEXT["CHANGELOG.md"]


def test_pages_say_nothing_of_how_they_were_made():
    for page, text in TEXT.items():
        assert not re.search(r"\b(?:TODO|TBD|FIXME|lorem ipsum)\b", text, re.IGNORECASE), page


def test_the_first_page_is_found_from_the_readme():
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)\)", TEXT["README.md"]))
    assert linked >= {page.relative_to(ROOT).as_posix() for page in PAGES if page.parent.name == "docs"}


def test_every_picture_is_small():
    pictures = [one for kind in ("png", "webp") for one in Path(ROOT / "docs").rglob(f"*.{kind}")]
    assert {picture.name: picture.stat().st_size for picture in pictures if picture.stat().st_size > 150_000} == {}
