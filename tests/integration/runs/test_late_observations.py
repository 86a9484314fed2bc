"""What arrives after the ending, or contradicts what is known: kept apart, counted, never in the log (L04, I4, I15)."""

import pytest
from django.test import Client

from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import SessionState
from runs.ending import end_run
from runs.models import Event, Run
from runs.models.identity import uuid7
from runs.recorder import quarantine, record
from tests.cast import envelope, fresh, running_run, session_now

pytestmark = pytest.mark.django_db


def ended_run() -> Run:
    run = running_run()
    record(run.id, [envelope(1)], epoch=0)
    end_run(run.id, Verdict(code=EndingCode.RUN_TIMEOUT), epoch=0)
    return run


def test_what_comes_after_the_ending_is_kept_counted_and_not_in_the_log_l04_i15(caller: Client) -> None:
    run = ended_run()
    last_seq = fresh(run).last_seq
    # One repeat of what the log holds, one state of the session, two messages nobody knew: only they are late.
    assert quarantine(run.id, [envelope(1), session_now(SessionState.RESOLVED), envelope(2), envelope(3)]) == 2
    assert quarantine(run.id, [envelope(2), envelope(3)]) == 0

    assert (fresh(run).late_count, fresh(run).last_seq) == (2, last_seq)
    page = caller.get(f"/runs/{run.id}/late").json()
    assert (page["total"], page["limit"], page["offset"]) == (2, 200, 0)
    assert [(row["reason"], row["kind"], row["sourceId"]) for row in page["data"]] == [
        ("after_ending", "stream-envelope", "env:m-2"),
        ("after_ending", "stream-envelope", "env:m-3"),
    ]
    assert not Event.objects.filter(run_id=run.id, data__contains="m-2").exists()


def test_other_content_under_a_known_id_is_a_conflict_before_and_after_the_ending_i4(caller: Client) -> None:
    run = running_run()
    record(run.id, [envelope(1, text="first")], epoch=0)
    record(run.id, [envelope(1, text="second")], epoch=0)
    end_run(run.id, Verdict(code=EndingCode.RUN_TIMEOUT), epoch=0)
    quarantine(run.id, [envelope(1, text="third")])

    rows = caller.get(f"/runs/{run.id}/late").json()["data"]
    assert [row["reason"] for row in rows] == ["conflict", "conflict"]
    assert fresh(run).late_count == 2
    assert Event.objects.filter(run_id=run.id, type="message.received").count() == 1


def test_secrets_are_not_shown_and_text_reads_as_text_d13(caller: Client) -> None:
    run = ended_run()
    quarantine(run.id, [envelope(2, text="password: hunter2hunter2")])
    (row,) = caller.get(f"/runs/{run.id}/late").json()["data"]
    assert set(row) == {"id", "runId", "receivedAt", "reason", "kind", "sourceId", "payload"}
    assert row["payload"]["encoding"] == "text"
    assert "hunter2" not in str(row)


def test_pages_are_bounded_and_faults_are_named_e04(caller: Client) -> None:
    run = ended_run()
    quarantine(run.id, [envelope(number) for number in range(2, 7)])
    page = caller.get(f"/runs/{run.id}/late?limit=2&offset=3").json()
    assert ([row["sourceId"] for row in page["data"]], page["total"]) == (["env:m-5", "env:m-6"], 5)
    assert caller.get(f"/runs/{run.id}/late?limit=1001").json()["details"]["errors"][0]["path"] == "limit"
    assert caller.get(f"/runs/{uuid7()}/late").json()["errorCode"] == "RUN_NOT_FOUND"
    assert caller.get("/runs/yesterday/late").status_code == 400
