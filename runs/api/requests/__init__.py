"""ExecutionRequest: the body of POST /runs and POST /runs/validate, judged as a whole."""

from collections.abc import Sequence

import orjson

from runs.api.members import Members
from runs.api.requests.execution import read_execution
from runs.api.requests.kickoff import read_kickoff
from runs.api.requests.runtime import read_runtime
from runs.api.requests.session import BAD_SESSION_ID, read_session
from runs.domain.requests import (
    AGENT,
    MODES,
    SANDBOX,
    ExecutionRequest,
    SessionRequest,
    canonical,
    document_of,
    without_bearer,
)
from runs.errors import FieldFault, ValidationFailed

REPLAY = "replay"


def read_execution_request(body: object, *, idempotency_header: str | None = None) -> ExecutionRequest:
    """The request in `body` with every default filled in. Raises ValidationFailed with every fault there is."""
    faults: list[FieldFault] = []
    members = Members.of(body, "", faults)
    mode = _read_mode(members)
    session = read_session(members.required_child("session"))
    request = ExecutionRequest(
        mode=mode,
        session=session,
        runtime=read_runtime(members, mode=mode, scenario=session.text("scenario")),
        kickoff=read_kickoff(members),
        execution=read_execution(members.optional_child("execution"), idempotency_header, faults),
    )
    _refuse_kickoff_of_agents(members, session, request)
    members.refuse_others()
    if faults:
        raise ValidationFailed(list(dict.fromkeys(faults)), code=_code_of(faults))
    return request


def require_still_valid(request: ExecutionRequest) -> None:
    """Raises ValidationFailed for a request that was valid when it was made, and is none that could be made now."""
    # As a caller would have sent it, in the forms that JSON has.
    read_execution_request(orjson.loads(canonical(without_bearer(document_of(request)))))


def _read_mode(members: Members) -> str:
    if members.says("mode", REPLAY):
        members.fault("mode", "must be live or sandbox; replay a recorded run with POST /runs/{id}/replay")
        return SANDBOX  # whether a runtime is named is not the fault to tell
    return members.choice("mode", MODES)


def _refuse_kickoff_of_agents(members: Members, session: SessionRequest, request: ExecutionRequest) -> None:
    if request.kickoff and session.opener == AGENT:
        members.fault("kickoff", "must not be given when an agent opens the session")


def _code_of(faults: Sequence[FieldFault]) -> str | None:
    only_session_id = all(fault.message == BAD_SESSION_ID for fault in faults)
    return "INVALID_SESSION_ID" if only_session_id else None
