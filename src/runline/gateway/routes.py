"""Routes: those of commands and queries follow from their declarations; each is an operation."""

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import cache
from typing import Any

import msgspec
from litestar import Response
from litestar.response import Stream

from runline.domain.messages import Command, Rejected
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.queries.declared import Query
from runline.gateway.answers import outcome_json
from runline.gateway.bodies import CommandAnswer
from runline.gateway.door import Caller, decoded, path_name, public_commands
from runline.gateway.fan import Delivery
from runline.gateway.fields import summary_of, text_of
from runline.gateway.gateway import Gateway
from runline.gateway.health_routes import health_operations
from runline.gateway.limits import CSV_PAGE_ROWS
from runline.gateway.operations import Asking, Header, Operation, json_of, json_response
from runline.gateway.parameters import DeliveryAsked, SentHow, asked_type, asked_with, parameters, values_of
from runline.gateway.refusing import SENT, refusals_of, refusals_to
from runline.gateway.sheets import CSV, CutShort, sheet, wants_csv
from runline.gateway.signing_routes import raw_body, signing_operations
from runline.gateway.web import called_by, connection_of, headers_of, request_id_of

KEY = Header(
    "idempotency-key",
    "The command's own id, a UUIDv7: sent again with the same id, it is executed once. Without it one is made here.",
    "01998b0c-0a00-7000-8000-000000000001",
    36,
)

encode = msgspec.json.Encoder().encode

logger = logging.getLogger("runline.gateway")


def key_of(request: Asking) -> str:
    """The id that a command is sent with, or "". Raises Rejected `command_id_invalid`."""
    key = headers_of(request.scope).get(KEY.name.encode(), b"").decode("latin-1")
    if len(key) > KEY.longest:
        raise Rejected("command_id_invalid", "A command's id is a UUIDv7.")
    return key


def command_operation(gateway: Gateway, kind: type[Command]) -> Operation:
    """The route of a command: its fields are the body."""
    decoder = gateway.door.decoders[kind.__name__]

    async def handle(request: Asking) -> Response[bytes]:
        how = parameters(request.scope, SentHow)
        caller = await called_by(request.scope)
        command = decoded(decoder, await raw_body(request))
        sent = gateway.door.request(caller, command, key_of(request), how.preview, how.if_position)
        began_ns = gateway.clock.host_ns()
        status, body = outcome_json(await gateway.door.bus.send_one(sent), request_id_of(request.scope))
        # How long until it was durable, in the form that browsers know.
        timing = f"durable;dur={(gateway.clock.host_ns() - began_ns) / 1e6:.2f}"
        return json_response(body, status, headers={"server-timing": timing})

    name = path_name(kind.__name__)
    return Operation(
        "POST",
        f"/v1/{name}",
        kind.__name__,
        "Commands",
        summary_of(kind),
        json_of(CommandAnswer),
        f"{text_of(kind)}\n\nNeeds `{kind.needs}`. For: {', '.join(kind.streams)}.",
        takes=SentHow,
        headers=(KEY,),
        body=kind,
        codes=(*SENT, *refusals_of(gateway.door.vocabulary, kind)),
        handle=handle,
    )


def query_operation(gateway: Gateway, query: Query) -> Operation:
    """The route of a query: its fields are the parameters, its answer a page, or all rows as CSV."""
    takes = asked_type(query)

    async def handle(request: Asking) -> Response[Any]:
        asked, at_least = asked_with(query, parameters(request.scope, takes))
        caller = await called_by(request.scope)
        if wants_csv(headers_of(request.scope)):
            most = asked.limit if "limit" in values_of(request.scope["query_string"]) else None
            return await csv_of(gateway, request.scope, caller, query, asked, at_least, most)
        answer = await gateway.door.ask(caller, query.name, asked, at_least)
        return json_response(answer.body)

    needs = f"Needs `{query.needs}`." if query.needs else "For everyone who is signed in."
    needs += f" For: {', '.join(query.streams)}."
    return Operation(
        "GET",
        f"/v1/{query.name}",
        f"query_{query.name}",
        "Queries",
        query.about,
        {**json_of(page_type(query)), CSV: str},
        "\n\n".join(filter(None, (text_of(query.asked).replace("Nothing else.", ""), needs))),
        takes=takes,
        codes=refusals_to(query),
        handle=handle,
    )


async def csv_of(
    gateway: Gateway, scope: Any, caller: Caller, query: Query, asked: Any, at_least: int, most: int | None
) -> Response[Any]:
    """All rows of a query as CSV, from those of the first page on: whoever may not ask is refused before anything is sent."""

    async def page(after: str, limit: int) -> dict[str, Any]:
        more = msgspec.structs.replace(asked, after=after, limit=limit)
        found: dict[str, Any] = msgspec.json.decode((await gateway.door.ask(caller, query.name, more, at_least)).body)
        return found

    first = await page(asked.after, CSV_PAGE_ROWS if most is None else min(CSV_PAGE_ROWS, most))

    async def lines() -> AsyncIterator[bytes]:
        try:
            async with aclosing(sheet(query.row, first, most, page)) as found:
                async for piece in found:
                    yield piece
        except (CutShort, Rejected) as reason:
            # Nobody may take this for all: the answer has no end.
            logger.info("rows of %s are broken off: %r", query.name, reason)
            connection_of(scope).cut()

    headers = {
        "content-disposition": f'attachment; filename="{query.name}.csv"',
        "runline-position": str(first["position"]),
    }
    return Stream(lines(), media_type=f"{CSV}; header=present", headers=headers)


@cache
def page_type(query: Query) -> type[msgspec.Struct]:
    """The shape of a query's answer."""
    fields: list[Any] = [("position", int), ("items", list[query.row]), ("next", str)]  # type: ignore[name-defined]
    if not query.history:
        fields.insert(1, ("house", int))
    name = f"{''.join(map(str.capitalize, query.name.split('_')))}Page"
    return msgspec.defstruct(name, fields, namespace={"__doc__": f"A page: {query.about}"})


def delivery_operation(gateway: Gateway) -> Operation:
    """The route that says when a position was on screens."""

    async def delivery(request: Asking) -> Response[bytes]:
        position = parameters(request.scope, DeliveryAsked).position
        caller = await called_by(request.scope)
        standing = await gateway.door.standing(caller)
        standing.require(Permission.FIGURES_VIEW)
        found = await gateway.fan.delivery_of(caller.stream, position, standing.user)
        if standing.node != ROOT or standing.player:
            found = msgspec.structs.replace(found, screens=0)
        return json_response(encode(found))

    return Operation(
        "GET",
        "/v1/delivery",
        "delivery",
        "Queries",
        "Say when an event of the last moments was on the screens that follow its stream.",
        json_of(Delivery),
        "How many they were is told to the whole stream's staff only; to others it says 0. Needs `figures_view`.",
        takes=DeliveryAsked,
        codes=("unknown_delivery",),
        handle=delivery,
    )


def operations(gateway: Gateway) -> list[Operation]:
    """All routes that the framework leads to."""
    vocabulary = gateway.door.vocabulary
    return [
        *(command_operation(gateway, kind) for kind in public_commands(vocabulary)),
        *(query_operation(gateway, query) for query in vocabulary.queries.values()),
        *signing_operations(gateway),
        delivery_operation(gateway),
        *health_operations(gateway),
    ]
