"""What normalising needs to know of a run, read under its lock."""

import functools
from typing import Any, cast

from django.conf import settings

from runs.domain.lifecycle import RunStatus
from runs.domain.normaliser import Context, PriceTable
from runs.domain.projection import ProjectionState
from runs.domain.wishes import WishKind
from runs.models import Run
from runs.queries.shown import redactor as redactor
from runs.runtimes.registry import adapter_class


@functools.cache
def prices() -> PriceTable:
    """USD per million tokens, by model prefix."""
    return PriceTable(settings.LLM_PRICES)


def context_of(run: Run, state: ProjectionState) -> Context:
    """The normaliser's context at the run's last event."""
    known = cast("dict[str, Any]", state.private["context"])  # its shape: projection/context.py
    return Context(
        run_id=str(run.id),
        mode_name=run.mode_name,
        source_name=adapter_class(run.runtime_kind).source_name,
        session_id=run.session_id or "",
        status=RunStatus(run.status),
        session_state=known["sessionState"],
        seen=set(known["seen"]),
        trace_id=run.trace_id,
        redactor=redactor(),
        prices=prices(),
        reasons=_reasons(run),
    )


def _reasons(run: Run) -> dict[RunStatus, str]:
    return {WishKind(run.wanted).aim: run.wanted_reason} if run.wanted and run.wanted_reason else {}
