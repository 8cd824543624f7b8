"""Envelope: an event as it is logged, its chain of hashes, and the events of older versions."""

from hashlib import sha256

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.doubles.declared import declare_otherwise
from tests.doubles.golden import FILE
from tests.doubles.plain import VOCABULARY
from tests.doubles.words import wager

from runline.domain.accounts import AdjustCredit, CreditAdjusted
from runline.domain.board import PostLines
from runline.domain.messages import Event, Rejected
from runline.domain.tickets import VoidWager
from runline.domain.vocabulary import plain_vocabulary
from runline.engine.envelope import Envelope, content_digest, decode_envelope, encode_envelope, event_of, link
from runline.engine.ports import GENESIS

EVENT = CreditAdjusted("P1", 1, 2, "asked")
ENVELOPE = Envelope("main", 7, 11, "CreditAdjusted", 1, "owner", "s", "n1", "id", "c", b"digest", 1, 2, 3, EVENT)


def test_an_envelope_reads_back_as_it_was_written():
    logged = decode_envelope(encode_envelope(ENVELOPE))
    assert logged.event(VOCABULARY) == EVENT
    for field in ENVELOPE.__struct_fields__[:-1]:
        assert getattr(logged, field) == getattr(ENVELOPE, field)


def test_the_writers_tuple_is_an_envelope():
    assert encode_envelope(msgspec.structs.astuple(ENVELOPE)) == encode_envelope(ENVELOPE)


# The chain


def test_a_link_is_the_hash_of_the_one_before_and_the_exact_bytes():
    assert link(GENESIS, b"body") == sha256(bytes(32) + b"body").digest()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 35), st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_of_any_entry_changes_every_hash_from_there_on(entry, place, flip):
    bodies = FILE.read_bytes().splitlines()
    forged = list(bodies)
    body = bytearray(forged[entry])
    body[place % len(body)] ^= flip
    forged[entry] = bytes(body)
    honest, changed = chained(bodies), chained(forged)
    assert changed[:entry] == honest[:entry]
    assert not set(changed[entry:]) & set(honest)


def test_a_missing_a_repeated_and_a_moved_entry_change_the_head():
    bodies = FILE.read_bytes().splitlines()
    head = chained(bodies)[-1]
    for forged in (bodies[1:], bodies[:-1], [*bodies, bodies[-1]], [bodies[1], bodies[0], *bodies[2:]]):
        assert chained(forged)[-1] != head


def chained(bodies):
    hashes = [GENESIS]
    for body in bodies:
        hashes.append(link(hashes[-1], body))
    return hashes[1:]


# What an id stands for


def test_the_digest_tells_actors_commands_and_every_field_apart():
    commands = [
        ("owner", AdjustCredit("P1", 1, "")),
        ("clerk", AdjustCredit("P1", 1, "")),
        ("owner", AdjustCredit("P2", 1, "")),
        ("owner", AdjustCredit("P1", 2, "")),
        ("owner", AdjustCredit("P1", 1, " ")),
        ("owner", wager("P1", 1)),
        ("owner", wager("P1", 1, partial=True)),
        ("owner", VoidWager(1, "")),
        ("owner", VoidWager(2**64, "")),
        ("owner", VoidWager(-(2**64), "")),
        ("owner", VoidWager(2**64 + 1, "")),
    ]
    digests = [content_digest(actor, command) for actor, command in commands]
    assert len(set(digests)) == len(commands)
    assert {len(digest) for digest in digests} == {8}
    assert digests == [content_digest(actor, command) for actor, command in commands]


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**400])
def test_an_integer_beyond_64_bits_has_a_digest_for_the_commands_own_rule_refuses_it(number):
    assert len(content_digest("owner", PostLines("G1", number, ()))) == 8
    assert len(content_digest("owner", wager("P1", number))) == 8


@pytest.mark.parametrize("command", [VoidWager(1, "\ud800"), VoidWager(10**5_000, "")], ids=["half", "huge"])
def test_what_no_encoding_can_hold_is_refused(command):
    with pytest.raises(Rejected) as refused:
        content_digest("owner", command)
    assert refused.value.code == "malformed_command"


# Older versions


@pytest.fixture
def moved():
    """A vocabulary with an event whose shape has changed twice."""

    class FigureMoved(Event, version=3):
        """Version 1 had dollars, version 2 cents without a player."""

        player: str
        minor: int

    def to_minor_units(fields):
        return {"minor": fields["dollars"] * 100}

    def with_a_player(fields):
        return {**fields, "player": "unknown"}

    vocabulary = plain_vocabulary()
    declare_otherwise(vocabulary, "events", "FigureMoved", FigureMoved)
    declare_otherwise(vocabulary, "upcasters", ("FigureMoved", 1), to_minor_units)
    declare_otherwise(vocabulary, "upcasters", ("FigureMoved", 2), with_a_player)
    return vocabulary


@pytest.mark.parametrize(
    ("version", "payload", "player"),
    [(1, b'{"dollars":5}', "unknown"), (2, b'{"minor":500}', "unknown"), (3, b'{"player":"P1","minor":500}', "P1")],
)
def test_an_older_version_is_brought_up_step_by_step(moved, version, payload, player):
    assert event_of(moved, "FigureMoved", version, msgspec.Raw(payload)) == moved.events["FigureMoved"](player, 500)


def test_a_later_version_than_is_known_is_not_guessed_at(moved):
    with pytest.raises(msgspec.ValidationError, match="version 4"):
        event_of(moved, "FigureMoved", 4, msgspec.Raw(b'{"player":"P1","minor":500}'))


def test_a_missing_step_is_an_error(moved):
    moved.upcasters = {}
    with pytest.raises(KeyError):
        event_of(moved, "FigureMoved", 1, msgspec.Raw(b'{"dollars":5}'))


def test_what_an_upcaster_makes_must_fit(moved):
    declare_otherwise(moved, "upcasters", ("FigureMoved", 2), lambda fields: {"player": 5, **fields})
    with pytest.raises(msgspec.ValidationError):
        event_of(moved, "FigureMoved", 2, msgspec.Raw(b'{"minor":500}'))


def test_an_unknown_type_is_an_error():
    with pytest.raises(KeyError):
        event_of(VOCABULARY, "NeverHappened", 1, msgspec.Raw(b"{}"))


@pytest.mark.parametrize("payload", [b"{}", b"[]", b"{", b'{"player":1}'])
def test_a_payload_that_does_not_fit_is_an_error(payload):
    with pytest.raises(msgspec.DecodeError):
        event_of(VOCABULARY, "CreditAdjusted", 1, msgspec.Raw(payload))
