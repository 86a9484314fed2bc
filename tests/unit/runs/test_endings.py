"""The closed list of codes, and the certificate that every ending carries."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.domain.documents import RunRow, iso, run_document
from runs.domain.endings import (
    NO_ANSWER,
    NOT_OURS,
    SESSION_NOT_FOUND,
    DecidedBy,
    EndingCode,
    Evidence,
    Verdict,
    certificate,
    ending_draft,
    known_code,
    shows_session_over,
    verdict_of,
)
from runs.domain.events import ENDING_TYPES, SessionState
from runs.domain.lifecycle import RunStatus
from runs.domain.text import clean, shortened
from tests.run_log import START

# As docs of the events have it: the code, and the status it ends a run in.
CLOSED_LIST = {
    "resolved": "completed",
    "session_cancelled": "cancelled",
    "cancelled": "cancelled",
    **dict.fromkeys(
        (
            *("session_expired", "session_lost", "runtime_rejected", "runtime_unreachable", "mode_not_supported"),
            *("kickoff_failed", "never_started", "progress_timeout", "run_timeout", "recovery_exhausted"),
            *("process_failed", "process_killed", "agent_error", "internal_error"),
        ),
        "failed",
    ),
}
CODES = st.sampled_from(list(EndingCode))
EVIDENCE = Evidence(
    last_seq=40,
    runtime_cursor=31,
    session_state="SESSION_STATE_OPEN",
    lease_epoch=3,
    observer="0190a7c2-0000-7000-8000-000000000001",
    admission_at=None,
    progress_at=None,
    hard_at="2026-01-31T10:00:00.000Z",
)


def test_the_list_of_codes_is_closed_l22() -> None:
    assert {code.value: Verdict(code=code).status.value for code in EndingCode} == CLOSED_LIST


def test_five_may_decide() -> None:
    assert [one.value for one in DecidedBy] == ["runtime", "observer", "sweeper", "api", "operator"]


@pytest.mark.parametrize("stored", [*CLOSED_LIST])
def test_a_code_of_the_list_is_shown_as_it_is_l22(stored: str) -> None:
    assert known_code(stored) == stored


@given(
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()) | st.dictionaries(st.text(), st.none())
)
def test_anything_else_that_was_stored_is_an_error_of_ours_l22(stored: object) -> None:
    is_known = isinstance(stored, str) and stored in CLOSED_LIST
    assert known_code(stored) == (stored if is_known else "internal_error")


def test_only_a_session_that_is_over_decides_by_itself() -> None:
    decided = {state.value: verdict_of(state.value) for state in SessionState}
    codes = {state: verdict.code for state, verdict in decided.items() if verdict is not None}
    assert codes == {
        "SESSION_STATE_RESOLVED": "resolved",
        "SESSION_STATE_EXPIRED": "session_expired",
        "SESSION_STATE_CANCELLED": "session_cancelled",
    }
    assert {verdict.decided_by for verdict in decided.values() if verdict is not None} == {DecidedBy.RUNTIME}
    assert verdict_of(None) is verdict_of("made up") is None


@pytest.mark.parametrize("asked", [None, NO_ANSWER, "SESSION_STATE_OPEN", "SESSION_STATE_SUSPENDED", "made up"])
def test_whatever_else_was_answered_may_leave_a_session_open(asked: str | None) -> None:
    assert not shows_session_over(asked)


def test_a_session_that_is_over_or_gone_or_theirs_leaves_nothing_to_cancel() -> None:
    over = ("SESSION_STATE_RESOLVED", "SESSION_STATE_EXPIRED", "SESSION_STATE_CANCELLED", SESSION_NOT_FOUND, NOT_OURS)
    assert all(map(shows_session_over, over))


@given(CODES, st.sampled_from(list(DecidedBy)))
def test_every_certificate_has_the_members_of_the_contract(code: EndingCode, decided_by: DecidedBy) -> None:
    ending = certificate(Verdict(code=code, decided_by=decided_by, message="why", runtime_asked="no_answer"), EVIDENCE)
    assert list(ending) == ["status", "code", "decidedBy", "evidence", "error"]
    assert (ending["status"], ending["code"], ending["decidedBy"]) == (CLOSED_LIST[code], code, decided_by)
    assert ending["evidence"] == {
        "lastSeq": 40,
        "runtimeCursor": 31,
        "sessionState": "SESSION_STATE_OPEN",
        "leaseEpoch": 3,
        "observer": "0190a7c2-0000-7000-8000-000000000001",
        "runtimeAsked": "no_answer",
        "missing": None,
        "deadlines": {"admissionAt": None, "progressAt": None, "hardAt": "2026-01-31T10:00:00.000Z"},
    }


def test_the_commitment_and_what_is_missing_are_part_of_the_evidence() -> None:
    missing = {"afterOrdinal": 31, "reason": "compacted"}
    verdict = Verdict(code=EndingCode.RESOLVED, commitment_seq=12, missing=missing)
    evidence = Evidence(**{name: getattr(EVIDENCE, name) for name in EVIDENCE.__struct_fields__} | {"missing": missing})
    proof = certificate(verdict, evidence)["evidence"]
    assert isinstance(proof, dict)
    assert (proof["commitmentSeq"], proof["missing"]) == (12, missing)


@given(CODES, st.lists(st.text(max_size=5), max_size=3))
def test_the_primary_cause_comes_first_and_what_failed_while_ending_never_replaces_it_t03_i14(
    code: EndingCode, errors: list[str]
) -> None:
    verdict = Verdict(code=code, message="the cause", runtime_code="NOT_FOUND", cleanup_errors=tuple(errors))
    ending = certificate(verdict, EVIDENCE)
    # It should not change the status either.
    assert ending["status"] == CLOSED_LIST[code]
    if verdict.status is RunStatus.FAILED or errors:
        assert ending["error"] == {"message": "the cause", "runtimeCode": "NOT_FOUND", "cleanupErrors": errors}
    else:
        assert ending["error"] is None


@given(CODES)
def test_the_ending_event_says_what_the_certificate_says(code: EndingCode) -> None:
    verdict = Verdict(code=code, decided_by=DecidedBy.SWEEPER, message="why")
    ending = certificate(verdict, EVIDENCE)
    draft = ending_draft(
        verdict, ending, run_id="r-1", session_id="s-1", ended_at="2026-01-31T09:31:00.000Z", trace_id="4bf9"
    )
    status = CLOSED_LIST[code]
    assert draft.type == f"run.{status}"
    assert draft.type in ENDING_TYPES
    assert (draft.subject_kind, draft.subject_id, draft.source_name) == ("run", "r-1", "sweeper")
    expected = {
        **{"status": status, "runStatus": status, "endedAt": "2026-01-31T09:31:00.000Z", "runtimeSessionId": "s-1"},
        **{"traceId": "4bf9", "ending": ending},
    }
    assert draft.data == expected | ({"error": "why"} if status == "failed" else {})


def test_a_failure_without_words_says_its_code() -> None:
    verdict = Verdict(code=EndingCode.RUN_TIMEOUT)
    draft = ending_draft(verdict, certificate(verdict, EVIDENCE), run_id="r", session_id=None, ended_at="t")
    assert draft.data["error"] == "run_timeout"
    assert "runtimeSessionId" not in draft.data
    assert "traceId" not in draft.data


@given(st.text(max_size=300).map(clean), st.integers(0, 500))
def test_words_are_cut_by_what_they_weigh_and_never_in_the_middle_of_a_character_t16(text: str, most: int) -> None:
    kept = shortened(text, most)
    assert text.startswith(kept)
    assert len(kept.encode()) <= most
    if kept != text:
        assert len(text[: len(kept) + 1].encode()) > most


@pytest.mark.parametrize(
    ("code", "shown"), [("progress_timeout", "progress_timeout"), ("from_the_future", "internal_error")]
)
def test_a_stored_code_is_validated_before_it_is_shown_l22(code: str, shown: str) -> None:
    stored = orjson.dumps({"status": "failed", "code": code, "evidence": {"b": 1.0, "a": []}}).decode()
    columns: dict[str, object] = dict.fromkeys(RunRow._fields)
    columns |= {"error_code": code, "ending": stored, "metadata_text": "{}", "cleanup_errors_text": "[]"}
    columns |= {"created_at": iso(START), "updated_at": iso(START)}
    row = orjson.loads(orjson.dumps(run_document(RunRow(**columns))))  # type: ignore[arg-type]
    assert (row["errorCode"], row["ending"]["code"]) == (shown, shown)
    assert row["ending"]["evidence"] == {"b": 1.0, "a": []}
