"""App: the routes. Those of commands and queries follow from their declarations; the hot ones are plain ASGI."""

import asyncio
import logging
from typing import Any
from urllib.parse import parse_qs

import msgspec
from litestar import Litestar, MediaType, Response, get
from litestar.datastructures import ResponseHeader
from litestar.exceptions import HTTPException
from litestar.openapi import ResponseSpec
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from runline import __version__
from runline.domain.messages import Rejected
from runline.domain.topics import split_topics
from runline.engine.limits import REQUESTS_PER_SEND_MAX
from runline.gateway.answers import internal_error, outcome_json, rejected_json, status_of
from runline.gateway.console import console_doors
from runline.gateway.door import decoded, public_commands
from runline.gateway.gateway import Gateway
from runline.gateway.limits import BODY_BYTES_MAX, BULK_BYTES_MAX, LINE_NS
from runline.gateway.openapi import PAGE_POLICY, documentation_page, make_document
from runline.gateway.routes import SESSION_BODIES, command_route, delivery_route, query_route, session_routes
from runline.gateway.screens import parse_resume
from runline.gateway.web import (
    JSON,
    answer,
    body_of,
    called_by,
    connection_of,
    guarded,
    headers_of,
    refusal_headers,
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
        rejected_json(rejected), status_code=status_of(rejected.code), media_type=MediaType.JSON, headers=headers
    )


CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 400: "malformed_request", 415: "content_type"}


def http_error(request: Any, error: HTTPException) -> Response[bytes]:
    """What the framework refuses, with our codes."""
    code = CODES.get(error.status_code, "malformed_request")
    details = {"extra": error.extra} if isinstance(error.extra, list | dict) and error.extra else {}
    return rejected_response(request, Rejected(code, str(error.detail), **details))


def fault(request: Any, error: Exception) -> Response[bytes]:
    """A fault of ours: it is logged here."""
    logger.error("a fault while answering", exc_info=error)
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
        status, body = outcome_json(await door.bus.send_one(door.request(caller, command, key)))
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
        found = [outcome_json(outcome)[1] for outcome in outcomes]
        await answer(send, 200, b"\n".join([*found, b""]), NDJSON[0])

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        headers = headers_of(scope)
        caller = await called_by(scope)
        topics = split_topics(query_value(scope["query_string"], "topics"), door.vocabulary.topics)
        node = query_value(scope["query_string"], "node")
        resume = parse_resume(headers.get(b"last-event-id", b"").decode("latin-1"))
        screen = await gateway.fan.join(caller.stream, caller.session, topics, resume, node)
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


def query_value(query: bytes, name: str) -> str:
    """A value of a query string, or ""."""
    try:
        return parse_qs(query.decode("ascii"), max_num_fields=16).get(name, [""])[-1]
    except (UnicodeDecodeError, ValueError):
        raise Rejected("malformed_request", "The query string cannot be read.") from None


class Alive(msgspec.Struct, omit_defaults=True):
    """Whether commands of every stream can be recorded now. failing: the parts that are not well (the query `conditions` says
    more)."""

    ready: bool
    failing: tuple[str, ...] = ()


def make_app(gateway: Gateway, more: Doors | None = None) -> Any:
    """The ASGI application: the hot doors, the console's files, `more` doors, and the framework for all others."""
    framework, hot = make_framework(gateway), {**console_doors(), **hot_doors(gateway), **(more or {})}
    document = make_document(framework, gateway.door.vocabulary, SESSION_BODIES)
    described = msgspec.json.encode(document)
    page = documentation_page(document)

    async def schema(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, 200, described)

    async def documentation(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, 200, page, b"text/html; charset=utf-8", PAGE_POLICY)

    hot["GET", "/v1/schema/openapi.json"] = schema
    hot["GET", "/v1/schema"] = hot["GET", "/v1/schema/"] = documentation

    async def app(scope: Any, receive: Any, send: Any) -> None:
        door = hot.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        await (door or framework)(scope, receive, send)

    return app


def make_framework(gateway: Gateway) -> Litestar:
    """The routes that follow from declarations, and their documentation."""

    @get(
        "/v1/ready",
        operation_id="ready",
        tags=["Health"],
        responses={503: ResponseSpec(Alive, generate_examples=False)},
    )
    async def ready() -> Response[Alive]:
        """Whether commands of every stream can be recorded now: 200, or 503."""
        found = await gateway.door.readiness()
        return Response(Alive(found.ready, found.failing), status_code=200 if found.ready else 503)

    routes = [
        *(command_route(gateway, kind) for kind in public_commands(gateway.door.vocabulary)),
        *(query_route(gateway, query) for query in gateway.door.vocabulary.queries.values()),
        *session_routes(gateway),
        delivery_route(gateway),
        ready,
    ]
    security = [{"token": []}]  # type: ignore[var-annotated]
    return Litestar(
        routes,
        exception_handlers={
            Rejected: rejected_response,
            HTTPException: http_error,
            ConnectionError: gone,
            Exception: fault,
        },
        openapi_config=OpenAPIConfig(
            title="Runline",
            version=__version__,
            description="A real-time sportsbook execution engine. Every answer says at which position it is true.",
            security=security,
            components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
            path="/v1/schema",
            render_plugins=[JsonRenderPlugin()],
        ),
        response_headers=[ResponseHeader(name="cache-control", value="no-store")],
        logging_config=None,
        debug=False,
    )
