"""The README's first alert, typed as it stands there, against a demonstration of its own."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.docs.tables import ROOT

TOCSIN = f"{shlex.quote(sys.executable)} -m hub"


@pytest.fixture
def demonstration(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address and data folder of a running `tocsin serve --demo`."""
    command = [*shlex.split(TOCSIN), "serve", "--demo", "--port", "0", "--data", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            said = next((line for line in process.stdout if line.startswith("listening on ")), "")
            yield said.removeprefix("listening on ").strip(), tmp_path
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


def test_the_first_alert_from_a_shell_goes_live_as_written(demonstration):
    url, data = demonstration
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    script = readme.split("The same from a shell")[1].split("```sh\n")[1].split("```")[0]
    script = script.replace(".venv/bin/tocsin", TOCSIN).replace("data/demo", shlex.quote(str(data)))
    ran = subprocess.run(
        ["sh", "-ec", script], cwd=ROOT, env={**os.environ, "TOCSIN_URL": url}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"live, [1-9]\d* people", ran.stdout)
    with urlopen(f"{url}/feeds/alerts.atom") as feed:
        assert "Tillary Street closed" in feed.read().decode()
