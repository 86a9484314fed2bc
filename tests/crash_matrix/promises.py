"""What must hold of every run of a story once it is over, whoever was killed where."""

from collections.abc import Iterator

import orjson

from runs.domain.events import ObservationKind
from runs.domain.requests import decode_request
from runs.models import AuditEntry, Event, LateObservation, OutboundMessage, RawObservation, Run
from runs.runtimes.plan import plan_of
from runs.runtimes.scripted.options import script_of
from runs.runtimes.scripted.state import AdapterState
from runs.runtimes.scripted.tape import Tape
from tests.crash_matrix.play import Staged
from tests.invariants import assert_invariants

ENDINGS = ("run.completed", "run.failed", "run.cancelled")
ENVELOPE = "env:"
_COUNTED = ("kickoff", "message")  # by a session; signals, and what goes out as one, are heard beside it


def broken_promises(runs: list[Staged]) -> list[str]:
    """Every promise that does not hold, in words; none is what we want."""
    broken = [fault for staged in runs for fault in _of_run(staged)]
    if Run.objects.count() != len(runs):
        broken.append(f"{Run.objects.count()} runs instead of {len(runs)}")
    try:
        assert_invariants()
    except AssertionError as error:
        broken.append(f"invariants: {error}")
    return broken


def _of_run(staged: Staged) -> Iterator[str]:
    run = staged.run
    endings = Event.objects.filter(run_id=run.id, type__in=ENDINGS).count()
    if endings != 1:
        yield f"{endings} endings"
    if ending_of(run) not in staged.endings:
        yield f"ended as {ending_of(run)}, not as {' or '.join(staged.endings)}"
    if run.cleanup_status == "failed":
        yield f"the clean-up failed: {run.cleanup_errors}"
    created = AuditEntry.objects.filter(resource_id=str(run.id), action="run.created").count()
    if created != 1:
        yield f"{created} audit entries of its creation"
    yield from _of_messages(run)
    yield from _of_envelopes(staged, run)


def _of_messages(run: Run) -> Iterator[str]:
    for message in OutboundMessage.objects.filter(run_id=run.id):
        if message.status in ("queued", "sent") or message.reply_status == "pending":
            yield f"{message.message_type} is {message.status}, its reply {message.reply_status}, after the ending"


def _of_envelopes(staged: Staged, run: Run) -> Iterator[str]:
    """What the session said is in the log, each message once and in order; what came after the ending is late data."""
    said = _scripted(run) if run.runtime_kind == "scripted" else staged.agents.heard()
    recorded = _ids(RawObservation.objects.filter(run_id=run.id, kind=ObservationKind.ENVELOPE).order_by("seq"))
    late = _ids(LateObservation.objects.filter(run_id=run.id, kind=ObservationKind.ENVELOPE))
    if len(set(recorded)) != len(recorded):
        yield "an envelope is in the log twice"
    if recorded != said[: len(recorded)]:
        yield f"the log holds {recorded}, the session said {said}"
    rest = said[len(recorded) :]
    if sorted(late) != sorted(rest):
        yield f"{len(rest)} of {len(said)} messages are not in the log, and {len(late)} are kept as late"
    ending = orjson.loads(run.ending or "{}")
    if ending.get("decidedBy") == "runtime" and (rest or ending["evidence"]["missing"]):
        yield f"messages before the runtime's own end are missing: {ending['evidence']['missing']}, {rest}"
    for message in OutboundMessage.objects.filter(run_id=run.id, status="accepted", category__in=_COUNTED):
        if said.count(str(message.message_id)) != 1:
            yield f"{message.message_type} was accepted, and the session holds it {said.count(str(message.message_id))} times"


def _scripted(run: Run) -> list[str]:
    """What the scripted session said up to its end, by its plan and its committed state."""
    plan = plan_of(run.id, run.session_id or "", decode_request(Run.objects.get(id=run.id).request))
    stored = run.session.adapter_state
    tape = Tape(plan, script_of(plan), AdapterState.loads(bytes(stored) if stored is not None else None))
    observations = [tape.said(place) for place in range(1, tape.limit + 1)]
    return [one.source_id.removeprefix(ENVELOPE) for one in observations if one.source_id]


def _ids(rows: object) -> list[str]:
    return [str(source_id).removeprefix(ENVELOPE) for source_id in rows.values_list("source_id", flat=True)]  # type: ignore[attr-defined]


def ending_of(run: Run) -> str:
    """How the run ended, as `status/code`."""
    return f"{run.status}/{orjson.loads(run.ending or '{}').get('code', 'none')}"


def recovery_of(run: Run) -> str:
    """How the run was recovered each time, as its log tells."""
    texts = (
        Event.objects.filter(run_id=run.id, data__contains='"recovery"').order_by("seq").values_list("data", flat=True)
    )
    return ", ".join(orjson.loads(text)["recovery"] for text in texts) or "-"
