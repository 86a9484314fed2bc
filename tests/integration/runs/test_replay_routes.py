"""POST /runs/{id}/replay and GET /runs/{id}/replay/state: where a replay is found, and any earlier state."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from config.http.authentication import Principal
from runs.api.replay import ReplayStateView, ReplayView
from runs.audit import Actor
from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import Event
from runs.ending import end_run
from runs.models import Project, Projection, Run
from runs.models.identity import uuid7
from runs.operations.delete import delete_run
from runs.queries import events, states
from runs.recorder import record
from tests.cast import envelope, fresh, running_run

pytestmark = pytest.mark.django_db

Answer = tuple[int, dict[str, object]]


def descriptor(caller: Client, run_id: object, body: object = "") -> Answer:
    response = caller.post(f"/runs/{run_id}/replay", body, content_type="application/json")
    return response.status_code, response.json()


def state(caller: Client, run_id: object, query: str = "") -> Answer:
    response = caller.get(f"/runs/{run_id}/replay/state{query}")
    return response.status_code, response.json()


def faults(answer: Answer) -> list[str]:
    status, document = answer
    assert (status, document["errorCode"]) == (400, "VALIDATION_ERROR")
    return [fault["path"] for fault in document["details"]["errors"]]  # type: ignore[index]


class Stranger(BaseAuthentication):
    """Lets everybody in as a key that may do anything but read."""

    def authenticate(self, request: Request) -> tuple[Principal, None]:
        scopes = frozenset({"runs:write", "runs:cancel", "admin:read"})
        return Principal(id="key:s", name="s", kind="api_key", scopes=scopes), None


# --- the descriptor


def test_without_a_body_the_whole_run_is_offered_at_its_own_pace(caller: Client) -> None:
    run = running_run()
    expected = {
        "runId": str(run.id),
        "mode": "timed",
        "speed": 1,
        "streamUrl": f"/runs/{run.id}/replay/stream?mode=timed&speed=1",
        "stateUrl": f"/runs/{run.id}/replay/state",
    }

    assert descriptor(caller, run.id) == (201, expected)
    assert descriptor(caller, run.id, {}) == (201, expected)
    assert descriptor(caller, str(run.id).upper(), {}) == (201, expected)


def test_what_was_asked_for_stands_in_the_address_of_the_stream(caller: Client) -> None:
    run = running_run()
    asked = {"mode": "step", "speed": 0.25, "fromSeq": 2, "toSeq": 900}

    assert descriptor(caller, run.id, asked) == (
        201,
        {
            "runId": str(run.id),
            **asked,
            "streamUrl": f"/runs/{run.id}/replay/stream?mode=step&speed=0.25&fromSeq=2&toSeq=900",
            "stateUrl": f"/runs/{run.id}/replay/state",
        },
    )


def test_a_body_that_makes_no_sense_is_400_with_its_fields(caller: Client) -> None:
    run = running_run()

    assert faults(descriptor(caller, run.id, {"mode": "x", "speed": 0, "fromSeq": 0, "toSeq": "1", "y": 1})) == [
        *("mode", "speed", "fromSeq", "toSeq", "y"),
    ]
    assert faults(descriptor(caller, run.id, {"fromSeq": 3, "toSeq": 2})) == ["fromSeq"]
    assert faults(descriptor(caller, "seven")) == ["id"]


def test_a_replay_of_an_unknown_run_is_404_e21(caller: Client) -> None:
    for answer in (descriptor(caller, uuid7()), state(caller, uuid7()), state(caller, uuid7(), "?seq=0")):
        assert (answer[0], answer[1]["errorCode"]) == (404, "RUN_NOT_FOUND")


def test_a_run_of_another_project_is_404(caller: Client) -> None:
    run = running_run(project=Project.objects.create(name="Other", slug="other"))

    for answer in (descriptor(caller, run.id), state(caller, run.id), state(caller, run.id, "?seq=1")):
        assert (answer[0], answer[1]["errorCode"]) == (404, "RUN_NOT_FOUND")


def test_a_key_that_may_not_read_is_refused_d05(caller: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    run = running_run()
    for view in (ReplayView, ReplayStateView):
        monkeypatch.setattr(view, "authentication_classes", [Stranger])

    for answer in (descriptor(caller, run.id), state(caller, run.id)):
        assert (answer[0], answer[1]["errorCode"]) == (403, "FORBIDDEN")


def test_the_routes_are_described(client: Client) -> None:
    paths = client.get("/docs-json?format=json").json()["paths"]

    assert set(paths["/runs/{run_id}/replay"]) == {"post"}
    assert set(paths["/runs/{run_id}/replay/state"]) == {"get"}


# --- the state


@pytest.fixture
def remembered() -> tuple[Run, dict[int, bytes]]:
    """A run that ended, and its stored state after each commit, by the number of its last event."""
    run = running_run()
    texts: dict[int, bytes] = {}

    def remember() -> None:
        stored = Projection.objects.get(run_id=run.id)
        texts[stored.projected_seq] = stored.state.encode()

    remember()
    for number in range(12):
        record(run.id, [envelope(number, sender=("alice", "bob", "carol")[number % 3])], epoch=None)
        remember()
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None)
    remember()
    return fresh(run), texts


@pytest.mark.parametrize("page", [1, 4, 1_000])
def test_the_state_at_an_event_is_the_one_that_was_stored_then_b12(
    page: int, caller: Client, remembered: tuple[Run, dict[int, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_PAGE", page)
    run, texts = remembered

    assert len(texts) == 14
    for seq, text in texts.items():
        response = caller.get(f"/runs/{run.id}/replay/state?seq={seq}")
        assert (response.status_code, response["Content-Type"]) == (200, "application/json")
        assert response.content == text


def test_every_number_has_its_state_and_zero_is_before_the_first(
    caller: Client, remembered: tuple[Run, dict[int, bytes]]
) -> None:
    run, _ = remembered

    reached = []
    for seq in range(run.last_seq + 1):
        document = state(caller, run.id, f"?seq={seq}")[1]
        reached.append(document["timeline"]["latestSeq"])  # type: ignore[index]
    assert reached == list(range(run.last_seq + 1))
    assert state(caller, run.id, "?seq=0")[1]["participants"] == []


def test_without_a_number_or_past_the_end_the_state_is_the_present_one(
    caller: Client, remembered: tuple[Run, dict[int, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, texts = remembered
    present = texts[run.last_seq]

    with monkeypatch.context() as patch:
        patch.delattr(states, "fold")  # it is stored: nothing has to be folded
        for query in ("", f"?seq={run.last_seq}", f"?seq={run.last_seq + 1}", f"?seq={2**63 - 1}"):
            assert caller.get(f"/runs/{run.id}/replay/state{query}").content == present


@pytest.mark.handmade_rows("a state as an older release stored it")
def test_a_state_of_an_older_schema_is_never_shown(caller: Client, remembered: tuple[Run, dict[int, bytes]]) -> None:
    run, texts = remembered
    Projection.objects.filter(run_id=run.id).update(schema_version=1, state="{}")

    assert caller.get(f"/runs/{run.id}/replay/state").content == texts[run.last_seq]
    assert caller.get(f"/runs/{run.id}/replay/state?seq=999").content == texts[run.last_seq]


def test_however_long_the_log_one_page_of_it_is_folded_at_a_time(
    caller: Client, remembered: tuple[Run, dict[int, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, texts = remembered
    folded: list[int] = []
    fold: Callable[..., object] = states.fold

    def folding(onto: object, page: list[object]) -> object:
        folded.append(len(page))
        return fold(onto, page)

    monkeypatch.setattr(events, "_PAGE", 5)
    monkeypatch.setattr(states, "fold", folding)
    before_last = sorted(texts)[-2]

    assert caller.get(f"/runs/{run.id}/replay/state?seq={before_last}").content == texts[before_last]
    assert sum(folded) == before_last
    assert max(folded) == 5


@pytest.mark.parametrize("query", ["?seq=7", ""])
@pytest.mark.parametrize("pages", [0, 1])
@pytest.mark.handmade_rows("a state as an older release stored it")
def test_a_run_that_is_deleted_while_its_log_is_folded_is_not_found(
    query: str, pages: int, caller: Client, remembered: tuple[Run, dict[int, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = remembered
    Projection.objects.filter(run_id=run.id).update(schema_version=1)
    read = states.event_pages

    def deleted_after(run_id: UUID, **range_: Any) -> Iterator[list[Event]]:
        yield from islice(read(run_id, **range_), pages)
        delete_run(project_id=run.project_id, run_id=run_id, actor=Actor("tester"), request_id=None)
        yield from read(run_id, **range_)

    monkeypatch.setattr(events, "_PAGE", 3)
    monkeypatch.setattr(states, "event_pages", deleted_after)

    status, document = state(caller, run.id, query)
    assert (status, document["errorCode"]) == (404, "RUN_NOT_FOUND")


@pytest.mark.parametrize("seq", ["-1", "x", "", "1.0", str(2**63), "1" * 5_000])
def test_a_number_that_is_none_is_400_e21(seq: str, caller: Client) -> None:
    assert faults(state(caller, running_run().id, f"?seq={seq}")) == ["seq"]


def test_an_id_that_is_none_is_400(caller: Client) -> None:
    assert faults(state(caller, "seven")) == ["id"]


def test_only_the_methods_of_the_contract_are_allowed(caller: Client) -> None:
    run_id: UUID = running_run().id
    assert caller.get(f"/runs/{run_id}/replay").status_code == 405
    assert caller.post(f"/runs/{run_id}/replay/state").status_code == 405
