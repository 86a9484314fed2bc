import pytest
from django.test import Client

from runs.domain.scopes import SCOPES
from tests.keys import stored_key
from tests.offering import Shelf


@pytest.fixture(autouse=True)
def a_runtime_with_policies(shelf: Shelf) -> None:
    """What the routes of the runtime ask."""


@pytest.fixture
def insider(db: None) -> Client:
    """A program with a key for everything in the project that has everything."""
    return Client(raise_request_exception=False, headers={"Authorization": stored_key(*SCOPES).header})
