"""Ids of webhooks and deliveries, in addresses and elsewhere."""

from uuid import UUID

from runs.api.members import Members
from runs.api.query import Query
from runs.domain.run_ids import uuid_of
from runs.errors import FieldFault, ValidationFailed

NOT_A_UUID = "must be a UUID"


def id_from(text: str, *, name: str = "id") -> UUID:
    """The id in an address. Raises ValidationFailed if it is no UUID."""
    found = uuid_of(text)
    if found is None:
        raise ValidationFailed([FieldFault(name, NOT_A_UUID)])
    return found


def id_in(members: Members, name: str) -> UUID | None:
    """The optional id in a body; faults are noted."""
    text = members.optional_text(name)
    found = None if text is None else uuid_of(text)
    if text is not None and found is None:
        members.fault(name, NOT_A_UUID)
    return found


def id_of(query: Query, name: str) -> UUID | None:
    """The optional id in a query; faults are noted."""
    text = query.text(name)
    found = uuid_of(text) if text else None
    if text and found is None:
        query.fault(name, NOT_A_UUID)
    return found
