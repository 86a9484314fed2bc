"""Secrets of endpoints at rest: for one endpoint, under a key that has a name (W12)."""

import base64
from uuid import UUID

import pytest
from pytest_django.fixtures import Settings

from runs import keyring
from runs.keyring import SecretUnreadable
from webhooks.sealing import newest_key_id, seal, unseal

ENDPOINT, OTHER = UUID(int=1), UUID(int=2)


@pytest.fixture(autouse=True)
def _keys(settings: Settings) -> None:
    settings.SECRET_KEY, settings.SECRETS_KEY = "root", ""


def test_what_was_sealed_can_be_opened_and_not_read() -> None:
    """W12"""
    sealed = seal("whsec_grüße", endpoint_id=ENDPOINT)

    assert unseal(sealed.text, endpoint_id=ENDPOINT) == "whsec_grüße"
    assert b"whsec" not in base64.b64decode(sealed.text.rpartition(".")[2])
    assert sealed.text != seal("whsec_grüße", endpoint_id=ENDPOINT).text


def test_a_seal_holds_for_its_endpoint_alone() -> None:
    """W12: copied into the row of another endpoint it is of no use."""
    sealed = seal("secret", endpoint_id=ENDPOINT)

    with pytest.raises(SecretUnreadable, match="belongs to another endpoint"):
        unseal(sealed.text, endpoint_id=OTHER)


def test_the_newest_key_seals_and_older_ones_open_until_all_is_sealed_again(settings: Settings) -> None:
    """W12"""
    settings.SECRETS_KEY = "older"
    old = seal("secret", endpoint_id=ENDPOINT)
    settings.SECRETS_KEY = "newer, older"
    assert old.key_id != newest_key_id()
    again = seal(unseal(old.text, endpoint_id=ENDPOINT), endpoint_id=ENDPOINT)

    settings.SECRETS_KEY = "newer"
    assert again.key_id == newest_key_id()
    assert unseal(again.text, endpoint_id=ENDPOINT) == "secret"
    with pytest.raises(SecretUnreadable):
        unseal(old.text, endpoint_id=ENDPOINT)


def test_a_missing_key_is_named_without_what_it_is(settings: Settings) -> None:
    """W12"""
    settings.SECRETS_KEY = "canary-of-a-key"
    sealed = seal("secret", endpoint_id=ENDPOINT)
    settings.SECRETS_KEY = "other"

    with pytest.raises(SecretUnreadable, match=f"not configured any more.*{sealed.key_id}.*SECRETS_KEY") as unreadable:
        unseal(sealed.text, endpoint_id=ENDPOINT)
    assert "canary" not in str(unreadable.value)


def test_what_the_root_key_sealed_stays_readable_once_a_separate_key_is_set(settings: Settings) -> None:
    sealed = seal("secret", endpoint_id=ENDPOINT)
    settings.SECRETS_KEY = "separate"

    assert unseal(sealed.text, endpoint_id=ENDPOINT) == "secret"


def test_the_name_of_a_key_fits_its_column_and_stays(settings: Settings) -> None:
    assert newest_key_id() == newest_key_id()
    assert len(newest_key_id()) == 16
    names = {newest_key_id()}
    for key in ("one", "two", "three"):
        settings.SECRETS_KEY = key
        names.add(newest_key_id())
    assert len(names) == 4


def test_every_changed_bit_is_noticed() -> None:
    sealed = seal("secret", endpoint_id=ENDPOINT).text
    start, _, box = sealed.rpartition(".")
    raw = bytearray(base64.b64decode(box))
    for place in range(len(raw)):
        raw[place] ^= 1
        with pytest.raises(SecretUnreadable):
            unseal(f"{start}.{base64.b64encode(raw).decode()}", endpoint_id=ENDPOINT)
        raw[place] ^= 1


@pytest.mark.parametrize(
    "text", ["", ".", "..", "secret", "g1", "g1.", "g2.{id}.AAAA", "g1.{id}.", "g1.{id}.ä", "g1.{id}.AAAA"]
)
def test_what_was_never_sealed_cannot_be_opened(text: str) -> None:
    with pytest.raises(SecretUnreadable):
        unseal(text.replace("{id}", newest_key_id()), endpoint_id=ENDPOINT)


def test_a_form_that_is_not_known_is_not_guessed_at() -> None:
    sealed = seal("secret", endpoint_id=ENDPOINT).text

    with pytest.raises(SecretUnreadable, match="not in a form"):
        unseal("g2" + sealed.removeprefix("g1"), endpoint_id=ENDPOINT)


def test_what_was_sealed_for_another_purpose_cannot_be_opened() -> None:
    """The same configured key yields another one for each purpose."""
    secrets = {keyring.keys_for(purpose)[0].secret for purpose in ("one", "two")}

    assert len(secrets) == 2
    with pytest.raises(SecretUnreadable):
        keyring.unseal(seal("secret", endpoint_id=ENDPOINT).text)
    with pytest.raises(SecretUnreadable):
        unseal(keyring.seal("secret"), endpoint_id=ENDPOINT)
