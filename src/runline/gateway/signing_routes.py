"""Routes of signing in and out, of passwords, and of who is signed in."""

from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from litestar import Response
from litestar.datastructures import Cookie

from runline.domain.messages import Rejected
from runline.domain.passwords import SetPassword
from runline.domain.queries.moment import Me, MeAsked
from runline.gateway.addresses import network_of
from runline.gateway.answers import outcome_json, status_of
from runline.gateway.bodies import (
    ChangePasswordBody,
    CommandAnswer,
    ConfirmBody,
    Done,
    OwnersPasswordBody,
    SetPasswordBody,
    SignedInAnswer,
    SignInBody,
)
from runline.gateway.door import decoded
from runline.gateway.gateway import Gateway
from runline.gateway.limits import BODY_BYTES_MAX, DEVICE_S, SIGN_IN_BYTES_MAX
from runline.gateway.operations import Asking, Handle, Operation, json_of, json_response
from runline.gateway.refusing import SENT, refusals_of
from runline.gateway.site import COOKIE, DEVICE_COOKIE
from runline.gateway.web import JSON, body_of, called_by, headers_of, request_id_of, require_content

S = TypeVar("S", bound=msgspec.Struct)


async def raw_body(request: Asking, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """The body of a JSON request."""
    headers = headers_of(request.scope)
    require_content(headers, JSON)
    return await body_of(request.receive, headers, bytes_max)


async def read_body(request: Asking, kind: type[S], bytes_max: int = BODY_BYTES_MAX) -> S:
    """What a request's body holds, with our refusals."""
    found: S = decoded(msgspec.json.Decoder(kind), await raw_body(request, bytes_max))
    return found


def signing_operations(gateway: Gateway) -> list[Operation]:
    """Signing in and out, and passwords."""
    signing, site = gateway.signing, gateway.site

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
        return json_response(b'{"done":true}', cookies=cookies)

    async def sign_in(request: Asking) -> Response[bytes]:
        asked = await read_body(request, SignInBody, SIGN_IN_BYTES_MAX)
        signed = await signing.sign_in(
            asked.stream,
            asked.user,
            asked.password,
            asked.kind,
            address=network_of(request.client.host if request.client else ""),
            device=asked.device or site.cookie_of(headers_of(request.scope), DEVICE_COOKIE),
        )
        if asked.kind != "screen":
            return json_response(
                msgspec.json.encode(SignedInAnswer(asked.stream, asked.user, signed.token, signed.device))
            )
        device = cookie(signed.device, DEVICE_S, DEVICE_COOKIE)
        body = msgspec.json.encode(SignedInAnswer(asked.stream, asked.user, "", ""))
        return json_response(body, cookies=[session_cookie(signed.token), device])

    async def session(request: Asking) -> Response[Any]:
        try:
            answer = await gateway.door.ask(await called_by(request.scope), "me", MeAsked())
        except Rejected as rejected:
            if status_of(rejected.code) != HTTPStatus.UNAUTHORIZED:
                raise
            return Response(None, status_code=HTTPStatus.NO_CONTENT)
        return json_response(msgspec.json.encode(msgspec.json.decode(answer.body, type=MePage).items[0]))

    async def confirm(request: Asking) -> Response[bytes]:
        headers = headers_of(request.scope)
        caller = await called_by(request.scope)
        await signing.confirm(caller, (await read_body(request, ConfirmBody)).password)
        kept = site.cookie_of(headers)
        return done(session_cookie(kept)) if kept else done()

    async def sign_out(request: Asking) -> Response[bytes]:
        await signing.sign_out(await called_by(request.scope))
        return done(cookie("", 0))

    async def change_password(request: Asking) -> Response[bytes]:
        caller = await called_by(request.scope)
        asked = await read_body(request, ChangePasswordBody)
        await signing.change_password(caller, asked.old, asked.new)
        return done()

    async def set_password(request: Asking) -> Response[bytes]:
        caller = await called_by(request.scope)
        asked = await read_body(request, SetPasswordBody)
        outcome = await signing.set_password(caller, asked.user, asked.password)
        status, body = outcome_json(outcome, request_id_of(request.scope))
        return json_response(body, status)

    async def set_owners_password(request: Asking) -> Response[bytes]:
        caller = await called_by(request.scope)
        asked = await read_body(request, OwnersPasswordBody)
        await signing.set_owners_password(caller, asked.book, asked.password)
        return done()

    def posted(
        name: str, summary: str, body: Any, answer: Any, handle: Handle, *codes: str, about: str = ""
    ) -> Operation:
        return Operation(
            "POST",
            f"/v1/{name.replace('_', '-')}",
            name,
            "Signing in",
            summary,
            json_of(answer),
            about,
            body=body,
            codes=codes,
            signed=name != "sign_in",
            handle=handle,
        )

    return [
        posted(
            "sign_in",
            "Sign in.",
            SignInBody,
            SignedInAnswer,
            sign_in,
            "sign_in_failed",
            "sign_in_delayed",
            "revoked",
            about="Whoever gives wrong passwords for a user waits longer and longer, at that address only.",
        ),
        Operation(
            "GET",
            "/v1/session",
            "session",
            "Signing in",
            "Say who is signed in, or that nobody is.",
            json_of(Me),
            "For a page that begins: it is no fault if nobody is signed in.",
            signed=False,
            codes=("not_permitted", "unknown_book"),
            empty="Nobody is signed in: there is no session, or it has ended.",
            handle=session,
        ),
        posted(
            "confirm",
            "Give one's password again.",
            ConfirmBody,
            Done,
            confirm,
            "sign_in_failed",
            about="This session begins anew, as after signing in. (After `password_needed`.)",
        ),
        posted("sign_out", "Sign out: this session ends, at every door.", None, Done, sign_out),
        posted(
            "change_password",
            "Change one's own password.",
            ChangePasswordBody,
            Done,
            change_password,
            "sign_in_failed",
            "password_invalid",
            about="It ends one's other sessions.",
        ),
        posted(
            "set_password",
            "Give somebody of one's subtree a password.",
            SetPasswordBody,
            CommandAnswer,
            set_password,
            "password_invalid",
            *SENT,
            *refusals_of(gateway.door.vocabulary, SetPassword),
            about="It ends their sessions. Needs `roles_manage`.",
        ),
        posted(
            "set_owners_password",
            "Give a new book's owner their first password.",
            OwnersPasswordBody,
            Done,
            set_owners_password,
            "password_needed",
            "password_invalid",
            "unknown_book",
            "already_exists",
            about="Needs `book_open` in the house.",
        ),
    ]


class MePage(msgspec.Struct):
    """The answer of the query `me`."""

    items: list[Me]
