"""The crash points of a commit: the one before it leaves nothing, the one after it leaves everything."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runs.crashpoint import CRASH_AT, CRASH_TRACE
from runs.models import OutboxEntry
from tests.beside import environment_of
from tests.cast import fresh, queued_run
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[3]
STORY = """
import sys
from uuid import UUID
import django
django.setup()
from django.db import transaction
from runs.recorder import record
from tests.cast import envelope
try:
    with transaction.atomic():
        record(UUID(sys.argv[1]), [envelope(1)], epoch=None)
        if sys.argv[2] == "roll back":
            raise KeyError
except KeyError:
    pass
"""


def recorded(run_id: str, how: str, armed: dict[str, str]) -> int:
    """The exit status of a process that records one message."""
    command = [sys.executable, "-c", STORY, run_id, how]
    return subprocess.run(command, cwd=ROOT, env=environment_of(armed), timeout=60, check=False).returncode


@pytest.mark.parametrize(
    ("place", "kept"), [("record.before_commit", 0), ("record.after_commit", 1), ("record.after_commit:2", 1)]
)
def test_what_was_committed_is_there_and_nothing_else_l05(place: str, kept: int) -> None:
    run = queued_run()
    died = -signal.SIGKILL if not place.endswith(":2") else 0
    assert recorded(str(run.id), "commit", {CRASH_AT: place}) == died
    assert fresh(run).last_raw_seq == kept
    assert OutboxEntry.objects.filter(run_id=run.id).count() == 1 + kept
    assert_invariants()


def test_a_commit_that_is_rolled_back_has_not_come_after(tmp_path: Path) -> None:
    run, trace = queued_run(), tmp_path / "trace"
    assert recorded(str(run.id), "roll back", {CRASH_TRACE: str(trace)}) == 0
    assert trace.read_text().split() == ["record.before_commit"]
    assert fresh(run).last_raw_seq == 0


def test_a_recording_run_passes_both_places(tmp_path: Path) -> None:
    run, trace = queued_run(), tmp_path / "trace"
    assert recorded(str(run.id), "commit", {CRASH_TRACE: str(trace)}) == 0
    assert trace.read_text().split() == ["record.before_commit", "record.after_commit"]
