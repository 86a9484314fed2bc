"""What processes tell each other of their breakers: every change is a row, and a reset is noticed where one is open."""

import asyncio
import contextlib
from uuid import uuid4

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from runs.audit import Actor
from runs.bridge import rows
from runs.errors import RuntimeUnavailable
from runs.models import BreakerChange
from runs.models.project import DEFAULT_PROJECT_ID
from runs.observer.supervisor import Observer
from runs.operations.breaker import reset_breaker
from runs.runtimes import breaker_log
from runs.runtimes.breaker import Breaker
from runs.runtimes.breaker_log import BreakerLog
from runs.runtimes.registry import Runtimes

pytestmark = pytest.mark.django_db(transaction=True)

KIND = "scripted"
PATIENCE = 10.0


@pytest.fixture(autouse=True)
def one_failure_opens(settings: Settings) -> None:
    settings.RUNTIME_CIRCUIT_BREAKER_THRESHOLD = 1


def reset() -> None:
    reset_breaker(kind=KIND, project_id=DEFAULT_PROJECT_ID, actor=Actor(name="test"), request_id=None)


def trip(breaker: Breaker) -> None:
    with contextlib.suppress(RuntimeUnavailable), breaker.attempt():
        raise RuntimeUnavailable("away")


def written() -> list[tuple[str, str]]:
    return list(BreakerChange.objects.filter(is_reset=False).order_by("id").values_list("state", "reason"))


async def until_written(count: int) -> list[tuple[str, str]]:
    async with asyncio.timeout(PATIENCE):
        while len(found := await rows(written)) < count:
            await asyncio.sleep(0.01)
    return found


async def test_every_change_is_written_in_its_order_under_the_observers_id() -> None:
    log = BreakerLog()
    log.observer = uuid4()
    runtimes = Runtimes(on_breaker_change=log.note)
    breaker = runtimes.get(KIND).breaker

    trip(breaker)
    breaker.reset("one")
    trip(breaker)

    assert await until_written(3) == [("OPEN", "away"), ("CLOSED", "one"), ("OPEN", "away")]
    assert await rows(BreakerChange.objects.filter(observer_id=log.observer, kind=KIND).count) == 3


async def test_a_change_waits_for_a_database_that_is_away_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker_log, "AGAIN_AFTER_SECONDS", 0.01)
    failures = [OperationalError("away")] * 3
    store = breaker_log._store

    def sometimes(*arguments: object) -> None:
        if failures:
            raise failures.pop()
        store(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(breaker_log, "_store", sometimes)
    log = BreakerLog()
    for number in range(breaker_log.MOST_WAITING + 5):
        log.note(KIND, "OPEN", str(number))

    # It should have dropped the oldest only, and told the others once.
    assert [reason for _, reason in await until_written(breaker_log.MOST_WAITING)] == [
        str(number) for number in range(5, breaker_log.MOST_WAITING + 5)
    ]


async def test_a_lost_answer_writes_no_change_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker_log, "AGAIN_AFTER_SECONDS", 0.01)
    store, lost = breaker_log._store, [True]

    def answerless(*arguments: object) -> None:
        store(*arguments)  # type: ignore[arg-type]
        if lost and lost.pop():
            raise OperationalError("the answer is lost")

    monkeypatch.setattr(breaker_log, "_store", answerless)
    log = BreakerLog()
    log.note(KIND, "OPEN", "once")
    log.note(KIND, "CLOSED", "then")

    assert await until_written(2) == [("OPEN", "once"), ("CLOSED", "then")]


async def test_a_reset_closes_what_opened_before_it_and_nothing_that_opened_after() -> None:
    log, runtimes = BreakerLog(), Runtimes()
    breaker = runtimes.get(KIND).breaker
    trip(breaker)
    await log.heed(runtimes)
    assert breaker.state == "OPEN"

    await rows(reset)
    # A reset within what one question takes may be seen by the next one only.
    async with asyncio.timeout(PATIENCE):
        while breaker.state != "CLOSED":
            await log.heed(runtimes)

    trip(breaker)
    await log.heed(runtimes)
    assert breaker.state == "OPEN"


async def test_nothing_is_asked_where_all_are_closed_and_no_failure_to_ask_is_passed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def away(kind: str, seconds: float) -> bool:
        asked.append(kind)
        raise OperationalError("away")

    monkeypatch.setattr(BreakerChange.objects, "reset_within", away)
    log, runtimes = BreakerLog(), Runtimes()
    breaker = runtimes.get(KIND).breaker

    await log.heed(runtimes)
    assert asked == []
    trip(breaker)
    await log.heed(runtimes)
    assert (asked, breaker.state) == ([KIND], "OPEN")


async def test_an_observer_tells_of_its_breaker_and_heeds_a_reset() -> None:
    observer, stop = Observer(), asyncio.Event()
    working = asyncio.create_task(observer.run(stop))
    breaker = observer._runtimes.get(KIND).breaker
    async with asyncio.timeout(PATIENCE):
        while not hasattr(observer, "id"):
            await asyncio.sleep(0.01)
        trip(breaker)
        assert await until_written(1) == [("OPEN", "away")]
        assert await rows(BreakerChange.objects.get) is not None

        await rows(reset)
        while breaker.state != "CLOSED":
            await asyncio.sleep(0.01)
    stop.set()
    await working

    assert await rows(BreakerChange.objects.filter(observer_id=observer.id).count) >= 1
