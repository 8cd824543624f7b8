"""The replay without an engine: what it plans, and what it does with the answers."""

import asyncio

import msgspec
import pytest

from runline.bus.local import LocalBus
from runline.domain.board import MarketLine, PostLines
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.grading import Score
from runline.domain.messages import HOUSE
from runline.domain.prices import Prices
from runline.domain.results import ConfirmResult, EnterResult
from runline.engine.requests import Accepted, Refused
from runline.feeds import replay
from runline.feeds.mlb2016 import MlbGame, MlbLine
from runline.feeds.replay import Replay, create_fixtures, last_lines, plan, post_lines

HOUR_NS = 3_600 * 10**9
NOON_NS = 1_466_856_000 * 10**9


def game(name, start_ns, number=0, half_innings=None):
    return MlbGame(name, start_ns, "Visitors", "Home", number, "A", "B", 3, 5, 2, half_innings)


def line(name, entered_ns, **fields):
    full = MlbLine(name, entered_ns, 6, "-120", "+105", "+150", "-170", 34, "-105", "-115")
    return msgspec.structs.replace(full, **fields)


class ManualClock:
    def __init__(self, at_ns):
        self.at_ns = at_ns

    def now_ns(self):
        return self.at_ns

    def host_ns(self):
        return self.at_ns

    def seconds_until(self, at_ns):
        return (at_ns - self.at_ns) / 1e9


class RefusingBus(LocalBus):
    """Answers from a list: a code refuses, an empty text accepts; when the list is empty it accepts."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent: list[list] = []
        self.made = 0

    def new_id(self):
        self.made += 1
        return f"id-{self.made}"

    async def send(self, requests):
        self.sent.append(list(requests))
        codes = [self.answers.pop(0) if self.answers else "" for _ in requests]
        return [Refused(0, code, "", {}) if code else Accepted(1, []) for code in codes]


def test_a_row_is_the_whole_board_of_its_fixture_from_the_home_sides_view():
    assert post_lines(line("G1", 7)) == PostLines(
        "G1",
        7,
        (
            MarketLine("spread", "game", -6, Prices(away="-120", home="+105")),
            MarketLine("moneyline", "game", None, Prices(away="+150", home="-170")),
            MarketLine("total", "game", 34, Prices(over="-105", under="-115")),
        ),
    )


@pytest.mark.parametrize(
    ("missing", "kinds"),
    [
        ({"spread_away": None, "spread_away_price": None, "spread_home_price": None}, ["moneyline", "total"]),
        ({"moneyline_away_price": None, "moneyline_home_price": None}, ["spread", "total"]),
        ({"total": None, "over_price": None, "under_price": None}, ["spread", "moneyline"]),
        ({"over_price": None}, ["spread", "moneyline"]),
    ],
)
def test_a_market_that_the_row_does_not_offer_is_not_posted(missing, kinds):
    assert [market.kind for market in post_lines(line("G1", 7, **missing)).lines] == kinds


def test_rotation_numbers_follow_the_starts_and_a_double_header_is_two_fixtures():
    games = [game("C2", NOON_NS + 4 * HOUR_NS, 2), game("B1", NOON_NS + HOUR_NS), game("C1", NOON_NS, 1)]
    created = create_fixtures(games)
    assert created[0] == CreateLeague("MLB", "baseball")
    fixtures = [command for command in created if isinstance(command, CreateFixture)]
    assert [(one.fixture, one.rotation) for one in fixtures] == [("C1", 901), ("B1", 903), ("C2", 905)]


def test_all_games_are_merged_in_the_order_of_time_and_results_come_3_h_5_min_after_the_start():
    games = [game("G1", NOON_NS, half_innings=10), game("G2", NOON_NS + HOUR_NS)]
    lines = [line("G1", NOON_NS - 3), line("G1", NOON_NS - 1), line("G2", NOON_NS - 2)]
    planned = plan(games, lines)
    assert [(row.at_ns - NOON_NS, row.said.game_id) for row in planned] == [
        (-3, "G1"),
        (-2, "G2"),
        (-1, "G1"),
        (3 * HOUR_NS + HOUR_NS // 12, "G1"),
        (4 * HOUR_NS + HOUR_NS // 12, "G2"),
    ]
    assert planned[3].commands() == (EnterResult("G1", Score(5, 3, length=10)), ConfirmResult("G1", 1))


def test_last_lines_keeps_one_line_of_a_game_and_every_result():
    planned = plan([game("G1", NOON_NS)], [line("G1", 1), line("G2", 2), line("G1", 3)])
    assert [(row.at_ns, row.said.game_id) for row in last_lines(planned)] == [
        (2, "G2"),
        (3, "G1"),
        (planned[-1].at_ns, "G1"),
    ]


@pytest.mark.parametrize(("catch_up", "caught_up"), [("last", [2, 3]), ("all", [1, 2, 3])])
def test_what_lies_before_the_start_goes_into_the_bulk_lane_and_what_is_due_into_one_send(catch_up, caught_up):
    games = [game("G1", NOON_NS), game("G2", NOON_NS)]
    lines = [line("G1", 1), line("G2", 2), line("G1", 3), line("G1", 5), line("G2", 6), line("G1", 9)]
    clock, bus = ManualClock(4), RefusingBus()
    feed = Replay(bus, clock, games, lines, actor="feed", catch_up=catch_up)

    async def scenario():
        await feed.open()
        clock.at_ns = 6
        await feed.send_due()

    asyncio.run(scenario())
    created, caught, due = bus.sent
    assert len(created) == 3
    assert [request.command.entered_ns for request in caught] == caught_up
    assert [request.command.entered_ns for request in due] == [5, 6]
    assert [all(request.bulk for request in sent) for sent in bus.sent] == [True, True, False]
    assert {(request.stream, request.actor) for request in due} == {(HOUSE, "feed")}
    assert feed.next_ns == 9


def test_a_run_says_everything_that_is_due():
    games = [game("G1", NOON_NS)]
    bus = RefusingBus()
    feed = Replay(bus, ManualClock(2 * NOON_NS), games, [], actor="feed")
    asyncio.run(feed.run())
    assert [len(sent) for sent in bus.sent] == [2]
    assert feed.next_ns is None


def test_no_send_has_more_than_a_thousand_requests():
    bus = RefusingBus()
    feed = Replay(bus, ManualClock(0), [], [], actor="feed")
    asyncio.run(feed.send([CreateLeague(f"L{number}", "soccer") for number in range(2_100)]))
    assert [len(sent) for sent in bus.sent] == [1_000, 1_000, 100]
    assert feed.outcomes == {"unchanged": 2_100}


def test_a_refusal_is_counted_and_the_feed_goes_on():
    bus = RefusingBus("past_cutoff", "", "line_out_of_order", "past_cutoff")
    feed = Replay(bus, ManualClock(0), [], [], actor="feed")
    asyncio.run(feed.send([CreateLeague(f"L{number}", "soccer") for number in range(5)]))
    assert len(bus.sent) == 1
    assert feed.outcomes == {"past_cutoff": 2, "line_out_of_order": 1, "unchanged": 2}


def test_from_the_first_that_found_no_room_all_is_sent_again_with_the_same_ids(monkeypatch):
    monkeypatch.setattr(replay, "ATTEMPT_PAUSE_S", 0)
    bus = RefusingBus("", "past_cutoff", "busy", "", "unavailable")
    feed = Replay(bus, ManualClock(0), [], [], actor="feed")
    asyncio.run(feed.send([CreateLeague(f"L{number}", "soccer") for number in range(4)]))
    assert [[request.id for request in sent] for sent in bus.sent] == [
        ["id-1", "id-2", "id-3", "id-4"],
        ["id-3", "id-4"],
        ["id-3", "id-4"],
    ]
    assert feed.outcomes == {"unchanged": 3, "past_cutoff": 1}


def test_a_door_that_stays_shut_is_given_up(monkeypatch):
    monkeypatch.setattr(replay, "ATTEMPT_PAUSE_S", 0)
    bus = RefusingBus(*["unavailable"] * 1_000)
    feed = Replay(bus, ManualClock(0), [], [], actor="feed")
    asyncio.run(feed.send([CreateLeague("L1", "soccer")]))
    assert len(bus.sent) == replay.ATTEMPTS_MAX
    assert feed.outcomes == {"unavailable": 1}
