"""The rows of a wish: each function is one transaction, between the calls to the runtime that the wish takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import msgspec

from runs.domain.endings import DecidedBy
from runs.domain.events import JsonObject, Observation
from runs.domain.redaction import Redactor
from runs.domain.text import clean, storable
from runs.domain.wishes import WishAnswer, WishKind, fulfilled, refused
from runs.errors import ControlPlaneError
from runs.models import Run
from runs.observer.owned import OwnedRun
from runs.recorder import writing
from runs.recorder.wish_refused import note_refused


@dataclass(frozen=True, slots=True)
class OpenWish:
    """What is wanted of a run and was not answered yet; `at` tells it from every other wish."""

    kind: WishKind
    at: datetime
    through: DecidedBy
    reason: str | None
    status: str  # of the run when the wish was found


def open_wish(run: OwnedRun) -> OpenWish | None:
    """What is wanted of the run; None where nothing is, or where it is no longer ours."""
    ours = Run.objects.filter(id=run.id, lease_epoch=run.epoch, ending_seq=None)
    row = ours.values_list("wanted", "wanted_at", "wanted_through", "wanted_reason", "status").first()
    if row is None:
        return None
    wanted, at, through, reason, status = row
    if wanted is None or at is None:
        return None
    return OpenWish(WishKind(wanted), at, DecidedBy(through or DecidedBy.API), reason, status)


def answer_fulfilled(run: OwnedRun, wish: OpenWish, batch: Sequence[Observation]) -> None:
    """`batch`, which shows what the wish has changed, is recorded, and the wish is answered."""
    with writing(run.id, epoch=run.epoch, step="wish.answer") as writer:
        writer.append(batch)
        writer.change_run(**_answered(writer.run, wish, fulfilled(wish.kind, wish.at)))


def answer_refused(run: OwnedRun, wish: OpenWish, refusal: ControlPlaneError) -> None:
    """The wish is answered with what stood in its way, in words that may be shown; the run goes on."""
    with writing(run.id, epoch=run.epoch, step="wish.answer") as writer:
        answer = _shown(refused(wish.kind, wish.at, refusal), writer.context.redactor)
        if writer.run.wanted is not None and writer.run.wanted_at == wish.at:  # else it was refused already
            note_refused(writer.run, wish.kind, wish.at, refusal.code)
        writer.change_run(**_answered(writer.run, wish, answer))


def _shown(answer: WishAnswer, redactor: Redactor) -> WishAnswer:
    return msgspec.structs.replace(
        answer,
        message=redactor.redact_text(clean(answer.message or "")),
        details=cast(JsonObject, redactor.redact(storable(answer.details)[0])),
    )


def _answered(run: Run, wish: OpenWish, answer: WishAnswer) -> dict[str, object]:
    """The columns that hold an answer. Another wish that has taken the place of this one stays open."""
    columns: dict[str, object] = {"wanted_answer": answer.dumps()}
    if run.wanted_at == wish.at:
        columns["wanted"] = None
    return columns
