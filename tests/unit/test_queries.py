"""Queries: what each of them answers of a small world of which all is known, and who may ask it."""

import msgspec
import pytest
from msgspec.structs import replace
from tests.doubles.plain import VOCABULARY
from tests.doubles.stage import HOUR_NS, NOON_NS
from tests.doubles.words import START_NS, agent, board, game, line, player, role, staff, wager

from runline.domain.accounts import GrantTemporaryCredit, SetPlayerLimits
from runline.domain.audience import Audience
from runline.domain.bounds import ARCHIVE_AFTER_NS
from runline.domain.fixtures import CreateLeague, RescheduleFixture
from runline.domain.grading import Score
from runline.domain.house import OpenBook
from runline.domain.ledger import Movement
from runline.domain.lines import MoveLine
from runline.domain.messages import DECLARATIONS, GATEWAY, Rejected
from runline.domain.nodes import ROOT
from runline.domain.official import Window
from runline.domain.outcomes import Case
from runline.domain.passwords import SetPassword
from runline.domain.permissions import Permission, permissions_of
from runline.domain.postponement import PostponeFixture
from runline.domain.queries.bounds import PAGE_ROWS, PAGE_ROWS_MAX
from runline.domain.queries.declared import Asked, Page, Query, query, require
from runline.domain.queries.history import stored
from runline.domain.queries.inside import (
    CredentialAsked,
    Inside,
    Known,
    Nothing,
    OpenBooks,
    Owner,
    OwnerAsked,
    Standing,
)
from runline.domain.queries.inside import inside as inside_of_runline
from runline.domain.queries.leagues import AwaitingRow, LateGameRow, LayoutRow, LeagueRuleRow, WindowRow
from runline.domain.queries.moment import BookRow, Me, ResultRow, RoleRow, SessionRow, SuspensionRow, UserRow
from runline.domain.queries.pages import page_of, page_of_some
from runline.domain.queries.wagers import LedgerAsked, WagersAsked
from runline.domain.results import CancelFixture, ConfirmResult, EnterResult
from runline.domain.rulings import LeagueRule, SetLeagueRule
from runline.domain.sessions import SignIn
from runline.domain.shown import AgentFigures, BoardDeparture, BoardFixture, BoardMarket, Exposure, PlayerFigures
from runline.domain.suspension import Reopen, Suspend
from runline.domain.users import RevokeUser

MONEYLINE, SPREAD, TOTAL = (f"G1:game:{kind}" for kind in ("moneyline", "spread", "total"))
EVERYTHING = frozenset(permissions_of("book"))
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"
PLAYER_SEES = frozenset({Permission.BOARD_VIEW.value})


@pytest.fixture
def book(book):
    """Two agents, one below the other, with a player each; a game with a board; a user who works for the agent above."""
    book.given(
        game("G1", rotation=501), board("G1"), agent("A1"), agent("A1-1", "A1"), player("P1", "A1-1", credit=500_00),
        player("P2", "A1", credit=0), staff("ann", Permission.FIGURES_VIEW, Permission.SUSPEND, at="A1"),
    )  # fmt: skip
    return book


def ask(stage, query, by="owner", now_ns=None, may=None, **fields):
    """A page as somebody is shown it."""
    state = stage.state
    house = stage.house.state if hasattr(stage, "house") else state
    user = state.access.users[by]
    asks = VOCABULARY.queries[query]
    permissions = EVERYTHING if may is None else may
    audience = Audience(user.node, user.player, PLAYER_SEES if user.player else permissions)
    assert asks.show is not None
    return asks.show(state, house, user, audience, asks.asked(**fields), stage.at_ns if now_ns is None else now_ns)


def rows(stage, query, by="owner", **fields):
    page = ask(stage, query, by, **fields)
    assert page.next == ""
    return page.items


def test_me_is_who_asks_and_what_they_may_do_in_the_order_of_the_permissions(book):
    assert ask(book, "me", "ann", may=frozenset({"suspend", "figures_view", "log_view"})) == Page(
        [Me("main", "ann", "role-of-ann", "A1", "", ["figures_view", "log_view", "suspend"])]
    )
    assert rows(book, "me", "P1") == [Me("main", "P1", "player", "A1-1", "P1", ["board_view"])]
    assert rows(book.house, "me", "platform", may=frozenset())[0].stream == "house"


def test_the_board_has_the_games_with_their_lines(book):
    book.given(MoveLine(TOTAL, "hide"), Suspend("selection", f"{SPREAD}/home", "given"))
    spread = BoardMarket(
        SPREAD, "spread", "game", -6, ["away", "home"], ["-110", "-110"], True, "", ["home"],
    )  # fmt: skip
    moneyline = BoardMarket(
        MONEYLINE, "moneyline", "game", None, ["away", "home"], ["+120", "-130"], True, "", [],
    )  # fmt: skip
    of_game = ("G1", "MLB", "baseball", 501, "G1 visitors", "G1 home", START_NS, "scheduled")
    assert rows(book, "board", "P1") == [BoardFixture(*of_game, [spread, moneyline])]
    hidden = BoardMarket(
        TOTAL, "total", "game", 34, ["over", "under"], ["-105", "-115"], False, "line hide", [],
        BoardDeparture("hide", 0, 0, True, 34, ["-105", "-115"]),
    )  # fmt: skip
    assert rows(book, "board") == [BoardFixture(*of_game, [spread, moneyline, hidden])]


def test_the_board_goes_on_behind_a_number_and_a_game(book, monkeypatch):
    book.given(game("G2", rotation=501 + 2), game("G3", rotation=3))

    def games(**fields):
        page = ask(book, "board", **fields)
        return [row.fixture for row in page.items], page.next

    assert games() == (["G3", "G1", "G2"], "")
    assert games(limit=2) == (["G3", "G1"], "501:G1")
    assert games(after="501:G1") == (["G2"], "")
    assert games(after="501:G0") == (["G1", "G2"], "")
    assert games(after="501") == (["G1", "G2"], "")
    assert games(after="502") == (["G2"], "")
    for text in ("x", "x:G9", "-1:G9", "9" * 12, ":G9", "²"):
        assert games(after=text) == (["G3", "G1", "G2"], ""), text
    book.given(game("G0", rotation=1))
    assert games(after=":G9") == (["G0", "G3", "G1", "G2"], "")
    book.house.given(CancelFixture("G0", "none"))
    assert games(after="9" * 11) == ([], "")
    assert games(fixture="G1") == (["G1"], "")
    assert games(fixture="G1", after="501:G0") == (["G1"], "")
    assert games(fixture="G1", after="501:G1") == ([], "")
    assert games(fixture="G1", league="MLB", status="") == (["G1"], "")
    assert games(fixture="G1", league="NBA") == games(fixture="G1", status="closed") == games(fixture="G9") == ([], "")
    # A game is counted as one of the markets that a page may have, and so is each of its markets.
    for most, found in ((1, ["G3"]), (2, ["G3", "G1"]), (5, ["G3", "G1"]), (6, ["G3", "G1", "G2"])):
        monkeypatch.setattr("runline.domain.queries.moment.BOARD_MARKETS_MAX", most)
        assert games()[0] == found


def test_figures_are_those_of_each_agent_of_the_subtree(book):
    book.given(wager("P1", 5_00))
    assert rows(book, "figures") == [
        AgentFigures(ROOT, "", 0, 5_00, 1), AgentFigures("A1", ROOT, 0, 5_00, 1), AgentFigures("A1-1", "A1", 0, 5_00, 1),
    ]  # fmt: skip
    assert [row.agent for row in rows(book, "figures", "ann")] == ["A1", "A1-1"]
    assert ask(book, "figures", limit=2).next == "A1"
    assert [row.agent for row in ask(book, "figures", after="A1").items] == ["A1-1"]


def test_figures_of_one_agent_and_of_those_right_below(book):
    book.given(agent("A2"), agent("A1-2", "A1"), agent("A1-1-1", "A1-1"))

    def names(by="owner", **asked):
        return [row.agent for row in rows(book, "figures", by, **asked)]

    assert names(agent="A1") == names("ann", agent="A1") == ["A1"]
    assert names(parent="A1") == names("ann", parent="A1") == ["A1-1", "A1-2"]
    assert names(parent=ROOT) == ["A1", "A2"]
    assert names(parent="A1-2") == names(agent="A1", parent="A2") == names(agent="A1", after="A1") == []
    assert names(agent="A1-1", parent="A1") == ["A1-1"]
    assert names(parent="A1", after="A1-1") == ["A1-2"]
    assert ask(book, "figures", parent="A1", limit=1).next == "A1-1"
    for asked, code in (({"agent": "A2"}, "not_permitted"), ({"parent": ROOT}, "not_permitted")):
        with pytest.raises(Rejected) as refused:
            ask(book, "figures", "ann", **asked)
        assert refused.value.code == code
    for asked in ({"agent": "A9"}, {"parent": "A9"}):
        with pytest.raises(Rejected) as refused:
            ask(book, "figures", **asked)
        assert refused.value.code == "unknown_agent"


def test_players_are_those_of_the_subtree_of_an_agent_one_or_oneself(book):
    book.given(
        wager("P1", 5_00), SetPlayerLimits("P1", 20_00, 30_00, True, "given"),
        GrantTemporaryCredit("P1", 100_00, NOON_NS + HOUR_NS, "weekend"),
    )  # fmt: skip
    first = PlayerFigures("P1", "A1-1", 500_00, 100_00, 0, 5_00, 595_00, 20_00, 30_00, True)
    other = PlayerFigures("P2", "A1", 0, 0, 0, 0, 0, None, None, True)
    assert rows(book, "players") == [other, first]
    assert (
        rows(book, "players", agent="A1-1")
        == rows(book, "players", player="P1")
        == rows(book, "players", "P1")
        == [first]
    )
    later = PlayerFigures("P1", "A1-1", 500_00, 0, 0, 5_00, 495_00, 20_00, 30_00, True)
    assert rows(book, "players", "P1", now_ns=NOON_NS + HOUR_NS) == [later]
    assert rows(book, "players", "P1", now_ns=NOON_NS + HOUR_NS - 1) == [first]
    for asked in ({"agent": ROOT}, {"agent": "A9"}, {"player": "P9"}):
        with pytest.raises(Rejected) as refused:
            ask(book, "players", "ann", **asked)
        assert (refused.value.code, refused.value.details) == ("not_permitted", {})
    with pytest.raises(Rejected) as refused:
        ask(book, "players", agent="A9")
    assert (refused.value.code, refused.value.details) == ("unknown_agent", {"agent": "A9"})


def test_exposure_is_that_of_the_markets_of_a_subtree(book, monkeypatch):
    book.given(
        game("G2"), board("G2"), wager("P1", 5_00, kind="spread", side="home", quarters=-6, price="-110"),
        wager("P1", 4_00, on="G2"), MoveLine(SPREAD, "offset", offset_quarters=2),
        wager("P1", 10_00, kind="spread", side="away", quarters=4, price="-110"),
    )  # fmt: skip
    second = Exposure(
        "G2:game:moneyline", Case(4_80, "away wins"), Case(-4_00, "home wins"), {"away": 4_80, "home": -4_00},
        {"away": 4_00}, 1,
    )  # fmt: skip
    (first, other) = rows(book, "exposure")
    assert other == second
    assert (first.market, first.risk_minor, first.wagers) == (SPREAD, {"home": 5_00, "away": 10_00}, 2)
    assert rows(book, "exposure", fixture="G2") == rows(book, "exposure", fixture="G2", after=SPREAD) == [second]
    assert rows(book, "exposure", fixture="G") == rows(book, "exposure", fixture="G2", after=second.market) == []
    assert rows(book, "exposure", "ann") == rows(book, "exposure", node="A1-1") == [first, second]
    book.given(agent("A2"))
    assert rows(book, "exposure", node="A2") == []
    assert ask(book, "exposure", limit=1) == Page([first], SPREAD)
    assert ask(book, "exposure", limit=2) == Page([first, second])
    assert rows(book, "exposure", after=SPREAD) == [second]
    book.given(game("G3"), board("G3"), wager("P1", 4_00, on="G3"))
    third = rows(book, "exposure")[2]
    for most, found in ((1, [first]), (2, [first]), (3, [first, second]), (4, [first, second, third])):
        monkeypatch.setattr("runline.domain.queries.moment.EXPOSURE_PLACES_MAX", most)
        assert ask(book, "exposure").items == found
    with pytest.raises(Rejected) as refused:
        ask(book, "exposure", "ann", node=ROOT)
    assert (refused.value.code, refused.value.details) == ("not_permitted", {})


def signed_in(book, name, session):
    book.given(SetPassword(name, HASH))
    book.when(SignIn(name, session, "screen", book.state.seq, HOUR_NS, 3 * HOUR_NS, "phone"), by=GATEWAY)
    assert book.refusal is None


def test_users_are_those_who_stand_in_the_subtree(book):
    signed_in(book, "ann", "s1")
    book.given(RevokeUser("P2", "given"))
    assert rows(book, "users", "ann") == [
        UserRow("P2", "A1", "player", "P2", False, 0), UserRow("ann", "A1", "role-of-ann", "", True, 1),
        UserRow("P1", "A1-1", "player", "P1", True, 0),
    ]  # fmt: skip
    assert rows(book, "users")[0] == UserRow("owner", ROOT, "owner", "", True, 0)


def test_one_user_is_shown_and_their_sessions(book):
    signed_in(book, "ann", "s3")
    password_seq = book.state.credentials.by_user["ann"].password_seq
    for session in ("s1", "s2"):
        book.when(SignIn("ann", session, "screen", password_seq, HOUR_NS, 3 * HOUR_NS, session), by=GATEWAY)
    signed_in(book, "P1", "s4")
    book.given(agent("A2"), player("P3", "A2"))
    assert rows(book, "users", user="ann") == [UserRow("ann", "A1", "role-of-ann", "", True, 3)]
    assert [row.user for row in rows(book, "users", "ann", user="P1")] == ["P1"]
    assert [row.session for row in rows(book, "sessions", user="ann")] == ["s1", "s2", "s3"]
    assert [row.session for row in ask(book, "sessions", user="ann", limit=2).items] == ["s1", "s2"]
    assert ask(book, "sessions", user="ann", limit=2).next == "s2"
    assert [row.session for row in rows(book, "sessions", "ann", user="ann", after="s2")] == ["s3"]
    assert rows(book, "sessions", user="P2") == []
    for name in ("users", "sessions"):
        for by, whom, code in (("ann", "P3", "not_permitted"), ("ann", "P9", "not_permitted")):
            with pytest.raises(Rejected) as refused:
                ask(book, name, by, user=whom)
            assert refused.value.code == code
        with pytest.raises(Rejected) as refused:
            ask(book, name, user="P9")
        assert (refused.value.code, refused.value.details) == ("unknown_user", {"user": "P9"})


def test_roles_are_those_of_the_subtree_and_above(book):
    book.given(role("clerk", Permission.SUSPEND, Permission.FIGURES_VIEW, at="A1-1"), agent("A2"))
    book.given(role("other", at="A2"))
    found = {row.role: row for row in rows(book, "roles", "ann")}
    assert found["clerk"] == RoleRow("clerk", "A1-1", ("figures_view", "suspend"))
    assert "owner" in found
    assert "other" not in found
    assert {row.role for row in rows(book, "roles")} == {*found, "other"}
    book.given(role("above", at="A1"), staff("bob", Permission.FIGURES_VIEW, at="A1-1"))
    assert {"above", "clerk", "owner"} <= {row.role for row in rows(book, "roles", "bob")}


def test_sessions_are_those_of_who_stands_in_the_subtree(book):
    signed_in(book, "ann", "s1")
    signed_in(book, "P1", "s2")
    book.given(agent("A2"), player("P3", "A2"))
    signed_in(book, "P3", "s3")
    first = SessionRow("s1", "ann", "screen", NOON_NS, NOON_NS + HOUR_NS, NOON_NS + 3 * HOUR_NS)
    found = rows(book, "sessions", "ann")
    assert [(row.session, row.user) for row in found] == [("s1", "ann"), ("s2", "P1")]
    for row in found:
        held = book.state.sessions.by_name[row.session]
        assert (row.started_ns, row.idle_until_ns, row.ends_ns) == (held.started_ns, held.idle_until_ns, held.ends_ns)
    assert (
        msgspec.structs.replace(
            found[0], started_ns=NOON_NS, idle_until_ns=NOON_NS + HOUR_NS, ends_ns=NOON_NS + 3 * HOUR_NS
        )
        == first
    )
    assert [row.session for row in rows(book, "sessions")] == ["s1", "s2", "s3"]
    assert ask(book, "sessions", limit=1).next == "A1/ann/s1"
    assert rows(book, "sessions", "ann", after="A1/ann/s1") == found[1:]
    assert rows(book, "sessions", "ann", after="A1-1/P1/s2") == []
    signed_in(book, "ann", "s4")
    assert [row.session for row in rows(book, "sessions", "ann", after="A1/ann/s1")] == ["s4", "s2"]


@pytest.mark.alone
def test_layers_are_those_of_the_subtree_whole_and_those_around_it_without_why(book):
    book.given(
        agent("A2"), player("P3", "A2"), Suspend("all", "", "storm"), Suspend("agent", "A1", "late"),
        Suspend("agent", "A1-1", "owes"), Suspend("agent", "A2", "theirs"), Suspend("player", "P1", "owes too"),
        Suspend("player", "P3", "theirs"),
    )  # fmt: skip
    book.when(Suspend("player", "P2", "hers"), by="ann")
    book.given(staff("bob", Permission.SUSPEND, at="A1-1"))
    layers = book.state.suspensions.layers

    def shown(scope, subject, node, reason, owes_reason=False):
        layer = layers[scope, subject]
        return SuspensionRow(scope, subject, node, layer.since_ns, reason, layer.layer_seq, owes_reason)

    inner = [
        shown("agent", "A1-1", ROOT, "owes"),
        shown("all", "", ROOT, "storm"),
        shown("player", "P1", ROOT, "owes too"),
    ]
    around = shown("agent", "A1", "", "")
    assert rows(book, "suspensions", "bob") == [around, *inner]
    hers = shown("player", "P2", "A1", "hers")
    whole = shown("agent", "A1", ROOT, "late")
    assert rows(book, "suspensions", "ann") == [whole, *inner, hers]
    assert [row.subject for row in rows(book, "suspensions")] == ["A1", "A1-1", "A2", "", "P1", "P2", "P3"]
    assert [row.subject for row in rows(book, "suspensions", after="agent:A1-1")] == ["A2", "", "P1", "P2", "P3"]
    assert rows(book, "suspensions", owed=True) == []
    book.given(Suspend("fixture", "G1", "quick"), Suspend("agent", "root", "quick"))
    owing = shown("fixture", "G1", ROOT, "quick", True)
    assert rows(book, "suspensions", owed=True) == [shown("agent", ROOT, ROOT, "quick", True), owing]
    assert rows(book, "suspensions", "bob", owed=True) == [owing]
    book.given(Reopen("agent", ROOT, ""), Reopen("fixture", "G1", ""))
    # Whose player is not known, the layer is the root's.
    del book.state.tree.players["P1"]
    assert [row.subject for row in rows(book, "suspensions", "bob")] == ["A1", "A1-1", ""]


def test_books_are_those_of_the_house_by_name(book):
    book.house.given(OpenBook("alpha", "alice"))
    assert rows(book.house, "books", "platform") == [BookRow("alpha", "alice"), BookRow("main", "owner")]
    assert ask(book.house, "books", "platform", limit=1) == Page([BookRow("alpha", "alice")], "alpha")
    assert rows(book.house, "books", "platform", after="alpha") == [BookRow("main", "owner")]


def test_results_are_as_entered_and_as_confirmed(book):
    book.given(game("G2"))
    book.house.time_is(START_NS)
    book.house.given(EnterResult("G1", Score(5, 3)), ConfirmResult("G1", 1), EnterResult("G1", Score(4, 3)))
    book.house.given(CancelFixture("G2", "rain"))
    first, second = ResultRow("G1", 2, Score(4, 3), Score(5, 3)), ResultRow("G2", 1, None, None)
    assert rows(book, "results") == [first, second]
    assert ask(book, "results", limit=1) == Page([first], "G1")
    assert rows(book, "results", after="G1") == rows(book, "results", fixture="G2") == [second]
    assert rows(book, "results", fixture="G2", after="G1") == [second]
    assert rows(book, "results", fixture="G2", after="G2") == rows(book, "results", fixture="G9") == []


def test_games_that_have_begun_await_their_final_result_the_first_that_began_first(book):
    later = START_NS + HOUR_NS
    book.given(game("G2", start_ns=later, rotation=301), game("G3", rotation=701), game("G4", start_ns=later + 1))
    assert rows(book, "awaiting") == []
    book.house.time_is(later)
    about = ("MLB", "baseball")
    first = AwaitingRow("G1", *about, 501, "G1 visitors", "G1 home", START_NS, None, 0, None, None)
    third = AwaitingRow("G3", *about, 701, "G3 visitors", "G3 home", START_NS, None, 0, None, None)
    second = AwaitingRow("G2", *about, 301, "G2 visitors", "G2 home", later, None, 0, None, None)
    assert rows(book, "awaiting") == rows(book.house, "awaiting", "platform") == [first, third, second]
    assert ask(book, "awaiting", limit=1) == Page([first], f"{START_NS}:G1")
    assert rows(book, "awaiting", after=f"{START_NS}:G1") == [third, second]
    assert rows(book, "awaiting", after="9" * 20) == rows(book, "awaiting", after="x") == [first, third, second]
    score, going_on = Score(5, 3), Score(1, 0, final=False)
    book.house.given(EnterResult("G1", going_on), ConfirmResult("G1", 1), EnterResult("G1", score))
    book.house.given(PostponeFixture("G2", "rain"), CancelFixture("G3", "flood"))
    entered = replace(first, revision=2, entered=score, confirmed=going_on)
    assert rows(book, "awaiting") == [entered, replace(second, postponed_ns=book.house.clock_ns)]
    book.house.state.derive()
    assert [row.fixture for row in rows(book, "awaiting")] == ["G1", "G2"]
    book.house.given(ConfirmResult("G1", 2), RescheduleFixture("G2", later + HOUR_NS, "dry"))
    assert rows(book, "awaiting") == []


def test_the_periods_of_a_leagues_scores_are_told_its_own_first(book):
    book.house.given(CreateLeague("NFL", "football"))
    first = LayoutRow("MLB", "innings", 9, 2, "half-innings", True)
    second = LayoutRow("MLB", "innings", 7, 2, "half-innings", True)
    assert rows(book, "layouts", league="MLB") == [first, second]
    assert rows(book.house, "layouts", "platform", league="NFL") == [
        LayoutRow("NFL", "quarters", 4, 15, "minutes", False),
        LayoutRow("NFL", "halves", 2, 30, "minutes", False),
    ]
    assert ask(book, "layouts", league="MLB", limit=1) == Page([first], "9")
    assert rows(book, "layouts", league="MLB", after="9") == [second]
    assert (
        rows(book, "layouts", league="MLB", after="7")
        == rows(book, "layouts", league="KHL")
        == rows(book, "layouts")
        == []
    )
    assert rows(book, "layouts", league="MLB", after="x") == [first, second]


def test_a_leagues_rules_are_told_for_each_market_and_period_and_which_are_set_by_staff(book):
    book.house.given(SetLeagueRule("MLB", LeagueRule(True, 9, 1, True, Window("hours", 8)), "so", "total", "game"))
    found = rows(book, "league_rules", league="MLB")
    markets, periods = ("moneyline", "three_way", "spread", "total", "draw_no_bet"), ("game", "1h", "2h")
    assert [(row.market, row.period) for row in found] == [(one, two) for one in markets for two in periods]
    assert [row for row in found if row.set_by_staff] == [
        LeagueRuleRow("MLB", "total", "game", "half-innings", True, 9, 1, True, Window("hours", 8), True)
    ]
    assert found[0] == LeagueRuleRow(
        "MLB", "moneyline", "game", "half-innings", True, 10, 1, False, Window("hours", 36), False
    )
    assert ask(book, "league_rules", league="MLB", limit=2) == Page(found[:2], "moneyline:1h")
    assert rows(book, "league_rules", league="MLB", after="moneyline:1h") == found[2:]
    assert rows(book, "league_rules", league="MLB", after="moneyline:q9") == found
    assert rows(book, "league_rules", league="KHL") == rows(book, "league_rules") == []
    for rule, own in (
        (SetLeagueRule("MLB", LeagueRule(official=7), "so", period="1h"), {(one, "1h") for one in markets}),
        (SetLeagueRule("MLB", LeagueRule(official=7), "so", "spread"), {("spread", one) for one in periods}),
        (SetLeagueRule("MLB", LeagueRule(official=7), "so"), {(one, two) for one in markets for two in periods}),
    ):
        book.house.given(rule)
        by_staff = {(row.market, row.period) for row in rows(book, "league_rules", league="MLB") if row.set_by_staff}
        assert by_staff == {("total", "game"), *own}
        book.house.given(msgspec.structs.replace(rule, rule=None))


def test_late_games_are_told_with_their_windows_and_why_to_the_house_alone(book):
    house = book.house
    house.given(game("G2", rotation=701), board("G2", line("total", "-110", "-110", quarters=30)))
    house.given(PostponeFixture("G2", "rain"))
    late = LateGameRow("G2", START_NS, NOON_NS, "", [])
    (told,) = rows(book, "late_games", "P1")
    assert msgspec.structs.replace(told, postponed_ns=NOON_NS) == late
    assert told.postponed_ns == house.state.lateness.postponed["G2"].since_ns
    (whole,) = rows(house, "late_games", "platform")
    assert whole == msgspec.structs.replace(told, reason="rain")
    house.time_is(START_NS + 35 * HOUR_NS)
    (told,) = rows(book, "late_games")
    ends_ns = START_NS + 36 * HOUR_NS
    assert told.windows == [WindowRow(START_NS, ends_ns, ends_ns, "told", ("G2:game:total",))]
    house.given(CancelFixture("G2", "no more"))
    house.time_is(house.clock_ns + 1)
    assert [row.postponed_ns for row in rows(book, "late_games")] == []
    house.given(game("G3", rotation=901), PostponeFixture("G3", "rain"), PostponeFixture("G1", "rain"))
    assert [row.fixture for row in rows(book, "late_games")] == ["G1", "G3"]
    assert ask(book, "late_games", limit=1).next == "G1"
    assert [row.fixture for row in rows(book, "late_games", after="G1")] == ["G3"]


def test_of_a_late_game_that_has_left_memory_the_windows_are_told_that_have_ended(book):
    house = book.house
    house.given(game("G2", rotation=701), board("G2", line("total", "-110", "-110", quarters=30)))
    house.given(PostponeFixture("G2", "rain"))
    ends_ns = START_NS + 36 * HOUR_NS
    for at_ns in (ends_ns - HOUR_NS, ends_ns):
        house.time_is(at_ns)
    ended = [WindowRow(START_NS, ends_ns, ends_ns, "ended", ("G2:game:total",))]
    (told,) = rows(book, "late_games")
    assert (told.start_ns, told.windows) == (START_NS, ended)
    house.given(CancelFixture("G2", "no more"))
    house.time_is(house.clock_ns + ARCHIVE_AFTER_NS)
    assert "G2" not in house.state.catalog.fixtures
    assert rows(house, "late_games", "platform") == [LateGameRow("G2", None, None, "", ended)]


# What only Runline asks


def inside(stage, name, asked, user=None, session="", now_ns=0):
    return VOCABULARY.inside[name].read(stage.state, asked, user, session, now_ns)


def test_how_somebody_stands_is_what_they_may_do_and_whether_they_are_there(book):
    signed_in(book, "ann", "s1")
    user = book.state.access.users["ann"]
    until_ns = book.state.sessions.by_name["s1"].idle_until_ns
    stands = Standing("ann", "A1", "", ("figures_view", "suspend"), True)
    assert inside(book, "standing", Nothing(), user, "s1", until_ns - 1) == stands
    gone = inside(book, "standing", Nothing(), user, "s1", until_ns)
    assert gone == msgspec.structs.replace(stands, present=False)
    stands.require_presence()
    stands.require(Permission.SUSPEND)
    with pytest.raises(Rejected) as refused:
        gone.require_presence()
    assert (refused.value.code, refused.value.details) == ("password_needed", {})
    with pytest.raises(Rejected) as refused:
        stands.require(Permission.LOG_VIEW)
    assert (refused.value.code, refused.value.details) == ("not_permitted", {"permission": "log_view"})
    signed_in(book, "P1", "s2")
    of_player = inside(book, "standing", Nothing(), book.state.access.users["P1"], "s2", NOON_NS)
    assert of_player == Standing("P1", "A1-1", "P1", ("board_view", "wager_place"), True)


@pytest.mark.alone
def test_of_somebody_with_a_password_its_digest_is_known_and_of_others_nothing(book):
    signed_in(book, "ann", "s1")
    held = book.state.credentials.by_user["ann"]
    known = Known(HASH, held.password_seq, ("phone",), True)
    assert inside(book, "credential", CredentialAsked("ann")) == known
    book.given(RevokeUser("ann", "given"))
    assert inside(book, "credential", CredentialAsked("ann")) == msgspec.structs.replace(known, active=False)
    for name in ("P1", "nobody"):
        assert inside(book, "credential", CredentialAsked(name)) == Known("", 0, (), False)
    del book.state.access.users["ann"]
    assert inside(book, "credential", CredentialAsked("ann")) == Known()


def test_the_house_knows_its_books_and_their_owners(book):
    assert inside(book.house, "first_owner", OwnerAsked("main")) == Owner("owner")
    with pytest.raises(Rejected) as refused:
        inside(book.house, "first_owner", OwnerAsked("other"))
    assert (refused.value.code, refused.value.details) == ("unknown_book", {"book": "other"})
    assert inside(book.house, "books_open", Nothing()) == OpenBooks(1)
    assert [(name, one.signed) for name, one in VOCABULARY.inside.items() if one.signed] == [("standing", True)]


# How it is declared, and what may be asked, by whom


def test_a_question_is_declared_with_all_that_it_says():
    @query("lately", needs=Permission.LOG_VIEW, asked=Asked[Me], row=Me, players=True, streams=("house",), rows_max=7)
    def lately(*told):
        """What was lately.

        And more.
        """
        return Page([])

    expected = Query(
        "lately", "What was lately.\n\n        And more.", Permission.LOG_VIEW, True, ("house",), Asked[Me], Me, False, lately,
        False, 7,
    )  # fmt: skip
    assert lately.__dict__[DECLARATIONS] == [("shows", expected)]

    @query("plainly", needs=None, asked=Asked[Me], row=Me)
    def plainly(*told):
        return Page([])

    expected = Query("plainly", "", None, False, ("book",), Asked[Me], Me, False, plainly, False, PAGE_ROWS_MAX)
    assert plainly.__dict__[DECLARATIONS] == [("shows", expected)]

    @inside_of_runline("secretly", asked=Nothing, answer=Owner, signed=True)
    def secretly(*told):
        return Owner("owner")

    assert secretly.__dict__[DECLARATIONS] == [("reads", Inside("secretly", Nothing, Owner, True, secretly))]

    @inside_of_runline("openly", asked=Nothing, answer=Owner)
    def openly(*told):
        return Owner("owner")

    assert openly.__dict__[DECLARATIONS] == [("reads", Inside("openly", Nothing, Owner, False, openly))]


def test_what_is_stored_is_declared_with_all_that_it_says():
    assert stored(
        "old", "What was.", Permission.LOG_VIEW, LedgerAsked, Movement, players=True, streams=("book",)
    ) == Query("old", "What was.", Permission.LOG_VIEW, True, ("book",), LedgerAsked, Movement, True, None)
    assert stored("old", "What was.", Permission.LOG_VIEW, LedgerAsked, Movement) == Query(
        "old", "What was.", Permission.LOG_VIEW, False, ("house", "book"), LedgerAsked, Movement, True, None
    )


def test_a_query_is_for_whom_it_is_declared(book):
    for asks in VOCABULARY.queries.values():
        for kind in ("house", "book"):
            if kind not in asks.streams:
                with pytest.raises(Rejected) as refused:
                    require(asks, kind, Audience(ROOT, "", EVERYTHING))
                assert (refused.value.code, refused.value.details) == ("wrong_stream", {})
        stream = asks.streams[0]
        if asks.needs is None:
            require(asks, stream, Audience("A1", "", frozenset()))
            continue
        require(asks, stream, Audience("A1", "", frozenset({asks.needs.value})))
        with pytest.raises(Rejected) as refused:
            require(asks, stream, Audience("A1", "", frozenset()))
        assert (refused.value.code, refused.value.details) == ("not_permitted", {"permission": asks.needs.value})
        if asks.players:
            require(asks, stream, Audience("A1", "P1", frozenset()))
        else:
            with pytest.raises(Rejected, match="permission"):
                require(asks, stream, Audience("A1", "P1", frozenset()))


def test_a_page_has_at_least_one_row_and_a_time_is_one():
    assert Asked().limit == PAGE_ROWS
    assert Asked(limit=1).limit == 1
    for limit in (0, -1):
        with pytest.raises(ValueError, match="at least one row"):
            Asked(limit=limit)
    LedgerAsked(since="2026-09-13T17:00:00Z", until="1789318800000000001")
    with pytest.raises(ValueError, match="time"):
        WagersAsked(since="now")
    with pytest.raises(ValueError, match="time"):
        WagersAsked(until="now")
    with pytest.raises(ValueError, match="at least one row"):
        LedgerAsked(limit=0)


def test_a_page_names_its_last_row_if_there_are_more():
    names = ["a", "b", "c"]
    assert page_of(names, Asked(limit=2), str) == Page(["a", "b"], "b")
    assert page_of(names, Asked(limit=3), str) == Page(names, "")
    assert page_of([], Asked(), str) == Page([], "")


def test_a_page_looks_at_no_more_rows_than_it_shows_and_the_next():
    left = iter("abcdef")
    assert page_of(left, Asked(limit=2), str) == Page(["a", "b"], "b")
    assert next(left) == "d"


def test_a_page_of_some_goes_on_half_a_page_before_where_it_was_for_what_has_gone_meanwhile(monkeypatch):
    monkeypatch.setattr("runline.domain.queries.pages.PAGE_PASSED_MAX", 6)

    def page(after, shown=()):
        def row(number):
            return number if number in shown else None

        return page_of_some(lambda name: range(100), Asked(after=after, limit=1), row, str)

    assert page("x/10") == Page([], "x/13")
    assert page("x/13") == Page([], "x/16")
    assert page("x/2") == Page([], "x/6")
    assert (page("x"), page("x/-1"), page("/")) == (Page([], "x/6"), Page([], "x/-1/6"), Page([], "//6"))
    assert page("x/10", {9, 11}) == Page([9], "9")
    assert page("x/10", {9}) == Page([9], "9/3")
    assert page(f"x/{'9' * 30}") == Page([])
