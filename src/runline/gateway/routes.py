"""Routes: those of commands and queries follow from their declarations; those of signing in are written here."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.openapi import ResponseSpec
from litestar.params import HeaderParameter, QueryParameter

from runline.domain.messages import Command
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.queries.bounds import PAGE_ROWS_MAX
from runline.domain.queries.declared import Query
from runline.domain.sessions import SessionKind
from runline.engine.limits import POSITION_MAX
from runline.gateway.addresses import network_of
from runline.gateway.answers import RefusalBody, outcome_json
from runline.gateway.door import decoded, path_name
from runline.gateway.fan import Delivery
from runline.gateway.gateway import Gateway
from runline.gateway.limits import ASKED_LENGTH_MAX, BODY_BYTES_MAX, DEVICE_S, SIGN_IN_BYTES_MAX
from runline.gateway.site import COOKIE, DEVICE_COOKIE
from runline.gateway.web import JSON, body_of, called_by, headers_of, require_content


class CommandAnswer(msgspec.Struct):
    """An executed command. position: of its stream after it. events: what happened, each with its `type`.

    repeated: this id was executed before; nothing was changed now.
    """

    position: int
    events: list[dict[str, Any]]
    repeated: bool = False


REFUSALS = {
    status: ResponseSpec(RefusalBody, description=text, generate_examples=False)
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


async def raw_body(request: Request[Any, Any, Any], bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """The body of a JSON request."""
    headers = headers_of(request.scope)
    require_content(headers, JSON)
    return await body_of(request.receive, headers, bytes_max)


def command_route(gateway: Gateway, kind: type[Command]) -> Any:
    """The route of a command: its fields are the body."""
    decoder = gateway.door.decoders[kind.__name__]

    async def handle(request: Any, preview: bool, if_position: int | None, idempotency_key: str) -> Response[bytes]:
        caller = await called_by(request.scope)
        command = decoded(decoder, await raw_body(request))
        sent = gateway.door.request(caller, command, idempotency_key, preview, if_position)
        began_ns = gateway.clock.host_ns()
        status, body = outcome_json(await gateway.door.bus.send_one(sent))
        # How long until it was durable, in the form that browsers know.
        timing = f"durable;dur={(gateway.clock.host_ns() - began_ns) / 1e6:.2f}"
        return Response(body, status_code=status, media_type=MediaType.JSON, headers={"server-timing": timing})

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


AT_LEAST = "at_least: answer only once this position is reached (5 s at most)."

KEY = "The command's own id, a UUIDv7: sent again with the same id, it is executed once. Without it one is made here."


def query_route(gateway: Gateway, query: Query) -> Any:
    """The route of a query: its parameters are those of the query string."""
    fields = msgspec.structs.fields(query.asked)

    async def handle(request: Any, at_least: int, **asked: Any) -> Response[bytes]:
        answer = await gateway.door.ask(await called_by(request.scope), query.name, query.asked(**asked), at_least)
        return Response(answer.body, media_type=MediaType.JSON)

    at_least = Annotated[int, QueryParameter(ge=0, le=POSITION_MAX)]
    annotations: dict[str, Any] = {"request": Request, "at_least": at_least}
    for field in fields:
        if field.type is int:
            most = PAGE_ROWS_MAX if field.name == "limit" else POSITION_MAX
            annotations[field.name] = Annotated[int, QueryParameter(ge=1 if field.name == "limit" else 0, le=most)]
        elif field.type is str:
            annotations[field.name] = Annotated[str, QueryParameter(max_length=ASKED_LENGTH_MAX)]
        else:
            annotations[field.name] = Annotated[field.type, QueryParameter()]
    annotations["return"] = Response[bytes]
    handle.__doc__ = query.about
    handle.__annotations__ = annotations
    handle.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request),
            inspect.Parameter("at_least", inspect.Parameter.KEYWORD_ONLY, default=0, annotation=at_least),
            *(
                inspect.Parameter(
                    field.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=inspect.Parameter.empty if field.required else field.default,
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
        description=f"{query.about}\n\n{AT_LEAST}\n\n{fields_about}\n\n{needs}",
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
    """stream: a book's id, or house. kind: screen (also sets the cookie) or program. device: of the last answer to a sign-in."""

    stream: str
    user: str
    password: str
    kind: SessionKind = "program"
    device: str = ""


class SignedInAnswer(msgspec.Struct):
    """token: to be sent as `Authorization: Bearer …`. device: to be sent with the next sign-in, so that guesses of others do not
    delay it. Both are "" for a screen, whose cookies hold them.
    """

    stream: str
    user: str
    token: str
    device: str


class ConfirmBody(msgspec.Struct, forbid_unknown_fields=True):
    """One's own password."""

    password: str


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
    "/v1/confirm": ConfirmBody,
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
    confirm_body = body_type(ConfirmBody)
    set_body, owners_body = body_type(SetPasswordBody), body_type(OwnersPasswordBody)
    signing = gateway.signing

    site = gateway.site

    def cookie(value: str, seconds: int, name: str = COOKIE) -> Cookie:
        """A cookie of this site's pages alone, that no script sees."""
        return Cookie(
            site.cookie_name(name),
            value=value,
            path="/",
            httponly=True,
            samesite="strict",
            max_age=seconds,
            secure=site.secure,
        )

    def session_cookie(token: str) -> Cookie:
        return cookie(token, signing.lasting["screen"].whole_ns // 10**9)

    def done(*cookies: Cookie) -> Response[bytes]:
        return Response(b'{"done":true}', media_type=MediaType.JSON, cookies=cookies)

    spec: dict[str, Any] = {"tags": ["Signing in"], "status_code": 200}

    def answers(kind: type) -> Any:
        return {200: ResponseSpec(kind, generate_examples=False), **REFUSALS}

    @post("/v1/sign-in", operation_id="sign_in", responses=answers(SignedInAnswer), **spec)
    async def sign_in(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Sign in. Whoever gives wrong passwords for a user waits longer and longer, at that address only."""
        asked: SignInBody = sign_in_body(await raw_body(request, SIGN_IN_BYTES_MAX))
        signed = await signing.sign_in(
            asked.stream,
            asked.user,
            asked.password,
            asked.kind,
            address=network_of(request.client.host if request.client else ""),
            device=asked.device or site.cookie_of(headers_of(request.scope), DEVICE_COOKIE),
        )
        if asked.kind != "screen":
            answer = SignedInAnswer(asked.stream, asked.user, signed.token, signed.device)
            return Response(msgspec.json.encode(answer), media_type=MediaType.JSON)
        device = cookie(signed.device, DEVICE_S, DEVICE_COOKIE)
        body = msgspec.json.encode(SignedInAnswer(asked.stream, asked.user, "", ""))
        return Response(body, media_type=MediaType.JSON, cookies=[session_cookie(signed.token), device])

    @post("/v1/confirm", operation_id="confirm", responses=answers(Done), **spec)
    async def confirm(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Give one's password again: this session begins anew, as after signing in. (After `password_needed`.)"""
        headers = headers_of(request.scope)
        caller = await called_by(request.scope)
        asked: ConfirmBody = confirm_body(await raw_body(request))
        await signing.confirm(caller, asked.password)
        kept = site.cookie_of(headers)
        return done(session_cookie(kept)) if kept else done()

    @post("/v1/sign-out", operation_id="sign_out", responses=answers(Done), **spec)
    async def sign_out(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Sign out: this session ends, at every door."""
        await signing.sign_out(await called_by(request.scope))
        return done(cookie("", 0))

    @post("/v1/change-password", operation_id="change_password", responses=answers(Done), **spec)
    async def change_password(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Change one's own password. It ends one's other sessions."""
        caller = await called_by(request.scope)
        asked: ChangePasswordBody = change_body(await raw_body(request))
        await signing.change_password(caller, asked.old, asked.new)
        return done()

    @post("/v1/set-password", operation_id="set_password", responses=answers(CommandAnswer), **spec)
    async def set_password(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Give somebody of one's subtree a password. Needs `roles_manage`. It ends their sessions."""
        caller = await called_by(request.scope)
        asked: SetPasswordBody = set_body(await raw_body(request))
        status, body = outcome_json(await signing.set_password(caller, asked.user, asked.password))
        return Response(body, status_code=status, media_type=MediaType.JSON)

    @post("/v1/set-owners-password", operation_id="set_owners_password", responses=answers(Done), **spec)
    async def set_owners_password(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Give a new book's owner their first password. Needs `book_open` in the house."""
        caller = await called_by(request.scope)
        asked: OwnersPasswordBody = owners_body(await raw_body(request))
        await signing.set_owners_password(caller, asked.book, asked.password)
        return done()

    return [sign_in, confirm, sign_out, change_password, set_password, set_owners_password]


def delivery_route(gateway: Gateway) -> Any:
    """The route that says when a position was on screens."""

    @get(
        "/v1/delivery",
        operation_id="delivery",
        tags=["Queries"],
        responses={200: ResponseSpec(Delivery, generate_examples=False), **REFUSALS},
    )
    async def delivery(
        request: Request[Any, Any, Any], position: Annotated[int, QueryParameter(ge=0, le=POSITION_MAX)] = 0
    ) -> Response[bytes]:
        """When an event of the last moments was on the screens that follow its stream. Needs `figures_view`.

        How many they were is told to the whole stream's staff only; to others it says 0.
        """
        caller = await called_by(request.scope)
        standing = await gateway.door.standing(caller)
        standing.require(Permission.FIGURES_VIEW)
        found = await gateway.fan.delivery_of(caller.stream, position, standing.user)
        if standing.node != ROOT or standing.player:
            found = msgspec.structs.replace(found, screens=0)
        return Response(msgspec.json.encode(found), media_type=MediaType.JSON)

    return delivery
