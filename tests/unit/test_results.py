"""Results: entered, then confirmed. Whoever confirms says which entry they mean."""

import pytest
from tests.doubles.stage import HOUR_NS
from tests.doubles.words import START_NS, game, staff

from runline.domain.catalog import RescheduleFixture
from runline.domain.grading import LENGTH_MAX, POINTS_MAX, Score
from runline.domain.limits import PERIODS_MAX
from runline.domain.permissions import Permission
from runline.domain.results import (
    CancelFixture,
    ConfirmResult,
    EnterResult,
    FixtureCancelled,
    ResultConfirmed,
    ResultEntered,
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
    assert house.state.fixtures["G1"].status == "closed"
    house.when(ConfirmResult("G1", 1))
    house.happened(ResultConfirmed, revision=1, before=None, score=HOME_WINS, regrade=False)
    assert house.state.fixtures["G1"].status == "final"


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
    for command in (EnterResult("G1", HOME_WINS), RescheduleFixture("G1", START_NS + 24 * HOUR_NS, "")):
        house.when(command)
        house.rejected("fixture_status")


def test_calling_off_a_game_with_a_result_is_a_regrade(house):
    house.given(EnterResult("G1", HOME_WINS), ConfirmResult("G1", 1))
    house.when(CancelFixture("G1", "forfeit"))
    house.happened(FixtureCancelled, revision=2, before=HOME_WINS, regrade=True)


def test_calling_off_a_game_before_its_start_stops_its_timer(house):
    house.given(game("G2", start_ns=TOMORROW_NS), CancelFixture("G2", "flood"))
    assert house.state.timers == {}
    house.clock_ns = TOMORROW_NS
    house.fire_timers()
    assert house.state.fixtures["G2"].status == "cancelled"


def test_unknown_fixtures_are_named(house):
    for command in (EnterResult("G9", HOME_WINS), ConfirmResult("G9", 1), CancelFixture("G9", "")):
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


@pytest.mark.parametrize("command", [EnterResult("G1", AWAY_WINS), ConfirmResult("G1", 1), CancelFixture("G1", "")])
def test_a_result_stands_on_the_fixture_and_what_was_entered(house, command):
    house.given(EnterResult("G1", HOME_WINS))
    seen = house.state.seq
    house.given(game("G2"))
    house.when(command, if_position=seen)
    assert house.refusal is None
    house.when(command, if_position=seen)
    house.rejected("position_moved")
