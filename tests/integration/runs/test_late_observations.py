"""What comes too late, or contradicts what is known: kept apart, counted, shown, and never in the log (L04, I4, I15)."""

import asyncio
from base64 import b64decode, b64encode

import orjson
import pytest
from django.test import Client

from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.domain.events import Envelope, Observation, ObservationKind, SessionState
from runs.ending import end_run
from runs.models import Event, LateObservation, Project, RawObservation, Run
from runs.models.identity import uuid7
from runs.recorder import quarantine, record
from tests.cast import MODE, envelope, fresh, running_run, session_now
from tests.invariants import assert_invariants
from tests.played import OPENED, PlayedSession, Silence, observe, owned

pytestmark = pytest.mark.django_db

ROW = {"id", "runId", "receivedAt", "reason", "kind", "sourceId", "payload"}
TIMED_OUT = Verdict(code=EndingCode.PROGRESS_TIMEOUT, decided_by=DecidedBy.SWEEPER, message="nothing was said")


def ended_run() -> Run:
    run = running_run()
    record(run.id, [envelope(1)], epoch=None)
    end_run(run.id, TIMED_OUT, epoch=None)
    return fresh(run)


def frame(raw: bytes, *, number: int = 9, kind: ObservationKind = ObservationKind.ENVELOPE) -> Observation:
    """An envelope that came in just these bytes."""
    body = Envelope(mode=MODE, message_type="Note", message_id=f"m-{number}", session_id="s", sender="a", payload=raw)
    return Observation(kind=kind, body=body, raw=raw, source_id=f"env:m-{number}")


def told(run: Run) -> tuple[list[tuple[object, ...]], str]:
    """Everything that the log and the projection say."""
    return list(Event.objects.filter(run_id=run.id).order_by("seq").values_list()), fresh(run).projection.state


def listed(caller: Client, run: Run, **query: object) -> dict[str, object]:
    response = caller.get(f"/runs/{run.id}/late", query)
    assert response.status_code == 200, response.content
    document: dict[str, object] = response.json()
    return document


def payload(caller: Client, raw: bytes) -> dict[str, object]:
    """How these bytes are shown."""
    run = ended_run()
    quarantine(run.id, [frame(raw)])
    (row,) = caller.get(f"/runs/{run.id}/late").json()["data"]
    shown: dict[str, object] = row["payload"]
    return shown


@pytest.mark.django_db(transaction=True)
def test_what_the_owner_hears_after_an_ending_of_ours_goes_to_quarantine_l04(caller: Client) -> None:
    run = running_run()
    record(run.id, [envelope(1)], epoch=None)
    mine = owned(run)
    end_run(run.id, TIMED_OUT, epoch=None)
    before = told(run)
    over = session_now(SessionState.CANCELLED, count=2)
    session = PlayedSession([[OPENED, envelope(1), envelope(2), over, Silence()]], [over])
    asyncio.run(observe(mine, session))

    # The owner listens until the session is over, too, or it is told to let go. What it heard should not be in the log, nor
    # change what was told; it should be counted and shown.
    assert told(run) == before
    assert fresh(run).late_count == 1
    document = listed(caller, run)
    assert document["total"] == 1
    (row,) = document["data"]  # type: ignore[misc]
    assert (row["reason"], row["kind"], row["sourceId"]) == ("after_ending", "stream-envelope", "env:m-2")
    assert_invariants()


def test_nothing_that_comes_after_the_ending_enters_the_log_and_each_is_counted_once_i15() -> None:
    run = ended_run()
    before, raw = told(run), RawObservation.objects.filter(run_id=run.id).count()
    for _ in range(2):
        quarantine(run.id, [envelope(1), envelope(2), envelope(3, sender="bob"), session_now(SessionState.RESOLVED)])

    assert told(run) == before
    assert RawObservation.objects.filter(run_id=run.id).count() == raw
    assert fresh(run).late_count == LateObservation.objects.filter(run_id=run.id).count() == 2
    assert fresh(run).status == "failed"
    assert_invariants()


def test_other_content_under_a_known_identity_is_a_conflict_before_the_end_too_i4(caller: Client) -> None:
    run = running_run()
    record(run.id, [envelope(1, text="first")], epoch=None)
    before = told(run)
    for _ in range(2):
        record(run.id, [envelope(1, text="second"), envelope(1, text="first")], epoch=None)
    assert told(run) == before
    assert fresh(run).late_count == 1

    end_run(run.id, TIMED_OUT, epoch=None)
    quarantine(run.id, [envelope(1, text="third"), envelope(1, text="second")])
    rows = listed(caller, run)["data"]
    assert [(row["reason"], row["sourceId"]) for row in rows] == [("conflict", "env:m-1")] * 2  # type: ignore[attr-defined]
    assert_invariants()


def test_a_late_identity_may_contradict_itself_i4() -> None:
    run = ended_run()
    quarantine(run.id, [envelope(7, text="one"), envelope(7, text="another")])
    late = LateObservation.objects.filter(run_id=run.id).order_by("reason")

    assert [one.reason for one in late] == ["after_ending", "conflict"]
    assert_invariants()


def test_a_run_without_late_data_has_an_empty_page(caller: Client) -> None:
    assert listed(caller, running_run()) == {"data": [], "total": 0, "limit": 200, "offset": 0}


def test_a_page_holds_every_member_oldest_first(caller: Client) -> None:
    run = ended_run()
    quarantine(run.id, [envelope(2), envelope(3)])
    quarantine(run.id, [envelope(4)])
    document = listed(caller, run)
    rows = document["data"]
    assert isinstance(rows, list)

    stored = LateObservation.objects.filter(run_id=run.id).order_by("received_at", "id")
    assert [row["id"] for row in rows] == [str(one.id) for one in stored]
    assert all(set(row) == ROW for row in rows)
    assert {row["runId"] for row in rows} == {str(run.id)}
    assert rows[-1]["sourceId"] == "env:m-4"
    assert rows[0]["receivedAt"].endswith("Z")
    assert len(rows[0]["receivedAt"]) == 24


def test_pages_join_and_the_total_is_of_the_run_e09(caller: Client) -> None:
    run, other = ended_run(), ended_run()
    quarantine(run.id, [envelope(number) for number in range(2, 9)])
    quarantine(other.id, [envelope(2)])
    pages = [listed(caller, run, limit=3, offset=offset) for offset in (0, 3, 6, 9)]

    assert [page["total"] for page in pages] == [7] * 4
    assert (pages[1]["limit"], pages[1]["offset"]) == (3, 3)
    ids = [row["id"] for page in pages for row in page["data"]]  # type: ignore[attr-defined]
    assert ids == [row["id"] for row in listed(caller, run)["data"]]  # type: ignore[attr-defined]
    assert len(set(ids)) == 7


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"offset": -1}, {"offset": "1.5"}])
def test_a_page_has_bounds_e04(query: dict[str, object], caller: Client) -> None:
    response = caller.get(f"/runs/{ended_run().id}/late", query)
    assert (response.status_code, response.json()["errorCode"]) == (400, "VALIDATION_ERROR")


def test_an_unknown_run_is_404_and_an_id_that_is_none_400(caller: Client) -> None:
    response = caller.get(f"/runs/{uuid7()}/late")
    assert (response.status_code, response.json()["errorCode"]) == (404, "RUN_NOT_FOUND")
    assert caller.get("/runs/seven/late").status_code == 400
    assert caller.post(f"/runs/{uuid7()}/late", content_type="application/json").status_code == 405


def test_late_data_of_another_project_is_not_shown_i17(caller: Client) -> None:
    run = running_run(project=Project.objects.create(name="Other", slug="other"))
    end_run(run.id, TIMED_OUT, epoch=None)
    quarantine(run.id, [envelope(2)])
    assert caller.get(f"/runs/{run.id}/late").status_code == 404


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b'{"a": [1, "x"]}', {"json": {"a": [1, "x"]}, "encoding": "json"}),
        (b"7", {"json": 7, "encoding": "json"}),
        (
            b"plain words",
            {"text": "plain words", "encoding": "text", "payloadBase64": b64encode(b"plain words").decode()},
        ),
        (b"a\0b", {"text": "a\ufffdb", "encoding": "text", "payloadBase64": b64encode(b"a\0b").decode()}),
        (b"\xff\x00\x08", {"payloadBase64": b64encode(b"\xff\x00\x08").decode()}),
        (b"", {}),
    ],
)
def test_the_bytes_are_shown_as_a_payload_of_unknown_type_is(
    raw: bytes, shown: dict[str, object], caller: Client
) -> None:
    assert payload(caller, raw) == shown


CANARY = "canary-canary-canary-7"
HIDDEN = b64encode(f"password={CANARY}".encode()).decode()


@pytest.mark.parametrize(
    "raw",
    [
        orjson.dumps({"password": CANARY}),
        orjson.dumps({"envelope": {"payload": {"note": f"token: {CANARY}"}}}),
        orjson.dumps({"envelope": {"payloadBase64": HIDDEN}}),
        orjson.dumps([{"data": HIDDEN}]),
        f"Authorization: Bearer {CANARY}".encode(),
        b"\xff\x08" + f"password={CANARY}".encode() + b"\x12\xfe",
    ],
)
def test_no_secret_is_shown_in_whatever_form_it_came_d13_i18(raw: bytes, caller: Client) -> None:
    shown = orjson.dumps(payload(caller, raw))
    texts = [shown, *(b64decode(text) for text in _texts(orjson.loads(shown)) if _is_base64(text))]

    assert not any(b"canary" in text for text in texts)
    assert any(b"[redacted]" in text for text in texts)
    # What was received is kept all the same.
    assert bytes(LateObservation.objects.get().body) == raw


def test_a_secret_in_an_identity_is_not_shown_either_d13(caller: Client) -> None:
    run = ended_run()
    quarantine(run.id, [envelope(f"token={CANARY}")])
    assert "canary" not in caller.get(f"/runs/{run.id}/late").content.decode()


def _texts(value: object) -> list[str]:
    if isinstance(value, dict | list):
        members = value.values() if isinstance(value, dict) else value
        return [text for member in members for text in _texts(member)]
    return [value] if isinstance(value, str) else []


def _is_base64(text: str) -> bool:
    try:
        b64decode(text, validate=True)
    except ValueError:
        return False
    return True
