"""Calling: a command's way to a server: as whom, until it is answered, and what is said if it is refused."""

import asyncio
import os
from collections.abc import Awaitable, Callable

from runline.client import AsyncClient, RefusedError, UnreachableError
from runline.config import require_known_variables
from runline.remote.keeping import SignIn, forget, kept
from runline.remote.where import SERVER, Where, address_of
from runline.shell import FAILED, TOKEN_VARIABLE, URL_VARIABLE, UnusableError, complain, to_paste

ANSWER_S_MAX = 5.0
"""How long somebody at a terminal waits for a server that does not answer, or is busy."""

ENDED = ("not_signed_in", "signed_out")
"""Codes after which one has to sign in again."""

Work = Callable[[AsyncClient, SignIn], Awaitable[int]]


def call(where: Where, work: Work) -> int:
    """Do something at a server, as whoever has signed in there. Returns the status with which the command ends."""
    try:
        sign_in = chosen(where)
    except UnusableError as error:
        return complain(error)
    return call_as(sign_in, work)


def call_as(sign_in: SignIn, work: Work) -> int:
    """The same, as somebody."""

    async def main() -> int:
        client = AsyncClient(sign_in.server, sign_in.token, device=sign_in.device, deadline_s=ANSWER_S_MAX)
        async with client:
            try:
                return await work(client, sign_in)
            except RefusedError as refused:
                if refused.code in ENDED and sign_in.user:
                    forget(sign_in)
                return complain_of(refused, sign_in)

    try:
        return asyncio.run(main())
    except UnusableError as error:
        return complain(error)
    except UnreachableError as error:
        return complain(f"{error}. Is a server running there? `runline serve` starts one, --server names another")


def chosen(where: Where) -> SignIn:
    """The sign-in that is meant: by the token in the environment, else the last one that fits.

    Raises UnusableError.
    """
    require_known_variables(os.environ)
    named = where.server or os.environ.get(URL_VARIABLE)
    server = address_of(named) if named else ""
    token = os.environ.get(TOKEN_VARIABLE, "")
    if token:
        return SignIn(server or SERVER, where.book or "", where.user or "", token)
    for one in kept():
        fits = one.server == server or not server
        if one.token and fits and where.book in (None, one.book) and where.user in (None, one.user):
            return one
    at = f" at {server}" if server else ""
    to = f" to {where.book}" if where.book else ""
    who = f" as {where.user}" if where.user else ""
    raise UnusableError(f"you have not signed in{at}{to}{who}. Sign in: {login_of(server, where.book, where.user)}")


def login_of(server: str, book: str | None, user: str | None) -> str:
    """The command by which somebody signs in."""
    words = ["login", *([server] if server else [])]
    words += [*(["--book", book] if book else []), *(["--user", user] if user else [])]
    return to_paste(*words)


def complain_of(refused: RefusedError, sign_in: SignIn) -> int:
    """Say why a server has refused something, and what would mend it."""
    if refused.code == "unknown":
        said = f"{sign_in.server} does not answer as Runline does (HTTP {refused.status}). Is the address right?"
    elif refused.code in ENDED:
        again = login_of(sign_in.server, sign_in.book, sign_in.user)
        said = f"{refused}\nrunline: sign in again: {again}"
    elif refused.code == "wrong_stream":
        said = f"{refused} You act in {sign_in.book or 'the place of this token'}; --book names another"
    else:
        more = ", ".join(f"{name} {value}" for name, value in refused.details.items())
        said = f"{refused}{f' [{more}]' if more else ''}"
    return complain(said, FAILED)
