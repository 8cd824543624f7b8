"""Codec: whatever goes over a bus comes out at the other end as it went in, but for what nobody may see."""

import pytest
from tests.doubles.coded import decode_outcome, decode_request, encode_outcome, encode_request
from tests.doubles.golden import stored
from tests.doubles.plain import VOCABULARY

from runline.domain.accounts import AdjustCredit
from runline.domain.board import MarketLine, PostLines
from runline.domain.hierarchy import CreateAgent
from runline.domain.messages import Rejected, bare
from runline.domain.passwords import PasswordSet
from runline.domain.placing import PlaceWager
from runline.domain.preview import Moves
from runline.domain.prices import Prices
from runline.engine.codec import (
    NamedCommand,
    RequestFrame,
    ToldEvents,
    decode_committed,
    decode_rejected,
    encode,
    encode_committed,
    encode_rejected,
    event_named,
    named,
)
from runline.engine.requests import Accepted, Previewed, Refused, Request
from runline.engine.subscription import Committed
from runline.gateway.answers import outcome_json


def frame(**fields):
    """A request as bytes, whatever it says."""
    usual = {
        "stream": "b1",
        "id": "an id",
        "actor": "",
        "command": NamedCommand("CreateAgent", b'{"agent":"A1","parent":"root"}'),
        "session": "s",
        "correlation": "",
        "preview": False,
        "if_position": None,
        "bulk": False,
        "received_ns": 0,
    }
    return encode(RequestFrame(**{**usual, **fields}))


def test_every_type_of_event_is_told_as_it_is_but_for_its_secrets():
    told = {}
    for entry in stored():
        event = entry.event(VOCABULARY)
        told[entry.type] = event_named(VOCABULARY, named(event))
        assert told[entry.type] == (bare(event) if type(event).secret else event)
    assert set(told) == set(VOCABULARY.events)


def test_every_type_of_event_is_answered_over_a_link_as_without_one_and_is_an_event_to_whoever_looks():
    events = [entry.event(VOCABULARY) for entry in stored()]
    here = Accepted(7, events)
    there = decode_outcome(VOCABULARY, encode_outcome(here))
    assert isinstance(there, Accepted)
    assert isinstance(there.events, ToldEvents)
    assert outcome_json(there) == outcome_json(here)
    seen = [bare(event) if type(event).secret else event for event in events]
    assert (list(there.events), there.events[1:3], len(there.events)) == (seen, seen[1:3], len(seen))


def test_the_digest_of_a_password_is_not_told():
    event = PasswordSet("ann", "digest", "", "$argon2id$secret")
    outcome = decode_outcome(VOCABULARY, encode_outcome(Accepted(1, [event])))
    assert isinstance(outcome, Accepted)
    assert outcome.events == [bare(event)]
    assert b"secret" not in encode_outcome(Accepted(1, [event]))


@pytest.mark.parametrize(
    "command",
    [
        PlaceWager("P1", "G1:game:moneyline", "home", None, "+102", 50_00),
        CreateAgent("A1", "root"),
        PostLines("G1", 1, (MarketLine("total", "game", 34, Prices(over="-105", under="-115")),)),
        AdjustCredit("P1", 10**400, "more than 64 bits hold"),
    ],
)
def test_a_request_comes_out_as_it_went_in(command):
    request = Request("b1", "an id", "", command, "a session", "c", True, 7, True, 5)
    assert decode_request(VOCABULARY, encode_request(request)) == request


def test_what_no_encoding_holds_is_refused_before_it_is_sent():
    with pytest.raises(Rejected) as refused:
        encode_request(Request("b1", "an id", "owner", CreateAgent("\ud800", "root")))
    assert refused.value.code == "malformed_command"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_command"),
        (b"\xc1", "malformed_command"),
        (frame()[:-1], "malformed_command"),
        (frame(command=NamedCommand("StealMoney", b"{}")), "unknown_command"),
        (frame(command=NamedCommand("CreateAgent", b'{"agent":"A1"}')), "malformed_command"),
        (frame(command=NamedCommand("CreateAgent", b'{"agent":"A1","parent":1}')), "malformed_command"),
        (frame(command=NamedCommand("CreateAgent", b"[" * 30_000)), "malformed_command"),
        (frame(if_position="7"), "malformed_command"),
    ],
)
def test_what_is_no_request_is_refused(body, code):
    with pytest.raises(Rejected) as refused:
        decode_request(VOCABULARY, body)
    assert refused.value.code == code


def test_every_outcome_names_what_it_is():
    entries = stored()
    events = [entry.event(VOCABULARY) for entry in entries[:2]]
    for outcome in (
        Accepted(7, events, repeated=True),
        Previewed(7, events, Moves()),
        Refused(7, "limit_exceeded", "Too much.", {"most": 10**30, "at": "max_bet", "nested": [1, None]}),
    ):
        assert decode_outcome(VOCABULARY, encode_outcome(outcome)) == outcome


def test_a_refusals_value_that_json_cannot_hold_is_told_as_text():
    told = decode_outcome(
        VOCABULARY, encode_outcome(Refused(0, "stake_invalid", "That is no stake.", {"stake": object}))
    )
    assert told == Refused(0, "stake_invalid", "That is no stake.", {"stake": repr(object)})
    rejected = decode_rejected(encode_rejected(Rejected("busy", "Too much.", most=5)))
    assert (rejected.code, rejected.message, rejected.details) == ("busy", "Too much.", {"most": 5})


def test_durable_events_come_out_as_they_went_in():
    happened = [
        Committed(entry.stream, entry.seq, entry.at_ns, entry.actor, entry.command, bare(entry.event(VOCABULARY)), 5)
        for entry in stored()
        if not type(entry.event(VOCABULARY)).secret
    ]
    assert decode_committed(VOCABULARY, encode_committed(happened)) == happened
