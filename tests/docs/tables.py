"""The tables of the documentation that are made from the code, so that they can't fall behind it.

In a page they stand between ``<!-- table: NAME -->`` and ``<!-- end -->``. ``python -m tests.docs.tables`` writes them anew; a test fails
when a page holds another table than the code gives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import typer

from channels.catalog import KINDS
from hub.__main__ import app
from hub.alerts.lifecycle import TRANSITIONS
from hub.alerts.limits import LIMITS
from hub.commands.invariants import INVARIANTS
from hub.languages.coverage import DOMAINS, coverage
from hub.metrics import Metrics
from hub.settings import SETTINGS
from hub.staff.roles import ROLE_MEANINGS, allowed
from hub.web.api.problems import problem_kinds
from hub.web.route import Access
from hub.web.routes import TABLE
from subscriptions.languages import LANGUAGES
from subscriptions.topics import TOPICS

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK = re.compile(r"(?<=<!-- table: )(?P<name>[a-z-]+)(?P<head> -->\n)(?P<body>.*?)(?=<!-- end -->)", re.DOTALL)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *(list(row) for row in rows)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def settings() -> str:
    """Every setting."""
    rows = ((f"`TOCSIN_{setting.name.upper()}`", f"`{setting.default}`" if setting.default else "", setting.help) for setting in SETTINGS)
    return table(("setting", "default", "meaning"), rows)


def channels() -> str:
    """Every channel with what it needs."""
    rows = (
        (f"`{name}`", kind.description, f"`TOCSIN_{kind.setting.upper()}`" if kind.setting else "nothing") for name, kind in KINDS.items()
    )
    return table(("channel", "what it is", "what it needs"), rows)


def _routes(access: Access) -> str:
    return table(
        ("route", "what it does"), ((f"`{route.method} {route.path}`", route.summary) for route in TABLE if route.access == access)
    )


def staff_routes() -> str:
    """Routes that want a token."""
    return _routes("staff")


def resident_routes() -> str:
    """Routes for people without an account."""
    return _routes("resident")


def open_routes() -> str:
    """Open data."""
    return _routes("open")


def page_routes() -> str:
    """Pages for people."""
    return table(("page",), ((f"`{route.method} {route.path}`",) for route in TABLE if route.access == "page"))


def commands() -> str:
    """Every command of the command line."""
    found = commands_of(typer.main.get_command(app), "tocsin")
    return table(("command", "what it does"), ((f"`{line}`", said.split("\n")[0]) for line, said in found))


def commands_of(command: Any, name: str) -> Iterator[tuple[str, str]]:
    """(how it is typed, its help) of a click command, or of all in a group.

    What a command is, is told from its attributes: typer's classes are click's in one release and a copy of them in the next.
    """
    inner = getattr(command, "commands", None)
    if inner is not None:
        for part, one in sorted(inner.items()):
            yield from commands_of(one, f"{name} {part}")
    else:
        arguments = [(given.metavar or given.name).upper() for given in command.params if given.param_type_name == "argument"]
        yield " ".join((name, *arguments)), command.help or ""


def problems() -> str:
    """Every kind of error answer."""
    kinds = sorted(problem_kinds("").values(), key=lambda kind: (kind.status, kind.type))
    return table(("type", "status", "title"), ((f"`{kind.type}`", str(kind.status), kind.title) for kind in kinds))


def metrics() -> str:
    """Every figure at /metrics."""
    described = sorted(Metrics().registry.collect(), key=lambda metric: metric.name)
    rows = ((f"`{metric.name}{'_total' if metric.type == 'counter' else ''}`", metric.type, metric.documentation) for metric in described)
    return table(("metric", "kind", "meaning"), rows)


def invariants() -> str:
    """What `tocsin check` finds broken in the tables."""
    return table(("what always holds", "when it does not"), ((invariant.holds, invariant.mend) for invariant in INVARIANTS))


def roles() -> str:
    """Who may do what."""
    return table(
        ("role", "what for", "may"), ((f"`{role}`", meaning, ", ".join(sorted(allowed(role)))) for role, meaning in ROLE_MEANINGS.items())
    )


def limits() -> str:
    """The most of everything in an alert."""
    rows = ((f"`{limit.field}`", f"{limit.authored:,} {limit.unit}", f"{limit.imported:,}") for limit in LIMITS)
    return table(("what", "most", "in imported documents"), rows)


def lifecycle() -> str:
    """Which action leads where."""
    rows = (
        (f"`{status}`", ", ".join(f"{action} → `{after}`" for action, after in row.items()) or "nothing more")
        for status, row in TRANSITIONS.items()
    )
    return table(("status", "what may happen"), rows)


def topics() -> str:
    """What alerts are about, and the languages, as one line each."""
    languages = ", ".join(f"{name} (`{tag}`)" for tag, name in LANGUAGES.items())
    return f"Topics: {', '.join(f'`{topic}`' for topic in TOPICS)}.\n\nLanguages: {languages}.\n"


def languages() -> str:
    """How far each language has got."""
    rows = (
        (f"{LANGUAGES[one.language]} (`{one.language}`)", DOMAINS[one.domain], str(one.strings), str(one.written), str(one.checked))
        for one in coverage()
    )
    return table(("language", "domain", "strings", "written here", "checked by a speaker"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "channels": channels,
    "commands": commands,
    "invariants": invariants,
    "languages": languages,
    "lifecycle": lifecycle,
    "limits": limits,
    "metrics": metrics,
    "open-routes": open_routes,
    "page-routes": page_routes,
    "problems": problems,
    "resident-routes": resident_routes,
    "roles": roles,
    "settings": settings,
    "staff-routes": staff_routes,
    "topics": topics,
}
"""Name in the mark → what makes it."""


def with_tables(text: str) -> str:
    """A page with its tables made anew. Raises KeyError for a mark that names no table."""
    return _BLOCK.sub(lambda found: f"{found['name']}{found['head']}\n{TABLES[found['name']]()}\n", text)


def tables_of(text: str) -> list[str]:
    """Names of the tables that a page holds."""
    return [found["name"] for found in _BLOCK.finditer(text)]


def main() -> None:
    """Write all tables anew."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        page.write_text(with_tables(text), encoding="utf-8")


if __name__ == "__main__":
    main()
