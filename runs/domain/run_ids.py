"""Run ids as they stand in addresses."""

import re
from uuid import UUID

from runs.errors import FieldFault, ValidationFailed

_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)


def run_id_from(text: str) -> UUID:
    """The run id in an address. Raises ValidationFailed if it is no UUID."""
    found = uuid_of(text)
    if found is None:
        raise ValidationFailed([FieldFault("id", "must be a UUID")])
    return found


def uuid_of(text: str) -> UUID | None:
    """The UUID in its usual spelling, without braces and the like; None for anything else."""
    return UUID(text) if _UUID.fullmatch(text) else None
