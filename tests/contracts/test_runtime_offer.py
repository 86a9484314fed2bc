"""What every runtime adapter promises of what it offers, in the words of `runs/runtimes/offer.py`."""

import asyncio
from collections.abc import AsyncGenerator
from typing import cast

import pytest

from runs.domain.events import Observation, ObservationKind, SessionSnapshot, SessionState, StreamStatus
from runs.errors import RuntimeRejected, RuntimeUnsupported
from runs.runtimes.offer import ILL_DEFINED, Policy
from runs.runtimes.port import SessionPlan
from tests.contracts.stage import Stage

PATIENCE = 10.0
MINE = Policy(id="policy/mine ä", mode="*", description="as we like it", rules={"voting": {"algorithm": "majority"}})


async def keeps_policies(stage: Stage) -> bool:
    """True on a runtime that has a registry of policies; of another it is unsupported to change or to list them."""
    offer = stage.runtime.offer
    try:
        await offer.policies("")
    except RuntimeUnsupported:
        with pytest.raises(RuntimeUnsupported):
            await offer.register_policy(MINE)
        with pytest.raises(RuntimeUnsupported):
            await offer.unregister_policy(MINE.id)
        return False
    return True


async def test_a_runtime_offers_what_it_says_it_does_or_lacks_the_capability(stage: Stage) -> None:
    info, offer = await stage.runtime.initialize(), stage.runtime.offer

    if not info.capabilities.manifest:
        with pytest.raises(RuntimeUnsupported):
            await offer.manifest()
        return
    manifest, modes = await offer.manifest(), await offer.modes()

    assert manifest.agent_id
    assert set(manifest.supported_modes) == {mode.name for mode in modes} == set(info.supported_modes)
    assert all(mode.version for mode in modes)
    assert isinstance(await offer.roots(), tuple)


async def test_a_registered_policy_is_known_until_it_is_unregistered(stage: Stage) -> None:
    if not await keeps_policies(stage):
        return
    offer = stage.runtime.offer
    assert await offer.policy(MINE.id) is None

    await offer.register_policy(MINE)

    found = await offer.policy(MINE.id)
    assert found is not None
    assert (found.id, found.mode, found.description, found.rules) == (MINE.id, "*", MINE.description, MINE.rules)
    assert MINE.id in [policy.id for policy in await offer.policies("macp.mode.task.v1")]
    assert await stage.runtime.policy_known(MINE.id)

    assert await offer.unregister_policy(MINE.id)
    assert await offer.policy(MINE.id) is None
    assert not await offer.unregister_policy(MINE.id)


async def test_a_policy_is_not_registered_twice_and_not_if_it_is_none(stage: Stage) -> None:
    if not await keeps_policies(stage):
        return
    offer = stage.runtime.offer
    await offer.register_policy(MINE)
    with pytest.raises(RuntimeRejected) as again:
        await offer.register_policy(MINE)
    nonsense = {"voting": {"algorithm": "loudest"}}
    with pytest.raises(RuntimeRejected) as ill:
        await offer.register_policy(Policy(id="policy.ill", mode="macp.mode.decision.v1", rules=nonsense))

    assert again.value.runtime_code != ILL_DEFINED
    assert ill.value.runtime_code == ILL_DEFINED
    assert await offer.policy("policy.ill") is None


async def started(stage: Stage) -> SessionPlan:
    plan = stage.quiet_plan()
    session = stage.runtime.attach(plan, adapter_state=None)
    assert (await session.start(stage.runtime.encode_start(plan))).ack.ok
    return plan


async def test_sessions_are_watched_from_those_there_are_to_those_that_come(stage: Stage) -> None:
    watch = cast(AsyncGenerator[Observation], stage.runtime.sessions())
    before = await started(stage)
    try:
        async with asyncio.timeout(PATIENCE):
            stands = await anext(watch)
    except RuntimeUnsupported:
        assert not (await stage.runtime.initialize()).capabilities.watch_sessions
        return

    assert isinstance(stands.body, StreamStatus)
    assert stands.kind is ObservationKind.STREAM_STATUS
    seen: dict[str, SessionSnapshot] = {}

    async def seen_both() -> None:
        async for observation in watch:
            assert isinstance(observation.body, SessionSnapshot)
            seen[observation.body.session_id] = observation.body
            if {before.session_id, after.session_id} <= seen.keys():
                return

    after = await started(stage)
    async with asyncio.timeout(PATIENCE):
        await seen_both()
    await watch.aclose()
    one = seen[after.session_id]
    assert (one.state, one.initiator, one.mode_name) == (SessionState.OPEN, "lead", after.mode_name)
    assert set(one.participants) == {"lead", "ann", "bob"}
