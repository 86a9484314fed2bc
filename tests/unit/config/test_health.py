import socket
from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from config.health import host_and_port, probe_runtime


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("localhost:50051", ("localhost", 50051)),
        ("localhost", ("localhost", 50051)),
        ("dns:///runtime.example:443", ("runtime.example", 443)),
        ("dns:runtime.example:443", ("runtime.example", 443)),
        ("ipv6:[::1]:50052", ("::1", 50052)),
        ("10.0.0.7:1", ("10.0.0.7", 1)),
    ],
)
def test_a_grpc_address_has_a_host_and_a_port(address: str, expected: tuple[str, int]) -> None:
    assert host_and_port(address) == expected


@pytest.mark.parametrize("address", ["", ":50051", "host:port", "host:99999"])
def test_an_address_without_host_or_with_a_bad_port_is_refused(address: str) -> None:
    with pytest.raises(ValueError):
        host_and_port(address)


def test_a_scripted_runtime_is_always_there(settings: LazySettings) -> None:
    settings.RUNTIME_KIND = "scripted"
    assert probe_runtime() == {"ok": True, "runtimeKind": "scripted"}


def test_a_macp_runtime_is_there_if_it_can_be_connected_to(settings: LazySettings, listener: socket.socket) -> None:
    settings.RUNTIME_KIND = "macp"
    settings.RUNTIME_ADDRESS = f"127.0.0.1:{listener.getsockname()[1]}"
    assert probe_runtime() == {"ok": True, "runtimeKind": "macp"}
    listener.close()
    assert probe_runtime() == {"ok": False, "runtimeKind": "macp", "detail": "cannot connect: ConnectionRefusedError"}


def test_a_macp_runtime_without_an_address_is_not_there(settings: LazySettings) -> None:
    settings.RUNTIME_KIND, settings.RUNTIME_ADDRESS = "macp", ""
    assert probe_runtime()["ok"] is False
