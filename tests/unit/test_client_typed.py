"""The typed client: what is declared is named in one place, sent with its fields, and read again as its type."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

import httpx
import msgspec
import pytest
from tests.doubles.plain import VOCABULARY

from runline.client import Client, Happened, OtherEvent, RefusedError, event_of
from runline.client.answers import line_outcome, refusal
from runline.client.commands import PlaceWager
from runline.client.events import WagerPlaced
from runline.client.queries import Me, MeAsked, WagerRow, WagersAsked
from runline.client.typed import fields_of, names, parameters_of, rows_of
from runline.domain.messages import event_json
from runline.gateway.fields import example

TOOL = Path(__file__).parents[2] / "tools" / "client.py"


def test_the_modules_that_name_what_is_declared_are_current():
    found = importlib.util.spec_from_file_location("client_tool", TOOL)
    assert found is not None
    assert found.loader is not None
    tool = importlib.util.module_from_spec(found)
    found.loader.exec_module(tool)
    for name, text in tool.modules().items():
        assert (tool.FOLDER / name).read_text() == text, "python tools/client.py writes them anew"


def test_each_query_has_a_type_of_its_own_that_knows_its_row():
    assert len(names()) == len(VOCABULARY.queries)
    for query in VOCABULARY.queries.values():
        bases = [base for kind in query.asked.__mro__ for base in getattr(kind, "__orig_bases__", ())]
        assert any(query.row in getattr(base, "__args__", ()) for base in bases), query.name


def test_a_type_checker_knows_what_comes_back():
    """Checked by mypy, not by running."""

    def typed(runline: Client) -> None:
        assert_type(runline.rows(WagersAsked()), Iterator[WagerRow])
        assert_type(runline.page(MeAsked()).items, list[Me])
        assert_type(runline.do(PlaceWager("P1", "m", "home", None, "-110", 1)), Happened)
        assert_type(runline.do(PlaceWager("P1", "m", "home", None, "-110", 1)).event(WagerPlaced), WagerPlaced)

    assert callable(typed)


def test_what_is_asked_for_is_sent_without_what_is_as_it_would_be_anyway():
    assert parameters_of(WagersAsked(status="open", limit=7)) == ("wagers", {"status": "open", "limit": "7"})
    assert fields_of(PlaceWager("P1", "m", "home", None, "-110", 5)) == {
        "player": "P1", "market": "m", "side": "home", "line_quarters": None, "price": "-110", "amount_minor": 5,
    }  # fmt: skip


def test_rows_are_read_as_their_types_and_what_a_newer_server_says_besides_is_left():
    row = b'{"stream":"b1","user":"u","role":"r","node":"n","player":"","permissions":[],"new":1}'
    body = b'{"position":7,"house":3,"items":[%b],"next":"x"}' % row
    page = rows_of(MeAsked(), body)
    assert (page.position, page.house, page.next) == (7, 3, "x")
    assert page.items[0] == Me("b1", "u", "r", "n", "", [])


@pytest.mark.parametrize("kind", VOCABULARY.events.values(), ids=lambda kind: kind.__name__)
def test_every_event_is_read_again_as_it_was_told(kind):
    event = msgspec.convert(example(kind), kind, strict=False)
    told = event_of(event_json(event))
    assert isinstance(told, kind)
    assert event_json(told) == event_json(event)


def test_an_event_of_a_type_that_is_not_known_is_told_with_its_fields():
    assert event_of({"type": "MoonRose", "phase": "full"}) == OtherEvent("MoonRose", {"phase": "full"})


def test_a_refusal_has_the_id_by_which_the_server_knows_the_request():
    body = {"error": {"code": "busy", "message": "Later.", "details": {}}, "position": 7, "request_id": "mine"}
    assert refusal(httpx.Response(429, json=body, headers={"x-request-id": "mine"})).request_id == "mine"
    assert refusal(httpx.Response(502, text="<html>", headers={"x-request-id": "proxy-1"})).request_id == "proxy-1"
    refused = line_outcome(msgspec.json.encode(body))
    assert isinstance(refused, RefusedError)
    assert refused.request_id == "mine"
