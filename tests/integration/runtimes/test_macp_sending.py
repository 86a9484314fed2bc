"""What the adapter makes of a runtime that misbehaves when something is sent to it."""

import pytest

from runs.errors import RuntimeRejected, RuntimeUnavailable
from tests.integration.runtimes.conftest import Connect, StartStandIn, stand_in_settings
from tests.integration.runtimes.sessions import NewPlan, ids, started
from tests.plans import a_message
from tests.streams import take_envelopes


async def test_a_lost_answer_leaves_the_fate_open_and_sending_again_is_a_duplicate(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    """C20: the same bytes under the same message id settle what happened."""
    runtime = connect(stand_in_settings(start_stand_in("--fault", "lose-start@1", "--fault", "lose@1")))
    plan = new_plan()
    session = runtime.attach(plan, adapter_state=None)
    start, message = runtime.encode_start(plan), runtime.encode_message(plan, a_message(1))

    with pytest.raises(RuntimeUnavailable):
        await session.start(start)
    assert (await session.start(start)).ack.duplicate
    with pytest.raises(RuntimeUnavailable):
        await session.send(message)
    assert (await session.send(message)).ack.duplicate
    assert len(ids(await take_envelopes(session.observe(0), 2))) == 2


async def test_a_refused_message_leaves_no_trace_and_may_be_sent_again(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    runtime = connect(stand_in_settings(start_stand_in("--fault", "refuse@1")))
    plan = new_plan()
    session = await started(runtime, plan)
    message = runtime.encode_message(plan, a_message(1))

    first, second = await session.send(message), await session.send(message)

    assert first.ack.error is not None
    assert first.ack.error.code == "INTERNAL_ERROR"
    assert (second.ack.ok, second.ack.duplicate) == (True, False)
    assert [first.observation.source_id, second.observation.source_id] == [
        f"ack:{a_message(1).message_id}:1",
        f"ack:{a_message(1).message_id}:2",
    ]


async def test_a_sender_without_a_credential_is_refused_before_anything_is_sent(
    start_stand_in: StartStandIn, connect: Connect, new_plan: NewPlan
) -> None:
    runtime = connect(stand_in_settings(start_stand_in(), dev_senders=False))
    plan = new_plan()

    with pytest.raises(RuntimeRejected) as refused:
        await runtime.attach(plan, adapter_state=None).start(runtime.encode_start(plan))

    assert refused.value.runtime_code == "NO_SENDER_CREDENTIAL"
