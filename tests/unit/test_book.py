"""Book: how one begins, and what of the house it has missed."""

from tests.doubles.plain import VOCABULARY

from runline.domain.access import OWNER
from runline.domain.book import Book, StartBook, missed
from runline.domain.house import House, OpenBook
from runline.domain.messages import ENGINE
from runline.domain.money import Rounding
from runline.domain.nodes import ROOT
from runline.domain.permissions import PLAYER_MAY, VIEW_ONLY, permissions_of


def test_a_book_begins_with_its_root_its_accounts_its_roles_its_owner_and_limits(book):
    state = book.state
    assert {agent.name: agent.parent for agent in state.tree.agents.values()} == {ROOT: ""}
    assert {role.name: (role.node, role.permissions) for role in state.access.roles.values()} == {
        OWNER: (ROOT, permissions_of("book")),
        "viewer": (ROOT, VIEW_ONLY),
        "player": (ROOT, PLAYER_MAY),
    }
    assert {user.name: (user.node, user.role, user.player) for user in state.access.users.values()} == {
        "owner": (ROOT, OWNER, "")
    }
    assert set(state.ledger.accounts) == {"grading", "cash", "adjustments"}
    settings = state.settings.current
    assert (settings.book, settings.owner, settings.locks_stay_open) == ("main", "owner", False)
    assert settings.rounding == Rounding()
    assert (settings.stake_min_minor, settings.stake_max_minor, settings.win_max_minor) == (1_00, 10_000_00, 50_000_00)
    assert state.results_taken.house_seq == book.house.state.seq
    book.when(StartBook("another", 7), by=ENGINE)
    book.nothing_happened()


def test_a_book_that_has_not_begun_misses_its_beginning_first(house):
    house.given(OpenBook("north", "nora"), OpenBook("south", "sven"))
    state = house.state
    opened = state.books.by_name["north"].changed_seq
    assert missed(state, Book("north", VOCABULARY)) == [(opened, StartBook("nora", opened))]


def test_a_book_that_has_begun_misses_nothing_of_what_it_has_taken(book):
    assert missed(book.house.state, book.state) == []
    assert isinstance(book.house.state, House)
