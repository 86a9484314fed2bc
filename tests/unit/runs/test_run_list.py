"""The list of one subscriber: what it is owed after changes, told before and after its first list."""

import asyncio
from uuid import UUID

import orjson
import pytest

from runs.models.project import DEFAULT_PROJECT_ID
from runs.streaming import run_list
from runs.streaming.run_list import Change, RunList
from runs.streaming.selection import Selection
from tests.summary_rows import a_summary

ONE, TWO = UUID(int=1), UUID(int=2)


def a_list(*shown: UUID) -> RunList:
    runs = RunList(DEFAULT_PROJECT_ID, Selection())
    runs.show(shown)
    return runs


def change(number: int = 1, **columns: object) -> Change:
    row = a_summary(number, **columns)
    return Change(row.id, row)


def taken(runs: RunList) -> list[tuple[str, str]]:
    return [(frame.event, orjson.loads(frame.data)["id"]) for frame in runs.take()]


async def test_a_run_that_changes_is_shown_and_one_that_leaves_is_removed_once() -> None:
    runs = a_list()
    runs.tell([(change(), True)])
    assert taken(runs) == [("run", str(ONE))]

    runs.tell([(change(), False)])
    runs.tell([(change(), False)])
    assert taken(runs) == [("run_removed", str(ONE))]

    runs.tell([(change(), False)])
    assert taken(runs) == []


async def test_of_a_run_only_the_latest_change_is_owed() -> None:
    runs = a_list()
    runs.tell([(change(status="running"), True)])
    runs.tell([(change(status="suspended"), True)])
    (frame,) = runs.take()

    assert orjson.loads(frame.data)["status"] == "suspended"


async def test_a_run_that_came_and_went_unseen_is_no_news() -> None:
    runs = a_list()
    runs.tell([(change(), True)])
    runs.tell([(change(), False)])

    assert taken(runs) == []


async def test_a_run_that_is_no_more_leaves_the_lists_that_show_it() -> None:
    runs = a_list(ONE)
    runs.tell([(Change(ONE, None), False)])
    runs.tell([(Change(TWO, None), False)])

    assert taken(runs) == [("run_removed", str(ONE))]


async def test_what_is_told_while_the_first_list_is_read_is_not_lost() -> None:
    runs = RunList(DEFAULT_PROJECT_ID, Selection())
    for number in (1, 2):
        runs.tell([(change(number), False)])
    runs.tell([(change(3), True)])
    runs.show([ONE])

    # It should remove what the list shows, and nothing that it does not show.
    assert taken(runs) == [("run_removed", str(ONE)), ("run", str(UUID(int=3)))]


async def test_frames_are_built_once_for_all_lists() -> None:
    here, there, news = a_list(), a_list(), change()
    for runs in (here, there):
        runs.tell([(news, True)])
    assert here.take()[0] is there.take()[0]

    for runs in (here, there):
        runs.tell([(news, False)])
    assert here.take()[0] is there.take()[0]


async def test_a_list_says_when_it_has_grown_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_list, "LONGEST_LIST", 10)
    runs = a_list(*(UUID(int=number) for number in range(100, 106)))
    assert not runs.is_too_long

    for number in range(7):
        runs.tell([(change(number), True)])
    assert runs.is_too_long


async def test_news_wake_whoever_waits_and_no_news_do_not() -> None:
    runs = a_list()
    waiting = asyncio.create_task(runs.wait(60))
    runs.tell([(change(), False)])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()

    runs.tell([(change(), True)])
    async with asyncio.timeout(5):
        await waiting
