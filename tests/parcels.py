"""Parcels as a claim would make them, without a row behind them."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from webhooks.parcel import Parcel

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
FORMER_SECRET = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
AT = 1_767_225_600
BODY = b'{"event":"run.completed","runId":"r1","seq":7}'

_PARCEL = Parcel(
    delivery_id=UUID(int=1),
    endpoint_id=UUID(int=2),
    claim_epoch=1,
    attempt=1,
    is_manual=False,
    url="https://agent.example/hook",
    event_type="run.completed",
    body=BODY,
    secrets=(SECRET,),
    headers={},
)


def parcel(**changes: Any) -> Parcel:
    """A parcel for its first attempt, but for what is named."""
    return replace(_PARCEL, **changes)
