"""The adapters under contract: each is a stage on which the whole suite plays.

To put an adapter under contract, write its stage beside `scripted_stage.py` and name it in STAGES.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
import pytest_asyncio

from tests.contracts.macp_stage import macp_stage, stand_in_stage
from tests.contracts.scripted_stage import guarded_stage, scripted_stage
from tests.contracts.stage import Stage

STAGES: dict[str, Callable[[], AbstractAsyncContextManager[Stage]]] = {
    "scripted": scripted_stage,
    "scripted-guarded": guarded_stage,
    "macp": macp_stage,
    "macp-stand-in": stand_in_stage,
}


@pytest_asyncio.fixture(params=list(STAGES))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Each stage in turn; its runtime is closed afterwards."""
    async with STAGES[request.param]() as opened:
        yield opened
        await opened.runtime.close()
