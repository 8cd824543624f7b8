"""Refusals: they cost no sync of the disk, wait only for what they reveal, and can be read by whoever may."""

import asyncio

import apsw
import pytest
from tests.doubles.coming import comes_true
from tests.integration.served import served
from tests.integration.stores import FaultyStore, HeldStore
from tests.integration.world import SECOND_NS, passes, play, refusal, running, wager

from runline.client import RefusedError
from runline.domain.accounts import AdjustCredit
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.messages import Rejected
from runline.domain.permissions import Permission
from runline.domain.roles import SetRole
from runline.domain.users import CreateUser
from runline.engine.limits import REFUSAL_DETAILS_BYTES_MAX, REFUSAL_KINDS_MAX
from runline.engine.refusals import MINUTE_NS, Refusals
from runline.engine.requests import Accepted, Request
from runline.evaluate.trace import trace
from runline.store.sqlite import SqliteStore

MUCH = 10**9


def kept(path):
    """What is stored of refusals: (actor, command, code, count, details), as another process sees it."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return connection.execute(
            "SELECT actor, command, code, count, details FROM refusals ORDER BY 1, 2, 3"
        ).fetchall()
    finally:
        connection.close()


def test_a_refusal_waits_for_no_commit_and_a_thousand_make_none(path, monkeypatch):
    monkeypatch.setattr("runline.engine.batch.REFUSAL_WAIT_S_MAX", 10**6)

    async def main():
        store = FaultyStore(SqliteStore(path))
        async with running(store) as world:
            await world.open_house()
            await world.open_book()
            await world.until("b1", lambda book: True)
            before = store.attempts
            outcomes = await world.bus.send([world.request("b1", wager(amount_minor=MUCH), "P1") for _ in range(900)])
            assert {refusal(outcome).code for outcome in outcomes} == {"limit_exceeded"}
            assert store.attempts == before
        # A clean stop loses none of them.
        assert [(row[0], row[2], row[3]) for row in kept(path)] == [("P1", "limit_exceeded", 900)]

    play(main())


def test_a_refusal_is_answered_while_the_disk_writes_for_others(path):
    async def main():
        store = HeldStore(SqliteStore(path))
        async with running(store) as world:
            await world.open_house()
            for book in ("b1", "b2"):
                await world.open_book(book)
            store.hold()
            waiting = asyncio.create_task(world.ask("b1", wager()))
            await store.held.wait()
            refused = asyncio.create_task(world.ask("b2", wager(amount_minor=MUCH)))
            await passes()
            answered = refused.done()
            store.let_go()
            assert answered
            assert refusal(await refused).code == "limit_exceeded"
            assert isinstance(await waiting, Accepted)

    play(main())


def test_a_refusal_that_reveals_what_is_not_durable_waits_for_exactly_that(path):
    async def main():
        store = HeldStore(SqliteStore(path))
        async with running(store) as world:
            await world.open_house()
            await world.open_book(credit_minor=60_00)
            store.hold()
            placed = asyncio.create_task(world.ask("b1", wager()))
            await store.held.wait()
            # The credit is spent by a wager that a power cut could still take.
            over = asyncio.create_task(world.ask("b1", wager()))
            await passes()
            assert not over.done()
            store.let_go()
            position = (await placed).position
            refused = refusal(await over)
            assert (refused.code, refused.position) == ("credit_exceeded", position)

    play(main())


def test_what_was_refused_is_stored_within_a_second_without_any_other_batch(path, monkeypatch):
    monkeypatch.setattr("runline.engine.batch.REFUSAL_WAIT_S_MAX", 0.001)

    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book()
            await world.refused("b1", wager(amount_minor=MUCH), "P1")
            await comes_true(lambda: kept(path))

    play(main())


def test_what_was_refused_goes_with_the_next_batch(path, monkeypatch):
    monkeypatch.setattr("runline.engine.batch.REFUSAL_WAIT_S_MAX", 10**6)

    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book()
            await world.refused("b1", wager(amount_minor=MUCH), "P1")
            assert kept(path) == []
            await world.do("b1", wager())
            assert [row[3] for row in kept(path)] == [1]

    play(main())


def test_what_was_refused_is_stored_though_its_stream_stops_but_for_what_was_answered_otherwise(
    path, monkeypatch, impatient
):
    monkeypatch.setattr("runline.engine.batch.REFUSAL_WAIT_S_MAX", 10**6)

    async def main():
        store = HeldStore(SqliteStore(path))
        async with running(store) as world:
            await world.open_house()
            await world.open_book("b1", credit_minor=60_00)
            await world.open_book("b2")
            store.hold()
            other = asyncio.create_task(world.ask("b2", wager()))
            await store.held.wait()
            assert (await world.refused("b1", wager("nobody"))).code == "unknown_player"
            # The second one's credit is spent by the first, which will not be recorded.
            lost = [asyncio.create_task(world.ask("b1", wager(), "P1")) for _ in range(2)]
            stopped = world.engine.writers["b1"]
            await comes_true(lambda: len(stopped.refusals) == 2)
            world.engine.owned.doubt(stopped, "on purpose")
            store.let_go()
            assert isinstance(await other, Accepted)
            assert [refusal(await one).code for one in lost] == ["unavailable"] * 2
            await comes_true(lambda: kept(path))
            assert [row[2] for row in kept(path)] == ["unknown_player"]
            await world.do("b1", wager())

    play(asyncio.wait_for(main(), 30))


def test_the_first_of_a_kind_within_a_minute_is_kept_as_it_was_and_is_traced(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book(credit_minor=10**12)
            requests = [world.request("b1", wager(amount_minor=MUCH + n), "P1") for n in range(5)]
            for request in requests:
                await world.bus.send_one(request)
                await world.do("b1", wager(amount_minor=1_00))
            world.clock.at_ns += 61 * SECOND_NS
            later = world.request("b1", wager(amount_minor=MUCH), "P1")
            await world.bus.send_one(later)
            unknown = world.request("b1", wager(), "nobody")
            await world.bus.send_one(unknown)
        rows = kept(path)
        assert [(row[0], row[2], row[3]) for row in rows] == [
            ("", "not_permitted", 1), ("P1", "limit_exceeded", 5), ("P1", "limit_exceeded", 1),
        ]  # fmt: skip
        assert '"most_minor":' in rows[1][4]
        for request in (requests[0], later, unknown):
            traced = trace(path, request.id)
            assert traced is not None
            assert traced.refusal is not None
            assert traced.refusal[0] in ("limit_exceeded", "not_permitted")
        assert trace(path, requests[1].id) is None

    play(main())


def request(actor="P1", command_id=""):
    return Request("b1", command_id, actor, wager())


def test_however_many_are_refused_what_is_kept_of_a_minute_is_bounded():
    refusals = Refusals()
    for number in range(3 * REFUSAL_KINDS_MAX):
        actor = f"P{number}"
        refusals.note(request(actor), actor, Rejected("busy", "no"), 5 * MINUTE_NS, 1)
        if number % 100 == 0:
            refusals.take()
    for _ in range(3):
        refusals.note(request("P1"), "P1", Rejected("busy", "no"), 5 * MINUTE_NS, 1)
    assert len(refusals.kinds) == REFUSAL_KINDS_MAX + 1
    taken, _ = refusals.take()
    assert {one.actor for one in taken} == {"", "P1"}
    refusals.note(request("P9999"), "P9999", Rejected("busy", "no"), 6 * MINUTE_NS, 1)
    assert refusals.take()[0][0].actor == "P9999"


def test_what_is_kept_of_one_refusal_is_bounded():
    refusals = Refusals()
    details = {"subject": "x" * REFUSAL_DETAILS_BYTES_MAX}
    refusals.note(request(), "P1", Rejected("unknown_subject", "y" * 10**6, **details), 1, 1)
    refusals.note(request(), "P1", Rejected("odd", "no", thing=object()), 1, 1)
    refusals.note(request(), "P1", Rejected("small", "no", most=5), 1, 1)
    first, odd, small = refusals.take()[0]
    assert len(first.message) <= 500
    assert (first.details, odd.details, small.details) == ("{}", "{}", '{"most":5}')


def test_old_minutes_are_given_up_once_a_minute():
    refusals = Refusals()
    given_up = []
    for minute in (20_000, 20_000, 20_001):
        refusals.note(request(), "P1", Rejected("busy", "no"), minute * MINUTE_NS, 1)
        given_up.append(refusals.take()[1])
    assert given_up == [20_000 - 7 * 24 * 60, 0, 20_001 - 7 * 24 * 60]
    assert refusals.take() == ([], 0)


# Who may read them


def test_staff_read_what_was_refused_in_their_part_of_the_tree(path, monkeypatch):
    monkeypatch.setattr("runline.engine.batch.REFUSAL_WAIT_S_MAX", 0.0)

    async def main():
        async with served(path) as place:
            world = place.world
            await world.open_house()
            await world.open_book(players=2, credit_minor=10**12)
            await world.do("b1", CreateAgent("A2", "root"))
            await world.do("b1", CreatePlayer("Q1", "A2", 10**12))
            await world.do("b1", SetRole("readers", "root", (Permission.LOG_VIEW,), "given"))
            for name, node in (("ann", "A1"), ("cal", "A2"), ("bob", "root")):
                await world.do("b1", CreateUser(name, node, "readers"))
            for number in range(3):
                for player in ("P1", "P2", "Q1"):
                    await world.refused("b1", wager(player, MUCH), player)
                world.clock.at_ns += 61 * SECOND_NS * (number < 2)
            await world.refused("b1", AdjustCredit("P1", 1, "given"), "ann")
            await world.refused("b1", wager(), "nobody")
            await comes_true(lambda: sum(row[3] for row in kept(path)) == 11)

            async def read(name, limit=100):
                client = await place.sign_in("b1", name)
                rows, after = [], ""
                while True:
                    page = await client.ask("refusals", limit=limit, after=after)
                    rows += page.items
                    after = page.next
                    if not after:
                        return [(row["actor"], row["code"]) for row in rows], rows

            over = "limit_exceeded"
            assert (await read("ann"))[0] == [("ann", "not_permitted"), *[("P2", over), ("P1", over)] * 3]
            assert (await read("cal"))[0] == [("Q1", over)] * 3
            whole, rows = await read("bob")
            assert len(whole) == 11
            assert ("", "not_permitted") in whole
            assert await read("bob", limit=2) == (whole, rows)
            assert [row["first_ns"] for row in rows] == sorted((row["first_ns"] for row in rows), reverse=True)
            (first, *_) = [row for row in rows if row["actor"] == "P1"]
            assert first["details"]["most_minor"] > 0
            assert len(first["first_id"]) == 36
            assert (first["command"], first["count"]) == ("PlaceWager", 1)
            another = await place.sign_in("b1", "P1")
            with pytest.raises(RefusedError) as refused:
                await another.ask("refusals")
            assert refused.value.code == "not_permitted"
            assert (await (await place.platform()).ask("refusals")).items == []

    play(main())
