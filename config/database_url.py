"""DATABASE_URL: the one place that says which PostgreSQL is meant."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

DEFAULT_DIRECTORY = "postgres"
ADDRESS_FILE = "postgres.json"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_FORMS = "postgres://user:password@host:5432/name, file:DIR, file:///DIR or a path"


@dataclass(frozen=True, slots=True)
class ExternalDatabase:
    """A PostgreSQL that somebody else runs; `options` are libpq's own (`sslmode` ...)."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    name: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EmbeddedDatabase:
    """A PostgreSQL that Signalbox runs itself, with everything it owns below one folder."""

    directory: Path

    @property
    def address_file(self) -> Path:
        """Where the server's owner writes how to reach it."""
        return self.directory / ADDRESS_FILE


def parse_database_url(url: str, *, base_dir: Path) -> ExternalDatabase | EmbeddedDatabase:
    """The database a URL names; an empty one means the folder `postgres` below `base_dir`.

    Raises ImproperlyConfigured for anything but postgres://, file: and paths; its text never holds the password.
    """
    url = url.strip()
    if not url:
        return EmbeddedDatabase(base_dir.absolute() / DEFAULT_DIRECTORY)
    scheme = _SCHEME.match(url)
    match scheme.group(1).lower() if scheme else "":
        case "postgres" | "postgresql":
            return _external("postgresql" + url[url.index(":") :])
        case "file":
            return EmbeddedDatabase(_folder(_file_path(url)))
        case "":
            return EmbeddedDatabase(_folder(url))
        case other:
            raise ImproperlyConfigured(f"DATABASE_URL: {other}: is not supported; use {_FORMS}")


def django_database(target: ExternalDatabase | EmbeddedDatabase) -> dict[str, object]:
    """The entry for Django's DATABASES.

    For an embedded server that never ran the entry leads nowhere, and connecting says how to start one.
    """
    if isinstance(target, ExternalDatabase):
        return {
            "ENGINE": "config.pooled_database",
            "HOST": target.host,
            "PORT": str(target.port),
            "USER": target.user,
            "PASSWORD": target.password,
            "NAME": target.name,
            "OPTIONS": dict(target.options),
        }
    # Nothing listens on port 1; an empty host would quietly reach whatever server the machine has.
    address = read_address(target) or {"host": "127.0.0.1", "port": 1, "user": "signalbox", "name": "signalbox"}
    return {
        "ENGINE": "config.embedded_database",
        "HOST": str(address["host"]),
        "PORT": str(address["port"]),
        "USER": str(address["user"]),
        "PASSWORD": str(address.get("password", "")),
        "NAME": str(address["name"]),
        "OPTIONS": {},
    }


def read_address(target: EmbeddedDatabase) -> dict[str, object] | None:
    """What the owner wrote into DIR/postgres.json; None when no server ever ran in this folder."""
    try:
        address = json.loads(target.address_file.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as fault:
        raise ImproperlyConfigured(f"{target.address_file} cannot be read: {fault}") from fault
    if not isinstance(address, dict) or not {"host", "port", "user", "name"} <= address.keys():
        raise ImproperlyConfigured(f"{target.address_file} holds no database address")
    return address


def _external(url: str) -> ExternalDatabase:
    try:
        parts = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    except psycopg.Error:
        # libpq quotes the faulty piece, and that piece may be the password.
        raise ImproperlyConfigured("DATABASE_URL: not a valid postgres:// address; the form is " + _FORMS) from None
    host, port, name = parts.pop("host", ""), parts.pop("port", "") or "5432", parts.pop("dbname", "")
    if not host or not name:
        raise ImproperlyConfigured("DATABASE_URL: a postgres:// address must name a host and a database")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ImproperlyConfigured("DATABASE_URL: the port must be a number from 1 to 65535")
    user, password = parts.pop("user", ""), parts.pop("password", "")
    return ExternalDatabase(host, int(port), user, password, name, parts)


def _file_path(url: str) -> str:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise ImproperlyConfigured("DATABASE_URL: file: names a folder of this machine; write file:DIR or file:///DIR")
    return unquote(parts.path)


def _folder(path: str) -> Path:
    if not path or "\0" in path:
        raise ImproperlyConfigured(f"DATABASE_URL: names no folder; use {_FORMS}")
    return Path(path).expanduser().absolute()
