"""Signing: `runline login`, `logout` and `whoami`."""

import getpass
import os
import sys

import msgspec

from runline.client import AsyncClient, RefusedError, UnreachableError
from runline.config import require_known_variables
from runline.remote.calling import ENDED, call, call_as, chosen
from runline.remote.keeping import SignIn, forget, keep, kept
from runline.remote.where import SERVER, Where, address_of, can_be_overheard
from runline.shell import DONE, URL_VARIABLE, UnusableError, complain


def log_in(address: str | None, book: str | None, user: str | None, *, password_stdin: bool) -> int:
    """`runline login`: 0, 1 if it is refused, 2 if it cannot be asked for."""
    try:
        require_known_variables(os.environ)
        server = address_of(address or os.environ.get(URL_VARIABLE) or SERVER)
        if can_be_overheard(server):
            complain(
                f"warning: {server} is plain HTTP: the password can be read on the way. Is there an https address?"
            )
        asked = SignIn(server, book or typed("Book (or house): ", "--book"), user or typed("User: ", "--user"))
        before = next((one for one in kept() if one.is_same(asked)), asked)
        password = password_of(f"Password of {asked.user} in {asked.book}: ", from_stdin=password_stdin)
    except UnusableError as error:
        return complain(error)

    async def work(client: AsyncClient, sign_in: SignIn) -> int:
        token = await client.sign_in(sign_in.book, sign_in.user, password)
        file = keep(msgspec.structs.replace(sign_in, token=token, device=client.device))
        print(f"Signed in at {sign_in.server} to {sign_in.book} as {sign_in.user}. The token is kept in {file}.")
        return DONE

    return call_as(msgspec.structs.replace(before, token=""), work)


def log_out(where: Where) -> int:
    """`runline logout`: 0, 2 if there is nobody to sign out."""
    try:
        sign_in = chosen(where)
    except UnusableError as error:
        return complain(error)

    async def work(client: AsyncClient, sign_in: SignIn) -> int:
        try:
            await client.post("/v1/sign-out")
        except RefusedError as refused:
            if refused.code not in ENDED:
                raise
        except UnreachableError as error:
            forget(sign_in)
            return complain(
                f"{error}. The token is forgotten here; the session there ends when it has been idle for long"
            )
        forget(sign_in)
        print(f"Signed out at {sign_in.server}: {sign_in.user} in {sign_in.book}.")
        return DONE

    return call_as(sign_in, work)


def who_am_i(where: Where, *, as_json: bool) -> int:
    """`runline whoami`: 0, 1 if the session has ended, 2 if nobody has signed in."""

    async def work(client: AsyncClient, sign_in: SignIn) -> int:
        (me,) = (await client.ask("me")).items
        if as_json:
            print(msgspec.json.encode({"server": sign_in.server, **me}).decode())
            return DONE
        place = f"player {me['player']}" if me["player"] else f"{me['role']} at {me['node']}"
        print(f"{me['user']} in {me['stream']}, {place}, at {sign_in.server}")
        print(f"may: {', '.join(me['permissions'])}")
        return DONE

    return call(where, work)


def typed(prompt: str, flag: str) -> str:
    """What somebody types at the terminal. Raises UnusableError where there is none."""
    if not sys.stdin.isatty():
        raise UnusableError(f"{flag} is missing, and there is no terminal to ask on")
    text = input(prompt).strip()
    if not text:
        raise UnusableError(f"{flag} is missing")
    return text


def password_of(prompt: str, *, from_stdin: bool, twice: bool = False) -> str:
    """A password, typed without being shown; or the first line of the standard input. Raises UnusableError."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise UnusableError("there is no terminal to ask for the password on. Give it on the input: --password-stdin")
    password = getpass.getpass(prompt)
    if twice and getpass.getpass("Once more: ") != password:
        raise UnusableError("these are two different passwords; nothing was changed")
    return password
