"""Lanes: control, wagers and bulk, each with its bound."""

import pytest
from tests.doubles.plain import VOCABULARY
from tests.doubles.words import agent, player, staff, wager

from runline.domain.accounts import AdjustCredit
from runline.domain.book import Book
from runline.domain.jobs import DoSlice
from runline.domain.messages import GATEWAY
from runline.domain.moving import MoveAgent
from runline.domain.permissions import Permission
from runline.domain.sessions import KeepSession
from runline.domain.suspension import Suspend
from runline.domain.users import RevokeUser
from runline.engine.lanes import RANKS, InTurns, Lanes, is_permitted, lane_of
from runline.engine.limits import ACTOR_WAITING_MAX, CONTROL_KEPT, LANE_DEPTH_MAX, REQUESTS_PER_SEND_MAX
from runline.engine.requests import Request, Sink, Submission

DEPTHS = {"control": 4_096, "wagers": 2_048, "bulk": 65_536, "last": 512}
CONTROL = AdjustCredit("P1", 1, "asked")
WAGER = wager("P1", 10_00)
JOB = DoSlice(1)


class Nobody(Sink):
    def answer(self, index, outcome):
        raise AssertionError("a lane answers nobody")


def submission(command, *, bulk=False, index=0, by="P1", branch=""):
    return Submission(Request("main", "id", by, command, bulk=bulk), Nobody(), index, 0, branch)


def put(lanes, submission):
    """Put a submission where it belongs, if there is room."""
    return lanes.admit(lane_of(submission.request), submission)


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
def test_each_submission_has_its_lane(command, bulk, lane):
    lanes = Lanes()
    put(lanes, submission(command, bulk=bulk))
    assert [name for name in RANKS if lanes.ranks[name]] == [lane]


def test_a_full_lane_takes_no_more_and_fills_no_other(monkeypatch):
    monkeypatch.setattr("runline.engine.lanes.LANE_DEPTH_MAX", {**DEPTHS, "control": 1, "wagers": 2, "bulk": 3})
    lanes = Lanes()
    assert [put(lanes, submission(WAGER)) for _ in range(4)] == [True, True, False, False]
    assert [put(lanes, submission(CONTROL)) for _ in range(2)] == [True, False]
    assert [put(lanes, submission(CONTROL, bulk=True)) for _ in range(4)] == [True, True, True, False]
    assert len(lanes) == 6


def test_every_lane_has_a_bound():
    assert LANE_DEPTH_MAX.keys() == ACTOR_WAITING_MAX.keys() == set(RANKS)
    assert all(0 < depth <= 100_000 for depth in LANE_DEPTH_MAX.values())


def test_first_come_first_served_but_for_what_has_waited_for_its_rows():
    lanes = Lanes()
    for index in (1, 2):
        put(lanes, submission(WAGER, index=index))
    lanes.wagers.put_first(submission(WAGER, index=0))
    put(lanes, submission(WAGER, index=3))
    assert [waiting.index for waiting in lanes.wagers] == [0, 1, 2, 3]
    assert [lanes.wagers.take().index for _ in range(4)] == [0, 1, 2, 3]
    assert (len(lanes.wagers), lanes.wagers.senders) == (0, {})


def test_one_user_has_a_part_of_a_lane_and_the_others_the_rest(monkeypatch):
    monkeypatch.setattr("runline.engine.lanes.ACTOR_WAITING_MAX", dict.fromkeys(RANKS, 2))
    for command, bulk in ((CONTROL, False), (WAGER, False), (WAGER, True)):
        lanes = Lanes()
        assert [put(lanes, submission(command, bulk=bulk)) for _ in range(3)] == [True, True, False]
        assert put(lanes, submission(command, bulk=bulk, by="P2"))
        place = lanes.ranks[lane_of(submission(command, bulk=bulk).request)]
        place.take()
        assert put(lanes, submission(command, bulk=bulk))


def test_places_of_the_control_lane_are_kept_for_those_at_the_top(monkeypatch):
    monkeypatch.setattr("runline.engine.lanes.LANE_DEPTH_MAX", {**DEPTHS, "control": CONTROL_KEPT + 1})
    lanes = Lanes()
    assert put(lanes, submission(CONTROL, by="clerk", branch="A1"))
    assert not put(lanes, submission(CONTROL, by="another", branch="A2"))
    assert put(lanes, submission(CONTROL, by="owner"))


@pytest.mark.parametrize(("command", "bulk"), [(CONTROL, False), (WAGER, False), (WAGER, True)])
def test_a_branch_of_the_tree_leaves_places_free_whoever_it_makes_there(monkeypatch, command, bulk):
    monkeypatch.setattr("runline.engine.lanes.LANE_DEPTH_MAX", dict.fromkeys(RANKS, 96))
    monkeypatch.setattr("runline.engine.lanes.CONTROL_KEPT", 0)
    lanes = Lanes()

    def flood(branch):
        return sum(
            put(lanes, submission(command, bulk=bulk, by=f"{branch}-{number}", branch=branch)) for number in range(90)
        )

    assert [flood(branch) for branch in ("A1", "A2", "A3", "A1")] == [64, 22, 7, 0]
    assert put(lanes, submission(command, bulk=bulk, by="new", branch="A4"))
    place = lanes.ranks[lane_of(submission(command, bulk=bulk).request)]
    assert place.branches == {"A1": 64, "A2": 22, "A3": 7, "A4": 1}
    place.put_first(place.take())
    assert sum(place.branches.values()) == 94
    while place:
        place.take()
    assert place.branches == {}
    flood("A1")
    assert (len(lanes.empty()), place.branches) == (64, {})


def test_a_user_of_a_branch_leaves_places_to_the_others_of_it():
    lanes = Lanes()
    sent = [put(lanes, submission(WAGER, by="P1", branch="A1")) for _ in range(2_000)]
    assert sent[:REQUESTS_PER_SEND_MAX] == [True] * REQUESTS_PER_SEND_MAX
    assert sent.count(True) <= LANE_DEPTH_MAX["wagers"] // 2
    assert all(put(lanes, submission(WAGER, by=f"P{number}", branch="A1")) for number in range(2, 202))
    assert all(put(lanes, submission(WAGER, by=f"P{number}", branch="A2")) for number in range(300, 500))


def test_a_branch_of_the_tree_is_an_agent_right_below_the_root_with_everything_below_it(book):
    book.given(agent("A1"), agent("A1-1", "A1"), agent("A2"), player("P1", "A1-1"), player("P2"))
    book.given(staff("ann", Permission.SUSPEND, at="A1"))
    found = [book.state.access.branch_of(name) for name in ("P1", "ann", "P2", "owner", "nobody")]
    assert found == ["A1", "A1", "", "", ""]
    book.given(MoveAgent("A1-1", "A2", "sold"))
    assert book.state.access.branch_of("P1") == "A2"
    assert book.house.state.access.branch_of("platform") == ""


def senders(lane, number):
    return [lane.take().request.actor for _ in range(number)]


def test_in_the_control_lane_everyone_who_waits_has_turns(monkeypatch):
    monkeypatch.setattr("runline.engine.lanes.CONTROL_TURN", 2)
    lane = InTurns()
    for by in ("A", "A", "A", "A", "A", "B", "C", "C", "C"):
        lane.put(submission(CONTROL, by=by))
    assert senders(lane, 9) == ["A", "A", "B", "C", "C", "A", "A", "C", "A"]
    assert (len(lane), lane.senders) == (0, {})


def test_in_the_control_lane_turns_go_round_the_branches_of_the_tree_however_many_users_they_have(monkeypatch):
    monkeypatch.setattr("runline.engine.lanes.CONTROL_TURN", 1)
    lane = InTurns()
    for number in range(6):
        lane.put(submission(CONTROL, by=f"A{number}", branch="A1"))
    for by, branch in (("B", "A2"), ("B", "A2"), ("owner", ""), ("owner", "")):
        lane.put(submission(CONTROL, by=by, branch=branch))
    lane.begin_round()
    assert lane.unserved == 8
    assert senders(lane, 10) == ["A0", "B", "owner", "A1", "B", "owner", "A2", "A3", "A4", "A5"]
    assert (len(lane), lane.senders, lane.branches, lane.unserved) == (0, {}, {}, 0)


def test_what_one_user_sends_to_the_control_lane_stays_in_its_order(monkeypatch):
    monkeypatch.setattr("runline.engine.lanes.CONTROL_TURN", 2)
    lane = InTurns()
    for index in range(6):
        lane.put(submission(CONTROL, by="AB"[index % 2], index=index))
    lane.put_first(submission(CONTROL, by="B", index=9))
    taken = [lane.take() for _ in range(7)]
    assert [one.index for one in taken if one.request.actor == "A"] == [0, 2, 4]
    assert [one.index for one in taken if one.request.actor == "B"] == [9, 1, 3, 5]


def test_a_round_is_over_when_everyone_who_waited_at_its_beginning_had_a_turn(monkeypatch):
    monkeypatch.setattr("runline.engine.lanes.CONTROL_TURN", 2)
    lane = InTurns()
    for by in ("A", "A", "A", "B"):
        lane.put(submission(CONTROL, by=by))
    lane.begin_round()
    assert senders(lane, 2) == ["A", "A"]
    lane.put(submission(CONTROL, by="C"))
    assert lane.unserved == 1
    assert senders(lane, 1) == ["B"]
    assert lane.unserved == 0
    lane.begin_round()
    assert lane.unserved == 2
    lane.empty()
    assert (lane.unserved, len(lane)) == (0, 0)


def test_a_turn_is_over_when_its_time_is_however_few_it_were(monkeypatch):
    monkeypatch.setattr("runline.engine.lanes.CONTROL_TURN", 3)
    monkeypatch.setattr("runline.engine.lanes.CONTROL_TURN_NS", 100)
    lane = InTurns()
    for by in "AAAAABBBB":
        lane.put(submission(CONTROL, by=by))
    lane.begin_round()
    order = ""
    while lane:
        by = lane.take().request.actor
        order += by
        lane.took({"A": 60, "B": 10}[by])
    assert order == "AABBBAABA"
    assert (lane.senders, lane.unserved) == ({}, 0)


def test_what_was_sent_for_a_duty_can_be_withdrawn():
    lane = InTurns()
    owed = ("house", "TakeResult", "7")
    for index, duty in enumerate((owed, None, owed)):
        lane.put(Submission(Request("main", "id", "engine", JOB), Nobody(), index, 0, duty=duty))
    lane.put(submission(CONTROL, by="A", index=9))
    lane.withdraw("house")
    assert [lane.take().index for _ in range(len(lane))] == [1, 9]
    lane.put(Submission(Request("main", "id", "engine", JOB), Nobody(), 5, 0, duty=owed))
    lane.begin_round()
    lane.withdraw("house")
    assert (len(lane), lane.senders, lane.unserved) == (0, {}, 0)


def test_whether_somebody_may_send_a_command_is_known_before_it_is_judged(book):
    book.given(player("P1"), staff("ann", Permission.SUSPEND))

    def permitted(command, by):
        return is_permitted(book.state, Request("main", "id", by, command))

    assert permitted(WAGER, "P1")
    assert not permitted(CONTROL, "P1")
    assert permitted(Suspend("all", "", "given"), "ann")
    assert not permitted(CONTROL, "ann")
    assert not permitted(WAGER, "nobody")
    assert permitted(CONTROL, book.owner)
    assert permitted(KeepSession("s"), GATEWAY)
    assert not permitted(KeepSession("s"), book.owner)
    book.given(RevokeUser("ann", "left"))
    assert not permitted(Suspend("all", "", "given"), "ann")
    assert is_permitted(Book("new", VOCABULARY), Request("new", "id", "owner", CONTROL))


def test_emptying_takes_everything_out_control_first():
    lanes = Lanes()
    for index, (command, bulk) in enumerate([(WAGER, True), (WAGER, False), (CONTROL, False)]):
        put(lanes, submission(command, bulk=bulk, index=index))
    assert [waiting.index for waiting in lanes.empty()] == [2, 1, 0]
    assert (len(lanes), lanes.empty()) == (0, [])
