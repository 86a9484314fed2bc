"""Where a webhook may lead is judged when it is saved."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from tests.hostile_urls import HARMLESS_URLS, HOSTILE_URLS
from tests.integration.webhooks.subscribed import URL, changed, faults, patched, posted, subscribed
from webhooks.models import Endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def what_is_open(settings: Settings) -> None:
    """Plain http, so that a URL is refused for where it leads; no network."""
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_ALLOWED_NETWORKS = []


def test_there_are_more_than_40_hostile_urls_w05() -> None:
    assert len(set(HOSTILE_URLS)) == len(HOSTILE_URLS) > 40


@pytest.mark.parametrize("url", HOSTILE_URLS, ids=lambda url: repr(url)[:60])
def test_a_hostile_url_is_refused_at_save_w05_d01(url: str, caller: Client) -> None:
    made = subscribed(caller)
    assert list(faults(posted(caller, "/webhooks", url=url))) == ["url"]
    assert list(faults(patched(caller, made["id"], url=url))) == ["url"]
    assert [endpoint.url for endpoint in Endpoint.objects.all()] == [URL]


@pytest.mark.parametrize("url", HARMLESS_URLS)
def test_a_harmless_url_is_saved_as_it_was_given(url: str, caller: Client) -> None:
    assert subscribed(caller, url=url)["url"] == url
    assert changed(caller, subscribed(caller)["id"], url=url)["url"] == url


def test_plain_http_and_private_networks_are_opened_by_settings_alone(caller: Client, settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_HTTP = False
    assert faults(posted(caller, "/webhooks", url="http://receiver.example/"))["url"].startswith("must be https")
    assert list(faults(posted(caller, "/webhooks", url="https://10.1.2.3/"))) == ["url"]
    settings.WEBHOOK_ALLOWED_NETWORKS = ["10.0.0.0/8", "169.254.0.0/16"]
    subscribed(caller, url="https://10.1.2.3/")
    # It should never be a metadata service.
    assert list(faults(posted(caller, "/webhooks", url="https://169.254.169.254/"))) == ["url"]
