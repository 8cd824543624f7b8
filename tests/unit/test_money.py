"""Money: exact, rounded once, and refused where it is not an amount."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runline.domain.money import MODES, MONEY_MINOR_MAX, Rounding, format_money, parse_money, parse_rounding

amounts = st.integers(-(10**24), 10**24)
denominators = st.integers(1, 10**12)
units = st.sampled_from([1, 2, 5, 10, 25, 100])
modes = st.sampled_from(MODES)


@given(st.integers(-MONEY_MINOR_MAX, MONEY_MINOR_MAX))
def test_an_amount_reads_back_as_it_was_written(minor):
    assert parse_money(format_money(minor)) == minor


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("100.00", 10_000),
        ("100", 10_000),
        ("7.5", 750),
        ("0.01", 1),
        ("-0.05", -5),
        ("-12.30", -1_230),
        ("\N{MINUS SIGN}12.30", -1_230),
        ("0", 0),
    ],
)
def test_an_amount_is_read(text, minor):
    assert parse_money(text) == minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1.005",
        "100.",
        ".50",
        "1,000",
        "1e3",
        "+5",
        "--5",
        "-",
        "5 ",
        "٣",
        "1_000",
        "NaN",
        "inf",
        "0x10",
        "1\n",
    ],
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="amount"):
        parse_money(text)


@pytest.mark.parametrize("text", ["10000000000000.01", "-10000000000000.01", "1000000000000000000", "9" * 5_000])
def test_an_amount_beyond_the_bound_is_refused(text):
    with pytest.raises(ValueError, match="amount"):
        parse_money(text)


@pytest.mark.parametrize("text", ["0", "0.00", "-0.01", "-0"])
def test_an_amount_that_must_be_positive_is(text):
    with pytest.raises(ValueError, match="more than zero"):
        parse_money(text, positive=True)


def test_an_amount_is_shown_with_two_decimals():
    assert [format_money(minor) for minor in (19_091, 5, 0, -1, -12_345)] == [
        "190.91",
        "0.05",
        "0.00",
        "-0.01",
        "-123.45",
    ]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("half_up", [-3, -2, -2, -1, -1, 0, 1, 1, 2, 2, 3]),
        ("half_even", [-2, -2, -2, -1, 0, 0, 0, 1, 2, 2, 2]),
        ("up", [-3, -2, -2, -1, -1, 0, 1, 1, 2, 2, 3]),
        ("down", [-2, -2, -1, -1, 0, 0, 0, 1, 1, 2, 2]),
    ],
)
def test_halves_go_where_the_mode_says(mode, expected):
    assert [Rounding(mode).round(halves, 2) for halves in range(-5, 6)] == expected


@given(amounts, denominators, units, modes)
def test_rounding_is_the_nearest_multiple_of_the_unit_that_the_mode_allows(numerator, denominator, unit, mode):
    exact = Fraction(numerator, denominator)
    rounded = Rounding(mode, unit).round(numerator, denominator)
    assert rounded % unit == 0
    distance = abs(exact - rounded)
    if mode in ("half_up", "half_even"):
        assert 2 * distance <= unit
    else:
        assert distance < unit
        assert abs(rounded) >= abs(exact) if mode == "up" else abs(rounded) <= abs(exact)
    if 2 * distance == unit and mode == "half_up":
        assert abs(rounded) > abs(exact)
    if 2 * distance == unit and mode == "half_even":
        assert (rounded // unit) % 2 == 0


@given(amounts, denominators, units, modes)
def test_rounding_treats_both_signs_alike(numerator, denominator, unit, mode):
    rounding = Rounding(mode, unit)
    assert rounding.round(-numerator, denominator) == -rounding.round(numerator, denominator)


@given(st.integers(-(10**15), 10**15), denominators, modes)
def test_what_is_exact_is_not_rounded(minor, denominator, mode):
    assert Rounding(mode).round(minor * denominator, denominator) == minor


@pytest.mark.parametrize("denominator", [0, -1])
def test_a_denominator_that_is_not_positive_is_refused(denominator):
    with pytest.raises(ValueError, match="denominator"):
        Rounding().round(1, denominator)


@pytest.mark.parametrize("unit", [0, -5])
def test_a_unit_below_one_cent_is_refused(unit):
    with pytest.raises(ValueError, match="unit"):
        Rounding("half_up", unit)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode({"unit_minor": unit}), type=Rounding)


@pytest.mark.parametrize(
    ("text", "rounding"),
    [
        ("half_up", Rounding()),
        ("half_up to 0.01", Rounding()),
        ("half_up to 0.05", Rounding("half_up", 5)),
        ("half_even to 1", Rounding("half_even", 100)),
        ("down", Rounding("down")),
    ],
)
def test_a_rounding_is_read(text, rounding):
    assert parse_rounding(text) == rounding


@pytest.mark.parametrize(
    "text", ["", "nearest", "half_up to", "half_up to ", "half_up to 0", "half_up to 0.001", "up to -1"]
)
def test_what_is_no_rounding_is_refused(text):
    with pytest.raises(ValueError, match=r"rounding|amount"):
        parse_rounding(text)
