import pytest
from hypothesis import given as example
from hypothesis import strategies as st

from config.database import database_entry, session_timeout_ms, unset_statement_timeout_ms

IDLE = "idle_in_transaction_session_timeout"


def settings_of(process: str, *, lease_s: int = 30, **given: str) -> dict[str, object]:
    address = {"HOST": "db.example", "OPTIONS": given}
    return database_entry(
        address, process=process, pool_max=20, pool_timeout_ms=2500, statement_timeout_ms=15_000, lease_s=lease_s
    )


def options_of(process: str, lease_s: int = 30, **given: str) -> dict[str, object]:
    options = settings_of(process, lease_s=lease_s, **given)["OPTIONS"]
    assert isinstance(options, dict)
    return options


def test_the_web_process_pools_and_lets_go_of_connections_after_each_request() -> None:
    assert options_of("web")["pool"] == {"min_size": 1, "max_size": 20, "timeout": 2.5}
    assert settings_of("web")["CONN_MAX_AGE"] == 0


@pytest.mark.parametrize("process", ["queue", "observer", "supervisor", "migrate", "test"])
def test_nobody_else_pools(process: str) -> None:
    assert "pool" not in options_of(process)


def test_an_observer_keeps_its_connections_and_the_others_for_a_minute() -> None:
    assert settings_of("observer")["CONN_MAX_AGE"] is None
    assert settings_of("queue")["CONN_MAX_AGE"] == 60


@pytest.mark.parametrize("process", ["web", "observer", "queue"])
def test_every_session_is_bounded_and_named(process: str) -> None:
    options = options_of(process)
    assert options["application_name"] == f"signalbox-{process}"
    assert options["keepalives"] == 1
    assert options["options"] == (
        "-c statement_timeout=15000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=8000"
    )


def test_a_silent_client_is_cut_off_before_its_lease_is_over() -> None:
    options = settings_of("observer", lease_s=3)["OPTIONS"]
    assert isinstance(options, dict)
    assert str(options["options"]).endswith("-c idle_in_transaction_session_timeout=2000")


def test_a_long_name_is_cut_where_postgresql_would_cut_it() -> None:
    assert len(str(options_of("x" * 100)["application_name"])) == 63


def test_what_the_address_asks_for_stays() -> None:
    options = options_of("web", sslmode="verify-full", connect_timeout="2", options="-c lock_timeout=9000")
    assert settings_of("web")["HOST"] == "db.example"
    assert (options["sslmode"], options["connect_timeout"], options["keepalives"]) == ("verify-full", "2", 1)
    # It should come after ours: of two equal session options PostgreSQL takes the last.
    assert str(options["options"]).endswith("-c idle_in_transaction_session_timeout=8000 -c lock_timeout=9000")


@example(st.integers(1, 3_600))
def test_no_session_is_silent_in_a_transaction_or_busy_for_as_long_as_a_lease(lease_s: int) -> None:
    opened_with = str(options_of("observer", lease_s)["options"])
    assert 0 < session_timeout_ms(IDLE, opened_with) < lease_s * 1000
    assert session_timeout_ms(IDLE, opened_with) <= 8_000
    assert 0 < unset_statement_timeout_ms(15_000, lease_s=lease_s) < lease_s * 1000


@pytest.mark.parametrize(
    ("options", "milliseconds"),
    [
        ("", 0),
        (f"-c {IDLE}=8000", 8_000),
        (f"-c{IDLE}=8s", 8_000),
        (f"--{IDLE}=2min", 120_000),
        (f"-c {IDLE}=8000 -c {IDLE}=1h", 3_600_000),  # PostgreSQL takes the last
        (f"-c {IDLE}=8000 -c {IDLE}=0", 0),
        ("-c statement_timeout=9", 0),
    ],
)
def test_a_timeout_is_read_as_postgresql_reads_it(options: str, milliseconds: int) -> None:
    assert session_timeout_ms(IDLE, options) == milliseconds
