"""Routes: what a query declares is what its route takes, and whatever it does not take is refused."""

from typing import Any, ClassVar

import msgspec
import pytest
from tests.doubles.plain import VOCABULARY

from runline.domain.messages import Rejected
from runline.domain.queries.declared import Asked, Query
from runline.gateway.app import hot_operations
from runline.gateway.door import public_commands
from runline.gateway.openapi import parameters_of
from runline.gateway.parameters import asked_type, asked_with, parameters, require_known
from runline.gateway.routes import operations, query_operation


class Anything:
    """In the place of a gateway: whatever is looked for is there. Nothing here comes as far as to use it."""

    vocabulary = VOCABULARY
    decoders: ClassVar = {kind.__name__: msgspec.json.Decoder(kind) for kind in public_commands(VOCABULARY)}

    def __getattr__(self, name: str) -> Any:
        return self


class Row(msgspec.Struct):
    """A row."""

    name: str


class OfGame(Asked[Row], frozen=True, kw_only=True):
    """fixture: of which game. period: of which part of it."""

    fixture: str
    period: str = "game"


QUERY = Query("of_game", "What there is of a game.", None, False, ("book",), OfGame, Row, False, None)

EVERY_OPERATION = [*hot_operations(VOCABULARY), *operations(Anything())]  # type: ignore[arg-type]


def asked(text: str) -> Any:
    """What a query string asks of it."""
    return asked_with(QUERY, parameters({"query_string": text.encode()}, asked_type(QUERY)))


def refusal(text: str) -> Rejected:
    """Why a query string is refused."""
    with pytest.raises(Rejected) as refused:
        asked(text)
    assert refused.value.code == "malformed_request"
    return refused.value


def test_a_field_without_a_default_is_a_parameter_that_must_be_given():
    found = parameters_of(query_operation(Anything(), QUERY))  # type: ignore[arg-type]
    required = {one["name"]: one["required"] for one in found if one["in"] == "query"}
    assert required == {"fixture": True, "period": False, "after": False, "limit": False, "at_least": False}
    refusal("period=game")


def test_what_is_asked_for_is_taken_with_its_types():
    assert asked("fixture=G1&limit=7&at_least=3") == (OfGame(fixture="G1", limit=7), 3)
    assert asked("fixture=a%20b%26c") == (OfGame(fixture="a b&c"), 0)


@pytest.mark.parametrize(
    "text",
    [
        "fixture=G1&limit=0",
        "fixture=G1&limit=1001",
        "fixture=G1&limit=x",
        "fixture=G1&at_least=-1",
        "fixture=G1&fixture=G2",
        "fixture=G1&bogus=1",
        "fixture",
        "fixture=%ff",
        "fixture=" + "x" * 600,
        "&".join(f"p{number}=1" for number in range(40)),
    ],
)
def test_what_cannot_be_asked_for_is_refused(text):
    refusal(text)


@pytest.mark.parametrize("operation", EVERY_OPERATION, ids=lambda one: one.name)
def test_every_route_refuses_a_parameter_that_it_does_not_take_and_says_which_it_does(operation):
    known = operation.takes.__struct_encode_fields__
    require_known("&".join(f"{name}=1" for name in known).encode(), known)
    for misspelt in ("bogus=1", *(f"{name}s=1" for name in known), *(f"{name.upper()}=1" for name in known)):
        with pytest.raises(Rejected) as refused:
            require_known(misspelt.encode(), known)
        assert refused.value.code == "malformed_request"
        assert refused.value.details == {"parameter": misspelt[:-2], "known": list(known)}


def test_each_route_is_there_once_and_so_is_each_name():
    assert len({(one.method, one.path) for one in EVERY_OPERATION}) == len(EVERY_OPERATION)
    assert len({one.name for one in EVERY_OPERATION}) == len(EVERY_OPERATION)
