"""Target: where an outgoing URL leads, read by the one parser that both the check and the request go by."""

import re
import string
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote

import idna

from runs.egress.addresses import Address
from runs.errors import AddressRefused

HTTP, HTTPS = "http", "https"
DEFAULT_PORTS = {HTTP: 80, HTTPS: 443}
LONGEST_HOST = 253

NO_WEB_ADDRESS = "must be an http or https URL with a host and without user info"
BAD_HOST = "must have a host name of letters, digits, hyphens and dots that does not end with a dot"
BAD_IPV4 = "must write an IPv4 address as four decimal numbers"
BAD_IPV6 = "must have an IPv6 address within its brackets"
BAD_CHARACTER = "must not contain blanks, control characters or backslashes"

_URL = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.IGNORECASE | re.ASCII)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]+)(?::([0-9]{1,5}))?", re.ASCII)
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
# Resolvers take what ends in such a word for an IPv4 address: 2130706433, 0x7f.1, 127.1, 0177.0.0.1.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_VISIBLE = string.ascii_letters + string.digits + string.punctuation


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: `host` in ASCII and lower case, without brackets; `address` if the host is one."""

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """Where `url` leads. Raises AddressRefused if it has no form in which a request is sent."""
    if not url.isprintable() or " " in url or "\\" in url:
        raise AddressRefused(BAD_CHARACTER)
    parts = _URL.fullmatch(url)
    authority = _AUTHORITY.fullmatch(parts[2]) if parts and "@" not in parts[2] else None
    if parts is None or authority is None:
        raise AddressRefused(NO_WEB_ADDRESS)
    scheme = parts[1].lower()
    host = _ascii(authority[1])
    address = _address(host)
    return Target(
        scheme=scheme,
        host=_name(host) if address is None else str(address),
        port=int(authority[2] or DEFAULT_PORTS[scheme]),
        path=quote((parts[3] or "/") + (parts[4] or ""), safe=_VISIBLE),
        address=address,
    )


def _ascii(host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        # Whoever resolves would do the same: full-width digits and dots become plain ones, and are looked at as such.
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        raise AddressRefused(BAD_HOST) from None


def _address(host: str) -> Address | None:
    if host.startswith("["):
        return _ipv6(host[1:-1])
    if _NUMBER.fullmatch(host.rpartition(".")[2]) is None:
        return None
    try:
        return IPv4Address(host)
    except AddressValueError:
        raise AddressRefused(BAD_IPV4) from None


def _ipv6(text: str) -> IPv6Address:
    try:
        return IPv6Address(text)
    except AddressValueError:
        raise AddressRefused(BAD_IPV6) from None


def _name(host: str) -> str:
    if len(host) > LONGEST_HOST or _NAME.fullmatch(host) is None:
        raise AddressRefused(BAD_HOST)
    return host
