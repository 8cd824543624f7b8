"""App: the routes. Those of commands and queries follow from their declarations; the hot ones are plain ASGI."""

import asyncio
import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.datastructures import ResponseHeader
from litestar.exceptions import HTTPException
from litestar.openapi import ResponseSpec
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import HeaderParameter, QueryParameter

from runline import __version__
from runline.domain.messages import HOUSE, Command, Rejected
from runline.domain.sessions import SessionKind
from runline.gateway.answers import Error, Refusal, outcome_json, rejected_json, status_of
from runline.gateway.door import Asker, Door, decoded, decoder_of, path_name, public_commands
from runline.gateway.history import answer as answer_from_history
from runline.gateway.history import open_reader
from runline.gateway.limits import BODY_BYTES_MAX, BULK_BYTES_MAX, READS_WAITING_MAX, STALLED_S_MAX
from runline.gateway.live import Live, parse_resume, split_topics
from runline.gateway.openapi import documentation_page, make_document
from runline.gateway.passwords import Passwords, Worker
from runline.gateway.queries import QUERIES, Page, Query, require
from runline.gateway.signing import Signing
from runline.gateway.web import (
    COOKIE,
    SECURE_COOKIE,
    answer,
    body_of,
    headers_of,
    refuse,
    require_content,
    token_of,
)

logger = logging.getLogger("runline.gateway")

POSITION_MAX = 2**62

JSON = b"application/json"
NDJSON = (b"application/x-ndjson", b"application/jsonl")


class Gateway:
    """Everything that the routes need. database: the SQLite file, for the reader process."""

    def __init__(self, door: Door, database: Path, *, secure: bool) -> None:
        self.door = door
        self.passwords = Passwords()
        self.signing = Signing(door, self.passwords)
        self.live = Live(door)
        self.reader = Worker(READS_WAITING_MAX, open_reader, str(database))
        self.secure = secure

    async def close(self) -> None:
        """End the live streams and the helpers."""
        await self.live.close()
        self.passwords.close()
        self.reader.close()

    async def ask(self, asker: Asker, query: Query, asked: Any) -> bytes:
        """The answer to a query, as JSON."""
        engine = self.door.engine
        now_ns = engine.clock.now_ns()
        if query.history:
            await self.door.read(
                asker, lambda state, user, audience: require(query, kind_of(asker), audience), asked.at_least
            )
            found = await self.reader.call(
                answer_from_history, query.name, asker.stream, asker.session, asker.user, asked, now_ns
            )
            if isinstance(found, Error):
                raise Rejected(found.code, found.message, **found.details)
            return b'{"position":%d,%b' % (found[0], found[1][1:])

        def show(state: Any, user: Any, audience: Any) -> tuple[int, Page]:
            require(query, kind_of(asker), audience)
            house = state if asker.stream == HOUSE else engine.view
            assert query.show is not None
            return house.seq, query.show(state, house, user, audience, asked, now_ns)

        position, (house, page) = await self.door.read(asker, show, asked.at_least)
        return b'{"position":%d,"house":%d,%b' % (position, house, msgspec.json.encode(page)[1:])


def kind_of(asker: Asker) -> Any:
    """Which kind of stream somebody is signed in to."""
    return "house" if asker.stream == HOUSE else "book"


def rejected_response(request: Any, rejected: Rejected) -> Response[bytes]:
    """A refusal as a response."""
    status = status_of(rejected.code)
    if status >= 500 and rejected.code == "internal_error":
        logger.error("internal error: %s", rejected.message)
    headers = {"retry-after": "1"} if rejected.code in ("busy", "unavailable") else {}
    return Response(rejected_json(rejected), status_code=status, media_type=MediaType.JSON, headers=headers)


CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 400: "malformed_request", 415: "content_type"}


def http_error(request: Any, error: HTTPException) -> Response[bytes]:
    """What the framework refuses, with our codes."""
    code = CODES.get(error.status_code, "malformed_request")
    details = {"extra": error.extra} if isinstance(error.extra, list | dict) and error.extra else {}
    return rejected_response(request, Rejected(code, str(error.detail), **details))


def fault(request: Any, error: Exception) -> Response[bytes]:
    """A fault of ours: it is logged here, and the client learns its name only."""
    logger.error("a fault while answering", exc_info=error)
    return rejected_response(request, Rejected("internal_error", f"This cannot be answered: {type(error).__name__}."))


def gone(request: Any, error: ConnectionError) -> Response[bytes]:
    """The client has gone before its request was read: nobody hears this."""
    return Response(b"", status_code=400)


class CommandAnswer(msgspec.Struct):
    """An executed command. position: of its stream after it. events: what happened, each with its `type`.

    repeated: this id was executed before; nothing was changed now.
    """

    position: int
    events: list[dict[str, Any]]
    repeated: bool = False


REFUSALS = {
    status: ResponseSpec(Refusal, description=text, generate_examples=False)
    for status, text in (
        (400, "It cannot be read."),
        (401, "Nobody is signed in."),
        (403, "Not permitted."),
        (404, "There is none of this name."),
        (409, "It cannot be done now: the code says why."),
        (413, "Too large."),
        (415, "Another content type."),
        (422, "A value is not possible."),
        (429, "Too much at once. Try again."),
        (503, "Nothing can be recorded now. Send the same again."),
    )
}


async def raw_body(request: Request[Any, Any, Any]) -> bytes:
    """The body of a JSON request."""
    headers = headers_of(request.scope)
    require_content(headers, JSON)
    return await body_of(request.receive, headers, BODY_BYTES_MAX)


def asker_of(gateway: Gateway, request: Any) -> Asker:
    """Who sends a request."""
    return gateway.door.asker(token_of(headers_of(request.scope), request.method))


def command_route(gateway: Gateway, kind: type[Command]) -> Any:
    """The route of a command: its fields are the body."""
    decoder = decoder_of(kind.__name__)

    async def handle(request: Any, preview: bool, if_position: int | None, idempotency_key: str) -> Response[bytes]:
        asker = asker_of(gateway, request)
        command = decoded(decoder, await raw_body(request))
        asked = gateway.door.asked(asker, command, idempotency_key, preview, if_position)
        status, body = outcome_json(await gateway.door.execute(asked))
        return Response(body, status_code=status, media_type=MediaType.JSON)

    handle.__doc__ = kind.__doc__
    handle.__annotations__ = {
        "request": Request,
        "preview": Annotated[bool, QueryParameter()],
        "if_position": Annotated[int | None, QueryParameter(ge=0, le=POSITION_MAX)],
        "idempotency_key": Annotated[str, HeaderParameter(name="idempotency-key", description=KEY, max_length=36)],
        "return": Response[bytes],
    }
    handle.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request),
            *(
                inspect.Parameter(
                    name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=handle.__annotations__[name]
                )
                for name, default in (("preview", False), ("if_position", None), ("idempotency_key", ""))
            ),
        ],
        return_annotation=Response[bytes],
    )
    name = path_name(kind.__name__)
    return post(
        f"/v1/{name}",
        name=name,
        status_code=200,
        summary=kind.__name__,
        description=f"{inspect.cleandoc(kind.__doc__ or '')}\n\nNeeds `{kind.needs}`. For: {', '.join(kind.streams)}.",
        operation_id=kind.__name__,
        tags=["Commands"],
        responses={200: ResponseSpec(CommandAnswer, generate_examples=False), **REFUSALS},
    )(handle)


KEY = "The command's own id, a UUIDv7: sent again with the same id, it is executed once. Without it one is made here."


def query_route(gateway: Gateway, query: Query) -> Any:
    """The route of a query: its parameters are those of the query string."""
    fields = msgspec.structs.fields(query.asked)

    async def handle(request: Any, **asked: Any) -> Response[bytes]:
        body = await gateway.ask(asker_of(gateway, request), query, query.asked(**asked))
        return Response(body, media_type=MediaType.JSON)

    annotations: dict[str, Any] = {"request": Request}
    for field in fields:
        if field.type is int:
            most = 1_000 if field.name == "limit" else POSITION_MAX
            annotations[field.name] = Annotated[int, QueryParameter(ge=1 if field.name == "limit" else 0, le=most)]
        elif field.type is str:
            annotations[field.name] = Annotated[str, QueryParameter(max_length=256)]
        else:
            annotations[field.name] = Annotated[field.type, QueryParameter()]
    annotations["return"] = Response[bytes]
    handle.__doc__ = query.about
    handle.__annotations__ = annotations
    handle.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request),
            *(
                inspect.Parameter(
                    field.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=field.default,
                    annotation=annotations[field.name],
                )
                for field in fields
            ),
        ],
        return_annotation=Response[bytes],
    )
    fields_about = inspect.cleandoc(query.asked.__doc__ or "")
    needs = f"Needs `{query.needs}`." if query.needs else "For everyone who is signed in."
    return get(
        f"/v1/{query.name}",
        name=query.name,
        summary=query.about,
        description=f"{query.about}\n\n{fields_about}\n\n{needs}",
        operation_id=f"query_{query.name}",
        tags=["Queries"],
        responses={200: ResponseSpec(answer_type(query), generate_examples=False), **REFUSALS},
    )(handle)


def answer_type(query: Query) -> Any:
    """The shape of a query's answer."""
    rows = query.row
    fields: list[Any] = [("position", int), ("items", list[rows]), ("next", str)]  # type: ignore[valid-type]
    if not query.history:
        fields.insert(1, ("house", int))
    return msgspec.defstruct(f"{query.name.capitalize()}Page", fields)


class SignInBody(msgspec.Struct, forbid_unknown_fields=True):
    """stream: a book's id, or house. kind: screen (also sets the cookie) or program."""

    stream: str
    user: str
    password: str
    kind: SessionKind = "program"


class SignedInAnswer(msgspec.Struct):
    """token: to be sent as `Authorization: Bearer …`; "" for a screen, whose cookie holds it."""

    stream: str
    user: str
    token: str


class ChangePasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    """One's own password: the old one and the new one."""

    old: str
    new: str


class SetPasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    """The password of somebody of one's subtree."""

    user: str
    password: str


class OwnersPasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    """The first password of a new book's owner."""

    book: str
    password: str


SESSION_BODIES: dict[str, type] = {
    "/v1/sign-in": SignInBody,
    "/v1/change-password": ChangePasswordBody,
    "/v1/set-password": SetPasswordBody,
    "/v1/set-owners-password": OwnersPasswordBody,
}


class Done(msgspec.Struct):
    """It is done."""

    done: bool = True


def body_type(kind: type) -> Callable[[bytes], Any]:
    """A decoder of a body, with our refusals."""
    decoder: Any = msgspec.json.Decoder(kind)
    return lambda body: decoded(decoder, body)


def session_routes(gateway: Gateway) -> list[Any]:
    """Signing in and out, and passwords."""
    sign_in_body, change_body = body_type(SignInBody), body_type(ChangePasswordBody)
    set_body, owners_body = body_type(SetPasswordBody), body_type(OwnersPasswordBody)
    signing = gateway.signing

    def cookie(value: str, seconds: int) -> str:
        name, secure = (SECURE_COOKIE, "; Secure") if gateway.secure else (COOKIE, "")
        return f"{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}"

    def done(**headers: str) -> Response[bytes]:
        return Response(b'{"done":true}', media_type=MediaType.JSON, headers=headers)

    spec: dict[str, Any] = {"tags": ["Signing in"], "status_code": 200}

    def answers(kind: type) -> Any:
        return {200: ResponseSpec(kind, generate_examples=False), **REFUSALS}

    @post("/v1/sign-in", operation_id="sign_in", responses=answers(SignedInAnswer), **spec)
    async def sign_in(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Sign in. Wrong passwords are answered later and later."""
        asked: SignInBody = sign_in_body(await raw_body(request))
        token = await signing.sign_in(asked.stream, asked.user, asked.password, asked.kind)
        screen = asked.kind == "screen"
        body = msgspec.json.encode(SignedInAnswer(asked.stream, asked.user, "" if screen else token))
        headers = {"set-cookie": cookie(token, 12 * 3600)} if screen else {}
        return Response(body, media_type=MediaType.JSON, headers=headers)

    @post("/v1/sign-out", operation_id="sign_out", responses=answers(Done), **spec)
    async def sign_out(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Sign out: this session ends, at every door."""
        await signing.sign_out(asker_of(gateway, request))
        return done(**{"set-cookie": cookie("", 0)})

    @post("/v1/change-password", operation_id="change_password", responses=answers(Done), **spec)
    async def change_password(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Change one's own password. It ends one's other sessions."""
        asker = asker_of(gateway, request)
        asked: ChangePasswordBody = change_body(await raw_body(request))
        await signing.change_password(asker, asked.old, asked.new)
        return done()

    @post("/v1/set-password", operation_id="set_password", responses=answers(CommandAnswer), **spec)
    async def set_password(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Give somebody of one's subtree a password. Needs `roles_manage`. It ends their sessions."""
        asker = asker_of(gateway, request)
        asked: SetPasswordBody = set_body(await raw_body(request))
        status, body = outcome_json(await signing.set_password(asker, asked.user, asked.password))
        return Response(body, status_code=status, media_type=MediaType.JSON)

    @post("/v1/set-owners-password", operation_id="set_owners_password", responses=answers(Done), **spec)
    async def set_owners_password(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Give a new book's owner their first password. Needs `book_open` in the house."""
        asker = asker_of(gateway, request)
        asked: OwnersPasswordBody = owners_body(await raw_body(request))
        await signing.set_owners_password(asker, asked.book, asked.password)
        return done()

    return [sign_in, sign_out, change_password, set_password, set_owners_password]


def hot_doors(gateway: Gateway) -> dict[tuple[str, str], Any]:
    """The doors that are plain ASGI, by method and path: one wager, many commands, the live stream."""
    door = gateway.door
    place_wager = decoder_of("PlaceWager")

    async def wagers(scope: Any, receive: Any, send: Any) -> None:
        headers = headers_of(scope)
        asker = door.asker(token_of(headers, "POST"))
        require_content(headers, JSON)
        command = decoded(place_wager, await body_of(receive, headers, BODY_BYTES_MAX))
        key = headers.get(b"idempotency-key", b"").decode("latin-1")
        status, body = outcome_json(await door.execute(door.asked(asker, command, key)))
        await answer(send, status, body)

    async def commands(scope: Any, receive: Any, send: Any) -> None:
        headers = headers_of(scope)
        asker = door.asker(token_of(headers, "POST"))
        require_content(headers, *NDJSON)
        body = await body_of(receive, headers, BULK_BYTES_MAX)
        lines = [line for line in body.split(b"\n") if line.strip()]
        outcomes = await door.execute_lines(asker, lines)
        found = [outcome_json(outcome)[1] for outcome in outcomes]
        await answer(send, 200, b"\n".join([*found, b""]), NDJSON[0])

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        headers = headers_of(scope)
        asker = door.asker(token_of(headers, "GET"))
        topics = split_topics(query_value(scope["query_string"], "topics"))
        node = query_value(scope["query_string"], "node")
        resume = parse_resume(headers.get(b"last-event-id", b"").decode("latin-1"))
        screen = await gateway.live.join(asker, topics, resume, node)
        watching = asyncio.create_task(watch(receive, screen))
        try:
            frames = await screen.next()
            start = [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
            ]
            await send({"type": "http.response.start", "status": 200, "headers": start})
            while frames:
                async with asyncio.timeout(STALLED_S_MAX):
                    await send({"type": "http.response.body", "body": frames, "more_body": True})
                frames = await screen.next(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            logger.info("a screen that does not read is cut")
        finally:
            watching.cancel()
            gateway.live.leave(screen)

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
    from urllib.parse import parse_qs

    try:
        return parse_qs(query.decode("ascii"), max_num_fields=16).get(name, [""])[-1]
    except (UnicodeDecodeError, ValueError):
        raise Rejected("malformed_request", "The query string cannot be read.") from None


def guarded(door: Any) -> Any:
    """An ASGI door with our refusals."""

    async def handle(scope: Any, receive: Any, send: Any) -> None:
        try:
            await door(scope, receive, send)
        except Rejected as rejected:
            await refuse(send, rejected)
        except ConnectionError:
            pass
        except Exception as error:
            logger.exception("a fault while answering")
            await refuse(send, Rejected("internal_error", f"This cannot be answered: {type(error).__name__}."))

    return handle


class Alive(msgspec.Struct):
    """Whether commands can be recorded now."""

    ready: bool


def make_app(gateway: Gateway) -> Any:
    """The ASGI application: the hot doors, and the framework for all others."""
    framework, hot = make_framework(gateway), hot_doors(gateway)
    document = make_document(framework, SESSION_BODIES)
    described = msgspec.json.encode(document)
    page = documentation_page(document)

    async def schema(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, 200, described)

    async def documentation(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, 200, page, b"text/html; charset=utf-8")

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
        """Whether commands can be recorded now: 200, or 503."""
        available = gateway.door.engine.available
        return Response(Alive(available), status_code=200 if available else 503)

    routes = [
        *(command_route(gateway, kind) for kind in public_commands()),
        *(query_route(gateway, query) for query in QUERIES.values()),
        *session_routes(gateway),
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
