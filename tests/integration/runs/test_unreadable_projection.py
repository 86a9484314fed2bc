"""A stored projection that cannot be read: the next writer makes it anew from the log, and to whoever checks it is drift."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.core.management import call_command

from runs.domain.endings import EndingCode, Verdict
from runs.ending import end_run
from runs.metrics import REFOLDED
from runs.models import Metric, Projection, Run
from runs.queries.drift import compared, drifts_in
from runs.queries.invariants import broken_in
from runs.recorder import record, writing
from tests.cast import envelope, fresh, running_run
from tests.invariants import assert_invariants, assert_projection_equals_fold

pytestmark = pytest.mark.django_db

Damage = Callable[[dict[str, Any], dict[str, Any]], None]


def without(path: str) -> Damage:
    """A member is missing."""
    *places, name = path.split(".")

    def spoil(state: dict[str, Any], private: dict[str, Any]) -> None:
        value: Any = {"state": state, "private": private}
        for place in places:
            value = value[place]
        del value[name]

    return spoil


def having(path: str, wrong: object) -> Damage:
    """A member is of another kind."""
    *places, name = path.split(".")

    def spoil(state: dict[str, Any], private: dict[str, Any]) -> None:
        value: Any = {"state": state, "private": private}
        for place in places:
            value = value[place]
        value[name] = wrong

    return spoil


# JSON that can be read and not written: the limits of the two differ.
DEEP = "[" * 400 + "]" * 400

MEMBERS = {
    "a slice is missing": without("state.participants"),
    "a counter is missing": without("state.outboundMessages.awaitingReply"),
    "the number is missing": without("state.timeline.latestSeq"),
    "the context is missing": without("private.context"),
    "what was seen is missing": without("private.context.seen"),
    "a list is an object": having("state.graph.nodes", {}),
    "a counter is a text": having("private.metrics.eventCount", "many"),
    "an entry is no object": having("state.participants", [1]),
    "a slice is too deep to be written": having("state.decision", "DEEP"),
    "a member is too deep to be written": having("state.run.more", "DEEP"),
    "somebody seen is no text": having("private.context.seen", [["alice"]]),
}
TEXTS = {
    "empty": ("", ""),
    "no JSON": ('{"run":', "{}"),
    "null": ("null", "null"),
    "a list": ("[]", "[]"),
    "no member at all": ("{}", "{}"),
    "deep": (DEEP, "{}"),
    "too deep": ("[" * 100_000, "[" * 100_000),
}


def damaged(how: str) -> Run:
    """A run whose stored projection is damaged like this."""
    run = running_run()
    record(run.id, [envelope(1), envelope(2, sender="bob")], epoch=None)
    stored = Projection.objects.filter(run_id=run.id)
    if how in TEXTS:
        state, private = TEXTS[how]
        stored.update(state=state, private=private)
        return fresh(run)
    state, private = (orjson.loads(text) for text in stored.values_list("state", "private").get())
    MEMBERS[how](state, private)
    text = orjson.dumps(state).decode().replace('"DEEP"', DEEP)
    stored.update(state=text, private=orjson.dumps(private).decode())
    return fresh(run)


def refolded() -> float:
    return sum(Metric.objects.filter(name=REFOLDED.name).values_list("value", flat=True))


EVERY = pytest.mark.parametrize("how", [*TEXTS, *MEMBERS])


@EVERY
def test_the_next_writer_makes_it_anew_from_the_log(how: str) -> None:
    run = damaged(how)
    record(run.id, [envelope(3, sender="bob", kind="Proposal")], epoch=None)
    assert_projection_equals_fold(run)
    assert_invariants()


def test_that_it_was_made_anew_is_logged_and_counted_once(caplog: pytest.LogCaptureFixture) -> None:
    for number, run in enumerate(
        (damaged("empty"), damaged("a slice is missing"), damaged("an entry is no object")), 1
    ):
        record(run.id, [envelope(3)], epoch=None)
        record(run.id, [envelope(4)], epoch=None)
        assert refolded() == number
        assert f"the stored projection of run {run.id} cannot be gone on with" in caplog.text
    assert_invariants()


def test_a_writer_that_has_nothing_to_say_makes_it_anew_too() -> None:
    run = damaged("no JSON")
    for _ in range(2):
        with writing(run.id, epoch=None):
            pass
    assert_projection_equals_fold(run)
    assert refolded() == 1


def test_a_run_can_end_however_its_projection_is_damaged() -> None:
    run = damaged("no member at all")
    end_run(run.id, Verdict(code=EndingCode.PROGRESS_TIMEOUT, message="nothing was said"), epoch=None)
    assert fresh(run).status == "failed"
    assert_projection_equals_fold(run)
    assert_invariants()


@EVERY
def test_whoever_checks_finds_it_drifted_and_never_fails(how: str) -> None:
    run = damaged(how)
    folded, drift = compared(run.id)
    assert folded.public["run"]
    assert drift is not None
    assert drift.path.split(".")[0] in ("state", "private")
    assert [one.run_id for one in drifts_in([run.id])] == [run.id]
    assert "the stored projection is the fold of the log" in {one.invariant.words for one in broken_in([run.id])}
    with pytest.raises(SystemExit):
        call_command("check_invariants", run=run.id)
    record(run.id, [envelope(3)], epoch=None)
