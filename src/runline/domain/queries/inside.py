"""Inside: what only Runline itself asks of whoever owns a stream. None of it has a door of its own.

Rule: what is asked in a session is answered for whoever's it is; the others are asked for nobody, to let somebody in.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from runline.domain.access import User
from runline.domain.house import House
from runline.domain.messages import Rejected, declares, lacking
from runline.domain.permissions import Permission
from runline.domain.queries.process import ConditionRow
from runline.domain.state import State

Read = Callable[[Any, Any, User | None, str, int], Any]


class Inside(msgspec.Struct, frozen=True):
    """A question of Runline's own.

    read: (state, asked, user, session, now_ns) -> answer. signed: whether it is asked in a session; else there is no user.
    """

    name: str
    asked: type
    answer: type
    signed: bool
    read: Read


def inside(name: str, *, asked: type, answer: type, signed: bool = False) -> Callable[[Read], Read]:
    """Declare a question."""

    def declare(read: Read) -> Read:
        return declares("reads", Inside(name, asked, answer, signed, read))(read)

    return declare


class Nothing(msgspec.Struct, frozen=True):
    """Nothing more is asked for."""


class Standing(msgspec.Struct, frozen=True):
    """How somebody stands who is signed in.

    player: their account, or "". permissions: what their role holds. present: whether their commands are taken without giving the
    password again.
    """

    user: str
    node: str
    player: str
    permissions: tuple[str, ...]
    present: bool

    def require_presence(self) -> None:
        """Refuse what is done at a screen at which nobody has done anything for a while. Raises Rejected `password_needed`."""
        if not self.present:
            raise Rejected("password_needed", "Nobody has used this screen for a while. Give your password to go on.")

    def require(self, permission: Permission) -> None:
        """Refuse who does not hold a permission. Raises Rejected `not_permitted`."""
        if permission.value not in self.permissions:
            raise lacking(permission)


@inside("standing", asked=Nothing, answer=Standing, signed=True)
def standing(state: State, asked: Nothing, user: User | None, session: str, now_ns: int) -> Standing:
    """How whoever asks stands."""
    assert user is not None
    held = state.access.held_by(user)
    permissions = tuple(permission.value for permission in Permission if permission.value in held)
    present = now_ns < state.sessions.by_name[session].idle_until_ns
    return Standing(user.name, user.node, user.player, permissions, present)


class CredentialAsked(msgspec.Struct, frozen=True):
    """user: whose."""

    user: str


class Known(msgspec.Struct, frozen=True):
    """What is known of somebody who has a password: its digest, the position at which it was set, the devices.

    active: whether they may act; if not, they may not sign in.
    """

    digest: str = ""
    seq: int = 0
    devices: tuple[str, ...] = ()
    active: bool = False


@inside("credential", asked=CredentialAsked, answer=Known)
def credential(state: State, asked: CredentialAsked, user: User | None, session: str, now_ns: int) -> Known:
    """What is known of a user; nothing of one who has no password."""
    held = state.credentials.by_user.get(asked.user)
    known = state.access.users.get(asked.user)
    if held is None or known is None:
        return Known()
    return Known(held.password_hash, held.password_seq, held.devices, known.active)


class OwnerAsked(msgspec.Struct, frozen=True):
    """book: its id."""

    book: str


class Owner(msgspec.Struct, frozen=True):
    """A book's first owner."""

    user: str


@inside("first_owner", asked=OwnerAsked, answer=Owner)
def first_owner(house: House, asked: OwnerAsked, user: User | None, session: str, now_ns: int) -> Owner:
    """The owner whom the house names. Raises Rejected `unknown_book`."""
    listing = house.books.by_name.get(asked.book)
    if listing is None:
        raise Rejected("unknown_book", "There is no such book.", book=asked.book)
    return Owner(listing.owner)


class OpenBooks(msgspec.Struct, frozen=True):
    """How many books the house serves."""

    count: int


@inside("books_open", asked=Nothing, answer=OpenBooks)
def books_open(house: House, asked: Nothing, user: User | None, session: str, now_ns: int) -> OpenBooks:
    """How many books there are."""
    return OpenBooks(len(house.books.by_name))


class Readiness(msgspec.Struct, frozen=True):
    """Whether commands of a stream, or of every stream, can be recorded now. failing: the parts that are not well."""

    ready: bool
    failing: tuple[str, ...]


class Vitals(msgspec.Struct, frozen=True):
    """How the process that owns a stream is, as the people of the stream may be told.

    recoveries: streams that were read again. slow: what the house knows to be slow. accepted, refused, logged: commands and
    events since the start, of all streams.
    """

    recoveries: int
    slow: tuple[str, ...]
    conditions: tuple[ConditionRow, ...]
    accepted: int
    refused: int
    logged: int


class Try(msgspec.Struct, frozen=True):
    """A password that is being checked. place, user: digests of from where, and for which user. strange: whether the user has not
    signed in from there before. signed: whether it is given within a session, which is the place."""

    place: bytes
    user: bytes
    strange: bool = False
    signed: bool = False


class Begun(msgspec.Struct, frozen=True):
    """A try has begun. failures: wrong passwords that are counted by now, this one included."""

    failures: int


class Tried(msgspec.Struct, frozen=True):
    """A try is no wrong password: it was right, or it could not be checked."""

    tried: Try
    right: bool


TRY = "try"
"""Asked of the process that owns a stream: a `Try` is counted, and answered with a `Begun`."""

TRIED = "tried"
"""Said to the process that owns a stream: what became of a try (`Tried`), unless the password was wrong."""

READY = "ready"
"""Asked of a process about one stream, or about all that it owns: it is answered (with a `Readiness`) whatever is not well."""

VITALS = "vitals"
"""Asked for a stream of the process that owns it: it is answered (with `Vitals`) whatever is not well."""

MEASURES = "measures"
"""Asked of a process: it is answered (with the engine's `Measures`) whatever is not well."""

PROOF = "proof"
"""Asked of the process that owns a stream: how far it is (`Proof`). It is not answered where another has claimed the stream."""

COPY = "copy"
"""Asked of a process that is to own a stream: up to which position it has a copy. It is not answered where the stream could not
yet go on."""
