"""A nursery: helpers are forked from a process that has imported what they need, where a test does not mind how they start.

A helper that is started as a program imports for a fifth of a second what it needs to work for a millisecond, and there are a
thousand of them in these tests. In all else they are as they are: processes of their own with a pipe, whose parent is whoever
has asked for them, and who ends when that does. Linux alone can do this; elsewhere they are started as programs.
"""

import array
import ctypes
import fcntl
import gc
import importlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

PR_SET_CHILD_SUBREAPER = 36
ORDER_BYTES_MAX = 65_536
FDS_MAX = 16
ABOVE = 500
"""Descriptors from here on are nobody's: what a helper gets is kept there until it has the numbers that it was promised."""

IMPORTED = (
    "runline.gateway.passwords",
    "runline.helpers",
    "runline.reads.history",
    "runline.store.committer",
    "runline.store.postgres_history",
    "runline.store.postgres_target",
    "runline.store.sqlite_history",
)


class Nursery:
    """The process that helpers are forked from, seen from a test's; in place of the module `subprocess` of `runline.helpers`."""

    DEVNULL = subprocess.DEVNULL
    TimeoutExpired = subprocess.TimeoutExpired

    def __init__(self) -> None:
        # What is left behind by a process that has ended comes to us, and so does a helper, which its first parent leaves behind.
        adopt = ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        if adopt != 0:
            raise OSError(ctypes.get_errno(), "a process cannot adopt others here")
        self.line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.child = subprocess.Popen(
                [sys.executable, "-P", "-m", "tests.doubles.nursery", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )

    def Popen(self, command: Sequence[str], *, pass_fds: Sequence[int], **_: Any) -> "subprocess.Popen[bytes]":  # noqa: N802
        """A helper. command: as it would be started as a program."""
        return Born(command, pass_fds=pass_fds, nursery=self)

    def bear(self, module: str, words: Sequence[str], keep: Sequence[int]) -> int:
        """Have a helper forked; returns its number. keep: the descriptors that it gets."""
        fds = array.array("i", [1, 2, *keep])
        order = pickle.dumps((module, words, Path.cwd(), list(fds)))
        self.line.sendmsg([order], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        return int(self.line.recv(ORDER_BYTES_MAX))

    def close(self) -> None:
        """End it."""
        self.line.close()
        self.child.kill()
        self.child.wait()


class Born(subprocess.Popen[bytes]):
    """A helper that was forked by a nursery, in the hands of its parent."""

    def __init__(self, command: Sequence[str], *, pass_fds: Sequence[int], nursery: Nursery) -> None:
        self.nursery = nursery
        super().__init__(command, pass_fds=pass_fds)

    def _execute_child(self, command: list[str], _a: Any, _b: Any, _c: Any, pass_fds: Any, *_: Any) -> None:
        place = command.index("-m")
        self.pid = self.nursery.bear(command[place + 1], command[place + 2 :], sorted(pass_fds))
        self._child_created = True


@contextmanager
def nursery() -> Iterator[Nursery | None]:
    """A nursery, where there can be one."""
    if sys.platform != "linux":
        yield None
        return
    one = Nursery()
    try:
        yield one
    finally:
        one.close()


# The nursery's side


def main(number: str) -> None:
    """Fork a helper for each order, until the line ends."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(one, signal.SIG_IGN)
    for module in IMPORTED:
        importlib.import_module(module)
    gc.freeze()
    line = socket.socket(fileno=fcntl.fcntl(int(number), fcntl.F_DUPFD_CLOEXEC, ABOVE))
    os.close(int(number))
    while True:
        order, given, _, _ = line.recvmsg(ORDER_BYTES_MAX, socket.CMSG_SPACE(FDS_MAX * 4))
        if not order:
            return
        fds = array.array("i")
        for _, _, data in given:
            fds.frombytes(data)
        line.send(str(forked(order, fds, line)).encode())
        for fd in fds:
            os.close(fd)


def forked(order: bytes, fds: Sequence[int], line: socket.socket) -> int:
    """Fork a helper and leave it behind, for the parent of this process to adopt; returns its number."""
    (told, tell), (gone, go) = os.pipe(), os.pipe()
    between = os.fork()
    if between == 0:
        helper = os.fork()
        if helper == 0:
            # When nobody can write any more who it is left by is gone, and a helper may look who its parent is.
            for one in (told, tell, go, line.detach()):
                os.close(one)
            os.read(gone, 1)
            os.close(gone)
            module, words, folder, numbers = pickle.loads(order)
            become(module, words, folder, dict(zip(numbers, fds, strict=True)))
        os.write(tell, helper.to_bytes(4, "little"))
        os._exit(0)
    number = int.from_bytes(os.read(told, 4), "little")
    os.waitpid(between, 0)
    for one in (told, tell, gone, go):
        os.close(one)
    return number


def become(module: str, words: Sequence[str], folder: Path, fds: Mapping[int, int]) -> NoReturn:
    """Be a helper, to the end. fds: which of ours is to have which number."""
    status = 1
    try:
        aside = {number: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, ABOVE) for number, fd in fds.items()}
        for fd in fds.values():
            os.close(fd)
        for number, fd in aside.items():
            os.dup2(fd, number)
            os.close(fd)
        os.chdir(folder)
        importlib.import_module(module).main(*words)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
