"""Which runs a search term names."""

from uuid import UUID

from django.db.models import Q, QuerySet

from runs.models import OutboundMessage, Run


def runs_named(term: str, *, also: Q | None = None) -> QuerySet[Run, UUID]:
    """Ids of the runs with this id, session id or outbound message id, or to which `also` applies."""
    term = term.strip()
    named = Q(session_id=term)
    if (found := _uuid(term)) is not None:
        named |= Q(id=found) | Q(id__in=OutboundMessage.objects.filter(message_id=found).values("run_id"))
    return Run.objects.filter(named | also if also else named).values_list("id", flat=True)


def _uuid(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None
