"""Shares: who has the most waits or gives way; who has nothing yet never does."""

import asyncio

import pytest

from runline.domain.messages import Rejected
from runline.live.places import Streams
from runline.sharing.limits import BOOK_SHARE, QUERIES_PER_USER_MAX, QUERY_NS, SPENT_AHEAD_NS, TURN_NS, USER_SHARE
from runline.sharing.shares import Shares
from runline.sharing.spending import Spending
from runline.sharing.turns import ReadingTurns

ANN, BEA, CYN = ("b1", "", "ann"), ("b1", "", "bea"), ("b2", "", "cyn")


@pytest.fixture
def small(monkeypatch):
    """Few places."""
    for name, most in (
        ("STREAMS_MAX", 10),
        ("STREAMS_OF_PLAYERS_MAX", 8),
        ("STREAMS_PER_BOOK_MAX", 8),
        ("STREAMS_PER_USER_MAX", 6),
        ("STREAMS_PER_PLAYER_MAX", 3),
    ):
        monkeypatch.setattr(f"runline.live.places.{name}", most)


def fill(streams, user, places, player=False):
    """Take places that are free."""
    for _ in range(places):
        assert streams.enter(user, player) is None


def busy(streams, user, player=False):
    """Whether somebody gets no place."""
    with pytest.raises(Rejected) as refused:
        streams.enter(user, player)
    return refused.value.code == "busy"


def test_a_player_has_a_few_streams_and_staff_more(small):
    streams = Streams()
    fill(streams, ("b1", "", "P1"), 3, player=True)
    assert busy(streams, ("b1", "", "P1"), player=True)
    fill(streams, ANN, 5)
    assert streams.count == 8


def test_at_the_bound_of_a_book_who_has_the_most_there_gives_way_to_who_has_less(small):
    streams = Streams()
    fill(streams, CYN, 2)
    fill(streams, ANN, 6)
    fill(streams, BEA, 2)
    assert streams.enter(("b1", "", "dee"), False) == ANN
    streams.leave(ANN, False)
    assert busy(streams, ANN)
    assert streams.per_user[ANN] == 5


def test_a_newcomer_always_finds_a_place_while_somebody_has_two(small):
    streams = Streams()
    fill(streams, ANN, 2)
    for number in range(6):
        fill(streams, ("b1", "", f"u{number}"), 1)
    fill(streams, CYN, 2)
    assert streams.enter(("b2", "", "new"), False) in (ANN, CYN)
    streams.leave(ANN, False)
    assert streams.enter(("b2", "", "newer"), False) == CYN
    streams.leave(CYN, False)
    assert busy(streams, ("b2", "", "last"))


def test_a_branch_of_the_tree_has_its_share_too(small, monkeypatch):
    monkeypatch.setattr("runline.live.places.STREAMS_PER_BRANCH_MAX", 4)
    streams = Streams()
    fill(streams, ("b1", "A1", "one"), 3)
    fill(streams, ("b1", "A1", "two"), 1)
    assert streams.enter(("b1", "A1", "new"), False) == ("b1", "A1", "one")
    fill(streams, ("b1", "A2", "other"), 3)
    time = Time()
    spending = Spending(time)
    for name in ("one", "two", "three"):
        spending.charge(("b1", "A1", name), int(SPENT_AHEAD_NS * USER_SHARE * 0.9))
    assert spending.owed_ns(("b1", "A1", "one")) > 0
    assert spending.owed_ns(("b1", "A2", "other")) <= 0
    spending.charge(("b1", "A2", "other"), 1)
    assert spending.owed_ns(("b1", "A2", "other")) <= 0


def test_players_leave_places_for_staff(small):
    streams = Streams()
    for number in range(8):
        fill(streams, (f"b{number}", "", "P1"), 1, player=True)
    assert busy(streams, ("b9", "", "P1"), player=True)
    fill(streams, ANN, 2)
    for user in [*((f"b{number}", "", "P1") for number in range(8))]:
        streams.leave(user, True)
    for _ in range(2):
        streams.leave(ANN, False)
    assert (streams.count, streams.players, streams.per_user, streams.per_player, streams.per_book) == (
        0,
        0,
        {},
        {},
        {},
    )


class Time:
    """A clock that is set."""

    def __init__(self):
        self.ns = 10**18

    def __call__(self):
        return self.ns


def test_who_has_spent_their_share_waits_and_others_do_not():
    time = Time()
    spending = Spending(time)
    assert spending.owed_ns(ANN) <= 0
    spending.charge(ANN, int(2 * SPENT_AHEAD_NS * USER_SHARE))
    assert spending.owed_ns(ANN) == SPENT_AHEAD_NS
    assert spending.owed_ns(BEA) <= 0
    assert spending.owed_ns(CYN) <= 0
    time.ns += SPENT_AHEAD_NS
    assert spending.owed_ns(ANN) <= 0


def test_a_book_that_has_spent_its_share_holds_back_those_who_had_some_of_it_but_no_newcomer():
    time = Time()
    spending = Spending(time)
    each = int(SPENT_AHEAD_NS * USER_SHARE * 0.9)
    users = [("b1", "", f"u{number}") for number in range(int(3 * BOOK_SHARE / USER_SHARE))]
    for user in users:
        spending.charge(user, each)
    assert all(spending.owed_ns(user) > 0 for user in users)
    assert spending.owed_ns(("b1", "", "new")) <= 0
    assert spending.owed_ns(CYN) <= 0


def test_a_user_has_so_many_queries_under_way_and_one_too_many_is_busy(monkeypatch):
    async def main():
        spending = Spending(Time())
        for _ in range(QUERIES_PER_USER_MAX):
            await spending.begin(ANN)
        with pytest.raises(Rejected) as refused:
            await spending.begin(ANN)
        assert refused.value.code == "busy"
        await spending.begin(BEA)
        for _ in range(QUERIES_PER_USER_MAX):
            spending.end(ANN)
        assert spending.asking == {BEA: 1}
        spending.end(BEA, 0)
        assert spending.users[BEA] == spending.now_ns() + int(QUERY_NS / USER_SHARE)

    asyncio.run(main())


def test_who_would_wait_too_long_hears_busy_at_once(monkeypatch):
    async def main():
        spending = Spending(Time())
        spending.charge(ANN, 10**9)
        with pytest.raises(Rejected) as refused:
            await spending.begin(ANN)
        assert (refused.value.code, spending.asking) == ("busy", {})

    asyncio.run(main())


def test_those_who_read_for_long_let_everything_else_have_its_turn():
    async def main():
        turns = ReadingTurns()
        done = []

        async def read(name):
            for _ in range(3):
                await turns.turn()
                done.append(name)
                turns.spend(TURN_NS)

        async def other():
            while sum(name != "other" for name in done) < 15:
                done.append("other")
                await asyncio.sleep(0)

        await asyncio.gather(*(read(f"reader {number}") for number in range(5)), other())
        readers = [at for at, name in enumerate(done) if name.startswith("reader")]
        assert len(readers) == 15
        # Of any three that have each spent a whole turn, something else was done between.
        assert all(third - first > 2 for first, third in zip(readers, readers[2:], strict=False))

    asyncio.run(main())


def most_of(shares, user):
    """How many places somebody gets."""
    taken = 0
    while shares.take(user, 1):
        taken += 1
    return taken


def test_whoever_has_none_of_the_places_finds_some_however_many_others_have():
    shares = Shares(4_096)
    first = most_of(shares, ("b1", "A1", "ann"))
    mate = most_of(shares, ("b1", "A1", "una"))
    aside = most_of(shares, ("b1", "A2", "bob"))
    root = most_of(shares, ("b1", "", "bea"))
    other = most_of(shares, ("b2", "A1", "cyn"))
    assert (first, mate, aside, root, other) == (1_024, 256, 384, 256, 544)
    assert sum((first, mate, aside, root, other)) + shares.free == 4_096


def test_places_are_taken_together_or_not_at_all_and_given_back():
    shares = Shares(100)
    assert shares.take(ANN, 30)
    assert not shares.take(ANN, 11)
    assert shares.take(ANN, 1)
    shares.give_back(ANN, 30)
    shares.give_back(ANN, 1)
    assert (shares.free, shares.held) == (100, {})


def test_runline_itself_may_have_all_places_that_are_free_and_no_more():
    shares = Shares(100)
    assert shares.take(ANN, 30)
    assert not shares.take(("", "", ""), 71)
    assert shares.take(("", "", ""), 70)
    assert not shares.take(CYN, 1)
    shares.give_back(("", "", ""), 70)
    assert shares.take(CYN, 1)
