"""Pages of the queries: complete, in order, within the subtree, and their cost goes by what they show."""

import msgspec
import pytest
from tests.doubles.plain import VOCABULARY
from tests.doubles.stage import NOON_NS
from tests.doubles.words import agent, board, game, player, role, staff, wager

from runline.domain.accounts import SetPlayerLimits
from runline.domain.audience import Audience
from runline.domain.execution import fold
from runline.domain.fixtures import FixtureClosed
from runline.domain.grading import Score
from runline.domain.lines import MoveLine
from runline.domain.moving import MoveAgent
from runline.domain.nodes import ROOT
from runline.domain.offers import closing
from runline.domain.permissions import Permission, permissions_of
from runline.domain.queries.declared import Page
from runline.domain.results import EnterResult
from runline.domain.sessions import Session
from runline.domain.shown import BoardDeparture, board_fixture
from runline.domain.suspension import Reopen, Suspend
from runline.domain.topics import Changed
from runline.live.facts import fact_of

DAY_NS = 24 * 3_600 * 10**9
EVERYTHING = frozenset(permissions_of("book"))


class Unread(dict):
    """Rows that nobody may go through: only one at a time may be looked up."""

    def forbid(self, *args):
        raise AssertionError("all rows are gone through for one page")

    __iter__ = keys = values = items = forbid


def tree(book):
    """A tree of agents, with players, some without."""
    book.given(*(agent(f"A{number}") for number in range(4)))
    book.given(agent("A1-1", "A1"), agent("A1-2", "A1"), agent("A1-1-1", "A1-1"))
    for number, name in enumerate(("A0", "A1-1-1", "A1-1", "A3", "A1", "A3", "A1-1-1", "A2", "A1-2")):
        book.given(player(f"P{9 - number}", name))


def asked(query, **fields):
    return VOCABULARY.queries[query].asked(**fields)


def show(query, *asked):
    """What a query shows."""
    shows = VOCABULARY.queries[query].show
    assert shows is not None
    return shows(*asked)


def page(book, house, query, node=ROOT, **fields):
    """A page as somebody at a node sees it."""
    user = next(one for one in book.access.users.values() if one.node == node and not one.player)
    return show(query, book, house, user, Audience(node, "", EVERYTHING), asked(query, **fields), book.at_ns)


def whole(book, house, query, node=ROOT, limit=2, **fields):
    """All rows, page by page."""
    rows, after = [], ""
    for _ in range(1_000):
        found: Page = page(book, house, query, node, limit=limit, after=after, **fields)
        assert len(found.items) <= limit
        rows += found.items
        after = found.next
        if not after:
            return rows
    raise AssertionError("the pages have no end")


def with_sessions(book):
    for number, name in enumerate(("owner", "P1", "one", "P9", "P2")):
        session = Session(f"s{number}", name, "program", 0, 10**18, 10**18, 10**18, 10**18)
        book.sessions.by_name[session.name] = session
        book.sessions.note(session)


@pytest.mark.alone
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_rows_of_a_subtree_come_in_the_order_of_the_tree_page_by_page(house, book, limit):
    tree(book)
    book.given(staff("one", Permission.FIGURES_VIEW, at="A1"))
    state, view = book.state, house.state
    with_sessions(state)
    agents = [row.agent for row in whole(state, view, "figures", limit=limit)]
    assert agents == [ROOT, "A0", "A1", "A1-1", "A1-1-1", "A1-2", "A2", "A3"]
    players = [(row.agent, row.player) for row in whole(state, view, "players", limit=limit)]
    assert [number for _, number in players] == ["P9", "P5", "P7", "P3", "P8", "P1", "P2", "P4", "P6"]
    assert [row.agent for row in whole(state, view, "figures", "A1", limit)] == ["A1", "A1-1", "A1-1-1", "A1-2"]
    assert [row.player for row in whole(state, view, "players", "A1", limit)] == ["P5", "P7", "P3", "P8", "P1"]
    assert [row.player for row in whole(state, view, "players", limit=limit, agent="A1-1")] == ["P7", "P3", "P8"]
    users = [row.user for row in whole(state, view, "users", "A1", limit)]
    assert users == ["P5", "one", "P7", "P3", "P8", "P1"]
    assert [row.user for row in whole(state, view, "sessions", limit=limit)] == ["owner", "P9", "one", "P1", "P2"]
    assert [row.user for row in whole(state, view, "sessions", "A1", limit)] == ["one", "P1"]


def test_from_every_node_on_a_subtree_is_the_rest_of_it(book):
    tree(book)
    book.given(agent("A1-1-1-1", "A1-1-1"), agent("A1-3", "A1"), agent("A3-1", "A3"))
    state = book.state
    for top in state.tree.agents:
        nodes = list(state.tree.subtree(top))
        assert nodes == sorted(name for name in state.tree.agents if state.tree.below(top, name)) or top == ROOT
        assert len(nodes) == len(set(nodes)) == sum(state.tree.below(top, name) for name in state.tree.agents)
        for place, start in enumerate(nodes):
            assert list(state.tree.subtree(top, start)) == nodes[place:]


def test_a_moved_subtree_is_found_where_it_stands_now_and_a_page_outside_is_empty(house, book):
    tree(book)
    book.given(staff("one", Permission.FIGURES_VIEW, at="A1"), staff("two", Permission.FIGURES_VIEW, at="A2"))
    state, view = book.state, house.state
    first = page(state, view, "players", "A1", limit=2)
    assert [row.player for row in first.items] == ["P5", "P7"]
    book.given(MoveAgent("A1-1", "A2", "sold"))
    assert page(state, view, "players", "A1", limit=2, after=first.next) == Page([])
    assert [row.player for row in whole(state, view, "players", "A2")] == ["P2", "P7", "P3", "P8"]
    assert [row.agent for row in whole(state, view, "figures", "A2")] == ["A2", "A1-1", "A1-1-1"]
    assert [row.agent for row in whole(state, view, "figures", "A1")] == ["A1", "A1-2"]
    for query in ("players", "figures", "users", "sessions"):
        assert page(state, view, query, "A1", after="A0/P9" if query == "players" else "A0").items == []


def test_a_page_that_passes_many_nodes_without_rows_is_short_and_goes_on(house, book, monkeypatch):
    monkeypatch.setattr("runline.domain.queries.pages.PAGE_NODES_MAX", 2)
    tree(book)
    state, view = book.state, house.state
    assert page(state, view, "players", limit=100) == Page(
        [row for row in whole(state, view, "players") if row.agent == "A0"], "A1/"
    )
    assert len(whole(state, view, "players")) == 9


@pytest.mark.alone
def test_a_page_costs_what_it_shows(house, book):
    tree(book)
    book.given(game("G1"), board("G1"), wager("P1", 5_00))
    book.given(
        staff("one", Permission.FIGURES_VIEW, at="A1"), Suspend("agent", "A1-1", "given"), Suspend("all", "", "given")
    )
    state, view = book.state, house.state
    with_sessions(state)
    pages = [
        (query, node, page(state, view, query, node, limit=2))
        for query in ("players", "figures", "users", "sessions", "exposure", "board", "results", "roles", "suspensions")
        for node in (ROOT, "A1")
    ]
    owner, one = state.access.users["owner"], state.access.users["one"]
    for whole_state, part, held in (
        *((state, "tree", held) for held in ("players", "agents")),
        *((state, "access", held) for held in ("users", "roles")),
        *((view, "catalog", held) for held in ("fixtures", "markets", "results")),
        (state, "sessions", "by_name"),
        (state, "suspensions", "layers"),
        (view, "books", "by_name"),
    ):
        kept = getattr(whole_state, part)
        setattr(kept, held, Unread(getattr(kept, held)))
    for query, node, expected in pages:
        user, audience = (owner if node == ROOT else one), Audience(node, "", EVERYTHING)
        found = show(query, state, view, user, audience, asked(query, limit=2), state.at_ns)
        assert found == expected


def test_roles_and_layers_are_shown_to_whom_they_concern_in_their_order(house, book, monkeypatch):
    tree(book)
    book.given(staff("one", Permission.FIGURES_VIEW, at="A1"), staff("two", Permission.FIGURES_VIEW, at="A2"))
    book.given(Suspend("player", "P9", "given"), Suspend("agent", "A1-1", "given"), Suspend("all", "", "given"))
    book.given(Suspend("player", "P7", "given"), Suspend("agent", "A2", "given"))
    book.given(Reopen("agent", "A1-1", ""), Suspend("agent", "A1-2", "given"))
    state, view = book.state, house.state
    kept_there = sorted(role.name for role in state.access.roles.values() if role.node in (ROOT, "A1"))
    for most in (1, 2, 1_000):
        monkeypatch.setattr("runline.domain.queries.pages.PAGE_PASSED_MAX", most)
        assert [row.role for row in whole(state, view, "roles", "A1")] == kept_there
        assert [row.role for row in whole(state, view, "roles")] == sorted(state.access.roles)
        layers = [(row.scope, row.subject) for row in whole(state, view, "suspensions", "A1")]
        assert layers == [("agent", "A1-2"), ("all", ""), ("player", "P7")]
        assert [(row.scope, row.subject) for row in whole(state, view, "suspensions")] == sorted(
            state.suspensions.layers
        )


def test_no_page_names_by_its_end_what_it_does_not_show(house, book, monkeypatch):
    tree(book)
    book.given(staff("one", Permission.FIGURES_VIEW, at="A1"), staff("two", Permission.FIGURES_VIEW, at="A2"))
    book.given(*(Suspend("player", number, "given") for number in ("P1", "P2", "P7", "P8", "P9")))
    for most in (1, 2, 3, 1_000):
        monkeypatch.setattr("runline.domain.queries.pages.PAGE_PASSED_MAX", most)
        for query in ("roles", "suspensions"):
            seen = {text_of(row) for row in whole(book.state, house.state, query, "A1")}
            ends: list[str] = []
            after = ""
            while not ends or after:
                after = page(book.state, house.state, query, "A1", limit=1, after=after).next
                ends.append(after.partition("/")[0])
            assert {*ends} <= {"", *seen}
        for garbage in ("x/" + "9" * 400, "/", "/-1", "/" + "\u0663", ":" * 5):
            page(book.state, house.state, "suspensions", "A1", limit=1, after=garbage)


def test_layers_over_selections_are_shown_once_page_by_page(house, book, monkeypatch):
    tree(book)
    book.given(game("G1"), board("G1"), staff("one", Permission.FIGURES_VIEW, at="A1"))
    sides = [f"G1:game:moneyline/{side}" for side in ("away", "home")]
    book.given(*(Suspend("selection", side, "given") for side in sides), Suspend("player", "P7", "given"))
    book.given(Suspend("player", "P9", "given"), Suspend("sport", "baseball", "given"))
    for most in (1, 1_000):
        monkeypatch.setattr("runline.domain.queries.pages.PAGE_PASSED_MAX", most)
        for node in ("A1", ROOT):
            seen = [(row.scope, row.subject) for row in whole(book.state, house.state, "suspensions", node)]
            assert seen == sorted(seen)
            assert [subject for scope, subject in seen if scope == "selection"] == sides


def test_roles_that_are_named_by_a_number_are_shown_once_page_by_page(house, book):
    book.given(role("1", Permission.FIGURES_VIEW), role("700", Permission.FIGURES_VIEW))
    names = [row.role for row in whole(book.state, house.state, "roles", limit=1)]
    assert names == sorted(book.state.access.roles)
    assert names[:2] == ["1", "700"]


def text_of(row):
    return row.role if hasattr(row, "role") else f"{row.scope}:{row.subject}"


@pytest.mark.alone
def test_the_board_is_found_by_status_and_league(house, book):
    book.given(game("G1"), game("G2"), game("G3"), board("G1"))
    state, view = book.state, house.state
    fold(view, FixtureClosed("G2", view.catalog.fixtures["G2"].start_ns), view.seq, view.at_ns)
    assert [row.fixture for row in whole(state, view, "board")] == ["G1", "G3"]
    assert [row.fixture for row in whole(state, view, "board", status="closed")] == ["G2"]
    assert [row.fixture for row in whole(state, view, "board", status="")] == ["G1", "G2", "G3"]
    assert [row.fixture for row in whole(state, view, "board", fixture="G3")] == ["G3"]
    assert whole(state, view, "board", fixture="G2") == []
    league = view.catalog.fixtures["G1"].league
    assert len(whole(state, view, "board", league=league, status="")) == 3
    assert whole(state, view, "board", league="other") == []
    view.derive()
    assert [row.fixture for row in whole(state, view, "board", status="")] == ["G1", "G2", "G3"]


def test_a_side_that_is_closed_is_shown_and_a_market_without_open_sides_is_closed(house, book):
    book.given(game("G1"), board("G1"))
    state, view = book.state, house.state

    def moneyline():
        (row,) = whole(state, view, "board")
        (market,) = [one for one in row.markets if one.kind == "moneyline"]
        return market.open, market.closed_by, market.closed_sides

    name = "G1:game:moneyline"
    assert moneyline() == (True, "", [])
    book.given(Suspend("selection", f"{name}/home", "given"))
    assert moneyline() == (True, "", ["home"])
    house.given(Suspend("selection", f"{name}/away", "given"))
    assert moneyline() == (False, "selection", [])
    book.given(Reopen("selection", f"{name}/home", ""), Suspend("market", name, "given"))
    assert moneyline() == (False, f"market {name}", [])
    book.given(Reopen("market", name, ""))
    assert moneyline() == (True, "", ["away"])


def test_a_player_whose_account_takes_no_wagers_sees_a_board_that_is_closed(house, book):
    book.given(game("G1"), board("G1"), player("P1"), player("P2"))

    def shown_to(number):
        audience = Audience(ROOT, number, frozenset({Permission.BOARD_VIEW.value}))
        row = board_fixture(book.state, house.state, house.state.catalog.fixtures["G1"], audience, book.at_ns)
        closed = closing(book.state, audience)
        assert closed is not None
        return {(market.open, market.closed_by) for market in row.markets}, closed[0]

    assert shown_to("P1") == shown_to("P2") == ({(True, "")}, None)
    book.when(SetPlayerLimits("P1", None, None, False, "owes"))
    (event,) = book.events
    fact = fact_of(book.state, house.state, (book.state.seq, book.at_ns, "owner", "", event), ("lines",))
    assert Changed(whole=True, player="P1") in [one for _, one in fact.changes], "their board is read anew"
    assert shown_to("P1") == ({(False, "account P1")}, ("account", "P1"))
    assert shown_to("P2") == ({(True, "")}, None)
    book.given(Suspend("player", "P1", "late"))
    assert shown_to("P1")[0] == {(False, "player P1")}


def test_the_result_of_one_game_can_be_asked_for(house, book):
    book.given(game("G1"), game("G2"))
    house.time_is(NOON_NS + DAY_NS)
    for name in ("G1", "G2"):
        house.given(EnterResult(name, Score(5, 3)))
    state, view = book.state, house.state
    assert [row.fixture for row in whole(state, view, "results")] == ["G1", "G2"]
    assert [row.fixture for row in whole(state, view, "results", fixture="G2")] == ["G2"]
    assert whole(state, view, "results", fixture="G3") == []


def test_how_the_book_departs_from_the_house_is_shown_to_whoever_may_move_its_lines_only(house, book):
    book.given(game("G1"), board("G1"))
    state, view = book.state, house.state
    name = "G1:game:total"

    def total(*less):
        user = next(one for one in book.state.access.users.values() if one.node == ROOT)
        audience = Audience(ROOT, "", EVERYTHING - {one.value for one in less})
        (row,) = show("board", state, view, user, audience, asked("board"), state.at_ns).items
        return next((one for one in row.markets if one.market == name), None)

    assert total().departure is None
    book.given(MoveLine(name, "offset", offset_quarters=2, offset_cents=5))
    assert (total().line_quarters, total().prices) == (36, ["-110", "-110"])
    assert total().departure == BoardDeparture("offset", 2, 5, True, 34, ["-105", "-115"])
    assert total(Permission.LINE_MOVE).departure is None
    assert total(Permission.LINE_MOVE).line_quarters == 36
    book.given(MoveLine(name, "hide"))
    assert total(Permission.LINE_MOVE) is None
    assert (total().open, total().closed_by, total().line_quarters) == (False, "line hide", 34)
    assert total().departure.mode == "hide"
    book.given(MoveLine(name, "follow"))
    assert (total().open, total().departure) == (True, None)


def test_exposure_is_found_by_game_and_follows_what_opens_and_closes(house, book):
    book.given(agent("A1"), player("P1", "A1"), game("G1"), game("G2"), board("G1"), board("G2"))
    state, view = book.state, house.state
    assert whole(state, view, "exposure") == []
    book.given(wager("P1", 5_00))
    (row,) = whole(state, view, "exposure", fixture="G1")
    assert whole(state, view, "exposure", fixture="G2") == []
    assert whole(state, view, "exposure") == [row]
    assert msgspec.to_builtins(row)["wagers"] == 1
