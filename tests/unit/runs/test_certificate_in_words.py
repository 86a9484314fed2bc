"""The certificate of an ending, as staff read it: every code has words, and nothing unknown is shown as if it were known."""

import json

import pytest

from runs.admin.certificate import certificate, cleanup
from runs.domain.ending_words import DECIDERS, MEANINGS
from runs.domain.endings import NOT_OURS, DecidedBy, EndingCode, Evidence, Verdict
from runs.domain.endings import certificate as certificate_of
from runs.models import Run

EVIDENCE = Evidence(
    last_seq=40,
    runtime_cursor=31,
    session_state="SESSION_STATE_OPEN",
    lease_epoch=3,
    observer=None,
    admission_at=None,
    progress_at=None,
    hard_at="2026-01-31T10:00:00.000Z",
)


def words(verdict: Verdict) -> list[str]:
    return certificate(json.dumps(certificate_of(verdict, EVIDENCE))).split("<br>")


def test_every_code_and_every_decider_has_words() -> None:
    assert set(MEANINGS) == set(EndingCode)
    assert set(DECIDERS) == set(DecidedBy)


@pytest.mark.parametrize("code", EndingCode)
def test_the_code_stands_first_and_what_it_means_second(code: EndingCode) -> None:
    head, meaning, *_ = words(Verdict(code=code))
    assert f"({code.value}), decided by the observer that owned it" in head
    assert meaning == MEANINGS[code]


def test_the_evidence_is_told_in_sentences() -> None:
    told = words(Verdict(code=EndingCode.RUN_TIMEOUT, decided_by=DecidedBy.SWEEPER, runtime_asked="no_answer"))
    assert told[0] == "<strong>failed (run_timeout), decided by a sweep</strong>"
    assert told[2:] == [
        "The runtime was asked and gave no answer.",
        "Known by then: 40 events, 31 messages of the session read, its last known state SESSION_STATE_OPEN.",
        "Nothing that the session said is missing.",
        "Owned by nobody under epoch 3.",
        "Deadlines: hard 2026-01-31T10:00:00.000Z.",
    ]


def test_a_session_of_somebody_else_is_said_to_be_theirs() -> None:
    told = words(Verdict(code=EndingCode.NEVER_STARTED, runtime_asked=NOT_OURS))
    assert told[2] == "The runtime was asked: somebody else has opened the session of this id."


def test_the_first_cause_comes_before_what_failed_as_well_i14() -> None:
    told = words(Verdict(code=EndingCode.KICKOFF_FAILED, message="refused", cleanup_errors=("no answer", "no route")))
    assert told[2:5] == [
        "What went wrong: refused",
        "Failed as well while it was ending: no answer",
        "Failed as well while it was ending: no route",
    ]


@pytest.mark.parametrize("code", ["<b>", "resolved ", None, 7, ["resolved"]])
def test_a_code_that_is_not_on_the_list_is_not_shown_l22(code: object) -> None:
    shown = certificate(json.dumps({"status": "failed", "code": code, "decidedBy": {"a": 1}}))
    assert shown == "<strong>failed (unknown code), decided by nobody known</strong>"


@pytest.mark.parametrize(
    "text", [None, "", "no JSON", "[]", "7", '{"evidence": []}', '{"error": 1, "evidence": {"missing": 2}}']
)
def test_whatever_is_stored_is_shown_without_a_fault(text: str | None) -> None:
    assert certificate(text)


def test_a_run_that_goes_on_has_nothing_to_clean_up_yet() -> None:
    assert cleanup(Run()) == "–"
    assert cleanup(Run(ending_seq=3)) == "Nothing was left to clean up."


@pytest.mark.parametrize(("status", "head"), [("done", "Done after 1 try"), ("failed", "Given up after 5 tries")])
def test_a_clean_up_that_is_over_says_so(status: str, head: str) -> None:
    run = Run(ending_seq=3, cleanup_status=status, cleanup_attempts=1 if status == "done" else 5)
    assert cleanup(run) == f"<strong>{head}</strong>"
