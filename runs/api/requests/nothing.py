"""The body of a call that takes none: absent, or an empty object."""

from runs.api.members import Members
from runs.errors import FieldFault, ValidationFailed


def read_nothing(body: object) -> None:
    """Raises ValidationFailed with the path of every member there is: none would have an effect."""
    faults: list[FieldFault] = []
    Members.of(body, "", faults).refuse_others()
    if faults:
        raise ValidationFailed(faults)
