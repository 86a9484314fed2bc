"""Crash points: free unless armed; an armed one kills its process at the n-th passing; a trace names every place."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runs.crashpoint import CRASH_AT, CRASH_TRACE, CrashPoints

ROOT = Path(__file__).parents[3]
STORY = """
from runs.crashpoint import calling, crashpoint
for number in range(3):
    crashpoint("first")
    with calling("second"):
        print(number, flush=True)
"""


def told(environment: dict[str, str]) -> tuple[int, list[str]]:
    """The exit status of a process that passes each place three times, and how far it came."""
    clean = {name: value for name, value in os.environ.items() if name not in (CRASH_AT, CRASH_TRACE)}
    story = subprocess.run(
        [sys.executable, "-c", STORY],
        cwd=ROOT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return story.returncode, story.stdout.split()


def test_without_a_variable_nothing_is_armed() -> None:
    assert not CrashPoints({}).is_armed
    assert not CrashPoints({CRASH_AT: "", CRASH_TRACE: ""}).is_armed
    assert told({}) == (0, ["0", "1", "2"])


@pytest.mark.parametrize(
    ("armed", "came"),
    [
        ("first", []),
        ("first:1", []),
        ("first:3", ["0", "1"]),
        ("second.before_call", []),
        ("second.after_call:2", ["0", "1"]),
    ],
)
def test_an_armed_place_kills_its_process_when_it_is_passed_for_the_nth_time(armed: str, came: list[str]) -> None:
    assert told({CRASH_AT: armed}) == (-signal.SIGKILL, came)


@pytest.mark.parametrize("armed", ["first:4", "third", "second"])
def test_a_place_that_is_not_passed_so_often_kills_nobody(armed: str) -> None:
    assert told({CRASH_AT: armed}) == (0, ["0", "1", "2"])


def test_a_trace_names_every_place_in_its_order_also_the_last_one_of_a_process(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    once = ["first", "second.before_call", "second.after_call"]
    assert told({CRASH_TRACE: str(trace)}) == (0, ["0", "1", "2"])
    assert trace.read_text().split() == once * 3
    # It should be added to by further processes, and know where one of them died.
    assert told({CRASH_TRACE: str(trace), CRASH_AT: "second.before_call:2"})[0] == -signal.SIGKILL
    assert trace.read_text().split() == [*once * 4, "first", "second.before_call"]


def test_a_call_that_fails_was_not_answered(tmp_path: Path) -> None:
    story = STORY.replace("print(number, flush=True)", "1 / 0")
    trace = tmp_path / "trace"
    subprocess.run(
        [sys.executable, "-c", story],
        cwd=ROOT,
        env={**os.environ, CRASH_TRACE: str(trace)},
        stderr=subprocess.DEVNULL,
        timeout=30,
        check=False,
    )
    assert trace.read_text().split() == ["first", "second.before_call"]
