"""Asking: `runline api`: any route of the API, by hand or from a script."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
from rich.console import Console

from runline.client import AsyncClient
from runline.client.requests import path_of
from runline.domain.messages import Command
from runline.remote.calling import call
from runline.remote.declared import commands
from runline.remote.keeping import SignIn
from runline.remote.where import Where
from runline.shell import DONE, FAILED, UnusableError, complain, nearest, reason_of

OK_MAX = 299

KEY = "idempotency-key"


class Call(msgspec.Struct, frozen=True):
    """What is asked for. to: a command's name, a path, or a query's name. fields: NAME=VALUE. body: a file, or - for the input.

    sent_as: the command's id; "" for a new one. paginate: all pages, a row a line. include: the head of the answer too.
    """

    to: str
    method: str = ""
    fields: tuple[str, ...] = ()
    body: str = ""
    preview: bool = False
    if_position: int | None = None
    sent_as: str = ""
    paginate: bool = False
    include: bool = False


class Request(msgspec.Struct, frozen=True):
    """A request as it is sent. keyed: it is a command, which gets an id by the server's clock unless it has one."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    content: bytes | None
    keyed: bool = False


def ask(where: Where, asked: Call) -> int:
    """`runline api`: 0, 1 if it is refused, 2 if it cannot be sent."""
    try:
        request = request_of(asked)
    except UnusableError as error:
        return complain(error)

    async def work(client: AsyncClient, sign_in: SignIn) -> int:
        if asked.paginate:
            return await show_pages(client, request)
        if request.keyed:
            request.headers.setdefault(KEY, await client.new_id())
        response = await send(client, request)
        if asked.include:
            print(f"HTTP {response.status_code}")
            print("\n".join(f"{name}: {value}" for name, value in response.headers.items()), end="\n\n")
        print(shown(response))
        if response.status_code <= OK_MAX:
            return DONE
        return complain(reason(response), FAILED)

    return call(where, work)


def request_of(asked: Call) -> Request:
    """The request that is asked for: a command is posted, anything else is a question unless a method or a body says otherwise.

    Raises UnusableError.
    """
    command = command_named(asked.to)
    path = path_of(command.__name__) if command else asked.to if asked.to.startswith("/") else f"/v1/{asked.to}"
    fields = fields_of(asked.fields, command)
    content = body_of(asked.body)
    method = asked.method.upper() or ("GET" if command is None and content is None else "POST")
    if method == "GET":
        params = {
            name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
            for name, value in fields.items()
        }
        return Request(method, path, params, {}, None)
    if content is not None and fields:
        raise UnusableError("fields and --input are two bodies: give one of them")
    params = {"preview": "true"} if asked.preview else {}
    if asked.if_position is not None:
        params["if_position"] = str(asked.if_position)
    headers = {"content-type": "application/json"}
    if command is not None and asked.sent_as:
        headers[KEY] = asked.sent_as
    body = content if content is not None else msgspec.json.encode(fields)
    return Request(method, path, params, headers, body, command is not None)


def command_named(name: str) -> type[Command] | None:
    """The command of this name, or whose path this is; None if it is a path or a query.

    Raises UnusableError for the name of none.
    """
    named = commands()
    if name in named:
        return named[name]
    by_path = {path_of(one): kind for one, kind in named.items()}
    path = name if name.startswith("/") else f"/v1/{name}"
    if path in by_path:
        return by_path[path]
    if name[:1].isupper():
        raise UnusableError(f"there is no command {name}. {nearest(name, named)}A path begins with /")
    return None


def fields_of(texts: Sequence[str], command: type[Command] | None) -> dict[str, Any]:
    """Fields by name. What a command takes as text is taken as it is, the rest is JSON. Raises UnusableError."""
    declared = {field.name: field.type for field in msgspec.structs.fields(command)} if command else {}
    found: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise UnusableError(f"-f takes NAME=VALUE, not {text}")
        if command is None:
            found[name] = value
        elif name not in declared:
            names = ", ".join(declared) or "none"
            raise UnusableError(f"{command.__name__} has no field {name}. {nearest(name, declared)}Its fields: {names}")
        else:
            found[name] = value_of(command.__name__, name, declared[name], value)
    return found


def value_of(command: str, name: str, kind: Any, text: str) -> Any:
    """A field's value. Raises UnusableError."""
    if takes_text(msgspec.inspect.type_info(kind)):
        return text
    try:
        return msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        raise UnusableError(f"{name} of {command} takes JSON, such as 2500, true, null or [..], not {text}") from None


def takes_text(kind: msgspec.inspect.Type) -> bool:
    """Whether a field takes text."""
    if isinstance(kind, msgspec.inspect.Metadata):
        return takes_text(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        return any(map(takes_text, kind.types))
    if isinstance(kind, msgspec.inspect.LiteralType):
        return all(isinstance(value, str) for value in kind.values)
    return isinstance(kind, msgspec.inspect.StrType | msgspec.inspect.EnumType)


def json_of(value: Any) -> str:
    """A value as JSON text."""
    return msgspec.json.encode(value).decode()


def body_of(source: str) -> bytes | None:
    """The body in a file, or on the standard input; None without one. Raises UnusableError."""
    if not source:
        return None
    if source == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise UnusableError(f"--input: {reason_of(error)}") from None


async def send(client: AsyncClient, request: Request, **more: str) -> httpx.Response:
    """Send a request until it is answered. Raises UnreachableError."""
    # Empty ones would take those away that are in the path.
    params: Mapping[str, str] | None = request.params | more or None
    return await client.request(
        request.method, request.path, params=params, headers=request.headers, content=request.content
    )


async def show_pages(client: AsyncClient, request: Request) -> int:
    """Print every row of every page, a line each."""
    progress = Console(stderr=True)
    rows, after = 0, request.params.get("after", "")
    with progress.status("asking …") as status:
        while True:
            response = await send(client, request, **({"after": after} if after else {}))
            if response.status_code > OK_MAX:
                return complain(reason(response), FAILED)
            page = msgspec.json.decode(response.content)
            if not isinstance(page, dict) or "items" not in page:
                raise UnusableError(f"{request.path} has no pages: leave --paginate out")
            for row in page["items"]:
                print(msgspec.json.encode(row).decode())
            rows += len(page["items"])
            status.update(f"{rows:,} rows …")
            after = page.get("next", "")
            if not after:
                return DONE


def shown(response: httpx.Response) -> str:
    """An answer's body: JSON in lines for people, as it came for programs."""
    if sys.stdout.isatty() and "json" in response.headers.get("content-type", ""):
        return msgspec.json.format(response.content, indent=2).decode()
    return response.text


def reason(response: httpx.Response) -> str:
    """Why a request was refused."""
    try:
        error = msgspec.json.decode(response.content)["error"]
        return f"{error['code']}: {error['message']}"
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"HTTP {response.status_code}"
