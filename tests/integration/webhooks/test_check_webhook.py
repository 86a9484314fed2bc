"""`manage.py check_webhook`: the guard in plain words."""

import socket
from collections.abc import Callable
from io import StringIO
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from tests.hostile_urls import HOSTILE_URLS

Names = Callable[..., None]


@pytest.fixture(autouse=True)
def what_is_open(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_ALLOWED_NETWORKS = []


@pytest.fixture
def name_means(monkeypatch: pytest.MonkeyPatch) -> Names:
    """What the system resolves every name to."""

    def means(*addresses: str) -> None:
        def resolved(host: str, port: int, **options: Any) -> list[Any]:
            if not addresses:
                raise socket.gaierror
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", resolved)

    return means


def command(*options: str) -> tuple[int, str]:
    """Exit code and output."""
    out = StringIO()
    try:
        call_command("check_webhook", *options, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_a_name_whose_addresses_are_all_public_may_be_used(name_means: Names) -> None:
    name_means("8.8.8.8", "2606:4700:4700::1111")
    assert command("https://receiver.example/x") == (0, "8.8.8.8  allowed\n2606:4700:4700::1111  allowed\nAllowed.\n")


def test_one_address_inside_refuses_the_name_and_each_says_why(name_means: Names) -> None:
    name_means("8.8.8.8", "127.0.0.1", "169.254.169.254")
    code, said = command("https://receiver.example/x")
    assert code == 1
    assert said.splitlines() == [
        "8.8.8.8  allowed",
        "127.0.0.1  must not be a loopback address",
        "169.254.169.254  must not be a link-local or metadata address",
        "Refused: every address of the name must be allowed.",
    ]
    code, said = command("https://receiver.example/x", "--json")
    report = orjson.loads(said)
    assert (code, report["allowed"]) == (1, False)
    assert [one["refused"] is None for one in report["addresses"]] == [True, False, False]


def test_a_network_that_the_operator_opened_is_open(name_means: Names, settings: Settings) -> None:
    name_means("10.1.2.3")
    assert command("https://receiver.example/")[0] == 1
    settings.WEBHOOK_ALLOWED_NETWORKS = ["10.0.0.0/8"]
    assert command("https://receiver.example/")[0] == 0


def test_a_name_that_cannot_be_resolved_says_so(name_means: Names) -> None:
    name_means()
    code, said = command("https://receiver.example/")
    assert (code, said.startswith("Not now: the name cannot be resolved.")) == (3, True)


def test_an_address_needs_no_name_server() -> None:
    assert command("https://8.8.8.8/") == (0, "8.8.8.8  allowed\nAllowed.\n")


def test_plain_http_is_refused_where_it_is_not_opened(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_HTTP = False
    assert command("http://8.8.8.8/") == (1, "Refused: the URL must be https: plain http is not allowed here.\n")


def test_every_hostile_url_is_refused_in_words() -> None:
    for url in HOSTILE_URLS:
        code, said = command(url)
        assert (code, said.startswith("Refused: the URL must")) == (1, True), url
