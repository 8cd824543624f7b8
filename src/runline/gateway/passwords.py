"""Passwords: Argon2id in a process of its own, with a bounded queue, so that signing in never holds up the engine.

Parameters: 19 MiB, 2 passes, 1 lane (OWASP Password Storage Cheat Sheet).
"""

from collections.abc import Callable, Hashable
from typing import TypeVar

import argon2

from runline.domain.messages import Rejected
from runline.engine.ids import Entropy
from runline.engine.ports import Workers
from runline.gateway.limits import (
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    PASSWORDS_OF_ONE_MAX,
    PASSWORDS_WAITING_MAX,
    WORKER_SILENT_S_MAX,
)
from runline.helpers import HelperEnded
from runline.sharing.fair import FairQueue, Member

V = TypeVar("V")

SALT_BYTES = 16

HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

NOBODYS_HASH = "$argon2id$v=19$m=19456,t=2,p=1$fj9rXrVZjMy8O2m292ASng$GL2xpQpliyVDIFDt2zZ/8dzM2Q5CKhScLaJF4RwBZUE"
"""What an unknown user's password is compared with, so that it takes as long as a known one's."""


def hash_password(password: str, salt: bytes) -> str:
    """The digest of a password."""
    return HASHER.hash(password, salt=salt)


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


class Passwords:
    """Hashes and checks passwords, in turns that are shared out. group, member: for whom, for turns go round: an address and the
    user that is tried there.

    All raise Rejected `busy`, and `unavailable` if the worker has died or hangs.
    """

    def __init__(self, workers: Workers, entropy: Entropy) -> None:
        self.entropy = entropy
        self.queue = FairQueue(1, PASSWORDS_WAITING_MAX, PASSWORDS_OF_ONE_MAX)
        self.worker = workers(1, silent_s_max=WORKER_SILENT_S_MAX)

    async def hash(self, password: str, group: Hashable = "", member: Hashable = "") -> str:
        """The digest of a new password, for whoever is known. Raises Rejected `password_invalid`."""
        path, salt = (group, member), self.entropy(SALT_BYTES)
        return await self.call(path, hash_password, require_password(password), salt, apart=True)

    async def check(
        self, digest: str, password: str, group: Hashable = "", member: Hashable = "", *, known: bool = False
    ) -> bool:
        """Whether a password has this digest. known: somebody was right from there before."""
        if len(password) > PASSWORD_LENGTH_MAX:
            return False
        path = (group, member)
        return await self.call(path, check_password, digest or NOBODYS_HASH, password, apart=known)

    async def call(self, path: Member, function: Callable[..., V], *args: object, apart: bool) -> V:
        """Have the worker call a function. path: for whom. apart: in the line of the known."""
        async with self.queue.turn(path, apart=apart):
            try:
                return await self.worker.call(function, *args)
            except HelperEnded:
                raise Rejected("unavailable", "The worker process has ended. Try again.") from None

    def close(self) -> None:
        """End the worker."""
        self.worker.close()
