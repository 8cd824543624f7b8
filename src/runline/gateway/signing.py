"""Signing in and out: passwords are checked here, sessions begin and end in their book.

Rule: a known user and an unknown one get the same answers, after the same work.
"""

from collections.abc import Mapping

import msgspec

from runline.domain.book import Book
from runline.domain.house import House
from runline.domain.messages import GATEWAY, HOUSE, Command, Rejected
from runline.domain.permissions import Permission
from runline.domain.sessions import (
    LIMITS,
    ChangePassword,
    ConfirmSession,
    FailSignIn,
    SessionKind,
    SessionLimits,
    SessionState,
    SetPassword,
    SignIn,
    SignOut,
    require_presence,
)
from runline.engine.ids import Entropy
from runline.engine.requests import Accepted, Outcome, Refused
from runline.gateway.door import Asker, Door, Unheard
from runline.gateway.limits import DEVICE_LENGTH_MAX, FAILURES_LOGGED, SESSION_FAILURES_MAX
from runline.gateway.passwords import Passwords
from runline.gateway.tokens import device_name, new_device, new_token, session_name
from runline.gateway.tries import Counts, Tries, Turns, digest_of


def accepted(outcome: Outcome) -> Accepted:
    """The outcome, if the command was accepted; Rejected with its code otherwise."""
    if isinstance(outcome, Refused):
        raise Rejected(outcome.code, outcome.message, **outcome.details)
    assert isinstance(outcome, Accepted)
    return outcome


class Signed(msgspec.Struct, frozen=True):
    """What somebody who signs in gets: the session's token, and the device's, to be sent with the next sign-in."""

    token: str
    device: str


class Known(msgspec.Struct, frozen=True):
    """What is known of a user who may sign in: the password's digest, the position at which it was set, the devices."""

    digest: str = ""
    seq: int = 0
    devices: tuple[str, ...] = ()


class Signing:
    """Signs people and programs in and out. lasting: how long their sessions last."""

    def __init__(
        self,
        door: Door,
        passwords: Passwords,
        entropy: Entropy,
        lasting: Mapping[str, SessionLimits] | None = None,
    ) -> None:
        self.door = door
        self.passwords = passwords
        self.entropy = entropy
        self.lasting = lasting or LIMITS
        self.tries = Tries()
        self.turns = Turns()
        self.in_session = Counts()
        """Wrong passwords of whoever is signed in, by session."""

    async def send(self, stream: str, command: Command) -> Accepted:
        return accepted(await self.door.execute(self.door.request(stream, GATEWAY, command)))

    async def known(self, stream: str, user: str) -> Known:
        """What is known of a user; nothing, if they may not sign in. It takes as long for whoever is not known."""

        def credential_of(state: SessionState) -> Known:
            credential = state.credentials.get(user)
            known = state.users.get(user)
            if credential is None or known is None or not known.active:
                return Known()
            return Known(credential.password_hash, credential.password_seq, credential.devices)

        engine = self.door.engine
        there = stream in engine.writers
        _, known = await engine.query(stream if there else HOUSE, credential_of)
        return known if there else Known()

    async def is_right(
        self, known: Known, password: str, group: object, member: object, *, strange: bool = False
    ) -> bool:
        """Whether this is the password. group, member: for whom, for turns go round. strange: nobody was right from there before.

        Raises Rejected `busy`, `unavailable`.
        """
        right = await self.passwords.check(known.digest, password, group, member, known=not strange)
        return right and bool(known.digest)

    async def sign_in(
        self, stream: str, user: str, password: str, kind: SessionKind, *, address: str = "", device: str = ""
    ) -> Signed:
        """Begin a session. address: the client's network. device: the token that a sign-in before has given, or "".

        Raises Rejected `sign_in_failed`, `sign_in_delayed`, `busy`, `unavailable`.
        """
        known = await self.known(stream, user)
        if not 0 < len(device) <= DEVICE_LENGTH_MAX:
            device = new_device(self.entropy)
        name = device_name(stream, user, device)
        strange = name not in known.devices
        place = digest_of("address", stream, user, address) if strange else digest_of("device", name)
        async with self.turns.of(place):
            now_ns = self.door.engine.clock.now_ns()
            tried = self.tries.begin(place, digest_of("user", stream, user), strange, now_ns)
            try:
                # A known device has a line of its own: no crowd at its address, or for its user, keeps it out.
                group = address if strange else place
                right = await self.is_right(known, password, group, (stream, user), strange=strange)
            except Rejected:
                self.tries.unknown(tried)
                raise
            if right:
                self.tries.right(tried)
        if not right:
            self.door.engine.probes.refuse("sign_in_failed")
            if known.digest and tried.failures in FAILURES_LOGGED:
                # Nobody waits for it: a known user would be told from an unknown one by that.
                self.door.engine.submit(
                    [self.door.request(stream, GATEWAY, FailSignIn(user, tried.failures))], Unheard()
                )
            raise Rejected("sign_in_failed", "Book, user and password do not go together.")
        token = new_token(stream, self.entropy)
        lasts = self.lasting[kind]
        await self.send(stream, SignIn(user, session_name(token), kind, known.seq, lasts.idle_ns, lasts.whole_ns, name))
        return Signed(token, device)

    async def own_password(self, asker: Asker, password: str) -> int:
        """The position of the asker's own credential, if this is its password. Too many wrong ones end the session; nobody
        else can delay this.

        Raises Rejected `sign_in_failed`, `signed_out`, `busy`, `unavailable`.
        """
        known = await self.known(asker.stream, asker.user)
        session = asker.session.encode()
        async with self.turns.of(session):
            count = self.in_session.of(session, self.door.engine.clock.now_ns())
            if count.failures < SESSION_FAILURES_MAX and await self.is_right(
                known, password, asker.session, asker.user
            ):
                self.in_session.forget(session)
                return known.seq
            count.failures += 1
            if count.failures < SESSION_FAILURES_MAX:
                raise Rejected("sign_in_failed", "That is not your password.")
            await self.send(asker.stream, SignOut(asker.session, "wrong_password"))
            raise Rejected("signed_out", "Too many wrong passwords: this session has ended. Sign in again.")

    async def confirm(self, asker: Asker, password: str) -> None:
        """Begin the asker's session anew, by its user's password.

        Raises Rejected as `own_password` does.
        """
        await self.door.read(asker, lambda *_: None)
        seq = await self.own_password(asker, password)
        await self.send(asker.stream, ConfirmSession(asker.user, asker.session, seq))

    async def sign_out(self, asker: Asker) -> None:
        """End a session."""
        await self.send(asker.stream, SignOut(asker.session))

    async def change_password(self, asker: Asker, old: str, new: str) -> None:
        """Set one's own password. It ends one's other sessions.

        Raises Rejected `password_invalid`, and as `own_password` does.
        """
        await self.door.read(asker, lambda *_: None)
        seq = await self.own_password(asker, old)
        digest = await self.passwords.hash(new, asker.stream, asker.user)
        await self.send(asker.stream, ChangePassword(asker.user, digest, seq, asker.session))

    async def set_password(self, asker: Asker, user: str, new: str) -> Outcome:
        """Set the password of a user below. The writer says whether the asker may."""

        def may(state: object, asking: object, audience: object) -> None:
            if not audience.may(Permission.ROLES_MANAGE):  # type: ignore[attr-defined]
                raise Rejected("not_permitted", "This needs the permission roles_manage.", permission="roles_manage")

        await self.door.read(asker, may)
        digest = await self.passwords.hash(new, asker.stream, asker.user)
        return await self.door.execute(self.door.asked(asker, SetPassword(user, digest)))

    async def set_first_password(self, stream: str, user: str, password: str) -> None:
        """Give a user of a stream their first password.

        Raises Rejected `already_exists` if they have one, `unknown_user`, `password_invalid`.
        """
        if await self.has_password(stream, user):
            raise Rejected("already_exists", "This user has a password already.")
        await self.send(stream, ChangePassword(user, await self.passwords.hash(password), 0, ""))

    async def has_password(self, stream: str, user: str) -> bool:
        """Whether a user has a password."""
        _, known = await self.door.engine.query(stream, lambda state: user in state.credentials)
        return known

    async def set_owners_password(self, asker: Asker, book: str, password: str) -> None:
        """Give a new book's owner their first password: for whoever may open books in the house.

        Raises Rejected `not_permitted`, `password_needed`, `unknown_book`, `already_exists`, `password_invalid`.
        """

        def owner_of(house: House | Book, user: object, audience: object) -> str:
            if asker.stream != HOUSE or not audience.may(Permission.BOOK_OPEN):  # type: ignore[attr-defined]
                raise Rejected("not_permitted", "Only the platform may do this.", permission="book_open")
            require_presence(house.sessions[asker.session], self.door.engine.clock.now_ns())
            assert isinstance(house, House)
            listing = house.books.get(book)
            if listing is None:
                raise Rejected("unknown_book", "There is no such book.", book=book)
            return listing.owner

        _, owner = await self.door.read(asker, owner_of)
        self.door.keep_screen(asker)
        # A book that was just opened may not have taken its first step yet.
        await self.door.engine.query(book, lambda state: None, at_least=1)
        await self.set_first_password(book, owner, password)
