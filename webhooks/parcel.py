"""Parcel: all that one attempt needs, gathered in the transaction that claimed it; no row is touched while it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Parcel:
    """One claimed delivery. `secrets` are the living ones as they were shown, the present one first."""

    delivery_id: UUID
    endpoint_id: UUID
    claim_epoch: int
    attempt: int  # from 1 on, whoever asked for it
    is_manual: bool
    url: str
    event_type: str
    body: bytes
    secrets: tuple[str, ...]
    headers: Mapping[str, str]  # of the endpoint's own

    @property
    def message_id(self) -> str:
        """The `webhook-id`: the same on every attempt."""
        return f"msg_{self.delivery_id}"
