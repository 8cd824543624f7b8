"""Guest: whose a connection is: a stranger's at some address, later a user's; and what of it waits.

Rule: a connection is counted from the moment at which it was accepted, before its first byte.
"""

import asyncio
import socket
import ssl
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from runline.domain.messages import Rejected
from runline.gateway.addresses import Addresses
from runline.gateway.connections import Connections, Holder
from runline.gateway.door import Caller, Door, caller_of
from runline.gateway.limits import HEAD_WAIT_S_MAX
from runline.gateway.pace import Pace
from runline.gateway.site import Headers, Site
from runline.gateway.web import NO_POLICY
from runline.gateway.wire import Wire
from runline.sharing.sharers import Sharer


class Entrance:
    """What all connections of a server share. host_ns: the time, for measuring what they cost. named: how the ids of all its
    requests begin, unlike those of any other server. leaving: whether it stops, and whoever comes is let in by another one."""

    def __init__(
        self,
        door: Door,
        site: Site,
        addresses: Addresses,
        connections: Connections,
        host_ns: Callable[[], int],
        named: str,
    ) -> None:
        self.door = door
        self.site = site
        self.addresses = addresses
        self.connections = connections
        self.pace = Pace()
        self.host_ns = host_ns
        self.named = named
        self.count = 0
        self.leaving = False

    def name_one(self) -> bytes:
        """How the ids of the requests of another connection begin."""
        self.count += 1
        return f"{self.named}-{self.count:x}-".encode()


class Guest(Wire):
    """One connection, as somebody's.

    peer: who has connected, a proxy perhaps. client: the client's address. counted, user: as whose it is counted. token,
    caller: by which it counts as that user's. bearer: the header that says this token. open: whether there is somebody: with TLS
    after the handshake. handshake: the connection below TLS. named: how the ids of its requests begin; messages: how many have
    begun. head: what the head of every answer says here that is no page. named_head: the same, and how a request's id begins.
    """

    def __init__(self, entrance: Entrance, server_state: Any, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.entrance = entrance
        self.door = entrance.door
        self.site = entrance.site
        self.head = self.site.headers + NO_POLICY
        self.named = entrance.name_one()
        self.named_head = b"%bx-request-id: %b" % (self.head, self.named)
        self.messages = 0
        self.server_state = server_state
        self.peer = self.client = self.counted = ""
        self.proxied = False
        self.user: Sharer | None = None
        self.streaming = False
        self.token = ""
        self.bearer = b""
        self.caller: Caller | None = None
        self.open = False
        self.handshake: socket.socket | None = None
        self.held_bytes = 0
        self.held_by: Holder = ""

    def admitted(self, peer: Any) -> bool:
        """Whether there is room for this connection; its time begins. peer: its address, and port."""
        entrance = self.entrance
        self.peer = self.client = peer[0] if peer else ""
        self.proxied = entrance.addresses.trusts(self.peer)
        self.counted = "" if self.proxied else entrance.addresses.counted(self.peer)
        self.server_state.connections.add(self)
        self.wait(HEAD_WAIT_S_MAX)
        return entrance.connections.opens(self.counted, entrance.host_ns()) and entrance.connections.enter(self)

    def shake_hands(self, accepted: socket.socket, tls: ssl.SSLContext) -> None:
        """Begin TLS on a connection that was accepted. It counts from now on; `connection_made` follows."""
        self.handshake = accepted
        if self.admitted(accepted.getpeername()):
            self.keep_task(self.become_secure(accepted, tls))
        else:
            self.connection_lost(None)
            accepted.close()

    async def become_secure(self, accepted: socket.socket, tls: ssl.SSLContext) -> None:
        """Wait for the handshake."""
        try:
            await self.loop.connect_accepted_socket(
                lambda: self, accepted, ssl=tls, ssl_handshake_timeout=HEAD_WAIT_S_MAX
            )
        except OSError:
            self.connection_lost(None)
            accepted.close()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.open = False
        self.server_state.connections.discard(self)
        self.entrance.connections.leave(self)
        self.let_go()

    def cut(self) -> None:
        """End the connection at once."""
        if self.open or self.handshake is None:
            super().cut()
            return
        try:
            self.handshake.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # It has ended already.

    def keep_task(self, work: Any) -> None:
        """A task that the server waits for at its end."""
        task = self.loop.create_task(work)
        self.server_state.tasks.add(task)
        task.add_done_callback(self.server_state.tasks.discard)

    @property
    @abstractmethod
    def waits(self) -> bool:
        """Whether the server waits for its client: to ask, to send the rest, to read the answer."""

    @property
    @abstractmethod
    def streams(self) -> bool:
        """Whether the live stream is on this connection."""

    @abstractmethod
    def close_after(self) -> None:
        """Close the connection once what is being answered is."""

    @abstractmethod
    def read_on(self, exchange: object) -> None:
        """Read on, if it is this request's body that is waited for."""

    @abstractmethod
    def after(self, keep_alive: bool) -> None:
        """An answer is written: the next one, or the end. keep_alive: whether more may be asked here."""

    async def called_by(self, headers: Headers, method: str) -> Caller:
        """Who sends a request. From now on this connection counts as theirs.

        Raises Rejected `not_signed_in`, `cross_site`, `busy`; ConnectionError if the client has gone.
        """
        token = self.site.token_of(headers, method)
        begins_stream = method == "GET" and self.streams and not self.streaming
        if self.caller is not None and self.user is not None and token == self.token and not begins_stream:
            return self.caller
        caller = caller_of(token)
        await self.count_as(caller, token, begins_stream)
        return caller

    async def count_as(self, caller: Caller, token: str, begins_stream: bool) -> None:
        """Count this connection as a user's: whose the session is, says the owner of its stream. While that cannot be said, it
        goes on as it was; what is asked for is judged there all the same.

        Raises Rejected `not_signed_in`, `busy`; ConnectionError if the client has gone.
        """
        try:
            who = await self.door.bus.who(caller.stream, caller.session)
        except Rejected as rejected:
            if rejected.code != "unavailable":
                raise
            return
        if not self.open:
            raise ConnectionError
        known, user = self.user, (who.stream, who.branch, who.user)
        counts = known is not None and (known[0], known[2]) == (who.stream, who.user) and not begins_stream
        if not counts and not self.entrance.connections.sign_in(self, user, begins_stream):
            self.close_after()
            raise Rejected("busy", "This user has too many connections. Try again in a moment.")
        self.token, self.caller = token, caller
        self.bearer = b"Bearer " + token.encode("latin-1")

    def is_theirs(self, headers: Headers) -> bool:
        """Whether a command comes from whom this connection counts as."""
        if headers.get(b"authorization") == self.bearer:
            return True
        try:
            return self.site.token_of(headers, "POST") == self.token
        except Rejected:
            return False

    # Bodies that wait

    def hold(self, count: int) -> None:
        """Count bytes that wait. Raises Rejected `busy`."""
        holder = self.user or self.counted
        if holder != self.held_by:
            count += self.held_bytes
            self.let_go()
        if not self.entrance.connections.hold(holder, count):
            raise Rejected("busy", "Too many bytes of bodies wait. Try again in a moment.")
        self.held_by = holder
        self.held_bytes += count

    def let_go(self) -> None:
        """Nothing waits here any more."""
        if self.held_bytes:
            self.entrance.connections.let_go(self.held_by, self.held_bytes)
            self.held_bytes = 0
