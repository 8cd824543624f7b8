"""The table of a simulation says what was reached, under which faults, and what never was."""

from tests.doubles.plain import VOCABULARY

from runline.engine import limits, window
from runline.simulate.coverage import FELT_S, Coverage
from runline.simulate.oracle.bounds import MOST
from runline.simulate.room import SMALL, little_room
from runline.simulate.terminal import codes_of


def reached():
    coverage = Coverage()
    coverage.kinds.update(dict.fromkeys(("crash", "write slow")))
    coverage.reached("Suspend", "accepted", 1.0)
    coverage.fault("crash", 2.0)
    coverage.reached("Suspend", "accepted", 2.0 + FELT_S)
    coverage.reached("Suspend", "not_permitted", 3.0)
    coverage.reached("Suspend", "previewed", 3.0)
    coverage.reached("Reopen", "repeated", 2.1 + FELT_S)
    return coverage


def names(line):
    return line.partition(": ")[2].split(", ")


def test_what_was_sent_stands_in_a_row_with_its_outcomes():
    table = reached().table(VOCABULARY, ["not_permitted", "busy"])
    assert "| Suspend | 2 | 1 | 0 | 0 | 1 of 1 | not_permitted 1 |" in table
    assert "| Reopen | 0 | 0 | 1 | 0 | 0 of 1 |  |" in table


def test_a_fault_is_felt_for_a_while():
    coverage = reached()
    assert coverage.under["crash", "Suspend", "accepted"] == 1
    assert coverage.under["crash", "Reopen", "repeated"] == 0
    assert "| crash | 1 | 1 | 1 | 0 | 0 | not_permitted 1 |" in coverage.table(VOCABULARY, [])


def test_what_was_never_reached_is_named():
    table = reached().table(VOCABULARY, ["not_permitted", "busy"])
    unsent, unaccepted, faults, codes, under = table.partition("Never reached:\n\n")[2].splitlines()
    assert "PlaceWager" in names(unsent)
    assert "Reopen" not in names(unsent)
    assert "Reopen" in names(unaccepted)
    assert "Suspend" not in names(unaccepted)
    assert faults == "- faults that never came: write slow"
    assert codes == "- codes of refusals that nobody was told: busy"
    assert under == "- accepted, but never under `crash`: none"


def test_several_runs_sum_up():
    both = reached()
    both.add(reached())
    assert both.outcomes["Suspend", "accepted"] == 4
    assert both.under["crash", "Suspend", "accepted"] == 2
    assert both.faults["crash"] == 2


def test_of_all_codes_there_are_those_of_every_request_and_those_of_single_rules():
    assert {"busy", "stale_command", "position_moved", "unknown_leg", "credit_exceeded"} <= set(codes_of(VOCABULARY))


def test_bounds_are_small_as_long_as_there_is_little_room_and_no_longer():
    usual = limits.WINDOW_COMMANDS_MAX, MOST["LEAGUES_MAX"]
    small = {"WINDOW_COMMANDS_MAX": 60, "LEAGUES_MAX": 4}
    with little_room(small):
        assert (limits.WINDOW_COMMANDS_MAX, vars(window)["WINDOW_COMMANDS_MAX"], MOST["LEAGUES_MAX"]) == (60, 60, 4)
    assert (limits.WINDOW_COMMANDS_MAX, MOST["LEAGUES_MAX"]) == usual
    after = vars(window)["WINDOW_COMMANDS_MAX"]
    assert after == usual[0]


def test_all_bounds_of_the_oracle_may_be_small_but_the_one_that_takes_weeks():
    assert set(MOST) - set(SMALL) == {"ARCHIVED_MAX"}
