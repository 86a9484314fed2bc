"""The bodies of the two routes that ask with one."""

from uuid import UUID

from runs.api.members import Members
from runs.domain.run_ids import uuid_of
from runs.errors import FieldFault, ValidationFailed

MOST_RUNS = 200
NOT_A_UUID = "must be a UUID"


def read_comparison(body: object) -> tuple[UUID, UUID]:
    """`{leftRunId, rightRunId}`. Raises ValidationFailed with every fault there is."""
    faults: list[FieldFault] = []
    members = Members.of(body, "", faults)
    left, right = _run_id(members, "leftRunId"), _run_id(members, "rightRunId")
    members.refuse_others()
    if faults or left is None or right is None:
        raise ValidationFailed(faults)
    return left, right


def read_run_ids(body: object) -> tuple[UUID, ...]:
    """`{runIds}`, 1 to 200 of them; a repeated one counts once. Raises ValidationFailed with every fault there is."""
    faults: list[FieldFault] = []
    members = Members.of(body, "", faults)
    given = members.texts("runIds", least=1, most=MOST_RUNS)
    found = [uuid_of(text) for text in given]
    if not faults:  # otherwise the numbers would not be those of the body
        faults += [FieldFault(f"runIds[{index}]", NOT_A_UUID) for index, one in enumerate(found) if one is None]
    members.refuse_others()
    if faults:
        raise ValidationFailed(faults)
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _run_id(members: Members, name: str) -> UUID | None:
    text = members.text(name)
    found = uuid_of(text)
    if text and found is None:
        members.fault(name, NOT_A_UUID)
    return found
