"""A wish: what is wanted of a run is committed to its row, where the owner finds it and leaves its answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from runs import hub
from runs.audit import LONGEST_NAME, Actor, note
from runs.domain.documents import iso
from runs.domain.endings import DecidedBy
from runs.domain.events import JsonObject
from runs.domain.text import clean
from runs.domain.wishes import WishAnswer, WishKind, already_ended, read_answer, refused
from runs.errors import Conflict, ControlPlaneError, RunNotFound
from runs.models import Run
from runs.recorder import writing
from runs.recorder.context import redactor
from runs.recorder.wish_refused import note_open_refused, note_refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is wanted of a run, by whom, by which way they came, and why."""

    kind: WishKind
    project_id: UUID
    run_id: UUID
    actor: Actor
    through: DecidedBy
    reason: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish in the row of a run; `at` tells its answer from those to other wishes."""

    run_id: UUID
    kind: WishKind
    at: datetime


def commit_wish(wanted: Wanted, run: Run) -> Wish:
    """The wish is in the row of `run`, which is locked, and its owner is called; who wished is in the audit list.

    Where the same is wanted already, that wish stands for both. Another one is refused: this one takes its place.
    """
    if run.wanted == wanted.kind and run.wanted_at is not None:
        note_wish(wanted, run.wanted_at)
        return Wish(run.id, wanted.kind, run.wanted_at)
    with writing(run.id, epoch=None, step="wish") as writer:
        at = _later_than(run.wanted_at, writer.clock())
        note_open_refused(run, Conflict.code)
        writer.change_run(
            wanted=wanted.kind.value,
            wanted_by=wanted.actor.name[:LONGEST_NAME],
            wanted_through=wanted.through.value,
            wanted_reason=_shown(wanted.reason),
            wanted_at=at,
        )
        note_wish(wanted, at)
        hub.call_observers()
    return Wish(run.id, wanted.kind, at)


def _later_than(earlier: datetime | None, now: datetime) -> datetime:
    """When a wish was made; no two of one run at the same moment, for the moment is its name."""
    return now if earlier is None else max(now, earlier + timedelta(milliseconds=1))


def note_wish(wanted: Wanted, at: datetime | None = None) -> None:
    """Who wanted this of the run, and why, is in the audit list once the present transaction commits.

    `at` is the wish's, by which the entry of its refusal is known to belong to it; None where it was done at once.
    """
    reason = _shown(wanted.reason)
    details: JsonObject = {} if reason is None else {"reason": reason}
    if at is not None:
        details["wantedAt"] = iso(at)
    note(
        project_id=wanted.project_id,
        actor=wanted.actor,
        action=f"run.{wanted.kind.done}",
        resource="run",
        resource_id=str(wanted.run_id),
        details=details,
        request_id=wanted.request_id,
    )


def _shown(reason: str | None) -> str | None:
    """The reason as a row can keep and anybody may see it."""
    return None if reason is None else redactor().redact_text(clean(reason))


def answer_to(wish: Wish) -> WishAnswer | None:
    """What the owner answered; None while the wish is open.

    Raises RunEnded once the run has ended, Conflict where another wish took the place of this one.
    """
    columns = ("status", "ending_seq", "wanted", "wanted_at", "wanted_answer")
    row = Run.objects.filter(id=wish.run_id).values_list(*columns).first()
    if row is None:
        raise RunNotFound
    status, ending_seq, wanted, wanted_at, text = row
    if ending_seq is not None:
        raise already_ended(status, wish.kind)
    answer = read_answer(text)
    if answer is not None and answer.wanted_at == wish.at:
        return answer
    if wanted is None or wanted_at != wish.at:
        raise Conflict(f"another wish took the place of this {wish.kind} before it was answered")
    return None


def withdraw(wish: Wish, why: ControlPlaneError) -> WishAnswer:
    """Nobody carries the wish out any more; the answer is the one of its row, which says `why` unless there was one."""
    with writing(wish.run_id, epoch=None, step="wish.withdraw") as writer:
        answer = answer_to(wish)
        if answer is None:
            answer = refused(wish.kind, wish.at, why)
            note_refused(writer.run, wish.kind, wish.at, why.code)
            writer.change_run(wanted=None, wanted_answer=answer.dumps())
    return answer
