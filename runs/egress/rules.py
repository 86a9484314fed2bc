"""Rules: what this deployment lets out, from its settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address, ip_network

from django.conf import settings
from django.http.request import validate_host

from runs.egress.addresses import Address, Network, carried_by, fault_of
from runs.egress.target import HTTP, Target, target_of
from runs.errors import AddressRefused

LOWEST_FREE_PORT = 1024
WEB_PORTS = (80, 443)

BAD_PORT = f"must use port 80, 443 or one from {LOWEST_FREE_PORT} to 65535"
NO_HTTP = "must be https: plain http is not allowed here"
OUR_OWN = "must not be an address of Signalbox itself"
METADATA = "must not be the name of a metadata service"

_LOOPBACK = IPv4Address("127.0.0.1")
_LOOPBACK_NAMES = ("localhost", ".localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
_METADATA_NAMES = ("metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal")


def check_url(url: str) -> None:
    """`url` may be stored. Raises AddressRefused, whose message says what is allowed. Asks no name server."""
    Rules.configured().target(url)


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be reached. `named` networks are open; `own_names` are ours, and so is `own_port` at `own_addresses`."""

    allow_http: bool
    named: tuple[Network, ...]
    own_names: tuple[str, ...]
    own_addresses: tuple[Address, ...]
    own_port: int

    @classmethod
    def configured(cls) -> "Rules":
        """The rules of the settings as they are now."""
        # A lone * says nothing of who we are. Behind an address other ports are other services; behind a name a proxy is.
        hosts = [host.strip("[]") for host in settings.ALLOWED_HOSTS if host != "*"]
        addresses = {host: address for host in (*hosts, settings.HOST) if (address := _address(host)) is not None}
        return cls(
            allow_http=settings.WEBHOOK_ALLOW_HTTP,
            named=tuple(ip_network(network) for network in settings.WEBHOOK_ALLOWED_NETWORKS),
            own_names=tuple(host for host in hosts if host not in addresses and not _is_one_of(host, _LOOPBACK_NAMES)),
            own_addresses=tuple(addresses.values()),
            own_port=settings.PORT,
        )

    def target(self, url: str) -> Target:
        """Where `url` leads, as far as can be told without resolving its name. Raises AddressRefused."""
        target = target_of(url)
        if target.scheme == HTTP and not self.allow_http:
            raise AddressRefused(NO_HTTP)
        if target.port not in WEB_PORTS and not LOWEST_FREE_PORT <= target.port <= 65535:
            raise AddressRefused(BAD_PORT)
        if target.address is not None:
            self.refuse(target.address, target.port)
        elif _is_one_of(target.host, _METADATA_NAMES):
            raise AddressRefused(METADATA)
        elif _is_one_of(target.host, _LOOPBACK_NAMES):
            self.refuse(_LOOPBACK, target.port)
        elif _is_one_of(target.host, self.own_names):
            raise AddressRefused(OUR_OWN)
        return target

    def refuse(self, address: Address, port: int) -> None:
        """`address` may be connected to. Raises AddressRefused."""
        fault = fault_of(address, named=self.named)
        if fault is not None:
            raise AddressRefused(fault)
        if port == self.own_port and any(self._is_own(one) for one in (address, *carried_by(address))):
            raise AddressRefused(OUR_OWN)

    def _is_own(self, address: Address) -> bool:
        return address.is_loopback or address in self.own_addresses


def _is_one_of(host: str, names: Sequence[str]) -> bool:
    return validate_host(host, names)


def _address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
