"""Signing in and out: passwords are checked here, sessions begin and end in their book.

Rule: a known user and an unknown one get the same answers, after the same work.
"""

from collections.abc import Awaitable, Mapping
from contextlib import suppress

import msgspec

from runline.domain.messages import HOUSE, Command, Rejected
from runline.domain.passwords import ChangePassword, FailSignIn, SetPassword
from runline.domain.permissions import Permission
from runline.domain.queries.inside import CredentialAsked, Known, Owner, OwnerAsked, Try
from runline.domain.sessions import LIMITS, ConfirmSession, KeepSession, SessionKind, SessionLimits, SignIn, SignOut
from runline.engine.ids import Entropy
from runline.engine.requests import UNHEARD, Accepted, Outcome, Refused
from runline.gateway.door import Caller, Door
from runline.gateway.limits import DEVICE_LENGTH_MAX, FAILURES_LOGGED, SESSION_FAILURES_MAX
from runline.gateway.one_by_one import OneByOne, digest_of
from runline.gateway.passwords import Passwords
from runline.gateway.tokens import device_name, new_device, new_token, session_name


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
        self.one_by_one = OneByOne()

    async def send(self, stream: str, command: Command) -> Accepted:
        return accepted(await self.door.bus.send_one(self.door.own(stream, command)))

    async def known(self, stream: str, user: str) -> Known:
        """What is known of a user; nothing of one who has no password. It takes as long for whoever is not known."""
        try:
            return await self.credential(stream, user)
        except Rejected as rejected:
            if rejected.code != "unknown_book":
                raise
            # Somebody asks for a book that there is not.
            await self.credential(HOUSE, user)
            return Known()

    async def credential(self, stream: str, user: str, at_least: int = 0) -> Known:
        """What a stream knows of a user. Raises Rejected `unknown_book`, `unavailable`."""
        return await self.door.ask_inside(stream, "credential", CredentialAsked(user), Known, at_least)

    async def is_right(
        self, known: Known, password: str, group: object, member: object, *, strange: bool = False
    ) -> bool:
        """Whether this is the password. group, member: for whom, for turns go round. strange: nobody was right from there before.

        Raises Rejected `busy`, `unavailable`.
        """
        right = await self.passwords.check(known.digest, password, group, member, known=not strange)
        return right and bool(known.digest)

    async def tried(self, stream: str, tried: Try, checking: Awaitable[bool]) -> bool:
        """What came of a try; unless the password was wrong, it does not count. Raises what checking it raises."""
        try:
            right = await checking
        except Rejected:
            with suppress(Rejected):
                await self.door.end_try(stream, tried, right=False)
            raise
        if right:
            await self.door.end_try(stream, tried, right=True)
        return right

    async def sign_in(
        self, stream: str, user: str, password: str, kind: SessionKind, *, address: str = "", device: str = ""
    ) -> Signed:
        """Begin a session. address: the client's network. device: the token that a sign-in before has given, or "".

        Raises Rejected `sign_in_failed`, `sign_in_delayed`, `revoked`, `busy`, `unavailable`.
        """
        known = await self.known(stream, user)
        if not 0 < len(device) <= DEVICE_LENGTH_MAX:
            device = new_device(self.entropy)
        name = device_name(stream, user, device)
        strange = name not in known.devices
        place = digest_of("address", stream, user, address) if strange else digest_of("device", name)
        async with self.one_by_one.of(place):
            tried = Try(place, digest_of("user", stream, user), strange)
            # A known device has a line of its own: no crowd at its address, or for its user, keeps it out.
            group = address if strange else place
            failures = await self.door.begin_try(stream, tried)
            right = await self.tried(
                stream, tried, self.is_right(known, password, group, (stream, user), strange=strange)
            )
        if not right:
            if known.digest and failures in FAILURES_LOGGED:
                # Nobody waits for it: a known user would be told from an unknown one by that.
                self.door.report(stream, FailSignIn(user, failures), UNHEARD)
            raise Rejected("sign_in_failed", "Book, user and password do not go together.")
        if not known.active:
            # Only to whoever knows the password: to others there is no such user.
            raise Rejected("revoked", "Your access has been revoked. Whoever gave it to you can restore it.")
        token = new_token(stream, self.entropy)
        lasts = self.lasting[kind]
        await self.send(stream, SignIn(user, session_name(token), kind, known.seq, lasts.idle_ns, lasts.whole_ns, name))
        return Signed(token, device)

    async def own_password(self, caller: Caller, user: str, password: str) -> int:
        """The position of the caller's own credential, if this is its password. Too many wrong ones end the session; nobody
        else can delay this.

        Raises Rejected `sign_in_failed`, `signed_out`, `busy`, `unavailable`.
        """
        known = await self.known(caller.stream, user)
        session = caller.session.encode()
        async with self.one_by_one.of(session):
            tried = Try(session, b"", signed=True)
            failures = await self.door.begin_try(caller.stream, tried)
            if failures <= SESSION_FAILURES_MAX and await self.tried(
                caller.stream, tried, self.is_right(known, password, caller.session, user)
            ):
                return known.seq
            if failures < SESSION_FAILURES_MAX:
                raise Rejected("sign_in_failed", "That is not your password.")
            await self.send(caller.stream, SignOut(caller.session, "wrong_password"))
            raise Rejected("signed_out", "Too many wrong passwords: this session has ended. Sign in again.")

    async def confirm(self, caller: Caller, password: str) -> None:
        """Begin the caller's session anew, by its user's password.

        Raises Rejected as `own_password` does.
        """
        user = (await self.door.standing(caller)).user
        seq = await self.own_password(caller, user, password)
        await self.send(caller.stream, ConfirmSession(user, caller.session, seq))

    async def sign_out(self, caller: Caller) -> None:
        """End a session. Raises Rejected `not_signed_in` if there is none."""
        await self.door.bus.who(caller.stream, caller.session)
        await self.send(caller.stream, SignOut(caller.session))

    async def change_password(self, caller: Caller, old: str, new: str) -> None:
        """Set one's own password. It ends one's other sessions.

        Raises Rejected `password_invalid`, and as `own_password` does.
        """
        user = (await self.door.standing(caller)).user
        seq = await self.own_password(caller, user, old)
        digest = await self.passwords.hash(new, caller.stream, user)
        await self.send(caller.stream, ChangePassword(user, digest, seq, caller.session))

    async def set_password(self, caller: Caller, user: str, new: str) -> Outcome:
        """Set the password of a user below. The writer says whether the caller may."""
        standing = await self.door.standing(caller)
        standing.require(Permission.ROLES_MANAGE)
        digest = await self.passwords.hash(new, caller.stream, standing.user)
        return await self.door.bus.send_one(self.door.request(caller, SetPassword(user, digest)))

    async def set_first_password(self, stream: str, user: str, password: str) -> None:
        """Give a user of a stream their first password.

        Raises Rejected `already_exists` if they have one, `unknown_user`, `password_invalid`.
        """
        if await self.has_password(stream, user):
            raise Rejected("already_exists", "This user has a password already.")
        await self.send(stream, ChangePassword(user, await self.passwords.hash(password), 0, ""))

    async def has_password(self, stream: str, user: str) -> bool:
        """Whether a user has a password."""
        return bool((await self.credential(stream, user)).digest)

    async def set_owners_password(self, caller: Caller, book: str, password: str) -> None:
        """Give a new book's owner their first password: for whoever may open books in the house.

        Raises Rejected `not_permitted`, `password_needed`, `unknown_book`, `already_exists`, `password_invalid`.
        """
        standing = await self.door.standing(caller)
        if caller.stream != HOUSE or Permission.BOOK_OPEN.value not in standing.permissions:
            raise Rejected("not_permitted", "Only the platform may do this.", permission="book_open")
        standing.require_presence()
        owner = (await self.door.ask_inside(HOUSE, "first_owner", OwnerAsked(book), Owner)).user
        # This is something done at their screen, too.
        self.door.report(HOUSE, KeepSession(caller.session), UNHEARD)
        # A book that was just opened may not have taken its first step yet.
        await self.credential(book, owner, at_least=1)
        await self.set_first_password(book, owner, password)
