"""Which URLs are refused when they are stored, whatever their spelling (D01, W05); no name server is asked."""

import socket
from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from runs.api.requests import read_execution_request
from runs.egress import check_url
from runs.egress.addresses import fault_of
from runs.egress.target import target_of
from runs.errors import AddressRefused, ValidationFailed
from tests.bodies import changed
from tests.hostile_urls import HARMLESS_URLS, HOSTILE_URLS
from tests.unit.runs.test_egress_addresses import IN_REFUSED_IPV4, wrappings


def is_refused(url: str) -> bool:
    try:
        check_url(url)
    except AddressRefused:
        return True
    return False


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_hostile_url_is_refused_when_it_is_stored(url: str) -> None:
    """D01, W05"""
    with pytest.raises(AddressRefused, match=r"^must "):
        check_url(url)


@pytest.mark.parametrize("url", HARMLESS_URLS)
def test_a_harmless_url_is_not_refused(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://0x7f.1/", "http://user:word@agent.example/", "http://[::1]/"]
)
def test_a_run_with_a_hostile_callback_is_refused_at_the_path_of_its_url(url: str) -> None:
    """D01"""
    with pytest.raises(ValidationFailed) as failed:
        read_execution_request(changed("session.metadata.cancelCallback.url", url))

    (fault,) = failed.value.faults
    assert fault.path == "session.metadata.cancelCallback.url"
    assert "word" not in fault.message.replace("user info", "")


def test_a_url_is_read_once_into_the_parts_that_are_sent() -> None:
    target = target_of("http://BÜCHER。example:8080/ü?ü=%20#fragment")

    assert (target.scheme, target.host, target.port) == ("http", "xn--bcher-kva.example", 8080)
    assert (target.path, target.authority) == ("/%C3%BC?%C3%BC=%20", "xn--bcher-kva.example:8080")
    assert target_of("https://[2606:4700::1111]?x").authority == "[2606:4700::1111]"
    assert target_of("https://[2606:4700::1111]?x").path == "/?x"


def test_plain_http_needs_permission(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_HTTP = False

    assert is_refused("http://agent.example/")
    assert not is_refused("https://agent.example/")


def test_private_targets_are_open_only_where_the_operator_says_so(settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8", "10.1.0.0/16", "169.254.0.0/16"]

    for url in ("http://127.0.0.1/", "http://localhost:9000/", "http://10.1.2.3/", "http://[::ffff:10.1.2.3]/"):
        assert not is_refused(url)
    for url in ("http://[::1]/", "http://10.2.0.1/", "http://169.254.169.254/", "http://127.1/"):
        assert is_refused(url)


def test_our_own_hosts_are_refused(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*", "Signalbox.example", ".wild.example", "localhost", "93.184.215.14", "[2606:4700::1]"]
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8", "::1/128", "10.0.0.0/8"]
    settings.HOST, settings.PORT = "10.0.0.7", 3001

    for url in (
        "https://signalbox.example/runs",
        "https://signalbox.example:8443/",
        "https://any.wild.example/",
        "https://wild.example/",
        "http://127.0.0.1:3001/",
        "http://localhost:3001/",
        "http://[::1]:3001/",
        "http://[::ffff:127.0.0.1]:3001/",
        "http://10.0.0.7:3001/",
        "http://93.184.215.14:3001/",
        "http://[2606:4700::1]:3001/",
    ):
        with pytest.raises(AddressRefused, match="Signalbox itself"):
            check_url(url)
    # It should leave other services on the same machine alone, and other machines on the same port.
    for url in (
        "http://127.0.0.1:9000/",
        "http://localhost:9000/",
        "http://10.0.0.7:9000/",
        "http://10.0.0.8:3001/",
        "https://93.184.215.14/",
        "https://notsignalbox.example/",
    ):
        check_url(url)


@st.composite
def spelled(draw: st.DrawFn) -> str:
    """A refused IPv4 address as somebody would write it who wants to get past."""
    address = draw(IN_REFUSED_IPV4)
    parts = list(address.packed)
    kept = draw(st.integers(1, 4))
    last = int.from_bytes(bytes(parts[kept - 1 :]), "big")
    forms = st.sampled_from(["{}", "0x{:x}", "0X{:X}", "0{:o}", "00{:o}", "0x0{:x}"])
    text = ".".join(draw(forms).format(number) for number in (*parts[: kept - 1], last))
    return disguised(draw, text)


def disguised(draw: st.DrawFn, text: str) -> str:
    """`text` with some of its characters replaced by others that resolvers take for the same."""
    digits = {str(n): (str(n), chr(0xFF10 + n), chr(0x1D7D8 + n)) for n in range(10)}
    same = {**digits, ".": (".", "。", "．", "｡"), "x": ("x", "X", "ｘ"), "X": ("X", "ｘ")}
    plain = draw(st.booleans())
    letters = (c if plain or c not in same else draw(st.sampled_from(same[c])) for c in text)
    return "".join(letters) + draw(st.sampled_from(["", "", "."]))


def as_the_system_reads(host: str) -> str | None:
    """The address that this system makes of `host` without asking anybody, None if it makes none of it."""
    try:
        return str(socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0][4][0])
    except (OSError, UnicodeError):
        return None


@given(
    host=spelled(),
    port=st.sampled_from(["", ":80", ":8080"]),
    rest=st.sampled_from(["", "/", "?x", "#x", "/@agent.example"]),
)
@example(host="0x7f.1", port="", rest="")
def test_no_obfuscation_of_a_refused_address_gets_past(host: str, port: str, rest: str) -> None:
    """D01, W05"""
    assert is_refused(f"http://{host}{port}{rest}"), as_the_system_reads(host)


@given(inner=IN_REFUSED_IPV4, which=st.integers(0, 7), exploded=st.booleans(), upper=st.booleans())
def test_no_wrapping_of_a_refused_address_gets_past(
    inner: IPv4Address, which: int, exploded: bool, upper: bool
) -> None:
    """D01, W05"""
    address = wrappings(inner)[which]
    text = address.exploded if exploded else address.compressed

    assert is_refused(f"https://[{text.upper() if upper else text}]/")


HOST_CHARACTERS = "0123456789abcdefxX.:[]%@-_/\\#?&１．。٣¹\u00ad\u200d"


@given(
    host=st.text(HOST_CHARACTERS, max_size=20)
    | st.from_regex(r"(0x)?[0-9a-f]{1,10}(\.(0x)?[0-9]{1,3}){0,3}\.?", fullmatch=True)
)
def test_what_the_system_reads_as_a_refused_address_is_refused_as_a_url(host: str) -> None:
    """D01: the system's own reading is the judge, not ours."""
    read = as_the_system_reads(host)
    if read is None or fault_of(ip_address(read)) is None:
        return
    assert is_refused(f"http://{host}/")


@given(url=st.text(max_size=60) | st.from_regex(r"https?://[^/]{0,40}(/.*)?", fullmatch=True))
def test_any_text_is_read_or_refused(url: str) -> None:
    if is_refused(url):
        return
    target = target_of(url)
    assert target.host.isascii()
    assert target.path.isascii()
    assert target.path.isprintable()
    assert " " not in target.host + target.path
