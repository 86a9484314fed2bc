"""The webhook endpoints of a project and how each of them is doing."""

from dataclasses import dataclass
from uuid import UUID

from runs.queries.shown import redactor
from webhooks.admin.figures import Figures, figures_of
from webhooks.admin.health import Health, health_of
from webhooks.models import Endpoint

MOST = 20
_WORST_FIRST = ("red", "amber", "grey", "green")


@dataclass(frozen=True, slots=True)
class Listener:
    """One endpoint as a line of a list."""

    id: UUID
    name: str
    health: Health
    figures: Figures


def listeners(project_id: UUID) -> list[Listener]:
    """Those that are not deleted, the worst first."""
    found = list(Endpoint.objects.of(project_id).order_by("created_at", "id")[:MOST])
    figures = figures_of([one.id for one in found])
    told = [
        Listener(one.id, redactor().redact_text(one.description or str(one)), health_of(one), figures[one.id])
        for one in found
    ]
    return sorted(told, key=lambda one: _WORST_FIRST.index(one.health.colour))
