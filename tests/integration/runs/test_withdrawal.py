"""Whether viewers may stay is asked once for each credential, and told to every stream it holds open."""

import asyncio
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from runs.errors import Unauthenticated
from runs.streaming import withdrawal
from runs.streaming.withdrawal import Withdrawals, withdrawals

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 10


@dataclass
class Door:
    """Counts how often each credential is asked for, and answers as a test says."""

    asked: Counter[str] = field(default_factory=Counter)
    answers: dict[str, Exception] = field(default_factory=dict)

    def viewer(self, credential: str) -> "DoorViewer":
        return DoorViewer(credential, self)

    async def has_asked(self, credential: str, times: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.asked[credential] < times:
                await asyncio.sleep(0.005)  # asked on another thread


@dataclass(frozen=True, eq=False)
class DoorViewer:
    credential: str
    door: Door

    def recheck(self) -> None:
        self.door.asked[self.credential] += 1
        if answer := self.door.answers.get(self.credential):
            raise answer


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(withdrawal, "ASK_SECONDS", 0.01)


async def test_one_question_is_asked_for_all_streams_of_a_credential_and_all_of_them_are_told() -> None:
    door, told, watch = Door(), [], Withdrawals()
    with ExitStack() as streams:
        for number in range(50):
            streams.enter_context(watch.watched(door.viewer("one"), lambda _, number=number: told.append(number)))
        streams.enter_context(watch.watched(door.viewer("other"), lambda _: told.append("other")))
        await door.has_asked("one", 3)
        # It should have been asked as often as the other one, not fifty times so often.
        assert abs(door.asked["one"] - door.asked["other"]) <= 1
        assert told == []
        door.answers["one"] = Unauthenticated()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(told) < 50:
                await asyncio.sleep(0.005)  # asked on another thread
        assert set(told) == set(range(50))


async def test_a_question_that_fails_is_asked_again_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    door, told, watch = Door(answers={"one": OSError("the database is away")}), [], Withdrawals()
    with watch.watched(door.viewer("one"), told.append):
        await door.has_asked("one", 3)
        assert told == []
        assert "the database is away" in caplog.text
        refusal = door.answers["one"] = Unauthenticated()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not told:
                await asyncio.sleep(0.005)  # asked on another thread
    assert told[0] is refusal


async def test_nobody_is_asked_for_who_has_gone_and_whoever_comes_later_is_asked_for_again() -> None:
    door, watch = Door(), Withdrawals()
    for _ in range(2):
        with watch.watched(door.viewer("one"), print):
            await door.has_asked("one", 1)
        asking = watch._asking
        assert asking is not None
        await asyncio.wait({asking}, timeout=PATIENCE_SECONDS)
        assert asking.cancelled()
        assert watch._told == {}
        door.asked.clear()


async def test_all_streams_of_an_event_loop_share_one() -> None:
    assert withdrawals() is withdrawals()
