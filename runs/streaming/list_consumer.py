"""/ws/runs: the list of a project's runs and its changes, as WebSocket messages."""

from runs import bridge
from runs.shutdown import shutdown_of
from runs.streaming.admission import admit
from runs.streaming.consumers import StreamConsumer
from runs.streaming.handshake import request_of
from runs.streaming.seats import seat
from runs.streaming.selection import list_subscription_from
from runs.streaming.summaries import summaries


class ListConsumer(StreamConsumer):
    """The stream of a list of runs."""

    async def stream(self) -> int:
        """Its frames, one a message; broken off with an error, or to be had anew at another connection."""
        request = request_of(self.scope)
        admission = await bridge.rows(admit, request, run_id=None)
        subscription = list_subscription_from(request.GET.dict())
        with seat(admission.principal):
            return await self.send_all(
                summaries(
                    admission.principal.project_id,
                    subscription,
                    shutdown=shutdown_of(self.scope),
                    viewer=admission,
                )
            )
