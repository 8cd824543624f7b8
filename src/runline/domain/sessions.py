"""Sessions: who is signed in, and by which password they may.

Rule: a session is state of its stream. Whatever ends it (signing out, time, somebody above, a revoked user, another password)
is an event, and bites at that event at every door. Tokens and passwords are kept as digests only.
"""

from typing import Any, ClassVar, Literal

import msgspec

from runline.domain.access import AccessState, User, user_within
from runline.domain.identifiers import reason_text
from runline.domain.limits import PASSWORD_HASH_LENGTH_MAX, SESSIONS_MAX, SESSIONS_PER_USER_MAX, STEP_NS_MAX
from runline.domain.messages import Command, Event, Rejected, decides, evolves, fires, grounds
from runline.domain.permissions import Permission
from runline.domain.state import Row

SessionKind = Literal["screen", "program"]
"""screen: a person before a console. program: what calls the API for somebody."""

MINUTE_NS = 60 * 10**9
HOUR_NS = 60 * MINUTE_NS

FREE_FAILURES = 3
"""Failed sign-ins without a delay."""

RETRY_DELAY_NS_MAX = 15 * MINUTE_NS
"""The longest delay between two tries."""


class SessionLimits(msgspec.Struct, frozen=True):
    """How long a session lasts without a request, and at all, in nanoseconds."""

    idle_ns: int
    whole_ns: int


LIMITS: dict[str, SessionLimits] = {
    "screen": SessionLimits(30 * MINUTE_NS, 12 * HOUR_NS),
    "program": SessionLimits(24 * HOUR_NS, 30 * 24 * HOUR_NS),
}


class Credential(Row, table="credentials"):
    """How a user signs in.

    password_hash: Argon2id in its own text form. password_seq: the position at which it was set. failures: tries since the
    last success. retry_ns: no try counts before.
    """

    user: str
    password_hash: str
    password_seq: int
    failures: int = 0
    retry_ns: int = 0
    changed_seq: int = 0


class Session(Row, table="sessions"):
    """Somebody who is signed in.

    name: 128 bits of the token's SHA-256, in hexadecimal. idle_until_ns: moved ahead by requests. ends_ns: the latest end.
    """

    name: str
    user: str
    kind: str
    started_ns: int
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

    def derive(self) -> None:
        super().derive()
        self.sessions_of = {}
        for session in sorted(self.sessions.values(), key=lambda session: (session.started_ns, session.name)):
            self.sessions_of.setdefault(session.user, {})[session.name] = None

    def end_session(self, name: str) -> None:
        """Forget a session, if there is one."""
        session = self.sessions.pop(name, None)
        if session is None:
            return
        self.drop(session)
        self.unschedule("session", name)
        names = self.sessions_of[session.user]
        del names[name]
        if not names:
            del self.sessions_of[session.user]

    def end_sessions(self, user: str, but: str = "") -> None:
        for name in [name for name in self.sessions_of.get(user, ()) if name != but]:
            self.end_session(name)


def used_ns(session: Session) -> int:
    """When a session was known to be in use."""
    return session.idle_until_ns - LIMITS[session.kind].idle_ns


def require_session(state: SessionState, name: str, user: User, at_ns: int) -> Session:
    """The session that a request names, if it is the user's and goes on. One that was used at a later time was so by a wrong
    clock: when it would end is not to be believed.

    Raises Rejected `signed_out`.
    """
    session = state.sessions.get(name)
    if (
        session is None
        or session.user != user.name
        or not used_ns(session) - STEP_NS_MAX <= at_ns < min(session.idle_until_ns, session.ends_ns)
    ):
        raise Rejected("signed_out", "This session has ended. Sign in again.")
    return session


class SetPassword(Command, needs=Permission.ROLES_MANAGE, streams=("house", "book"), secret=True):
    """Give a user of your subtree a password. It ends their sessions.

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


class PasswordSet(Event, secret=("password_hash",)):
    """A user has a new password. session: the one that goes on, or ""."""

    user: str
    password_hash: str
    session: str


class SignIn(Command, sender="gateway", streams=("house", "book")):
    """Begin a session (the gateway sends it when it has checked the password).

    credential_seq: the position of the credential that was checked.
    """

    user: str
    session: str
    kind: SessionKind
    credential_seq: int


class SignedIn(Event):
    """A session has begun."""

    user: str
    session: str
    kind: str


class FailSignIn(Command, sender="gateway", streams=("house", "book")):
    """Count a wrong password (the gateway sends it)."""

    user: str


class SignInFailed(Event):
    """Somebody tried to sign in with a wrong password. retry_ns: no try counts before."""

    user: str
    failures: int
    retry_ns: int


class KeepSession(Command, sender="gateway", streams=("house", "book")):
    """A session is in use (the gateway sends it now and then)."""

    session: str


class SessionKept(Event):
    """A session was in use."""

    session: str


class SignOut(Command, sender="gateway", streams=("house", "book")):
    """End one's own session (the gateway sends it)."""

    session: str


class EndSession(Command, needs=Permission.ROLES_MANAGE, streams=("house", "book")):
    """End somebody's session, at once."""

    session: str
    reason: str


class ExpireSession(Command, streams=("house", "book")):
    """A session's time is over (the engine sends it when the timer is due)."""

    session: str


class SessionEnded(Event):
    """A session is over. cause: signed_out, ended, idle, expired, replaced."""

    session: str
    user: str
    cause: str
    reason: str


def require_credential(state: SessionState, user: str, credential_seq: int, at_ns: int) -> Credential:
    """The credential that was checked, unless it has changed since, its user may not act, or it is too early for a try."""
    credential = state.credentials.get(user)
    known = state.users.get(user)
    if credential is None or known is None or not known.active:
        raise Rejected("sign_in_failed", "That is not a user's password here.")
    if at_ns < credential.retry_ns:
        raise Rejected("sign_in_delayed", "Too many wrong passwords. Try again later.", retry_ns=credential.retry_ns)
    if credential.password_seq != credential_seq:
        raise Rejected("sign_in_failed", "That is not a user's password here.")
    return credential


def require_hash(text: str) -> str:
    if not text.startswith("$argon2id$") or len(text) > PASSWORD_HASH_LENGTH_MAX:
        raise Rejected("password_invalid", "That is no digest of a password.")
    return text


@decides(SetPassword)
def set_password(state: SessionState, command: SetPassword, context: Any) -> PasswordSet:
    user = user_within(state, context.user, command.user)
    return PasswordSet(user.name, require_hash(command.password_hash), "")


@decides(ChangePassword)
def change_password(state: SessionState, command: ChangePassword, context: Any) -> PasswordSet:
    if command.credential_seq or command.user in state.credentials:
        require_credential(state, command.user, command.credential_seq, context.at_ns)
    elif command.user not in state.users:
        raise Rejected("unknown_user", f"There is no user {command.user!r}.", user=command.user)
    elif not state.users[command.user].active:
        raise Rejected("sign_in_failed", "That is not a user's password here.")
    return PasswordSet(command.user, require_hash(command.password_hash), command.session)


@evolves(PasswordSet)
def password_set(state: SessionState, event: PasswordSet) -> None:
    credential = state.credentials.get(event.user)
    if credential is None:
        credential = state.credentials[event.user] = Credential(event.user, event.password_hash, state.seq)
    credential.password_hash = event.password_hash
    credential.password_seq = state.seq
    credential.failures = 0
    credential.retry_ns = 0
    state.touch(credential)
    state.end_sessions(event.user, but=event.session)


@decides(SignIn)
def sign_in(state: SessionState, command: SignIn, context: Any) -> list[Event]:
    require_credential(state, command.user, command.credential_seq, context.at_ns)
    events: list[Event] = []
    names = state.sessions_of.get(command.user, {})
    if len(names) >= SESSIONS_PER_USER_MAX:
        # Sessions of one instant go by their names, so that a restart makes no difference.
        oldest = min(names, key=lambda name: (state.sessions[name].started_ns, name))
        events.append(SessionEnded(oldest, command.user, "replaced", ""))
    elif len(state.sessions) >= SESSIONS_MAX:
        raise Rejected("too_many", "As many are signed in as may be.", most=SESSIONS_MAX)
    if command.session in state.sessions:
        raise Rejected("already_exists", "There is this session already.")
    events.append(SignedIn(command.user, command.session, command.kind))
    return events


@evolves(SignedIn)
def signed_in(state: SessionState, event: SignedIn) -> None:
    limits = LIMITS[event.kind]
    now_ns = state.at_ns
    session = Session(event.session, event.user, event.kind, now_ns, now_ns + limits.idle_ns, now_ns + limits.whole_ns)
    state.sessions[event.session] = state.touch(session)
    state.sessions_of.setdefault(event.user, {})[event.session] = None
    state.schedule("session", event.session, session.idle_until_ns)
    credential = state.credentials[event.user]
    if credential.failures:
        credential.failures = 0
        credential.retry_ns = 0
        state.touch(credential)


@decides(FailSignIn)
def fail_sign_in(state: SessionState, command: FailSignIn, context: Any) -> SignInFailed:
    credential = state.credentials.get(command.user)
    if credential is None:
        raise Rejected("sign_in_failed", "That is not a user's password here.")
    if context.at_ns < credential.retry_ns:
        raise Rejected("sign_in_delayed", "Too many wrong passwords. Try again later.", retry_ns=credential.retry_ns)
    failures = credential.failures + 1
    return SignInFailed(command.user, failures, context.at_ns + retry_delay_ns(failures))


def retry_delay_ns(failures: int) -> int:
    """None for the first failures, then a second, doubled each time, up to RETRY_DELAY_NS_MAX."""
    if failures <= FREE_FAILURES:
        return 0
    return min(10**9 << min(failures - FREE_FAILURES - 1, 32), RETRY_DELAY_NS_MAX)


@evolves(SignInFailed)
def sign_in_failed(state: SessionState, event: SignInFailed) -> None:
    credential = state.touch(state.credentials[event.user])
    credential.failures = event.failures
    credential.retry_ns = event.retry_ns


@decides(KeepSession)
def keep_session(state: SessionState, command: KeepSession, context: Any) -> SessionKept | tuple[()]:
    session = state.sessions.get(command.session)
    if session is None or context.at_ns >= min(session.idle_until_ns, session.ends_ns):
        return ()
    return SessionKept(session.name)


@evolves(SessionKept)
def session_kept(state: SessionState, event: SessionKept) -> None:
    session = state.touch(state.sessions[event.session])
    session.idle_until_ns = state.at_ns + LIMITS[session.kind].idle_ns
    state.schedule("session", event.session, min(session.idle_until_ns, session.ends_ns))


@decides(SignOut)
def sign_out(state: SessionState, command: SignOut, context: Any) -> SessionEnded | tuple[()]:
    session = state.sessions.get(command.session)
    return SessionEnded(session.name, session.user, "signed_out", "") if session else ()


@decides(EndSession)
def end_session(state: SessionState, command: EndSession, context: Any) -> SessionEnded:
    session = state.sessions.get(command.session)
    if session is None:
        raise Rejected("unknown_session", "There is no such session.", session=command.session[:64])
    user_within(state, context.user, session.user)
    return SessionEnded(session.name, session.user, "ended", reason_text(command.reason))


@fires("session")
def session_is_due(subject: str) -> Command:
    return ExpireSession(subject)


@decides(ExpireSession)
def expire_session(state: SessionState, command: ExpireSession, context: Any) -> SessionEnded | tuple[()]:
    session = state.sessions.get(command.session)
    if session is None or context.at_ns < min(session.idle_until_ns, session.ends_ns):
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
