"""Bodies: what is sent to the routes that are no command's, and what is answered by them."""

from typing import Any

import msgspec

from runline.domain.preview import Moves
from runline.domain.sessions import SessionKind


class CommandAnswer(msgspec.Struct):
    """An executed command.

    position: of its stream after it. events: what happened, each with its `type`.
    repeated: this id was executed before; nothing was changed now.
    preview: true where it was only decided; `moves` then says what would have moved.
    """

    position: int
    events: list[dict[str, Any]]
    repeated: bool = False
    preview: bool = False
    moves: Moves = msgspec.field(default_factory=Moves)


class SignInBody(msgspec.Struct, forbid_unknown_fields=True):
    """Who signs in, and with what.

    stream: a book's id, or house. kind: `screen` (also sets the cookie) or `program`.
    device: of the last answer to a sign-in, so that guesses of others do not delay this one.
    """

    stream: str
    user: str
    password: str
    kind: SessionKind = "program"
    device: str = ""


class SignedInAnswer(msgspec.Struct):
    """A session that has begun.

    token: to be sent as `Authorization: Bearer …`. device: to be sent with the next sign-in. Both are "" for a screen, whose
    cookies hold them.
    """

    stream: str
    user: str
    token: str
    device: str


class ConfirmBody(msgspec.Struct, forbid_unknown_fields=True):
    """One's own password."""

    password: str


class ChangePasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    """One's own password: the old one and the new one."""

    old: str
    new: str


class SetPasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    """The password of somebody of one's subtree."""

    user: str
    password: str


class OwnersPasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    """The first password of a new book's owner."""

    book: str
    password: str


class Done(msgspec.Struct):
    """It is done."""

    done: bool = True


class Living(msgspec.Struct):
    """This process answers.

    live: that it does.
    """

    live: bool = True


class Alive(msgspec.Struct, omit_defaults=True):
    """Whether commands of every stream, or of the one that is asked about, can be recorded now.

    ready: whether they can. failing: the parts that are not well (the query `conditions` says more); `owner`: whoever owns them
    does not answer; `house`: a book hears too little of the house to take wagers.
    """

    ready: bool
    failing: tuple[str, ...] = ()


class Now(msgspec.Struct):
    """The time.

    now_ns: by this server's clock, by which commands' ids are judged.
    """

    now_ns: int
