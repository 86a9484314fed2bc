"""The demo with real processes: the whole path from POST to the terminal, and nothing left behind."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.postgres_cluster import delete_cluster
from config.process_identity import ProcessIdentity
from tests.processes import ManageCommand, identities, processes_of, wait_until_dead

pytestmark = pytest.mark.acceptance

REAL = {"DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "warning"}


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder of its own, and what a server keeps elsewhere for it."""
    yield tmp_path / "data"
    delete_cluster(tmp_path / "data" / "postgres")


@pytest.fixture
def demo(data: Path) -> Iterator[ManageCommand]:
    """A demo that stays up."""
    command = ManageCommand("demo", "--port", "0", "--data", str(data), environment=REAL)
    try:
        yield command
    finally:
        left = [found for pid in processes_of(data).values() if (found := ProcessIdentity.of(pid))]
        command.end()
        wait_until_dead(left, within_s=40)


def test_one_decision_is_made_and_everything_is_stopped_a01(data: Path) -> None:
    demo = ManageCommand("demo", "--once", "--port", "0", "--data", str(data), environment=REAL)
    try:
        assert demo.wait(within_s=120) == 0, "\n".join(demo.lines)
    finally:
        demo.end()

    shown = "\n".join(demo.lines)
    assert "decides" in shown
    assert "completed (resolved)" in shown
    assert re.search(r"^console http://\S+/admin/console/runs/[0-9a-f-]{36}$", shown, re.MULTILINE)
    assert "log in as demo with" in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, marks=pytest.mark.slow),
    ],
)
def test_however_the_demo_ends_nothing_it_started_goes_on(
    number: signal.Signals, data: Path, demo: ManageCommand
) -> None:
    demo.wait_for_line("joins as", within_s=120)
    living = identities(processes_of(data).values())
    assert len(living) == 6  # supervisor, watcher, database, web, observer, queue

    demo.send(number)

    assert demo.wait(within_s=40) == (130 if number != signal.SIGKILL else -9)
    wait_until_dead(living, within_s=40)


def test_a_service_that_cannot_start_is_told_with_its_reason(tmp_path: Path) -> None:
    environment = {**REAL, "DATABASE_URL": "postgres://nobody:x@127.0.0.1:1/none"}
    demo = ManageCommand("demo", "--once", "--port", "0", "--data", str(tmp_path / "data"), environment=environment)
    try:
        assert demo.wait(within_s=120) == 1
    finally:
        demo.end()

    assert demo.said("the service did not start")
    assert not any("Traceback" in line for line in demo.lines)
