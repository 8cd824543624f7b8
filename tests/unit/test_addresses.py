"""Whose connection it is: nobody's word is taken but that of the proxies that are named."""

import pytest

from runline.gateway.addresses import Addresses, is_loopback, network_of

PROXY = "10.0.0.1"


def client(*values, peer=PROXY, header="x-forwarded-for", proxies=("10.0.0.0/8", "fd00::/8")):
    addresses = Addresses(proxies, header=header)
    headers = [(header.encode(), value.encode()) for value in values]
    return addresses.client(peer, headers) if addresses.trusts(peer) else peer


def test_by_default_no_proxy_is_believed():
    assert not Addresses().trusts("127.0.0.1")
    assert client("1.2.3.4", proxies=()) == PROXY


def test_whoever_is_no_proxy_is_not_believed():
    assert client("1.2.3.4", peer="8.8.8.8") == "8.8.8.8"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("1.2.3.4",), "1.2.3.4"),
        (("6.6.6.6, 1.2.3.4",), "1.2.3.4"),
        (("6.6.6.6", "1.2.3.4"), "1.2.3.4"),
        (("6.6.6.6, 1.2.3.4, 10.0.0.7",), "1.2.3.4"),
        (("1.2.3.4:5678",), "1.2.3.4"),
        (("[2001:db8::1]:443",), "2001:db8::1"),
        (("2001:db8::1, fd00::2",), "2001:db8::1"),
        (("::ffff:1.2.3.4",), "1.2.3.4"),
        (("unknown",), PROXY),
        (("6.6.6.6, unknown",), PROXY),
        (("6.6.6.6, unknown, 10.0.0.7",), "10.0.0.7"),
        (("10.0.0.8, 10.0.0.7",), "10.0.0.8"),
        (("",), PROXY),
        ((), PROXY),
    ],
)
def test_the_last_address_that_is_no_proxy_counts(values, expected):
    assert client(*values) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("for=1.2.3.4;proto=https", "1.2.3.4"),
        ('for=6.6.6.6, for="[2001:db8::1]:4711";by=10.0.0.1', "2001:db8::1"),
        ("For=1.2.3.4, for=10.0.0.9", "1.2.3.4"),
        ("for=_hidden", PROXY),
        ("proto=https", PROXY),
    ],
)
def test_forwarded_is_read_where_the_settings_say_so(value, expected):
    assert client(value, header="forwarded") == expected


def test_only_the_header_that_the_proxies_write_is_read():
    addresses = Addresses(("10.0.0.0/8",))
    assert addresses.client(PROXY, [(b"forwarded", b"for=6.6.6.6"), (b"x-forwarded-for", b"1.2.3.4")]) == "1.2.3.4"
    assert addresses.client(PROXY, [(b"forwarded", b"for=6.6.6.6")]) == PROXY


def test_an_ipv6_address_counts_by_its_network():
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::4") != network_of("2001:db8:1:2::4")
    assert network_of("::ffff:1.2.3.4") == "1.2.3.4"
    assert network_of("fe80::1%eth0") == "fe80::/64"


def test_exempt_networks_are_not_counted():
    addresses = Addresses((), ("192.0.2.0/24",))
    assert addresses.counted("192.0.2.9") == ""
    assert addresses.counted("127.0.0.1") == "127.0.0.1"
    assert Addresses().counted("127.0.0.1") == Addresses().counted("::1") == ""


def test_what_only_this_machine_can_reach_is_told_apart():
    assert [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "::", "book.example")] == (
        [True] * 3 + [False] * 3
    )
