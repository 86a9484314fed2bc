"""How a run ended, in plain words: the certificate of its ending as sentences. Agent text in them is not escaped yet."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runs.domain.endings import DecidedBy, EndingCode

MEANINGS: Mapping[EndingCode, str] = {
    EndingCode.RESOLVED: "The session was resolved.",
    EndingCode.SESSION_CANCELLED: "The session was cancelled at the runtime; nobody here had asked for it.",
    EndingCode.CANCELLED: "Somebody asked for it to be cancelled.",
    EndingCode.SESSION_EXPIRED: "The session expired before it was resolved.",
    EndingCode.SESSION_LOST: "The runtime no longer knows the session, and no accepted commitment is in the log.",
    EndingCode.RUNTIME_REJECTED: "The runtime refused the session.",
    EndingCode.RUNTIME_UNREACHABLE: "The runtime gave no answer for too long.",
    EndingCode.MODE_NOT_SUPPORTED: "The runtime does not offer the mode.",
    EndingCode.KICKOFF_FAILED: "A message of the kickoff was refused, or could not be delivered.",
    EndingCode.NEVER_STARTED: "It was not launched, or no agent opened the session, before the admission deadline.",
    EndingCode.PROGRESS_TIMEOUT: "The session said nothing before the progress deadline.",
    EndingCode.RUN_TIMEOUT: "The hard deadline passed, and the runtime did not say that the session was over.",
    EndingCode.RECOVERY_EXHAUSTED: "It was taken over from dead observers too often without getting any further.",
    EndingCode.PROCESS_FAILED: "Its process ended with an error.",
    EndingCode.PROCESS_KILLED: "Its process was ended by a signal.",
    EndingCode.AGENT_ERROR: "An agent reported an error.",
    EndingCode.INTERNAL_ERROR: "A defect of Signalbox; the log has the details under the id of the run.",
}
DECIDERS: Mapping[DecidedBy, str] = {
    DecidedBy.RUNTIME: "the runtime",
    DecidedBy.OBSERVER: "the observer that owned it",
    DecidedBy.SWEEPER: "a sweep",
    DecidedBy.API: "a caller of the API",
    DecidedBy.OPERATOR: "an operator",
}
_CODES = {code.value: code for code in EndingCode}
_DECIDERS = {decider.value: words for decider, words in DECIDERS.items()}
_GAPS = {
    "compacted": "the runtime no longer replays it",
    "evicted": "the runtime had let go of the session",
    "session_lost": "the runtime could not be reached any more",
}
_CLOCKS = {"admissionAt": "admission", "progressAt": "progress", "hardAt": "hard"}


@dataclass(frozen=True, slots=True)
class EndingWords:
    """An ending for people: how and by whom, what that means, and on what evidence."""

    head: str  # completed (resolved), decided by the runtime
    meaning: str  # empty for a code that is not on the list
    cause: str  # what went wrong, as whoever reported it says; empty if nobody did
    proof: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """All that follows the head."""
        told = (self.meaning, f"What went wrong: {self.cause}" if self.cause else "", *self.proof)
        return tuple(sentence for sentence in told if sentence)


def ending_words(text: str | None) -> EndingWords | None:
    """A stored certificate in words; None where there is none, or none that can be read."""
    ending = _parsed(text)
    if ending is None:
        return None
    code, decider = _code(ending.get("code")), _decider(ending.get("decidedBy"))
    head = f"{ending.get('status')} ({code or 'unknown code'}), decided by {decider}"
    cause = _cause(_object(ending.get("error")))
    return EndingWords(head, MEANINGS[code] if code else "", cause, (*_failed_as_well(ending), *_evidence(ending)))


def _cause(error: Mapping[str, object]) -> str:
    message, code = error.get("message"), error.get("runtimeCode")
    return f"{message}" + (f" ({code})" if code else "") if message else ""


def _failed_as_well(ending: Mapping[str, object]) -> Iterator[str]:
    for other in _list(_object(ending.get("error")).get("cleanupErrors")):
        yield f"Failed as well while it was ending: {other}"


def _evidence(ending: Mapping[str, object]) -> Iterator[str]:
    proof = _object(ending.get("evidence"))
    if not proof:
        return
    yield _asked(proof.get("runtimeAsked"))
    yield (
        f"Known by then: {proof.get('lastSeq')} events, {proof.get('runtimeCursor')} messages of the session read,"
        f" its last known state {proof.get('sessionState') or 'none'}."
    )
    if "commitmentSeq" in proof:
        yield f"The commitment of event {proof['commitmentSeq']} counts as its resolution."
    yield _missing(_object(proof.get("missing")))
    yield f"Owned by {proof.get('observer') or 'nobody'} under epoch {proof.get('leaseEpoch')}."
    if clocks := ", ".join(_clocks(_object(proof.get("deadlines")))):
        yield f"Deadlines: {clocks}."


def _asked(answer: object) -> str:
    if answer is None:
        return "The runtime was not asked."
    if answer == "no_answer":
        return "The runtime was asked and gave no answer."
    if answer == "not_ours":
        return "The runtime was asked: somebody else has opened the session of this id."
    return f"The runtime was asked and answered {answer}."


def _missing(gap: Mapping[str, object]) -> str:
    if not gap:
        return "Nothing that the session said is missing."
    why = _GAPS.get(str(gap.get("reason")), "for an unknown reason")
    return f"Missing: what the session said after its message {gap.get('afterOrdinal')}; {why}."


def _clocks(deadlines: Mapping[str, object]) -> Iterator[str]:
    for member, clock in _CLOCKS.items():
        if deadlines.get(member):
            yield f"{clock} {deadlines[member]}"


def _code(value: object) -> EndingCode | None:
    # What is read back from JSON may be anything: only what is on the closed list is shown as a code.
    return _CODES.get(str(value))


def _decider(value: object) -> str:
    return _DECIDERS.get(str(value), "nobody known")


def meaning_of(code: str | None) -> str:
    """What a code means, in a sentence; empty for one that is not on the list."""
    known = _code(code)
    return MEANINGS[known] if known else ""


def _parsed(text: str | None) -> Mapping[str, object] | None:
    try:
        ending = json.loads(text or "")
    except ValueError:
        return None
    return ending if isinstance(ending, Mapping) else None


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
