"""Prices beside the names of their sides, and the points of a line."""

import pytest

from runline.domain.bounds import LINE_QUARTERS_MAX
from runline.domain.messages import Rejected
from runline.domain.prices import Prices, price_of_record, prices_by_side, prices_of_record, require_points


@pytest.mark.parametrize(
    ("kind", "texts", "prices"),
    [
        ("moneyline", ("+125", "-145"), Prices(away="+125", home="-145")),
        ("spread", ("-110", "-105"), Prices(away="-110", home="-105")),
        ("total", ("-108", "-112"), Prices(over="-108", under="-112")),
        ("three_way", ("+300", "-120", "+250"), Prices(away="+300", home="-120", draw="+250")),
        ("draw_no_bet", ("+160", "-190"), Prices(away="+160", home="-190")),
    ],
)
def test_prices_are_kept_in_the_order_of_the_sides_and_shown_by_their_names(kind, texts, prices):
    assert prices_of_record(kind, prices) == texts
    assert prices_by_side(kind, texts) == prices


@pytest.mark.parametrize("texts", [("+125",), ("+125", "-145", "+300")])
def test_prices_that_are_not_as_many_as_the_sides_are_not_shown_as_if_they_were(texts):
    with pytest.raises(ValueError, match="zip"):
        prices_by_side("moneyline", texts)


@pytest.mark.parametrize("prices", [Prices(away="+125"), Prices(away="+125", home="-145", draw="+300"), Prices()])
def test_a_side_without_its_price_and_a_price_without_its_side_are_refused(prices):
    with pytest.raises(Rejected) as caught:
        prices_of_record("moneyline", prices)
    assert (caught.value.code, caught.value.details) == ("price_invalid", {"sides": ["away", "home"]})
    assert caught.value.message == "A moneyline has a price for each of away, home."


def test_what_is_no_price_is_refused_with_what_is_wrong_with_it():
    assert price_of_record("−110") == "-110"
    with pytest.raises(Rejected) as caught:
        price_of_record("cheap")
    assert caught.value.code == "price_invalid"
    assert "price" in caught.value.message


@pytest.mark.parametrize(
    ("kind", "line_quarters"),
    [
        ("moneyline", None),
        ("three_way", None),
        ("draw_no_bet", None),
        ("spread", -LINE_QUARTERS_MAX),
        ("spread", LINE_QUARTERS_MAX),
        ("total", 0),
        ("total", LINE_QUARTERS_MAX),
    ],
)
def test_points_that_a_game_could_have_are_taken(kind, line_quarters):
    require_points(kind, line_quarters)


@pytest.mark.parametrize(
    ("kind", "line_quarters", "message", "details"),
    [
        ("moneyline", 0, "A moneyline has no line.", {}),
        ("spread", None, "A spread has a line.", {}),
        ("total", None, "A total has a line.", {}),
        ("total", -1, "A total is not negative.", {}),
        ("total", LINE_QUARTERS_MAX + 1, "The line is too large.", {"most": LINE_QUARTERS_MAX}),
        ("spread", -LINE_QUARTERS_MAX - 1, "The line is too large.", {"most": LINE_QUARTERS_MAX}),
    ],
)
def test_points_that_no_game_could_have_are_refused(kind, line_quarters, message, details):
    with pytest.raises(Rejected) as caught:
        require_points(kind, line_quarters)
    assert (caught.value.code, caught.value.message, caught.value.details) == ("line_invalid", message, details)
