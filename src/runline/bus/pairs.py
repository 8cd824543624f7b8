"""Pairs: connections between a process and its children that have no name in any folder.

Rule: whoever calls makes a pair of sockets, keeps one of them, and hands the other in over a socket that its parent gave it as it
started. Nobody else can call, and nothing is left behind, whichever of the processes ends, and however.
"""

import asyncio
import logging
import socket
from collections.abc import Callable

log = logging.getLogger("runline.bus")


class Desk:
    """Where children hand in their ends. protocol: makes that of each. theirs: the socket that they get as they start."""

    def __init__(self, protocol: Callable[[], asyncio.Protocol]) -> None:
        self.protocol = protocol
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ours.setblocking(False)
        self.theirs.setblocking(False)
        self.opening: set[asyncio.Task[None]] = set()
        asyncio.get_running_loop().add_reader(self.ours, self.take)

    def take(self) -> None:
        """Take in what was handed in."""
        _, numbers, _, _ = socket.recv_fds(self.ours, 1, 1)
        for number in numbers:
            task = asyncio.create_task(self.open(socket.socket(fileno=number)))
            self.opening.add(task)
            task.add_done_callback(self.opening.discard)

    async def open(self, end: socket.socket) -> None:
        end.setblocking(False)
        try:
            await asyncio.get_running_loop().create_connection(self.protocol, sock=end)
        except OSError as error:
            log.warning("a connection that was handed in cannot be used: %s", error)
            end.close()

    def close(self) -> None:
        """Take nothing in any more."""
        asyncio.get_running_loop().remove_reader(self.ours)
        for task in self.opening:
            task.cancel()
        self.ours.close()
        self.theirs.close()


async def call(desk: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
    """Connect to the parent. desk: the socket that it gave. Raises OSError if the parent does not take anything now."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            socket.send_fds(desk, [b"\0"], [theirs.fileno()])
        except BaseException:
            ours.close()
            raise
    ours.setblocking(False)
    await asyncio.get_running_loop().create_connection(protocol, sock=ours)
