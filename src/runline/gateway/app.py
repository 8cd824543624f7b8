"""App: the doors. The hot ones and the documents are plain ASGI; the framework leads to all others."""

import asyncio
import logging
import re
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from litestar import Litestar, MediaType, Response
from litestar.datastructures import ResponseHeader
from litestar.exceptions import HTTPException

from runline.domain.messages import Rejected
from runline.domain.topics import split_topics
from runline.domain.vocabulary import Vocabulary
from runline.engine.limits import REQUESTS_PER_SEND_MAX
from runline.gateway.answers import internal_error, outcome_json, rejected_json, status_of
from runline.gateway.bodies import CommandAnswer
from runline.gateway.console import console_doors
from runline.gateway.documentation import PAGE_POLICY, documentation_page
from runline.gateway.door import CommandLine, decoded
from runline.gateway.gateway import Gateway
from runline.gateway.limits import BODY_BYTES_MAX, BULK_BYTES_MAX, LINE_NS
from runline.gateway.openapi import make_document
from runline.gateway.operations import HANDLES, Asking, Handle, Header, Operation, framework_route, json_of
from runline.gateway.parameters import Followed, parameters, require_known
from runline.gateway.refusing import SENT, refusals_of
from runline.gateway.routes import KEY, operations
from runline.gateway.screens import parse_resume
from runline.gateway.web import (
    JSON,
    answer,
    body_of,
    called_by,
    connection_of,
    guarded,
    headers_of,
    log_fault,
    refusal_headers,
    refuse,
    request_id_of,
    require_content,
)

Doors = dict[tuple[str, str], Any]
"""Plain ASGI applications by method and path."""

logger = logging.getLogger("runline.gateway")

NDJSON = (b"application/x-ndjson", b"application/jsonl")


def rejected_response(request: Any, rejected: Rejected) -> Response[bytes]:
    """A refusal as a response."""
    headers = {name.decode(): value.decode() for name, value in refusal_headers(rejected.code)}
    return Response(
        rejected_json(rejected, request_id_of(request.scope)),
        status_code=status_of(rejected.code),
        media_type=MediaType.JSON,
        headers=headers,
    )


NOT_KEPT = {"cache-control": "no-store"}
"""What the head of an operation's answer has, if it does not say otherwise."""

CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 400: "malformed_request", 415: "content_type"}


def http_error(request: Any, error: HTTPException) -> Response[bytes]:
    """What the framework refuses, with our codes."""
    code = CODES.get(error.status_code, "malformed_request")
    details = {"extra": error.extra} if isinstance(error.extra, list | dict) and error.extra else {}
    return rejected_response(request, Rejected(code, str(error.detail), **details))


def fault(request: Any, error: Exception) -> Response[bytes]:
    """A fault of ours: it is logged here."""
    log_fault(request_id_of(request.scope), error)
    return rejected_response(request, internal_error(error))


def gone(request: Any, error: ConnectionError) -> Response[bytes]:
    """The client has gone before its request was read: nobody hears this."""
    return Response(b"", status_code=400)


def hot_doors(gateway: Gateway) -> dict[tuple[str, str], Any]:
    """The doors that are plain ASGI, by method and path: one wager, many commands, the live stream."""
    door = gateway.door
    place_wager = door.decoders["PlaceWager"]

    async def wagers(scope: Any, receive: Any, send: Any) -> None:
        headers = headers_of(scope)
        caller = await called_by(scope)
        require_content(headers, JSON)
        command = decoded(place_wager, await body_of(receive, headers, BODY_BYTES_MAX))
        key = headers.get(b"idempotency-key", b"").decode("latin-1")
        status, body = outcome_json(await door.bus.send_one(door.request(caller, command, key)), request_id_of(scope))
        await answer(send, status, body)

    async def commands(scope: Any, receive: Any, send: Any) -> None:
        headers = headers_of(scope)
        caller = await called_by(scope)
        require_content(headers, *NDJSON)
        body = await body_of(receive, headers, BULK_BYTES_MAX)
        if body.count(b"\n") > 2 * REQUESTS_PER_SEND_MAX:
            raise Rejected("too_many", "Too many lines in one call.", most=REQUESTS_PER_SEND_MAX)
        lines = [line for line in body.split(b"\n") if line.strip()]
        connection_of(scope).pace.spend(len(lines) * LINE_NS)
        outcomes = await door.execute_lines(caller, lines)
        named = request_id_of(scope)
        found = [outcome_json(outcome, named)[1] for outcome in outcomes]
        await answer(send, 200, b"\n".join([*found, b""]), NDJSON[0])

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        headers = headers_of(scope)
        caller = await called_by(scope)
        followed = parameters(scope, Followed)
        topics = split_topics(followed.topics, door.vocabulary.topics)
        resume = parse_resume(headers.get(b"last-event-id", b"").decode("latin-1"))
        screen = await gateway.fan.join(caller.stream, caller.session, topics, resume, followed.node)
        watching = asyncio.create_task(watch(receive, screen))
        write_now = connection_of(scope).write_now
        try:
            frames = await screen.next()
            start = [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
            ]
            await send({"type": "http.response.start", "status": 200, "headers": start})
            while frames:
                await send({"type": "http.response.body", "body": frames, "more_body": True})
                frames = await screen.next(write_now)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watching.cancel()
            gateway.fan.leave(screen)

    return {
        ("POST", "/v1/wagers"): guarded(wagers),
        ("POST", "/v1/commands"): guarded(commands),
        ("GET", "/v1/stream"): guarded(stream),
    }


async def watch(receive: Any, screen: Any) -> None:
    """Notice that a client has gone."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            screen.close()
            return


def hot_operations(vocabulary: Vocabulary) -> list[Operation]:
    """What those doors are."""
    place = vocabulary.commands["PlaceWager"]
    topics = "\n\n".join(f"`{one.name}`: {one.about} Needs `{one.needs}`." for one in vocabulary.topics.values())
    last = Header(
        "last-event-id",
        "The id of the last frame: the stream goes on from there if nothing is missing.",
        "8c1f:812:4711",
        128,
    )
    return [
        Operation(
            "POST",
            "/v1/wagers",
            "place_wager_hot",
            "Commands",
            "Place a wager, by the quick door.",
            json_of(CommandAnswer),
            "The same as `POST /v1/place-wager`, without a preview, in less time.",
            headers=(KEY,),
            body=place,
            codes=(*SENT, *refusals_of(vocabulary, place)),
        ),
        Operation(
            "POST",
            "/v1/commands",
            "commands",
            "Commands",
            "Send up to 1,000 commands at once.",
            {"application/x-ndjson": "CommandOutcome"},
            "A line of JSON for each command; a line for each outcome, in the same order: a `CommandAnswer`, or a `RefusalBody`.",
            body=CommandLine,
            body_content="application/x-ndjson",
        ),
        Operation(
            "GET",
            "/v1/stream",
            "stream",
            "Live stream",
            "Follow what changes, as server-sent events.",
            {"text/event-stream": "Frame"},
            f"Each frame has an `event`, mostly an `id`, and `data`, which is JSON. Topics:\n\n{topics}",
            takes=Followed,
            headers=(last,),
            codes=("topic_invalid", "resume_invalid", "unknown_agent"),
        ),
    ]


def every_operation(gateway: Gateway) -> list[Operation]:
    """All of the API."""
    return [*hot_operations(gateway.door.vocabulary), *operations(gateway)]


class Declared(msgspec.Struct, frozen=True):
    """What follows from a vocabulary alone, whoever answers. framework: leads to the operations that have no door of their own.
    document: of the API. page: that shows it."""

    framework: Litestar
    document: bytes
    page: bytes


DECLARED: WeakKeyDictionary[Vocabulary, Declared] = WeakKeyDictionary()


def declared(vocabulary: Vocabulary, listed: list[Operation]) -> Declared:
    """What follows from what is declared. It is made once, however many servers a process has."""
    found = DECLARED.get(vocabulary)
    if found is None:
        document = make_document(vocabulary, listed)
        found = DECLARED[vocabulary] = Declared(
            make_framework(listed), msgspec.json.encode(document), documentation_page(document)
        )
    return found


HOST = re.compile(rb"[0-9A-Za-z.:-]*")
"""A host as it is written nearly always."""


def is_plain(scope: Any) -> bool:
    """Whether the framework has nothing to say to a request for a path and method that are declared."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return HOST.fullmatch(host) is not None


def operation_door(handle: Handle) -> Any:
    """An operation's own door. The framework leads to it as well, for whoever asks otherwise than plainly, and costs more than
    most operations."""

    async def door(scope: Any, receive: Any, send: Any) -> None:
        request = Asking(scope, receive, send)
        response = await handle(request)
        await response.to_asgi_response(None, request, headers=NOT_KEPT)(scope, receive, send)

    return guarded(door)


def make_app(gateway: Gateway, more: Doors | None = None) -> Any:
    """The ASGI application: the hot doors, the console's files, `more` doors, and the framework for all others."""
    listed = every_operation(gateway)
    doors = {**hot_doors(gateway), **(more or {})}
    made = declared(gateway.door.vocabulary, listed)
    framework = made.framework
    handles = {one.name: one.handle for one in listed if one.handle is not None}
    plain = {(one.method, one.path): operation_door(one.handle) for one in listed if one.handle is not None}

    async def schema(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, 200, made.document)

    async def documentation(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, 200, made.page, b"text/html; charset=utf-8", PAGE_POLICY)

    doors["GET", "/v1/schema/openapi.json"] = schema
    doors["GET", "/v1/schema"] = doors["GET", "/v1/schema/"] = documentation
    known: dict[tuple[str, str], tuple[str, ...]] = dict.fromkeys(doors, ())
    known |= {(one.method, one.path): one.takes.__struct_encode_fields__ for one in listed}
    hot = {**console_doors(), **doors}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        door = None
        if scope["type"] == "http":
            method, path = scope["method"], scope["path"]
            door = hot.get((method, path))
            names = known.get((method, path.rstrip("/"))) if scope["query_string"] else None
            if names is not None:
                try:
                    require_known(scope["query_string"], names)
                except Rejected as rejected:
                    await refuse(scope, send, rejected)
                    return
            if door is None:
                door = plain.get((method, path)) if is_plain(scope) else None
                scope["extensions"][HANDLES] = handles
        await (door or framework)(scope, receive, send)

    return app


def make_framework(listed: list[Operation]) -> Litestar:
    """What leads to the operations that have no door of their own."""
    return Litestar(
        [framework_route(one) for one in listed if one.handle is not None],
        exception_handlers={
            Rejected: rejected_response,
            HTTPException: http_error,
            ConnectionError: gone,
            Exception: fault,
        },
        openapi_config=None,
        response_headers=[ResponseHeader(name=name, value=value) for name, value in NOT_KEPT.items()],
        logging_config=None,
        debug=False,
    )
