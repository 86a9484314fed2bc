"""Secrets are masked in whatever is shown; nothing else is touched, and no pattern can stall the process."""

import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.domain.extra_patterns import LENGTH_LIMIT, WINDOW, masked_by, vetted
from runs.domain.redaction import _SCHEMES, _TOKENS, MASK, SCAN_LIMIT, Redactor, _Walk, names_a_secret

SECRETS = [
    "Bearer abcdef.ghijkl",
    "Basic dXNlcjpwYXNzd29yZA==",
    "sk-proj-0123456789abcdef",
    "sk_live_0123456789abcdef",
    "ghp_0123456789abcdefghij",
    "github_pat_0123456789abcdefghij",
    "glpat-0123456789abcdef",
    "xoxb-0123456789-abcdef",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "AIzaSyA-0123456789abcdefghijklmnop",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "https://user:hunter2@example.org",
    "password=hunter2",
    "client_secret: 0123456789",
    '"api_key": "0123456789"',
    r"\"access_token\": \"0123456789\"",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nMIIE that never ends",
]
HARMLESS = [
    "risk-assessment-of-everything",
    "the bearer of good news",
    "promptTokens: 12345678",
    "a basic explanation",
    "mail bob@example.org",
    "https://example.org:8443/a@b",
    "monkey: business as usual",
    "2026-01-31T09:30:00.000Z",
    "0190a7c2-0000-7000-8000-000000000000",
    "XAKIAIOSFODNN7EXAMPLE",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_masked_wherever_it_stands(secret: str) -> None:
    redactor = Redactor()

    for text in (secret, f"see {secret} please", f"a\n{secret}"):
        assert MASK in redactor.redact_text(text)
        masked = orjson.dumps(redactor.redact({"list": [{"note": text}], secret: 1})).decode()
        assert MASK in masked
        assert not any(part in masked for part in ("0123456789", "hunter2", "IOSFODNN7", "abcdef.ghijkl", "MIIE"))


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_alike_stays(text: str) -> None:
    value = {"note": text, "list": [text]}

    assert Redactor().redact(value) is value
    assert Redactor().redact_text(text) is text


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "PASSWORD",
        "api_key",
        "apiKey",
        "x-api-key",
        "secret",
        "clientSecret",
        "client_secret",
        "token",
        "access_token",
        "refreshToken",
        "Authorization",
        "proxy-authorization",
        "private_key",
        "aws_secret_access_key",
        "AccessKeyId",
        "cookie",
        "Set-Cookie",
        "credentials",
        "db_password",
        "passphrase",
        "x-macp-token",
    ],
)
def test_a_member_with_such_a_name_is_masked_whatever_it_holds(name: str) -> None:
    for value in ("x", 7, ["x"], {"inner": "x"}):
        assert Redactor().redact({"a": [{name: value, "b": 1}]}) == {"a": [{name: MASK, "b": 1}]}


@pytest.mark.parametrize(
    "name",
    [
        "progressToken",
        "tokenUsage",
        "promptTokens",
        "totalTokens",
        "keyboard",
        "author",
        "authorityScope",
        "key",
        "passed",
    ],
)
def test_a_member_with_another_name_stays(name: str) -> None:
    value = {name: "plain"}

    assert not names_a_secret(name)
    assert Redactor().redact(value) is value


def test_an_empty_secret_stays_and_masking_twice_changes_nothing() -> None:
    redactor = Redactor()
    value = {"password": "", "secret": None, "token": True, "api_key": MASK}

    assert redactor.redact(value) is value
    once = redactor.redact({"note": "Bearer abcdefghijk and password=hunter2"})
    assert redactor.redact(once) is once


def test_the_value_given_is_never_changed() -> None:
    value = {"a": {"password": "x"}, "b": ["Bearer abcdefghijk"]}
    before = orjson.dumps(value)
    Redactor().redact(value)

    assert orjson.dumps(value) == before


def test_bytes_are_masked_where_they_hold_text() -> None:
    redactor, plain = Redactor(), b"\xff\x00 nothing"

    assert redactor.redact_bytes(plain) is plain
    assert redactor.redact_bytes(b"\xff password=hunter2 \xfe") == b"\xff password=[redacted] \xfe"


storable_text = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)


@given(
    secret=st.sampled_from(SECRETS),
    before=storable_text,
    value=st.recursive(
        st.none() | storable_text, lambda inner: st.lists(inner) | st.dictionaries(storable_text, inner)
    ),
)
def test_what_a_walk_would_mask_is_always_hinted_at(secret: str, before: str, value: object) -> None:
    """The first look must not miss what a full walk with every rule would find."""
    text = f"{before} {secret}"
    walk = _Walk([*_TOKENS, _SCHEMES], (), names=True)

    assert Redactor().redact({"a": text, "b": value}) == walk.value({"a": text, "b": value})
    assert Redactor().redact(value) == walk.value(value)


@pytest.mark.parametrize(
    "text",
    ["bearer " * 60_000, "eyJ" * 120_000, "://" * 120_000, "-----BEGIN PRIVATE KEY-----" * 14_000, "sk-" * 120_000,
     "password" * 50_000, "a_" * 200_000 + "secret:", "ghp_" * 100_000, "basic\t" * 60_000, "token token:" * 30_000],
)  # fmt: skip
def test_d13_hostile_text_costs_time_in_proportion_to_its_length(text: str) -> None:
    began = time.process_time()
    Redactor().redact_text(text)

    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("(a+)+b", "repeat"),
        ("(?:a|b)*c", "repeat"),
        ("(?:x(a{2,5}))+y", "repeat"),
        ("a*a*b", "bound them"),
        ("(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)b", "bound them"),
        (r"\w+\s*=\s*\S+", "bound them"),
        ("[", "not a regular expression"),
        ("(a", "not a regular expression"),
        ("a*", "empty"),
        (r"(a)\1", "back-references"),
        ("(?P<x>a)(?P=x)", "back-references"),
        ("(?x) a", "verbose"),
        ("(?#)a", "comments"),
        ("(a)?(?(1)b|c)", "conditionals"),
        ("a" * (LENGTH_LIMIT + 1), "longer"),
    ],
)
def test_a_pattern_that_could_stall_the_process_is_refused_by_name(pattern: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as refusal:
        Redactor([pattern])
    assert repr(pattern[:20])[:-1] in str(refusal.value)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"ACME-\d{6}", "id ACME-123456 ok"),
        (r"\b\d{3}-\d{2}-\d{4}\b", "ssn 123-45-6789 ok"),
        (r"(?i)project-(?:red|blue)", "on Project-RED ok"),
        (r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]+", "ask bob@example.org ok"),
        (r"internal:\S+", "internal:abc ok"),
        (r"[]x]{3}", "]x] ok"),
        (r"\(secret\)", "(secret) ok"),
        (r"(?<!\w)ZZ(?=top)", "ZZtop ok"),
    ],
)
def test_operators_patterns_mask_what_they_match(pattern: str, text: str) -> None:
    masked = Redactor([pattern]).redact_text(text)

    assert MASK in masked
    assert masked.endswith(("ok", "top ok"))


def test_a_match_across_windows_is_found_whole() -> None:
    secret = "ACME-" + "7" * 300
    for lead in (0, 1, WINDOW - 150, WINDOW - 1, WINDOW, 3 * WINDOW - 7):
        text = "x" * lead + " " + secret + " tail"

        assert Redactor(["ACME-[0-9]+"]).redact_text(text) == "x" * lead + f" {MASK} tail"


def test_a_match_longer_than_a_window_is_masked_up_to_the_window() -> None:
    masked = Redactor(["K[0-9]+"]).redact_text("K" + "1" * 2 * WINDOW)

    assert masked.startswith(MASK)


def test_what_exceeds_the_scan_limit_is_masked_unread() -> None:
    redactor = Redactor(["ACME"])
    text = "x" * SCAN_LIMIT

    assert redactor.redact_text(text) is text
    assert redactor.redact_text(text + "ACME") == text + MASK
    assert redactor.redact([text, "short"]) == [text, MASK]


def test_d13_the_slowest_accepted_patterns_stay_bounded() -> None:
    for pattern in ("a{0,63}a{0,63}b", "a+b", r"\S+@\S+", "(?:a|a)(?:a|a)(?:a|a)a{1,256}b"):
        began = time.process_time()
        Redactor([pattern]).redact_text("a" * 4 * SCAN_LIMIT)

        assert time.process_time() - began < 5


@given(st.text(alphabet="abc=:@ \n", max_size=3 * WINDOW))
def test_windows_find_what_one_search_over_the_whole_text_finds(text: str) -> None:
    expression = vetted("ab{1,9}c")

    assert masked_by(expression, text, MASK) == expression.sub(MASK, text)
