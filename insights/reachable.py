"""Whether the runtimes answer, by what the observers have written down: nobody is asked, so no page waits for one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from runs.models import BreakerChange
from runs.queries.breakers import observers_breaker_states
from runs.queries.shown import redactor

LOOKED_BACK = timedelta(days=1)
LONGEST_REASON = 300

_WORDS = {
    "OPEN": "does not answer: calls are suspended",
    "HALF_OPEN": "is being tried again",
    "CLOSED": "answers again",
}
_LOOKS = {"OPEN": "lost", "HALF_OPEN": "late", "CLOSED": "alive"}


@dataclass(frozen=True, slots=True)
class Runtime:
    """One kind of runtime that was not to be reached lately."""

    kind: str
    words: str
    look: str  # alive, late or lost
    reason: str  # of the last failure
    failed_at: datetime

    @property
    def is_away(self) -> bool:
        """True while calls to it are suspended."""
        return self.look != "alive"


def runtimes_that_failed(now: datetime) -> list[Runtime]:
    """Those of which a breaker has opened within a day; index breaker_changes_newest."""
    told = (_told(kind, now) for kind in settings.RUNTIME_ADAPTERS)
    return [runtime for runtime in told if runtime is not None]


def _told(kind: str, now: datetime) -> Runtime | None:
    opened = BreakerChange.objects.filter(kind=kind, entered_at__gt=now - LOOKED_BACK, state="OPEN")
    last = opened.order_by("-entered_at").first()
    if last is None:
        return None
    states = observers_breaker_states(kind)
    state = next((one for one in ("OPEN", "HALF_OPEN") if one in states), "CLOSED")
    reason = redactor().redact_text(last.reason)[:LONGEST_REASON]
    return Runtime(kind, _WORDS[state], _LOOKS[state], reason, last.entered_at)
