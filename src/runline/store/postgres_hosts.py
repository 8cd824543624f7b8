"""Hosts: where an address of PostgreSQL leads to, and what must hold beyond this machine.

Rule: what is judged here is where the driver is sent: to each host by its name and its port, and nowhere else.
"""

import os
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from runline.engine.ports import StoreError

LOOPBACK = ("", "localhost", "127.0.0.1", "::1")


class Host(NamedTuple):
    """A host, or the folder of a socket; "" where the driver's own default is meant. port: 0 for the default."""

    name: str
    port: int = 0

    def __str__(self) -> str:
        return f"{self.name}:{self.port}" if self.port and not self.name.startswith("/") else self.name

    @property
    def is_beyond(self) -> bool:
        """Whether it is another machine."""
        return self.name not in LOOPBACK and not self.name.startswith("/")


def hosts_of(url: str) -> list[Host]:
    """The hosts that an address names, or else the environment. Raises ValueError."""
    parts = urlsplit(url)
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    ports = (asked.get("port") or os.environ.get("PGPORT", "")).split(",")
    if "host" in asked:
        named = asked["host"].split(",")
    else:
        # Each with its port, where it has one.
        named = unquote(parts.netloc.rpartition("@")[2] or os.environ.get("PGHOST", "")).split(",")
    if len(ports) not in (1, len(named)):
        raise ValueError(f"it has {len(named)} hosts and {len(ports)} ports")
    ports = ports * len(named) if len(ports) == 1 else ports
    return [host_of(name, port) for name, port in zip(named, ports, strict=True)]


def host_of(text: str, port: str) -> Host:
    """A host as it is written. port: of one that is written without. Raises ValueError."""
    name = text
    if not text.startswith("/"):
        if text.startswith("["):
            name, closed, own = text[1:].partition("]")
            if not closed:
                raise ValueError("it has a bracket that is not closed")
            own = own.removeprefix(":")
        else:
            # More than one colon is an address of IPv6 without its brackets.
            name, _, own = text.partition(":") if text.count(":") == 1 else (text, "", "")
        port = own or port
    if port and not (port.isdecimal() and int(port) <= 65_535):
        # It may be a piece of a password.
        raise ValueError(
            "what stands there as a port is none (a password is written with %2F for /, %3F for ?, %23 for #)"
        )
    return Host(name, int(port or 0))


def require_private(url: str) -> None:
    """Raise StoreError `unreadable` for an address at which passwords and wagers would go over a network that others can read."""
    try:
        asked = {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}
        beyond = [one for one in hosts_of(url) if one.is_beyond]
    except ValueError as error:
        raise StoreError("unreadable", f"The address of the database cannot be read: {error}.") from error
    if "service" in asked or "PGSERVICE" in os.environ:
        raise StoreError(
            "unreadable", "A service is named for the database. Remedy: name its host in the address itself."
        )
    if beyond and asked.get("sslmode", os.environ.get("PGSSLMODE")) != "verify-full":
        raise StoreError(
            "unreadable",
            f"The database at {beyond[0].name} is beyond this machine, and nothing proves that it is the one that is meant. "
            "Remedy: add sslmode=verify-full (and sslrootcert=FILE) to its address, and have the server speak TLS.",
        )
