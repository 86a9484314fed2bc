"""The two ends of the hub over a transport that fails as it is told to: nobody waits, nothing is held for ever."""

import contextlib
import logging
import queue
import threading
from collections.abc import Iterator

import pytest

from runs.hub import listener, nudger
from runs.hub.ends import Ends
from runs.hub.listener import ANY_RUN, RETURN, Listener
from runs.hub.nudger import Nudger
from runs.hub.nudges import Nudges
from runs.hub.transport import WORK, Send, TransportLost
from tests.hubs import threads_end
from tests.processes import wait_until

pytestmark = threads_end
PATIENCE = 10.0


class Telegraph:
    """A transport within this process, with a line that can be cut, held or broken."""

    name = "the telegraph"

    def __init__(self) -> None:
        self.sent: list[set[str]] = []
        self.connects = 0
        self.failures = 0
        self.fault: Exception | None = None  # raised by whatever is done next, until it is taken away
        self.passes = threading.Event()
        self.passes.set()
        self.is_held = threading.Event()
        self._receivers: list[queue.SimpleQueue[list[str] | BaseException]] = []
        self._is_over = False
        self._nudgers: list[Nudger] = []

    def nudger(self) -> Nudger:
        """A nudger on this line."""
        self._nudgers.append(Nudger(self))
        return self._nudgers[-1]

    def listener(self) -> Listener:
        """A listener on this line."""
        return Listener(self)

    @contextlib.contextmanager
    def sender(self) -> Iterator[Send]:
        self._connect()
        yield self._send

    @contextlib.contextmanager
    def receiver(self) -> Iterator[Iterator[list[str]]]:
        self._connect()
        received: queue.SimpleQueue[list[str] | BaseException] = queue.SimpleQueue()
        self._receivers.append(received)
        yield self._received(received)

    def cut(self, fault: Exception) -> None:
        """Nothing gets through, and who listens learns it."""
        self.fault = fault
        self._tell(fault)

    def mend(self) -> None:
        """Everything gets through again."""
        self.fault = None

    def close(self) -> None:
        """Whoever uses it ends."""
        self._is_over = True
        self.passes.set()
        self._tell(SystemExit())
        for one in self._nudgers:
            one.add("end")

    def _connect(self) -> None:
        self._fail()
        self.connects += 1

    def _send(self, topics: set[str]) -> None:
        if not self.passes.is_set():
            self.is_held.set()
            assert self.passes.wait(PATIENCE)
        self._fail()
        self.sent.append(topics)
        self._tell(sorted(topics))

    def _fail(self) -> None:
        if self._is_over:
            raise SystemExit  # of this thread
        if self.fault is not None:
            self.failures += 1
            raise self.fault

    def _tell(self, what: list[str] | BaseException) -> None:
        receivers = self._receivers[:]
        if isinstance(what, BaseException):
            self._receivers.clear()
        for received in receivers:
            received.put(what)

    def _received(self, received: "queue.SimpleQueue[list[str] | BaseException]") -> Iterator[list[str]]:
        while True:
            what = received.get()
            if isinstance(what, BaseException):
                raise what
            yield what


@pytest.fixture
def telegraph(monkeypatch: pytest.MonkeyPatch) -> Iterator[Telegraph]:
    """A line; the threads at its ends are gone after the test."""
    monkeypatch.setattr(nudger, "RECONNECT_SECONDS", 0.01)
    monkeypatch.setattr(listener, "RECONNECT_SECONDS", 0.01)
    before = set(threading.enumerate())
    line = Telegraph()
    yield line
    line.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.fixture
def sending(telegraph: Telegraph) -> Nudger:
    """A nudger on the line."""
    return telegraph.nudger()


def test_whoever_nudges_never_waits_and_what_comes_meanwhile_goes_out_at_once(
    telegraph: Telegraph, sending: Nudger
) -> None:
    telegraph.passes.clear()
    sending.add("first")
    assert telegraph.is_held.wait(PATIENCE)

    for number in range(500):
        sending.add(f"run {number % 3}")  # it should come back although the line is held
    telegraph.passes.set()

    wait_until(lambda: len(telegraph.sent) == 2, within_s=PATIENCE)
    assert telegraph.sent == [{"first"}, {"run 0", "run 1", "run 2"}]


def test_what_could_not_be_sent_is_sent_once_the_line_is_mended(telegraph: Telegraph, sending: Nudger) -> None:
    telegraph.passes.clear()
    sending.add("before")
    assert telegraph.is_held.wait(PATIENCE)
    telegraph.cut(TransportLost("cut"))
    telegraph.passes.set()
    wait_until(lambda: telegraph.failures > 0, within_s=PATIENCE)
    sending.add("meanwhile")
    telegraph.mend()

    wait_until(lambda: set().union(*telegraph.sent) == {"before", "meanwhile"}, within_s=PATIENCE)


def test_no_more_is_held_back_than_memory_bears(
    telegraph: Telegraph, sending: Nudger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nudger, "MOST_WAITING", 5)
    telegraph.passes.clear()
    sending.add("first")
    assert telegraph.is_held.wait(PATIENCE)
    for number in range(100):
        sending.add(f"run {number}")
    telegraph.passes.set()

    wait_until(lambda: len(telegraph.sent) == 2, within_s=PATIENCE)
    assert len(telegraph.sent[1]) == 5
    # It should take new ones again afterwards.
    sending.add("later")
    wait_until(lambda: {"later"} in telegraph.sent, within_s=PATIENCE)


async def test_a_nudge_wakes_whoever_subscribed_and_nobody_else(telegraph: Telegraph, sending: Nudger) -> None:
    hearing = telegraph.listener()
    await _is_listening(telegraph, hearing)
    mine, others = Nudges(), Nudges()
    hearing.add("mine", mine)
    hearing.add("others", others)

    sending.add("mine")

    assert await mine.wait(PATIENCE)
    assert not await others.wait(0)


async def test_whoever_looks_after_all_looks_again_after_every_outage(telegraph: Telegraph) -> None:
    hearing = telegraph.listener()
    await _is_listening(telegraph, hearing)
    of_one_run = Nudges()
    hearing.add("one", of_one_run)
    looking = {topic: Nudges() for topic in (RETURN, ANY_RUN, WORK)}
    for topic, nudges in looking.items():
        hearing.add(topic, nudges)
    for _ in range(2):
        telegraph.cut(TransportLost("cut"))
        telegraph.mend()
        for nudges in looking.values():
            assert await nudges.wait(PATIENCE)
    # It should be asked about by one of these, with all other runs.
    assert not of_one_run._event.is_set()


async def _is_listening(telegraph: Telegraph, hearing: Listener) -> None:
    """Whoever subscribes from now on is not woken by the connection itself any more."""
    wait_until(lambda: bool(telegraph._receivers), within_s=PATIENCE)
    asked = Nudges()
    hearing.add("asked", asked)
    await asked.wait(0.05)  # by the connection, or not
    telegraph._tell(["asked"])
    assert await asked.wait(PATIENCE)


@pytest.mark.parametrize("end", ["nudger", "listener"])
def test_an_outage_is_logged_once_and_so_is_its_end(
    end: str, telegraph: Telegraph, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "signalbox.hub")
    telegraph.fault = TransportLost("no route\nto it")
    getattr(telegraph, end)()

    wait_until(lambda: telegraph.failures > 5, within_s=PATIENCE)
    telegraph.mend()
    wait_until(lambda: "the telegraph answers again" in caplog.text, within_s=PATIENCE)

    said = [(record.levelname, record.message) for record in caplog.records]
    assert [level for level, _ in said] == ["WARNING", "INFO"]
    assert said[0][1].endswith("readers poll until the telegraph answers: no route")


@pytest.mark.parametrize("end", ["nudger", "listener"])
def test_a_fault_that_nobody_thought_of_does_not_end_the_thread(
    end: str, telegraph: Telegraph, caplog: pytest.LogCaptureFixture
) -> None:
    telegraph.fault = ValueError("nobody thought of it")
    getattr(telegraph, end)()
    wait_until(lambda: telegraph.failures > 5, within_s=PATIENCE)
    telegraph.mend()
    wait_until(lambda: telegraph.connects == 1, within_s=PATIENCE)
    # It should say once where it came from.
    assert caplog.text.count("Traceback") == 1


def test_however_many_threads_come_at_once_each_end_is_started_once(telegraph: Telegraph) -> None:
    chosen: list[int] = []
    second = threading.Event()

    def choose() -> Telegraph:
        chosen.append(1)
        if len(chosen) % 2 == 0:
            second.set()
        second.wait(0.2)  # whoever could come in meanwhile has the time to
        return telegraph

    ends, gate, found = Ends(choose), threading.Barrier(8), []

    def ask() -> None:
        gate.wait(PATIENCE)
        found.append(ends.nudger())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    telegraph.close()
    ends.nudger().add("end")
    assert len(set(map(id, found))) == len(chosen) == 1
