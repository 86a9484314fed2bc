"""Which addresses nothing may be sent to.

A table of our own beside `ipaddress.is_global`, which takes several of these classes for public and changes between
versions of Python. An IPv6 address that carries IPv4 addresses is judged by what it carries: that is where it leads.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_Class = tuple[str, tuple[Network, ...]]


def _class(name: str, *networks: str) -> _Class:
    return name, tuple(ip_network(network) for network in networks)


# Metadata services hand out credentials to whoever asks, so they stay shut whatever the operator opens.
_NEVER = (
    _class("an unspecified address", "0.0.0.0/8", "::/128"),
    _class("a link-local or metadata address", "169.254.0.0/16", "fe80::/10"),
    _class(
        "a metadata address",
        "100.100.100.200/32",  # Alibaba
        "168.63.129.16/32",  # Azure; public by its number
        "192.0.0.192/32",  # Oracle
        "fd00:ec2::254/128",  # Amazon
        "fd00:ec2::23/128",  # Amazon, credentials of containers
        "fd20:ce::254/128",  # Google
        "fd00:42::42/128",  # Scaleway
    ),
    _class("a multicast address", "224.0.0.0/4", "ff00::/8"),
    _class("a reserved address", "240.0.0.0/4"),  # broadcast is one of them
)

_UNLESS_NAMED = (
    _class("a loopback address", "127.0.0.0/8", "::1/128"),
    _class("a private address", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),
    _class("a carrier-grade NAT address", "100.64.0.0/10"),
    _class(
        "an address for special purposes",
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # relays of 6to4
        "198.18.0.0/15",  # benchmarking
        "192.0.2.0/24",  # documentation, also the next four
        "198.51.100.0/24",
        "203.0.113.0/24",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",  # segment routing
    ),
)

_UNICAST = IPv6Network("2000::/3")  # what is allocated to the Internet; all else leads nowhere, or somewhere odd
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")

# Where in such an address its IPv4 address stands, in bits from the right; Teredo's client address is stored inverted.
_CARRIERS = (
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (IPv6Network("::/96"), 0),  # IPv4-compatible
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (IPv6Network("2002::/16"), 80),  # 6to4
    (IPv6Network("2001::/32"), 64),  # Teredo: its server
)
_TEREDO = IPv6Network("2001::/32")
_NOWHERE = IPv4Address(0)


def fault_of(address: Address, *, named: Sequence[Network] = ()) -> str | None:
    """Why nothing may be sent to `address`, None if it may be. `named` networks are open, but for what never is."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return "must not name a zone"
    never = _fault(address, _NEVER)
    if never is not None:
        return never
    if any(address in network for network in named):
        # One that carries others is a mere wrapping: naming it says nothing of where it leads.
        return _fault_of_carried(address, named)
    special = _fault(address, _UNLESS_NAMED)
    if special is not None:
        return special
    if carried_by(address):
        return _fault_of_carried(address, named)
    return None if _is_public(address) else "must be a public address"


def carried_by(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that an IPv6 address carries: where a translator or tunnel would send to."""
    if isinstance(address, IPv4Address) or address == IPv6Address("::1"):
        return ()
    if address in _LOCAL_NAT64:
        return _carried_by_local_nat64(int(address))
    carried = tuple(_bits(int(address), right) for network, right in _CARRIERS if address in network)
    return (*carried, _bits(~int(address), 0)) if address in _TEREDO else carried


def _fault_of_carried(address: Address, named: Sequence[Network]) -> str | None:
    faults = (fault_of(inner, named=named) for inner in carried_by(address))
    return next((fault for fault in faults if fault is not None), None)


def _carried_by_local_nat64(number: int) -> tuple[IPv4Address, ...]:
    # Its operator decides on the length of the prefix, so both places count; the one that is not used is empty.
    split = _bits((number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF, 0)
    return tuple(inner for inner in (split, _bits(number, 0)) if inner != _NOWHERE) or (_NOWHERE,)


def _bits(number: int, right: int) -> IPv4Address:
    return IPv4Address(number >> right & 0xFFFFFFFF)


def _fault(address: Address, classes: Sequence[_Class]) -> str | None:
    for name, networks in classes:
        if any(address in network for network in networks):
            return f"must not be {name}"
    return None


def _is_public(address: Address) -> bool:
    return address.is_global and (isinstance(address, IPv4Address) or address in _UNICAST)
