"""Signing in and out: passwords are checked here, sessions begin and end in their book."""

from runline.domain.book import Book
from runline.domain.house import House
from runline.domain.messages import GATEWAY, HOUSE, Command, Rejected
from runline.domain.permissions import Permission
from runline.domain.sessions import (
    ChangePassword,
    FailSignIn,
    SessionKind,
    SessionState,
    SetPassword,
    SignIn,
    SignOut,
)
from runline.engine.requests import Accepted, Outcome, Refused
from runline.gateway.door import Asker, Door
from runline.gateway.passwords import Passwords
from runline.gateway.tokens import new_token, session_name


def accepted(outcome: Outcome) -> Accepted:
    """The outcome, if the command was accepted; Rejected with its code otherwise."""
    if isinstance(outcome, Refused):
        raise Rejected(outcome.code, outcome.message, **outcome.details)
    assert isinstance(outcome, Accepted)
    return outcome


class Signing:
    """Signs people and programs in and out."""

    def __init__(self, door: Door, passwords: Passwords) -> None:
        self.door = door
        self.passwords = passwords

    async def send(self, stream: str, command: Command) -> Accepted:
        return accepted(await self.door.execute(self.door.request(stream, GATEWAY, command)))

    async def checked(self, stream: str, user: str, password: str) -> int:
        """The position of the credential that this password is of.

        Raises Rejected `sign_in_failed`, `sign_in_delayed`, `busy`, `unavailable`.
        """

        def credential_of(state: SessionState) -> tuple[str, int, int]:
            credential = state.credentials.get(user)
            known = state.users.get(user)
            if credential is None or known is None or not known.active:
                return "", 0, 0
            return credential.password_hash, credential.password_seq, credential.retry_ns

        engine = self.door.engine
        digest, seq, retry_ns = "", 0, 0
        if stream in engine.writers:
            _, (digest, seq, retry_ns) = await engine.query(stream, credential_of)
        if engine.clock.now_ns() < retry_ns:
            raise Rejected("sign_in_delayed", "Too many wrong passwords. Try again later.", retry_ns=retry_ns)
        if await self.passwords.check(digest, password) and digest:
            return seq
        if stream in engine.writers:
            await self.send(stream, FailSignIn(user))
        raise Rejected("sign_in_failed", "Book, user and password do not go together.")

    async def sign_in(self, stream: str, user: str, password: str, kind: SessionKind) -> str:
        """Begin a session; returns its token.

        Raises Rejected as `checked` does.
        """
        seq = await self.checked(stream, user, password)
        token = new_token(stream)
        await self.send(stream, SignIn(user, session_name(token), kind, seq))
        return token

    async def sign_out(self, asker: Asker) -> None:
        """End a session."""
        await self.send(asker.stream, SignOut(asker.session))

    async def change_password(self, asker: Asker, old: str, new: str) -> None:
        """Set one's own password. It ends one's other sessions.

        Raises Rejected `password_invalid`, and as `checked` does.
        """
        await self.door.read(asker, lambda *_: None)
        seq = await self.checked(asker.stream, asker.user, old)
        digest = await self.passwords.hash(new)
        await self.send(asker.stream, ChangePassword(asker.user, digest, seq, asker.session))

    async def set_password(self, asker: Asker, user: str, new: str) -> Outcome:
        """Set the password of a user below. The writer says whether the asker may."""

        def may(state: object, asking: object, audience: object) -> None:
            if not audience.may(Permission.ROLES_MANAGE):  # type: ignore[attr-defined]
                raise Rejected("not_permitted", "This needs the permission roles_manage.", permission="roles_manage")

        await self.door.read(asker, may)
        digest = await self.passwords.hash(new)
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

        Raises Rejected `not_permitted`, `unknown_book`, `already_exists`, `password_invalid`.
        """

        def owner_of(house: House | Book, user: object, audience: object) -> str:
            if asker.stream != HOUSE or not audience.may(Permission.BOOK_OPEN):  # type: ignore[attr-defined]
                raise Rejected("not_permitted", "Only the platform may do this.", permission="book_open")
            assert isinstance(house, House)
            listing = house.books.get(book)
            if listing is None:
                raise Rejected("unknown_book", "There is no such book.", book=book)
            return listing.owner

        _, owner = await self.door.read(asker, owner_of)
        # A book that was just opened may not have taken its first step yet.
        await self.door.engine.query(book, lambda state: None, at_least=1)
        await self.set_first_password(book, owner, password)
