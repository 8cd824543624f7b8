"""Passwords: by which a user signs in, and who gives them one.

Rule: a password is kept as a digest only, and the digest in its row only, where the next one overwrites it. The log has the
digest of that digest.
"""

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from runline.domain.access import User, require_above, require_revoker, user_within
from runline.domain.bounds import DEVICES_PER_USER_MAX, PASSWORD_HASH_LENGTH_MAX
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.permissions import Permission
from runline.domain.state import Part, Row, State

if TYPE_CHECKING:
    from runline.domain.context import Context


FAILURES_NOTED = 3
"""Failed sign-ins of one user in a row from which on somebody is told."""


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


class Credentials(Part, named="credentials", streams=("house", "book"), keeps={Credential: "by_user"}):
    """How the users of a stream sign in."""

    __slots__ = ("by_user",)

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.by_user: dict[str, Credential] = {}

    def note_device(self, user: str, device: str) -> None:
        """Note that a user has signed in from a device."""
        credential = self.by_user[user]
        if credential.devices[-1:] != (device,):
            others = tuple(one for one in credential.devices if one != device)
            credential.devices = (*others, device)[-DEVICES_PER_USER_MAX:]
            self.state.touch(credential)


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


def require_credential(state: State, user: str, credential_seq: int) -> Credential:
    """The credential that was checked, unless it has changed since or its user may not act."""
    credential = state.credentials.by_user.get(user)
    known = state.access.users.get(user)
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
def set_password(state: State, command: SetPassword, context: "Context") -> PasswordSet:
    user = user_within(state, context.user, command.user)
    if user is context.user:
        raise Rejected("not_permitted", "One's own password is changed by whoever knows it.")
    require_above(state, context.user, user, or_equal=user.name not in state.credentials.by_user)
    require_revoker(state, context.user, user)
    return password_is_set(user.name, command.password_hash, "")


@decides(ChangePassword)
def change_password(state: State, command: ChangePassword, context: "Context") -> PasswordSet:
    if command.credential_seq or command.user in state.credentials.by_user:
        require_credential(state, command.user, command.credential_seq)
    elif command.user not in state.access.users:
        raise Rejected("unknown_user", f"There is no user {command.user!r}.", user=command.user)
    elif not state.access.users[command.user].active:
        raise Rejected("sign_in_failed", "That is not a user's password here.")
    return password_is_set(command.user, command.password_hash, command.session)


@evolves(PasswordSet)
def password_set(state: State, event: PasswordSet) -> None:
    credential = state.credentials.by_user.get(event.user)
    if credential is None:
        credential = state.credentials.by_user[event.user] = Credential(event.user, "", "", 0)
    credential.password_hash = event.password_hash
    credential.password_digest = event.digest
    credential.password_seq = state.seq
    if not event.session:
        credential.devices = ()
    state.touch(credential)


@decides(FailSignIn)
def fail_sign_in(state: State, command: FailSignIn, context: "Context") -> SignInFailed:
    if command.user not in state.credentials.by_user:
        raise Rejected("sign_in_failed", "That is not a user's password here.")
    return SignInFailed(command.user, command.failures)


@evolves(SignInFailed)
def sign_in_failed(state: State, event: SignInFailed) -> None:
    """It changes nothing: who is to wait is known beside the stream (`sharing/tries.py`)."""


@grounds(SetPassword)
def password_ground(state: State, command: SetPassword) -> int:
    """The user's password, and the user."""
    credential = state.credentials.by_user.get(command.user)
    return max(state.moved_seq(User, command.user), credential.password_seq if credential else 0)
