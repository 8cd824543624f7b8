"""House: it is founded once, takes books into service, and starts their streams again."""

import pytest
from tests.doubles.words import staff

from runline.domain.access import OWNER
from runline.domain.house import BookOpened, FoundHouse, OpenBook, StartStream, StreamStartAsked
from runline.domain.messages import ENGINE, GATEWAY
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission, permissions_of


def test_a_house_is_founded_once_and_has_an_owner_who_may_everything(house):
    roles, users = house.state.access.roles, house.state.access.users
    assert {role.name: (role.node, role.permissions) for role in roles.values()} == {
        OWNER: (ROOT, permissions_of("house"))
    }
    assert {user.name: (user.node, user.role, user.player, user.active) for user in users.values()} == {
        "platform": (ROOT, OWNER, "", True)
    }
    house.when(FoundHouse("another"), by=ENGINE)
    house.nothing_happened()
    house.when(FoundHouse("another"))
    house.rejected("not_permitted")


def test_a_book_is_opened_once(house):
    house.when(OpenBook("north", "nora"))
    house.happened(BookOpened, book="north", owner="nora")
    house.when(OpenBook("north", "nora"))
    house.nothing_happened()
    house.when(OpenBook("north", "olaf"))
    house.rejected("already_exists", id="north", differs={"owner": "nora"})
    house.given(OpenBook("mid", "nora"), OpenBook("south", "nora"))
    assert list(house.state.books.order) == ["mid", "north", "south"]
    assert {name: one.owner for name, one in house.state.books.by_name.items()} == dict.fromkeys(
        ("north", "mid", "south"), "nora"
    )


@pytest.mark.parametrize("name", ["house", ENGINE, GATEWAY])
def test_no_book_and_no_owner_has_a_name_of_runlines_own(house, name):
    house.when(OpenBook(name, "nora"))
    house.rejected("already_exists")
    assert house.refusal.details == {}
    assert repr(name) in house.refusal.message
    house.when(OpenBook("north", name))
    if name == "house":
        house.happened(BookOpened)
    else:
        house.rejected("already_exists")
        assert repr(name) in house.refusal.message


def test_a_house_serves_so_many_books_and_no_more(house, monkeypatch):
    monkeypatch.setattr("runline.domain.house.BOOKS_MAX", 1)
    house.given(OpenBook("north", "nora"))
    house.when(OpenBook("south", "nora"))
    house.rejected("too_many", most=1)
    house.when(OpenBook("north", "nora"))
    house.nothing_happened()


@pytest.mark.parametrize(("book", "owner"), [("", "nora"), ("a b", "nora"), ("north", ""), ("north", "a b")])
def test_books_and_owners_have_ids(house, book, owner):
    house.when(OpenBook(book, owner))
    house.rejected("identifier_invalid")


def test_a_stream_is_asked_to_start_again_by_who_may_open_books(house):
    house.given(OpenBook("north", "nora"), staff("clerk", Permission.LINES_POST))
    house.when(StartStream("north", "looked at"))
    house.happened(StreamStartAsked, book="north", reason="looked at")
    house.when(StartStream("south", "looked at"))
    house.rejected("unknown_book", book="south")
    house.when(StartStream("north", "looked at"), by="clerk")
    house.rejected("not_permitted", permission="book_open")


def test_to_open_a_book_or_to_start_one_again_stands_on_whether_there_is_one(house):
    grounds = house.state.vocabulary.grounds
    opens, starts = OpenBook("north", "nora"), StartStream("north", "looked at")
    assert (grounds[OpenBook](house.state, opens), grounds[StartStream](house.state, starts)) == (0, 0)
    house.given(opens)
    opened = house.state.seq
    house.given(OpenBook("south", "nora"))
    assert grounds[OpenBook](house.state, opens) == grounds[StartStream](house.state, starts) == opened
