"""The whole table of routes: every address reaches its own view, whatever stands before it in the table (A07)."""

import re
from collections.abc import Iterator, Sequence
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, path, resolve
from django.urls.resolvers import RoutePattern

from config.urls import urlpatterns

STAFF_PAGES = "admin/"  # Django's own, below an address where routes of ours begin, too
SAMPLES = {"str": str(UUID(int=7)), "uuid": str(UUID(int=7)), "int": "7", "slug": "a-word", "path": "a/path"}
FIXED_BESIDE_RUN_IDS = ("validate", "batch")

_PARAMETER = re.compile(r"<(?:(\w+):)?\w+>")

Routes = Sequence[URLPattern | URLResolver]


def routes(patterns: Routes = urlpatterns, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every route of ours as it stands in the table, with the pattern that it belongs to."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            assert isinstance(pattern.pattern, RoutePattern), f"{route}: a route that cannot be walked"
            yield route, pattern
        elif route != STAFF_PAGES:
            yield from routes(pattern.url_patterns, route)


def address_of(route: str) -> str:
    """An address that the route is meant for."""
    return "/" + _PARAMETER.sub(lambda found: SAMPLES[found[1] or "str"], route)


def shadowed(patterns: Routes) -> list[str]:
    """The routes whose addresses lead elsewhere."""
    urlconf = tuple(patterns)
    return [
        route
        for route, pattern in routes(patterns)
        if resolve(address_of(route), urlconf=urlconf).func is not pattern.callback  # type: ignore[arg-type]
    ]


def test_no_route_is_shadowed_by_another_a07() -> None:
    assert len(list(routes())) > 30, "the table should have been walked"
    assert shadowed(urlpatterns) == []


def test_a_route_that_comes_too_late_is_found_out() -> None:
    def view(request: object) -> None: ...

    def fixed(request: object) -> None: ...

    by_id, by_word = path("runs/<str:run_id>/cancel", view), path("runs/batch/cancel", fixed)  # type: ignore[type-var]
    assert shadowed([by_id, by_word]) == ["runs/batch/cancel"]
    assert shadowed([by_word, by_id]) == []


def test_no_two_routes_have_one_address() -> None:
    addresses = [route for route, _ in routes()]
    assert len(addresses) == len(set(addresses))


def test_no_address_of_ours_ends_in_a_slash() -> None:
    assert [route for route, _ in routes() if route.endswith("/")] == []


@pytest.mark.parametrize("word", FIXED_BESIDE_RUN_IDS)
@pytest.mark.django_db
def test_a_fixed_word_is_never_judged_as_a_run_id_a07(caller: Client, word: str) -> None:
    found = [route for route, _ in routes() if route.startswith(f"runs/{word}")]
    assert found
    for route in found:
        response = caller.generic("PUT", f"/{route}")
        assert (response.status_code, response.json()["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
        assert "POST" in response["Allow"]
