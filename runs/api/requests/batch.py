"""`{runIds}`: the body of the batch routes."""

from uuid import UUID

from runs.api.members import Members
from runs.domain.run_ids import uuid_of
from runs.errors import FieldFault, ValidationFailed

MOST_RUNS = 200


def read_run_ids(body: object) -> list[UUID]:
    """The runs a batch is about. Raises ValidationFailed with every fault there is."""
    faults: list[FieldFault] = []
    members = Members.of(body, "", faults)
    texts = members.texts("runIds", least=1, most=MOST_RUNS)
    run_ids = [uuid_of(text) for text in texts]
    if not faults:  # else their places would be other ones
        for place, run_id in enumerate(run_ids):
            if run_id is None:
                members.fault(f"runIds[{place}]", "must be a UUID")
    members.refuse_others()
    if faults:
        raise ValidationFailed(faults)
    return [run_id for run_id in run_ids if run_id is not None]
