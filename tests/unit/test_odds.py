"""Odds: every format is the same exact fraction, and keeps its own face."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runline.domain.money import MODES, Rounding
from runline.domain.odds import (
    AMERICAN_MAX,
    PRICE_LENGTH_MAX,
    PROFIT_MAX,
    is_better,
    is_same,
    parse_american,
    parse_price,
    risk_to_win,
    shade_american,
    win_for_risk,
)

CENT = Rounding()

american_numbers = st.integers(100, AMERICAN_MAX).flatmap(lambda size: st.sampled_from([size, -size]))
american_texts = american_numbers.map(lambda number: f"{number:+d}")
decimal_texts = st.builds(lambda scaled: f"{scaled // 10_000}.{scaled % 10_000:04d}", st.integers(10_001, 100_010_000))
fractional_texts = st.builds(lambda above, below: f"{above}/{below}", st.integers(1, 10_000), st.integers(1, 10_000))
price_texts = st.one_of(american_texts, decimal_texts, fractional_texts)
prices = price_texts.map(parse_price)


def profit(price):
    return Fraction(price.numerator, price.denominator)


@pytest.mark.parametrize(
    ("text", "kept", "form", "exact"),
    [
        ("-110", "-110", "american", Fraction(10, 11)),
        ("+125", "+125", "american", Fraction(5, 4)),
        ("+100", "+100", "american", Fraction(1)),
        ("-100", "-100", "american", Fraction(1)),
        ("\u2212110", "-110", "american", Fraction(10, 11)),
        ("EV", "+100", "american", Fraction(1)),
        ("even", "+100", "american", Fraction(1)),
        ("+0150", "+150", "american", Fraction(3, 2)),
        ("1.91", "1.91", "decimal", Fraction(91, 100)),
        ("1.9091", "1.9091", "decimal", Fraction(9_091, 10_000)),
        ("2", "2.00", "decimal", Fraction(1)),
        ("2.0", "2.00", "decimal", Fraction(1)),
        ("2.5000", "2.50", "decimal", Fraction(3, 2)),
        ("99", "99.00", "decimal", Fraction(98)),
        ("150.0", "150.00", "decimal", Fraction(149)),
        ("10/11", "10/11", "fractional", Fraction(10, 11)),
        ("6/4", "6/4", "fractional", Fraction(3, 2)),
    ],
)
def test_a_price_is_exact_and_keeps_its_format(text, kept, form, exact):
    price = parse_price(text)
    assert (price.text, price.format, profit(price)) == (kept, form, exact)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "+",
        "110",
        "100",
        "1000000",
        "+99",
        "-99",
        "+0",
        "-0",
        "1",
        "1.0",
        "1.0000",
        "0.5",
        "0",
        "-1.91",
        "+1.91",
        "1.91234",
        "1.",
        ".91",
        "1,91",
        "10/0",
        "0/10",
        "0/0",
        "-10/11",
        "10/11/12",
        "10 / 11",
        " -110",
        "-110 ",
        "--110",
        "-110.5",
        "1e2",
        "NaN",
        "inf",
        "\u0662.\u0665",
        "+1\u0660\u0660",
        "PK",
        "evens",
        "\u22121.91",
        "\u2212\u2212110",
        "\u2013110",
        "-110\n",
        "½",
        "9" * 10_000,
    ],
)
def test_what_is_no_price_is_refused(text):
    with pytest.raises(ValueError, match="price"):
        parse_price(text)


def test_a_price_has_so_many_characters_and_no_more():
    for read in (parse_price, parse_american):
        assert read("+" + "150".rjust(PRICE_LENGTH_MAX - 1, "0")).text == "+150"
        with pytest.raises(ValueError, match="characters"):
            read("+" + "150".rjust(PRICE_LENGTH_MAX, "0"))


@pytest.mark.parametrize(
    ("text", "kept"),
    [("145", "+145"), ("145.0", "+145"), ("-110", "-110"), ("+145.00", "+145"), ("\u2212110", "-110"), ("EV", "+100"),
     ("\u2212110.0", "-110")],
)  # fmt: skip
def test_a_data_files_price_is_american_with_its_sign_or_without(text, kept):
    assert parse_american(text).text == kept


@pytest.mark.parametrize("text", ["1.91", "10/11", "99", "145.5", "", "x", "1/1"])
def test_a_data_files_price_in_another_format_is_refused(text):
    with pytest.raises(ValueError, match="price"):
        parse_american(text)


@pytest.mark.parametrize("text", ["+1000001", "-1000001", "10001.0001", "10001/1", "1/10001", "+99999999999999"])
def test_a_price_beyond_the_bounds_is_refused(text):
    with pytest.raises(ValueError, match="price"):
        parse_price(text)


@pytest.mark.parametrize("text", ["+1000000", "-1000000", "10001.0", "1.0001", "10000/1", "1/10000"])
def test_a_price_at_the_bounds_is_taken(text):
    assert Fraction(1, PROFIT_MAX) <= profit(parse_price(text)) <= PROFIT_MAX


@given(price_texts)
def test_the_price_of_record_reads_back_as_itself(text):
    price = parse_price(text)
    assert parse_price(price.text) == price


@given(price_texts)
def test_a_price_is_in_lowest_terms(text):
    price = parse_price(text)
    assert profit(price).denominator == price.denominator > 0


@pytest.mark.parametrize(
    ("text", "risk", "win"),
    [
        ("-110", 10_000, 9_091),
        ("1.91", 10_000, 9_100),
        ("10/11", 10_000, 9_091),
        ("+125", 10_000, 12_500),
        ("-150", 1, 1),
        ("-1000", 1, 0),
        ("+100", 33, 33),
    ],
)
def test_a_risk_wins_what_its_price_says(text, risk, win):
    assert win_for_risk(parse_price(text), risk, CENT) == win


@pytest.mark.parametrize(
    ("text", "win", "risk"),
    [("-150", 100_000, 150_000), ("-110", 10_000, 11_000), ("+125", 10_000, 8_000), ("3", 1, 1)],
)
def test_to_win_an_amount_takes_a_risk(text, win, risk):
    assert risk_to_win(parse_price(text), win, CENT) == risk


def test_no_rounding_makes_a_win_a_loss():
    assert win_for_risk(parse_price("-1000"), 150, Rounding("down", 100)) == 0


def test_it_is_the_payout_that_is_rounded():
    assert win_for_risk(parse_price("-110"), 10_001, Rounding("half_up", 5)) == 19_095 - 10_001


@given(prices, st.integers(1, 10**12), st.sampled_from(MODES))
def test_a_win_is_within_a_cent_of_exact(price, risk, mode):
    assert abs(win_for_risk(price, risk, Rounding(mode)) - risk * profit(price)) < 1


@given(prices, st.integers(1, 10**12), st.sampled_from(MODES))
def test_a_risk_to_win_is_within_a_cent_of_exact(price, win, mode):
    assert abs(risk_to_win(price, win, Rounding(mode)) - win / profit(price)) < 1


@given(prices)
def test_a_favourite_risks_more_than_it_wins(price):
    assert price.favourite == (profit(price) < 1)


@pytest.mark.parametrize(
    ("text", "favourite"),
    [("-110", True), ("1.99", True), ("10/11", True), ("-100", False), ("EV", False), ("2.00", False), ("1/1", False),
     ("+101", False), ("2.01", False), ("11/10", False)],
)  # fmt: skip
def test_even_money_is_no_favourite(text, favourite):
    assert parse_price(text).favourite is favourite


@given(prices, prices)
def test_a_better_price_pays_more_in_any_format(price, other):
    assert is_better(price, other) == (profit(price) > profit(other))


@given(prices, prices)
def test_prices_are_the_same_if_neither_is_better(price, other):
    assert is_same(price, other) == (profit(price) == profit(other))
    assert is_same(price, price)


@given(fractional_texts, st.integers(1, 5))
def test_a_fraction_is_the_same_price_in_other_terms(text, times):
    above, below = (int(part) for part in text.split("/"))
    assert is_same(parse_price(text), parse_price(f"{times * above}/{times * below}"))


@given(american_numbers)
def test_an_american_price_is_the_same_as_its_fraction(number):
    fraction = f"{number}/100" if number > 0 else f"100/{-number}"
    assert is_same(parse_price(f"{number:+d}"), parse_price(fraction))


def test_prices_of_the_same_value_are_not_better_than_each_other():
    same = [parse_price(text) for text in ("-110", "10/11", "20/22")]
    assert not any(is_better(price, other) for price in same for other in same)


@pytest.mark.parametrize(
    ("text", "cents", "moved"),
    [
        ("-105", 10, "+105"),
        ("+105", -10, "-105"),
        ("-110", -5, "-115"),
        ("-110", 10, "+100"),
        ("+100", -5, "-105"),
        ("-100", 5, "+105"),
        ("EV", 0, "+100"),
        ("-100", 0, "+100"),
        ("+150", 20, "+170"),
        ("-101", 1, "+100"),
    ],
)
def test_an_american_price_moves_along_the_dime_scale(text, cents, moved):
    assert shade_american(text, cents) == moved


@given(st.integers(-2_000, 2_000), st.integers(-500, 500))
def test_shading_back_gives_the_price_again(position, cents):
    text = f"{position + 100:+d}" if position >= 0 else f"{position - 100:+d}"
    assert shade_american(shade_american(text, cents), -cents) == text


@given(american_texts, st.integers(-500, 500))
def test_a_shaded_price_is_a_price(text, cents):
    price = parse_price(shade_american(text, cents))
    assert not is_better(price, parse_price(text)) if cents <= 0 else not is_better(parse_price(text), price)


@pytest.mark.parametrize("text", ["1.91", "10/11"])
def test_only_american_prices_are_shaded(text):
    with pytest.raises(ValueError, match="American"):
        shade_american(text, 5)
