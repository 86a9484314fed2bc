"""Web and observer processes are killed at random moments under a viewer: whatever it saw is in the log, byte for byte."""

import contextlib
import http.client
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import orjson
import pytest

from runs.models import Run
from runs.streaming.log import page_after
from tests.beside import beside
from tests.faults.host import ObserverHost
from tests.invariants import assert_invariants
from tests.processes import ManageCommand
from tests.recovery.scene import ended, launch, wait_until
from tests.runtime_process import free_port
from tests.steered import cancel

pytestmark = [pytest.mark.slow, pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

SEED = 20
KILLS = 2
EVENTS, RATE = 50_000, 60  # more than anybody waits for: the run ends when it is cancelled
KEY = "a-key-of-this-test"
AGAIN_AFTER_S = 0.05
PATIENCE_S = 60


class Web:
    """`manage.py serve_web`, killed and started again on one port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.start()

    def start(self) -> None:
        """It is on its way."""
        listen = ("serve_web", "--host", "127.0.0.1", "--port", str(self.port))
        self._command: ManageCommand = beside(*listen, environment={"AUTH_API_KEYS": f"viewer={KEY}"})

    def wait_until_it_listens(self) -> None:
        self._command.wait_for_line("Listening on TCP address", within_s=PATIENCE_S)

    def kill(self) -> None:
        """Gone at once."""
        self._command.send(signal.SIGKILL)
        self._command.wait(within_s=PATIENCE_S)

    def end(self) -> None:
        self._command.end()

    def get(self, path: str) -> bytes:
        """The body of an answer."""
        with closing(self.connection()) as connection:
            connection.request("GET", path, headers={"Authorization": f"Bearer {KEY}"})
            answer = connection.getresponse()
            assert answer.status == http.client.OK
            return answer.read()

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)


class Viewer:
    """Watches a run on a thread of its own, and comes back whenever it is cut off, until it is told the end."""

    def __init__(self, web: Web, run_id: UUID) -> None:
        self.seen: dict[int, bytes] = {}
        self.cuts = 0
        self._web = web
        self._address = f"/runs/{run_id}/stream?includeSnapshot=false&afterSeq=0"
        self._failure: AssertionError | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def watched(self) -> dict[int, bytes]:
        """The events as they came, by number, once the run has ended."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "the viewer was never told the end"
        if self._failure is not None:
            raise self._failure
        return self.seen

    def _watch(self) -> None:
        try:
            while not self._has_ended():
                time.sleep(AGAIN_AFTER_S)  # as every event source does
        except AssertionError as failure:
            self._failure = failure

    def _has_ended(self) -> bool:
        """One visit, to the end of the run or to that of the connection."""
        headers = {"Authorization": f"Bearer {KEY}", "Last-Event-ID": str(max(self.seen, default=0))}
        try:
            with closing(self._web.connection()) as connection:
                connection.request("GET", self._address, headers=headers)
                return self._takes(connection.getresponse())
        except (OSError, http.client.HTTPException):
            self.cuts += 1
            return False

    def _takes(self, answer: http.client.HTTPResponse) -> bool:
        if answer.status == http.client.NO_CONTENT:
            return True
        assert answer.status == http.client.OK, answer.read()
        for fields in _frames(answer):
            if fields.get(b"event") == b"end":
                return True
            if fields.get(b"event") == b"canonical_event":
                seq = int(fields[b"id"])
                assert seq == max(self.seen, default=0) + 1, f"{seq} after {max(self.seen, default=0)}"
                self.seen[seq] = fields[b"data"]
        return False


def _frames(answer: http.client.HTTPResponse) -> Iterator[dict[bytes, bytes]]:
    """Whole frames; what was on its way when the connection broke was not seen."""
    lines: list[bytes] = []
    while line := answer.readline():
        if line == b"\n":
            yield dict(one.split(b": ", 1) for one in lines)
            lines = []
        else:
            lines.append(line.rstrip(b"\n"))


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.end()


def logged(run_id: UUID) -> dict[int, bytes]:
    """The whole log as every client gets it, by number."""
    entries = [entry for after in range(0, Run.objects.get(id=run_id).last_seq, 100) for entry in _page(run_id, after)]
    return {entry[0]: entry[1] for entry in entries}


def _page(run_id: UUID, after: int) -> list[tuple[int, bytes]]:
    return [(entry.seq, entry.document) for entry in page_after(run_id, after, limit=100).entries]


def test_whatever_a_viewer_saw_is_in_the_log_byte_for_byte_whoever_is_killed_and_when_t01_t02_i9(web: Web) -> None:
    chance = random.Random(SEED)
    long = launch("scripted", options={"scenario": "load", "events": EVENTS, "ratePerSecond": RATE})
    failing = launch("scripted", options={"scenario": "failing"})
    web.wait_until_it_listens()
    viewers = {run_id: Viewer(web, run_id) for run_id in (long, failing)}
    wait_until(lambda: all(viewer.seen for viewer in viewers.values()))

    with contextlib.ExitStack() as hosts:
        owner = _started(hosts)
        for _ in range(KILLS):
            successor = _started(hosts)
            _some_events_more(viewers[long], chance.randrange(1, 40))
            owner.kill()
            _some_events_more(viewers[long], chance.randrange(1, 20))
            web.kill()
            web.start()
            owner = successor
        _some_events_more(viewers[long], 1)
        cancel(long)
        ended(failing)
    seen = {run_id: viewer.watched() for run_id, viewer in viewers.items()}

    # It should be the same after a restart as it was live.
    web.kill()
    web.start()
    web.wait_until_it_listens()
    for run_id in (long, failing):
        assert seen[run_id] == logged(run_id)
        told = web.get(f"/runs/{run_id}/events?limit=5000")
        assert orjson.loads(told) == [orjson.loads(document) for document in seen[run_id].values()]
        assert told.endswith(seen[run_id][max(seen[run_id])] + b"]")
    assert Run.objects.get(id=failing).status == "failed"
    assert viewers[long].cuts >= KILLS
    assert_invariants()


def _some_events_more(viewer: Viewer, number: int) -> None:
    """So many events have been seen since now."""
    before = len(viewer.seen)
    wait_until(lambda: len(viewer.seen) >= before + number, what="what a viewer sees")


def _started(hosts: contextlib.ExitStack) -> ObserverHost:
    """An observer on its way, gone with the others."""
    host = ObserverHost()
    host.start()
    hosts.callback(host.leave)
    hosts.callback(host.ask_to_stop)
    return host
