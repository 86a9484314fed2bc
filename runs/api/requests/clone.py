"""`{tags?, context?}`: the body of POST /runs/{id}/clone, which may be absent."""

from runs.api.members import Members
from runs.api.requests.execution import LONGEST_TAG, MOST_TAGS
from runs.errors import FieldFault, ValidationFailed
from runs.operations.clone import Changes


def read_changes(body: object) -> Changes:
    """What the clone is to have instead. Raises ValidationFailed with every fault there is."""
    faults: list[FieldFault] = []
    members = Members.of(body, "", faults)
    tags = members.texts("tags", most=MOST_TAGS, longest=LONGEST_TAG)
    changes = Changes(tags=tags if members.has("tags") else None, context=members.optional_object("context"))
    members.refuse_others()
    if faults:
        raise ValidationFailed(faults)
    return changes
