"""Permissions: of which kinds of stream they are, and what those hold who are made by Runline itself."""

from runline.domain.permissions import FEED_MAY, PLAYER_MAY, VIEW_ONLY, Permission, permissions_of


def test_a_permission_is_of_the_house_of_books_or_of_both():
    assert Permission.SUSPEND.streams == ("house", "book")
    assert Permission.WAGER_PLACE.streams == ("book",)
    assert Permission.BOOK_OPEN.streams == ("house",)
    assert Permission("suspend") is Permission.SUSPEND


def test_the_permissions_of_a_stream_come_in_their_order():
    house, book = permissions_of("house"), permissions_of("book")
    assert "book_open" in house
    assert "book_open" not in book
    assert list(house) == [one.value for one in Permission if "house" in one.streams]
    assert list(book) == [one.value for one in Permission if "book" in one.streams]
    assert set(house) | set(book) == set(Permission)
    assert set(PLAYER_MAY) | set(VIEW_ONLY) <= set(book)
    assert set(FEED_MAY) <= set(house)
