"""Results: entered, then confirmed. Whoever confirms says which entry they mean."""

import msgspec
import pytest
from tests.doubles.stage import HOUR_NS
from tests.doubles.words import START_NS, board, game, line, staff

from runline.domain.bounds import PERIODS_MAX
from runline.domain.fixtures import RescheduleFixture
from runline.domain.grading import LENGTH_MAX, POINTS_MAX, Score
from runline.domain.permissions import Permission
from runline.domain.results import (
    CancelFixture,
    ConfirmResult,
    EnterResult,
    FixtureCancelled,
    ResultConfirmed,
    ResultEntered,
    ScoreConfirmed,
)

HOME_WINS = Score(5, 3)
AWAY_WINS = Score(3, 5)
TOMORROW_NS = START_NS + 24 * HOUR_NS


@pytest.fixture
def house(house):
    house.given(game("G1"))
    house.clock_ns = START_NS + 3 * HOUR_NS
    house.fire_timers()
    return house


def test_a_result_is_entered_and_then_confirmed(house):
    house.when(EnterResult("G1", HOME_WINS))
    house.happened(ResultEntered, fixture="G1", revision=1, before=None, score=HOME_WINS)
    assert house.state.catalog.fixtures["G1"].status == "closed"
    house.when(ConfirmResult("G1", 1))
    house.happened(ResultConfirmed, revision=1, before=None, score=HOME_WINS, regrade=False)
    assert house.state.catalog.fixtures["G1"].status == "final"


def test_a_corrected_entry_has_the_next_revision(house):
    house.given(EnterResult("G1", HOME_WINS))
    house.when(EnterResult("G1", AWAY_WINS))
    house.happened(ResultEntered, revision=2, before=HOME_WINS, score=AWAY_WINS)
    house.when(EnterResult("G1", AWAY_WINS))
    house.nothing_happened()


def test_nobody_confirms_what_they_have_not_seen(house):
    house.given(EnterResult("G1", HOME_WINS), EnterResult("G1", AWAY_WINS))
    for revision in (1, 0, 3, -1, 2**70):
        house.when(ConfirmResult("G1", revision))
        house.rejected("result_changed", revision=2)
    house.when(ConfirmResult("G1", 2))
    house.happened(ResultConfirmed, score=AWAY_WINS)


def test_nothing_is_confirmed_before_it_is_entered(house):
    house.when(ConfirmResult("G1", 0))
    house.rejected("result_changed", revision=0)


def test_confirming_again_changes_nothing(house):
    house.given(EnterResult("G1", HOME_WINS), ConfirmResult("G1", 1))
    house.when(ConfirmResult("G1", 1))
    house.nothing_happened()


def test_another_confirmation_is_a_regrade(house):
    house.given(EnterResult("G1", HOME_WINS), ConfirmResult("G1", 1), EnterResult("G1", AWAY_WINS))
    house.when(ConfirmResult("G1", 2))
    house.happened(ResultConfirmed, before=HOME_WINS, score=AWAY_WINS, regrade=True)


def test_no_result_before_the_start(house):
    house.given(game("G2", start_ns=TOMORROW_NS))
    house.when(EnterResult("G2", HOME_WINS))
    house.rejected("fixture_status", status="scheduled")


def test_a_result_may_come_before_a_late_timer_has_closed_the_game(house):
    house.given(game("G2", start_ns=TOMORROW_NS))
    house.clock_ns = TOMORROW_NS
    house.when(EnterResult("G2", HOME_WINS))
    house.happened(ResultEntered)


@pytest.mark.parametrize(
    "score",
    [
        Score(-1, 0),
        Score(0, POINTS_MAX + 1),
        Score(2**70, 0),
        Score(3, 5, periods=((1, 1),) * 9),
        Score(1, 0, periods=((1, 0),)),
        Score(1, 0, overtime=((2, 0),)),
        Score(0, 0, periods=((0, 0),) * (PERIODS_MAX + 1)),
        Score(0, 0, periods=((0, 0),) * 10_000),
        Score(0, 0, length=-1),
        Score(0, 0, length=LENGTH_MAX + 1),
        Score(0, 0, length=2**70),
    ],
)
def test_a_score_that_cannot_be_is_refused(house, score):
    house.when(EnterResult("G1", score))
    house.rejected("not_gradable")


def test_a_game_that_is_called_off_is_an_event_and_final(house):
    house.when(CancelFixture("G1", "flood"))
    house.happened(FixtureCancelled, fixture="G1", revision=1, before=None, regrade=False, reason="flood")
    house.when(CancelFixture("G1", "again"))
    house.nothing_happened()
    for command in (EnterResult("G1", HOME_WINS), RescheduleFixture("G1", START_NS + 24 * HOUR_NS, "given")):
        house.when(command)
        house.rejected("fixture_status")


def test_calling_off_a_game_with_a_result_is_a_regrade(house):
    house.given(EnterResult("G1", HOME_WINS), ConfirmResult("G1", 1))
    house.when(CancelFixture("G1", "forfeit"))
    house.happened(FixtureCancelled, revision=2, before=HOME_WINS, regrade=True)


# A game that goes on

FOOTBALL_BOARD = (line("moneyline", "+120", "-130"), line("moneyline", "+110", "-120", period="1h"))
HALF_TIME = Score(10, 14, ((7, 0), (3, 14)), final=False)
WHOLE = Score(24, 20, ((7, 0), (3, 14), (0, 3), (14, 3)))


@pytest.fixture
def football(house):
    house.given(game("F1", league="NFL", sport="football", start_ns=TOMORROW_NS), board("F1", *FOOTBALL_BOARD))
    house.clock_ns = TOMORROW_NS + HOUR_NS
    house.fire_timers()
    return house


def test_a_score_that_is_not_final_is_confirmed_and_the_game_goes_on(football):
    football.given(EnterResult("F1", HALF_TIME))
    football.when(ConfirmResult("F1", 1))
    football.happened(ScoreConfirmed, score=HALF_TIME, before=None, regrade=False)
    assert football.state.catalog.fixtures["F1"].status == "closed"
    football.given(EnterResult("F1", WHOLE))
    football.when(ConfirmResult("F1", 2))
    football.happened(ResultConfirmed, score=WHOLE, before=HALF_TIME, regrade=True)
    assert football.state.catalog.fixtures["F1"].status == "final"


def test_a_game_that_was_final_too_early_goes_on(football):
    football.given(EnterResult("F1", WHOLE), ConfirmResult("F1", 1), EnterResult("F1", HALF_TIME))
    football.when(ConfirmResult("F1", 2))
    football.happened(ScoreConfirmed, score=HALF_TIME, before=WHOLE, regrade=True)
    assert football.state.catalog.fixtures["F1"].status == "closed"


def test_a_half_time_score_that_does_not_say_so_is_refused(football):
    football.when(EnterResult("F1", msgspec.structs.replace(HALF_TIME, final=True)))
    football.rejected("not_gradable")
    assert "final" in football.refusal.message


@pytest.mark.parametrize("confirmed", [HALF_TIME, WHOLE])
def test_a_final_score_without_periods_is_refused_where_wagers_are_settled_by_those_before(football, confirmed):
    football.given(EnterResult("F1", confirmed), ConfirmResult("F1", 1))
    football.when(EnterResult("F1", Score(24, 21)))
    football.rejected("not_gradable", missing="periods")
    football.when(EnterResult("F1", Score(24, 21, ((7, 0), (3, 14), (0, 3), (14, 4)))))
    football.happened(ResultEntered)


def test_a_score_without_periods_corrects_one_with_them_where_no_wager_is_about_a_period(house):
    house.given(game("G2", start_ns=TOMORROW_NS), board("G2"))
    house.time_is(TOMORROW_NS)
    house.given(EnterResult("G2", Score(1, 0, ((1, 0), *((0, 0),) * 8))), ConfirmResult("G2", 1))
    house.when(EnterResult("G2", Score(1, 2)))
    house.happened(ResultEntered)


def test_a_final_score_without_its_overtime_is_refused_where_wagers_are_settled_without_it(house):
    house.given(game("F2", league="NFL", sport="football", start_ns=TOMORROW_NS))
    house.given(board("F2", line("moneyline", "+120", "-130"), line("three_way", "+200", "+120", "+900")))
    house.time_is(TOMORROW_NS)
    house.given(EnterResult("F2", Score(23, 20, overtime=((3, 0),))), ConfirmResult("F2", 1))
    house.when(EnterResult("F2", Score(26, 20)))
    house.rejected("not_gradable", missing="overtime")
    for score in (
        Score(26, 20, overtime=((6, 0),)),
        Score(26, 20, level_after_regulation=True),
        Score(26, 20, ((7, 0), (3, 7), (0, 10), (16, 3))),
    ):
        house.when(EnterResult("F2", score))
        house.happened(ResultEntered, score=score)


def test_a_score_without_its_overtime_corrects_one_with_it_where_all_wagers_include_it(football):
    football.given(EnterResult("F1", Score(23, 20, overtime=((3, 0),))), ConfirmResult("F1", 1))
    football.when(EnterResult("F1", Score(26, 20)))
    football.happened(ResultEntered)


def test_what_is_known_of_periods_can_be_taken_back(football):
    unknown = Score(24, 21, final=False)
    football.given(EnterResult("F1", WHOLE), ConfirmResult("F1", 1), EnterResult("F1", unknown), ConfirmResult("F1", 2))
    football.when(EnterResult("F1", Score(24, 21)))
    football.happened(ResultEntered)


def test_a_league_is_graded_by_its_own_rules(house):
    college = Score(70, 66, ((30, 30), (40, 36)))
    for name, league in (("C1", "NCAAB"), ("C2", "NBA")):
        house.given(game(name, league=league, sport="basketball", start_ns=TOMORROW_NS))
    house.clock_ns = TOMORROW_NS + HOUR_NS
    house.when(EnterResult("C1", college))
    house.happened(ResultEntered)
    house.when(EnterResult("C2", college))
    house.rejected("not_gradable")


def test_calling_off_a_game_before_its_start_stops_its_timer(house):
    house.given(game("G2", start_ns=TOMORROW_NS), CancelFixture("G2", "flood"))
    assert ("cutoff", "G2") not in house.state.timers.by_subject
    house.clock_ns = TOMORROW_NS
    house.fire_timers()
    assert house.state.catalog.fixtures["G2"].status == "cancelled"


def test_unknown_fixtures_are_named(house):
    for command in (EnterResult("G9", HOME_WINS), ConfirmResult("G9", 1), CancelFixture("G9", "given")):
        house.when(command)
        house.rejected("unknown_fixture", fixture="G9")


def test_entering_and_confirming_are_two_permissions(house):
    house.given(staff("scorer", Permission.RESULT_ENTER), staff("grader", Permission.RESULT_CONFIRM))
    house.when(EnterResult("G1", HOME_WINS), by="grader")
    house.rejected("not_permitted", permission="result_enter")
    house.when(EnterResult("G1", HOME_WINS), by="scorer")
    house.happened(ResultEntered)
    house.when(ConfirmResult("G1", 1), by="scorer")
    house.rejected("not_permitted", permission="result_confirm")
    house.when(ConfirmResult("G1", 1), by="grader")
    house.happened(ResultConfirmed)


@pytest.mark.parametrize(
    "command", [EnterResult("G1", AWAY_WINS), ConfirmResult("G1", 1), CancelFixture("G1", "given")]
)
def test_a_result_stands_on_the_fixture_and_what_was_entered(house, command):
    house.given(EnterResult("G1", HOME_WINS))
    seen = house.state.seq
    house.given(game("G2"))
    house.when(command, if_position=seen)
    assert house.refusal is None
    house.when(command, if_position=seen)
    house.rejected("position_moved")
