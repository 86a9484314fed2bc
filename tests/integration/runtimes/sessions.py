"""Sessions as these tests need them: started, spoken into, and read."""

from collections.abc import Callable

from runs.domain.events import Observation, SessionSnapshot, SessionState
from runs.runtimes.macp.client import MacpRuntime
from runs.runtimes.macp.session import MacpSession
from runs.runtimes.port import SessionPlan
from tests.plans import a_message
from tests.streams import envelopes

NewPlan = Callable[..., SessionPlan]


async def started(runtime: MacpRuntime, plan: SessionPlan) -> MacpSession:
    """The runtime has accepted the plan's SessionStart."""
    session = runtime.attach(plan, adapter_state=None)
    assert (await session.start(runtime.encode_start(plan))).ack.ok
    return session


async def sent(runtime: MacpRuntime, session: MacpSession, plan: SessionPlan, *numbers: int) -> None:
    """The runtime has accepted the numbered messages."""
    for number in numbers:
        assert (await session.send(runtime.encode_message(plan, a_message(number)))).ack.ok


def ids(observations: list[Observation]) -> list[str | None]:
    """The identities of the session envelopes among them."""
    return [one.source_id for one in envelopes(observations)]


def says(state: SessionState) -> Callable[[Observation], bool]:
    """Tells the observations that find the session in this state."""
    return lambda one: isinstance(one.body, SessionSnapshot) and one.body.state is state
