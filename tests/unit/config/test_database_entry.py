"""An entry of DATABASES is made of an address and of how this process talks to it."""

from pathlib import Path

from config.database import connection_settings, database_entry
from config.postgres import django_database, parse_database_url


def test_the_options_of_the_url_survive_beside_ours() -> None:
    address = django_database(parse_database_url("postgres://u:p@h/d?sslmode=require", base_dir=Path()))
    connection = connection_settings("web", pool_max=7, pool_timeout_ms=5000, statement_timeout_ms=15000)
    options = database_entry(address, connection)["OPTIONS"]
    assert isinstance(options, dict)
    assert options["sslmode"] == "require"
    assert options["pool"]["max_size"] == 7
    assert "statement_timeout=15000" in options["options"]
