"""The port of the store: one suite for all that implement it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import apsw
import pytest
from tests.integration.stores import STORES
from tests.integration.world import play

from runline.domain.hierarchy import Agent, Player
from runline.domain.legs import Ending, Leg
from runline.domain.rows import key_of, row_encoder
from runline.domain.state import ByKey, Following, Row
from runline.domain.suspension import Suspension
from runline.domain.tickets import Ticket, TicketGame
from runline.engine.ports import GENESIS, Head, Refusal, Sealed, StoreError, Stretch
from runline.simulate.disk import DiskStore
from runline.store.memory import MemoryStore
from runline.store.postgres import PostgresStore
from runline.store.sqlite import SqliteStore

SEALED_NS = iter(range(1, 10**9))


def stretch(
    head: Head, events: int = 1, rows: Sequence[Row] = (), dropped: Sequence[Row] = (), refusals: Any = ()
) -> Stretch:
    """What comes after a head: events, rows, rows that go, refusals."""
    positions = range(head.seq + 1, head.seq + 1 + events)
    log = [
        (head.stream, seq, b"%016d" % seq, b"%08d" % seq if seq % 2 else b"", b"body %d" % seq, b"%032d" % seq)
        for seq in positions
    ]
    after = Head(head.stream, head.epoch, head.seq + events, log[-1][5] if log else head.hash, head.at_ns + 1)
    written: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        written.setdefault(row.table, []).append(row_encoder(type(row))(head.stream, row))
    gone: dict[str, list[tuple[Any, ...]]] = {}
    for row in dropped:
        gone.setdefault(row.table, []).append(key_of(type(row))(head.stream, row))
    return Stretch(head, after, log, written, gone, list(refusals))


def sealed(*stretches: Stretch) -> Sealed:
    return Sealed("n1", next(SEALED_NS), 0, list(stretches))


def ticket(number: int, status: str = "open", fixture: str = "G1", **fields: Any) -> Ticket:
    leg = fixture, f"{fixture}:game:total", "over", 34, "-105"
    plain = Ticket(number, "P1", "A1", "straight", *leg, 105, 100, "risk", 9, "P1", "api", 7)
    plain.status = status
    for name, value in fields.items():
        setattr(plain, name, value)
    return plain


def refusal(count: int, last_ns: int, message: str = "no") -> Refusal:
    return Refusal(
        1, "P1", "PlaceWager", "price_changed", count, last_ns - 1, last_ns, b"%016d" % last_ns, message, "{}"
    )


async def close(store: Any) -> None:
    await store.close("n1", next(SEALED_NS), 0)


async def held(store: Any, stream: str, row_type: type[Row]) -> list[Any]:
    return list(await store.held_rows(stream, row_type))


def test_a_stream_that_nobody_has_owned_begins_at_position_zero(opened):
    async def main():
        store = opened()
        assert await store.heads() == {}
        assert await store.claim("b1") == Head("b1", 1, 0, GENESIS, 0)
        assert await store.heads() == {"b1": Head("b1", 1, 0, GENESIS, 0)}
        assert await store.events("b1", 0, 10) == []
        assert list(await store.commands("b1", 10)) == []
        await close(store)

    play(main())


def test_the_heads_of_some_streams_are_those_that_there_are(opened):
    async def main():
        store = opened()
        assert await store.heads(["b1"]) == {}
        first, second = stretch(await store.claim("b1"), 3), stretch(await store.claim("b2"), 2)
        await store.commit(sealed(first, second))
        assert await store.heads(["b2", "b9"]) == {"b2": second.after}
        assert await store.heads(["b2", "b1"]) == {"b1": first.after, "b2": second.after}
        assert await store.heads([]) == {}
        await close(store)

    play(main())


def test_a_commit_is_visible_as_a_whole(opened):
    async def main():
        store = opened()
        first, second = (
            stretch(await store.claim("b1"), 3, [Agent("A1", "root", 2)]),
            stretch(await store.claim("b2"), 2),
        )
        assert await store.commit(sealed(first, second)) == frozenset()
        assert await store.heads() == {"b1": first.after, "b2": second.after}
        assert await store.events("b1", 0, 10) == first.events
        assert await store.events("b2", 0, 10) == second.events
        assert await held(store, "b1", Agent) == [Agent("A1", "root", 2)]
        assert await held(store, "b2", Agent) == []
        await close(store)

    play(main())


def test_every_row_comes_back_as_it_was(opened):
    rows = [
        Agent("A1", "", 1),
        Player("P1", "A1", 10**13, 5, 2**62, -(2**63), None, 2**63 - 1, False, 1),
        Suspension("market", "G1:game:total", "a reason with 'quotes', ✓ and \\", 0, "root", changed_seq=1),
        ticket(1, ended=Ending("won", "+115", (1, 2)), result=None),
        ticket(2, more=(Leg("G2", "G2:game:moneyline", "away", None, "+120", Ending("half_won")),)),
    ]

    async def main():
        store = opened()
        await store.commit(sealed(stretch(await store.claim("b1"), 1, rows)))
        for row_type in {type(row): None for row in rows}:
            assert await held(store, "b1", row_type) == [row for row in rows if type(row) is row_type]
        await close(store)

    play(main())


def test_a_row_is_replaced_by_its_key_and_deleted_by_its_key(opened):
    async def main():
        store = opened()
        rows = [
            Suspension("league", "MLB", "rain", 1, "root", changed_seq=1),
            Suspension("market", "MLB", "rain", 1, "root", changed_seq=1),
        ]
        first = stretch(await store.claim("b1"), 1, rows)
        await store.commit(sealed(first))
        changed = Suspension("league", "MLB", "more rain", 1, "root", changed_seq=2)
        second = stretch(first.after, 1, [changed], [rows[1]])
        await store.commit(sealed(second))
        assert await held(store, "b1", Suspension) == [changed]
        third = stretch(second.after, 1, [], [changed, Suspension("sport", "unknown", "", 0)])
        await store.commit(sealed(third))
        assert await held(store, "b1", Suspension) == []
        await close(store)

    play(main())


def test_what_is_deleted_and_written_in_one_batch_is_written(opened):
    async def main():
        store = opened()
        first = stretch(await store.claim("b1"), 1, [Suspension("league", "MLB", "rain", 1, "root", changed_seq=1)])
        await store.commit(sealed(first))
        again = Suspension("league", "MLB", "again", 5, "root", changed_seq=3)
        await store.commit(
            sealed(stretch(first.after, 2, [again], [Suspension("league", "MLB", "rain", 1, "root", changed_seq=1)]))
        )
        assert await held(store, "b1", Suspension) == [again]
        await close(store)

    play(main())


def test_rows_come_in_the_order_of_their_keys(opened):
    async def main():
        store = opened()
        rows = [Agent(name, "root", 1) for name in ("b", "a10", "a2", "C", "ä")]
        layers = [
            Suspension(scope, subject, "", 0, "root", 1) for scope, subject in (("s", "b"), ("k", "z"), ("s", "a"))
        ]
        await store.commit(sealed(stretch(await store.claim("b1"), 1, [*rows, *layers])))
        assert [row.name for row in await held(store, "b1", Agent)] == ["C", "a10", "a2", "b", "ä"]
        assert [row.key() for row in await held(store, "b1", Suspension)] == [("k", "z"), ("s", "a"), ("s", "b")]
        await close(store)

    play(main())


def test_a_second_owner_makes_the_first_ones_commits_be_left_out(opened):
    async def main():
        store = opened()
        mine, other = await store.claim("b1"), await store.claim("b2")
        theirs = await store.claim("b1")
        assert theirs.epoch == mine.epoch + 1
        lost, kept = (
            stretch(mine, 2, [Agent("A1", "root", 1)], refusals=[refusal(1, 1)]),
            stretch(other, 2, [Agent("A2", "", 1)]),
        )
        assert await store.commit(sealed(lost, kept)) == frozenset({"b1"})
        assert await store.heads() == {"b1": theirs, "b2": kept.after}
        assert await store.events("b1", 0, 10) == []
        assert await held(store, "b1", Agent) == []
        assert await held(store, "b2", Agent) == [Agent("A2", "", 1)]
        assert await store.commit(sealed(stretch(theirs, 1))) == frozenset()
        await close(store)

    play(main())


def test_a_claim_of_a_head_that_has_been_claimed_since_it_was_seen_claims_nothing(opened):
    async def main():
        store = opened()
        first = await store.claim("b1", 0)
        assert first == Head("b1", 1, 0, GENESIS, 0)
        assert (await store.claim("b1", 1)).epoch == 2
        for seen in (0, 1, 3):
            with pytest.raises(StoreError, match="Another process has claimed 'b1' meanwhile") as failed:
                await store.claim("b1", seen)
            assert failed.value.kind == "elsewhere"
        assert (await store.heads())["b1"].epoch == 2
        # What somebody has written since does not matter: it is the claim that is seen.
        head = await store.claim("b1")
        await store.commit(sealed(stretch(head, 2)))
        assert (await store.claim("b1", 3)).seq == 2
        await close(store)

    play(main())


def test_several_streams_are_claimed_at_once_each_as_it_was_seen(opened):
    async def main():
        store = opened()
        first = stretch(await store.claim("b1"), 2)
        await store.commit(sealed(first))
        await store.claim("b2")
        await store.claim("b2")
        heads = await store.claim_all({"b4": 0, "b2": 1, "b1": 1, "b3": None})
        assert heads == {
            "b1": Head("b1", 2, 2, first.after.hash, first.after.at_ns),
            "b3": Head("b3", 1, 0, GENESIS, 0),
            "b4": Head("b4", 1, 0, GENESIS, 0),
        }
        # What was claimed meanwhile is left as it is.
        assert await store.heads() == heads | {"b2": Head("b2", 2, 0, GENESIS, 0)}
        # Who had one of them writes it no more, who has it now does.
        assert await store.commit(sealed(stretch(first.after), stretch(heads["b3"]))) == {"b1"}
        assert await store.commit(sealed(stretch(heads["b1"]))) == frozenset()
        assert await store.claim_all({}) == {}
        await close(store)

    play(main())


def test_several_streams_that_are_read_together_are_read_as_each_for_itself(opened, monkeypatch):
    monkeypatch.setattr("runline.store.postgres_together.COMMANDS_TOGETHER_MAX", 3)

    async def read(store, stream, head):
        """What a start reads."""
        return (
            await store.events(stream, max(head.seq - 1, 0), 2),
            [list(await store.held_rows(stream, row_type)) for row_type in (Agent, Ticket, TicketGame, Player)],
            list(await store.commands(stream, 4)),
        )

    async def main():
        store = opened()
        heads = await store.claim_all({"b1": 0, "b3": 0, "b2": 0, "house": 0})
        await store.commit(
            sealed(
                stretch(heads["b1"], 9, [Agent("A2", "root", 1), ticket(2), ticket(1), ticket(3, "settled")]),
                stretch(heads["b2"], 4, [Agent("A1", "root", 1)]),
                stretch(heads["house"], 1),
            )
        )
        heads = await store.claim_all({"b1": 1, "b3": 1, "b2": 1, "house": 1})
        together = store.together(heads)
        found = {stream: await read(together, stream, head) for stream, head in heads.items()}
        assert found == {stream: await read(store, stream, head) for stream, head in heads.items()}
        (events, (agents, tickets, _, _), commands) = found["b1"]
        assert ([seq for _, seq, *_ in events], len(agents), len(tickets), len(commands)) == ([9], 1, 2, 4)
        assert found["b3"] == ([], [[], [], [], []], [])
        # Whoever wants it again gets it again, and whatever else there is.
        assert await read(together, "b1", heads["b1"]) == found["b1"]
        assert len(await together.events("b1", 2, 100)) == 7
        assert await together.heads() == await store.heads()
        assert await together.fetch("b1", [ByKey(Ticket, 3)]) == await store.fetch("b1", [ByKey(Ticket, 3)])
        assert await together.made_commands("b1", 9, 4, 2) == await store.made_commands("b1", 9, 4, 2)
        taken: list[Any] = []
        assert await together.held_at_once("b2", [Agent], lambda _, rows: taken.extend(rows)) == heads["b2"]
        assert taken == [Agent("A1", "root", 1)]
        await close(store)

    play(main())


def test_head_and_rows_are_read_as_of_one_position_whoever_writes_meanwhile(opened):
    async def main():
        store = opened()

        async def read_at_once(*row_types):
            found: dict[Any, list[Any]] = {row_type: [] for row_type in row_types}
            read = await store.held_at_once("b1", row_types, lambda row_type, rows: found[row_type].extend(rows))
            return read, [*found.values()]

        assert await read_at_once(Agent) == (Head("b1", 0, 0, GENESIS, 0), [[]])
        head = await store.claim("b1")
        for seq in range(1, 30):
            rows = [Agent("A1", "root", seq), Player("P1", "A1", 10**13, changed_seq=seq), ticket(seq)]
            next_one = stretch(head, 1, rows)
            writing = asyncio.create_task(store.commit(sealed(next_one)))
            read, (agents, players, tickets) = await read_at_once(Agent, Player, Ticket)
            seqs = [row.changed_seq for row in (*agents, *players)]
            assert seqs == ([read.seq] * 2 if read.seq else [])
            assert len(tickets) == read.seq
            await writing
            head = next_one.after
        await close(store)

    play(main())


def test_a_commit_that_does_not_follow_the_head_is_left_out(opened):
    async def main():
        store = opened()
        first = stretch(await store.claim("b1"), 2)
        await store.commit(sealed(first))
        assert await store.commit(sealed(stretch(first.before, 2))) == frozenset({"b1"})
        ahead = Head("b1", first.after.epoch, first.after.seq + 1, first.after.hash, 0)
        assert await store.commit(sealed(stretch(ahead, 1))) == frozenset({"b1"})
        assert await store.events("b1", 0, 10) == first.events
        assert await store.heads() == {"b1": first.after}
        await close(store)

    play(main())


def test_what_left_memory_is_fetched_by_its_key(opened):
    async def main():
        store = opened()
        rows = [ticket(1), ticket(2, "settled", result="won", returned_minor=205), ticket(3, "void")]
        await store.commit(
            sealed(
                stretch(await store.claim("b1"), 3, [*rows, Suspension("all", "", "night", 0, "root", changed_seq=1)])
            )
        )
        assert await held(store, "b1", Ticket) == [rows[0]]
        needs = [ByKey(Ticket, 2), ByKey(Ticket, 9), ByKey(Suspension, ("all", "")), ByKey(Ticket, 3), ByKey(Ticket, 1)]
        assert await store.fetch("b1", needs) == [
            [rows[1]],
            [],
            [Suspension("all", "", "night", 0, "root", changed_seq=1)],
            [rows[2]],
            [rows[0]],
        ]
        assert await store.fetch("b2", needs[:1]) == [[]]
        assert await store.fetch("b1", []) == []
        await close(store)

    play(main())


def test_what_left_memory_is_fetched_in_order_after_a_key_and_within_a_bound(opened):
    async def main():
        store = opened()
        rows = [
            ticket(number, "settled" if number % 3 else "open", "G1" if number % 2 else "G2") for number in range(1, 40)
        ]
        await store.commit(sealed(stretch(await store.claim("b1"), 39, rows)))
        gone = [row for row in rows if row.status == "settled" and row.fixture == "G1"]
        assert await store.fetch("b1", [Following(Ticket, "G1", 0, 100)]) == [gone]
        assert await store.fetch("b1", [Following(Ticket, "G1", 0, 4)]) == [gone[:4]]
        last = gone[3].number
        assert await store.fetch("b1", [Following(Ticket, "G1", last, 4), Following(Ticket, "G9", 0, 4)]) == [
            gone[4:8],
            [],
        ]
        await close(store)

    play(main())


def test_a_row_is_fetched_by_what_another_row_names_it_for_as_well(opened):
    async def main():
        store = opened()
        rows = [
            ticket(number, "open" if number == 7 else "settled", f"G{number % 2}", more=(leg,) if number % 3 else None)
            for number in range(1, 30)
            for leg in (Leg("G5", "G5:game:total", "over", 34, "-105"),)
        ]
        named = [TicketGame("G5", row.number, 1) for row in rows if row.more]
        await store.commit(sealed(stretch(await store.claim("b1"), 29, [*rows, *named])))
        await store.commit(sealed(stretch(await store.claim("b2"), 1, [TicketGame("G6", 1, 1)])))
        found = [row for row in rows if row.more and row.status != "open"]
        assert await store.fetch("b1", [Following(Ticket, "G5", 0, 100)]) == [found]
        assert await store.fetch("b1", [Following(Ticket, "G5", found[2].number, 3)]) == [found[3:6]]
        assert await store.fetch("b1", [Following(Ticket, "G6", 0, 3)]) == [[]]
        both = [*named[:1], TicketGame("G1", 2, 1)]
        await store.commit(sealed(stretch((await store.heads())["b1"], 1, both)))
        assert [row.number for row in (await store.fetch("b1", [Following(Ticket, "G1", 0, 3)]))[0]] == [1, 2, 3]
        await close(store)

    play(main())


def test_events_come_in_order_after_a_position_and_within_a_bound(opened):
    async def main():
        store = opened()
        first = stretch(await store.claim("b1"), 25)
        await store.commit(sealed(first, stretch(await store.claim("b11"), 3)))
        assert await store.events("b1", 0, 25) == first.events
        assert await store.events("b1", 20, 25) == first.events[20:]
        assert await store.events("b1", 7, 5) == first.events[7:12]
        assert await store.events("b1", 25, 5) == []
        await close(store)

    play(main())


def test_the_last_commands_from_outside_come_in_order(opened):
    async def main():
        store = opened()
        first = stretch(await store.claim("b1"), 10)
        await store.commit(sealed(first))
        expected = [(row[2], row[3], row[1]) for row in first.events if row[3]]
        assert 3 < len(expected) < len(first.events)
        assert list(await store.commands("b1", 100)) == expected
        assert list(await store.commands("b1", 10)) == expected
        assert list(await store.commands("b1", 3)) == expected[-3:]
        await close(store)

    play(main())


def test_the_ids_of_commands_are_told_by_the_minute_in_which_they_were_made(opened):
    async def main():
        store = opened()
        first = stretch(await store.claim("b1"), 12)
        minutes = [5, 5, 5, 5, 9, 9, 5, 5, 7, 7, 5, 5]
        ids = [minute.to_bytes(4, "big") + b"%012d" % number for number, minute in enumerate(minutes)]
        first.events = [(*row[:2], ids[place], *row[3:]) for place, row in enumerate(first.events)]
        await store.commit(sealed(first))
        # Those at odd positions are from outside.
        assert await store.made_commands("b1", 12, 100, 9) == (
            [(ids[4], ids[4]), (ids[8], ids[8]), (ids[0], ids[10])],
            1,
        )
        assert await store.made_commands("b1", 12, 100, 2) == ([(ids[4], ids[4]), (ids[0], ids[8])], 1)
        assert await store.made_commands("b1", 10, 3, 9) == (
            [(ids[4], ids[4]), (ids[8], ids[8]), (ids[6], ids[6])],
            5,
        )
        await close(store)

    play(main())


async def stored_refusals(store):
    """The refusals that are kept, by minute and code."""
    store = store.disk.kept if isinstance(store, DiskStore) else store
    if isinstance(store, MemoryStore):
        kept = sorted(store.refusals.values(), key=lambda one: (one.minute, one.code))
        return [(one.minute, one.code, one.count, one.first_ns, one.last_ns, one.first_id, one.message) for one in kept]
    sql = "SELECT minute, code, count, first_ns, last_ns, first_id, message FROM refusals ORDER BY minute, code"
    if isinstance(store, PostgresStore):
        return list(map(tuple, await store.read(sql)))
    return store.read(sql, ())


def test_refusals_of_one_kind_are_counted_and_the_first_is_kept_as_it_was(opened):
    async def main():
        store = opened()
        first = stretch(await store.claim("b1"), 0, refusals=[refusal(2, 10)])
        await store.commit(sealed(first))
        assert first.after.seq == 0
        other = refusal(1, 30)
        other.code = "busy"
        await store.commit(sealed(stretch(first.after, 1, refusals=[refusal(3, 20, "no more"), other])))
        found = await stored_refusals(store)
        assert found == [
            (1, "busy", 1, 29, 30, b"%016d" % 30, "no"),
            (1, "price_changed", 5, 9, 20, b"%016d" % 10, "no"),
        ]
        await close(store)

    play(main())


def of_minute(minute, code="price_changed"):
    one = refusal(1, minute)
    one.minute, one.code = minute, code
    return one


@pytest.mark.parametrize("kind", ["memory", "inline"])
def test_old_refusals_go_by_their_age_and_by_how_many_there_are(path, monkeypatch, kind):
    for module in ("memory", "writing"):
        monkeypatch.setattr(f"runline.store.{module}.REFUSALS_KEPT_MAX", 4)

    async def main():
        store = STORES[kind](path)
        noted = stretch(await store.claim("b1"), 0, refusals=[of_minute(minute) for minute in range(1, 7)])
        other = stretch(await store.claim("b2"), 0, refusals=[of_minute(1)])
        await store.commit(sealed(noted, other))
        assert len(await stored_refusals(store)) == 7
        aged = stretch(noted.after, 0, refusals=[of_minute(7)])
        aged.refusals_before = 2
        await store.commit(sealed(aged))
        # Four are kept, and what another stream has.
        assert [one[0] for one in await stored_refusals(store)] == [1, 4, 5, 6, 7]
        aged = stretch(noted.after, 0, refusals=[of_minute(7, "busy")])
        aged.refusals_before = 7
        await store.commit(sealed(aged))
        assert [one[0] for one in await stored_refusals(store)] == [1, 7, 7]
        await close(store)

    play(main())


def test_the_times_of_old_batches_go(path, monkeypatch):
    monkeypatch.setattr("runline.store.batches.BATCHES_KEPT_MAX", 20)
    monkeypatch.setattr("runline.store.batches.DROPPED_AT_ONCE", 5)

    async def main():
        store = SqliteStore(path)
        head = await store.claim("b1")
        noted = []
        for _ in range(60):
            next_stretch = stretch(head, 1)
            head = next_stretch.after
            batch = sealed(next_stretch)
            noted.append(batch.sealed_ns)
            await store.commit(batch)
            kept = [row[0] for row in store.read("SELECT sealed_ns FROM batches ORDER BY sealed_ns", ())]
            assert len(kept) <= 25
            assert kept == noted[-len(kept) :]
        await close(store)

    play(main())


def test_a_batch_of_any_size_is_stored_as_a_whole(opened):
    async def main():
        store = opened()
        large, small = stretch(await store.claim("b1"), 40), stretch(await store.claim("b2"), 1)
        body = bytes(2**20)
        large.events = [(*row[:4], body, row[5]) for row in large.events]
        await store.commit(sealed(large, small))
        assert await store.heads() == {"b1": large.after, "b2": small.after}
        assert [len(row[4]) for row in await store.events("b1", 0, 100)] == [2**20] * 40
        again = stretch(large.after, 1)
        await store.commit(sealed(again))
        assert (await store.heads())["b1"] == again.after
        await close(store)

    play(main())


@pytest.mark.parametrize("value", [2**63, 10**30, -(2**63) - 1])
def test_an_integer_beyond_64_bits_stores_nothing_of_any_stream(opened, value):
    async def main():
        store = opened()
        good, bad = (
            stretch(await store.claim("b1"), 1),
            stretch(await store.claim("b2"), 1, [Player("P1", "A1", value)]),
        )
        with pytest.raises(StoreError) as failed:
            await store.commit(sealed(good, bad))
        assert failed.value.kind == "row"
        assert await store.heads() == {"b1": good.before, "b2": bad.before}
        assert await store.events("b1", 0, 10) == []
        assert await held(store, "b2", Player) == []
        assert await store.commit(sealed(good)) == frozenset()
        assert await store.events("b1", 0, 10) == good.events
        await close(store)

    play(main())


def test_opening_again_sees_all_that_was_committed_and_counts_a_new_owner(opened):
    async def main():
        store = opened()
        first = stretch(await store.claim("b1"), 5, [Agent("A1", "root", 1)])
        await store.commit(sealed(first))
        await close(store)
        again = opened()
        assert await again.heads() == {"b1": first.after}
        assert await again.events("b1", 0, 10) == first.events
        assert await held(again, "b1", Agent) == [Agent("A1", "root", 1)]
        head = await again.claim("b1")
        assert (head.epoch, head.seq, head.hash) == (2, 5, first.after.hash)
        assert await again.commit(sealed(stretch(head, 1))) == frozenset()
        await close(again)

    play(main())


def test_a_committed_batch_is_in_the_file_when_the_commit_returns(committed):
    async def main():
        store = committed()
        await store.commit(sealed(stretch(await store.claim("b1"), 7)))
        assert committed.count("SELECT count(*) FROM events") == 7
        await close(store)

    play(main())


def test_the_file_is_written_with_a_synced_write_ahead_log(committed):
    async def main():
        store = committed()
        await store.claim("b1")
        assert apsw.Connection(str(committed.path), flags=apsw.SQLITE_OPEN_READONLY).pragma("journal_mode") == "wal"
        await close(store)

    play(main())


def test_when_the_last_batch_was_durable_is_noted_at_the_end(committed):
    async def main():
        store = committed()
        await store.commit(sealed(stretch(await store.claim("b1"), 1)))
        await store.close("n1", next(SEALED_NS), 77)

    asyncio.run(main())
    assert committed.count("SELECT max(durable_before_ns) FROM batches") == 77
