"""Secrets at rest: which key seals, and which keys still open."""

import pytest
from pytest_django.fixtures import Settings

from runs.keyring import SecretUnreadable, seal, unseal


@pytest.fixture(autouse=True)
def _keys(settings: Settings) -> None:
    settings.SECRET_KEY, settings.SECRETS_KEY = "root", ""


def test_what_was_sealed_can_be_opened_and_not_read() -> None:
    assert unseal(seal("grüße")) == "grüße"
    assert seal("grüße") != seal("grüße")


def test_an_older_key_still_opens_and_the_newest_seals(settings: Settings) -> None:
    settings.SECRETS_KEY = "older"
    old = seal("secret")
    settings.SECRETS_KEY = "newer, older"
    new = seal("secret")

    assert unseal(old) == "secret"
    settings.SECRETS_KEY = "newer"
    assert unseal(new) == "secret"


def test_what_the_root_key_sealed_stays_readable_once_a_separate_key_is_set(settings: Settings) -> None:
    sealed = seal("secret")
    settings.SECRETS_KEY = "separate"

    assert unseal(sealed) == "secret"


def test_a_secret_whose_key_is_gone_says_so(settings: Settings) -> None:
    settings.SECRETS_KEY = "lost"
    sealed = seal("secret")
    settings.SECRETS_KEY = "other"

    with pytest.raises(SecretUnreadable):
        unseal(sealed)
