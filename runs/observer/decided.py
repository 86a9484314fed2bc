"""Decided: raised wherever it becomes clear that a run must end; caught in one place, where the ending is written."""

from collections.abc import Sequence

from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import Observation
from runs.errors import RuntimeFault, RuntimeRejected, RuntimeUnsupported

REFUSED = "refused"  # the runtime has been asked: that was its answer


class Decided(Exception):
    """The run must end as `verdict` says; `batch` is what remains to be recorded with the ending."""

    def __init__(self, verdict: Verdict, batch: Sequence[Observation] = ()) -> None:
        super().__init__(verdict.message or verdict.code.value)
        self.verdict = verdict
        self.batch = tuple(batch)


def first_of(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure that comes first in a group: the others followed from it, for then everything is cancelled."""
    first: BaseException = failures
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


def failed(code: EndingCode, message: str, *, runtime_code: str | None = None, asked: str | None = None) -> Decided:
    """The run fails with `code` and its primary cause."""
    return Decided(Verdict(code=code, message=message, runtime_code=runtime_code or None, runtime_asked=asked))


def failed_by(code: EndingCode, fault: RuntimeFault) -> Decided:
    """The run fails with `code` because of what the runtime did."""
    answered = isinstance(fault, RuntimeRejected | RuntimeUnsupported)
    asked = fault.runtime_code or REFUSED if answered else None
    return failed(code, fault.message, runtime_code=fault.runtime_code, asked=asked)


def defect(error: Exception) -> Decided:
    """The run fails because of a defect of ours; the details are in the log."""
    return failed(EndingCode.INTERNAL_ERROR, f"internal error: {type(error).__name__}")
