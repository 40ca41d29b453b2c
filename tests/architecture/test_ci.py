"""What CI relies on: a skipped test fails the run there, and only there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_a_skipped_test_is_a_failure_in_ci(tmp_path, ci, code):
    (tmp_path / "test_skips.py").write_text(
        "import pytest\n\ndef test_skips():\n    pytest.skip('not here')\n\ndef test_passes():\n    assert True\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        "-c",
        os.devnull,
    ]
    environment = {**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([*command, str(tmp_path)], cwd=tmp_path, env=environment, capture_output=True, check=False, text=True)
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert "1 passed, 1 skipped" in ran.stdout


def test_ci_runs_the_commands_of_the_readme():
    said = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "make --no-print-directory check\nmake --no-print-directory test\n" in said
