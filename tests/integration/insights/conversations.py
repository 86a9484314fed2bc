"""Runs in which something was said that insights ask about, recorded as an observer records it."""

from collections.abc import Mapping
from itertools import count

from runs.domain.endings import DecidedBy, EndingCode, Verdict
from runs.domain.events import Envelope, Observation, ObservationKind
from runs.ending import end_run
from runs.models import Run
from runs.recorder import record
from tests.cast import MODE, fresh, running_run

_numbers = count(1)


def said(sender: str, kind: str, payload: Mapping[str, object]) -> Observation:
    """A message of the session whose payload is of a known type."""
    message_id = f"said-{next(_numbers)}"
    body = Envelope(
        mode=MODE, message_type=kind, message_id=message_id, session_id="s", sender=sender, payload=b"", decoded=payload
    )
    return Observation(kind=ObservationKind.ENVELOPE, body=body, raw=b"raw", source_id=f"env:{message_id}")


def signalled(sender: str, name: str, **more: object) -> Observation:
    """A signal of this name."""
    return said(sender, "Signal", {"signalType": name, **more})


def proposed(sender: str, confidence: float) -> Observation:
    """A proposal in which somebody has this much confidence."""
    return said(sender, "Proposal", {"proposalId": "p1", "option": "ship", "confidence": confidence})


def called(sender: str, prompt: int, completion: int) -> Observation:
    """A note that tells of one call of a language model."""
    usage = {"model": "gpt-4o", "promptTokens": prompt, "completionTokens": completion}
    return said(sender, "Note", {"json": {"tokenUsage": usage}, "encoding": "json"})


def committed(sender: str, action: str) -> Observation:
    """A commitment."""
    return said(sender, "Commitment", {"commitmentId": "c1", "action": action})


def talked(*observations: Observation, **columns: object) -> Run:
    """A running run in which this was said."""
    run = running_run(**columns)
    record(run.id, list(observations), epoch=None)
    return fresh(run)


def resolved(run: Run) -> Run:
    """The run, completed."""
    return _ended(run, EndingCode.RESOLVED)


def failed(run: Run, code: EndingCode = EndingCode.PROGRESS_TIMEOUT) -> Run:
    """The run, failed for the reason `code`."""
    return _ended(run, code)


def _ended(run: Run, code: EndingCode) -> Run:
    end_run(run.id, Verdict(code=code, decided_by=DecidedBy.OBSERVER, message="so it ends"), epoch=None)
    return fresh(run)
