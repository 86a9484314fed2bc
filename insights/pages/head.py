"""What stands above the timeline of a run: where it is, how it ended in plain words, how long it took, what it cost."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.utils import timezone

from insights.pages.run_acts import acts_of
from runs.domain.ending_words import ending_words
from runs.errors import RunNotFound
from runs.models import Projection, Run

NOT_SHOWN = ("request", "request_digest", "metadata")


@dataclass(frozen=True, slots=True)
class Head:
    """One run as the header of its page shows it, each value ready to be read; empty text where there is none."""

    status: str
    mode: str
    runtime: str
    session: str
    created: str
    started: str
    ended: str
    took: str
    events: int
    late: int
    tokens: str
    cost: str
    owner: str
    ending: str
    meaning: str
    cause: str
    proof: tuple[str, ...]
    is_over: bool
    acts: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The same as JSON has it."""
        fields = asdict(self)
        fields["isOver"] = fields.pop("is_over")
        return fields


def head_of(run_id: UUID) -> Head:
    """The header as the run stands now. Raises RunNotFound."""
    run = Run.objects.defer(*NOT_SHOWN).filter(id=run_id).first()
    if run is None:
        raise RunNotFound
    words, spent = ending_words(run.ending), _spent(run_id)
    return Head(
        status=run.status,
        mode=run.mode_name,
        runtime=f"{run.runtime_kind} {run.runtime_version or ''}".strip(),
        session=run.session_id or "",
        created=_shown(run.created_at),
        started=_shown(run.started_at),
        ended=_shown(run.ended_at),
        took=took(run.started_at or run.created_at, run.ended_at or timezone.now()),
        events=run.last_seq,
        late=run.late_count,
        tokens=f"{int(spent.get('totalTokens') or 0):,}",
        cost=f"${float(spent.get('estimatedCostUsd') or 0):,.4f}",
        owner=_owner(run),
        ending=words.head if words else "",
        meaning=words.meaning if words else "",
        cause=words.cause if words else "",
        proof=words.proof if words else (),
        is_over=run.ending_seq is not None,
        acts=acts_of(run),
    )


def took(begun: datetime, done: datetime) -> str:
    """The time between the two in its two largest units."""
    seconds = max(0, int((done - begun).total_seconds()))
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def _shown(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""


def _owner(run: Run) -> str:
    if run.ending_seq is not None:
        return ""
    return f"observer {run.observer_id}, epoch {run.lease_epoch}" if run.observer_id else "nobody"


def _spent(run_id: UUID) -> dict[str, Any]:
    state = Projection.objects.filter(run_id=run_id).values_list("state", flat=True).first()
    llm = orjson.loads(state or "{}").get("llm") or {}
    totals = llm.get("totals") or {}
    return totals if isinstance(totals, dict) else {}
