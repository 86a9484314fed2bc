from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from config import env


@pytest.fixture(autouse=True)
def _development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALBOX_ENV", "development")


@pytest.mark.parametrize("word", ["1", "true", "YES", "On"])
def test_words_for_true_are_true(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_TLS", word)
    assert env.env_bool("RUNTIME_TLS") is True


@pytest.mark.parametrize("word", ["0", "false", "NO", "Off"])
def test_words_for_false_are_false(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUN_RECOVERY_ENABLED", word)
    assert env.env_bool("RUN_RECOVERY_ENABLED") is False


def test_any_other_word_is_refused_with_its_name_and_the_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_TLS", "maybe")
    with pytest.raises(ImproperlyConfigured, match=r"^RUNTIME_TLS: must be one of .*not 'maybe'$"):
        env.env_bool("RUNTIME_TLS")


def test_an_unset_and_an_empty_variable_have_the_declared_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORT", raising=False)
    assert env.env_int("PORT") == 3001
    monkeypatch.setenv("PORT", "  ")
    assert env.env_int("PORT") == 3001


def test_a_default_may_differ_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_ALLOW_INSECURE", raising=False)
    assert env.env_bool("RUNTIME_ALLOW_INSECURE") is True
    monkeypatch.setenv("SIGNALBOX_ENV", "production")
    assert env.env_bool("RUNTIME_ALLOW_INSECURE") is False


@pytest.mark.parametrize("text", ["twelve", "1.5", "0x10", "1_000", "١٢", "9" * 19])
def test_what_is_no_whole_number_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", text)
    with pytest.raises(ImproperlyConfigured, match=r"^PORT: must be a whole number"):
        env.env_int("PORT")


@given(value=st.integers(-100, 100), low=st.integers(-50, 0), high=st.integers(0, 50))
def test_a_number_passes_exactly_within_its_bounds(value: int, low: int, high: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PORT", str(value))
        if low <= value <= high:
            assert env.env_int("PORT", at_least=low, at_most=high) == value
        else:
            with pytest.raises(ImproperlyConfigured, match=f"^PORT: must be from {low} to {high}"):
                env.env_int("PORT", at_least=low, at_most=high)


def test_a_choice_outside_the_list_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(ImproperlyConfigured, match=r"^LOG_LEVEL: must be one of info, error, not 'loud'$"):
        env.env_choice("LOG_LEVEL", ("info", "error"))


def test_a_list_loses_blanks_and_empty_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", " a.example , ,b.example,")
    assert env.env_list("ALLOWED_HOSTS", str) == ["a.example", "b.example"]


@pytest.mark.parametrize(
    ("name", "text", "item"),
    [
        ("WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/8,10.0.0.1/8", env.network),
        ("WEBHOOK_RETRY_SCHEDULE", "0,soon", env.whole_seconds),
        ("MACP_REDACT_PATTERNS", "a(b", env.pattern),
        ("MACP_REDACT_PATTERNS", "a" * 501, env.pattern),
        ("CORS_ORIGIN", "*", env.web_origin),
        ("CORS_ORIGIN", "https://console.example/path", env.web_origin),
    ],
)
def test_a_bad_entry_of_a_list_stops_the_start(
    name: str, text: str, item: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(ImproperlyConfigured, match=f"^{name}: "):
        env.env_list(name, item)  # type: ignore[arg-type]


def test_a_secret_comes_from_the_file_that_its_variable_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    monkeypatch.setenv("RUNTIME_BEARER_TOKEN_FILE", str(tmp_path / "token"))
    assert env.env_secret("RUNTIME_BEARER_TOKEN") == "from-a-file"


def test_a_secret_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUNTIME_BEARER_TOKEN", "hush")
    monkeypatch.setenv("RUNTIME_BEARER_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(ImproperlyConfigured, match="set twice"):
        env.env_secret("RUNTIME_BEARER_TOKEN")


@pytest.mark.parametrize("url", ["canary", "http://canary", "canary:6379", "//canary"])
def test_a_url_of_another_scheme_is_refused_without_its_value(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(ImproperlyConfigured, match=r"^REDIS_URL: must begin with redis:// or rediss://$") as refused:
        env.env_secret_url("REDIS_URL", ("redis", "rediss"))
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("url", ["redis://canary:port", "redis://[canary", "redis://canary:70000"])
def test_what_is_no_url_is_refused_without_its_value(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(ImproperlyConfigured, match=r"^REDIS_URL: is no URL$"):
        env.env_secret_url("REDIS_URL", ("redis", "rediss"))


@pytest.mark.parametrize("url", ["", "redis://one", "REDISS://user:password@one:6379/2"])
def test_a_url_may_be_absent_or_of_a_known_scheme(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    assert env.env_secret_url("REDIS_URL", ("redis", "rediss")) == url


def test_a_missing_secret_file_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(ImproperlyConfigured, match=r"^SECRET_KEY_FILE: cannot be read: No such file"):
        env.env_secret("SECRET_KEY")


def test_what_is_no_secret_has_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "port").write_text("4000")
    monkeypatch.setenv("PORT_FILE", str(tmp_path / "port"))
    assert env.env_int("PORT") == 3001


@pytest.mark.parametrize("text", ['{"alice": "canary-1234"', '["canary-1234"]', '{"alice": ""}', '{"alice": 7}'])
def test_a_bad_secret_is_refused_without_its_value(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_SENDER_TOKENS", text)
    with pytest.raises(ImproperlyConfigured, match=r"^RUNTIME_SENDER_TOKENS: ") as refused:
        env.env_json("RUNTIME_SENDER_TOKENS", env.tokens_by_participant)
    assert "canary" not in str(refused.value)
    # It should hide behind no chained exception either.
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_a_bad_entry_of_a_secret_list_is_refused_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_API_KEYS", "canary-1234")
    with pytest.raises(ImproperlyConfigured) as refused:
        env.env_list("AUTH_API_KEYS", env.whole_seconds)
    assert str(refused.value) == "AUTH_API_KEYS: must be whole numbers of seconds"


def test_prices_are_pairs_of_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_PRICES", '{"gpt": [1, 2.5]}')
    assert env.env_json("LLM_PRICES", env.prices_by_model) == {"gpt": (1.0, 2.5)}
    monkeypatch.setenv("LLM_PRICES", '{"gpt": [1, -1]}')
    with pytest.raises(ImproperlyConfigured, match="pairs"):
        env.env_json("LLM_PRICES", env.prices_by_model)


def test_the_environment_wins_over_the_dotenv_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PORT", "4001")
    for name in ("HOST", "LOG_LEVEL", "PGBIN"):
        monkeypatch.setenv(name, "gone after the test")
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_text(
        "# a comment\n\nPORT=4000\nexport HOST = 0.0.0.0  # all\nLOG_LEVEL='debug'\nPGBIN=\"/opt/pg #1/bin\"\n"
    )

    env.load_dotenv(tmp_path / ".env")

    assert env.env_int("PORT") == 4001
    assert env.env_str("HOST") == "0.0.0.0"
    assert env.env_str("LOG_LEVEL") == "debug"
    assert env.env_str("PGBIN") == "/opt/pg #1/bin"


def test_a_dotenv_line_that_is_no_assignment_is_refused_without_its_text(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=1\ncanary\n")
    with pytest.raises(ImproperlyConfigured, match=r"^\.env: line 2 is not NAME=value$"):
        env.load_dotenv(tmp_path / ".env")


def test_no_dotenv_file_is_no_error(tmp_path: Path) -> None:
    env.load_dotenv(tmp_path / ".env")


def test_a_variable_counts_as_set_only_if_it_differs_from_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_ENABLED", raising=False)
    assert not env.is_set("OTEL_ENABLED")
    monkeypatch.setenv("OTEL_ENABLED", "false")
    assert not env.is_set("OTEL_ENABLED")
    monkeypatch.setenv("OTEL_ENABLED", "true")
    assert env.is_set("OTEL_ENABLED")
