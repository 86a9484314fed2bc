"""A replay over real HTTP: the descriptor's address is opened as it is, and the server is stopped during a pause."""

import http.client
import json
import signal
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from runs.domain.endings import EndingCode, Verdict
from runs.ending import end_run
from runs.models import Run
from runs.recorder import record
from tests.cast import envelope, fresh, queued_run, running_run
from tests.event_stream import Sent, parsed, short
from tests.processes import ManageCommand
from tests.service import database_url
from tests.timed_log import happened

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

PATIENCE = 20
KEY = {"Authorization": "Bearer test-key"}
JSON = {"Content-Type": "application/json"}


class Web:
    """`manage.py serve_web` on the database of this test."""

    def __init__(self, **environment: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = int(probe.getsockname()[1])
        real = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": database_url(),
            "AUTH_API_KEYS": "tester=test-key",
        }
        self.command = ManageCommand("serve_web", "--port", str(self._port), environment=real | environment)
        self.command.wait_for_line("Listening on TCP address")

    def connect(self) -> http.client.HTTPConnection:
        """A new connection."""
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)

    def ask(self, method: str, address: str, body: object = None, **headers: str) -> tuple[int, bytes]:
        """Status and body of the answer, read to its end."""
        with closing(self.connect()) as connection:
            sent = None if body is None else json.dumps(body)
            connection.request(method, address, sent, {**KEY, **JSON, **headers})
            response = connection.getresponse()
            return response.status, response.read()


@pytest.fixture
def ended_run() -> Run:
    """A run that was recorded in as many transactions as it has messages."""
    run = running_run()
    for number in range(10):
        record(run.id, [envelope(number)], epoch=None)
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)
    return fresh(run)


@pytest.fixture
def web(request: pytest.FixtureRequest) -> Iterator[Web]:
    web = Web(**getattr(request, "param", {}))
    yield web
    web.command.end()


# Slow enough for heartbeats, and short enough for a test.
PACED = {"STREAM_SSE_HEARTBEAT_MS": "5", "REPLAY_MAX_DELAY_MS": "50", "REPLAY_BATCH_SIZE": "4"}


@pytest.mark.parametrize("web", [PACED], indirect=True)
def test_a_client_opens_the_address_it_was_given_and_sees_the_run_again_a06(web: Web, ended_run: Run) -> None:
    run, last = ended_run, ended_run.last_seq

    status, answer = web.ask("POST", f"/runs/{run.id}/replay", {"mode": "timed", "speed": 0.1})
    assert status == 201
    links = json.loads(answer)
    status, text = web.ask("GET", links["streamUrl"])
    assert status == 200

    # It should show the events as the list has them, with signs of life in between, then the end.
    frames = parsed(text)
    log = json.loads(web.ask("GET", f"/runs/{run.id}/events?limit=5000")[1])
    assert [data for name, _, data in frames if name == "canonical_event"] == log
    assert [one for one in short(frames) if one != "heartbeat"] == [
        *(f"event {seq}" for seq in range(1, last + 1)),
        "end",
    ]
    assert "heartbeat" in short(frames)
    assert frames[-1][2] == {"status": "completed", "seq": last, "code": "resolved"}

    # It should go on where a viewer was, and stop an EventSource that has seen everything.
    assert _seqs(web.ask("GET", links["streamUrl"], **{"Last-Event-ID": str(last - 2)})[1]) == [last - 1, last]
    assert web.ask("GET", links["streamUrl"], **{"Last-Event-ID": str(last)}) == (204, b"")

    # It should let a client step through the states.
    state = json.loads(web.ask("GET", f"{links['stateUrl']}?seq=4")[1])
    assert (state["timeline"]["latestSeq"], state["run"]["status"]) == (4, "running")
    assert web.ask("GET", links["stateUrl"]) == web.ask("GET", f"/runs/{run.id}/state")


@pytest.mark.handmade_rows("an hour passes between two events of the log")
@pytest.mark.parametrize("web", [{"REPLAY_MAX_DELAY_MS": "3600000"}], indirect=True)
def test_a_server_that_stops_ends_a_replay_politely_and_another_carries_it_on(web: Web) -> None:
    run = queued_run()
    happened(run, 0, 0, 3_600_000, 3_600_000)
    address = f"/runs/{run.id}/replay/stream"
    received = b""
    with closing(web.connect()) as connection:
        connection.request("GET", address, headers=KEY)
        response = connection.getresponse()
        while b"id: 3\n" not in received:
            received += response.readline()
        web.command.send(signal.SIGTERM)
        received += response.read()
    assert web.command.wait(within_s=PATIENCE) == 0
    assert short(parsed(received)) == ["event 1", "event 2", "event 3"]

    other = Web()
    try:
        status, rest = other.ask("GET", address, **{"Last-Event-ID": "3"})
    finally:
        other.command.end()
    assert status == 200
    assert short(parsed(rest)) == ["event 4", "event 5", "end"]


def _seqs(text: bytes) -> list[int]:
    frames: list[Sent] = parsed(text)
    return [seq for _, seq, _ in frames if seq is not None]
