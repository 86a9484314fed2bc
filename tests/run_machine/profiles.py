"""How long the property tests look: a short fixed walk in every run of the suite, a longer one in `make test-slow`, and a
long random one by `make property-long`.
"""

import os

from hypothesis import HealthCheck, settings

_SHORT = 30  # examples
_FULL = settings(
    max_examples=200,
    stateful_step_count=50,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
_LONG = settings(
    _FULL,
    max_examples=5_000,
    stateful_step_count=100,
    derandomize=False,
    database=settings().database,
    print_blob=True,
)


def short() -> settings:
    """A walk of a minute or so."""
    return settings(_FULL, max_examples=_SHORT)


def long() -> settings:
    """The walk of 200 examples, or what PROPERTIES asks for: `long`, for hours, and another one every time."""
    return _LONG if os.environ.get("PROPERTIES") == "long" else _FULL
