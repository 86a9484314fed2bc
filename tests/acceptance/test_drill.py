"""The drill with real processes: it passes, it fails where recovery is broken, and it leaves nothing behind."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from config.process_identity import ProcessIdentity
from tests.benchmarks.processes import family
from tests.own_database import OwnDatabase
from tests.processes import ManageCommand, identities, wait_until, wait_until_dead
from tests.service import database_url

pytestmark = [pytest.mark.slow, pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

REAL = {"DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "warning"}


@pytest.fixture
def on_a_server(own_database: OwnDatabase) -> dict[str, str]:
    """The environment of a drill that makes its database on a server that is there: no other drill is on it."""
    return {**REAL, "DATABASE_URL": database_url()}


@pytest.fixture
def embedded_drill() -> Iterator[ManageCommand]:
    """A drill on a server of its own, in a step that takes a while."""
    drill = ManageCommand("drill", "--only", "freeze", environment=REAL)
    try:
        yield drill
    finally:
        drill.end()


def outcome_of(drill: ManageCommand) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(drill.lines[-1])
    return document


def databases_of_drills() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'signalbox_drill_%'")
        return {name for (name,) in cursor.fetchall()}


def environment_of(pid: int) -> dict[str, str]:
    """What a process was started with; empty once it is gone."""
    try:
        text = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return {}
    return dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry)


def folder_of(drill: ManageCommand) -> Path | None:
    """Where the drill keeps its files, as its observers were told; None while it has none."""
    for pid in family(drill.pid):
        environment = environment_of(pid)
        if environment.get("SIGNALBOX_PROCESS") == "observer":
            return Path(environment["SIGNALBOX_DATA"])
    return None


def test_a_drill_on_a_server_passes_and_its_database_is_gone(on_a_server: dict[str, str]) -> None:
    drill = ManageCommand(
        *("drill", "--json", "--only", "kill", "--only", "finalisers", "--only", "invariants"),
        environment=on_a_server,
    )
    try:
        status = drill.wait(within_s=120)
    finally:
        drill.end()
    outcome = outcome_of(drill)
    assert (status, outcome["passed"]) == (0, True), outcome
    assert [step["step"] for step in outcome["steps"]] == ["kill", "finalisers", "invariants"]
    assert databases_of_drills() == set()


def test_a_drill_fails_where_recovery_is_broken(on_a_server: dict[str, str]) -> None:
    drill = ManageCommand(
        *("drill", "--json", "--only", "ordinary", "--only", "kill"),
        environment={**on_a_server, "RUN_RECOVERY_ENABLED": "false"},
    )
    try:
        status = drill.wait(within_s=120)
    finally:
        drill.end()
    outcome = outcome_of(drill)
    assert (status, outcome["passed"]) == (1, False)
    assert [step["passed"] for step in outcome["steps"]] == [True, False]
    assert databases_of_drills() == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_drill_that_is_broken_off_leaves_nothing_behind(
    number: signal.Signals, embedded_drill: ManageCommand
) -> None:
    wait_until(lambda: folder_of(embedded_drill) is not None, within_s=90, what="an observer of the drill")
    folder = folder_of(embedded_drill)
    assert folder is not None
    living = identities(pid for pid in family(embedded_drill.pid) if ProcessIdentity.of(pid))
    assert len(living) > 4  # itself, the watcher, PostgreSQL, web and at least one observer

    embedded_drill.send(number)

    assert embedded_drill.wait(within_s=40) == 130
    wait_until_dead(living, within_s=20)
    assert not folder.exists()


def test_a_drill_without_a_database_server_says_why() -> None:
    environment = {**REAL, "DATABASE_URL": "postgres://nobody:x@127.0.0.1:1/none"}
    drill = ManageCommand("drill", environment=environment)
    try:
        assert drill.wait(within_s=60) == 1
    finally:
        drill.end()
    assert not any("Traceback" in line for line in drill.lines)
