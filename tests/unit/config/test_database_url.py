"""DATABASE_URL is the single selector of the database."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from config.postgres import EmbeddedDatabase, ExternalDatabase, django_database, parse_database_url

HERE = Path("/somewhere")


def test_an_empty_url_means_the_folder_postgres_below_the_data() -> None:
    assert parse_database_url("", base_dir=HERE) == EmbeddedDatabase(HERE / "postgres")


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("file:///var/lib/signalbox", Path("/var/lib/signalbox")),
        ("file://localhost/var/lib/signalbox", Path("/var/lib/signalbox")),
        ("file:/var/lib/signalbox", Path("/var/lib/signalbox")),
        ("file:///a%20b", Path("/a b")),
        ("/a%20b", Path("/a%20b")),
        ("file:here/db", Path.cwd() / "here/db"),
        ("here/db", Path.cwd() / "here/db"),
        ("  here  ", Path.cwd() / "here"),
    ],
)
def test_files_and_bare_paths_are_embedded_databases(url: str, folder: Path) -> None:
    assert parse_database_url(url, base_dir=HERE) == EmbeddedDatabase(folder)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "POSTGRES"])
def test_a_postgres_url_is_an_external_database(scheme: str) -> None:
    url = f"{scheme}://al%40ice:p%40ss%2Fw@db.example:6543/runs%20here?sslmode=require&application_name=x"
    assert parse_database_url(url, base_dir=HERE) == ExternalDatabase(
        "db.example", 6543, "al@ice", "p@ss/w", "runs here", {"sslmode": "require", "application_name": "x"}
    )


def test_the_port_of_an_external_database_may_be_left_out() -> None:
    target = parse_database_url("postgres://db/runs", base_dir=HERE)
    assert isinstance(target, ExternalDatabase)
    assert target.port == 5432


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_any_password_survives_percent_encoding(password: str) -> None:
    target = parse_database_url(f"postgres://u:{quote(password, safe='')}@h/d", base_dir=HERE)
    assert isinstance(target, ExternalDatabase)
    assert target.password == password


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:secret@h/d",
        "sqlite:///x",
        "http://h",
        "postgres://u:secret@h:port/d",
        "postgres://u:secret@h:0/d",
        "postgres://u:secret@h:65536/d",
        "postgres://u:secret%zz@h/d",
        "postgres://u:secret@h",
        "postgres:///d",
        "postgres://u:secret@h/d?nonsense=1",
        "file:",
        "file://elsewhere/dir",
        "a\0b",
    ],
)
def test_anything_else_stops_the_start_and_never_shows_the_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        parse_database_url(url, base_dir=HERE)
    assert "DATABASE_URL" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_password_is_not_in_the_repr_of_a_target() -> None:
    assert "secret" not in repr(parse_database_url("postgres://u:secret@h/d", base_dir=HERE))


def test_django_gets_every_part_of_an_external_database() -> None:
    target = parse_database_url("postgres://u:p@h:1234/d?sslmode=require", base_dir=HERE)
    assert django_database(target) == {
        "ENGINE": "config.pooled_database",
        "HOST": "h",
        "PORT": "1234",
        "USER": "u",
        "PASSWORD": "p",
        "NAME": "d",
        "OPTIONS": {"sslmode": "require"},
    }


def test_django_gets_the_address_the_owner_of_an_embedded_server_wrote(tmp_path: Path) -> None:
    address = {"host": "127.0.0.1", "port": 4321, "user": "u", "password": "p", "name": "n", "pid": 1}
    (tmp_path / "postgres.json").write_text(json.dumps(address))
    entry = django_database(EmbeddedDatabase(tmp_path))
    assert (entry["HOST"], entry["PORT"], entry["USER"], entry["PASSWORD"], entry["NAME"]) == (
        ("127.0.0.1", "4321", "u", "p", "n")
    )


def test_without_a_server_django_is_led_nowhere_rather_than_to_the_server_of_the_machine(tmp_path: Path) -> None:
    entry = django_database(EmbeddedDatabase(tmp_path))
    assert (entry["HOST"], entry["PORT"]) == ("127.0.0.1", "1")


@pytest.mark.parametrize("content", ["", "[]", "{}", "nonsense"])
def test_a_damaged_address_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "postgres.json").write_text(content)
    with pytest.raises(ImproperlyConfigured, match=r"postgres\.json"):
        django_database(EmbeddedDatabase(tmp_path))
