"""Which addresses are refused: the whole table, at both ends of every range, and whatever carries one of them."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.egress.addresses import carried_by, fault_of

REFUSED = {
    "an unspecified address": ["0.0.0.0/8", "::/128"],
    "a loopback address": ["127.0.0.0/8", "::1/128"],
    "a private address": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"],
    "a link-local or metadata address": ["169.254.0.0/16", "fe80::/10"],
    "a metadata address": ["100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::254/128", "fd20:ce::254/128"],
    "a carrier-grade NAT address": ["100.64.0.0/10"],
    "a multicast address": ["224.0.0.0/4", "ff00::/8"],
    "a reserved address": ["240.0.0.0/4", "255.255.255.255/32"],
    "an address for special purposes": [
        *("192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
        *("2001:db8::/32", "3fff::/20", "5f00::/16"),
    ],
}
NEVER = ["an unspecified address", "a link-local or metadata address", "a metadata address", "a multicast address"]
NEVER += ["a reserved address"]
RANGES = [(name, network) for name, networks in REFUSED.items() for network in networks]
EVERYTHING = [ip_network("0.0.0.0/0"), ip_network("::/0")]

IN_REFUSED_IPV4 = st.one_of(
    st.ip_addresses(v=4, network=network) for _, network in RANGES if ip_network(network).version == 4
)


@pytest.mark.parametrize(("name", "network"), RANGES)
def test_both_ends_of_every_range_are_refused_by_their_name(name: str, network: str) -> None:
    """D01"""
    for address in (ip_network(network)[0], ip_network(network)[-1]):
        assert fault_of(address) == f"must not be {name}"


@pytest.mark.parametrize(("name", "network"), RANGES)
def test_a_range_is_open_once_the_operator_names_it_unless_it_is_never(name: str, network: str) -> None:
    address = ip_network(network)[-1]
    expected = f"must not be {name}" if name in NEVER else None

    assert fault_of(address, named=[ip_network(network)]) == expected
    assert fault_of(address, named=EVERYTHING) == expected


@pytest.mark.parametrize(
    "address",
    ["9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "128.0.0.0", "172.32.0.0", "223.255.255.255"],
)
def test_the_neighbours_of_a_range_are_not_refused(address: str) -> None:
    assert fault_of(ip_address(address)) is None


@pytest.mark.parametrize("address", ["100::1", "2001:2::1", "2001:20::1", "4000::1", "::ffff:0:7f00:1", "64:ff9b:2::1"])
def test_what_is_not_allocated_to_the_internet_is_refused(address: str) -> None:
    assert fault_of(ip_address(address)) == "must be a public address"


def wrappings(inner: IPv4Address) -> list[IPv6Address]:
    """Every IPv6 address that leads to `inner`."""
    number = int(inner)
    return [
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(number),
        IPv6Address(int(IPv6Address("64:ff9b::")) | number),
        IPv6Address(int(IPv6Address("64:ff9b:1::")) | number),
        IPv6Address(int(IPv6Address("64:ff9b:1::")) | (number >> 16) << 64 | (number & 0xFFFF) << 40),
        IPv6Address(0x2002 << 112 | number << 80 | 0xBEEF),
        IPv6Address(0x20010000 << 96 | number << 64 | ~int(IPv4Address("8.8.8.8")) & 0xFFFFFFFF),
        IPv6Address(0x20010000 << 96 | int(IPv4Address("8.8.8.8")) << 64 | ~number & 0xFFFFFFFF),
    ]


@given(inner=IN_REFUSED_IPV4)
def test_whatever_carries_a_refused_address_is_refused(inner: IPv4Address) -> None:
    assert [address for address in wrappings(inner) if fault_of(address) is None] == []


@given(inner=st.ip_addresses(v=4, network="8.0.0.0/8"))
def test_whatever_carries_only_public_addresses_is_open(inner: IPv4Address) -> None:
    for address in wrappings(inner):
        assert inner in carried_by(address)
        assert fault_of(address) is None


def test_naming_a_wrapping_opens_nothing_behind_it() -> None:
    named = [ip_network("64:ff9b::/96"), ip_network("::/0")]

    assert fault_of(ip_address("64:ff9b::a9fe:a9fe"), named=named) == "must not be a link-local or metadata address"
    assert fault_of(ip_address("64:ff9b::a00:1"), named=named) == "must not be a private address"
    assert fault_of(ip_address("64:ff9b::a00:1"), named=[*named, ip_network("10.0.0.0/8")]) is None


def test_an_address_with_a_zone_is_refused_even_if_it_is_public() -> None:
    """W05"""
    assert fault_of(ip_address("2606:4700::1111%eth0")) == "must not name a zone"
