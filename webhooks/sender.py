"""Sender: one attempt, as one signed POST through the guard of outgoing addresses."""

import ssl
import time

from runs.egress import OF_THE_CONNECTION, Answer, Resolver, look_up, post
from runs.errors import AddressRefused, NotAnswered
from runs.queries.shown import redactor
from webhooks import signing
from webhooks.excerpt import Mask
from webhooks.parcel import Parcel
from webhooks.response import retry_after_s, wish_of
from webhooks.result import Result, Wish

AT_ONCE_S = 1.0
"""A connection that failed sooner is tried once more at once: a receiver that restarts is back by then."""

_NOTHING_WAS_SENT = ("unresolved", "unreachable")
_OURS = ("webhook-", "x-macp-")
_WISHES: dict[Wish | None, str] = {
    "abort-message": ", and wants no more of this message",
    "disable": ", and wants no more messages",
    "gone": ": it is there no more",
}


async def send(
    parcel: Parcel, *, timeout_s: float, at: int, resolve: Resolver = look_up, trust: ssl.SSLContext | None = None
) -> Result:
    """How it went, within `timeout_s` seconds. Whatever a receiver does, this says so and raises nothing.

    `at` is the time that is signed, in seconds since 1970. Nothing secret is in the result, and nothing is logged.
    """
    started = time.monotonic()
    mask = Mask(redactor(), secrets=parcel.secrets, header_values=parcel.headers.values())
    try:
        answer = await _answer(parcel, timeout_s, at, resolve, trust)
    except AddressRefused as refused:
        return Result(_since(started), reason="address_refused", message=f"its address {refused.message}")
    except NotAnswered as silent:
        return Result(_since(started), reason=silent.reason, message=silent.message)
    return _result(answer, mask, _since(started), at)


def is_reserved(name: str) -> bool:
    """A header of this name is ours or the connection's: an endpoint's own one is not sent."""
    # Many a server takes _ for -, and would find the endpoint's own value where ours should be.
    plain = name.strip().lower().replace("_", "-")
    return plain == "content-type" or plain.startswith(_OURS) or plain in OF_THE_CONNECTION


async def _answer(parcel: Parcel, timeout_s: float, at: int, resolve: Resolver, trust: ssl.SSLContext | None) -> Answer:
    headers = _headers(parcel, at)
    started = time.monotonic()

    async def ask() -> Answer:
        left = timeout_s - (time.monotonic() - started)
        return await post(parcel.url, body=parcel.body, headers=headers, timeout_s=left, resolve=resolve, trust=trust)

    try:
        return await ask()
    except NotAnswered as silent:
        if silent.reason not in _NOTHING_WAS_SENT or time.monotonic() - started >= AT_ONCE_S:
            raise
    return await ask()


def _headers(parcel: Parcel, at: int) -> dict[str, str]:
    own = {name: value for name, value in parcel.headers.items() if not is_reserved(name)}
    return own | {"Content-Type": "application/json"} | signing.headers(parcel, at=at)


def _result(answer: Answer, mask: Mask, duration_ms: int, at: int) -> Result:
    wish = wish_of(answer.status, answer.headers)
    return Result(
        duration_ms,
        status=answer.status,
        reason="" if answer.is_success else "status",
        message="" if answer.is_success else f"it answered {answer.status}{_explained(answer.status, wish)}",
        excerpt=mask.excerpt(answer.excerpt),
        headers={name: mask.text(value) for name, value in answer.headers.items()},
        retry_after_s=retry_after_s(answer.headers.get("retry-after"), at=at),
        wish=wish,
    )


def _explained(status: int, wish: Wish | None) -> str:
    if wish is None and 300 <= status <= 399:
        return ": redirects are not followed"
    return _WISHES.get(wish, "")


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
