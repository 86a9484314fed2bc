"""What the pages name is there: routes, settings, commands, event types, ending codes, files.

A name counts if it stands in backticks; commands count in blocks of code, too. What only looks like one is exempt by name.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from config.http.fault import STATUS_OF
from config.variables import SECTIONS
from insights.pages.urls import urlpatterns as console_pages
from runs.api.schemas.frames import AGUI_TYPES
from runs.domain.events import EventType
from runs.streaming.routing import websocket_urlpatterns
from tests.architecture.test_the_house import ROOT, tracked
from tests.routes import STAFF_PAGES, all_routes

PAGES = sorted(
    path
    for path in tracked()
    if path.suffix == ".md"
    and (len(path.parts) == 1 or path.parts == ("docs", path.name))
    and path.name != "CHANGELOG.md"
)
PRODUCT = ("config", "runs", "insights", "webhooks", "templates")

NO_SETTING = {"NAME_FILE": "stands for any secret setting with _FILE behind it"}
NO_EVENT = {
    "decision.proposed": "reserved",
    "policy.default": "the policy of that name",
    "policy.registered": "an entry of the audit list",
    "policy.unregistered": "an entry of the audit list",
    "run.cancel_refused": "an entry of the audit list",
    "run.resume_refused": "an entry of the audit list",
    "run.suspend_refused": "an entry of the audit list",
    "session.opener": "a member of a request",
}

NO_WORD = {
    "can_manage_mode_registry": "a right in the runtime's own configuration",
    "correlation_session_id": "a field of the runtime's protocol",
    "is_observer": "a right in the runtime's own configuration",
}

_BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_QUOTED = re.compile(r"`([^`\n]+)`")
_PARAMETER = re.compile(r"\{[^}]*\}|<[^>]*>|\$[A-Z]+")
_METHODS = "GET|POST|PATCH|DELETE"


def text_of(page: Path) -> str:
    return (ROOT / page).read_text()


def quoted(page: Path) -> Iterator[str]:
    """Everything in backticks, but for blocks of code."""
    yield from _QUOTED.findall(_BLOCK.sub("", text_of(page)))


def unknown(page: Path, pattern: str, known: set[str]) -> set[str]:
    return {name for name in quoted(page) if re.fullmatch(pattern, name)} - known


@pytest.fixture(scope="module")
def addresses() -> set[str]:
    """Every address, and what it can be asked before it."""
    plain = {("/" + _PARAMETER.sub("{}", route.path), route.methods) for route in all_routes()}
    sockets = {_PARAMETER.sub("{}", f"/{one.pattern}") for one in websocket_urlpatterns}
    asked = {f"{method} {path}" for path, methods in plain for method in methods or ("GET",)}
    pages = {f"/{STAFF_PAGES}{_PARAMETER.sub('{}', str(one.pattern))}" for one in console_pages}
    return asked | {path for path, _ in plain} | sockets | pages


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_route_exists(page: Path, addresses: set[str]) -> None:
    named = {name for name in quoted(page) if re.fullmatch(rf"(?:(?:{_METHODS}) )?/[a-z][^ ]*", name)}
    assert {name for name in named if not is_there(name, addresses)} == set()


def is_there(name: str, addresses: set[str]) -> bool:
    """A path without a method may be the end of one (`/archive`), or its beginning (`/runtime/*`, `/ws/`)."""
    address = _PARAMETER.sub("{}", name.partition("?")[0].replace("[", "").replace("]", ""))
    if not name.startswith("/"):
        return address in addresses
    if address.endswith(("/*", "/")):
        return any(known.startswith(address.rstrip("*")) for known in addresses)
    return any(known.endswith(address) for known in addresses)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_setting_and_code_in_capitals_exists(page: Path) -> None:
    declared = {variable.name for section in SECTIONS for variable in section.variables} | set(dir(settings))
    names = {name.partition("=")[0] for name in quoted(page)}
    capitals = {name for name in names if re.fullmatch(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+", name)}
    assert capitals - declared - set(STATUS_OF) - set(AGUI_TYPES) - set(NO_SETTING) == set()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_command_exists(page: Path) -> None:
    commands = set(re.findall(r"manage\.py ([a-z_]+)", text_of(page)))
    assert commands - set(get_commands()) == set()
    quoted_targets = {name.split()[1] for name in quoted(page) if re.match(r"make [a-z]", name)}
    targets = quoted_targets | set(re.findall(r"^(?:\$ )?make ([a-z0-9-]+)", text_of(page), re.MULTILINE))
    assert targets - set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) == set()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_event_type_exists(page: Path) -> None:
    families = "|".join(sorted({event_type.partition(".")[0] for event_type in EventType}))
    named = unknown(page, rf"(?:{families})(?:\.[a-z_]+)+", set(EventType))
    assert {name for name in named if not name.endswith(".py")} - set(NO_EVENT) == set()


@pytest.fixture(scope="module")
def words() -> set[str]:
    """Every word of the code."""
    sources = [path for path in tracked() if path.parts[0] in PRODUCT and path.suffix in {".py", ".sql", ".html"}]
    return {word for path in sources for word in re.findall(r"[a-z0-9_]+", (ROOT / path).read_text())}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_word_with_underscores_is_one_of_the_code(page: Path, words: set[str]) -> None:
    """Ending codes, reasons, metrics, constraints, frames: whatever is written so."""
    assert unknown(page, r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+", words) - set(NO_WORD) - set(get_commands()) == set()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_file_exists(page: Path) -> None:
    there = {str(path) for path in tracked()}
    named = {name for name in quoted(page) if re.fullmatch(r"[\w/.-]+\.(?:py|md|json|yml|html|sql)", name)}
    assert {name for name in named if not any(f"/{path}".endswith(f"/{name}") for path in there)} == set()


def test_exemptions_are_needed() -> None:
    named = {name for page in PAGES for name in quoted(page)}
    assert {*NO_SETTING, *NO_EVENT, *NO_WORD} - named == set()
    assert not NO_EVENT.keys() & set(EventType)
