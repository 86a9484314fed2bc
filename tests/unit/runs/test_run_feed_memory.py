"""What the feed of runs and its nudges remember, and that it is bounded (I19)."""

from uuid import UUID

import pytest

from runs.hub import RunNudges
from runs.streaming import run_feed
from runs.streaming.run_feed import Told
from runs.streaming.run_list import Change
from tests.summary_rows import a_summary


def change(number: int, **columns: object) -> Change:
    row = a_summary(number, **columns)
    return Change(row.id, row)


async def test_runs_that_moved_are_taken_once_however_often_they_did() -> None:
    nudges = RunNudges()
    nudges.hear([UUID(int=1).hex, UUID(int=2).hex])
    nudges.hear([UUID(int=2).hex])

    assert await nudges.wait(5)
    moved, has_missed_some = nudges.take()
    assert (sorted(moved), has_missed_some) == ([UUID(int=1), UUID(int=2)], False)
    assert nudges.take() == ([], False)


async def test_a_listener_that_was_away_may_have_missed_some() -> None:
    nudges = RunNudges()
    nudges.hear([UUID(int=1).hex])
    nudges.wake()

    assert await nudges.wait(5)
    assert nudges.take() == ([UUID(int=1)], True)
    assert nudges.take() == ([], False)


async def test_beyond_so_many_runs_it_is_only_remembered_that_there_were_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runs.hub.nudges.MOST_REMEMBERED", 3)
    nudges = RunNudges()
    for number in range(9):
        nudges.hear([UUID(int=number).hex])

    assert await nudges.wait(5)
    moved, has_missed_some = nudges.take()
    assert (sorted(moved), has_missed_some) == ([UUID(int=number) for number in range(3)], True)


def test_only_what_differs_from_what_was_told_is_news() -> None:
    told = Told()
    assert told.is_news(change(1))
    assert not told.is_news(change(1))
    assert told.is_news(change(1, last_seq=8))
    assert told.is_news(Change(UUID(int=1), None))
    assert not told.is_news(Change(UUID(int=1), None))


def test_of_many_runs_those_that_moved_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_feed, "MOST_REMEMBERED", 2)
    told = Told()
    for number in (1, 2, 1, 3):
        told.is_news(change(number))

    assert len(told) == 2
    assert not told.is_news(change(1))
    assert told.is_news(change(2))
