"""What axe-core finds wrong on a page for people who cannot see it, or not well, or who use no pointer."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

OPTIONS = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "resultTypes": ["violations"],
}


def violations(page: Page) -> list[str]:
    """Each element that breaks a rule: `rule: element, what is wrong`."""
    found: list[dict[str, Any]] = Axe().run(page, options=OPTIONS).response["violations"]
    return [told for rule in found for told in _told(rule)]


def _told(rule: dict[str, Any]) -> list[str]:
    return [f"{rule['id']}: {_where(node)}, {node['failureSummary'].splitlines()[1].strip()}" for node in rule["nodes"]]


def _where(node: dict[str, Any]) -> str:
    return " ".join(str(part) for part in node["target"])
