"""Secrets and contexts that callers, agents and runtimes bring are in no line of the log and in no error answer (T17)."""

import asyncio
import logging
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from config.logs import JsonLines
from runs.bridge import rows
from runs.errors import RuntimeRejected, RuntimeUnavailable
from runs.models import Run
from tests.bodies import Body
from tests.cast import envelope
from tests.integration.runs.test_observe_run import becomes_true, body
from tests.integration.runs.test_observer_loops import Beside
from tests.played import OPENED, Silence
from tests.puppet import KIND, Puppet, Stage, answered

pytestmark = pytest.mark.django_db(transaction=True)

CANARY = "canary7canary7"
API_KEY = f"key-{CANARY}"
# In the forms in which runtimes and libraries spill them.
SPILT = f"upstream said: Authorization: Bearer {CANARY}; password={CANARY}; postgres://me:{CANARY}@db/x"


class Lines(logging.Handler):
    """Every record of every logger, as the service writes it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonLines("test", [API_KEY]))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """The lines of the log so far, down to the least important."""
    root, handler = logging.getLogger(), Lines()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.setLevel(before)
    root.removeHandler(handler)


@pytest.fixture
def client(settings: Settings) -> Client:
    settings.AUTH_API_KEYS = [f"tester={API_KEY}"]
    return Client(headers={"authorization": f"Bearer {API_KEY}"}, raise_request_exception=False)


def request(**changes: object) -> Body:
    """A request with a canary wherever a caller may put what is nobody else's business."""
    note = {"from": "lead", "to": ["alice"], "kind": "request", "messageType": "Note", "payload": {"text": CANARY}}
    wanted = body(runtime={"kind": KIND}, kickoff=[note])
    session = dict(wanted["session"])  # type: ignore[call-overload]
    session |= {
        "context": {"note": CANARY, "password": CANARY},
        "metadata": {
            "free": CANARY,
            "token": CANARY,
            "cancelCallback": {"url": f"https://agent.example/{CANARY}?token={CANARY}", "bearer": CANARY},
        },
    }
    return {**wanted, "session": session, **changes}


PLAYS: dict[str, Puppet | None] = {
    "a kickoff that is not delivered": None,
    "a start that is refused": Puppet(starts=[answered(ok=False, code="FORBIDDEN", message=SPILT)]),
    "a start that is not permitted": Puppet(starts=[RuntimeRejected(SPILT, runtime_code="FORBIDDEN")]),
    "a stream that breaks": Puppet(streams=[[OPENED, RuntimeUnavailable(SPILT)], [OPENED, Silence()]]),
    "a defect of an adapter": Puppet(streams=[[OPENED, KeyError(SPILT)]]),
    "a defect in a session": Puppet(states=[KeyError(SPILT)], streams=[[OPENED, envelope(1, text=CANARY), Silence()]]),
}


@pytest.mark.parametrize("what", PLAYS)
def test_a_run_leaves_no_canary_in_any_line_of_the_log_t17(
    what: str, stage: Stage, client: Client, lines: list[str], settings: Settings
) -> None:
    settings.STREAM_IDLE_TIMEOUT_MS = 200
    response = client.post("/runs", request(), content_type="application/json")
    assert response.status_code == 201, response.content
    run = Run.objects.get()
    play = PLAYS[what]
    if play is not None:
        stage.sessions[str(run.session_id)] = play

    def has_been_heard() -> bool:
        return Run.objects.exclude(status__in=["queued", "starting", "binding_session"]).exists()

    async def story() -> None:
        async with Beside():
            await becomes_true(lambda: rows(has_been_heard))
            cancelled = await rows(
                lambda: client.post(f"/runs/{run.id}/cancel", {"reason": CANARY}, content_type="application/json")
            )
            assert CANARY not in cancelled.content.decode() or cancelled.status_code < 400

    asyncio.run(story())
    assert any(str(run.id) in line for line in lines)
    assert [line for line in lines if CANARY in line] == []


WRONG: dict[str, Body] = {
    "an unknown member": request(secret=CANARY),
    "a mode that is none": request(mode=CANARY),
    "a runtime that is none": request(runtime={"kind": f"k-{CANARY}"}),
    "an option that is none": request(runtime={"kind": "scripted", "options": {"scenario": CANARY}}),
    "tags that are none": request(execution={"tags": {"a": CANARY}}),
    "an address that is refused": request(
        session={**request()["session"], "metadata": {"cancelCallback": {"url": f"http://me:{CANARY}@127.0.0.1/"}}}
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_no_refusal_repeats_what_it_refuses_t17(what: str, stage: Stage, client: Client, lines: list[str]) -> None:
    response = client.post("/runs", WRONG[what], content_type="application/json")

    assert response.status_code == 400
    assert CANARY not in response.content.decode()
    assert [line for line in lines if CANARY in line] == []


def test_no_other_error_answer_holds_a_canary_t17(stage: Stage, client: Client, lines: list[str]) -> None:
    key = {"Idempotency-Key": "once"}
    run_id = client.post("/runs", request(), content_type="application/json", headers=key).json()["runId"]
    note = {"from": CANARY, "to": ["alice"], "messageType": "Note", "payload": {"token": CANARY}}
    json = "application/json"
    answers = [
        client.post("/runs", request(mode="sandbox"), content_type=json, headers=key),
        client.post(f"/runs/{run_id}/messages", note, content_type=json),
        client.post(f"/runs/{run_id}/context", {"from": "lead", "context": {"token": CANARY}}, content_type=json),
        client.post("/runs", f'{{"mode": "{CANARY}', content_type=json),
        client.get("/runs", headers={"authorization": f"Bearer wrong-{CANARY}"}),
        client.get(f"/runs/{CANARY}"),
        client.get("/runs", {"status": CANARY}),
        client.get(f"/runs/{run_id}/events", {"afterSeq": CANARY}),
    ]

    assert {answer.status_code for answer in answers} <= {400, 401, 404, 409, 503}
    assert [answer.content for answer in answers if CANARY in answer.content.decode()] == []
    assert [line for line in lines if CANARY in line] == []
