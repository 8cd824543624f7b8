"""Pieces: whatever anyone sends in a command has a bound, and what a command's id stands for does not change with Runline."""

from typing import Any

import msgspec
import pytest
from tests.doubles.pieces import LONG, commands_too_large, example
from tests.doubles.plain import VOCABULARY
from tests.doubles.words import wager

import runline.store.tables  # noqa: F401  (every noun declares its commands)
from runline.domain.board import MarketLine, PostLines
from runline.domain.bounds import PIECE_MAX
from runline.domain.identifiers import Reason, Remark
from runline.domain.messages import Command, Rejected
from runline.domain.pieces import require_small_pieces
from runline.domain.prices import Prices
from runline.domain.results import EnterResult
from runline.engine import envelope
from runline.engine.envelope import content_digest
from runline.engine.limits import COMMAND_BYTES_MAX
from runline.gateway.door import decoded, public_commands

EVERY_PIECE = [one for kind in VOCABULARY.commands.values() for one in commands_too_large(kind)]
each_piece = pytest.mark.parametrize(("place", "body"), EVERY_PIECE, ids=[place for place, _ in EVERY_PIECE])
TEXTS = (str, Reason, Remark)
OF_PIECES = {"too_long", "too_many"}


def kind_of(place):
    return VOCABULARY.commands[place.partition(".")[0]]


def test_every_command_that_holds_text_is_among_these():
    named = {place.partition(".")[0] for place, _ in EVERY_PIECE}
    without = {
        name
        for name, kind in VOCABULARY.commands.items()
        if not any(f.type in TEXTS for f in msgspec.structs.fields(kind))
    }
    assert named | without == set(VOCABULARY.commands)
    assert len(EVERY_PIECE) > 80
    assert any(place.startswith("PostLines.lines[0].") for place in named | {place for place, _ in EVERY_PIECE})


@each_piece
def test_the_engine_refuses_a_command_with_a_piece_that_none_could_need(place, body):
    command = msgspec.json.decode(body, type=kind_of(place))
    with pytest.raises(Rejected) as refused:
        content_digest("owner", command)
    assert refused.value.code in OF_PIECES


@each_piece
def test_the_door_refuses_it_before_it_waits_anywhere(place, body):
    kind = kind_of(place)
    if kind not in public_commands(VOCABULARY):
        return
    with pytest.raises(Rejected) as refused:
        decoded(msgspec.json.Decoder(kind), body)
    assert refused.value.code in OF_PIECES
    assert refused.value.details["most"] == PIECE_MAX


def test_a_piece_as_large_as_may_be_is_for_the_commands_own_rule():
    require_small_pieces(wager("x" * PIECE_MAX, 1))
    content_digest("owner", wager("x" * PIECE_MAX, 1))
    with pytest.raises(Rejected):
        require_small_pieces({"a": [{LONG: 1}]})
    with pytest.raises(Rejected):
        require_small_pieces({"a": ({"b": LONG},)})


class Nested(msgspec.Struct):
    """Texts at some depth of a field."""

    names: Any


@pytest.mark.parametrize(
    ("message", "code", "field"),
    [
        (Nested((LONG,)), "too_long", "names"),
        (Nested([{"a": [LONG]}]), "too_long", "names"),
        (Nested({LONG: 1}), "too_long", "names"),
        (Nested([["x"] * (PIECE_MAX + 1)]), "too_many", "names"),
        (LONG, "too_long", ""),
        (wager(LONG, 1), "too_long", "player"),
        ([LONG], "too_long", ""),
        ({"a": ({"b": LONG},)}, "too_long", ""),
        (["x"] * (PIECE_MAX + 1), "too_many", ""),
        (("x",) * (PIECE_MAX + 1), "too_many", ""),
        (dict.fromkeys(range(PIECE_MAX + 1), "x"), "too_many", ""),
        (PostLines("G1", 1, (MarketLine("moneyline", "game", None, Prices()),) * (PIECE_MAX + 1)), "too_many", "lines"),
        (PostLines("G1", 1, (MarketLine("moneyline", "game", None, Prices(away=LONG)),)), "too_long", "away"),
    ],
    ids=range(13),
)
def test_a_piece_that_is_too_large_is_named_by_its_field(message, code, field):
    with pytest.raises(Rejected) as refused:
        require_small_pieces(message)
    assert (refused.value.code, refused.value.details) == (code, {"field": field, "most": PIECE_MAX})
    assert (field or {"too_long": "A text", "too_many": "A list"}[code]) in str(refused.value)


def test_a_list_as_long_as_may_be_is_for_the_commands_own_rule():
    for message in (["x"] * PIECE_MAX, dict.fromkeys(range(PIECE_MAX), "x"), None, 7):
        require_small_pieces(message)


def test_many_pieces_that_are_small_are_too_large_together():
    long = "9" * PIECE_MAX
    prices = Prices(away=long, home=long, draw=long, over=long, under=long)
    with pytest.raises(Rejected) as refused:
        content_digest("owner", PostLines("G1", 1, (MarketLine("moneyline", "game", None, prices),) * PIECE_MAX))
    assert (refused.value.code, refused.value.details) == ("too_large", {"most": COMMAND_BYTES_MAX})


# What a command's id stands for


def later(kind, **more):
    """A command's type as a later Runline has it: with more fields, each with a default."""
    fields = [(field.name, field.type, *((field.default,) if not field.required else ())) for field in
              msgspec.structs.fields(kind)]  # fmt: skip
    fields += [(name, type(value), value) for name, value in more.items()]
    return type(
        kind.__name__,
        (msgspec.Struct,),
        {"__annotations__": {field[0]: field[1] for field in fields}, **{field[0]: field[2] for field in fields if
                                                                        len(field) > 2}},
        frozen=True, omit_defaults=True, kw_only=True,
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(VOCABULARY.commands))
def test_a_field_that_a_later_version_adds_does_not_change_what_an_id_stands_for(name):
    kind = VOCABULARY.commands[name]
    fields = msgspec.json.encode(example(msgspec.inspect.type_info(kind)))
    now = msgspec.json.decode(fields, type=kind)
    then = msgspec.json.decode(fields, type=later(kind, weather="", wind_mph=0, dome=False, seats=()))
    assert content_digest("P1", then) == content_digest("P1", now)


@pytest.mark.parametrize("name", sorted(VOCABULARY.commands))
def test_a_default_that_is_sent_and_one_that_is_not_are_the_same_command(name):
    kind = VOCABULARY.commands[name]
    sent = example(msgspec.inspect.type_info(kind))
    defaults = {field.name: field.default for field in msgspec.structs.fields(kind) if not field.required}
    left_out = {name: value for name, value in sent.items() if name not in defaults}
    digests = {
        content_digest("P1", msgspec.json.decode(msgspec.json.encode(fields), type=kind))
        for fields in (left_out, {**left_out, **defaults})
    }
    assert len(digests) == 1


def test_a_part_of_a_command_may_grow_a_field_with_a_default_too():
    class Line(msgspec.Struct, frozen=True):
        price: str

    class LaterLine(msgspec.Struct, frozen=True):
        price: str
        source: str = ""

    def of(part):
        return envelope.without_defaults({"lines": (part,)}["lines"])

    assert of(Line("-110")) == of(LaterLine("-110"))
    assert of(LaterLine("-110", "x")) != of(LaterLine("-110"))
    assert envelope.has_parts(EnterResult)
    assert not envelope.has_parts(type(wager("P1", 1)))


@pytest.mark.parametrize("name", sorted(VOCABULARY.commands))
def test_what_the_encoder_leaves_out_itself_is_not_left_out_by_hand_and_says_the_same(name):
    kind = VOCABULARY.commands[name]
    command = msgspec.json.decode(msgspec.json.encode(example(msgspec.inspect.type_info(kind))), type=kind)
    by_hand = envelope.encode_content(envelope.without_defaults(command))
    assert envelope.has_parts(kind) or envelope.encode_content(command) == by_hand


def test_a_post_of_lines_is_encoded_as_it_is():
    assert not envelope.has_parts(PostLines)


@pytest.mark.parametrize("name", sorted(VOCABULARY.commands))
def test_another_content_is_another_command(name):
    kind: type[Command] = VOCABULARY.commands[name]
    fields = msgspec.structs.fields(kind)
    base = example(msgspec.inspect.type_info(kind))
    first = content_digest("P1", msgspec.json.decode(msgspec.json.encode(base), type=kind))
    assert content_digest("P2", msgspec.json.decode(msgspec.json.encode(base), type=kind)) != first
    for field in fields:
        if field.type in TEXTS:
            changed = msgspec.json.encode({**base, field.name: "y"})
            assert content_digest("P1", msgspec.json.decode(changed, type=kind)) != first
