"""The mail server that EMAIL_URL names."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """What Django's mail needs to know. `smtp+tls` begins in the clear and must then be encrypted (STARTTLS)."""

    host: str
    port: int
    user: str
    password: str
    scheme: str


def mail_server(url: str) -> MailServer:
    """The server of the URL; without one it is on this machine."""
    parts = urlsplit(url or "smtp://localhost")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(parts.hostname or "localhost", parts.port or PORTS[parts.scheme], user, password, parts.scheme)
