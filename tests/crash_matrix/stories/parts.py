"""What several stories have in common."""

from tests.crash_matrix.play import SCENERY, Body, Play, Staged  # isort: skip  # First: it sets Django up.

import time
from collections.abc import Callable
from datetime import timedelta

from django.db.models import DateTimeField, Func

from runs.models import Observer, Run
from tests.crash_matrix.agents import ALICE
from tests.crash_matrix.stage import LEASES

RESOLVED = "completed/resolved"
BETWEEN_SWEEPS = 3.0


def talk(play: Play, staged: Staged, *, then_commit: bool = True) -> None:
    """The agents begin to speak as soon as their session is open: some messages, and at the end their decision."""
    messages, pause = play.random.randint(10, 30), play.random.uniform(0.005, 0.03)
    staged.agents.talk(messages=messages, pause=pause, then_commit=then_commit)


def talk_slowly(play: Play, staged: Staged, *, for_ever: bool = False) -> None:
    """The agents speak for a few seconds, or until they are refused; the first messages are in the log."""
    messages = 100_000 if for_ever else play.random.randint(60, 120)
    staged.agents.talk(messages=messages, pause=0.03, then_commit=not for_ever)
    some = play.random.randint(3, 25)
    play.until(lambda: staged.run.session.cursor > some, "the first messages")


def kickoff(sender: str, number: int) -> Body:
    """One message of a kickoff."""
    return {"from": sender, "to": [ALICE], "kind": "context", "messageType": "Note", "payload": {"number": number}}


def abandon(play: Play, staged: Staged) -> None:
    """The run is running, and nobody watches it."""
    play.start(SCENERY)
    play.until(lambda: staged.run.status == "running", "a running run")
    play.kill(SCENERY)


def is_past_its_progress_deadline(staged: Staged) -> bool:
    """True once the run should have said something."""
    now = Func(function="clock_timestamp", output_field=DateTimeField())
    return Run.objects.filter(id=staged.run_id, progress_deadline__lt=now).exists()


def nobody_beats() -> bool:
    """True once the lease of every observer is over: the next sweep declares them lost, however fast it starts."""
    since = Func(function="clock_timestamp", output_field=DateTimeField()) - timedelta(
        seconds=int(LEASES["OBSERVER_LEASE_S"])
    )
    return not Observer.objects.filter(lost_at=None, beat_at__gt=since).exists()


def sweep_until(play: Play, condition: Callable[[], bool]) -> None:
    """The condition holds after one sweep, or after several: what a killed sweep had claimed is free after a while."""
    while True:
        play.sweep()
        if condition():
            return
        time.sleep(BETWEEN_SWEEPS)
