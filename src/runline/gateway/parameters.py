"""Parameters: what stands behind the question mark, as what a route has declared that it takes.

Rule: what a route does not take is refused on every route, and so is what is given twice: nobody is answered as if they had
asked for something else.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from runline.domain.messages import Rejected
from runline.domain.queries.bounds import PAGE_ROWS_MAX
from runline.domain.queries.declared import Query
from runline.engine.limits import POSITION_MAX
from runline.gateway.fields import said_of
from runline.gateway.limits import ASKED_LENGTH_MAX, PARAMETERS_MAX

S = TypeVar("S", bound=msgspec.Struct)

Position = Annotated[int, msgspec.Meta(ge=0, le=POSITION_MAX)]
Name = Annotated[str, msgspec.Meta(max_length=ASKED_LENGTH_MAX)]


class NoParameters(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing can be asked for."""


class SentHow(msgspec.Struct, forbid_unknown_fields=True):
    """How a command is taken.

    preview: decide it only: nothing is changed, and the answer says what would have happened.
    if_position: refuse it if what it is about has changed since that position.
    """

    preview: bool = False
    if_position: Position | None = None


class Followed(msgspec.Struct, forbid_unknown_fields=True):
    """What a live stream is of.

    topics: names, with commas between.
    node: only what concerns this agent of one's subtree, and those below.
    """

    topics: str
    node: Name = ""


class ReadyAsked(msgspec.Struct, forbid_unknown_fields=True):
    """About what.

    stream: one book, or `house`; without it all streams.
    """

    stream: Name = ""


class DeliveryAsked(msgspec.Struct, forbid_unknown_fields=True):
    """Of which event.

    position: its own.
    """

    position: Position = 0


@cache
def asked_type(query: Query) -> type[msgspec.Struct]:
    """What a query's route takes: the fields of the query with their bounds, and `at_least`."""
    fields: list[Any] = []
    for field in msgspec.structs.fields(query.asked):
        kind = field.type
        if field.name == "limit":
            kind = Annotated[int, msgspec.Meta(ge=1, le=PAGE_ROWS_MAX)]
        elif kind is int:
            kind = Position
        elif kind is str:
            kind = Name
        fields.append((field.name, kind) if field.required else (field.name, kind, field.default))
    fields.append(("at_least", Position, 0))
    said = said_of(query.asked) | {"at_least": "answer only once this position is reached (5 s at most)"}
    return msgspec.defstruct(
        f"{query.asked.__name__}At",
        fields,
        kw_only=True,
        forbid_unknown_fields=True,
        namespace={"__doc__": "\n\n".join(f"{name}: {about}" for name, about in said.items())},
    )


def values_of(query: bytes) -> dict[str, str]:
    """What a query string says, by name. Raises Rejected `malformed_request`."""
    if not query:
        return {}
    try:
        text = query.decode("ascii")
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=PARAMETERS_MAX
        )
    except (UnicodeDecodeError, ValueError):
        raise Rejected("malformed_request", "The query string cannot be read.") from None
    values = dict(pairs)
    if len(values) < len(pairs):
        raise Rejected("malformed_request", "A parameter is given twice.")
    return values


def require_known(query: bytes, known: tuple[str, ...]) -> None:
    """Refuse what a route does not take. Raises Rejected `malformed_request`."""
    for name in values_of(query):
        if name not in known:
            sentence = f"There is no parameter {name[:64]!r} here."
            raise Rejected("malformed_request", sentence, parameter=name[:64], known=list(known))


def parameters(scope: Mapping[str, Any], kind: type[S]) -> S:
    """What a request asks for. Raises Rejected `malformed_request`."""
    try:
        return msgspec.convert(values_of(scope["query_string"]), kind, strict=False)
    except msgspec.ValidationError as error:
        raise Rejected("malformed_request", str(error)) from None


def asked_with(query: Query, found: msgspec.Struct) -> tuple[Any, int]:
    """(what a query is asked for, `at_least`). Raises Rejected `malformed_request`."""
    fields = msgspec.structs.asdict(found)
    at_least = fields.pop("at_least")
    try:
        return query.asked(**fields), at_least
    except ValueError as error:
        raise Rejected("malformed_request", str(error)) from None
