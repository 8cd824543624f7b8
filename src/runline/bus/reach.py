"""Reach: how processes reach each other: on one machine by a socket in the file system, between machines by TLS.

Rule: who may enter a socket's folder is this user alone. Between machines each end shows a certificate of the same authority, and
whoever connects sees that it is the other's for its name. Both prove the secret beside that (`wire`). What does not come to stand
is tried again, and why is said in the log, though not each time.
"""

import asyncio
import logging
import os
import socket
import ssl
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import msgspec

from runline.bus.gateway import GatewayEnd
from runline.bus.limits import (
    AGAIN_PAUSE_S,
    ARRIVALS_MAX,
    ARRIVALS_OF_ONE_MAX,
    COMPLAINTS_MAX,
    COMPLAINTS_S,
    CONNECT_S_MAX,
    REACH_PAUSE_S_MAX,
    SHAKE_S_MAX,
    SOCKET_PATH_BYTES_MAX,
)
from runline.bus.link import Connect

log = logging.getLogger("runline.bus")

UNIX = "unix:"


class ReachError(OSError):
    """Somebody cannot be reached, or nobody here. The message is for people."""


class Tls(msgspec.Struct, frozen=True):
    """What an end shows and demands, as PEM files. certificate: with those between it and the authority's; for servers and
    clients. key: of it. authority: whose certificates the other end may show."""

    certificate: Path
    key: Path
    authority: Path


def is_near(address: str) -> bool:
    """Whether an address is of this machine for sure."""
    return not address or address.startswith(UNIX)


def host_and_port(address: str) -> tuple[str, int]:
    """The parts of an address of the network. Raises ReachError."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise ReachError(f"{address!r} is no address: it is to be unix:/path or host:port.")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine for sure."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_reachable(address: str, tls: Tls | None) -> None:
    """An address is one that links may have. Raises ReachError."""
    if address.startswith(UNIX):
        path = address.removeprefix(UNIX)
        if not path.startswith("/") or len(path.encode()) > SOCKET_PATH_BYTES_MAX:
            raise ReachError(f"{address!r} is to be a whole path of at most {SOCKET_PATH_BYTES_MAX} bytes.")
        return
    host, _ = host_and_port(address)
    if tls is None and not is_loopback(host):
        raise ReachError(f"{address} is no address of this machine, so links to it need TLS: set their certificates.")


class Complaints:
    """What is wrong, said in the log: the same not again for a while."""

    def __init__(self) -> None:
        self.said_s: dict[str, float] = {}

    def say(self, sentence: str) -> None:
        """Complain of something."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self.said_s.get(sentence, -COMPLAINTS_S) < COMPLAINTS_S:
            return
        if len(self.said_s) >= COMPLAINTS_MAX:
            self.said_s.clear()
        self.said_s[sentence] = now_s
        log.warning("%s", sentence)


class Contexts:
    """The files of an end as the library has them: read again whenever they have changed, so that they can be renewed."""

    def __init__(self, tls: Tls, complaints: Complaints, *, listens: bool) -> None:
        self.tls = tls
        self.complaints = complaints
        self.listens = listens
        self.stamps: list[tuple[int, int]] = []
        self.context: ssl.SSLContext | None = None

    def now(self) -> ssl.SSLContext:
        """As they are now; as they were, if they cannot be read now. Raises ReachError."""
        try:
            stamps = [
                (found.st_mtime_ns, found.st_size)
                for found in (path.stat() for path in (self.tls.certificate, self.tls.key, self.tls.authority))
            ]
            if stamps != self.stamps or self.context is None:
                self.context, self.stamps = self.read(), stamps
        except (OSError, ValueError) as error:
            sentence = f"The certificate of links, its key or its authority cannot be read: {error}"
            if self.context is None:
                raise ReachError(sentence) from None
            self.complaints.say(sentence)
        return self.context

    def read(self) -> ssl.SSLContext:
        """Read the files. Raises OSError, ValueError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if self.listens else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.tls.authority)
        context.load_cert_chain(self.tls.certificate, self.tls.key, password=no_password)
        if self.listens:
            # Nobody comes back so often that a shorter way to the next link were worth its bytes.
            context.num_tickets = 0
        return context


def no_password() -> str:
    """A key that needs a password cannot be read: there is nobody to ask. Raises ValueError."""
    raise ValueError("the key is encrypted, and nobody is there to say its password")


def reason_of(error: BaseException) -> str:
    """What went wrong, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"it does not speak TLS as it should: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if isinstance(error, TimeoutError | ConnectionAbortedError):
        return "it does not answer in time"
    if isinstance(error, ConnectionResetError):
        return "the other end has closed the connection"
    return str(error) or type(error).__name__


# Connecting


class Connecting:
    """Connects to an address. pause_s: before the next try, if those before were of no use."""

    def __init__(self, address: str, tls: Tls | None) -> None:
        self.address = address
        self.tls = tls
        self.complaints = Complaints()
        self.contexts = Contexts(tls, self.complaints, listens=False) if tls is not None else None
        self.end: GatewayEnd | None = None
        self.pause_s = 0.0

    async def __call__(self, make: Callable[[], GatewayEnd]) -> None:
        """Connect. Raises OSError."""
        if self.end is not None and self.end.open:
            self.pause_s = 0.0
        elif self.end is not None:
            self.complain("it ends the connection before it is known who is there; its log says why")
        self.end = None
        await asyncio.sleep(self.pause_s)
        try:
            require_reachable(self.address, self.tls)
            async with asyncio.timeout(CONNECT_S_MAX):
                self.end = await self.connect(make)
        except (ConnectionRefusedError, ConnectionResetError, FileNotFoundError):
            # Nobody is there just now.
            raise
        except OSError as error:
            self.complain(reason_of(error))
            raise

    def complain(self, why: str) -> None:
        """Say why no link comes to stand, and let more time pass before the next try."""
        self.complaints.say(f"No link to {self.address} comes to stand: {why}.")
        self.pause_s = min(2 * self.pause_s or AGAIN_PAUSE_S, REACH_PAUSE_S_MAX)

    async def connect(self, make: Callable[[], GatewayEnd]) -> GatewayEnd:
        loop = asyncio.get_running_loop()
        if self.address.startswith(UNIX):
            _, end = await loop.create_unix_connection(make, self.address.removeprefix(UNIX))
            return end
        host, port = host_and_port(self.address)
        if self.contexts is None:
            _, end = await loop.create_connection(make, host, port)
            return end
        _, end = await loop.create_connection(
            make, host, port, ssl=self.contexts.now(), server_hostname=host, ssl_handshake_timeout=SHAKE_S_MAX
        )
        return end


def connect(address: str, tls: Tls | None) -> Connect:
    """What connects to an address. What is wrong with it is raised by that: ReachError."""
    return Connecting(address, tls)


# Listening


class TlsDoor:
    """Where links come in that are encrypted. make: makes the end of each. arriving: those that are not encrypted yet, and from
    where they come.

    Raises ReachError.
    """

    def __init__(self, make: Callable[[], asyncio.Protocol], contexts: Contexts, listening: socket.socket) -> None:
        contexts.now()
        self.make = make
        self.contexts = contexts
        self.listening = listening
        self.arriving: dict[asyncio.Task[None], str] = {}
        self.task = asyncio.create_task(self.let_in())

    async def let_in(self) -> None:
        """Take what comes in."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, whose = await loop.sock_accept(self.listening)
            except OSError as error:
                self.contexts.complaints.say(f"No link can be let in: {reason_of(error)}.")
                await asyncio.sleep(REACH_PAUSE_S_MAX)
                continue
            address = str(whose[0])
            of_one = list(self.arriving.values()).count(address)
            if len(self.arriving) >= ARRIVALS_MAX or of_one >= ARRIVALS_OF_ONE_MAX:
                connection.close()
                continue
            task = loop.create_task(self.encrypt(connection, address))
            self.arriving[task] = address
            task.add_done_callback(self.arriving.pop)

    async def encrypt(self, connection: socket.socket, whose: str) -> None:
        """Let the end have a connection once both know that the other's certificate is good."""
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self.make, connection, ssl=self.contexts.now(), ssl_handshake_timeout=SHAKE_S_MAX
            )
        except OSError as error:
            self.contexts.complaints.say(f"A link from {whose} does not come to stand: {reason_of(error)}.")

    async def close(self) -> None:
        """Let nobody in any more."""
        tasks = [self.task, *self.arriving]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@asynccontextmanager
async def listen(address: str, make: Callable[[], asyncio.Protocol], tls: Tls | None) -> AsyncIterator[None]:
    """Listen for links at an address. make: makes the end of each.

    Raises ReachError.
    """
    require_reachable(address, tls)
    loop = asyncio.get_running_loop()
    path = Path(address.removeprefix(UNIX)) if address.startswith(UNIX) else None
    try:
        listening = socket_in(path) if path is not None else socket_at(*host_and_port(address))
        number = number_of(path)
    except ReachError:
        raise
    except OSError as error:
        raise ReachError(f"Nobody can listen at {address}: {error}") from None
    with listening:
        if tls is not None and path is None:
            door = TlsDoor(make, Contexts(tls, Complaints(), listens=True), listening)
            try:
                yield
            finally:
                await door.close()
            return
        begin = loop.create_server if path is None else loop.create_unix_server
        server = await begin(make, sock=listening)
        try:
            yield
        finally:
            server.close()
            # Somebody may have begun to listen there in our place.
            if path is not None and number_of(path) == number:
                remove(path)


def socket_at(host: str, port: int) -> socket.socket:
    """A socket that listens in the network. Raises OSError."""
    family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listening = socket.socket(family)
    try:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen(ARRIVALS_MAX)
    except OSError:
        listening.close()
        raise
    return listening


def socket_in(path: Path) -> socket.socket:
    """A socket that listens in the file system. Raises OSError, ReachError."""
    make_room(path)
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.setblocking(False)
        listening.bind(str(path))
        path.chmod(0o600)
        listening.listen(ARRIVALS_MAX)
    except OSError:
        listening.close()
        raise
    return listening


def make_room(path: Path) -> None:
    """See that a socket may be made here. Raises OSError, ReachError."""
    folder = path.parent
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise ReachError(
            f"Others may enter {folder}: a socket for links needs a folder of this user alone (mode 0700)."
        )
    if not path.exists():
        return
    if not path.is_socket():
        raise ReachError(f"{path} is there already, and is no socket.")
    with socket.socket(socket.AF_UNIX) as looking:
        looking.settimeout(1.0)
        try:
            looking.connect(str(path))
        except ConnectionRefusedError:
            remove(path)
        else:
            raise ReachError(f"Somebody listens at {path} already.")


def number_of(path: Path | None) -> int:
    """Which file a path names, 0 for none."""
    try:
        return path.stat().st_ino if path is not None else 0
    except FileNotFoundError:
        return 0


def remove(path: Path) -> None:
    """A file is no more."""
    path.unlink(missing_ok=True)
