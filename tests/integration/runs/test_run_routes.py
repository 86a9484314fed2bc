"""The addresses of runs: none is shadowed by another, and each says who may call it (A07)."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, resolve

from runs.api.urls import urlpatterns

PATTERNS = [pattern for pattern in urlpatterns if isinstance(pattern, URLPattern)]


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_every_route_is_reached_by_its_own_address(pattern: URLPattern) -> None:
    address = "/" + str(pattern.pattern).replace("<str:run_id>", str(uuid4()))

    assert resolve(address).func is pattern.callback


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_no_address_ends_in_a_slash(pattern: URLPattern) -> None:
    assert not str(pattern.pattern).endswith("/")


@pytest.mark.django_db
def test_a_fixed_path_is_never_taken_for_a_run_id(caller: Client) -> None:
    response = caller.get("/runs/validate")

    assert (response.status_code, response["Allow"]) == (405, "POST, OPTIONS")
