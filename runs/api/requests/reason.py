"""`{reason?}`: the body of cancel, suspend and resume, which may be absent."""

from runs.api.members import Members
from runs.errors import FieldFault, ValidationFailed

LONGEST_REASON = 2000


def read_reason(body: object) -> str | None:
    """Why the caller wants it, if they said so. Raises ValidationFailed with every fault there is."""
    faults: list[FieldFault] = []
    members = Members.of(body, "", faults)
    reason = members.optional_text("reason", longest=LONGEST_REASON)
    members.refuse_others()
    if faults:
        raise ValidationFailed(faults)
    return reason
