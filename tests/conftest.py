"""What all tests share: Chromium for those that need a browser, and no skipping in CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

CI = os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser's program. Where there is none the test is skipped, which `make test` announces and CI refuses."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("chromium is missing: apt-get install chromium")
    return Path(found)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: it says that something was not tried."""
    if CI and session.exitstatus == pytest.ExitCode.OK and skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why such a run failed."""
    if CI and (count := skipped(terminalreporter.config)):
        terminalreporter.write_line(f"{count} skipped, and CI=true: nothing may be skipped here", red=True)


def skipped(config: pytest.Config) -> int:
    """Tests and modules that this run skipped."""
    reporter: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if reporter else 0
