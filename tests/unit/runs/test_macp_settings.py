"""The adapter as the settings describe it."""

import pytest
from pytest_django import Settings

from runs.runtimes.macp.client import MacpRuntime
from runs.runtimes.macp.settings import MacpSettings
from runs.runtimes.registry import adapter_class


def test_every_setting_reaches_the_adapter_in_its_own_unit(settings: Settings) -> None:
    settings.RUNTIME_ADDRESS = "runtime:50051"
    settings.RUNTIME_TLS = True
    settings.RUNTIME_TLS_CA_FILE = "ca.pem"
    settings.RUNTIME_ALLOW_INSECURE = False
    settings.RUNTIME_REQUEST_TIMEOUT_MS = 1500
    settings.RUNTIME_CHANNELS = 7
    settings.STREAM_BACKOFF_BASE_MS = 100
    settings.STREAM_BACKOFF_MAX_MS = 2000
    settings.RUNTIME_BEARER_TOKEN = "ours"
    settings.RUNTIME_SENDER_TOKENS = {"lead": "leads"}
    settings.RUNTIME_DEV_SENDERS = True
    settings.RUNTIME_DEV_AGENT_ID = "somebody"
    settings.RUNTIME_USE_DEV_HEADER = True

    assert MacpSettings.configured() == MacpSettings(
        address="runtime:50051",
        tls=True,
        tls_ca_file="ca.pem",
        allow_insecure=False,
        request_timeout=1.5,
        channels=7,
        backoff_base=0.1,
        backoff_max=2.0,
        bearer_token="ours",
        sender_tokens={"lead": "leads"},
        dev_senders=True,
        dev_agent_id="somebody",
        use_dev_header=True,
    )


@pytest.mark.parametrize("unset", ["", None])
def test_an_address_that_is_not_set_is_empty(settings: Settings, unset: str | None) -> None:
    settings.RUNTIME_ADDRESS = unset

    assert MacpSettings.configured().address == ""


def test_the_registry_finds_the_adapter_by_both_names() -> None:
    assert adapter_class("macp") is MacpRuntime
    assert [fault.path for fault in MacpRuntime.option_faults({"speed": 2}, "")] == ["speed"]
