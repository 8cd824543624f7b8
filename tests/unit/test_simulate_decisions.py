"""What a run is made of, and how a failing one is made shorter."""

from runline.simulate.decisions import Decisions
from runline.simulate.shrink import kind_of, shrink


def drawn(decisions, *bounds):
    return [decisions.draw(bound) for bound in bounds]


def test_the_same_seed_draws_the_same_and_another_something_else():
    bounds = [100] * 50
    assert drawn(Decisions(1), *bounds) == drawn(Decisions(1), *bounds)
    assert drawn(Decisions(1), *bounds) != drawn(Decisions(2), *bounds)


def test_what_was_drawn_can_be_drawn_again_step_by_step():
    first = Decisions(1)
    one = drawn(first, 10, 20)
    first.begin_step()
    two = drawn(first, 5, 5, 5)
    again = Decisions(99, first.taken)
    assert drawn(again, 10, 20) == one
    again.begin_step()
    assert drawn(again, 5, 5, 5) == two
    assert again.over


def test_where_a_list_says_nothing_the_plainest_is_drawn():
    decisions = Decisions(1, [[7], [3]])
    assert drawn(decisions, 10, 10, 10) == [7, 0, 0]
    decisions.begin_step()
    decisions.begin_step()
    assert decisions.one(["plain", "other"]) == "plain"
    assert not decisions.rarely(2)
    assert decisions.weighted([(1, "plain"), (9, "other")]) == "plain"


def test_a_number_that_is_too_large_for_what_is_drawn_is_one_that_is_not():
    assert Decisions(1, [[12]]).draw(5) == 2


def fails_with_a_seven_after_a_three(steps):
    flat = [number for step in steps for number in step]
    return "a 7 after a 3" if 3 in flat and 7 in flat[flat.index(3) :] else ""


def test_shrinking_finds_the_two_steps_that_matter():
    decisions = Decisions(4)
    for _ in range(200):
        decisions.begin_step()
        drawn(decisions, 10, 10, 10)
    shortest, tries = shrink(fails_with_a_seven_after_a_three, decisions.taken, "a 7 after a 3", 60)
    assert fails_with_a_seven_after_a_three(shortest)
    numbers = [number for step in shortest for number in step]
    assert sorted(number for number in numbers if number) == [3, 7]
    assert len(shortest) <= 4
    assert tries > 0


def test_a_failure_is_known_again_by_its_words_whatever_its_values():
    assert kind_of("b1: position 7 follows 5 in the log") == kind_of("b12: position 70 follows 51 in the log")
    assert kind_of("b1: position 7 follows 5 in the log") != kind_of("the log differs")
