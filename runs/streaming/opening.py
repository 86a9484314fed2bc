"""What is decided before the first frame of a run's stream, whatever carries it."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest

from runs import bridge
from runs.domain.run_ids import run_id_from
from runs.shutdown import Shutdown
from runs.streaming.admission import Admission, admit
from runs.streaming.burst import Burst
from runs.streaming.frames import frames
from runs.streaming.seats import Seat, seat
from runs.streaming.standing import Standing, standing_of
from runs.streaming.subscription import Subscription, subscription_from


@dataclass(frozen=True, slots=True)
class Opening:
    """A stream that may begin: of which run, for whom, from where. Its seat is taken until somebody leaves it."""

    run_id: UUID
    subscription: Subscription
    standing: Standing
    admission: Admission
    seat: Seat

    def bursts(self, shutdown: Shutdown | None) -> AsyncGenerator[Burst]:
        """The frames of the stream; see `frames`."""
        return frames(self.run_id, self.subscription, self.standing, shutdown=shutdown, viewer=self.admission)


async def open_stream(request: HttpRequest, run_id: UUID | str) -> Opening | None:
    """The stream the request asks for; None if its cursor stands at or past the ending: there will never be more.

    Raises ValidationFailed, Unauthenticated, Forbidden, RunNotFound, CursorAhead, RateLimited.
    """
    found = run_id_from(str(run_id))
    admission = await bridge.rows(admit, request, run_id=found)
    subscription = subscription_from(request.GET.dict(), request.headers.get("Last-Event-ID"))
    standing = await bridge.rows(standing_of, found, admission.principal.project_id)
    if standing.has_nothing_after(subscription.after):
        return None
    return Opening(found, subscription, standing, admission, seat(admission.principal))
