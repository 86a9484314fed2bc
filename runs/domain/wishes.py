"""Wishes: what somebody wants of a run, and the answer of the run's owner, as they stand in the run's row."""

from datetime import datetime
from enum import StrEnum

import msgspec

from runs.domain.events import JsonObject
from runs.domain.lifecycle import RunStatus
from runs.errors import (
    BreakerOpen,
    CallbackFailed,
    ControlPlaneError,
    InvalidTransition,
    RunEnded,
    RuntimeFault,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    RuntimeUnsupported,
)


class WishKind(StrEnum):
    """What may be wanted of a run; the values are those of its column `wanted`."""

    CANCEL = "cancel"
    SUSPEND = "suspend"
    RESUME = "resume"

    @property
    def done(self) -> str:
        """The word for a run to which this was done."""
        return _DONE[self]

    @property
    def aim(self) -> RunStatus:
        """Where the run is then."""
        return _AIMS[self]


_DONE = {WishKind.CANCEL: "cancelled", WishKind.SUSPEND: "suspended", WishKind.RESUME: "resumed"}
_AIMS = {
    WishKind.CANCEL: RunStatus.CANCELLED,
    WishKind.SUSPEND: RunStatus.SUSPENDED,
    WishKind.RESUME: RunStatus.RUNNING,
}


# What a refusal may be: its code is read back from a row, and only these are ever shown.
_REFUSALS: dict[str, type[ControlPlaneError]] = {
    refusal.code: refusal
    for refusal in (
        *(BreakerOpen, CallbackFailed, InvalidTransition, RuntimeRejected),
        *(RuntimeTimedOut, RuntimeUnavailable, RuntimeUnsupported),
    )
}


class WishAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What the owner answered to the wish of `wanted_at`: it was fulfilled, or why not."""

    wanted: str
    wanted_at: datetime
    ok: bool
    error_code: str | None = None
    message: str | None = None
    details: JsonObject = {}

    def dumps(self) -> str:
        """The text of the column."""
        return msgspec.json.encode(self).decode()

    def refusal(self) -> ControlPlaneError:
        """The error that a refusal stands for. A code that nobody knows says that the owner refused, and no more."""
        refusal = _REFUSALS.get(self.error_code or "", RuntimeRejected)
        return refusal(self.message, details=self.details)


def fulfilled(wanted: WishKind, wanted_at: datetime) -> WishAnswer:
    """The answer that it was done."""
    return WishAnswer(wanted=wanted, wanted_at=wanted_at, ok=True)


def refused(wanted: WishKind, wanted_at: datetime, refusal: ControlPlaneError) -> WishAnswer:
    """The answer that it was not done, and why."""
    details = dict(refusal.details)
    if isinstance(refusal, RuntimeFault) and refusal.runtime_code:
        details.setdefault("runtimeCode", refusal.runtime_code)
    return WishAnswer(
        wanted=wanted,
        wanted_at=wanted_at,
        ok=False,
        error_code=refusal.code,
        message=refusal.message,
        details=details,
    )


def already_ended(status: str, wanted: WishKind) -> RunEnded:
    """The error of whoever wants something of a run that has ended."""
    return RunEnded(_impossible(status, wanted), details={"from": status, "to": wanted.aim.value})


def not_permitted(status: str, wanted: WishKind, *, why: str = "", **details: object) -> InvalidTransition:
    """The error of whoever wants something of a run that its status does not permit; `why` where that is not all."""
    given = {"from": status, "to": wanted.aim.value, **details}
    return InvalidTransition(_impossible(status, wanted) + (why and f": {why}"), details=given)


def _impossible(status: str, wanted: WishKind) -> str:
    return f"run is {status} and cannot be {wanted.done}"


def read_answer(text: str | None) -> WishAnswer | None:
    """The last answer given in a run's row; None where none was given."""
    return None if text is None else msgspec.json.decode(text, type=WishAnswer)
