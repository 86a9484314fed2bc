"""The kicker: at once, then at most once a window, whatever goes wrong; whoever asks never waits."""

import logging
import threading
import time
from collections.abc import Iterator

import pytest
from django.db import OperationalError

from runs.hub import kicker
from runs.hub.kicker import EVERY_SECONDS, Kicker
from tests.processes import wait_until

PATIENCE = 10.0
pytestmark = pytest.mark.filterwarnings(r"ignore:Exception in thread kicker[\s\S]*SystemExit")


class Queue:
    """What is kicked, for as long as the test lasts; `fault` is what the next kick meets."""

    def __init__(self) -> None:
        self.kicked: list[float] = []
        self.fault: BaseException | None = None
        self.passes = threading.Event()
        self.passes.set()
        self.is_held = threading.Event()

    def kick(self) -> None:
        self.is_held.set()
        assert self.passes.wait(PATIENCE)
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        self.kicked.append(time.monotonic())

    def has_been_kicked(self, times: int) -> None:
        wait_until(lambda: len(self.kicked) >= times, within_s=PATIENCE, what=f"{times} kicks")


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def kicks(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kicker]:
    monkeypatch.setattr(kicker, "RECONNECT_SECONDS", 0.01)
    started = Kicker(queue.kick)
    yield started
    if started._thread is not None:
        queue.fault = SystemExit()  # ends the thread, as nothing else does
        queue.passes.set()
        started.ask()
        started._thread.join(PATIENCE)
        assert not started._thread.is_alive()


def test_nothing_starts_before_somebody_asks(kicks: Kicker) -> None:
    assert kicks._thread is None


def test_one_who_asks_is_served_and_all_who_ask_meanwhile_are_served_together(queue: Queue, kicks: Kicker) -> None:
    queue.passes.clear()
    kicks.ask()
    assert queue.is_held.wait(PATIENCE)
    for _ in range(100):
        kicks.ask()  # it should not wait for the kick that is under way
    queue.passes.set()
    queue.has_been_kicked(2)
    kicks.ask()
    queue.has_been_kicked(3)
    assert len(queue.kicked) == 3


def test_between_two_kicks_lies_a_window(queue: Queue, kicks: Kicker) -> None:
    while len(queue.kicked) < 3:
        kicks.ask()
        time.sleep(0.001)
    pauses = [later - earlier for earlier, later in zip(queue.kicked, queue.kicked[1:], strict=False)]
    assert min(pauses) >= EVERY_SECONDS


def test_many_who_ask_first_start_one_thread(queue: Queue, kicks: Kicker) -> None:
    ready = threading.Barrier(8)

    def ask() -> None:
        ready.wait(PATIENCE)
        kicks.ask()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    before = {thread.ident for thread in threading.enumerate() if thread.name == "kicker"}
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    queue.has_been_kicked(1)
    assert len([one for one in threading.enumerate() if one.name == "kicker" and one.ident not in before]) == 1


def test_a_database_that_is_away_costs_kicks_and_one_line(
    queue: Queue, kicks: Kicker, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        queue.fault = OperationalError("it is gone\nfor a while")
        kicks.ask()
        wait_until(lambda: queue.fault is None, within_s=PATIENCE, what="the kick that fails")
    kicks.ask()
    queue.has_been_kicked(1)
    assert [record.getMessage() for record in caplog.records] == [
        "the queue is not called until the database answers: it is gone"
    ]


def test_a_fault_of_ours_is_logged_and_the_next_kick_comes(
    queue: Queue, kicks: Kicker, caplog: pytest.LogCaptureFixture
) -> None:
    queue.fault = KeyError("ours")
    kicks.ask()
    wait_until(lambda: queue.fault is None, within_s=PATIENCE, what="the kick that fails")
    kicks.ask()
    queue.has_been_kicked(1)
    (logged,) = caplog.records
    assert (logged.levelno, logged.exc_info is not None) == (logging.ERROR, True)
