"""Everything that can go wrong inside `runs`, as one tree.

    ControlPlaneError
    |- ValidationFailed            a request breaks a rule; lists every fault with its path
    |- NotFound
    |  `- RunNotFound
    |- Conflict
    |  |- InvalidTransition
    |  |- SessionTaken
    |  |- IdempotencyKeyReused
    |  `- CursorAhead
    |- RunEnded                    somebody wrote the ending before us
    |- NoLongerDue                 what an ending was decided on does not hold any more
    |- Fenced                      another observer owns the run now
    |- Unauthenticated, Forbidden
    |- EndpointRemoved             this deployment does not offer the route
    |- PayloadTooLarge
    |- RateLimited                 the caller has, or asks for, as much at once as it may
    |- AddressRefused              a URL that a caller gave leads where nothing may be sent (runs/egress)
    |- NotAnswered                 a receiver outside gave no whole answer; `reason` says why
    |- CallbackFailed              an agent's cancel callback did not answer 2xx; `details.reason` says why
    `- RuntimeFault                what a runtime adapter may raise (see runs/runtimes/port.py)

An error carries a `code` from the closed list of the HTTP contract, but knows nothing of HTTP: only
`config/http/errors.py` turns a code into a status. The docstring of a class is its default message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

NoAnswer = Literal["unresolved", "unreachable", "tls", "unsendable", "timed_out", "broken"]


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One fault in a request: where it is (`session.ttlMs`) and what is allowed there."""

    path: str
    message: str


class ControlPlaneError(Exception):
    """Something went wrong in the control plane."""

    code = "INTERNAL_ERROR"
    may_still_happen = False  # what was asked for: it may even have happened

    def __init__(self, message: str | None = None, *, details: Mapping[str, object] | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.details = dict(details or {})
        super().__init__(self.message)


class ValidationFailed(ControlPlaneError):
    """The request is not valid."""

    code = "VALIDATION_ERROR"

    def __init__(self, faults: Sequence[FieldFault], message: str | None = None, *, code: str | None = None) -> None:
        self.faults = tuple(faults)
        if code is not None:
            self.code = code
        first = self.faults[0] if self.faults else None
        super().__init__(
            message or (f"{first.path}: {first.message}" if first else None),
            details={"errors": [{"path": f.path, "message": f.message} for f in self.faults]},
        )


class NotFound(ControlPlaneError):
    """There is no such object."""

    code = "NOT_FOUND"


class RunNotFound(NotFound):
    """There is no such run."""

    code = "RUN_NOT_FOUND"


class Conflict(ControlPlaneError):
    """The request conflicts with what is stored."""

    code = "CONFLICT"


class InvalidTransition(Conflict):
    """The run's status does not permit this."""

    code = "INVALID_STATE_TRANSITION"


class SessionTaken(Conflict):
    """The session id belongs to another run."""

    code = "SESSION_ALREADY_EXISTS"


class IdempotencyKeyReused(Conflict):
    """The idempotency key was used with another body."""

    code = "IDEMPOTENCY_KEY_REUSED"


class CursorAhead(Conflict):
    """The cursor is greater than the last event of the run."""

    code = "CURSOR_AHEAD"


class RunEnded(InvalidTransition):
    """The run has already ended."""


class NoLongerDue(ControlPlaneError):
    """What the ending was decided on does not hold any more."""


class Fenced(ControlPlaneError):
    """Another observer owns the run now."""


class Unauthenticated(ControlPlaneError):
    """Missing Authorization header"""

    code = "UNAUTHENTICATED"


class Forbidden(ControlPlaneError):
    """The caller may not do this."""

    code = "FORBIDDEN"


class EndpointRemoved(ControlPlaneError):
    """This deployment only observes: it sends nothing into a session."""

    code = "ENDPOINT_REMOVED"


class PayloadTooLarge(ControlPlaneError):
    """The body is too large."""

    code = "PAYLOAD_TOO_LARGE"


class RateLimited(ControlPlaneError):
    """Too much at once."""

    code = "RATE_LIMITED"


class AddressRefused(ControlPlaneError):
    """must not lead where nothing may be sent"""

    code = "VALIDATION_ERROR"  # its message is what a fault says of the member that holds the URL


class NotAnswered(ControlPlaneError):
    """A receiver outside gave no whole answer."""

    def __init__(self, message: str | None = None, *, reason: NoAnswer) -> None:
        super().__init__(message)
        self.reason = reason


class CallbackFailed(ControlPlaneError):
    """The agent's cancel callback did not answer 2xx."""

    code = "CALLBACK_FAILED"


class RuntimeFault(ControlPlaneError):
    """The runtime did not do what it was asked to do."""

    code = "RUNTIME_UNAVAILABLE"

    def __init__(
        self,
        message: str | None = None,
        *,
        runtime_code: str = "",
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message, details=details)
        self.runtime_code = runtime_code


class RuntimeUnavailable(RuntimeFault):
    """The runtime cannot be reached."""

    code = "RUNTIME_UNAVAILABLE"


class NoRuntime(RuntimeUnavailable):
    """There is no runtime of this kind."""


class NoOwner(RuntimeUnavailable):
    """No living observer owns the run."""


class OwnerGone(RuntimeUnavailable):
    """The observer that had begun with it is gone, and the next one may find that it is done."""

    may_still_happen = True


class RuntimeTimedOut(RuntimeFault):
    """The runtime did not answer in time."""

    code = "RUNTIME_TIMEOUT"
    may_still_happen = True


class RuntimeRejected(RuntimeFault):
    """The runtime refused."""

    code = "RUNTIME_REJECTED"


class SessionNotFound(RuntimeRejected):
    """The runtime does not know the session."""


class RuntimeUnsupported(RuntimeFault):
    """The runtime lacks this capability."""

    code = "NOT_IMPLEMENTED"


class BreakerOpen(RuntimeUnavailable):
    """Calls to the runtime are suspended after repeated failures."""

    code = "CIRCUIT_BREAKER_OPEN"
