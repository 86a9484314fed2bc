"""The cancel callback: an agent that opened its own session is asked to cancel it, at the address it was launched with."""

from django.conf import settings

from runs.crashpoint import calling
from runs.domain.requests import canonical
from runs.egress import Answer, Resolver, look_up, post
from runs.errors import AddressRefused, CallbackFailed, NotAnswered
from runs.keyring import SecretUnreadable
from runs.models.stored_request import bearer_of
from runs.observer.owned import OwnedRun


async def call_back(run: OwnedRun, reason: str | None, *, resolve: Resolver = look_up) -> None:
    """The agent has been told to cancel its session, and took it (2xx). Raises CallbackFailed, and the run goes on.

    No error tells anything of the URL, the bearer or the answer: it is shown to whoever cancels. A call whose owner died may
    be made again by the next one; an agent that was told already loses nothing.
    """
    try:
        with calling("callback"):
            answer = await _ask(run, reason, resolve)
    except AddressRefused as refused:
        raise _failed(f"its address {refused.message}", "address_refused") from None
    except NotAnswered as silent:
        raise _failed(silent.message, silent.reason) from None
    except SecretUnreadable:
        raise _failed("its bearer was sealed with a key that is gone", "bearer_unreadable") from None
    if not answer.is_success:
        raise _failed(f"it answered {answer.status}", "status", status=answer.status)


async def _ask(run: OwnedRun, reason: str | None, resolve: Resolver) -> Answer:
    bearer = bearer_of(run.request)
    headers = {"Content-Type": "application/json", "X-Run-Epoch": str(run.epoch)}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    return await post(
        run.request.session.cancel_callback_url,
        body=canonical({"runId": str(run.id), "reason": reason}),
        headers=headers,
        timeout_s=settings.CANCEL_CALLBACK_TIMEOUT_MS / 1000,
        resolve=resolve,
    )


def _failed(what: str, reason: str, **details: object) -> CallbackFailed:
    return CallbackFailed(f"the cancel callback failed: {what}", details={"reason": reason, **details})
