"""Namespaces of the network, as if each process had a machine of its own: what one sends another can be lost, in one
direction."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

BRIDGE = "runline-tests"
NETWORK = "10.213.97"
NOBODY = "02:00:00:00:00:fe"
"""A station that there is not: what is sent to it is lost."""


def ip(*words: str) -> None:
    """Have the system do it. Raises CalledProcessError."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Machines:
    """Them. addresses: by name."""

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}

    def add(self, name: str) -> None:
        """One more."""
        number = len(self.addresses) + 1
        self.addresses[name] = f"{NETWORK}.{number}"
        own, here = self.of(name), f"rlt{number}"
        ip("netns", "add", own)
        ip("link", "add", here, "type", "veth", "peer", "name", "eth0", "netns", own)
        ip("link", "set", here, "master", BRIDGE, "up")
        ip("-n", own, "link", "set", "lo", "up")
        ip("-n", own, "addr", "add", f"{self.addresses[name]}/24", "dev", "eth0")
        ip("-n", own, "link", "set", "eth0", "up")

    def of(self, name: str) -> str:
        """The namespace of a machine."""
        return f"runline-test-{name}"

    def cut(self, one: str, other: str) -> None:
        """From now on nothing arrives at the other that the one sends."""
        ip(
            "-n",
            self.of(one),
            "neigh",
            "replace",
            self.addresses[other],
            "lladdr",
            NOBODY,
            "dev",
            "eth0",
            "nud",
            "permanent",
        )

    def mend(self, one: str, other: str) -> None:
        """It arrives again."""
        ip("-n", self.of(one), "neigh", "del", self.addresses[other], "dev", "eth0")


def are_to_be_had() -> bool:
    """Whether this machine lets us have them."""
    with suppress(OSError, subprocess.CalledProcessError):
        with machines() as found:
            found.add("looking")
        return True
    return False


@contextmanager
def machines() -> Iterator[Machines]:
    """Machines that are gone at the end. This process reaches all of them."""
    found = Machines()
    ip("link", "add", BRIDGE, "type", "bridge")
    try:
        ip("addr", "add", f"{NETWORK}.254/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        yield found
    finally:
        for number, name in enumerate(found.addresses, 1):
            # Whatever runs there still would keep it.
            with suppress(subprocess.CalledProcessError):
                ip("link", "del", f"rlt{number}")
            with suppress(subprocess.CalledProcessError):
                ip("netns", "del", found.of(name))
        ip("link", "del", BRIDGE)
