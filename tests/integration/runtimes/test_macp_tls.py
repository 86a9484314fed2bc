"""The adapter over TLS."""

from dataclasses import replace
from pathlib import Path

import pytest

from runs.errors import RuntimeUnavailable
from tests.certificates import self_signed
from tests.integration.runtimes.conftest import Connect
from tests.integration.runtimes.sessions import NewPlan, ids, started
from tests.real_runtime import RealRuntime
from tests.streams import take_envelopes

pytestmark = pytest.mark.macp_runtime


async def test_a_runtime_is_reached_over_tls_only_with_its_root_certificate(
    tmp_path: Path, connect: Connect, new_plan: NewPlan
) -> None:
    real = RealRuntime(participants=("lead", "ann", "bob"), certificate=self_signed(tmp_path))
    await real.start()
    try:
        runtime = connect(real.settings())
        session = await started(runtime, new_plan())
        assert len(ids(await take_envelopes(session.observe(0), 1))) == 1

        for wrong in (
            replace(real.settings(), tls_ca_file=""),
            replace(real.settings(), tls=False, allow_insecure=True),
        ):
            with pytest.raises(RuntimeUnavailable):
                await connect(wrong).initialize()
    finally:
        real.kill()
