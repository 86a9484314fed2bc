"""How long the property tests look: a fixed walk in every run of the suite, a long random one by `make property-long`."""

import os

from hypothesis import HealthCheck, settings

_SUITE = settings(
    max_examples=200,
    stateful_step_count=50,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
_LONG = settings(
    _SUITE,
    max_examples=5_000,
    stateful_step_count=100,
    derandomize=False,
    database=settings().database,
    print_blob=True,
)


def profile() -> settings:
    """What PROPERTIES asks for: `long`, or that of the suite."""
    return _LONG if os.environ.get("PROPERTIES") == "long" else _SUITE
