"""What every answer tells browsers, whichever route it comes from and however it ends."""

from typing import Any

import pytest
from django.test import AsyncClient, Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from runs.domain.scopes import SCOPES
from tests.keys import stored_key
from tests.routes import Route, all_routes, guarded_routes

rows = pytest.mark.django_db
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "font-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "object-src 'none'",
}
OTHERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
PATHS = ["/admin/", "/admin/login/", "/admin/jsi18n/", "/admin/nowhere/", "/docs?script=", "/nowhere", "/runs/"]
FILES = ["/static/console/theme.js", "/static/nothing.js"]  # they end whatever connection to the database there is


@pytest.fixture
def stranger() -> Client:
    return Client(raise_request_exception=False)


def is_guarded(answer: Any) -> bool:
    """It has all of them, with these values, once each; nobody learns from it what runs here."""
    assert set(answer["Content-Security-Policy"].split("; ")) == POLICY
    assert {name: answer.get(name) for name in OTHERS} == OTHERS
    assert [name for name in ("Server", "X-Powered-By", "Via") if name in answer] == []
    return True


@rows
@pytest.mark.parametrize("route", all_routes(), ids=str)
def test_every_answer_of_a_route_is_guarded(route: Route, stranger: Client) -> None:
    for method in ("GET", "HEAD", "POST", "OPTIONS", "BREW"):
        assert is_guarded(stranger.generic(method, route.address()))
    wanted = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    assert is_guarded(stranger.options(route.address(), headers=wanted))


@rows
@pytest.mark.parametrize("path", PATHS)
def test_pages_and_errors_are_guarded(path: str, stranger: Client) -> None:
    assert is_guarded(stranger.get(path))


@pytest.mark.parametrize("path", FILES)
def test_files_are_guarded(path: str, stranger: Client) -> None:
    assert is_guarded(stranger.get(path))


async def test_answers_of_an_asynchronous_chain_are_guarded() -> None:
    client = AsyncClient(raise_request_exception=False)
    for path in ("/docs", *FILES, "/nowhere"):
        assert is_guarded(await client.get(path))


@rows
@pytest.mark.parametrize("route", guarded_routes(), ids=str)
def test_nobody_keeps_an_answer_of_the_api(route: Route, stranger: Client) -> None:
    key = {"Authorization": stored_key(*SCOPES).header}
    for headers in ({}, key):
        for method in ("GET", "POST", "DELETE"):
            answer = stranger.generic(method, route.address(), "{}", content_type="application/json", headers=headers)
            assert "no-store" in answer["Cache-Control"], (method, answer.status_code)


@rows
def test_pages_of_staff_are_kept_by_nobody(stranger: Client, admin_client: Client) -> None:
    for address in (reverse("console:runs"), reverse("admin:index"), reverse("admin:runs_run_changelist")):
        assert "no-store" in admin_client.get(address)["Cache-Control"], address


def test_browsers_are_told_to_come_encrypted_in_production_only(stranger: Client, settings: Settings) -> None:
    for path in ("/healthz", "/docs", "/nowhere", *FILES):
        settings.SECURE_HSTS_SECONDS = 0
        assert "Strict-Transport-Security" not in stranger.get(path)
        settings.SECURE_HSTS_SECONDS = 365 * 24 * 3600
        assert stranger.get(path)["Strict-Transport-Security"] == "max-age=31536000"
