"""Floods of what somebody may not do, or may: nobody else waits for them for long, and nobody above hears `busy`."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.doubles.coming import comes_true
from tests.doubles.declared import declare_otherwise
from tests.doubles.plain import VOCABULARY
from tests.integration.served import served
from tests.integration.stores import HeldStore
from tests.integration.test_lanes import answers, queue
from tests.integration.world import MONEYLINE, agrees, passes, play, running, wager

from runline.domain.messages import HOUSE, Rejected
from runline.domain.permissions import Permission
from runline.domain.roles import SetRole
from runline.domain.suspension import Suspend
from runline.domain.tickets import VoidWager
from runline.domain.users import CreateUser, RevokeUser
from runline.engine.limits import (
    ACTOR_WAITING_MAX,
    AWAITING_PER_USER_MAX,
    CONTROL_KEPT,
    CONTROL_TURN_NS,
    CORRELATION_LENGTH_MAX,
    LANE_DEPTH_MAX,
    REQUEST_BYTES_MAX,
)
from runline.engine.requests import Accepted, Sink
from runline.store.sqlite import SqliteStore

RICH = 10**12


async def open_stage(world, players=2):
    await world.open_house()
    await world.open_book(players=players, credit_minor=RICH)


def codes(outcomes):
    return {getattr(outcome, "code", "accepted") for outcome in outcomes}


class Order(Sink):
    """Notes in which order answers come, and by whom."""

    def __init__(self, order, name):
        self.order = order
        self.name = name

    def answer(self, index, outcome):
        self.order.append((self.name, getattr(outcome, "code", "accepted")))


def suspends(world, number, by, book="b1"):
    return [world.request(book, Suspend("player", "P1", f"{one}"), by) for one in range(number)]


def test_what_a_player_may_not_send_goes_after_everything_else(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            order: list[tuple[str, str]] = []
            world.engine.submit(suspends(world, 60, "P1"), Order(order, "flood"))
            world.engine.submit([world.request("b1", wager("P2", 1_00), "P2")] * 1, Order(order, "wager"))
            world.engine.submit([world.request("b1", Suspend("market", MONEYLINE, ""))], Order(order, "owner"))
            await comes_true(lambda: len(order) == 62)
            assert order.index(("owner", "accepted")) < order.index(("wager", "market_suspended")) < 20
            assert [entry for entry in order if entry[0] == "flood"] == [("flood", "not_permitted")] * 60

    play(main())


def test_a_flood_of_what_is_not_permitted_fills_no_lane_that_others_use(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world, players=20)
            floods = []
            for number in range(1, 21):
                floods.append(queue(world, suspends(world, 1_000, f"P{number}")))
                floods.append(queue(world, [world.request(HOUSE, SetRole("x", "root", (), ""), f"P{number}")] * 100))
            taken = [outcome for flood in floods for outcome in flood.outcomes if outcome is None]
            assert len(taken) <= 2 * LANE_DEPTH_MAX["last"]
            owners = [world.request("b1", Suspend("player", f"P{number}", "")) for number in range(3, 21)]
            control = queue(world, owners)
            assert control.outcomes == [None] * len(owners)
            wagers = queue(world, [world.request("b1", wager("P2", 1_00), "P2")] * 1)
            assert codes(await answers(control)) == codes(await answers(wagers)) == {"accepted"}
            assert codes([one for flood in floods for one in await answers(flood)]) == {"busy", "not_permitted"}

    play(main())


def test_one_users_flood_of_what_is_not_permitted_leaves_others_their_answers(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            flood = queue(world, suspends(world, 1_000, "P1"))
            assert flood.outcomes.count(None) == ACTOR_WAITING_MAX["last"]
            other = queue(world, suspends(world, 1, "P2"))
            assert other.outcomes == [None]
            assert codes(await answers(other)) == {"not_permitted"}

    play(main())


def test_wagers_do_not_wait_for_control_that_is_not_permitted(path):
    async def main():
        store = HeldStore(SqliteStore(path))
        async with running(store) as world:
            await open_stage(world)
            flood = queue(world, suspends(world, 64, "P1"))
            wagers = queue(world, [world.request("b1", wager("P2", 1_00), "P2")] * 1)
            # One slice: the wager is decided, of the flood a little.
            world.engine.turns.slice()
            assert len(world.engine.writers["b1"].filling.logged) == 1
            assert len(world.engine.writers["b1"].lanes.last) > 40
            assert codes(await answers(wagers)) == {"accepted"}
            assert codes(await answers(flood)) == {"not_permitted"}

    play(main())


async def hire(world, names, node="A1", *may):
    await world.do("b1", SetRole("risk", "root", may or (Permission.SUSPEND,), ""))
    for name in names:
        await world.do("b1", CreateUser(name, node, "risk"))


def test_a_flood_by_staff_who_may_leaves_the_owner_a_place_and_a_turn_and_players_theirs(path):
    names = [f"S{number}" for number in range(6)]

    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            await hire(world, names)
            floods = [queue(world, suspends(world, 1_000, name)) for name in names]
            waiting = len(world.engine.writers["b1"].lanes.control)
            # All of one agent leave places for those of another, and the kept ones for the owner.
            assert CONTROL_KEPT // 2 < waiting < LANE_DEPTH_MAX["control"] - CONTROL_KEPT
            order: list[tuple[str, str]] = []
            world.engine.submit([world.request("b1", wager("P2", 1_00), "P2")] * 1, Order(order, "wager"))
            world.engine.submit(
                [world.request("b1", Suspend("market", "G1:game:total", "news"))], Order(order, "owner")
            )
            await comes_true(lambda: len(order) == 2)
            assert order == [("owner", "accepted"), ("wager", "accepted")]
            # Most of the flood still waits.
            assert len(world.engine.writers["b1"].lanes.control) > waiting // 2
            for flood in floods:
                assert codes(await answers(flood)) <= {"accepted", "busy"}

    play(main())
    agrees(path)


def test_a_user_whose_commands_take_long_has_fewer_of_them_in_a_turn(path):
    """A clock that goes on by itself while a subject is suspended: each of these commands takes long."""

    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            await hire(world, ["sam", "una"])
            judge = VOCABULARY.deciders[Suspend]

            def slowly(state, command, context):
                world.clock.host_ahead_ns += CONTROL_TURN_NS * (context.user.name == "sam")
                return judge(state, command, context)

            declare_otherwise(world.engine.vocabulary, "deciders", Suspend, slowly)
            order: list[tuple[str, str]] = []
            world.engine.submit(suspends(world, 16, "sam"), Order(order, "sam"))
            world.engine.submit([world.request("b1", wager("P2", 1_00), "P2")], Order(order, "wager"))
            world.engine.submit(suspends(world, 1, "una"), Order(order, "una"))
            await comes_true(lambda: len(order) == 18)
            names = [name for name, _ in order]
            assert names.index("una") == 1
            assert names.index("wager") <= 3

    play(main())


def test_even_staff_at_the_top_cannot_take_each_others_places(path):
    names = [f"S{number}" for number in range(3)]

    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            await hire(world, names, "root")
            floods = [queue(world, suspends(world, 1_500, name)) for name in names]
            for flood in floods:
                assert flood.outcomes.count(None) == ACTOR_WAITING_MAX["control"]
            owner = queue(world, suspends(world, 10, "owner"))
            assert owner.outcomes == [None] * 10
            for gather in (*floods, owner):
                await answers(gather)

    play(main())


def test_every_control_command_that_waits_has_its_turn_before_the_next_wager(path):
    names = [f"S{number}" for number in range(50)]

    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            await hire(world, names)
            wagers = queue(world, [world.request("b1", wager("P2", 1_00), "P2") for _ in range(500)])
            firsts = queue(world, [world.request("b1", Suspend("player", "P1", name), name) for name in names])
            last = queue(world, [world.request("b1", Suspend("market", MONEYLINE, ""))])
            position = (await answers(last))[0].position
            assert codes(await answers(firsts)) == {"accepted"}
            placed = [one.position for one in await answers(wagers) if isinstance(one, Accepted)]
            assert all(one < position for one in placed)

    play(main())


def test_whoever_loses_their_permission_while_they_wait_is_judged_as_they_are_then(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            await hire(world, ["sam"])
            revoked = queue(world, [world.request("b1", RevokeUser("sam", "now"))])
            after = queue(world, suspends(world, 5, "sam"))
            assert codes(await answers(revoked)) == {"accepted"}
            assert codes(await answers(after)) == {"not_permitted"}

    play(main())


def test_no_rows_are_fetched_for_who_may_not_send_the_command(path, monkeypatch):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            numbers = [(await world.do("b1", wager())).position for _ in range(3)]
            await world.play_off()
            await world.settled()
            fetched = []
            fetch = world.engine.store.fetch

            async def counted(stream, needs):
                fetched.extend(needs)
                return await fetch(stream, needs)

            monkeypatch.setattr(world.engine.store, "fetch", counted)
            voids = [world.request("b1", VoidWager(number, "mine"), "P1") for number in numbers]
            assert codes(await world.bus.send(voids)) == {"not_permitted"}
            assert fetched == []
            await world.do("b1", VoidWager(numbers[0], "keyed wrong"))
            assert len(fetched) == 1

    play(main())


# Over HTTP, and what is too large


async def lines(client, bodies):
    sent = b"\n".join(msgspec.json.encode(body) for body in bodies)
    headers = {"authorization": f"Bearer {client.token}", "content-type": "application/x-ndjson"}
    answered = await client.http.post("/v1/commands", content=sent, headers=headers)
    assert answered.status_code == 200, answered.text
    return [msgspec.json.decode(line) for line in answered.content.split(b"\n") if line]


def line(world, kind, fields, **more):
    return {"type": kind, "command": fields, "id": world.bus.new_id(), **more}


def bet(player="P2"):
    command = wager(player, 1_00)
    return {name: getattr(command, name) for name in command.__struct_fields__}


def test_a_player_who_sends_what_they_may_not_in_bulk_starves_nobody(path):
    async def main():
        async with served(path) as place:
            world = place.world
            await open_stage(world)
            hostile = [await place.sign_in("b1", "P1") for _ in range(4)]
            player, owner = await place.sign_in("b1", "P2"), await place.sign_in("b1", "owner")
            stop = asyncio.Event()

            async def flood(client):
                found = set()
                while not stop.is_set():
                    bodies = [
                        line(world, "SetRole", {"role": "x", "node": "root", "permissions": [], "reason": ""})
                        for _ in range(500)
                    ]
                    found |= {answer["error"]["code"] for answer in await lines(client, bodies)}
                return found

            floods = [asyncio.create_task(flood(client)) for client in hostile]
            for number in range(20):
                suspended = await owner.send_as(
                    world.bus.new_id(), "Suspend", {"scope": "player", "subject": "P1", "reason": f"{number}"}
                )
                placed = await player.send_as(world.bus.new_id(), "PlaceWager", bet())
                assert placed.position > suspended.position
            stop.set()
            for found in await asyncio.gather(*floods):
                assert found <= {"not_permitted", "busy"}
                assert "not_permitted" in found

    play(main())


def test_a_long_correlation_is_refused_and_stops_nothing(path):
    async def main():
        async with served(path) as place:
            world = place.world
            await open_stage(world)
            player, platform = await place.sign_in("b1", "P2"), await place.platform()
            long = "x" * 100_000
            found = await lines(player, [line(world, "PlaceWager", bet(), correlation=long) for _ in range(40)])
            assert {answer["error"]["code"] for answer in found} == {"too_large"}
            just = "x" * (CORRELATION_LENGTH_MAX + 1)
            found = await lines(player, [line(world, "PlaceWager", bet(), correlation=just) for _ in range(40)])
            assert {(answer["error"]["code"], answer["error"]["details"]["most"]) for answer in found} == {
                ("too_long", CORRELATION_LENGTH_MAX)
            }
            post = {"fixture": "G1", "entered_ns": 1, "lines": []}
            found = await lines(platform, [line(world, "PostLines", post, correlation=just)])
            assert found[0]["error"]["code"] == "too_long"
            ids = [{**line(world, "PlaceWager", bet()), "id": "x" * 100}]
            assert (await lines(player, ids))[0]["error"]["code"] == "command_id_invalid"
            odd = [line(world, "PlaceWager", bet(), if_position=2**62 + 1)]
            assert (await lines(player, odd))[0]["error"]["code"] == "malformed_command"
            fits = line(world, "PlaceWager", bet(), correlation="x" * CORRELATION_LENGTH_MAX)
            assert (await lines(player, [fits]))[0]["position"] > 0
            assert world.engine.ready

    play(main())
    agrees(path)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"\n" * 100_000, 409, "too_many"),
        (b"{" + b" " * REQUEST_BYTES_MAX + b"}", 200, "too_large"),
    ],
)
def test_a_body_of_nothing_and_a_line_of_much_are_refused(path, body, status, code):
    async def main():
        async with served(path) as place:
            await open_stage(place.world)
            player = await place.sign_in("b1", "P2")
            headers = {"authorization": f"Bearer {player.token}", "content-type": "application/x-ndjson"}
            answered = await player.http.post("/v1/commands", content=body, headers=headers)
            assert answered.status_code == status
            assert msgspec.json.decode(answered.content)["error"]["code"] == code

    play(main())


def test_an_event_that_would_be_too_large_is_refused_and_nothing_has_changed(path, monkeypatch):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            position = (await world.do("b1", wager())).position
            monkeypatch.setattr("runline.engine.writer.EVENT_BYTES_MAX", 100)
            refused = await world.refused("b1", wager())
            assert (refused.code, refused.details["most"], refused.position) == ("too_large", 100, position)
            monkeypatch.undo()
            assert world.engine.ready
            assert (await world.do("b1", wager())).position == position + 1

    play(main())
    agrees(path)


def test_what_one_command_logs_is_bounded_as_a_whole(path, monkeypatch):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            number = (await world.do("b1", wager())).position
            await world.play_off()
            await world.settled()
            monkeypatch.setattr("runline.engine.writer.COMMAND_LOG_BYTES_MAX", 400)
            # A reversal and a void, of some 250 bytes each.
            assert (await world.refused("b1", VoidWager(number, "keyed wrong"))).code == "too_large"
            assert world.engine.ready

    play(main())
    agrees(path)


def test_a_batch_is_full_by_its_bytes_however_few_events_it_has(path, monkeypatch):
    for room in ("turns", "batch"):
        monkeypatch.setattr(f"runline.engine.{room}.BATCH_BYTES_MAX", 10_000)

    async def main():
        store = SqliteStore(path)
        async with running(store) as world:
            await open_stage(world)
            sizes = []
            commit = store.commit

            async def measured(sealed):
                sizes.append(sum(len(row[4]) for stretch in sealed.stretches for row in stretch.events))
                return await commit(sealed)

            monkeypatch.setattr(store, "commit", measured)
            outcomes = await answers(queue(world, [world.request("b1", wager("P2", 1_00)) for _ in range(300)]))
            assert codes(outcomes) == {"accepted"}
            assert len(sizes) > 10
            assert max(sizes) < 11_000

    play(main())


# Queries that wait for a position


def test_a_query_that_waits_for_a_position_is_woken_when_it_is_reached_and_not_before(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            position = await world.until("b1", lambda book: True)
            positions = world.engine.writers["b1"].positions
            far = [
                asyncio.create_task(world.engine.query("b1", lambda book: None, position + 1_000, 60))
                for _ in range(500)
            ]
            near = asyncio.create_task(world.engine.query("b1", lambda book: None, position + 2, 60))
            await passes()
            entered = list(positions.waiting[position + 1_000])
            assert len(entered) == 500
            await world.do("b1", wager())
            await passes()
            assert not near.done()
            await world.do("b1", wager())
            assert (await near)[0] == position + 2
            # Nobody else was disturbed.
            assert list(positions.waiting[position + 1_000]) == entered
            for task in far:
                task.cancel()
            await asyncio.gather(*far, return_exceptions=True)
            assert (positions.waiting, world.engine.reads.awaiting.count, world.engine.reads.awaiting.of) == ({}, 0, {})

    play(main())


def test_queries_that_wait_have_bounds_for_each_user_branch_and_book_and_in_all(path, monkeypatch):
    monkeypatch.setattr("runline.engine.positions.AWAITING_MAX", 4 * AWAITING_PER_USER_MAX)

    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            await world.open_book("b2")

            def ask(by, stream="b1"):
                return asyncio.create_task(world.engine.query(stream, lambda book: None, 10**6, wait_s=60, asked_by=by))

            async def let_in(by, stream="b1"):
                """How many of somebody's find a place."""
                tasks = [ask(by, stream) for _ in range(2 * AWAITING_PER_USER_MAX)]
                await passes()
                found = [task for task in tasks if not task.done()]
                assert {task.exception().code for task in tasks if task.done()} == {"busy"}
                waiting.extend(found)
                return len(found)

            waiting: list[asyncio.Task[Any]] = []
            # Those who stand at one agent leave as much for the rest of the book, and the book as much for others.
            assert await let_in("P1") == AWAITING_PER_USER_MAX
            assert 0 < await let_in("P2") < AWAITING_PER_USER_MAX
            assert await let_in("owner") > 0
            assert sum(task.done() for task in waiting) == 0
            assert await let_in("owner", "b2") == AWAITING_PER_USER_MAX
            others = [asyncio.create_task(world.engine.query("b1", lambda book: None, 10**6, wait_s=60))]
            await passes()
            assert not any(task.done() for task in (*waiting, *others))
            await world.engine.query("b1", lambda book: None, asked_by="P1")
            for task in (*waiting, *others):
                task.cancel()
            await asyncio.gather(*waiting, *others, return_exceptions=True)
            assert world.engine.reads.awaiting.count == 0

    play(main())


def test_positions_that_nobody_waits_for_any_more_are_forgotten(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            for far in range(1_000):
                with pytest.raises(Rejected) as refused:
                    await world.engine.query("b1", lambda book: None, 10**6 + far, wait_s=0)
                assert refused.value.code == "position_unknown"
            positions = world.engine.writers["b1"].positions
            assert positions.waiting == {}
            assert len(positions.order) < 100

    play(main())
