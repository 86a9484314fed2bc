"""What became of a wish is in the audit list: that it was asked for never stands there alone where it was refused."""

from typing import Any

import pytest
from django.db import DatabaseError
from pytest_django.fixtures import Settings

from runs.audit import Actor
from runs.domain.endings import EndingCode, Verdict, verdict_of
from runs.domain.events import JsonObject
from runs.ending import end_run
from runs.errors import NoOwner, RuntimeRejected, RuntimeUnavailable
from runs.models import AuditEntry, Run
from runs.observer.abandoned import refuse_abandoned
from runs.observer.wish_rows import answer_fulfilled, answer_refused, open_wish
from runs.operations.wish import withdraw
from tests.cast import fresh, running_run
from tests.failing_audit import failing_audit
from tests.integration.runs.test_owner_of_a_wish import wish
from tests.played import owned
from tests.steered import suspend

pytestmark = pytest.mark.django_db(transaction=True)

LEAD = Actor("lead", kind="user", id="user:7", address="203.0.113.9")


def asked(run: Run, kind: str, **changes: Any) -> Any:
    return wish(run, kind, actor=LEAD, request_id="req-1", **changes)


def entries() -> list[tuple[str, str | None]]:
    """Every action of the list with the code of a refusal, oldest first."""
    return [(entry.action, entry.details.get("errorCode")) for entry in AuditEntry.objects.order_by("id")]


def test_a_wish_that_is_withdrawn_was_refused_to_whoever_wanted_it() -> None:
    run = running_run()
    with pytest.raises(RuntimeUnavailable):
        suspend(run.id, unowned_s=0, actor=LEAD, request_id="req-1", reason="lunch")

    assert entries() == [("run.suspended", None), ("run.suspend_refused", "RUNTIME_UNAVAILABLE")]
    asked_for, refused = AuditEntry.objects.order_by("id")
    for name in ("project_id", "actor", "actor_type", "actor_id", "address", "resource", "resource_id", "request_id"):
        assert getattr(asked_for, name) == getattr(refused, name)
    assert (refused.actor, refused.actor_id, refused.request_id) == ("lead", "user:7", "req-1")
    assert asked_for.details["wantedAt"] == refused.details["wantedAt"]


@pytest.mark.parametrize("kind", ["cancel", "suspend"])
def test_a_wish_that_the_runtime_refuses_was_refused(kind: str) -> None:
    run = running_run()
    asked(run, kind)
    ours = owned(run)
    found = open_wish(ours)
    assert found is not None
    for _ in range(2):  # told twice, it is still one refusal
        answer_refused(ours, found, RuntimeRejected("no"))

    assert entries()[1:] == [(f"run.{kind}_refused", "RUNTIME_REJECTED")]


def test_a_wish_that_nobody_carried_out_was_refused(settings: Settings) -> None:
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 0
    asked(running_run(), "suspend")
    assert refuse_abandoned() == 1

    assert entries() == [("run.suspended", None), ("run.suspend_refused", "RUNTIME_UNAVAILABLE")]


def test_a_wish_that_lost_to_a_cancel_was_refused_and_only_once() -> None:
    run = running_run()
    asked(run, "suspend")
    ours = owned(run)
    found = open_wish(ours)
    assert found is not None
    asked(run, "cancel")
    answer_refused(ours, found, RuntimeRejected("no"))

    assert entries() == [("run.suspended", None), ("run.suspend_refused", "CONFLICT"), ("run.cancelled", None)]


@pytest.mark.parametrize("kind", ["cancel", "suspend"])
def test_a_wish_that_an_ending_forestalls_was_refused(kind: str) -> None:
    run = running_run()
    asked(run, kind)
    resolved = verdict_of("SESSION_STATE_RESOLVED")
    assert resolved is not None
    end_run(run.id, resolved, epoch=None)

    assert entries()[1:] == [(f"run.{kind}_refused", "INVALID_STATE_TRANSITION")]


def test_what_was_done_was_not_refused() -> None:
    cancelled, moved = running_run(), running_run()
    asked(cancelled, "cancel")
    end_run(cancelled.id, Verdict(code=EndingCode.PROGRESS_TIMEOUT), epoch=None)  # becomes `cancelled`, as was wanted
    asked(moved, "suspend")
    ours = owned(moved)
    found = open_wish(ours)
    assert found is not None
    answer_fulfilled(ours, found, [])
    end_run(moved.id, Verdict(code=EndingCode.RESOLVED), epoch=None)

    assert entries() == [("run.cancelled", None), ("run.suspended", None)]


def test_who_joins_a_wish_has_an_entry_too_and_one_of_its_refusal() -> None:
    run = running_run()
    first = asked(run, "cancel", reason="enough")
    second = wish(run, "cancel", actor=Actor("other"), reason="me too", request_id="req-2")
    assert first == second

    details: list[JsonObject] = [entry.details for entry in AuditEntry.objects.order_by("id")]
    assert [one["reason"] for one in details] == ["enough", "me too"]
    withdraw(first, NoOwner())
    refusals = AuditEntry.objects.filter(action="run.cancel_refused").order_by("id")
    assert [(entry.actor, entry.request_id) for entry in refusals] == [("lead", "req-1"), ("other", "req-2")]


def test_an_earlier_wish_of_the_run_is_not_refused_again() -> None:
    run = running_run()
    withdraw(asked(run, "suspend"), NoOwner())
    withdraw(asked(run, "suspend"), NoOwner())

    assert [action for action, _ in entries()] == ["run.suspended", "run.suspend_refused"] * 2


def test_a_refusal_that_cannot_be_noted_did_not_happen() -> None:
    run = running_run()
    made = asked(run, "suspend")
    with failing_audit(), pytest.raises(DatabaseError):
        withdraw(made, NoOwner())

    assert (fresh(run).wanted, fresh(run).wanted_answer) == ("suspend", None)
