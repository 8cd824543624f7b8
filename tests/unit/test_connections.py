"""Who gives a connection up when they become scarce, and whose bodies may wait."""

import pytest

from runline.gateway.connections import Connections, connections_of
from runline.gateway.limits import (
    ADDRESS_CONNECTIONS_MAX,
    ADDRESS_OPENED_MAX,
    BODIES_BYTES_MAX,
    BODY_BYTES_MAX,
    BULK_BYTES_MAX,
    CONNECTIONS_MAX,
    KEEP_ALIVE_S,
    KEEP_ALIVE_SCARCE_S,
    USER_CONNECTIONS_MAX,
    USER_CONNECTIONS_MIN,
)
from runline.live.limits import STREAMS_PER_USER_MAX


class Held:
    """A connection. waits: whether the server waits for its client."""

    def __init__(self, counted="", waits=True):
        self.counted = counted
        self.waits = waits
        self.user = None
        self.streaming = False
        self.gone = False

    def cut(self):
        self.gone = True


def crowd(connections, count, counted="", **fields):
    held = [Held(counted, **fields) for _ in range(count)]
    assert all(map(connections.enter, held))
    return held


def test_the_oldest_silent_connection_makes_room_when_all_are_taken():
    connections = Connections(100)
    silent = crowd(connections, 200)
    assert [one.gone for one in silent] == [True] * 125 + [False] * 75
    assert len(connections.unsigned) == 75


def test_a_quarter_is_kept_for_the_signed_in():
    connections = Connections(100)
    silent = crowd(connections, 75)
    for number in range(25):
        (held,) = crowd(connections, 1)
        assert connections.sign_in(held, ("b1", "", f"u{number}"))
    assert len(connections.signed) == 25
    assert sum(one.gone for one in silent) == 1
    assert len(connections.unsigned) == 74


def test_what_is_being_answered_makes_no_room():
    connections = Connections(100)
    crowd(connections, 75, waits=False)
    assert not connections.enter(Held())
    (silent,) = crowd(Connections(100), 1)
    assert not silent.gone


def test_one_address_has_a_bound_of_its_own_and_the_others_theirs():
    connections = Connections(10_000)
    (other,) = crowd(connections, 1, "1.1.1.1")
    flood = crowd(connections, ADDRESS_CONNECTIONS_MAX * 2, "2.2.2.2")
    assert sum(not one.gone for one in flood) == ADDRESS_CONNECTIONS_MAX
    assert not other.gone
    busy = Connections(10_000)
    crowd(busy, ADDRESS_CONNECTIONS_MAX, "2.2.2.2", waits=False)
    assert not busy.enter(Held("2.2.2.2"))
    assert busy.enter(Held("1.1.1.1"))


def test_whoever_signs_in_is_counted_as_a_user_and_not_by_their_address():
    connections = Connections(10_000)
    for held in crowd(connections, 100, "2.2.2.2"):
        assert connections.sign_in(held, ("b1", "", "owner"))
    assert connections.by_address == {}
    assert connections.by_user == {("b1", "", "owner"): 100}
    for held in list(connections.signed):
        connections.leave(held)
    assert connections.by_user == {}


def test_one_user_may_have_as_many_as_are_free_and_each_further_one_leaves_room():
    connections = Connections(200)
    for user, expected in (("u1", 100), ("u2", 50), ("u3", 25)):
        had = 0
        while True:
            held = Held()
            assert connections.enter(held)
            if not connections.sign_in(held, (user, "", user)):
                connections.leave(held)
                break
            had += 1
        assert had == expected
    assert connections.most - len(connections.signed) == 25


def signed_in(connections, user, count, streaming=False, waits=True):
    """So many connections of one user, as far as there is room."""
    kept = []
    for held in (Held(waits=waits) for _ in range(count)):
        assert connections.enter(held)
        if connections.sign_in(held, user, streaming):
            kept.append(held)
        else:
            connections.leave(held)
    return kept


def test_one_user_asks_on_so_many_connections_and_has_live_streams_beside_them():
    connections = Connections(10_000)
    user = ("b1", "", "owner")
    assert len(signed_in(connections, user, USER_CONNECTIONS_MAX + 10)) == USER_CONNECTIONS_MAX
    streams = signed_in(connections, user, STREAMS_PER_USER_MAX + 10, streaming=True)
    assert len(streams) == STREAMS_PER_USER_MAX
    assert (connections.by_user[user], connections.streaming[user]) == (USER_CONNECTIONS_MAX, STREAMS_PER_USER_MAX)
    for held in streams:
        connections.leave(held)
    assert connections.streaming == {}


def test_a_connection_on_which_a_live_stream_begins_is_one_to_ask_on_no_more():
    connections = Connections(100)
    user = ("b1", "A1", "P1")
    (held,) = signed_in(connections, user, 1)
    assert connections.sign_in(held, user, streaming=True)
    assert (connections.by_user, connections.streaming) == ({}, {user: 1})
    assert connections.by_whole == {("b1", "A1"): {held: None}, ("b1",): {held: None}}
    connections.leave(held)
    assert (connections.streaming, connections.by_whole) == ({}, {})


def test_a_branch_of_the_tree_has_as_many_as_it_leaves_free_and_makes_room_for_its_own():
    connections = Connections(100)
    busy = [one for n in range(60) for one in signed_in(connections, ("b1", "A1", f"u{n}"), 1, waits=False)]
    assert len(busy) == 50
    (idle,) = signed_in(connections, ("b2", "A1", "other"), 1)
    assert not signed_in(connections, ("b1", "A1", "late"), 1)
    busy[3].waits = True
    assert len(signed_in(connections, ("b1", "A1", "late"), 1)) == 1
    assert [one.gone for one in busy].index(True) == 3
    assert not idle.gone


def test_a_book_has_as_many_as_it_leaves_free_whatever_its_branches():
    connections = Connections(100)
    busy = [one for n in range(60) for one in signed_in(connections, ("b1", f"A{n}", f"u{n}"), 1, waits=False)]
    assert len(busy) == 50
    assert len(signed_in(connections, ("b2", "A1", "other"), 10)) == 10


def test_an_address_opens_so_many_connections_in_a_second():
    connections = Connections(10_000)
    opened = [connections.opens("2.2.2.2", 1_500_000_000) for _ in range(ADDRESS_OPENED_MAX + 1)]
    assert opened == [True] * ADDRESS_OPENED_MAX + [False]
    assert connections.opens("1.1.1.1", 1_600_000_000)
    assert not connections.opens("2.2.2.2", 2_400_000_000)
    assert connections.opens("2.2.2.2", 2_500_000_000)
    assert all(connections.opens("", 2_500_000_000) for _ in range(2 * ADDRESS_OPENED_MAX))


def test_a_user_has_some_connections_whatever_the_others_have():
    connections = Connections(100)
    for number in range(84):
        (held,) = crowd(connections, 1)
        assert connections.sign_in(held, (f"b{number}", f"A{number}", f"u{number}"))
    for _ in range(USER_CONNECTIONS_MIN):
        (held,) = crowd(connections, 1)
        assert connections.sign_in(held, ("late", "", "late"))
    (held,) = crowd(connections, 1)
    assert not connections.sign_in(held, ("late", "", "late"))


def test_when_all_are_signed_in_an_idle_one_makes_room():
    connections = Connections(100)
    busy: list[Held] = []
    idle: list[Held] = []
    for number in range(100):
        (held,) = crowd(connections, 1)
        held.waits = number >= 50
        (idle if held.waits else busy).append(held)
        assert connections.sign_in(held, (f"b{number}", "", f"u{number}"))
    crowd(connections, 1)
    assert (len(connections.signed), len(connections.unsigned)) == (99, 1)
    assert [one.gone for one in idle] == [True] + [False] * 49
    assert not any(one.gone for one in busy)


def test_a_connection_that_changes_hands_is_counted_once():
    connections = Connections(100)
    (held,) = crowd(connections, 1)
    assert connections.hand_over(held, "1.1.1.1")
    assert connections.sign_in(held, ("b1", "", "one"))
    assert connections.sign_in(held, ("b1", "", "two"))
    assert (connections.by_user, connections.by_address) == ({("b1", "", "two"): 1}, {})
    assert connections.hand_over(held, "2.2.2.2")
    assert (connections.by_user, list(connections.by_address)) == ({}, ["2.2.2.2"])
    connections.leave(held)
    connections.leave(held)
    assert (connections.unsigned, connections.signed, connections.by_address) == ({}, {}, {})


def test_idle_connections_are_kept_for_less_long_when_they_become_scarce():
    connections = Connections(100)
    crowd(connections, 49)
    assert connections.idle_s == KEEP_ALIVE_S
    crowd(connections, 1)
    assert connections.idle_s == KEEP_ALIVE_SCARCE_S


def test_one_user_cannot_fill_the_room_for_bodies():
    connections = Connections(100)
    one, two = ("b1", "", "P1"), ("b1", "", "P2")
    while connections.hold(one, BULK_BYTES_MAX):
        pass
    assert connections.body_bytes_of[one] <= BODIES_BYTES_MAX // 4
    assert connections.hold(two, BULK_BYTES_MAX)
    for book in range(20):
        while connections.hold((f"b{book}", "A1", "someone"), BODY_BYTES_MAX // 2):
            pass
    assert connections.body_bytes <= BODIES_BYTES_MAX
    connections.let_go(two, BULK_BYTES_MAX)
    assert two not in connections.body_bytes_of


def test_a_branch_of_the_tree_and_a_book_leave_room_for_the_bodies_of_others():
    connections = Connections(100)
    for number in range(200):
        while connections.hold(("b1", "A1", f"x{number}"), BODY_BYTES_MAX // 2):
            pass
    assert connections.body_bytes == connections.body_bytes_of["b1", "A1"] <= BODIES_BYTES_MAX // 2
    assert not connections.hold(("b1", "A1", "new"), BULK_BYTES_MAX)
    assert not connections.hold(("b1", "A2", "new"), BULK_BYTES_MAX)
    assert connections.hold(("b2", "A1", "new"), BULK_BYTES_MAX)
    connections.let_go(("b2", "A1", "new"), BULK_BYTES_MAX)
    assert ("b2",) not in connections.body_bytes_of


@pytest.mark.parametrize(("files", "expected"), [(1_024, 512), (20_000, 17_440), (10**6, CONNECTIONS_MAX)])
def test_files_are_kept_back_from_connections(files, expected):
    assert connections_of(files) == expected
