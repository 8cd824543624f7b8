"""Sessions: who is signed in, and for how long.

Rule: a session is state of its stream. Whatever ends it (signing out, time, somebody above, a revoked user, another password)
is an event, and bites at that event at every door.

Rule: a screen shows until its session's end. It takes commands only for a while after the last thing that its person did there;
then the next one wants the password again, unless it is urgent. A program's session ends when it is idle.

Rule: a token is kept as a digest only (a password too: see `passwords.py`).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import msgspec

from runline.domain.access import User, require_above, require_room, user_within
from runline.domain.bounds import (
    SESSION_NS_MAX,
    SESSION_NS_MIN,
    SESSIONS_MAX,
    SESSIONS_PER_USER_MAX,
    STEP_NS_MAX,
)
from runline.domain.identifiers import Reason
from runline.domain.messages import Command, Event, Rejected, decides, evolves, fires, grounds
from runline.domain.nodes import ROOT
from runline.domain.ordered import NO_KEYS, Ordered
from runline.domain.passwords import PasswordSet, require_credential
from runline.domain.permissions import Permission
from runline.domain.state import Part, Row, State, at_once, by_pieces
from runline.domain.users import UserRevoked

if TYPE_CHECKING:
    from runline.domain.context import Context

SessionKind = Literal["screen", "program"]
"""screen: a person before a console. program: what calls the API for somebody."""

MINUTE_NS = 60 * 10**9
HOUR_NS = 60 * MINUTE_NS


class SessionLimits(msgspec.Struct, frozen=True):
    """How long a session lasts, in nanoseconds.

    idle_ns: since the last thing done in it. A program's session ends then; a screen's wants the password for the next command.
    whole_ns: at all, since the password was given.
    """

    idle_ns: int
    whole_ns: int


LIMITS: dict[str, SessionLimits] = {
    "screen": SessionLimits(30 * MINUTE_NS, 12 * HOUR_NS),
    "program": SessionLimits(24 * HOUR_NS, 30 * 24 * HOUR_NS),
}
"""Unless the settings say otherwise."""


class Session(Row, table="sessions"):
    """Somebody who is signed in.

    name: 128 bits of the token's SHA-256, in hexadecimal. idle_ns, whole_ns: see `SessionLimits`. idle_until_ns: moved ahead by
    what is done in it. ends_ns: the latest end.
    """

    name: str
    user: str
    kind: str
    started_ns: int
    idle_ns: int
    whole_ns: int
    idle_until_ns: int
    ends_ns: int
    changed_seq: int = 0


class Sessions(Part, named="sessions", streams=("house", "book"), keeps={Session: "by_name"}):
    """The sessions of a stream."""

    __slots__ = ("access", "at_node", "by_name", "of_user", "timers", "tree")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.tree, self.timers, self.access = state.tree, state.timers, state.access
        self.by_name: dict[str, Session] = {}
        self.of_user: dict[str, dict[str, None]] = {}
        self.at_node: dict[str, Ordered[tuple[str, str]]] = {}
        """(user, session) of those who stand at each node."""

    def derive(self) -> None:
        at_once(self.deriving())

    def deriving(self) -> Iterator[None]:
        self.of_user, self.at_node = {}, {}
        for some in by_pieces(sorted(self.by_name.values(), key=lambda session: (session.started_ns, session.name))):
            for session in some:
                self.note(session)
            yield
        for node, found in self.at_node.items():
            self.tree.take_room(node, "sessions", len(found))

    def note(self, session: Session) -> None:
        """Note whose a session is."""
        self.of_user.setdefault(session.user, {})[session.name] = None
        node = self.access.users[session.user].node
        self.at_node.setdefault(node, Ordered()).add((session.user, session.name))

    def standing_at(self, node: str) -> Ordered[tuple[str, str]]:
        """(user, session) of those who stand at a node."""
        return self.at_node.get(node, NO_KEYS)

    def begin(self, session: Session) -> None:
        """Take in a new session."""
        self.by_name[session.name] = self.state.touch(session)
        self.note(session)
        self.tree.take_room(self.access.users[session.user].node, "sessions", 1)
        self.timers.schedule("session", session.name, over_ns(session))

    def follow(self, user: str, before: str, after: str) -> None:
        """Let a user's sessions stand where the user stands now."""
        names = self.of_user.get(user, ())
        for name in names:
            self.at_node[before].discard((user, name))
            self.at_node.setdefault(after, Ordered()).add((user, name))
        if names and not self.at_node[before]:
            del self.at_node[before]
        self.tree.take_room(before, "sessions", -len(names))
        self.tree.take_room(after, "sessions", len(names))

    def end(self, name: str) -> None:
        """Forget a session, if there is one."""
        session = self.by_name.pop(name, None)
        if session is None:
            return
        self.state.drop(session)
        node = self.access.users[session.user].node
        self.tree.take_room(node, "sessions", -1)
        self.timers.unschedule("session", name)
        names = self.of_user[session.user]
        del names[name]
        if not names:
            del self.of_user[session.user]
        self.at_node[node].discard((session.user, name))
        if not self.at_node[node]:
            del self.at_node[node]

    def end_all(self, user: str, but: str = "") -> None:
        """End all sessions of a user, but one."""
        for name in [name for name in self.of_user.get(user, ()) if name != but]:
            self.end(name)


def over_ns(session: Session) -> int:
    """When a session ends if nothing more is done in it."""
    if session.kind == "screen" or session.ends_ns < session.idle_until_ns:
        return session.ends_ns
    return session.idle_until_ns


def used_ns(session: Session) -> int:
    """When a session was known to be in use."""
    return session.idle_until_ns - session.idle_ns


def require_session(state: State, name: str, user: User, at_ns: int) -> Session:
    """The session that a request names, if it is the user's and goes on. One that was used at a later time was so by a wrong
    clock: when it would end is not to be believed.

    Raises Rejected `signed_out`.
    """
    session = state.sessions.by_name.get(name)
    if session is None or session.user != user.name or not used_ns(session) - STEP_NS_MAX <= at_ns < over_ns(session):
        raise Rejected("signed_out", "This session has ended. Sign in again.")
    return session


def require_presence(session: Session, at_ns: int) -> None:
    """Refuse what is done at a screen at which nobody has done anything for a while.

    Raises Rejected `password_needed`.
    """
    if at_ns >= session.idle_until_ns:
        raise Rejected("password_needed", "Nobody has used this screen for a while. Give your password to go on.")


class SignIn(Command, sender="gateway", streams=("house", "book")):
    """Begin a session (the gateway sends it when it has checked the password).

    credential_seq: the position of the credential that was checked. idle_ns, whole_ns: see `SessionLimits`. device: the digest of
    the device.
    """

    user: str
    session: str
    kind: SessionKind
    credential_seq: int
    idle_ns: int
    whole_ns: int
    device: str


class SignedIn(Event):
    """A session has begun."""

    user: str
    session: str
    kind: str
    idle_ns: int
    whole_ns: int
    device: str


class ConfirmSession(Command, sender="gateway", streams=("house", "book")):
    """Whoever sits before a screen has given the password again (the gateway sends it when it has checked it).

    credential_seq: the position of the credential that was checked.
    """

    user: str
    session: str
    credential_seq: int


class SessionConfirmed(Event):
    """A session begins anew: its user has given the password again."""

    session: str
    user: str


class KeepSession(Command, sender="gateway", streams=("house", "book")):
    """Something was done in a session (the gateway sends it now and then)."""

    session: str


class SessionKept(Event):
    """A session was in use."""

    session: str


class SignOut(Command, sender="gateway", streams=("house", "book")):
    """End one's own session (the gateway sends it). cause: wrong_password after too many of them in this session."""

    session: str
    cause: Literal["signed_out", "wrong_password"] = "signed_out"


class EndSession(Command, needs=Permission.ROLES_MANAGE, streams=("house", "book")):
    """End a session of somebody below you, or one of your own, at once."""

    session: str
    reason: Reason


class ExpireSession(Command, streams=("house", "book")):
    """A session's time is over (the engine sends it when the timer is due)."""

    session: str


class SessionEnded(Event, changes_sight=True):
    """A session is over. cause: `signed_out`, `wrong_password`, `ended`, `idle`, `expired`, `replaced`."""

    session: str
    user: str
    cause: str
    reason: str


@decides(SignIn)
def sign_in(state: State, command: SignIn, context: "Context") -> list[Event]:
    require_credential(state, command.user, command.credential_seq)
    if not SESSION_NS_MIN <= command.idle_ns <= command.whole_ns <= SESSION_NS_MAX:
        raise Rejected("expiry_invalid", "A session lasts a while, and not for ever.", most=SESSION_NS_MAX)
    events: list[Event] = []
    names = state.sessions.of_user.get(command.user, {})
    if len(names) >= SESSIONS_PER_USER_MAX:
        # Sessions of one instant go by their names, so that a restart makes no difference.
        oldest = min(names, key=lambda name: (state.sessions.by_name[name].started_ns, name))
        events.append(SessionEnded(oldest, command.user, "replaced", ""))
    else:
        require_room(state, state.access.users[command.user], len(state.sessions.by_name), SESSIONS_MAX, "sessions")
    if command.session in state.sessions.by_name:
        raise Rejected("already_exists", "There is this session already.")
    signed = SignedIn(command.user, command.session, command.kind, command.idle_ns, command.whole_ns, command.device)
    events.append(signed)
    return events


@evolves(SignedIn)
def signed_in(state: State, event: SignedIn) -> None:
    now_ns = state.at_ns
    session = Session(
        event.session,
        event.user,
        event.kind,
        now_ns,
        event.idle_ns,
        event.whole_ns,
        now_ns + event.idle_ns,
        now_ns + event.whole_ns,
    )
    state.sessions.begin(session)
    if event.device:
        state.credentials.note_device(event.user, event.device)


@decides(ConfirmSession)
def confirm_session(state: State, command: ConfirmSession, context: "Context") -> SessionConfirmed:
    require_credential(state, command.user, command.credential_seq)
    session = require_session(state, command.session, state.access.users[command.user], context.at_ns)
    return SessionConfirmed(session.name, session.user)


@evolves(SessionConfirmed)
def session_confirmed(state: State, event: SessionConfirmed) -> None:
    session = state.touch(state.sessions.by_name[event.session])
    session.idle_until_ns = state.at_ns + session.idle_ns
    session.ends_ns = state.at_ns + session.whole_ns
    state.timers.schedule("session", event.session, over_ns(session))


@decides(KeepSession)
def keep_session(state: State, command: KeepSession, context: "Context") -> SessionKept | tuple[()]:
    session = state.sessions.by_name.get(command.session)
    if session is None or context.at_ns >= min(session.idle_until_ns, session.ends_ns):
        return ()
    return SessionKept(session.name)


@evolves(SessionKept)
def session_kept(state: State, event: SessionKept) -> None:
    session = state.touch(state.sessions.by_name[event.session])
    session.idle_until_ns = state.at_ns + session.idle_ns
    if session.kind != "screen":
        state.timers.schedule("session", event.session, over_ns(session))


@decides(SignOut)
def sign_out(state: State, command: SignOut, context: "Context") -> SessionEnded | tuple[()]:
    session = state.sessions.by_name.get(command.session)
    return SessionEnded(session.name, session.user, command.cause, "") if session else ()


@decides(EndSession)
def end_session(state: State, command: EndSession, context: "Context") -> SessionEnded:
    session = state.sessions.by_name.get(command.session)
    if session is None:
        if context.user.node != ROOT:
            raise Rejected("not_permitted", "That is outside your part of the tree.")
        raise Rejected("unknown_session", "There is no such session.", session=command.session[:64])
    require_above(state, context.user, user_within(state, context.user, session.user))
    return SessionEnded(session.name, session.user, "ended", command.reason)


@fires("session")
def session_is_due(subject: str) -> Command:
    return ExpireSession(subject)


@decides(ExpireSession)
def expire_session(state: State, command: ExpireSession, context: "Context") -> SessionEnded | tuple[()]:
    session = state.sessions.by_name.get(command.session)
    if session is None or context.at_ns < over_ns(session):
        return ()
    cause = "expired" if context.at_ns >= session.ends_ns else "idle"
    return SessionEnded(session.name, session.user, cause, "")


@evolves(UserRevoked)
def sessions_of_the_revoked_end(state: State, event: UserRevoked) -> None:
    state.sessions.end_all(event.user)


@evolves(PasswordSet)
def sessions_by_the_old_password_end(state: State, event: PasswordSet) -> None:
    state.sessions.end_all(event.user, but=event.session)


@evolves(SessionEnded)
def session_ended(state: State, event: SessionEnded) -> None:
    state.sessions.end(event.session)


@grounds(EndSession)
def session_ground(state: State, command: EndSession) -> int:
    """Whether there is such a session: that it is in use does not change it."""
    return 0 if command.session in state.sessions.by_name else state.moved_seq(Session, command.session)
