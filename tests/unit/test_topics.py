"""Topics: what each event changes of the rows that are followed live, for whom; and how these rows are found and made."""

import pytest
from tests.doubles.plain import VOCABULARY
from tests.doubles.stage import HOUR_NS, NOON_NS, SECOND_NS
from tests.doubles.words import START_NS, agent, board, game, line, player, wager

from runline.domain.accounts import AdjustCredit, SetPlayerLimits
from runline.domain.audience import Audience
from runline.domain.fixtures import CloseFixture, CreateLeague, RescheduleFixture
from runline.domain.grading import Score
from runline.domain.lines import MoveLine
from runline.domain.messages import DECLARATIONS, ENGINE, Event, Rejected
from runline.domain.moving import MoveAgent, MovePlayer
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission, permissions_of
from runline.domain.prices import Prices
from runline.domain.results import EnterResult
from runline.domain.settings import SetLimits, SetLocks
from runline.domain.shown import agent_figures, board_fixture, exposure_of, player_figures
from runline.domain.suspension import Reopen, Reopened, Suspend, Suspended
from runline.domain.tickets import VoidWager
from runline.domain.topics import Changed, alike, changes, require_topics, split_topics
from runline.domain.watch import KeepFeed, NoteSilence, WatchFeed
from runline.live.facts import fact_of, house_fact_of

MONEYLINE = "G1:game:moneyline"
EVERYTHING = frozenset(permissions_of("book"))
STAFF = Audience(ROOT, "", EVERYTHING)
OF_A1 = Audience("A1", "", EVERYTHING)
OF_P1 = Audience("A1-1", "P1", frozenset({Permission.BOARD_VIEW.value}))
TOPICS = ("lines", "exposure", "figures")
ABOVE_P1 = ("A1-1", "A1", ROOT)


@pytest.fixture
def book(book):
    """A tree of agents with two players, and a game of each of two leagues."""
    book.given(
        game("G1", rotation=501), board("G1"), game("G2", league="NBA", sport="basketball", rotation=301),
        board("G2", line("total", "-110", "-110", quarters=800)), game("G3", rotation=701), agent("A1"),
        agent("A1-1", "A1"), agent("A2"), player("P1", "A1-1"), player("P2", "A2"),
    )  # fmt: skip
    book.house.books = [book]
    return book


def changed(book, command, by="", of=None):
    """What the events of a command change in the book, by the kind of rows."""
    stage = of or book
    before = len(stage.log)
    stage.when(command, by=by)
    assert stage.refusal is None, stage.refusal
    told: dict[str, list[Changed]] = {}
    for seq, at_ns, actor, event in stage.log[before:]:
        find = fact_of if stage is book else house_fact_of
        fact = find(book.state, book.house.state, (seq, at_ns, actor, "", event), TOPICS)
        for name, one in fact.changes:
            told.setdefault(name, []).append(one)
    return told


def of_player(number, above):
    return {
        "agents": [Changed(above, nodes=above)],
        "players": [Changed((number,), nodes=above, player=number)],
    }


def test_a_ticket_changes_the_figures_of_all_above_its_player_and_the_exposure_of_its_market_there(book):
    assert changed(book, wager("P1", 5_00)) == {
        **of_player("P1", ABOVE_P1),
        "exposure": [Changed((MONEYLINE,), nodes=ABOVE_P1)],
    }
    number = book.state.seq
    assert changed(book, VoidWager(number, "slip")) == {
        **of_player("P1", ABOVE_P1),
        "exposure": [Changed((MONEYLINE,), nodes=ABOVE_P1)],
    }


def test_a_ticket_whose_market_is_not_known_any_more_changes_all_exposure_above_its_player(book):
    book.given(wager("P1", 5_00))
    number = book.state.seq
    book.given(VoidWager(number, "slip"))
    book.state.risk.closed_on.clear()
    event = (book.state.seq, book.at_ns, "owner", "", book.events[0])
    fact = fact_of(book.state, book.house.state, event, ("exposure",))
    assert fact.changes == [("exposure", Changed(whole=True, nodes=ABOVE_P1))]


def test_an_account_changes_the_figures_of_all_above_it_and_its_own(book):
    assert changed(book, AdjustCredit("P2", 1_00, "given")) == of_player("P2", ("A2", ROOT))


def test_to_close_an_account_changes_the_board_of_its_player_and_to_bound_its_stakes_does_not(book):
    figures = of_player("P1", ABOVE_P1)
    assert changed(book, SetPlayerLimits("P1", 1_00, None, True, "given")) == figures
    closed = {**figures, "lines": [Changed(whole=True, player="P1")]}
    assert changed(book, SetPlayerLimits("P1", 1_00, None, False, "given")) == closed
    assert changed(book, SetPlayerLimits("P1", 2_00, None, False, "given")) == figures


def test_a_new_agent_is_a_row_for_all_above_it(book):
    assert changed(book, agent("A1-2", "A1")) == {"agents": [Changed(("A1-2",), nodes=("A1-2", "A1", ROOT))]}


def test_a_move_changes_all_that_those_see_whose_subtree_is_another_and_the_order_for_those_above_both(book):
    apart = ("A1", "A2")
    assert changed(book, MoveAgent("A1-1", "A2", "sold")) == {
        "exposure": [Changed(whole=True, nodes=apart)],
        "agents": [
            Changed(whole=True, nodes=apart),
            Changed(("A1-1", *apart), walked=True, nodes=("A1-1", ROOT)),
        ],
        "players": [Changed(whole=True, nodes=apart), Changed(walked=True, nodes=("A1-1", ROOT))],
    }


def test_a_moved_player_is_read_anew_by_those_who_see_them_no_more_or_only_now(book):
    apart = ("A1-1", "A1", "A2")
    assert changed(book, MovePlayer("P1", "A2", "sold")) == {
        "exposure": [Changed(whole=True, nodes=apart)],
        "agents": [
            Changed(("A2", ROOT), nodes=("A2", ROOT)),
            Changed(("A1-1", "A1", ROOT), nodes=("A1-1", "A1", ROOT)),
        ],
        "players": [
            Changed(("P1",), nodes=("A2", ROOT), player="P1"),
            Changed(whole=True, nodes=apart),
            Changed(walked=True, nodes=(ROOT,)),
        ],
    }


def test_what_is_about_no_row_changes_none(book):
    assert changed(book, SetLimits(1_00, 500_00, 900_00, "given")) == {}
    assert changed(book, CreateLeague("NHL", "hockey"), of=book.house) == {}
    book.house.given(WatchFeed("platform", 5_000, "given"))
    assert changed(book, KeepFeed(), of=book.house) == {}


@pytest.mark.parametrize(
    ("scope", "subject", "covered"),
    [
        ("fixture", "G2", ("G2",)),
        ("market", MONEYLINE, ("G1",)),
        ("selection", f"{MONEYLINE}/away", ("G1",)),
        ("league", "MLB", ("G1", "G3")),
        ("sport", "basketball", ("G2",)),
        ("sport", "baseball", ("G1", "G3")),
        ("feed", "platform", ("G2", "G1")),
        ("kind", "moneyline", ("G1",)),
        ("kind", "total", ("G2", "G1")),
        ("all", "", ("G2", "G1", "G3")),
    ],
)
def test_a_layer_over_the_board_changes_the_games_that_it_covers_for_everyone(book, scope, subject, covered):
    house = book.house
    if scope == "feed":
        house.given(WatchFeed("platform", 5_000, "given"))
    expected = {"lines": [Changed(covered, everyone=True)]}
    assert changed(book, Suspend(scope, subject, "given"), of=house) == expected
    assert changed(book, Reopen(scope, subject, ""), of=house) == expected
    if scope != "feed":
        assert changed(book, Suspend(scope, subject, "given")) == expected


def test_a_feed_that_falls_silent_changes_the_games_whose_lines_it_has_posted(book):
    house = book.house
    house.given(WatchFeed("platform", 5_000, "given"))
    book.clock_reads(NOON_NS + 5 * SECOND_NS)
    before = len(house.log)
    house.execute(NoteSilence("platform"), ENGINE)
    told = [
        one
        for seq, at_ns, actor, event in house.log[before:]
        for one in house_fact_of(book.state, house.state, (seq, at_ns, actor, "", event), TOPICS).changes
    ]
    assert told == [("lines", Changed(("G2", "G1"), everyone=True))]


def test_a_game_that_is_not_on_the_board_is_covered_by_no_wide_layer(book):
    book.clock_reads(START_NS)
    book.house.execute(CloseFixture("G1"), ENGINE)
    assert changed(book, Suspend("all", "", "given")) == {"lines": [Changed(("G2", "G3"), everyone=True)]}


def test_a_layer_over_somebody_changes_all_that_they_see(book):
    assert changed(book, Suspend("agent", "A1", "given")) == {"lines": [Changed(whole=True, below="A1")]}
    assert changed(book, Suspend("player", "P1", "given")) == {"lines": [Changed(whole=True, player="P1")]}
    assert changed(book, Reopen("agent", "A1", "")) == {"lines": [Changed(whole=True, below="A1")]}


def test_a_departure_changes_its_game_and_the_setting_of_locks_the_games_that_have_one(book):
    total = "G2:game:total"
    assert changed(book, MoveLine(MONEYLINE, "hide")) == {"lines": [Changed(("G1",), everyone=True)]}
    lock = MoveLine(total, "lock", line_quarters=800, prices=Prices(over="-105", under="-115"))
    assert changed(book, lock) == {"lines": [Changed(("G2",), everyone=True)]}
    assert changed(book, SetLocks(True, "trial")) == {"lines": [Changed(("G2",), everyone=True)]}
    again = [MoveLine(f"G1:game:{kind}", "lock", line_quarters=quarters, prices=prices) for kind, quarters, prices in (
        ("total", 34, Prices(over="-105", under="-115")), ("moneyline", None, Prices(away="+120", home="-130")),
    )]  # fmt: skip
    book.given(again)
    assert changed(book, SetLocks(False, "trial")) == {"lines": [Changed(("G2", "G1"), everyone=True)]}


def test_what_the_house_does_to_a_game_changes_it_for_everyone(book):
    house = book.house
    one = {"lines": [Changed(("G1",), everyone=True)]}
    assert changed(book, board("G1", line("moneyline", "+130", "-140"), entered_ns=START_NS - 6 * HOUR_NS + 1), of=house) == {
        "lines": [Changed(("G1",), everyone=True)] * 3
    }  # fmt: skip
    assert changed(book, RescheduleFixture("G1", START_NS + HOUR_NS, "given"), of=house) == one
    book.clock_reads(START_NS + HOUR_NS)
    assert changed(book, EnterResult("G1", Score(1, 2)), of=house) == one


def test_whom_a_change_reaches(book):
    tree = book.state.tree
    reached = {
        Changed(everyone=True): {"staff", "a1", "p1"},
        Changed(): set(),
        Changed(nodes=("A1",)): {"a1"},
        Changed(nodes=("A1-1",)): set(),
        Changed(nodes=(ROOT,), player="P1"): {"staff", "p1"},
        Changed(player="P2"): set(),
        Changed(below="A1"): {"a1", "p1"},
        Changed(below="A2"): set(),
        Changed(below=ROOT): {"staff", "a1", "p1"},
    }
    audiences = {"staff": STAFF, "a1": OF_A1, "p1": OF_P1}
    for change, whom in reached.items():
        assert {name for name, one in audiences.items() if change.reaches(one, tree)} == whom, change


# The rows


def find(name):
    return next(rows for per in VOCABULARY.changes.values() for rows, _ in per if rows.name == name)


def walk(book, name, audience):
    """The keys of an image, read from behind each place on: the same each time."""
    rows, house = find(name), book.house.state
    found = list(rows.keys(book.state, house, audience, None))
    for at, (_, place) in enumerate(found):
        assert list(rows.keys(book.state, house, audience, place)) == found[at + 1 :]
    return [key for key, _ in found if key]


def test_the_games_are_those_on_the_board_in_its_order(book):
    assert walk(book, "lines", STAFF) == ["G2", "G1", "G3"]
    rows, house = find("lines"), book.house.state
    assert rows.row(book.state, house, OF_P1, "G1", book.at_ns) == board_fixture(
        book.state, house, house.catalog.fixtures["G1"], OF_P1, book.at_ns
    )
    assert [rows.shown(book.state, house, STAFF, key) for key in ("G1", "G9")] == [True, False]


def test_who_sees_a_game_alike_is_told_of_by_what_closes_it_and_what_they_may_know(book):
    flavour = find("lines").flavour
    assert flavour(book.house.state, STAFF) is None
    assert flavour(book.state, STAFF) == (None, True, True)
    assert flavour(book.state, Audience(ROOT, "", EVERYTHING - {Permission.LINE_MOVE.value})) == (None, False, True)
    assert flavour(book.state, OF_P1) == (None, False, False)
    book.given(Suspend("agent", "A1", "given"))
    assert flavour(book.state, OF_P1) == (("agent", "A1"), False, False)
    assert find("exposure").flavour(book.state, OF_A1) == "A1"
    assert find("agents").flavour(book.state, OF_A1) is None
    assert find("players").flavour(book.state, STAFF) is None


def test_agents_are_those_of_the_subtree_in_its_order(book):
    assert walk(book, "agents", STAFF) == [ROOT, "A1", "A1-1", "A2"]
    assert walk(book, "agents", OF_A1) == ["A1", "A1-1"]
    assert walk(book, "agents", OF_P1) == []
    rows, house = find("agents"), book.house.state
    assert list(rows.keys(book.state, house, OF_A1, "A2")) == []
    assert rows.row(book.state, house, STAFF, "A1", 0) == agent_figures(book.state, "A1")
    shown = {name: rows.shown(book.state, house, OF_A1, name) for name in (ROOT, "A1", "A1-1", "A2", "A9")}
    assert shown == {ROOT: False, "A1": True, "A1-1": True, "A2": False, "A9": False}
    assert not rows.shown(book.state, house, OF_P1, "A1-1")


def test_players_are_those_of_the_subtree_or_the_one_who_looks(book, monkeypatch):
    book.given(player("P3", "A1-1"), player("P0", "A1"))
    assert walk(book, "players", STAFF) == ["P0", "P1", "P3", "P2"]
    assert walk(book, "players", OF_A1) == ["P0", "P1", "P3"]
    assert walk(book, "players", OF_P1) == ["P1"]
    rows, house = find("players"), book.house.state
    assert list(rows.keys(book.state, house, OF_A1, ("A2", "P2"))) == []
    assert list(rows.keys(book.state, house, STAFF, ("A1-1", "P1"))) == [
        ("P3", ("A1-1", "P3")), ("", ("A2", "")), ("P2", ("A2", "P2")),
    ]  # fmt: skip
    assert rows.row(book.state, house, STAFF, "P1", 7) == player_figures(book.state, book.state.tree.players["P1"], 7)
    shown = {number: rows.shown(book.state, house, OF_A1, number) for number in ("P0", "P1", "P2", "P9")}
    assert shown == {"P0": True, "P1": True, "P2": False, "P9": False}
    assert [rows.shown(book.state, house, OF_P1, number) for number in ("P0", "P1", "P9")] == [False, True, False]
    monkeypatch.setattr("runline.domain.figures.IMAGE_PLAYERS_MAX", 3)
    assert walk(book, "players", STAFF) == []
    assert walk(book, "players", OF_A1) == ["P0", "P1", "P3"]


def test_a_player_is_told_of_their_account_as_it_is_at_that_time(book):
    assert find("players").row(book.state, book.house.state, OF_P1, "P1", book.at_ns).available_minor == 1_000_00


def test_markets_are_those_with_open_wagers_of_the_subtree(book):
    book.given(
        wager("P1", 5_00), wager("P1", 5_00, kind="total", side="over", quarters=34, price="-105"),
        wager("P2", 5_00, kind="spread", side="home", quarters=-6, price="-110"),
    )  # fmt: skip
    assert walk(book, "exposure", STAFF) == ["G1:game:moneyline", "G1:game:spread", "G1:game:total"]
    assert walk(book, "exposure", OF_A1) == ["G1:game:moneyline", "G1:game:total"]
    rows, house = find("exposure"), book.house.state
    assert rows.row(book.state, house, OF_A1, "G1:game:spread", 0) == exposure_of(book.state, "G1:game:spread", "A1")
    assert rows.row(book.state, house, STAFF, "G1:game:spread", 0).wagers == 1
    assert rows.shown(book.state, house, OF_A1, "G9:game:total") is True


# Who may follow what


def test_topics_are_asked_for_by_name_and_come_in_the_order_of_their_declaration():
    topics = VOCABULARY.topics
    assert split_topics("log,wagers,log", topics) == ("wagers", "log")
    for text in ("", "log,", "logs", "log,other"):
        with pytest.raises(Rejected) as refused:
            split_topics(text, topics)
        assert (refused.value.code, refused.value.details) == ("topic_invalid", {"topics": list(topics)})


def test_a_topic_is_for_whom_it_is_declared(book):
    state, house = book.state, book.house.state
    every = ("wagers", "log", "notifications", "health", "lines", "exposure", "figures")
    assert set(every) == set(VOCABULARY.topics)
    require_topics(every, state, STAFF)
    require_topics(("log", "notifications", "health", "lines"), house, Audience(ROOT, "", EVERYTHING))
    for name in ("wagers", "exposure", "figures", "other" * 20):
        with pytest.raises(Rejected) as refused:
            require_topics((name,), house, Audience(ROOT, "", EVERYTHING))
        assert (refused.value.code, refused.value.details) == ("topic_invalid", {"topics": list(VOCABULARY.topics)})
        assert f" {name[:64]!r} " in str(refused.value)
    needed = {
        "log": Permission.LOG_VIEW, "notifications": Permission.LOG_VIEW, "health": Permission.FIGURES_VIEW,
        "exposure": Permission.FIGURES_VIEW,
    }  # fmt: skip
    nothing = frozenset[str]()
    for name in every:
        if name in needed:
            with pytest.raises(Rejected) as refused:
                require_topics(("lines", name), state, OF_P1)
            assert (refused.value.code, refused.value.details) == (
                "not_permitted", {"permission": needed[name].value},
            )  # fmt: skip
            require_topics((name,), state, Audience("A1", "", frozenset({needed[name].value})))
        else:
            require_topics((name,), state, Audience("A1-1", "P1", nothing))
        with pytest.raises(Rejected, match="permission"):
            require_topics((name,), state, Audience("A1", "", nothing))


def test_a_change_is_declared_of_its_events_or_of_every_one():
    def of_some(*told):
        return ()

    assert changes("lines", Suspended, Reopened)(of_some) is of_some
    assert of_some.__dict__[DECLARATIONS] == [("changes", ("lines", Suspended)), ("changes", ("lines", Reopened))]

    @changes("agents")
    def of_all(*told):
        return ()

    assert of_all.__dict__[DECLARATIONS] == [("changes", ("agents", Event))]
    assert alike(None, STAFF) is None
