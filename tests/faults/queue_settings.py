"""The settings of a queue whose broker cannot be relied on (tests/faults/broker.py). All its tasks are the test's."""

from config.settings import *  # noqa: F403
from config.settings import Q_CLUSTER as _USUAL

Q_CLUSTER = {**_USUAL, "broker_class": "tests.faults.broker.FaultyBroker", "scheduler": False}
