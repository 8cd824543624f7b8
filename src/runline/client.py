"""Client: Runline's API from Python, asynchronous (`AsyncClient`) and synchronous (`Client`).

    async with AsyncClient("http://localhost:8321") as runline:
        await runline.sign_in("b1", "anna", "a long password")
        placed = await runline.send("PlaceWager", player="P1", market="G1:game:moneyline", side="home",
                                    line_quarters=None, price="-110", amount_minor=10_00)
        async for frame in runline.stream("wagers", "figures"):
            print(frame.position, frame.topics)

A command gets an id here and is sent with the same id again until it is answered, so that it is executed once, whatever
happens on the way. A stream resumes by itself where it was cut.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from types import TracebackType
from typing import Any, TypeVar

import httpx
import msgspec

from runline.engine.ids import uuid7

logger = logging.getLogger("runline.client")

RETRIED = frozenset((429, 502, 503, 504))
"""Statuses after which the same request is sent again."""

PAUSE_S = 0.05
PAUSE_S_MAX = 2.0

SILENCE_S = 15.0
"""A stream that says nothing for so long (three heartbeats) is cut and resumed."""

ENDS = frozenset(("revoked", "signed_out"))
"""Reasons of a reset after which coming back needs another look: who asks may see other things now, or nothing."""


class RefusedError(Exception):
    """A request was refused. status: of HTTP; code: see docs/codes.md; details: the values that help."""

    def __init__(self, status: int, code: str, message: str, details: Mapping[str, Any], position: int) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.details = dict(details)
        self.position = position


class UnreachableError(Exception):
    """Nobody answered within the time given. The command may have been executed: send it again with the same id."""


class Executed(msgspec.Struct):
    """An executed command. position: of the stream after it. events: what happened. moves: of a preview."""

    position: int
    events: list[dict[str, Any]] = []
    repeated: bool = False
    preview: bool = False
    moves: dict[str, dict[str, Any]] = {}


class Page(msgspec.Struct):
    """A page of a query's answer.

    next: pass it as `after` for the next page; "" after the last. Of history, a page before the last may be short.
    """

    position: int
    items: list[dict[str, Any]]
    next: str = ""
    house: int = 0


class Frame(msgspec.Struct):
    """A frame of the live stream.

    kind: image (everything at `position`), delta (what changed after `after` up to `position`), heartbeat. A heartbeat with an id
    says that nothing else was to be told up to `position`.
    id: what a stream is resumed with; "" if the frame moves no position. topics: by name.
    """

    kind: str
    id: str
    after: int
    position: int
    house: int
    topics: dict[str, Any]


class Wire(msgspec.Struct):
    """What a frame's JSON may hold."""

    from_: int = msgspec.field(name="from", default=0)
    to: int = 0
    house_from: int = 0
    position: int = 0
    house: int = 0
    topics: dict[str, Any] = {}
    reason: str = ""


decode_answer = msgspec.json.Decoder(Executed).decode
decode_page = msgspec.json.Decoder(Page).decode
decode_wire = msgspec.json.Decoder(Wire).decode

T = TypeVar("T")


def refusal(response: httpx.Response) -> RefusedError:
    """The refusal that a response is."""
    try:
        body = msgspec.json.decode(response.content)
        error = body["error"]
        return RefusedError(
            response.status_code, error["code"], error["message"], error.get("details", {}), body.get("position", 0)
        )
    except (msgspec.DecodeError, KeyError, TypeError):
        return RefusedError(response.status_code, "unknown", response.text[:200], {}, 0)


def path_of(command: str) -> str:
    """The path of a command: PlaceWager -> /v1/place-wager."""
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in command)
    return f"/v1/{words.lstrip('-')}"


def command_id() -> str:
    """A new id for a command."""
    return uuid7(time.time_ns(), os.urandom)


class Parser:
    """Server-sent events from the lines of a response."""

    def __init__(self) -> None:
        self.kind, self.id, self.data = "", "", ""

    def take(self, line: str) -> tuple[str, str, str] | None:
        """(kind, id, data) once an event is whole."""
        if line:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                self.kind = value
            elif field == "id":
                self.id = value
            elif field == "data":
                self.data += value
            return None
        if not self.data:
            return None
        found = (self.kind, self.id, self.data)
        self.kind, self.id, self.data = "", "", ""
        return found


class Reset(Exception):
    """The server has ended the stream, with a reason."""


class Gap(Exception):
    """A frame begins behind where the last one has ended: something was lost on the way."""


class Follower:
    """Where a stream is: what it resumes with. last_id: of the last frame of an earlier stream, "" for an image."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self.house, self.position = place_of(last_id)

    def frame(self, event: tuple[str, str, str]) -> Frame:
        """The frame of a server-sent event, if it joins the one before.

        A frame may begin before the last one has ended: nothing was to be told between. Raises Reset; Gap, after which the stream
        must begin anew.
        """
        kind, event_id, data = event
        wire = decode_wire(data)
        if kind == "reset":
            raise Reset(wire.reason)
        position = wire.to or wire.position
        if event_id:
            if kind != "image" and (wire.from_ > self.position or wire.house_from > self.house):
                last_id = self.last_id
                self.begin_anew()
                raise Gap(f"A {kind} begins at {wire.house_from}:{wire.from_}, behind {last_id or 'nothing'}.")
            self.last_id = event_id
            self.house, self.position = wire.house, position
        return Frame(kind, event_id, wire.from_, position, wire.house, wire.topics)

    def begin_anew(self) -> None:
        """Forget what was seen: an image is next."""
        self.last_id, self.house, self.position = "", 0, 0


def place_of(event_id: str) -> tuple[int, int]:
    """(house position, position) of a frame's id."""
    parts = event_id.split(":")
    return (int(parts[1]), int(parts[2])) if len(parts) == 3 and all(map(str.isdecimal, parts[1:])) else (0, 0)


class AsyncClient:
    """The API, asynchronously.

    address: such as http://localhost:8321. token: of a session; `sign_in` gets one. device: of the last sign-in from here, to be
    kept by whoever signs in again and again, so that wrong passwords given elsewhere never delay it. deadline_s: how long a
    command is sent again and again before `UnreachableError`. transport: for tests.
    """

    def __init__(
        self,
        address: str,
        token: str = "",
        *,
        device: str = "",
        deadline_s: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.deadline_s = deadline_s
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self.http = httpx.AsyncClient(base_url=address, timeout=10.0, limits=limits, transport=transport)
        self.token = token
        self.device = device

    @property
    def token(self) -> str:
        """The session's token."""
        return str(self.http.headers.get("authorization", "")).removeprefix("Bearer ")

    @token.setter
    def token(self, token: str) -> None:
        if token:
            self.http.headers["authorization"] = f"Bearer {token}"
        else:
            self.http.headers.pop("authorization", None)

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.http.aclose()

    async def request(self, method: str, path: str, **fields: Any) -> httpx.Response:
        """An answer, whatever its status but those after which the same is sent again.

        Raises UnreachableError.
        """
        until = time.monotonic() + self.deadline_s
        pause = PAUSE_S
        while True:
            response: httpx.Response | None = None
            reason: Exception | None = None
            try:
                response = await self.http.request(method, path, **fields)
            except httpx.TransportError as error:
                reason = error
            if response is not None:
                if response.status_code not in RETRIED or time.monotonic() + pause > until:
                    return response
                if response.status_code == 429 and b'"busy"' not in response.content:
                    return response
            elif time.monotonic() + pause > until:
                raise UnreachableError(f"{self.http.base_url} does not answer: {reason}") from reason
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSE_S_MAX)

    async def sign_in(self, stream: str, user: str, password: str) -> str:
        """Sign in; the token is kept here and returned.

        Raises RefusedError, UnreachableError.
        """
        body = {"stream": stream, "user": user, "password": password, "device": self.device}
        response = await self.request("POST", "/v1/sign-in", json=body)
        if response.status_code != 200:
            raise refusal(response)
        found = response.json()
        self.token, self.device = found["token"], found["device"]
        return self.token

    async def confirm(self, password: str) -> None:
        """Give the password again, after the refusal `password_needed` (a console's session is refused so when it was idle).
        The refused command may be sent again then, under its id.

        Raises RefusedError, UnreachableError.
        """
        await self.post("/v1/confirm", password=password)

    async def post(self, path: str, **fields: Any) -> dict[str, Any]:
        """What a route that is not a command's answers (sign-out, passwords).

        Raises RefusedError, UnreachableError.
        """
        response = await self.request("POST", path, json=fields)
        if response.status_code != 200:
            raise refusal(response)
        found: dict[str, Any] = response.json()
        return found

    async def send(self, command: str, /, **fields: Any) -> Executed:
        """Execute a command by its name, with its fields.

        Raises RefusedError, UnreachableError.
        """
        return await self.send_as(command_id(), command, fields)

    async def send_as(
        self,
        sent_as: str,
        command: str,
        fields: Mapping[str, Any],
        *,
        preview: bool = False,
        if_position: int | None = None,
    ) -> Executed:
        """Execute a command under an id of yours, or preview it.

        Raises RefusedError, UnreachableError.
        """
        params: dict[str, Any] = {}
        if preview:
            params["preview"] = "true"
        if if_position is not None:
            params["if_position"] = if_position
        headers = {"idempotency-key": sent_as, "content-type": "application/json"}
        content = msgspec.json.encode(fields)
        response = await self.request("POST", path_of(command), content=content, params=params, headers=headers)
        if response.status_code != 200:
            raise refusal(response)
        return decode_answer(response.content)

    async def send_all(self, commands: list[tuple[str, Mapping[str, Any]]]) -> list[Executed | RefusedError]:
        """Execute up to 1,000 commands in one call; an outcome for each, in their order.

        Raises RefusedError if the call as a whole is refused, UnreachableError.
        """
        lines = [{"type": name, "command": fields, "id": command_id()} for name, fields in commands]
        content = b"\n".join(map(msgspec.json.encode, lines))
        headers = {"content-type": "application/x-ndjson"}
        response = await self.request("POST", "/v1/commands", content=content, headers=headers)
        if response.status_code != 200:
            raise refusal(response)
        return [line_outcome(line) for line in response.content.splitlines()]

    async def ask(self, query: str, /, **params: Any) -> Page:
        """A page of a query's answer.

        Raises RefusedError, UnreachableError.
        """
        response = await self.request("GET", f"/v1/{query}", params=params)
        if response.status_code != 200:
            raise refusal(response)
        return decode_page(response.content)

    async def stream(self, *topics: str, last_id: str = "", node: str = "") -> AsyncGenerator[Frame, None]:
        """Follow topics: an image first, then deltas and heartbeats, for ever. It resumes by itself. If a frame was lost on the
        way, that is logged as a warning, and another image is next.

        node: only what concerns that agent's subtree.
        Raises RefusedError once it may not go on.
        """
        follower = Follower(last_id)
        pause = PAUSE_S
        timeout = httpx.Timeout(10.0, read=SILENCE_S)
        while True:
            headers = {"last-event-id": follower.last_id} if follower.last_id else {}
            params = {"topics": ",".join(topics), **({"node": node} if node else {})}
            try:
                async with self.http.stream(
                    "GET", "/v1/stream", params=params, headers=headers, timeout=timeout
                ) as response:
                    if response.status_code != 200:
                        await response.aread()
                        if response.status_code not in RETRIED:
                            raise refusal(response)
                    else:
                        parser = Parser()
                        async for line in response.aiter_lines():
                            event = parser.take(line)
                            if event is not None:
                                yield follower.frame(event)
                                pause = PAUSE_S
            except Reset as reset:
                if str(reset) in ENDS or str(reset) == "lagged":
                    follower.begin_anew()
            except Gap as gap:
                logger.warning("the stream begins anew: %s", gap)
            except httpx.TransportError:
                pass
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSE_S_MAX)


def line_outcome(line: bytes) -> Executed | RefusedError:
    """The outcome in a line of a bulk answer."""
    body = msgspec.json.decode(line)
    error = body.get("error")
    if error is None:
        return decode_answer(line)
    return RefusedError(0, error["code"], error["message"], error["details"], body["position"])


class Client:
    """The API, synchronously: the same methods, each waiting for its answer. Not for use within a running event loop."""

    def __init__(self, address: str, token: str = "", *, deadline_s: float = 30.0) -> None:
        self.runner = asyncio.Runner()
        self.client = AsyncClient(address, token, deadline_s=deadline_s)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.runner.run(self.client.close())
        self.runner.close()

    def sign_in(self, stream: str, user: str, password: str) -> str:
        """See AsyncClient."""
        return self.runner.run(self.client.sign_in(stream, user, password))

    def confirm(self, password: str) -> None:
        """See AsyncClient."""
        self.runner.run(self.client.confirm(password))

    def post(self, path: str, **fields: Any) -> dict[str, Any]:
        """See AsyncClient."""
        return self.runner.run(self.client.post(path, **fields))

    def send(self, command: str, /, **fields: Any) -> Executed:
        """See AsyncClient."""
        return self.runner.run(self.client.send(command, **fields))

    def send_as(
        self,
        sent_as: str,
        command: str,
        fields: Mapping[str, Any],
        *,
        preview: bool = False,
        if_position: int | None = None,
    ) -> Executed:
        """See AsyncClient."""
        return self.runner.run(self.client.send_as(sent_as, command, fields, preview=preview, if_position=if_position))

    def send_all(self, commands: list[tuple[str, Mapping[str, Any]]]) -> list[Executed | RefusedError]:
        """See AsyncClient."""
        return self.runner.run(self.client.send_all(commands))

    def ask(self, query: str, /, **params: Any) -> Page:
        """See AsyncClient."""
        return self.runner.run(self.client.ask(query, **params))

    def stream(self, *topics: str, last_id: str = "", node: str = "") -> Generator[Frame, None, None]:
        """See AsyncClient."""
        frames = self.client.stream(*topics, last_id=last_id, node=node)
        try:
            while True:
                try:
                    yield self.runner.run(next_frame(frames))
                except StopAsyncIteration:
                    return
        finally:
            self.runner.run(frames.aclose())


async def next_frame(frames: AsyncIterator[Frame]) -> Frame:
    return await anext(frames)
