"""Sessions: who is signed in, for how long, and by which password.

A screen shows until its session's end, and wants the password again for the first command after a while. A program's session ends
when it is idle.
"""

from hashlib import sha256

from runline.simulate.oracle.answers import Event, Refused, refuse_unless
from runline.simulate.oracle.bounds import MOST, room
from runline.simulate.oracle.people import a_user, end_session, not_from_above, stand_above
from runline.simulate.oracle.rules import BOTH, REASON, Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.state import ROOT, Session, Stream, User

STEP_NS = 2 * 10**9
LENGTH_LEAST_NS = 10**9
LENGTH_MOST_NS = 400 * 24 * 3_600 * 10**9
HASH_LENGTH = 256


def over_ns(session: Session) -> int:
    """When a session ends if nothing more is done in it."""
    return session.ends_ns if session.kind == "screen" else min(session.idle_until_ns, session.ends_ns)


def a_session(stream: Stream, name: str, user: User, at_ns: int) -> Session:
    """A session of the user that goes on. One that was used much later than now was so by a wrong clock."""
    session = stream.sessions.get(name)
    if session is None or session.user != user.name:
        raise Refused("signed_out")
    used_ns = session.idle_until_ns - session.idle_ns
    refuse_unless(used_ns - STEP_NS <= at_ns < over_ns(session), "signed_out")
    return session


def password_of(stream: Stream, user: str, seq: int) -> None:
    """The password that was checked is still the user's, who may act."""
    known = stream.users.get(user)
    sound = known is not None and known.active and user in stream.passwords and stream.passwords[user] == seq
    refuse_unless(sound, "sign_in_failed")


def a_hash(text: str) -> None:
    refuse_unless(text.startswith("$argon2id$") and len(text) <= HASH_LENGTH, "password_invalid")


@command("SignIn", sender="gateway", streams=BOTH)
def sign_in(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    password_of(stream, asked.user, asked.credential_seq)
    possible = LENGTH_LEAST_NS <= asked.idle_ns <= asked.whole_ns <= LENGTH_MOST_NS
    refuse_unless(possible, "expiry_invalid", most=LENGTH_MOST_NS)
    own = sorted((one.started_ns, name) for name, one in stream.sessions.items() if one.user == asked.user)
    events = []
    if len(own) >= MOST["SESSIONS_PER_USER_MAX"]:
        oldest = {"session": own[0][1], "user": asked.user, "cause": "replaced", "reason": ""}
        events.append(happens("SessionEnded", **oldest))
    else:
        room(stream, stream.users[asked.user], "SESSIONS_MAX", "sessions")
    refuse_unless(asked.session not in stream.sessions, "already_exists")
    fields = {name: asked.fields[name] for name in ("user", "session", "kind", "idle_ns", "whole_ns", "device")}
    return [*events, happens("SignedIn", **fields)]


@event("SignedIn")
def signed_in(stream: Stream, at: Asked) -> None:
    now_ns = stream.at_ns
    until = (now_ns + at.idle_ns, now_ns + at.whole_ns)
    session = Session(at.user, at.kind, now_ns, at.idle_ns, at.whole_ns, *until)
    stream.sessions[at.session] = session
    stream.set_timer("session", at.session, over_ns(session))
    stream.touch("session", at.session)


@command("ConfirmSession", sender="gateway", streams=BOTH)
def confirm_session(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    password_of(stream, asked.user, asked.credential_seq)
    a_session(stream, asked.session, stream.users[asked.user], moment.at_ns)
    return [happens("SessionConfirmed", session=asked.session, user=asked.user)]


@event("SessionConfirmed")
def session_confirmed(stream: Stream, at: Asked) -> None:
    session = stream.sessions[at.session]
    session.idle_until_ns = stream.at_ns + session.idle_ns
    session.ends_ns = stream.at_ns + session.whole_ns
    stream.set_timer("session", at.session, over_ns(session))


@command("KeepSession", sender="gateway", streams=BOTH)
def keep_session(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    session = stream.sessions.get(asked.session)
    if session is None or moment.at_ns >= session.idle_until_ns or moment.at_ns >= session.ends_ns:
        return []
    return [happens("SessionKept", session=asked.session)]


@event("SessionKept")
def session_kept(stream: Stream, at: Asked) -> None:
    session = stream.sessions[at.session]
    session.idle_until_ns = stream.at_ns + session.idle_ns
    if session.kind == "program":
        stream.set_timer("session", at.session, over_ns(session))


@command("SignOut", sender="gateway", streams=BOTH)
def sign_out(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    session = stream.sessions.get(asked.session)
    return [ended(asked.session, session, asked.cause)] if session else []


def ended(name: str, session: Session, cause: str, reason: str = "") -> Event:
    return happens("SessionEnded", session=name, user=session.user, cause=cause, reason=reason)


@command("EndSession", needs="roles_manage", streams=BOTH, reasons=REASON)
def end_a_session(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    session = stream.sessions.get(asked.session)
    if session is None:
        raise Refused("unknown_session" if moment.user.node == ROOT else "not_permitted")
    stand_above(stream, moment.user, a_user(stream, moment.user, session.user))
    return [ended(asked.session, session, "ended", asked.reason)]


@ground("EndSession")
def session_ground(stream: Stream, asked: Asked) -> int:
    return 0 if asked.session in stream.sessions else stream.when_moved("session", asked.session)


@command("ExpireSession", streams=BOTH)
def expire_session(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    session = stream.sessions.get(asked.session)
    if session is None or moment.at_ns < over_ns(session):
        return []
    return [ended(asked.session, session, "expired" if moment.at_ns >= session.ends_ns else "idle")]


@event("SessionEnded")
def session_ended(stream: Stream, at: Asked) -> None:
    end_session(stream, at.session)


@command("SetPassword", needs="roles_manage", streams=BOTH)
def set_password(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    user = a_user(stream, moment.user, asked.user)
    refuse_unless(user.name != moment.user.name, "not_permitted")
    stand_above(stream, moment.user, user, equals_may=user.name not in stream.passwords)
    not_from_above(stream, moment.user, user)
    return [new_password(asked, "")]


def new_password(asked: Asked, session: str) -> Event:
    """The log has the digest of the digest."""
    a_hash(asked.password_hash)
    digest = sha256(asked.password_hash.encode()).hexdigest()
    return happens("PasswordSet", user=asked.user, digest=digest, session=session)


@event("PasswordSet")
def password_set(stream: Stream, at: Asked) -> None:
    stream.passwords[at.user] = stream.seq
    others = [name for name, one in stream.sessions.items() if one.user == at.user and name != at.session]
    for name in others:
        end_session(stream, name)


@ground("SetPassword")
def password_ground(stream: Stream, asked: Asked) -> int:
    return max(stream.when_moved("user", asked.user), stream.passwords.get(asked.user, 0))


@command("ChangePassword", sender="gateway", streams=BOTH)
def change_password(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    if asked.credential_seq or asked.user in stream.passwords:
        password_of(stream, asked.user, asked.credential_seq)
    else:
        refuse_unless(asked.user in stream.users, "unknown_user", user=asked.user)
        refuse_unless(stream.users[asked.user].active, "sign_in_failed")
    return [new_password(asked, asked.session)]


@command("FailSignIn", sender="gateway", streams=BOTH)
def fail_sign_in(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    refuse_unless(asked.user in stream.passwords, "sign_in_failed")
    return [happens("SignInFailed", user=asked.user, failures=asked.failures)]


@event("SignInFailed")
def sign_in_failed(stream: Stream, at: Asked) -> None:
    """Nothing changes."""
