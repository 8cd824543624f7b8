"""Sessions: who is signed in, and by which password they may.

Rule: a session is state of its stream. Whatever ends it (signing out, time, somebody above, a revoked user, another password)
is an event, and bites at that event at every door.

Rule: a screen shows until its session's end. It takes commands only for a while after the last thing that its person did there;
then the next one wants the password again, unless it is urgent. A program's session ends when it is idle.

Rule: tokens and passwords are kept as digests only, and a password's digest in its row only, where the next one overwrites it.
The log has the digest of that digest.
"""

from hashlib import sha256
from typing import Any, ClassVar, Literal

import msgspec

from runline.domain.access import (
    ROOT,
    AccessState,
    User,
    require_above,
    require_revoker,
    require_room,
    user_within,
)
from runline.domain.bounds import (
    DEVICES_PER_USER_MAX,
    PASSWORD_HASH_LENGTH_MAX,
    SESSION_NS_MAX,
    SESSION_NS_MIN,
    SESSIONS_MAX,
    SESSIONS_PER_USER_MAX,
    STEP_NS_MAX,
)
from runline.domain.identifiers import reason_text
from runline.domain.messages import Command, Event, Rejected, decides, evolves, fires, grounds
from runline.domain.ordered import NO_KEYS, Ordered
from runline.domain.permissions import Permission
from runline.domain.state import Row

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


class Credential(Row, table="credentials", proved_by={"password_hash": "password_digest"}):
    """How a user signs in.

    password_hash: Argon2id in its own text form; in this row only. password_digest: SHA-256 of it, as the log has it.
    password_seq: the position at which it was set. devices: digests of the devices from which they have signed in, the last
    one last.
    """

    user: str
    password_hash: str
    password_digest: str
    password_seq: int
    devices: tuple[str, ...] = ()
    changed_seq: int = 0


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


class SessionState(AccessState):
    """A stream with sessions."""

    held: ClassVar[dict[type[Row], str]] = {**AccessState.held, Credential: "credentials", Session: "sessions"}

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.credentials: dict[str, Credential] = {}
        self.sessions: dict[str, Session] = {}
        self.sessions_of: dict[str, dict[str, None]] = {}
        self.sessions_at: dict[str, Ordered[tuple[str, str]]] = {}
        """(user, session) of those who stand at each node."""

    def derive(self) -> None:
        super().derive()
        self.sessions_of, self.sessions_at = {}, {}
        for session in sorted(self.sessions.values(), key=lambda session: (session.started_ns, session.name)):
            self.list_session(session)

    def list_session(self, session: Session) -> None:
        """Note whose a session is."""
        self.sessions_of.setdefault(session.user, {})[session.name] = None
        node = self.users[session.user].node
        self.sessions_at.setdefault(node, Ordered()).add((session.user, session.name))

    def sessions_in(self, node: str) -> Ordered[tuple[str, str]]:
        """(user, session) of those who stand at a node."""
        return self.sessions_at.get(node, NO_KEYS)

    def end_session(self, name: str) -> None:
        """Forget a session, if there is one."""
        session = self.sessions.pop(name, None)
        if session is None:
            return
        self.drop(session)
        self.take_room(self.users[session.user].node, "sessions", -1)
        self.unschedule("session", name)
        names = self.sessions_of[session.user]
        del names[name]
        if not names:
            del self.sessions_of[session.user]
        node = self.users[session.user].node
        self.sessions_at[node].discard((session.user, name))
        if not self.sessions_at[node]:
            del self.sessions_at[node]

    def end_sessions(self, user: str, but: str = "") -> None:
        for name in [name for name in self.sessions_of.get(user, ()) if name != but]:
            self.end_session(name)


def over_ns(session: Session) -> int:
    """When a session ends if nothing more is done in it."""
    if session.kind == "screen" or session.ends_ns < session.idle_until_ns:
        return session.ends_ns
    return session.idle_until_ns


def used_ns(session: Session) -> int:
    """When a session was known to be in use."""
    return session.idle_until_ns - session.idle_ns


def require_session(state: SessionState, name: str, user: User, at_ns: int) -> Session:
    """The session that a request names, if it is the user's and goes on. One that was used at a later time was so by a wrong
    clock: when it would end is not to be believed.

    Raises Rejected `signed_out`.
    """
    session = state.sessions.get(name)
    if session is None or session.user != user.name or not used_ns(session) - STEP_NS_MAX <= at_ns < over_ns(session):
        raise Rejected("signed_out", "This session has ended. Sign in again.")
    return session


def require_presence(session: Session, at_ns: int) -> None:
    """Refuse what is done at a screen at which nobody has done anything for a while.

    Raises Rejected `password_needed`.
    """
    if at_ns >= session.idle_until_ns:
        raise Rejected("password_needed", "Nobody has used this screen for a while. Give your password to go on.")


class SetPassword(Command, needs=Permission.ROLES_MANAGE, streams=("house", "book"), secret=True):
    """Give a user below you a password. It ends their sessions. Their first one an equal may give them, too.

    password_hash: Argon2id, made by the gateway.
    """

    user: str
    password_hash: str


class ChangePassword(Command, sender="gateway", streams=("house", "book"), secret=True):
    """A user's own new password (the gateway sends it when it has checked the old one). It ends their other sessions.

    credential_seq: the position of the credential that was checked. session: the one that goes on.
    """

    user: str
    password_hash: str
    credential_seq: int
    session: str


class PasswordSet(Event, secret=("password_hash",), changes_sight=True, omit_defaults=True):
    """A user has a new password.

    digest: SHA-256 of the password's digest. session: the one that goes on, or "". password_hash: "" once it is in its row.
    """

    user: str
    digest: str
    session: str
    password_hash: str = ""


FAILURES_NOTED = 3
"""Failed sign-ins of one user in a row from which on somebody is told."""


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


class FailSignIn(Command, sender="gateway", streams=("house", "book")):
    """Note wrong passwords (the gateway counts them, and sends it now and then).

    failures: how many there were within the hour.
    """

    user: str
    failures: int


class SignInFailed(Event, notice="failed_sign_ins"):
    """Somebody tried to sign in with wrong passwords, so often within the hour."""

    user: str
    failures: int

    def is_notable(self, state: Any) -> bool:
        return self.failures >= FAILURES_NOTED


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
    reason: str


class ExpireSession(Command, streams=("house", "book")):
    """A session's time is over (the engine sends it when the timer is due)."""

    session: str


class SessionEnded(Event, changes_sight=True):
    """A session is over. cause: signed_out, wrong_password, ended, idle, expired, replaced."""

    session: str
    user: str
    cause: str
    reason: str


def require_credential(state: SessionState, user: str, credential_seq: int) -> Credential:
    """The credential that was checked, unless it has changed since or its user may not act."""
    credential = state.credentials.get(user)
    known = state.users.get(user)
    if credential is None or known is None or not known.active:
        raise Rejected("sign_in_failed", "That is not a user's password here.")
    if credential.password_seq != credential_seq:
        raise Rejected("sign_in_failed", "That is not a user's password here.")
    return credential


def require_hash(text: str) -> str:
    if not text.startswith("$argon2id$") or len(text) > PASSWORD_HASH_LENGTH_MAX:
        raise Rejected("password_invalid", "That is no digest of a password.")
    return text


def password_is_set(user: str, password_hash: str, session: str) -> PasswordSet:
    digest = sha256(require_hash(password_hash).encode()).hexdigest()
    return PasswordSet(user, digest, session, password_hash)


@decides(SetPassword)
def set_password(state: SessionState, command: SetPassword, context: Any) -> PasswordSet:
    user = user_within(state, context.user, command.user)
    if user is context.user:
        raise Rejected("not_permitted", "One's own password is changed by whoever knows it.")
    require_above(state, context.user, user, or_equal=user.name not in state.credentials)
    require_revoker(state, context.user, user)
    return password_is_set(user.name, command.password_hash, "")


@decides(ChangePassword)
def change_password(state: SessionState, command: ChangePassword, context: Any) -> PasswordSet:
    if command.credential_seq or command.user in state.credentials:
        require_credential(state, command.user, command.credential_seq)
    elif command.user not in state.users:
        raise Rejected("unknown_user", f"There is no user {command.user!r}.", user=command.user)
    elif not state.users[command.user].active:
        raise Rejected("sign_in_failed", "That is not a user's password here.")
    return password_is_set(command.user, command.password_hash, command.session)


@evolves(PasswordSet)
def password_set(state: SessionState, event: PasswordSet) -> None:
    credential = state.credentials.get(event.user)
    if credential is None:
        credential = state.credentials[event.user] = Credential(event.user, "", "", 0)
    credential.password_hash = event.password_hash
    credential.password_digest = event.digest
    credential.password_seq = state.seq
    if not event.session:
        credential.devices = ()
    state.touch(credential)
    state.end_sessions(event.user, but=event.session)


@decides(SignIn)
def sign_in(state: SessionState, command: SignIn, context: Any) -> list[Event]:
    require_credential(state, command.user, command.credential_seq)
    if not SESSION_NS_MIN <= command.idle_ns <= command.whole_ns <= SESSION_NS_MAX:
        raise Rejected("expiry_invalid", "A session lasts a while, and not for ever.", most=SESSION_NS_MAX)
    events: list[Event] = []
    names = state.sessions_of.get(command.user, {})
    if len(names) >= SESSIONS_PER_USER_MAX:
        # Sessions of one instant go by their names, so that a restart makes no difference.
        oldest = min(names, key=lambda name: (state.sessions[name].started_ns, name))
        events.append(SessionEnded(oldest, command.user, "replaced", ""))
    else:
        require_room(state, state.users[command.user], len(state.sessions), SESSIONS_MAX, "sessions")
    if command.session in state.sessions:
        raise Rejected("already_exists", "There is this session already.")
    signed = SignedIn(command.user, command.session, command.kind, command.idle_ns, command.whole_ns, command.device)
    events.append(signed)
    return events


@evolves(SignedIn)
def signed_in(state: SessionState, event: SignedIn) -> None:
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
    state.sessions[event.session] = state.touch(session)
    state.list_session(session)
    state.take_room(state.users[event.user].node, "sessions", 1)
    state.schedule("session", event.session, over_ns(session))
    credential = state.credentials[event.user]
    if event.device and credential.devices[-1:] != (event.device,):
        others = tuple(device for device in credential.devices if device != event.device)
        credential.devices = (*others, event.device)[-DEVICES_PER_USER_MAX:]
        state.touch(credential)


@decides(FailSignIn)
def fail_sign_in(state: SessionState, command: FailSignIn, context: Any) -> SignInFailed:
    if command.user not in state.credentials:
        raise Rejected("sign_in_failed", "That is not a user's password here.")
    return SignInFailed(command.user, command.failures)


@evolves(SignInFailed)
def sign_in_failed(state: SessionState, event: SignInFailed) -> None:
    """It changes nothing: who is to wait is known to the gateway (`gateway/tries.py`)."""


@decides(ConfirmSession)
def confirm_session(state: SessionState, command: ConfirmSession, context: Any) -> SessionConfirmed:
    require_credential(state, command.user, command.credential_seq)
    session = require_session(state, command.session, state.users[command.user], context.at_ns)
    return SessionConfirmed(session.name, session.user)


@evolves(SessionConfirmed)
def session_confirmed(state: SessionState, event: SessionConfirmed) -> None:
    session = state.touch(state.sessions[event.session])
    session.idle_until_ns = state.at_ns + session.idle_ns
    session.ends_ns = state.at_ns + session.whole_ns
    state.schedule("session", event.session, over_ns(session))


@decides(KeepSession)
def keep_session(state: SessionState, command: KeepSession, context: Any) -> SessionKept | tuple[()]:
    session = state.sessions.get(command.session)
    if session is None or context.at_ns >= min(session.idle_until_ns, session.ends_ns):
        return ()
    return SessionKept(session.name)


@evolves(SessionKept)
def session_kept(state: SessionState, event: SessionKept) -> None:
    session = state.touch(state.sessions[event.session])
    session.idle_until_ns = state.at_ns + session.idle_ns
    if session.kind != "screen":
        state.schedule("session", event.session, over_ns(session))


@decides(SignOut)
def sign_out(state: SessionState, command: SignOut, context: Any) -> SessionEnded | tuple[()]:
    session = state.sessions.get(command.session)
    return SessionEnded(session.name, session.user, command.cause, "") if session else ()


@decides(EndSession)
def end_session(state: SessionState, command: EndSession, context: Any) -> SessionEnded:
    session = state.sessions.get(command.session)
    if session is None:
        if context.user.node != ROOT:
            raise Rejected("not_permitted", "That is outside your part of the tree.")
        raise Rejected("unknown_session", "There is no such session.", session=command.session[:64])
    require_above(state, context.user, user_within(state, context.user, session.user))
    return SessionEnded(session.name, session.user, "ended", reason_text(command.reason))


@fires("session")
def session_is_due(subject: str) -> Command:
    return ExpireSession(subject)


@decides(ExpireSession)
def expire_session(state: SessionState, command: ExpireSession, context: Any) -> SessionEnded | tuple[()]:
    session = state.sessions.get(command.session)
    if session is None or context.at_ns < over_ns(session):
        return ()
    cause = "expired" if context.at_ns >= session.ends_ns else "idle"
    return SessionEnded(session.name, session.user, cause, "")


@evolves(SessionEnded)
def session_ended(state: SessionState, event: SessionEnded) -> None:
    state.end_session(event.session)


@grounds(SetPassword)
def password_ground(state: SessionState, command: SetPassword) -> int:
    """The user's password, and the user."""
    credential = state.credentials.get(command.user)
    return max(state.moved_seq(User, command.user), credential.password_seq if credential else 0)


@grounds(EndSession)
def session_ground(state: SessionState, command: EndSession) -> int:
    """Whether there is such a session: that it is in use does not change it."""
    return 0 if command.session in state.sessions else state.moved_seq(Session, command.session)
