"""The client's network: what wrong passwords are counted by."""

import pytest

from runline.gateway.web import client_address


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("a socket", "a socket"),
    ],
)
def test_an_address_counts_by_itself_or_by_its_first_64_bits(host, network):
    assert client_address({"client": (host, 1)}) == network


def test_a_client_without_an_address_counts_as_one():
    assert client_address({"client": None}) == client_address({}) == ""
