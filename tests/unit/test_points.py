"""Points: handicaps and totals in quarters, as boards write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runline.domain.bounds import LINE_QUARTERS_MAX
from runline.domain.money import MINUS_SIGN
from runline.domain.points import format_points, parse_points

lines = st.integers(-LINE_QUARTERS_MAX, LINE_QUARTERS_MAX)


@pytest.mark.parametrize(
    ("text", "quarters"),
    [
        ("-3.75", -15),
        ("-3½", -14),
        ("PK", 0),
        ("pk", 0),
        ("8.5", 34),
        ("+3¼", 13),
        ("0", 0),
        ("-0", 0),
        ("½", 2),
        ("-¾", -3),
        ("\u22123½", -14),
        ("\u2212.25", -1),
        (".5", 2),
        ("-.25", -1),
        ("7.50", 30),
        ("7.0", 28),
        ("+7", 28),
        ("44½", 178),
        ("1000", 4_000),
    ],
)
def test_a_line_is_read(text, quarters):
    assert parse_points(text) == quarters


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "-",
        ".",
        "3.",
        "3.1",
        "3.33",
        "3.750",
        "3.5½",
        "½3",
        "--3",
        "3-",
        " 3",
        "3 ",
        "1e1",
        "NaN",
        "inf",
        "٣",
        "EV",
        "1000.25",
        "-1001",
        "9" * 10_000,
        "3/4",
        "3,5",
        "7\n",
        "\u2212\u22123",
        "\u20133",
    ],
)
def test_what_is_no_line_is_refused(text):
    with pytest.raises(ValueError, match="line"):
        parse_points(text)


@pytest.mark.parametrize(
    ("quarters", "handicap", "total"),
    [
        (-14, "-3½", "-3½"),
        (13, "+3¼", "3¼"),
        (0, "PK", "0"),
        (2, "+½", "½"),
        (-3, "-¾", "-¾"),
        (28, "+7", "7"),
        (178, "+44½", "44½"),
    ],
)
def test_a_line_is_shown_as_on_a_board(quarters, handicap, total):
    assert format_points(quarters, signed=True) == handicap
    assert format_points(quarters, signed=False) == total


@given(lines, st.booleans())
def test_what_the_board_shows_reads_back(quarters, signed):
    shown = format_points(quarters, signed)
    assert parse_points(shown) == parse_points(shown.replace("-", MINUS_SIGN)) == quarters


@given(lines)
def test_decimals_mean_the_same(quarters):
    whole, part = divmod(abs(quarters), 4)
    assert parse_points(f"{'-' if quarters < 0 else '+'}{whole}.{25 * part:02d}") == quarters
