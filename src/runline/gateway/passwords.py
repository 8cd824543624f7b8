"""Passwords: Argon2id in a process of its own, with a bounded queue, so that signing in never holds up the engine.

Parameters: 19 MiB, 2 passes, 1 lane (OWASP Password Storage Cheat Sheet).
"""

from collections.abc import Callable, Hashable
from typing import TypeVar

import argon2

from runline.domain.messages import Rejected
from runline.gateway.fair import FairQueue, Member
from runline.gateway.limits import (
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    PASSWORDS_OF_ONE_MAX,
    PASSWORDS_WAITING_MAX,
    WORKER_SILENT_S_MAX,
)
from runline.helpers import Callers, HelperEnded

V = TypeVar("V")

HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

NOBODYS_HASH = "$argon2id$v=19$m=19456,t=2,p=1$fj9rXrVZjMy8O2m292ASng$GL2xpQpliyVDIFDt2zZ/8dzM2Q5CKhScLaJF4RwBZUE"
"""What an unknown user's password is compared with, so that it takes as long as a known one's."""


def hash_password(password: str) -> str:
    """The digest of a password."""
    return HASHER.hash(password)


def check_password(digest: str, password: str) -> bool:
    """Whether a password has this digest."""
    try:
        return HASHER.verify(digest, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def require_password(password: str) -> str:
    """A password that may be set, or Rejected `password_invalid`."""
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise Rejected("password_invalid", f"A password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters.")
    return password


class Worker:
    """Processes that do what takes long, in turns that are shared out. waiting_max, of_one_max: calls in line, in all and of one
    member; beyond it the answer is `busy`.
    """

    def __init__(
        self,
        processes: int,
        waiting_max: int,
        of_one_max: int,
        prepare: Callable[..., None] | None = None,
        *args: object,
    ) -> None:
        self.queue = FairQueue(processes, waiting_max, of_one_max)
        self.helpers = Callers(processes, prepare, *args, silent_s_max=WORKER_SILENT_S_MAX)

    async def call(self, path: Member, function: Callable[..., V], *args: object, apart: bool = False) -> V:
        """Have a process call a function. path: for whom, for turns go round. apart: in the line of the known.

        Raises Rejected `busy`, `unavailable` if the process has died or hangs, and what the function raises.
        """
        async with self.queue.turn(path, apart=apart):
            try:
                return await self.helpers.call(function, *args)
            except HelperEnded:
                raise Rejected("unavailable", "The worker process has ended. Try again.") from None

    def close(self) -> None:
        """End the process."""
        self.helpers.close()


class Passwords:
    """Hashes and checks passwords. group, member: for whom, for turns go round: an address and the user that is tried there."""

    def __init__(self) -> None:
        self.worker = Worker(1, PASSWORDS_WAITING_MAX, PASSWORDS_OF_ONE_MAX)

    async def hash(self, password: str, group: Hashable = "", member: Hashable = "") -> str:
        """The digest of a new password, for whoever is known. Raises Rejected `password_invalid`, `busy`."""
        return await self.worker.call((group, member), hash_password, require_password(password), apart=True)

    async def check(
        self, digest: str, password: str, group: Hashable = "", member: Hashable = "", *, known: bool = False
    ) -> bool:
        """Whether a password has this digest. Raises Rejected `busy`."""
        if len(password) > PASSWORD_LENGTH_MAX:
            return False
        path = (group, member)
        return await self.worker.call(path, check_password, digest or NOBODYS_HASH, password, apart=known)

    def close(self) -> None:
        """End the worker."""
        self.worker.close()
