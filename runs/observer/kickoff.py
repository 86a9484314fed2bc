"""What an earlier owner found out about a kickoff: a message that was refused ends the run, whoever comes to it next."""

from uuid import UUID

from runs.models import OutboundMessage

# A message that may have arrived, and that may not be sent again, is no refusal: its run goes on.
_UNKNOWN = "outcome_unknown"


def undelivered_kickoff(run_id: UUID) -> OutboundMessage | None:
    """The first kickoff message that was refused or could not be delivered, as its row tells; None if there is none."""
    over = OutboundMessage.objects.filter(run_id=run_id, category="kickoff", status__in=["rejected", "failed"])
    return over.exclude(error_code=_UNKNOWN).order_by("position").first()
