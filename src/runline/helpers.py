"""Helpers: programs of their own that work for a server on other cores, and end with it however it ends.

Rule: a helper is started as a program, never by importing the program that started it, and has one pipe to its parent. The
pipe's end is the helper's end; where the system can, it is also told to kill the helper as soon as the parent is gone (a helper
that is stopped or busy reads no pipe). Signals that end a server do not reach its helpers: the server says when they end.
"""

import asyncio
import ctypes
import logging
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

log = logging.getLogger("runline.helpers")

V = TypeVar("V")

LENGTH = struct.Struct("<I")

END_S = 10.0
"""How long a helper may take to end once its line is cut; then it is killed."""

LOOKS = 5
"""How often a helper that owes an answer is looked at within its bound. It is the looks that count, not the time: if this loop
stood still, the answer may be there and nobody has read it."""

REPLY_BYTES_MAX = 2**30
"""What a helper may say at a time: a page of history, an image of a check, and far more."""

PR_SET_PDEATHSIG = 1


class HelperEnded(Exception):
    """The helper is gone, or was never there: whether it has done what it was last told is not known."""


def framed(message: bytes) -> bytes:
    """A message as it goes down the pipe."""
    return LENGTH.pack(len(message)) + message


class Pipe(asyncio.Protocol):
    """The parent's end of the pipe: replies come in the order of the orders. bytes_max: how long one may be."""

    def __init__(self, bytes_max: int = REPLY_BYTES_MAX) -> None:
        self.bytes_max = bytes_max
        self.received = bytearray()
        self.waiting: deque[asyncio.Future[bytes]] = deque()
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.received += data
        while len(self.received) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self.received)
            if length > self.bytes_max:
                log.error("a helper says %s bytes at once, which is too much, and is heard no more", length)
                self.received.clear()
                if self.transport is not None:
                    self.transport.abort()
                return
            end = LENGTH.size + length
            if len(self.received) < end:
                return
            reply = bytes(self.received[LENGTH.size : end])
            del self.received[:end]
            # Whoever says something unasked may say it when nobody waits for it.
            waiting = self.waiting.popleft() if self.waiting else None
            if waiting is not None and not waiting.done():
                waiting.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        while self.waiting:
            waiting = self.waiting.popleft()
            if not waiting.done():
                waiting.set_exception(HelperEnded())


class Helper:
    """A helper, seen from its parent."""

    def __init__(self, child: subprocess.Popen[bytes], pipe: Pipe) -> None:
        self.child = child
        self.pipe = pipe

    @classmethod
    async def start(
        cls,
        module: str,
        *words: str,
        keep: Sequence[int] = (),
        hides: tuple[str, ...] = (),
        bytes_max: int = REPLY_BYTES_MAX,
    ) -> "Helper":
        """Start a module as a helper.

        keep: descriptors that it gets as well. hides: how variables of the environment begin that it does not get. bytes_max: how
        long what it says may be. It finds its modules where its parent finds them, and nothing in the folder in which the parent
        happens to stand. Ctrl-C is for its parent alone.
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith(hides)}
        ours, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            # Starting it blocks the loop for some milliseconds, once.
            child = subprocess.Popen(  # noqa: ASYNC220
                [sys.executable, "-P", "-m", module, str(number), str(os.getpid()), *words],
                pass_fds=[number, *keep],
                stdin=subprocess.DEVNULL,
                env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                process_group=0,
            )
        ours.setblocking(False)
        pipe = Pipe(bytes_max)
        helper = cls(child, pipe)
        try:
            await asyncio.get_running_loop().create_connection(lambda: pipe, sock=ours)
        except BaseException:
            ours.close()
            helper.kill()
            raise
        return helper

    @property
    def lives(self) -> bool:
        """Whether its pipe still stands."""
        return self.pipe.transport is not None

    def send(self, order: bytes) -> asyncio.Future[bytes]:
        """Send an order; the future has its reply, or HelperEnded."""
        if self.pipe.transport is None:
            reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            reply.set_exception(HelperEnded())
            return reply
        reply = self.expect()
        self.pipe.transport.write(framed(order))
        return reply

    def expect(self) -> asyncio.Future[bytes]:
        """What it says next without being told anything."""
        said: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.pipe.waiting.append(said)
        return said

    def cut(self) -> None:
        """Cut the pipe: it ends when it hears that. Whoever waits for it is told at once."""
        if self.pipe.transport is not None:
            self.pipe.transport.abort()
            self.pipe.transport = None

    async def end(self) -> None:
        """Cut the pipe and see it end."""
        self.cut()
        try:
            await asyncio.to_thread(self.child.wait, END_S)
        except subprocess.TimeoutExpired:
            log.error("the helper %s does not end and is killed", self.child.pid)
            self.child.kill()
            with suppress(subprocess.TimeoutExpired):
                # What hangs in the kernel ends when that lets it go; nobody waits for it.
                await asyncio.to_thread(self.child.wait, END_S)

    def stop(self) -> None:
        """Kill it, for it does not listen; `end` sees it end."""
        self.cut()
        self.child.kill()

    def kill(self) -> None:
        """End it at once, where nothing can be waited for."""
        self.stop()
        self.child.wait()


# The helper's side


def begin(number: str, parent: str) -> socket.socket:
    """What every helper does first. Returns its end of the pipe."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(one, signal.SIG_IGN)
    end_with_parent()
    if os.getppid() != int(parent):
        os._exit(0)
    return socket.socket(fileno=int(number))


def end_with_parent() -> None:
    """Ask the system to kill this process when its parent ends, where there is such a thing (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def receive(pipe: socket.socket) -> bytes | None:
    """The next message, or None at the pipe's end."""
    header = receive_exactly(pipe, LENGTH.size)
    return receive_exactly(pipe, LENGTH.unpack(header)[0]) if header else None


def receive_exactly(pipe: socket.socket, size: int) -> bytes | None:
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        try:
            count = pipe.recv_into(view)
        except ConnectionResetError:
            return None
        if not count:
            return None
        view = view[count:]
    return bytes(buffer)


# A helper that calls functions


class Callers:
    """Some helpers that call functions; a call goes to one that has the least to do."""

    def __init__(
        self,
        processes: int,
        prepare: Callable[..., Any] | None = None,
        *args: object,
        silent_s_max: float | None = None,
    ) -> None:
        self.helpers = [CallingHelper(prepare, *args, silent_s_max=silent_s_max) for _ in range(processes)]

    async def call(self, function: Callable[..., V], *args: object) -> V:
        """Have one of them call a function. Raises as CallingHelper does."""
        return await min(self.helpers, key=lambda helper: helper.calls).call(function, *args)

    def close(self) -> None:
        """End them all."""
        for helper in self.helpers:
            helper.close()


class CallingHelper:
    """A process that calls the functions of modules, one after the other. prepare, args: called once as it starts.
    silent_s_max: how long a call may take before the process is taken for hung, and is ended; without one it may take for ever.
    """

    def __init__(
        self, prepare: Callable[..., Any] | None = None, *args: object, silent_s_max: float | None = None
    ) -> None:
        self.silent_s_max = silent_s_max
        self.prepare = prepare
        self.args = args
        self.calls = 0
        self.closed = False
        self.helper: Helper | None = None
        self.starting: asyncio.Task[Helper] | None = None

    async def call(self, function: Callable[..., V], *args: object) -> V:
        """Have it call a function; it is started if it does not run.

        Raises what the function raises, and HelperEnded.
        """
        self.calls += 1
        try:
            helper = self.helper
            if helper is None or not helper.lives:
                helper = await self.started()
            done, value = await self.answer(helper, function, args)
        finally:
            self.calls -= 1
        if not done:
            raise value
        return value  # type: ignore[no-any-return]

    async def answer(self, helper: Helper, function: Callable[..., Any], args: tuple[object, ...]) -> tuple[bool, Any]:
        """What a helper says to a call: (whether it was done, what it returned or raised).

        Raises HelperEnded, also for a helper that does not answer.
        """
        reply = helper.send(pickle.dumps((function, args)))
        if self.silent_s_max is None:
            return pickle.loads(await reply)  # type: ignore[no-any-return]
        try:
            for _ in range(LOOKS):
                if (await asyncio.wait({reply}, timeout=self.silent_s_max / LOOKS))[0]:
                    return pickle.loads(reply.result())  # type: ignore[no-any-return]
        finally:
            reply.cancel()
        log.error("the helper %s has not answered for %g s and is replaced", helper.child.pid, self.silent_s_max)
        helper.stop()
        raise HelperEnded

    async def started(self) -> Helper:
        """The helper, once it has been started by whoever was the first to need it."""
        if self.closed:
            raise HelperEnded
        starting = self.starting
        if starting is None:
            starting = self.starting = asyncio.create_task(self.start())
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            if starting.cancelled():
                raise HelperEnded from None
            raise

    async def start(self) -> Helper:
        try:
            before, self.helper = self.helper, None
            if before is not None:
                await before.end()
            helper = await Helper.start("runline.helpers")
            try:
                if self.prepare is not None:
                    done, value = await self.answer(helper, self.prepare, self.args)
                    if not done:
                        raise value
            except BaseException:
                helper.kill()
                raise
            self.helper = helper
            return helper
        finally:
            self.starting = None

    def close(self) -> None:
        """End the process, whatever it does. Nothing is called any more."""
        self.closed = True
        if self.starting is not None:
            self.starting.cancel()
        if self.helper is not None:
            self.helper.kill()
            self.helper = None


def serve(pipe: socket.socket) -> None:
    """Call what comes down the pipe, until it ends."""
    while (message := receive(pipe)) is not None:
        answer: tuple[bool, Any]
        try:
            function, args = pickle.loads(message)
            answer = True, function(*args)
        except Exception as error:
            answer = False, error
        pipe.sendall(framed(pickled(answer)))


def pickled(answer: tuple[bool, Any]) -> bytes:
    """An answer as it goes down the pipe; what its parent could not unpickle is told in words."""
    try:
        reply = pickle.dumps(answer)
        if not answer[0]:
            pickle.loads(reply)
        return reply
    except Exception as error:
        return pickle.dumps((False, RuntimeError(f"{answer[1]!r} cannot be sent back: {error}")))


def main(number: str, parent: str) -> None:
    """The helper as a program."""
    with begin(number, parent) as pipe, suppress(BrokenPipeError, ConnectionResetError):
        serve(pipe)


if __name__ == "__main__":
    main(*sys.argv[1:])
