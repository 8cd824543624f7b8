"""Guard: what looks like a mistake in a line waits for a person, and meanwhile its market is off the board."""

import csv
import gzip
from pathlib import Path
from typing import Any

import pytest
from tests.doubles.stage import HOUR_NS, NOON_NS
from tests.doubles.words import START_NS, game, line, player, staff, wager

from runline.domain.audience import Audience
from runline.domain.board import PostLines
from runline.domain.bounds import GUARD_LIMIT_MAX
from runline.domain.catalog import KINDS, Market
from runline.domain.fixtures import RescheduleFixture
from runline.domain.grading import SIDES
from runline.domain.guard import (
    CHECKS,
    DEFAULTS,
    GuardAsked,
    GuardRow,
    GuardSet,
    Line,
    Seen,
    SetGuard,
    before_of,
    contradicts,
    favoured,
    guard,
    hold_missing,
    implied,
    line_jumps,
    other_of,
    price_jumps,
    shares,
    swaps,
)
from runline.domain.held import ConfirmLine, DropLine, HeldLine, LineDropped, LineHeld
from runline.domain.permissions import Permission
from runline.domain.posted import LinePosted, LineRefused, LineWithdrawn
from runline.domain.results import CancelFixture
from runline.domain.tickets import WagerPlaced
from runline.feeds import mlb2016

MONEYLINE, SPREAD, TOTAL = "F1:game:moneyline", "F1:game:spread", "F1:game:total"


def post(*lines, entered_ns=NOON_NS, confirm=False):
    return PostLines("F1", entered_ns, lines, confirm)


@pytest.fixture
def book(house):
    book = house.open_book("main")
    book.given(game("F1", league="NFL", sport="football"), player("P1"))
    return book


def held_seq(house, market):
    return house.state.held_lines.by_market[market].held_seq


def reasons(house):
    """The markets that are held by the last post, and why."""
    assert house.refusal is None, house.refusal
    return {event.market: event.reasons for event in house.events if isinstance(event, LineHeld)}


FAVOURITE = line("moneyline", "+2500", "-10000")

MISTAKES = {
    "both sides of a moneyline have a plus": ((), (line("moneyline", "+150", "+150"),), {MONEYLINE: ("no_hold",)}),
    "nobody would earn anything": ((), (line("moneyline", "+100", "+100"),), {MONEYLINE: ("no_hold",)}),
    "three sides imply less than all": (
        (),
        (line("three_way", "+250", "+200", "+300"),),
        {"F1:game:three_way": ("no_hold",)},
    ),
    "a favourite of 35 points gets them": (
        (FAVOURITE, line("spread", "-110", "-110", quarters=-140)),
        (FAVOURITE, line("spread", "-110", "-110", quarters=140)),
        {SPREAD: ("line_jump", "contradiction")},
    ),
    "a favourite of 35 points gets them at once": (
        (),
        (FAVOURITE, line("spread", "-110", "-110", quarters=140)),
        {SPREAD: ("contradiction",), MONEYLINE: ("contradiction",)},
    ),
    "who gives three points is the underdog": (
        (),
        (line("moneyline", "-150", "+130"), line("spread", "-110", "-110", quarters=-12)),
        {SPREAD: ("contradiction",), MONEYLINE: ("contradiction",)},
    ),
    "the moneyline alone turns": (
        (line("moneyline", "+130", "-150"), line("spread", "-110", "-110", quarters=-12)),
        (line("moneyline", "-145", "+125"), line("spread", "-110", "-110", quarters=-12)),
        {MONEYLINE: ("price_jump", "contradiction")},
    ),
    "the prices of two sides are exchanged": (
        (line("moneyline", "+130", "-150"),),
        (line("moneyline", "-150", "+130"),),
        {MONEYLINE: ("price_jump", "swap")},
    ),
    "the prices of over and under are exchanged": (
        (line("total", "-130", "+110", quarters=180),),
        (line("total", "+110", "-130", quarters=180),),
        {TOTAL: ("swap",)},
    ),
    "the teams are exchanged": (
        (line("spread", "-130", "+110", quarters=-12),),
        (line("spread", "+110", "-130", quarters=12),),
        {SPREAD: ("swap",)},
    ),
    "a total jumps": (
        (line("total", "-110", "-110", quarters=180),),
        (line("total", "-110", "-110", quarters=140),),
        {TOTAL: ("line_jump",)},
    ),
    "a price jumps": (
        (line("moneyline", "+130", "-150"),),
        (line("moneyline", "+600", "-900"),),
        {MONEYLINE: ("price_jump",)},
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_looks_like_a_mistake_is_held(book, mistake):
    before, posted, held = MISTAKES[mistake]
    book.house.given(post(*before))
    book.house.when(post(*posted, entered_ns=NOON_NS + 1))
    assert reasons(book.house) == held


ORDINARY = {
    "a favourite changes": (
        (line("moneyline", "+100", "-120"), line("spread", "-110", "-110", quarters=-4)),
        (line("moneyline", "-120", "+100"), line("spread", "-110", "-110", quarters=4)),
    ),
    "a line moves through a key number": (
        (line("spread", "-110", "-110", quarters=-10),),
        (line("spread", "-115", "-105", quarters=-14),),
    ),
    "a pick": ((), (line("moneyline", "-105", "-115"), line("spread", "-110", "-110", quarters=0))),
    "the same prices on both sides": (
        (line("total", "-110", "-110", quarters=180),),
        (line("total", "-110", "-110", quarters=182),),
    ),
}


@pytest.mark.parametrize("case", ORDINARY)
def test_what_bookmakers_do_every_day_passes(book, case):
    before, posted = ORDINARY[case]
    book.house.given(post(*before))
    book.house.when(post(*posted, entered_ns=NOON_NS + 1))
    assert reasons(book.house) == {}
    assert all(isinstance(event, LinePosted) and not event.tripped for event in book.house.events)


def test_of_a_season_of_real_lines_hardly_any_is_held(house):
    """The first and every 20th line of 60 games of 2016, in their order."""
    data = Path(__file__).parents[2] / "data" / "mlb"
    with gzip.open(data / mlb2016.LINES, "rt") as file:
        rows = list(csv.reader(file))[1:]
    games = {row[0]: None for row in rows}
    chosen = dict.fromkeys(list(games)[::40][:60])
    posted = held = 0
    last_ns: dict[str, int] = {}
    for number, row in enumerate(rows):
        name = row[0]
        if name not in chosen or (name in last_ns and number % 20):
            continue
        told = mlb2016.line_of(row)
        if name not in last_ns:
            house.given(game(name, start_ns=2**61))
        house.clock_ns = max(house.clock_ns, told.entered_ns)
        last_ns[name] = told.entered_ns
        house.when(PostLines(name, told.entered_ns, told.offered()))
        posted += 1
        held += len(reasons(house)) if house.refusal is None else 0
    assert posted > 300
    assert held <= 1


# While it is held


def test_the_market_of_a_held_line_is_off_the_board_and_its_old_line_with_it(book):
    house = book.house
    house.given(post(line("moneyline", "+120", "-140"), line("total", "-110", "-110", quarters=180)))
    house.when(
        post(line("moneyline", "+150", "+150"), line("total", "-105", "-115", quarters=180), entered_ns=NOON_NS + 1)
    )
    house.happened(LineHeld, market=MONEYLINE, prices=("+150", "+150"), entered_ns=NOON_NS + 1, reasons=("no_hold",))
    house.happened(LinePosted, market=TOTAL, prices=("-105", "-115"))
    for price in ("+120", "+150"):
        book.when(wager("P1", 10_00, on="F1", price=price), by="P1")
        book.rejected("market_closed", market=MONEYLINE, off_board="held")
    assert house.recovered().held_lines.by_market == house.state.held_lines.by_market
    assert list(house.recovered().held_lines.order) == [MONEYLINE]


def test_a_held_line_that_is_repeated_is_held_once_and_its_sender_is_told(book):
    wrong = line("moneyline", "+150", "+150")
    book.house.given(post(wrong))
    book.house.when(post(wrong, entered_ns=NOON_NS + 1))
    book.house.rejected("line_held", markets=[MONEYLINE])
    book.house.when(post(wrong, line("total", "-110", "-110", quarters=180), entered_ns=NOON_NS + 2))
    assert [(type(event), event.market) for event in book.house.events] == [(LinePosted, TOTAL)]
    book.house.when(post(line("moneyline", "+155", "+150"), entered_ns=NOON_NS + 3))
    book.house.happened(LineHeld, prices=("+155", "+150"))


def test_the_next_line_that_is_right_takes_the_place_of_a_held_one(book):
    book.house.given(post(line("moneyline", "+120", "-140")))
    book.house.given(post(line("moneyline", "+150", "+150"), entered_ns=NOON_NS + 1))
    book.house.given(post(line("moneyline", "+120", "-140"), entered_ns=NOON_NS + 2))
    assert book.house.stored(HeldLine) == []
    book.when(wager("P1", 10_00, on="F1"), by="P1")
    book.happened(WagerPlaced)


def test_a_held_line_that_its_source_takes_back_or_garbles_waits_no_longer(book):
    wrong = line("moneyline", "+150", "+150")
    book.house.given(post(wrong))
    book.house.when(post(entered_ns=NOON_NS + 1))
    assert book.house.events == [LineWithdrawn(MONEYLINE, NOON_NS + 1)]
    assert book.house.state.held_lines.by_market == {}
    book.house.given(post(wrong, entered_ns=NOON_NS + 2))
    book.house.when(post(line("moneyline", "+150", "0.5"), entered_ns=NOON_NS + 3))
    book.house.happened(LineRefused, market=MONEYLINE)
    assert book.house.state.held_lines.by_market == {}


def test_an_older_line_is_refused_while_one_is_held_even_of_a_market_that_never_was(book):
    book.house.given(post(line("moneyline", "+150", "+150"), entered_ns=NOON_NS + 5))
    book.house.when(post(line("moneyline", "+120", "-140"), entered_ns=NOON_NS + 4))
    book.house.rejected("line_out_of_order", entered_ns=NOON_NS + 5)


# A person


def test_a_person_confirms_the_line_that_they_have_seen(book):
    house = book.house
    house.given(staff("trader", Permission.LINES_POST), staff("clerk", Permission.FIXTURES_MANAGE))
    house.given(post(line("moneyline", "+150", "+150")))
    seen = held_seq(house, MONEYLINE)
    house.given(post(line("moneyline", "+160", "+150"), entered_ns=NOON_NS + 1))
    house.when(ConfirmLine(MONEYLINE, seen), by="trader")
    house.rejected("line_not_held", held_seq=held_seq(house, MONEYLINE))
    house.when(ConfirmLine(MONEYLINE, held_seq(house, MONEYLINE)), by="clerk")
    house.rejected("not_permitted", permission="lines_post")
    house.when(ConfirmLine(MONEYLINE, held_seq(house, MONEYLINE)), by="trader")
    house.happened(LinePosted, market=MONEYLINE, prices=("+160", "+150"), tripped=("no_hold",))
    book.when(wager("P1", 10_00, on="F1", price="+160"), by="P1")
    book.happened(WagerPlaced)
    house.when(ConfirmLine(MONEYLINE, seen), by="trader")
    house.rejected("line_not_held", held_seq=0)
    house.when(post(line("moneyline", "+160", "+150"), entered_ns=NOON_NS + 2))
    house.nothing_happened()


def test_the_same_posted_again_with_a_confirmation_passes_but_nonsense_never_does(book):
    wrong = line("moneyline", "+150", "+150")
    book.house.given(post(wrong))
    book.house.when(post(wrong, entered_ns=NOON_NS + 1, confirm=True))
    book.house.happened(LinePosted, market=MONEYLINE, tripped=("no_hold",))
    book.house.when(post(line("moneyline", "+150", "-15"), entered_ns=NOON_NS + 2, confirm=True))
    book.house.happened(LineRefused, code="price_invalid")


def test_a_person_drops_a_line_and_the_market_waits_for_the_next(book):
    house = book.house
    house.given(
        post(line("moneyline", "+120", "-140")), post(line("moneyline", "+150", "+150"), entered_ns=NOON_NS + 1)
    )
    house.when(DropLine(MONEYLINE, held_seq(house, MONEYLINE), "a slip"))
    house.happened(LineDropped, market=MONEYLINE, reason="a slip")
    book.when(wager("P1", 10_00, on="F1"), by="P1")
    book.rejected("market_closed", off_board="withdrawn")
    house.when(post(line("moneyline", "+120", "-140"), entered_ns=NOON_NS + 2))
    house.happened(LinePosted)


def test_no_line_waits_longer_than_until_its_game_begins(book):
    house = book.house
    house.given(post(line("moneyline", "+150", "+150")))
    seen = held_seq(house, MONEYLINE)
    book.clock_reads(START_NS)
    house.when(ConfirmLine(MONEYLINE, seen))
    house.rejected("past_cutoff", cutoff_ns=START_NS)
    house.time_is(START_NS)
    assert house.stored(HeldLine) == []
    house.given(RescheduleFixture("F1", START_NS + HOUR_NS, "rain"))
    house.given(post(line("moneyline", "+150", "+150"), entered_ns=START_NS + 1))
    house.given(CancelFixture("F1", "flood"))
    assert house.stored(HeldLine) == []


# Its rules


def test_every_check_has_a_default_that_holds_in_every_game():
    assert all(("all", "", "", check) in DEFAULTS for check in CHECKS)


def test_a_check_only_tells_where_that_is_its_rule(book):
    book.house.given(SetGuard("no_hold", "alert", "promotions", 40, "league", "NFL", "moneyline"))
    book.house.when(post(line("moneyline", "+150", "+150"), line("total", "+150", "+150", quarters=180)))
    alert = book.house.happened(LinePosted, market=MONEYLINE, tripped=("no_hold",))
    assert alert.is_notable(book.house.state)
    assert reasons(book.house) == {TOTAL: ("no_hold",)}


@pytest.mark.parametrize(("scope", "subject"), [("all", ""), ("sport", "football"), ("league", "NFL")])
@pytest.mark.parametrize("market", ["", "total"])
def test_a_check_is_off_where_somebody_says_so_also_where_a_sport_has_a_default_of_its_own(
    book, scope, subject, market
):
    book.house.given(post(line("total", "-110", "-110", quarters=180)))
    book.house.given(SetGuard("line_jump", "off", "live lines", scope=scope, subject=subject, market=market))
    book.house.when(post(line("total", "-110", "-110", quarters=100), entered_ns=NOON_NS + 1))
    book.house.happened(LinePosted, tripped=())
    book.house.given(SetGuard("line_jump", "default", "back", scope=scope, subject=subject, market=market))
    book.house.when(post(line("total", "-110", "-110", quarters=180), entered_ns=NOON_NS + 2))
    assert reasons(book.house) == {TOTAL: ("line_jump",)}


def test_the_narrowest_rule_holds(book):
    house = book.house
    house.given(SetGuard("no_hold", "off", "trial", scope="sport", subject="football"))
    house.given(SetGuard("no_hold", "hold", "trial", 300, "league", "NFL", "total"))
    house.when(post(line("moneyline", "+150", "+150"), line("total", "-102", "-102", quarters=180)))
    assert reasons(house) == {TOTAL: ("no_hold",)}


def test_a_rule_is_set_once_and_taken_away_once(house):
    house.given(game("G1"))
    house.when(SetGuard("swap", "alert", "noise", 800, "league", "MLB"))
    house.happened(GuardSet, before=None, after=(800, "alert"), reason="noise")
    house.when(SetGuard("swap", "alert", "again", 800, "league", "MLB"))
    house.nothing_happened()
    house.when(SetGuard("swap", "off", "trial", 0, "league", "MLB"))
    house.happened(GuardSet, before=(800, "alert"), after=(0, "off"))
    house.when(SetGuard("swap", "default", "trial", 0, "league", "MLB"))
    house.happened(GuardSet, before=(0, "off"), after=None)
    house.when(SetGuard("swap", "default", "trial", 0, "league", "MLB"))
    house.nothing_happened()


@pytest.mark.parametrize(
    ("command", "code", "details"),
    [
        (SetGuard("swap", "hold", "trial", -1), "limits_invalid", {"most": GUARD_LIMIT_MAX}),
        (SetGuard("swap", "hold", "trial", GUARD_LIMIT_MAX + 1), "limits_invalid", {"most": GUARD_LIMIT_MAX}),
        (SetGuard("swap", "hold", "trial", 2**70), "limits_invalid", {"most": GUARD_LIMIT_MAX}),
        (SetGuard("swap", "hold", "trial", 5, "league", "KBO"), "unknown_league", {"league": "KBO"}),
        (SetGuard("swap", "hold", "trial", 5, "sport", "chess"), "unknown_subject", {"subject": "chess"}),
        (SetGuard("swap", "hold", "trial", 5, "sport"), "scope_invalid", {}),
        (SetGuard("swap", "hold", "trial", 5, "all", "NFL"), "scope_invalid", {}),
    ],
)
def test_what_is_no_rule_is_refused(house, command, code, details):
    house.when(command)
    house.rejected(code)
    assert house.refusal.details == details


def test_who_posts_lines_does_not_set_the_rules_by_which_they_are_judged(house):
    house.given(staff("feed", Permission.LINES_POST))
    house.when(SetGuard("swap", "off", "trial"), by="feed")
    house.rejected("not_permitted", permission="settings_change")


def test_every_kind_of_market_can_be_judged(house):
    house.given(game("S1", league="EPL", sport="soccer"))
    for number, kind in enumerate(KINDS):
        quarters = 8 if kind in ("spread", "total") else None
        prices = ["+110"] * len(SIDES[kind])
        house.when(PostLines("S1", NOON_NS + number, (line(kind, *prices, quarters=quarters),)))
        assert house.refusal is None


# Each check at its limit


def of(kind, *prices, quarters=None):
    """A sound line."""
    return Line(kind, quarters, prices)


def test_what_prices_imply():
    assert implied(("+100", "-100", "+300", "-300")) == (500_000, 500_000, 250_000, 750_000)
    assert implied(("+120", "-130")) == (454_545, 565_217)
    assert shares(("+120", "-130")) == (4_457, 5_542)
    assert (favoured(of("moneyline", "+120", "-130")), favoured(of("moneyline", "-130", "+120"))) == (542, -543)
    assert favoured(of("three_way", "+100", "+100", "+300")) == 0


def test_a_hold_is_missing_below_the_limit_and_not_at_it():
    line = of("moneyline", "+120", "-130")
    assert sum(implied(line.prices)) == 1_019_762
    assert [hold_missing(Seen(line, None, None), limit) for limit in (197, 198)] == [False, True]
    even = of("moneyline", "+100", "+100")
    assert [hold_missing(Seen(even, None, None), limit) for limit in (0, 1)] == [False, True]


def test_a_price_jumps_beyond_the_limit_on_the_same_line_only():
    before, after = of("spread", "+100", "-100", quarters=4), of("spread", "-300", "+300", quarters=4)
    assert [abs(one - other) for one, other in zip(shares(after.prices), shares(before.prices), strict=True)] == [
        2_500,
        2_500,
    ]
    assert [price_jumps(Seen(after, before, None), limit) for limit in (2_499, 2_500)] == [True, False]
    assert not price_jumps(Seen(after, None, None), 0)
    assert not price_jumps(Seen(of("spread", "-300", "+300", quarters=5), before, None), 0)
    one_side = of("three_way", "+100", "+300", "+300"), of("three_way", "+100", "+300", "+150")
    moved = [abs(one - other) for one, other in zip(*(shares(line.prices) for line in one_side), strict=True)]
    assert moved == [653, 327, 978]
    assert [price_jumps(Seen(one_side[1], one_side[0], None), limit) for limit in (977, 978)] == [True, False]


def test_a_line_jumps_beyond_the_limit_whichever_way():
    before = of("total", "-110", "-110", quarters=30)
    for quarters in (38, 22):
        after = of("total", "-110", "-110", quarters=quarters)
        assert [line_jumps(Seen(after, before, None), limit) for limit in (7, 8)] == [True, False]
    assert not line_jumps(Seen(before, None, None), 0)
    assert not line_jumps(Seen(of("total", "-110", "-110"), before, None), 0)
    assert not line_jumps(Seen(before, of("total", "-110", "-110"), None), 0)


def test_the_side_that_gives_points_is_an_underdog_by_more_than_the_limit():
    home_wins, away_wins = of("moneyline", "+120", "-130"), of("moneyline", "-130", "+120")
    gives, takes = of("spread", "-110", "-110", quarters=-6), of("spread", "-110", "-110", quarters=6)
    assert [contradicts(Seen(gives, None, away_wins), limit) for limit in (542, 543)] == [True, False]
    assert [contradicts(Seen(takes, None, home_wins), limit) for limit in (541, 542)] == [True, False]
    assert [contradicts(Seen(away_wins, None, gives), limit) for limit in (542, 543)] == [True, False]
    assert [contradicts(Seen(home_wins, None, takes), limit) for limit in (541, 542)] == [True, False]
    for spread, winner in ((gives, home_wins), (takes, away_wins)):
        assert not contradicts(Seen(spread, None, winner), 0)
        assert not contradicts(Seen(winner, None, spread), 0)
    assert not contradicts(Seen(gives, None, None), 0)
    level = of("spread", "-110", "-110", quarters=0)
    assert not contradicts(Seen(level, None, home_wins), 0)
    assert not contradicts(Seen(level, None, away_wins), 0)


def test_prices_are_swapped_that_were_so_far_apart():
    before, after = of("moneyline", "+100", "-300"), of("moneyline", "-300", "+100")
    first, second = shares(after.prices)
    assert abs(first - second) == 2_000
    assert [swaps(Seen(after, before, None), limit) for limit in (2_000, 2_001)] == [True, False]
    assert not swaps(Seen(before, before, None), 0)
    assert not swaps(Seen(after, None, None), 0)
    three = of("three_way", "+100", "+200", "-300")
    assert not swaps(Seen(three, of("three_way", "-300", "+200", "+100"), None), 0)
    for kind, quarters, other, swapped in (
        ("spread", 6, 6, True),
        ("spread", 6, -6, True),
        ("spread", 6, 5, False),
        ("spread", 0, None, True),
        ("total", 30, 30, True),
        ("total", 30, -30, False),
        ("total", 30, 31, False),
    ):
        one, two = of(kind, "+100", "-300", quarters=other), of(kind, "-300", "+100", quarters=quarters)
        assert swaps(Seen(two, one, None), 100) is swapped, (kind, quarters, other)


def test_what_a_line_is_compared_with():
    spread, total = of("spread", "-110", "-110", quarters=6), of("total", "-110", "-110", quarters=30)
    winners: dict[Any, Line] = {kind: of(kind, "+120", "-130") for kind in ("three_way", "draw_no_bet", "moneyline")}
    assert other_of(spread, {**winners, "spread": spread}) is winners["moneyline"]
    del winners["moneyline"]
    assert other_of(spread, winners) is winners["draw_no_bet"]
    assert other_of(spread, {"total": total}) is None
    for winner in winners.values():
        assert other_of(winner, {"spread": spread, "total": total}) is spread
        assert other_of(winner, {"total": total}) is None
    assert other_of(total, {**winners, "spread": spread}) is None


def test_the_line_before_is_the_last_that_a_market_had():
    market = Market("G1:game:spread", "G1", "spread", "game", 6, ("-110", "-105"), "withdrawn", 1)
    assert before_of(market) == of("spread", "-110", "-105", quarters=6)
    assert before_of(None) is None


def test_the_rules_as_they_are_asked_for(house):
    house.given(game("F1", league="NFL", sport="football"), SetGuard("swap", "alert", "trial", 700, "league", "NFL"))
    user, audience = house.state.access.users["platform"], Audience("root", "", frozenset())
    page = guard(house.state, house.state, user, audience, GuardAsked(limit=200), NOON_NS)
    rows = page.items
    names = [f"{row.scope}:{row.subject}:{row.market}:{row.check}" for row in rows]
    assert names == sorted(names)
    assert len(names) == len(DEFAULTS) + 1
    own = [row for row in rows if not row.default]
    assert own == [GuardRow("league", "NFL", "", "swap", 700, "alert", False)]
    assert GuardRow("sport", "hockey", "total", "line_jump", 6, "hold", True) in rows
    after = guard(house.state, house.state, user, audience, GuardAsked(limit=200, after=names[3]), NOON_NS)
    assert after.items == rows[4:]
    first = guard(house.state, house.state, user, audience, GuardAsked(limit=2), NOON_NS)
    assert (first.items, first.next) == (rows[:2], names[1])
    house.given(SetGuard("swap", "alert", "trial", 700))
    page = guard(house.state, house.state, user, audience, GuardAsked(limit=200), NOON_NS)
    assert [row.default for row in page.items if (row.scope, row.check) == ("all", "swap")] == [False]


@pytest.mark.parametrize("limit", [0, GUARD_LIMIT_MAX])
def test_a_limit_is_none_or_the_largest(house, limit):
    house.when(SetGuard("swap", "hold", "trial", limit))
    house.happened(GuardSet, before=None, after=(limit, "hold"))
    house.when(SetGuard("swap", "hold", "trial", GUARD_LIMIT_MAX + 1))
    house.rejected("limits_invalid", most=GUARD_LIMIT_MAX)
