"""What is sent to a server and shown of it: words, requests, what is kept, and a tail that misses nothing silently."""

import asyncio
import json
import os
import stat
import time
from typing import Any

import httpx
import msgspec
import pytest

from runline.client import AsyncClient, Frame, Rows
from runline.domain.shown import BoardFixture
from runline.remote import asking
from runline.remote.asking import Call, ask, fields_of, request_of
from runline.remote.declared import commands
from runline.remote.keeping import SignIn, file_of_sign_ins, forget, keep, kept
from runline.remote.tailing import Follower, Tail
from runline.remote.where import HERE, address_of, can_be_overheard
from runline.remote.words import Games, amount, amount_of, fields_in_words, legs_of
from runline.shell import UnusableError

GAME = BoardFixture("G1", "MLB", "baseball", 951, "Mets", "Cubs", 0, "scheduled", [])


# Words


class Board:
    """A client that knows one game."""

    def __init__(self) -> None:
        self.asked = 0

    async def page(self, asked):
        self.asked += 1
        return Rows(1, [GAME] if asked.fixture == "G1" else [])


def words(market, side, line, text, client=None):
    client = client or Board()
    leg = {"market": market, "side": side, "line_quarters": line, "price": text}
    return asyncio.run(Games(client).ticket(leg))


@pytest.mark.parametrize(
    ("market", "side", "line", "text", "said"),
    [
        ("G1:game:moneyline", "away", None, "+120", "951 Mets +120, moneyline"),
        ("G1:game:moneyline", "home", None, "-100", "952 Cubs EV, moneyline"),
        ("G1:game:spread", "home", -6, "-110", "952 Cubs −1½ −110, run line"),
        ("G1:game:spread", "away", 0, "+105", "951 Mets PK +105, run line"),
        ("G1:game:total", "over", 34, "-105", "951 Mets at Cubs over 8½ −105, total"),
        ("G1:1h:total", "under", 18, "1.91", "952 Mets at Cubs under 4½ 1.91, total, first 5 innings"),
        ("G1:game:three_way", "draw", None, "+300", "951 Mets at Cubs draw +300, three way"),
        ("G9:game:moneyline", "home", None, "-130", "G9 home −130, moneyline"),
    ],
)
def test_a_selection_is_said_as_the_row_of_a_ticket_says_it(market, side, line, text, said):
    assert words(market, side, line, text) == said


def test_every_leg_of_a_ticket_is_said_and_a_game_asked_for_once():
    client: Any = Board()
    legs: list[dict[str, Any]] = [
        {"market": "G1:game:moneyline", "side": "home", "line_quarters": None, "price": "-130"},
        {"market": "G1:game:total", "side": "over", "line_quarters": 34, "price": "-105"},
    ]
    said = asyncio.run(Games(client).ticket({"legs": legs}))
    assert said == "952 Cubs −130, moneyline; 951 Mets at Cubs over 8½ −105, total"
    assert client.asked == 1
    (leg,) = legs_of({"legs": [["G1", "G1:game:moneyline", "home", None, "-130"]]})
    assert (leg.fixture, leg.side) == ("G1", "home")
    assert legs_of({"legs": ["won"], **legs[1]})[0].line_quarters == 34


def test_amounts_are_written_as_the_page_does():
    assert [amount(minor) for minor in (0, -5, 1234500, -100)] == ["0.00", "−0.05", "12,345.00", "−1.00"]


def test_what_else_an_event_says_is_said_with_its_amounts():
    event = {"type": "CreditAdjusted", "player": "P1", "before_minor": 50_000, "after_minor": 90_000, "reason": ""}
    assert fields_in_words(event) == "player P1, before 500.00, after 900.00"
    assert fields_in_words({"type": "WagerVoided", "reason": "keyed wrong", "stood": [1]}) == "reason keyed wrong"


# Where


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("https://book.example", "https://book.example"),
        ("https://book.example/", "https://book.example"),
        ("book.example", "https://book.example"),
        ("book.example:8443", "https://book.example:8443"),
        ("localhost:8321", "http://localhost:8321"),
        ("127.0.0.1:8321", "http://127.0.0.1:8321"),
        ("http://[::1]:8321", "http://[::1]:8321"),
    ],
)
def test_an_address_is_kept_in_one_form(typed, address):
    assert address_of(typed) == address


@pytest.mark.parametrize("typed", ["", "ftp://x", "http://", "http://x/path", "http://x?y", "http://x:port", "a@b"])
def test_what_is_no_address_is_refused(typed):
    with pytest.raises(UnusableError, match="is no address of a server"):
        address_of(typed)


def test_plain_http_beyond_this_machine_can_be_overheard():
    servers = ("http://book.example", "https://book.example", "http://localhost:1", "http://[::1]:1", "http://10.0.0.1")
    assert [can_be_overheard(server) for server in servers] == [True, False, False, False, True]


# What is kept


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    before = os.umask(0)
    yield tmp_path
    os.umask(before)


def test_the_last_sign_in_comes_first_and_each_place_has_one(home):
    first, second = SignIn("http://a", "b1", "owner", "t1", "d1"), SignIn("http://a", "b1", "ann", "t2")
    for one in (first, second, SignIn("http://a", "b1", "owner", "t3", "d1")):
        keep(one)
    assert [(one.user, one.token) for one in kept()] == [("owner", "t3"), ("ann", "t2")]
    assert stat.S_IMODE(file_of_sign_ins().stat().st_mode) == 0o600, "whatever the umask is"
    forget(first)
    assert [(one.user, one.token, one.device) for one in kept()] == [("owner", "", "d1"), ("ann", "t2", "")]
    assert [file.name for file in file_of_sign_ins().parent.iterdir()] == ["sign-ins.json"]


def test_a_file_that_cannot_be_read_is_named_with_the_remedy(home):
    assert kept() == []
    keep(SignIn("http://a", "b1", "owner"))
    file_of_sign_ins().write_text("nonsense")
    with pytest.raises(UnusableError, match=r"sign-ins\.json cannot be read.*Remove the file"):
        kept()


# Requests


def test_a_command_is_posted_with_its_fields_of_their_types_and_an_id():
    fields = (
        "player=P1",
        "market=G1:game:moneyline",
        "side=home",
        "line_quarters=null",
        "price=-130",
        "amount_minor=25",
    )
    asked = request_of(Call("PlaceWager", fields=fields))
    assert (asked.method, asked.path) == ("POST", "/v1/place-wager")
    body = json.loads(asked.content or b"")
    assert (body["price"], body["amount_minor"], body["line_quarters"]) == ("-130", 25, None)
    assert asked.keyed
    assert "idempotency-key" not in asked.headers, "it gets one when the server was asked for its time"
    assert request_of(Call("place-wager", fields=fields)).content == asked.content
    assert request_of(Call("PlaceWager", preview=True, if_position=7)).params == {"preview": "true", "if_position": "7"}
    assert request_of(Call("PlaceWager", sent_as="mine")).headers["idempotency-key"] == "mine"


def test_anything_else_is_asked_for_unless_a_method_or_a_body_says_otherwise():
    assert request_of(Call("board", fields=("league=MLB",))).params == {"league": "MLB"}
    assert request_of(Call("/v1/ready")).path == "/v1/ready"
    posted = request_of(Call("/v1/change-password", method="post", fields=("old=a", "new=b")))
    assert (posted.method, json.loads(posted.content or b"")) == ("POST", {"old": "a", "new": "b"})


@pytest.mark.parametrize("command", commands().values(), ids=lambda kind: kind.__name__)
def test_what_a_command_takes_as_text_is_given_without_quotes(command):
    texts = {field.name for field in msgspec.structs.fields(command)} & {"reason", "description", "player", "market"}
    given = fields_of([f"{name}=a key player is hurt" for name in texts], command)
    assert given == dict.fromkeys(texts, "a key player is hurt")


def test_a_command_gets_its_id_by_the_servers_clock(monkeypatch):
    ahead_ns = 3_600 * 10**9
    sent = []

    def answered(request):
        if request.url.path == "/v1/time":
            return httpx.Response(200, json={"now_ns": time.time_ns() + ahead_ns})
        sent.append(request.headers["idempotency-key"])
        return httpx.Response(200, json={})

    monkeypatch.setattr(asking, "call", lambda where, work: asyncio.run(with_client(work)))

    async def with_client(work):
        async with AsyncClient("http://there", transport=httpx.MockTransport(answered)) as client:
            return await work(client, SignIn("http://there", "b1", "anna", "token"))

    assert ask(HERE, Call("VoidWager", fields=("wager=1", "reason=why"))) == 0
    assert ask(HERE, Call("VoidWager", sent_as="mine")) == 0
    made_ms = int(sent[0].replace("-", "")[:12], 16)
    assert abs(made_ms - (time.time_ns() + ahead_ns) // 1_000_000) < 60_000
    assert sent[1] == "mine"


def test_a_secret_command_has_no_door_here_either():
    with pytest.raises(UnusableError, match="there is no command"):
        request_of(Call("SetCredential"))


# Following


def placed(number, risk_minor=1_000, **more):
    event = {"type": "WagerPlaced", "wager": number, "player": "P1", "fixture": "G1", "risk_minor": risk_minor, **more}
    return {"seq": number, "at_ns": 0, "actor": "P1", "event": event}


def frame(kind, *entries, position=0):
    return Frame(kind, f"log:1:{position}", 0, position, 1, {"wagers": {"events": list(entries)}})


def following(**wanted):
    client: Any = None
    return Follower(client, Tail("wagers", ("tail", "wagers"), as_json=True, **wanted))


def shown(capsys):
    return [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()]


def test_the_first_image_shows_the_last_events_that_fit(capsys):
    tail = following(last=2, min_minor=500)
    image = frame("image", placed(1), placed(2, 100), placed(3), placed(4), position=4)
    assert not asyncio.run(tail.take(image, begins=True))
    assert shown(capsys) == [3, 4]


def test_what_was_shown_is_not_shown_again_by_a_later_image_and_what_may_be_missing_is_said(capsys):
    tail = following(last=0)
    asyncio.run(tail.take(frame("image", placed(1), position=1), begins=True))
    asyncio.run(tail.take(frame("delta", placed(2), position=2), begins=False))
    asyncio.run(tail.take(frame("image", placed(1), placed(2), placed(3), position=3), begins=False))
    said = capsys.readouterr()
    assert [json.loads(line)["seq"] for line in said.out.splitlines()] == [2, 3]
    assert said.err == ""
    asyncio.run(tail.take(frame("image", placed(90), placed(91), position=91), begins=False))
    said = capsys.readouterr()
    assert [json.loads(line)["seq"] for line in said.out.splitlines()] == [90, 91]
    assert "what came before #90 may be missing here" in said.err


def test_a_tail_that_goes_on_shows_only_what_came_since(capsys):
    tail = following(resume="log:1:2")
    asyncio.run(tail.take(frame("image", placed(2), placed(3), position=3), begins=False))
    assert shown(capsys) == [3]


def test_what_becomes_of_a_large_ticket_is_shown_and_of_a_small_one_not(capsys):
    tail = following(min_minor=500, last=10)

    def settled(seq, number):
        return {"seq": seq, "at_ns": 0, "actor": "", "event": {"type": "WagerSettled", "wager": number, "player": "P1"}}

    entries = (placed(1, 100), placed(2, 600), settled(3, 1), settled(4, 2))
    asyncio.run(tail.take(frame("image", *entries, position=4), begins=True))
    assert shown(capsys) == [2, 4]


def test_what_becomes_of_a_large_ticket_is_shown_though_its_placing_was_before(capsys):
    def settled(number, risk_minor):
        event = {"type": "WagerSettled", "wager": number, "player": "P1", "result": "won", "returned_minor": 1_200}
        ticket = {"risk_minor": risk_minor, "selection": "902 Cubs −130, moneyline"}
        return {"seq": number, "at_ns": 0, "actor": "", "event": event, "ticket": ticket}

    tail = following(min_minor=500, last=10)
    asyncio.run(tail.take(frame("image", settled(1, 100), settled(2, 600), position=2), begins=True))
    assert shown(capsys) == [2]
    assert asyncio.run(tail.line(settled(2, 600))).endswith("#2 settled won, returned 12.00, 902 Cubs −130, moneyline")


def test_it_ends_after_so_many_events(capsys):
    tail = following(limit=1)
    assert asyncio.run(tail.take(frame("image", placed(1), placed(2), position=2), begins=True))
    assert shown(capsys) == [1]


def test_a_least_amount_is_typed_as_people_do():
    assert [amount_of("--min", text) for text in (None, "500", "1,250.50")] == [0, 50_000, 125_050]
    with pytest.raises(UnusableError, match="--min takes an amount"):
        amount_of("--min", "much")
