"""Held: lines that look like a mistake wait for a person, each of one market of one game."""

import pytest
from tests.doubles.stage import NOON_NS
from tests.doubles.words import board, game, line

from runline.domain.audience import Audience
from runline.domain.held import ConfirmLine, DropLine, HeldAsked, HeldRow, LineDropped, LineHeld, held_lines
from runline.domain.posted import LinePosted
from runline.domain.prices import Prices

ODD = line("moneyline", "+150", "+150")
TOTAL = line("total", "+150", "+150", quarters=34)


@pytest.fixture
def waiting(house):
    """Two games: of the first a moneyline and a total wait, of the second a moneyline; none of them was on the board before."""
    house.given(game("G1"), game("G2"), board("G1", ODD, TOTAL, confirm=False), board("G2", ODD, confirm=False))
    return house


def held_seq(house, market):
    return house.state.held_lines.by_market[market].held_seq


def test_the_lines_of_a_game_that_wait_are_its_own(waiting):
    held = waiting.state.held_lines
    assert [one.market for one in held.of_fixture("G1")] == ["G1:game:moneyline", "G1:game:total"]
    assert [one.market for one in held.of_fixture("G2")] == ["G2:game:moneyline"]
    assert held.of_fixture("G") == held.of_fixture("G3") == held.of_fixture("") == []
    assert list(held.order) == ["G1:game:moneyline", "G1:game:total", "G2:game:moneyline"]


def test_nothing_waits_where_nothing_was_held(house):
    assert house.state.held_lines.of_fixture("G1") == []


def test_a_line_that_is_confirmed_needs_room_for_its_market_unless_that_is_there(waiting, monkeypatch):
    confirm = ConfirmLine("G1:game:total", held_seq(waiting, "G1:game:total"))
    monkeypatch.setattr("runline.domain.held.MARKETS_MAX", 0)
    waiting.when(confirm)
    waiting.rejected("too_many", most=0)
    monkeypatch.setattr("runline.domain.held.MARKETS_MAX", 1)
    waiting.when(confirm)
    posted = waiting.happened(LinePosted, market="G1:game:total", line_quarters=34, prices=("+150", "+150"))
    assert (posted.tripped, posted.source, posted.entered_ns) == (("no_hold",), "platform", NOON_NS)
    waiting.when(board("G1", line("total", "+160", "+160", quarters=34), entered_ns=NOON_NS + 1, confirm=False))
    waiting.happened(LineHeld)
    waiting.when(ConfirmLine("G1:game:total", held_seq(waiting, "G1:game:total")))
    waiting.happened(LinePosted, prices=("+160", "+160"))


def test_a_line_is_meant_by_its_market_and_the_position_at_which_it_was_held(waiting):
    seq = held_seq(waiting, "G1:game:total")
    for command in (ConfirmLine("G1:game:total", seq + 1), DropLine("G1:game:total", seq - 1, "a slip")):
        waiting.when(command)
        waiting.rejected("line_not_held", held_seq=seq)
    for command in (ConfirmLine("G1:game:spread", seq), DropLine("G3:game:total", seq, "a slip")):
        waiting.when(command)
        waiting.rejected("line_not_held", held_seq=0)
    waiting.when(DropLine("G1:game:total", seq, "a slip"))
    waiting.happened(LineDropped, market="G1:game:total", held_seq=seq, entered_ns=NOON_NS, reason="a slip")
    assert [one.market for one in waiting.state.held_lines.of_fixture("G1")] == ["G1:game:moneyline"]


def test_what_waits_is_asked_for_by_market_page_by_page(waiting):
    state, user = waiting.state, waiting.state.access.users["platform"]

    def page(**asked):
        audience = Audience("root", "", frozenset())
        return held_lines(state, state, user, audience, HeldAsked(**asked), NOON_NS)

    total = state.held_lines.by_market["G1:game:total"]
    whole = page(limit=10)
    assert [row.market for row in whole.items] == list(state.held_lines.order)
    assert whole.next == ""
    assert whole.items[1] == HeldRow(
        "G1:game:total",
        "G1",
        34,
        Prices(over="+150", under="+150"),
        NOON_NS,
        ("no_hold",),
        total.held_seq,
        NOON_NS,
    )
    first = page(limit=1)
    assert ([row.market for row in first.items], first.next) == (["G1:game:moneyline"], "G1:game:moneyline")
    assert [row.market for row in page(limit=10, after=first.next).items] == ["G1:game:total", "G2:game:moneyline"]
