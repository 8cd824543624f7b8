"""Words: a selection as people read it."""

import pytest
from tests.doubles.words import START_NS

from runline.domain.catalog import Fixture, MarketKind, Sport
from runline.domain.grading import SIDES
from runline.domain.legs import Leg
from runline.domain.official import PERIODS, SPORTS
from runline.domain.words import in_words, name_of_market, name_of_period

CUBS = Fixture("G1", "MLB", "baseball", 951, "Cubs", "Cardinals", START_NS)
BEARS = Fixture("G1", "NFL", "football", 451, "Bears", "Packers", START_NS)
CITY = Fixture("G1", "EPL", "soccer", 7001, "City", "United", START_NS)


def leg(kind, side, line_quarters=None, price="-110", period="game"):
    return Leg("G1", f"G1:{period}:{kind}", side, line_quarters, price)


@pytest.mark.parametrize(
    ("game", "taken", "words"),
    [
        (CUBS, leg("spread", "away", 6), "951 Cubs +1½ −110, run line"),
        (CUBS, leg("spread", "home", -6, "+140"), "952 Cardinals −1½ +140, run line"),
        (CUBS, leg("moneyline", "home", None, "-130"), "952 Cardinals −130, moneyline"),
        (CUBS, leg("moneyline", "away", None, "+100"), "951 Cubs EV, moneyline"),
        (CUBS, leg("total", "over", 34, "-105"), "951 Cubs at Cardinals over 8½ −105, total"),
        (CUBS, leg("total", "under", 17, period="1h"), "952 Cubs at Cardinals under 4¼ −110, total, first 5 innings"),
        (BEARS, leg("spread", "away", 0), "451 Bears PK −110, spread"),
        (BEARS, leg("spread", "home", -14, period="1h"), "452 Packers −3½ −110, spread, 1st half"),
        (BEARS, leg("spread", "home", -14, "1.91", period="q4"), "452 Packers −3½ 1.91, spread, 4th quarter"),
        (CITY, leg("three_way", "draw", None, "12/5"), "7001 City at United draw 12/5, three way"),
        (CITY, leg("spread", "home", -3, "1.91"), "7002 United −¾ 1.91, Asian handicap"),
        (CITY, leg("draw_no_bet", "away", None, "2.10"), "7001 City 2.10, draw no bet"),
        (None, leg("moneyline", "home", None, "-130"), "G1 home −130, moneyline"),
        (None, leg("total", "over", 34), "G1 over 8½ −110, total"),
    ],
)
def test_a_selection_reads_as_a_ticket_does(game, taken, words):
    assert in_words(game, taken).selection == words


def test_it_says_the_teams_the_rotation_the_period_and_the_market():
    told = in_words(CUBS, leg("spread", "home", -6, period="1h"))
    assert (told.fixture, told.market, told.side, told.line_quarters, told.price) == (
        "G1", "G1:1h:spread", "home", -6, "-110",
    )  # fmt: skip
    assert (told.league, told.away, told.home, told.start_ns) == ("MLB", "Cubs", "Cardinals", START_NS)
    assert (told.rotation, told.period_name, told.market_name) == (952, "first 5 innings", "run line")


def test_of_a_game_that_is_not_known_it_says_the_ids():
    told = in_words(None, leg("spread", "home", -6))
    assert (told.fixture, told.away, told.home, told.rotation, told.start_ns) == ("G1", "", "", 0, 0)


@pytest.mark.parametrize("sport", SPORTS)
@pytest.mark.parametrize("kind", SIDES)
def test_whatever_can_be_wagered_on_has_words(sport: Sport, kind: MarketKind):
    game = Fixture("G1", "L", sport, 101, "Visitors", "Hosts", START_NS)
    for period in (period for period in PERIODS if SPORTS[sport].has(period)):
        for side in SIDES[kind]:
            told = in_words(game, leg(kind, side, 4 if kind in ("spread", "total") else None, period=period))
            assert "_" not in told.selection
            assert told.period_name != period or period == "game"


def test_a_part_of_a_game_and_a_kind_of_market_without_a_word_of_their_own_are_called_by_their_ids():
    assert [name_of_period("baseball", period) for period in ("1h", "game", "ot")] == ["first 5 innings", "game", "ot"]
    assert [name_of_market("hockey", kind) for kind in ("spread", "odd_even")] == ["puck line", "odd even"]
