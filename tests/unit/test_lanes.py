"""Lanes: control, wagers and bulk, each with its bound."""

import pytest
from tests.doubles.words import wager

from runline.domain.accounts import AdjustCredit
from runline.domain.settlement import SettleSlice
from runline.engine.lanes import Lanes, lane_of
from runline.engine.limits import LANE_DEPTH_MAX
from runline.engine.requests import Request, Sink, Ticket

CONTROL = AdjustCredit("P1", 1, "asked")
WAGER = wager("P1", 10_00)
JOB = SettleSlice(1)


class Nobody(Sink):
    def answer(self, index, outcome):
        raise AssertionError("a lane answers nobody")


def ticket(command, *, bulk=False, index=0):
    return Ticket(Request("main", "id", "P1", command, bulk=bulk), Nobody(), index, 0)


def put(lanes, ticket):
    """Put a ticket where it belongs, if there is room."""
    lane = lane_of(ticket.request)
    if lanes.is_full(lane):
        return False
    lanes.put(ticket, lane)
    return True


@pytest.mark.parametrize(
    ("command", "bulk", "lane"),
    [
        (CONTROL, False, "control"),
        (WAGER, False, "wagers"),
        (JOB, False, "bulk"),
        (CONTROL, True, "bulk"),
        (WAGER, True, "bulk"),
    ],
)
def test_each_ticket_has_its_lane(command, bulk, lane):
    lanes = Lanes()
    put(lanes, ticket(command, bulk=bulk))
    assert [name for name in LANE_DEPTH_MAX if getattr(lanes, name)] == [lane]


def test_a_full_lane_takes_no_more_and_fills_no_other(monkeypatch):
    monkeypatch.setattr("runline.engine.lanes.LANE_DEPTH_MAX", {"control": 1, "wagers": 2, "bulk": 3})
    lanes = Lanes()
    assert [put(lanes, ticket(WAGER)) for _ in range(4)] == [True, True, False, False]
    assert [put(lanes, ticket(CONTROL)) for _ in range(2)] == [True, False]
    assert [put(lanes, ticket(CONTROL, bulk=True)) for _ in range(4)] == [True, True, True, False]
    assert len(lanes) == 6


def test_every_lane_has_a_bound():
    assert LANE_DEPTH_MAX.keys() == {"control", "wagers", "bulk"}
    assert all(0 < depth <= 100_000 for depth in LANE_DEPTH_MAX.values())


def test_first_come_first_served_but_for_what_has_waited_for_its_rows():
    lanes = Lanes()
    for index in (1, 2):
        put(lanes, ticket(WAGER, index=index))
    lanes.put_first(ticket(WAGER, index=0))
    lanes.put_last(ticket(WAGER, index=3))
    assert [waiting.index for waiting in lanes.wagers] == [0, 1, 2, 3]


def test_what_the_engine_sends_itself_always_finds_room(monkeypatch):
    monkeypatch.setattr("runline.engine.lanes.LANE_DEPTH_MAX", {"control": 0, "wagers": 0, "bulk": 0})
    lanes = Lanes()
    lanes.put_first(ticket(JOB))
    lanes.put_last(ticket(JOB))
    assert len(lanes) == 2


def test_emptying_takes_everything_out_control_first():
    lanes = Lanes()
    for index, (command, bulk) in enumerate([(WAGER, True), (WAGER, False), (CONTROL, False)]):
        put(lanes, ticket(command, bulk=bulk, index=index))
    assert [waiting.index for waiting in lanes.empty()] == [2, 1, 0]
    assert (len(lanes), lanes.empty()) == (0, [])
