"""Keeping: the sign-ins of whoever works at this machine, in a file that only they can read.

Rule: a password is never kept; a token is, until its session ends. The one that was used to sign in last comes first.
"""

import os
import secrets
from pathlib import Path

import msgspec

from runline.shell import UnusableError, reason_of

FILE = "sign-ins.json"


class SignIn(msgspec.Struct, frozen=True):
    """A sign-in. book: the book's name, or house. token: of its session, "" once that has ended.

    device: by which the server knows this machine again, so that wrong passwords given elsewhere do not delay the next sign-in.
    """

    server: str
    book: str
    user: str
    token: str = ""
    device: str = ""

    def is_same(self, other: "SignIn") -> bool:
        """Whether it is of the same user at the same place."""
        return (self.server, self.book, self.user) == (other.server, other.book, other.user)


def file_of_sign_ins() -> Path:
    """Where they are kept: in the user's folder of settings."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "runline" / FILE


def kept() -> list[SignIn]:
    """The sign-ins, the last one first. Raises UnusableError."""
    file = file_of_sign_ins()
    try:
        return msgspec.json.decode(file.read_bytes(), type=list[SignIn])
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnusableError(f"the sign-ins cannot be read: {reason_of(error)}") from None
    except msgspec.DecodeError as error:
        raise UnusableError(
            f"the sign-ins in {file} cannot be read: {error}. Remove the file, and sign in again"
        ) from None


def keep(sign_in: SignIn) -> Path:
    """Keep a sign-in as the last one; returns where. Raises UnusableError."""
    found = [sign_in, *(one for one in kept() if not one.is_same(sign_in))]
    return write(found)


def forget(sign_in: SignIn) -> None:
    """Keep nothing of a sign-in but by which the server knows this machine again. Raises UnusableError."""
    ended = msgspec.structs.replace(sign_in, token="")
    write([ended if one.is_same(sign_in) else one for one in kept()])


def write(sign_ins: list[SignIn]) -> Path:
    """Write the file in one piece, readable and writable by its owner only. Raises UnusableError."""
    file = file_of_sign_ins()
    draft = file.with_name(f"{FILE}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
            written.write(msgspec.json.format(msgspec.json.encode(sign_ins), indent=2) + b"\n")
        draft.replace(file)
    except OSError as error:
        raise UnusableError(f"the sign-in cannot be kept: {reason_of(error)}") from None
    return file
