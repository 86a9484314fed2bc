"""`{runId?}`: the body of POST /stream-tickets, which may be absent, and the origin it comes from."""

from dataclasses import dataclass
from uuid import UUID

from runs.api.members import Members, text_problem
from runs.domain.run_ids import uuid_of
from runs.errors import FieldFault, ValidationFailed
from runs.models.ticket import LONGEST_ORIGIN


@dataclass(frozen=True, slots=True)
class TicketRequest:
    """For which run's streams, or for that of summaries, and from which origin if a page asks."""

    run_id: UUID | None
    origin: str | None


def read_ticket_request(body: object, *, origin_header: str | None) -> TicketRequest:
    """What is asked for. Raises ValidationFailed with every fault there is."""
    faults: list[FieldFault] = []
    members = Members.of(body, "", faults)
    text = members.optional_text("runId")
    run_id = uuid_of(text) if text is not None else None
    if text is not None and run_id is None:
        members.fault("runId", "must be a UUID")
    members.refuse_others()
    if origin_header is not None and (problem := text_problem(origin_header, longest=LONGEST_ORIGIN, shortest=1)):
        faults.append(FieldFault("Origin", problem))
    if faults:
        raise ValidationFailed(faults)
    return TicketRequest(run_id, origin_header)
