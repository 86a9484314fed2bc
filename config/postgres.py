"""Which PostgreSQL is meant."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class ExternalDatabase:
    """A server somebody else runs."""

    url: str


@dataclass(frozen=True, slots=True)
class EmbeddedDatabase:
    """A server of our own, with its data in `directory`."""

    directory: Path


def parse_database_url(url: str, *, base_dir: Path) -> ExternalDatabase | EmbeddedDatabase:
    """The database `url` means."""
    scheme = urlsplit(url).scheme
    if scheme in {"postgres", "postgresql"}:
        return ExternalDatabase(url)
    if scheme in {"", "file"}:
        return EmbeddedDatabase(base_dir / "postgres" if not url else Path(urlsplit(url).path))
    raise ImproperlyConfigured("DATABASE_URL: must be postgres://..., file:DIR or a path")


def django_database(target: ExternalDatabase | EmbeddedDatabase) -> dict[str, object]:
    """ENGINE, NAME, HOST, PORT, USER and PASSWORD for Django."""
    engine: dict[str, object] = {"ENGINE": "django.db.backends.postgresql"}
    if isinstance(target, EmbeddedDatabase):
        return engine | {"NAME": "signalbox", "HOST": "", "PORT": "", "USER": "", "PASSWORD": ""}
    parts = urlsplit(target.url)
    return engine | {
        "NAME": unquote(parts.path.lstrip("/")),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
    }
