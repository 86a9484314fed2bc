"""Stand-in until the real one is merged: same interface, unsigned."""

import time

from runs.egress import post
from runs.errors import AddressRefused, NotAnswered
from webhooks.parcel import Parcel
from webhooks.result import Result


async def send(parcel: Parcel, *, timeout_s: float, at: int) -> Result:
    began = time.monotonic()
    headers = {"Content-Type": "application/json", "webhook-id": parcel.message_id, "webhook-timestamp": str(at)}
    try:
        answer = await post(parcel.url, body=parcel.body, headers=headers, timeout_s=timeout_s)
    except AddressRefused as refused:
        return Result(_since(began), reason="address_refused", message=refused.message)
    except NotAnswered as silent:
        return Result(_since(began), reason=silent.reason, message=silent.message)
    return Result(_since(began), status=answer.status, reason="" if answer.is_success else "status")


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
