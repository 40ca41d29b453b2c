"""The rules of the house that a machine can hold. Import directions are `make check`'s (import-linter)."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.order import LONGEST

ROOT = Path(__file__).parents[2]
PACKAGES = ("channels", "hub", "subscriptions")
LONGEST_FILE = 400
GENERATED = "hub/store/migrations/versions"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def tracked() -> list[str]:
    """Every file that a clone would have, and those about to be added; what is ignored is not looked at."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    return [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


FILES = tracked()
MODULES = [name for name in FILES if name.endswith(".py") and name.split("/")[0] in PACKAGES]


def text_of(name: str) -> str:
    return (ROOT / name).read_bytes().decode("utf-8", "replace")


def test_the_wheel_lists_exactly_the_packages_that_exist():
    folders = {str(Path(name).parent).replace("/", ".") for name in MODULES}
    assert sorted(PYPROJECT["tool"]["setuptools"]["packages"]) == sorted({*folders, "templates"})


def test_every_folder_of_modules_is_a_package():
    folders = {Path(name).parent for name in MODULES}
    assert [str(folder) for folder in folders if not (ROOT / folder / "__init__.py").is_file()] == []


def test_the_wheel_takes_every_template_along():
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"]["templates"]
    folder = ROOT / "templates"
    packed = {path.relative_to(ROOT).as_posix() for pattern in patterns for path in folder.glob(pattern)}
    assert {name for name in FILES if name.startswith("templates/") and name != "templates/__init__.py"} <= packed


def test_files_are_short_enough_to_read_at_once():
    lengths = {name: len(text_of(name).splitlines()) for name in MODULES if not name.startswith(GENERATED)}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_every_module_says_what_it_is_for():
    own = [name for name in MODULES if not name.startswith(GENERATED) and Path(name).name != "__init__.py"]
    assert [name for name in own if not ast.get_docstring(ast.parse(text_of(name)))] == []


def test_package_roots_hold_no_code():
    """So that importing a room never imports another, and nobody can import a name from a root."""
    roots = [name for name in MODULES if name.endswith("/__init__.py")]
    filled = {name for name in roots if any(not isinstance(node, ast.Expr) for node in ast.parse(text_of(name)).body)}
    assert filled == set()


MACHINE_PATHS = re.compile(r"(?:^|[\s\"'(=:])/(?:home/\w|root/|Users/\w|work/|farm/|opt/pypi)")
REGISTRIES = re.compile(r"\b(?:files\.pythonhosted\.org|pypi\.org|registry\.npmjs\.org|deb\.debian\.org)\b")
SPOKEN_OF = {"tests/architecture/test_house_rules.py"}
"""This file names what it looks for."""


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, REGISTRIES], ids=["machine paths", "registry hosts"])
def test_no_file_tells_of_the_machine_it_was_written_on(pattern):
    found = {name: hit.group() for name in FILES if name not in SPOKEN_OF and (hit := pattern.search(text_of(name)))}
    assert found == {}


THIRD_PARTY = re.compile(
    r"(?:^|/)(?:vendor|vendored|third_party|node_modules|site-packages)/|\.min\.(?:js|css)$|(?:^|/)leaflet", re.IGNORECASE
)


def test_no_third_party_file_is_copied_in():
    assert [name for name in FILES if THIRD_PARTY.search(name)] == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock", "requirements-setup.lock"])
def test_locks_hold_names_versions_and_hashes_and_nothing_of_where_they_came_from(name):
    line = re.compile(r"[a-z0-9-]+==[\w.]+(?: ; [\w.'\"<>=! ]+)? \\|    --hash=sha256:[0-9a-f]{64}(?: \\)?")
    assert [text for text in text_of(name).splitlines() if not line.fullmatch(text)] == []


def required(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~!;]", requirement)[0].strip().lower().replace("_", "-") for requirement in requirements}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("requirements.lock", PYPROJECT["project"]["dependencies"]), ("requirements-dev.lock", PYPROJECT["dependency-groups"]["dev"])],
)
def test_the_lock_holds_whatever_pyproject_asks_for(name, wanted):
    locked = set(re.findall(r"^([a-z0-9-]+)==", text_of(name), re.MULTILINE))
    assert required(wanted) <= locked


NAMED = re.compile(r"#\s*(?:noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|type:\s*ignore\[[\w, -]+\])(?P<reason>\s*(?:-|#)\s*\S)?")
SILENCED = re.compile(r"#\s*(?:noqa|type:\s*ignore)")


def test_silenced_warnings_name_their_rule_and_say_why():
    """The reason stands behind the mark or in a comment right above it."""
    unexplained = []
    for name in MODULES:
        lines = text_of(name).splitlines()
        for number, line in enumerate(lines):
            if SILENCED.search(line):
                found = NAMED.search(line)
                above = number > 0 and lines[number - 1].lstrip().startswith("# ")
                if found is None or not (found["reason"] or above):
                    unexplained.append(f"{name}:{number + 1}")
    assert unexplained == []


def test_a_sender_loads_nothing_of_the_database_and_no_numbers_library():
    """It is started many times, and what it loads it loads in each."""
    heavy = ("numpy", "sqlalchemy", "psycopg", "aiogram", "shapely")
    look = f"import sys, hub.delivery.sending.sender; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip() == "[]"


def test_the_test_files_that_begin_first_are_there():
    assert [name for name in LONGEST if not (ROOT / "tests" / name).is_file()] == []
