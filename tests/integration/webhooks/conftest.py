"""Tests of webhooks read the outbox themselves; no commit of theirs calls the queue unless they say so."""

import pytest
from pytest_django import Settings


@pytest.fixture
def outbox_is_read() -> bool:
    """What a fan-out has taken out of the outbox is not missed there."""
    return True


@pytest.fixture(autouse=True)
def silent_queue(settings: Settings) -> None:
    """A commit finds that nobody hears, and writes no task beside the test."""
    settings.OUTBOX_HEARD = "tests.integration.webhooks.conftest.nobody"


def nobody() -> bool:
    """Nobody hears anything."""
    return False
