"""Handed: the sockets at which HTTP is spoken: made here, or by a service manager that hands them to this process.

Rule: a socket that was handed over outlives this process. Who connects while one process ends and the next begins waits in
front of it, and is not refused; so a process that goes answers whoever is there already, and leaves whoever comes to the next.

The protocol is that of sd_listen_fds(3).
"""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from runline.config import ServerSettings
from runline.gateway.limits import BACKLOG
from runline.gateway.server import AddressInUse, as_wanted, listen, listen_together
from runline.shell import reason_of

FIRST = 3
"""The number of the first one: those before are what every process has."""


class Listening(NamedTuple):
    """The sockets at which HTTP is spoken. stays: whether they outlive this process."""

    sockets: Sequence[socket.socket]
    stays: bool = False


@contextmanager
def listening(settings: ServerSettings) -> Iterator[Listening]:
    """The sockets of a server: those that were handed over, or its own. Raises AddressInUse."""
    with ExitStack() as kept:
        handed = [kept.enter_context(one) for one in handed_over()]
        role, host, port, number = settings.role, settings.host, settings.port, settings.gateways
        if role == "engine":
            if handed:
                raise AddressInUse(
                    "A socket was handed over (LISTEN_FDS), and an engine speaks no HTTP. Remove its unit."
                )
            yield Listening([])
        elif handed:
            if number and len(handed) > number:
                raise AddressInUse(f"{len(handed)} sockets were handed over, more than there are gateways ({number}).")
            yield Listening([handed[index % len(handed)] for index in range(number or len(handed))], stays=True)
        else:
            own = listen_together(host, port, number) if number else [listen(host, port)]
            yield Listening([kept.enter_context(one) for one in own])


def handed_over() -> Iterator[socket.socket]:
    """The sockets that a service manager has handed to this process, and to none that it starts. Raises AddressInUse."""
    environ = os.environ
    process, number = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if process != str(os.getpid()) or not number.isdigit():
        return
    for file in range(FIRST, FIRST + int(number)):
        os.set_inheritable(file, False)
        try:
            found = socket.socket(fileno=file)
        except OSError as error:
            raise AddressInUse(f"What was handed over as file {file} is no socket: {reason_of(error)}.") from None
        with ExitStack() as unless:
            unless.enter_context(found)
            if found.type != socket.SOCK_STREAM or found.family not in (socket.AF_INET, socket.AF_INET6):
                raise AddressInUse(f"What was handed over as file {file} is no socket of TCP.")
            as_wanted(found)
            # As long a line as our own sockets have, whatever was asked for there.
            found.listen(BACKLOG)
            unless.pop_all()
        yield found
