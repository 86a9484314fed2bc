"""`execution` of an ExecutionRequest, and the header that may stand for one of its members."""

from runs.api.members import Members, text_problem
from runs.domain.requests import Execution, Requester, Timeouts
from runs.errors import FieldFault

ACTOR_TYPES = ("user", "service", "system")
LONGEST_TIMEOUT_MS = 86_400_000
MOST_TAGS = 100
LONGEST_TAG = 200  # four bytes a character still fit an entry of the index on tags
IDEMPOTENCY_HEADER = "Idempotency-Key"


def read_execution(members: Members | None, header: str | None, faults: list[FieldFault]) -> Execution:
    """The execution in `members`, with the key of the header `Idempotency-Key`; faults are noted."""
    header_key = _read_header(header, faults)
    if members is None:
        return Execution(idempotency_key=header_key)
    execution = Execution(
        idempotency_key=_read_key(members, header_key),
        tags=members.texts("tags", most=MOST_TAGS, longest=LONGEST_TAG),
        requester=_read_requester(members.optional_child("requester")),
        timeouts=_read_timeouts(members.optional_child("timeouts")),
    )
    members.refuse_others()
    return execution


def _read_header(header: str | None, faults: list[FieldFault]) -> str | None:
    problem = None if header is None else text_problem(header, longest=255, shortest=1)
    if problem:
        faults.append(FieldFault(IDEMPOTENCY_HEADER, problem))
        return None
    return header


def _read_key(members: Members, header_key: str | None) -> str | None:
    key = members.optional_text("idempotencyKey", shortest=1)
    if key is not None and header_key is not None and key != header_key:
        members.fault("idempotencyKey", f"must equal the header {IDEMPOTENCY_HEADER}")
    return key if key is not None else header_key


def _read_requester(members: Members | None) -> Requester | None:
    if members is None:
        return None
    requester = Requester(
        actor_id=members.optional_text("actorId"), actor_type=members.optional_choice("actorType", ACTOR_TYPES)
    )
    members.refuse_others()
    return requester


def _read_timeouts(members: Members | None) -> Timeouts | None:
    if members is None:
        return None
    timeouts = Timeouts(
        admission_ms=members.optional_integer("admissionMs", least=1, most=LONGEST_TIMEOUT_MS),
        progress_ms=members.optional_integer("progressMs", least=0, most=LONGEST_TIMEOUT_MS),
    )
    members.refuse_others()
    return timeouts
