"""axe-core on a page, from the wheel that carries it."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Page

_SOURCE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
_RUN = """() => axe.run(document, { resultTypes: ["violations"] }).then((found) =>
    found.violations.map((one) => [one.id, ...one.nodes.map((node) => node.target.join(" ") + ": " + node.failureSummary)]))"""


def violations(page: Page) -> list[list[str]]:
    """Each rule that the page breaks, and where. Evaluated from outside: the page's own policy allows no inline script."""
    page.evaluate(f"() => {{ {_SOURCE} }}")
    found: list[list[str]] = page.evaluate(_RUN)
    return found
