import contextlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.http import keys
from config.http.keys import static_keys
from config.http.principal import ALL_SCOPES, Principal
from runs.errors import Unauthenticated

KEYS = ["alice=alice-secret-0001", "bare-secret-0002", "ci=with=equals", "padded-base64=="]


def principal_of_header(header: str, entries: list[str]) -> Principal:
    """Where no key is stored."""
    return keys.principal_of_header(header, entries, stored=lambda digest: None)


@pytest.mark.parametrize("header", ["Bearer alice-secret-0001", "bearer   alice-secret-0001 ", "alice-secret-0001"])
def test_a_known_key_is_let_in_with_or_without_its_scheme(header: str) -> None:
    principal = principal_of_header(header, KEYS)
    assert (principal.id, principal.name, principal.kind) == ("key:alice", "alice", "api_key")
    assert principal.scopes == ALL_SCOPES


@pytest.mark.parametrize(("key", "name"), [("with=equals", "ci"), ("padded-base64==", "key-")])
def test_an_equals_sign_may_be_part_of_a_key(key: str, name: str) -> None:
    assert principal_of_header(f"Bearer {key}", KEYS).name.startswith(name)


def test_a_bare_key_gets_a_steady_name_that_holds_no_part_of_it_d07() -> None:
    principal = principal_of_header("bare-secret-0002", KEYS)
    assert principal == principal_of_header("bare-secret-0002", ["bare-secret-0002"])
    assert principal.name.startswith("key-")
    assert not any(part in principal.id + principal.name for part in ("bare", "secret", "0002"))


@pytest.mark.parametrize("header", ["", "   ", "Bearer", "Bearer    "])
def test_a_header_without_a_token_says_so(header: str) -> None:
    with pytest.raises(Unauthenticated, match=r"^Empty authorization token$"):
        principal_of_header(header, KEYS)


@pytest.mark.parametrize(
    "header",
    ["Bearer nonsense", "Basic alice-secret-0001", "alice=alice-secret-0001", "Bearer Alice-Secret-0001", "ké€"],
)
def test_a_wrong_key_says_so(header: str) -> None:
    with pytest.raises(Unauthenticated, match=r"^Invalid authorization token$"):
        principal_of_header(header, KEYS)


@given(header=st.text(st.characters(min_codepoint=32, max_codepoint=255)))
def test_without_a_configured_key_nobody_enters_d15(header: str) -> None:
    with pytest.raises(Unauthenticated):
        principal_of_header(header, [])


def test_a_key_beyond_ascii_is_found_as_the_server_decodes_it() -> None:
    header = "Bearer schlüssel".encode().decode("latin-1")
    assert principal_of_header(header, ["heidi=schlüssel"]).name == "heidi"


def test_a_name_may_have_two_keys_while_they_are_rotated() -> None:
    for key in ("old-key-1234", "new-key-5678"):
        assert principal_of_header(key, ["ops=old-key-1234", "ops=new-key-5678"]).id == "key:ops"


def test_keys_are_held_as_digests_only_d06() -> None:
    assert "secret" not in repr(static_keys(tuple(KEYS)))


@pytest.mark.parametrize("header", ["alice-secret-0001", "padded-base64==", "alice-secret-0009", "x"])
def test_every_configured_key_is_compared_in_constant_time_whichever_fits_d06(
    header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    def compare_digest(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return equal(one, other)

    equal = hmac.compare_digest
    monkeypatch.setattr(keys.hmac, "compare_digest", compare_digest)
    with contextlib.suppress(Unauthenticated):
        principal_of_header(header, KEYS)
    assert compared == [key.digest for key in static_keys(tuple(KEYS))]
