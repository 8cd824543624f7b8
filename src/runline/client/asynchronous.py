"""Asynchronous: requests that are sent until they are answered, and a stream that is followed for ever.

Rule: what is sent again is the same, under the same id.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

import httpx
import msgspec

from runline.client.answers import (
    Executed,
    Page,
    RefusedError,
    UnreachableError,
    decode_answer,
    decode_page,
    line_outcome,
    refusal,
)
from runline.client.frames import ENDS, Follower, Frame, Gap, Parser, Reset
from runline.client.requests import command_id, path_of
from runline.client.typed import (
    Happened,
    Preview,
    Rows,
    after,
    fields_of,
    happened,
    parameters_of,
    previewed,
    rows_of,
)
from runline.domain.messages import Command
from runline.domain.queries.declared import Asked

R = TypeVar("R")

logger = logging.getLogger("runline.client")

RETRIED = frozenset((429, 502, 503, 504))
"""Statuses after which the same request is sent again."""

PAUSE_S = 0.05
PAUSE_S_MAX = 2.0

CLOCK_S = 600.0
"""How long what the server's clock says is taken for true, by one's own steady clock."""

SILENCE_S = 15.0
"""A stream that says nothing for so long (three heartbeats) is cut and resumed."""


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
        self.ahead_ns = 0
        self.compared_s: float | None = None
        self.comparing = asyncio.Lock()

    async def new_id(self) -> str:
        """A new id for a command, by the server's clock: however wrong the one here is.

        Raises UnreachableError.
        """
        async with self.comparing:
            began_s = time.monotonic()
            if self.compared_s is None or began_s > self.compared_s + CLOCK_S:
                response = await self.request("GET", "/v1/time")
                if response.status_code == 200:
                    here_ns = (int(began_s * 10**9) + time.monotonic_ns()) // 2
                    self.ahead_ns = int(response.json()["now_ns"]) - here_ns
                else:
                    self.ahead_ns = time.time_ns() - time.monotonic_ns()
                self.compared_s = began_s
        return command_id(time.monotonic_ns() + self.ahead_ns)

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
        return await self.send_as(await self.new_id(), command, fields)

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
        lines = [{"type": name, "command": fields, "id": await self.new_id()} for name, fields in commands]
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

    # The same, typed

    async def do(self, command: Command, *, sent_as: str = "", if_position: int | None = None) -> Happened:
        """Execute a command. sent_as: under an id of yours (`new_id`), so that it may be sent again after `UnreachableError`.

        Raises RefusedError, UnreachableError.
        """
        sent_as = sent_as or await self.new_id()
        return happened(
            await self.send_as(sent_as, type(command).__name__, fields_of(command), if_position=if_position)
        )

    async def preview(self, command: Command) -> Preview:
        """What would come of a command, which changes nothing.

        Raises RefusedError, UnreachableError.
        """
        sent_as = await self.new_id()
        return previewed(await self.send_as(sent_as, type(command).__name__, fields_of(command), preview=True))

    async def do_all(self, commands: Sequence[Command]) -> list[Happened | RefusedError]:
        """Execute up to 1,000 commands in one call; an outcome for each, in their order.

        Raises RefusedError if the call as a whole is refused, UnreachableError.
        """
        outcomes = await self.send_all([(type(one).__name__, fields_of(one)) for one in commands])
        return [one if isinstance(one, RefusedError) else happened(one) for one in outcomes]

    async def page(self, asked: Asked[R]) -> Rows[R]:
        """A page of a query's rows.

        Raises RefusedError, UnreachableError.
        """
        name, params = parameters_of(asked)
        response = await self.request("GET", f"/v1/{name}", params=params)
        if response.status_code != 200:
            raise refusal(response)
        return rows_of(asked, response.content)

    async def rows(self, asked: Asked[R]) -> AsyncIterator[R]:
        """All rows of a query, page after page. `limit` is how many are fetched at once.

        Raises RefusedError, UnreachableError.
        """
        while True:
            page = await self.page(asked)
            for row in page.items:
                yield row
            if not page.next:
                return
            asked = after(asked, page.next)

    # Live

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
