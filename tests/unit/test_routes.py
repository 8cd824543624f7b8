"""Routes: what a query declares is what its route takes."""

import msgspec
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.testing import TestClient

from runline.domain.queries.declared import Asked, Query
from runline.gateway.routes import query_route


class OfGame(Asked, frozen=True):
    """fixture: of which game. period: of which part of it."""

    fixture: str
    period: str = "game"


class Row(msgspec.Struct):
    """A row."""

    name: str


QUERY = Query("of_game", "What there is of a game.", None, False, ("book",), OfGame, Row, False, None)


def application() -> Litestar:
    """An application with the route of this query alone; whoever comes as far as the gateway fails there."""
    return Litestar([query_route(None, QUERY)], openapi_config=OpenAPIConfig("Runline", "0"))  # type: ignore[arg-type]


def test_a_field_without_a_default_is_a_parameter_that_must_be_given():
    document = application().openapi_schema.to_schema()
    parameters = {one["name"]: one["required"] for one in document["paths"]["/v1/of_game"]["get"]["parameters"]}
    assert parameters == {"fixture": True, "period": False, "after": False, "limit": False, "at_least": False}


def test_a_request_without_it_is_refused_before_anything_is_asked():
    with TestClient(application()) as client:
        assert client.get("/v1/of_game?period=game").status_code == 400
