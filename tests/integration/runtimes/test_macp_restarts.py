"""What is left of a session when the runtime dies, and what the adapter says of it."""

import pytest

from runs.domain.events import ObservationKind, SessionState
from runs.errors import RuntimeRejected, RuntimeUnavailable, SessionNotFound
from tests.integration.runtimes.conftest import Connect
from tests.integration.runtimes.sessions import NewPlan, ids, says, sent, started
from tests.plans import a_message
from tests.real_runtime import RealRuntime
from tests.streams import read_every_until, take_envelopes, take_every

pytestmark = pytest.mark.macp_runtime


async def test_after_a_restart_with_kept_data_the_stream_goes_on_without_a_gap(
    lasting_runtime: RealRuntime, connect: Connect, new_plan: NewPlan
) -> None:
    """A12: nothing of an open session is lost to a restart of the runtime."""
    runtime = connect(lasting_runtime.settings())
    plan = new_plan()
    session = await started(runtime, plan)
    await sent(runtime, session, plan, 1, 2)
    stream = session.observe(0)
    before = ids(await take_envelopes(stream, 2))

    await lasting_runtime.restart()
    with pytest.raises(RuntimeUnavailable):
        await read_every_until(stream, lambda _: False)
    await sent(runtime, session, plan, 3)
    after = ids(await take_envelopes(session.observe(2), 2))

    wanted = [f"env:{a_message(number).message_id}" for number in (1, 2, 3)]
    assert before[1:] + after == wanted
    assert (await session.send(runtime.encode_message(plan, a_message(2)))).ack.duplicate


async def test_after_a_restart_without_data_the_session_is_not_found(
    real_runtime: RealRuntime, connect: Connect, new_plan: NewPlan
) -> None:
    """C25: a runtime that lost its sessions says so, and is not asked for ever."""
    runtime = connect(real_runtime.settings())
    plan = new_plan()
    session = await started(runtime, plan)
    await take_envelopes(session.observe(0), 1)

    await real_runtime.restart()

    with pytest.raises(SessionNotFound):
        await session.snapshot()
    for after in (0, 1):
        with pytest.raises(SessionNotFound):
            await take_every(session.observe(after), 1)


async def test_the_history_of_an_ended_session_may_be_gone_and_its_end_is_still_told(
    lasting_runtime: RealRuntime, connect: Connect, new_plan: NewPlan
) -> None:
    runtime = connect(lasting_runtime.settings())
    plan = new_plan()
    session = await started(runtime, plan)
    await sent(runtime, session, plan, 1)
    assert (await session.cancel("enough")).ack.ok

    with pytest.raises(RuntimeRejected) as gone:
        await take_envelopes(session.observe(0), 1)
    heard = await read_every_until(session.observe(2), says(SessionState.CANCELLED))

    assert gone.value.runtime_code == "HISTORY_UNAVAILABLE"
    assert gone.value.details["lowest_available_sequence"] == 2
    assert heard[0].kind is ObservationKind.STREAM_STATUS
