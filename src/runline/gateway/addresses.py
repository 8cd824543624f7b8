"""Addresses: whose connection or request it is, by the client's address.

Rule: nobody's word is taken but that of the proxies that the settings name. Of a chain of addresses the last one counts that is
not such a proxy's. An IPv6 address counts by its /64: that is what a customer of a network gets, and they have all of it.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
ProxyHeader = Literal["x-forwarded-for", "forwarded"]

IPV6_PREFIX = 64

LOOPBACK = ("127.0.0.0/8", "::1/128")


def parse_address(text: str) -> Address | None:
    """An address as it stands in a header (with a port or in brackets perhaps); None if it is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def chain_of(header: ProxyHeader, value: str) -> list[str]:
    """The addresses that a header names, the nearest last."""
    parts = value.split(",")
    if header == "x-forwarded-for":
        return parts
    found: list[str] = []
    for part in parts:
        pairs = (pair.strip().partition("=") for pair in part.split(";"))
        found.append(next((text for name, _, text in pairs if name.lower() == "for"), ""))
    return found


class Addresses:
    """Who is believed, and who is counted.

    proxies: networks of trusted proxies. exempt: networks whose addresses have no bound of their own. header: the one that the
    proxies write; any other is the client's own word.

    Raises ValueError if one of them is no network.
    """

    def __init__(
        self,
        proxies: Iterable[str] = (),
        exempt: Iterable[str] = LOOPBACK,
        header: ProxyHeader = "x-forwarded-for",
    ) -> None:
        self.proxies = [ip_network(one) for one in proxies]
        self.exempt = [ip_network(one) for one in exempt]
        self.header = header

    def trusts(self, peer: str) -> bool:
        """Whether this is a trusted proxy."""
        address = parse_address(peer) if self.proxies else None
        return address is not None and any(address in network for network in self.proxies)

    def client(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The client's address, as the trusted proxy `peer` says."""
        wanted = self.header.encode()
        value = ",".join(value.decode("latin-1") for name, value in headers if name == wanted)
        client = peer
        for text in reversed(chain_of(self.header, value)):
            address = parse_address(text)
            if address is None:
                break
            client = str(address)
            if not any(address in network for network in self.proxies):
                break
        return client

    def counted(self, address: str) -> str:
        """Under which name an address's connections are counted; "" if they are not."""
        parsed = parse_address(address)
        if parsed is None or any(parsed in network for network in self.exempt):
            return ""
        return network_of(address)


def is_loopback(host: str) -> bool:
    """Whether only this machine can come to this host name or address."""
    address = parse_address(host)
    return host == "localhost" if address is None else address.is_loopback


def network_of(address: str) -> str:
    """What stands for whoever is at this address: an IPv4 address itself, an IPv6 address's /64."""
    parsed = parse_address(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, IPV6_PREFIX), strict=False))
    return str(parsed or address)
