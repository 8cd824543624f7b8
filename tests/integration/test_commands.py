"""The door: who is let in, what a repeated command gets, what a preview promises, and what is not even read."""

import asyncio

import msgspec
import pytest
from tests.doubles.ids import uuid7
from tests.doubles.plain import VOCABULARY
from tests.integration.world import HOUR_NS, MONEYLINE, NOON_NS, SetClock, play, running, wager

from runline.domain.accounts import AdjustCredit
from runline.domain.fixtures import CreateLeague
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import FoundHouse, OpenBook
from runline.domain.jobs import DoSlice
from runline.domain.messages import ENGINE, HOUSE, Rejected
from runline.domain.suspension import Suspend
from runline.domain.tickets import VoidWager
from runline.engine.limits import AHEAD_MS_MAX, REQUEST_BYTES_MAX, REQUESTS_PER_SEND_MAX, WINDOW_MS
from runline.engine.requests import Accepted, Previewed, Refused
from runline.gateway.door import Door
from runline.store.sqlite import SqliteStore

MS = 1_000_000


@pytest.fixture
def stage(path):
    """Runs a test's play on a house with a game and a book with two players."""

    def run(main):
        async def set_up():
            async with running(SqliteStore(path)) as world:
                await world.open_house()
                await world.open_book(players=2)
                await main(world)

        play(set_up())

    return run


# The same command again


def test_a_repeated_command_gets_the_same_answer_and_changes_nothing(stage):
    async def main(world):
        request = world.request("b1", wager())
        first = await world.bus.send_one(request)
        for _ in range(3):
            again = await world.bus.send_one(world.request("b1", wager(), id=request.id))
            assert again == Accepted(first.position, first.events, repeated=True)
        assert await world.read("b1", lambda book: (book.seq, book.risk.pending["P1"])) == (first.position, 50_00)

    stage(main)


def test_a_repeat_is_known_by_its_id_however_it_is_written_and_whatever_time_it_is(stage):
    async def main(world):
        request = world.request("b1", wager())
        first = await world.bus.send_one(request)
        world.set_clock(NOON_NS + 23 * HOUR_NS)
        again = await world.ask("b1", wager(), id=request.id.upper())
        assert again == Accepted(first.position, first.events, repeated=True)

    stage(main)


def test_a_command_that_made_many_events_is_answered_with_all_of_them_again(stage):
    async def main(world):
        placed = await world.do("b1", wager())
        await world.play_off()
        await world.settled()
        request = world.request("b1", VoidWager(placed.position, "keyed wrong"))
        first = await world.bus.send_one(request)
        assert len(first.events) == 2
        again = await world.ask("b1", VoidWager(placed.position, "keyed wrong"), id=request.id)
        assert again == Accepted(first.position, first.events, repeated=True)

    stage(main)


def test_an_id_that_is_used_for_something_else_is_refused(stage):
    async def main(world):
        request = world.request("b1", wager())
        await world.bus.send_one(request)
        others = [
            (wager(amount_minor=50_01), "owner"),
            (wager(), "P1"),
            (wager("P2"), "owner"),
            (AdjustCredit("P1", 1, ""), "owner"),
        ]
        for other, by in others:
            refused = await world.refused("b1", other, by, id=request.id)
            assert refused.code == "command_reused", other
        assert await world.read("b1", lambda book: book.risk.pending["P1"]) == 50_00

    stage(main)


def test_another_stream_does_not_know_the_id(stage):
    async def main(world):
        await world.open_book("b2")
        request = world.request("b1", wager())
        await world.bus.send_one(request)
        other = await world.do("b2", wager(), id=request.id)
        assert not other.repeated

    stage(main)


def test_a_refused_command_is_judged_anew(stage):
    async def main(world):
        await world.do("b1", AdjustCredit("P1", 10_00, "cut"))
        refused = await world.refused("b1", wager(amount_minor=20_00), id=(later := world.bus.new_id()))
        assert refused.code == "credit_exceeded"
        await world.do("b1", AdjustCredit("P1", 10_000_00, "back"))
        assert not (await world.do("b1", wager(amount_minor=20_00), id=later)).repeated

    stage(main)


def test_a_command_is_known_across_a_restart(path):
    clock = SetClock()
    sent = {}

    async def before():
        async with running(SqliteStore(path), clock) as world:
            await world.open_house()
            await world.open_book()
            for number in range(30):
                command_id = world.bus.new_id()
                sent[command_id] = await world.do("b1", wager(amount_minor=1_00 + number), id=command_id)

    async def after():
        async with running(SqliteStore(path), clock) as world:
            heads = await world.engine.store.heads()
            for number, (command_id, first) in enumerate(sent.items()):
                again = await world.do("b1", wager(amount_minor=1_00 + number), id=command_id)
                assert again == Accepted(first.position, first.events, repeated=True)
                other = await world.refused("b1", wager(amount_minor=99_00), id=command_id)
                assert other.code == "command_reused"
            assert await world.engine.store.heads() == heads
            assert await world.read("b1", lambda book: len(book.tickets.by_number)) == 30

    play(before())
    play(after())


def test_an_id_that_is_too_old_is_refused_also_if_it_was_never_used(stage):
    async def main(world):
        old = uuid7(NOON_NS - WINDOW_MS * MS - MS)
        assert (await world.refused("b1", wager(), id=old)).code == "stale_command"
        just = uuid7(NOON_NS - WINDOW_MS * MS)
        assert isinstance(await world.ask("b1", wager(), id=just), Accepted)

    stage(main)


def test_an_id_of_a_later_time_is_refused_with_the_time_it_is(stage):
    async def main(world):
        ahead = uuid7(NOON_NS + (AHEAD_MS_MAX + 1) * MS)
        refused = await world.refused("b1", wager(), id=ahead)
        assert (refused.code, refused.details) == ("command_ahead", {"now_ms": NOON_NS // MS})
        assert isinstance(await world.ask("b1", wager(), id=uuid7(NOON_NS + AHEAD_MS_MAX * MS)), Accepted)

    stage(main)


def test_when_more_commands_have_come_than_are_remembered_the_forgotten_ones_are_stale(stage, monkeypatch):
    monkeypatch.setattr("runline.engine.window.WINDOW_COMMANDS_MAX", 10)

    async def main(world):
        ids = []
        for number in range(15):
            world.set_clock(world.clock.at_ns + MS)
            ids.append(world.bus.new_id())
            await world.do("b1", wager(amount_minor=1_00 + number), id=ids[-1])
        for number, command_id in enumerate(ids):
            again = await world.ask("b1", wager(amount_minor=1_00 + number), id=command_id)
            assert getattr(again, "code", None) == ("stale_command" if number < 5 else None)
        assert await world.read("b1", lambda book: len(book.tickets.by_number)) == 15

    stage(main)


def test_after_a_restart_commands_that_are_beyond_the_window_are_stale_and_not_done_again(path, monkeypatch):
    clock = SetClock()
    sent = []

    async def before():
        async with running(SqliteStore(path), clock) as world:
            await world.open_house()
            await world.open_book()
            for number in range(30):
                clock.at_ns += 1_000 * MS
                sent.append(world.bus.new_id())
                await world.do("b1", wager(amount_minor=1_00 + number), id=sent[-1])

    async def after():
        async with running(SqliteStore(path), clock) as world:
            outcomes = [await world.ask("b1", wager(amount_minor=1_00 + n), id=sent[n]) for n in range(30)]
            assert all(outcome.repeated for outcome in outcomes if isinstance(outcome, Accepted))
            assert {outcome.code for outcome in outcomes if isinstance(outcome, Refused)} == {"stale_command"}
            assert isinstance(outcomes[-1], Accepted)
            assert isinstance(outcomes[0], Refused)
            assert await world.read("b1", lambda book: len(book.tickets.by_number)) == 30
            clock.at_ns += 20_000 * MS
            assert not (await world.do("b1", wager())).repeated

    play(before())
    monkeypatch.setattr("runline.engine.recovery.WINDOW_COMMANDS_MAX", 10)
    play(after())


# Preview


def test_a_preview_commits_nothing_and_says_what_the_command_then_does(stage):
    async def main(world):
        before = await world.read("b1", lambda book: (book.seq, dict(book.risk.pending), book.risk.exposure(MONEYLINE)))
        previewed = await world.ask("b1", wager(), preview=True)
        assert isinstance(previewed, Previewed)
        assert (
            await world.read("b1", lambda book: (book.seq, dict(book.risk.pending), book.risk.exposure(MONEYLINE)))
            == before
        )
        done = await world.do("b1", wager(), if_position=previewed.position)
        assert done.events == previewed.events
        assert done.position == previewed.position + 1
        after = await world.read("b1", lambda book: (dict(book.risk.pending), book.risk.exposure(MONEYLINE)))
        assert after[0] == previewed.moves.pending == {"P1": 50_00}
        exposure = {side: after[1][side] - before[2][side] for side in after[1]}
        assert {f"{MONEYLINE}/{side}": moved for side, moved in exposure.items()} == previewed.moves.exposure

    stage(main)


def test_a_previewed_command_may_be_sent_with_the_same_id(stage):
    async def main(world):
        command_id = world.bus.new_id()
        assert isinstance(await world.ask("b1", wager(), id=command_id, preview=True), Previewed)
        assert not (await world.do("b1", wager(), id=command_id)).repeated

    stage(main)


def test_a_preview_of_what_needs_rows_from_the_store_fetches_them_and_lets_them_go(stage):
    async def main(world):
        placed = await world.do("b1", wager())
        await world.play_off()
        await world.settled()
        previewed = await world.ask("b1", VoidWager(placed.position, "keyed wrong"), preview=True)
        assert previewed.moves.balance == {"P1": -51_00}
        await world.do("b1", AdjustCredit("P1", 1, ""))
        assert await world.read("b1", lambda book: dict(book.tickets.by_number)) == {}

    stage(main)


def test_a_command_is_refused_if_its_ground_has_moved_and_done_if_it_has_not(stage):
    async def main(world):
        seen = (await world.ask("b1", wager(), preview=True)).position
        await world.do("b1", wager("P2"))
        await world.do("b1", AdjustCredit("P2", 77, ""))
        await world.do("b1", wager())
        assert isinstance(await world.ask("b1", wager(), if_position=seen, preview=True), Previewed)
        moved = await world.do("b1", AdjustCredit("P1", 9_000_00, ""))
        refused = await world.refused("b1", wager(), if_position=seen)
        assert (refused.code, refused.details) == ("position_moved", {"position": moved.position})

    stage(main)


# Who is let in


def test_a_command_for_another_kind_of_stream_is_refused(stage):
    async def main(world):
        assert (await world.refused(HOUSE, wager())).code == "wrong_stream"
        assert (await world.refused("b1", CreateLeague("NFL", "football"))).code == "wrong_stream"
        assert isinstance(await world.ask(HOUSE, Suspend("all", "", "")), Accepted)
        assert isinstance(await world.ask("b1", Suspend("all", "", "")), Accepted)

    stage(main)


def test_an_unknown_book_is_refused(stage):
    async def main(world):
        assert (await world.refused("b9", wager())).code == "unknown_book"
        with pytest.raises(Rejected, match="no such book"):
            await world.engine.query("b9", lambda book: None)
        with pytest.raises(Rejected, match="no such book"):
            world.engine.subscribe("b9", 0)

    stage(main)


def test_nobody_can_speak_in_the_name_of_the_engine(stage):
    async def main(world):
        for stream, command in (("b1", wager()), ("b1", DoSlice(1)), (HOUSE, FoundHouse("mallory"))):
            assert (await world.refused(stream, command, ENGINE)).code == "not_permitted"
            assert (await world.refused(stream, command, "mallory")).code == "not_permitted"
        assert (await world.refused("b1", DoSlice(1), "owner")).code == "not_permitted"
        assert (await world.refused(HOUSE, OpenBook("b9", ENGINE))).code == "already_exists"
        assert (await world.refused("b1", CreatePlayer(ENGINE, "A1", 0))).code == "already_exists"

    stage(main)


@pytest.mark.parametrize(
    "command_id",
    [
        "",
        "1",
        "not-an-id",
        "01890a5d-ac96-4b7c-8000-000000000000",
        "01890a5dac967b7c8000000000000000",
        "01890a5d-ac96-7b7c-c000-000000000000",
        "01890a5d-ac96-7b7c-8000-00000000000 ",
        "01890a5d-ac96-7b7c-8000-0000000000é0",
        "\ud800" * 36,
    ],
    ids=range(9),
)
def test_what_is_no_uuid7_is_no_command_id(stage, command_id):
    async def main(world):
        request = world.request("b1", wager())
        request.id = command_id
        assert (await world.bus.send_one(request)).code == "command_id_invalid"

    stage(main)


def test_too_many_requests_in_one_call_are_refused_as_a_whole(stage):
    async def main(world):
        requests = [world.request("b1", wager())] * (REQUESTS_PER_SEND_MAX + 1)
        with pytest.raises(Rejected, match="Too many requests"):
            await world.bus.send(requests)
        with pytest.raises(Rejected, match="Too many commands"):
            await lines(world, [b"{}"] * (REQUESTS_PER_SEND_MAX + 1))
        assert await world.bus.send([]) == await lines(world, []) == []

    stage(main)


def test_after_the_engine_has_stopped_nothing_is_taken(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book()
        assert (await world.refused("b1", wager())).code == "unavailable"

    play(main())


def test_what_was_sent_before_the_engine_stops_is_answered(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book()
            requests = [world.request("b1", wager(amount_minor=1_00)) for _ in range(900)]
            tasks = [asyncio.create_task(world.bus.send(requests))]
            await asyncio.sleep(0)
        outcomes = await tasks[0]
        assert {type(outcome) for outcome in outcomes} == {Accepted}

    play(main())


# Requests in JSON

FIELDS = {
    "player": "P1",
    "market": MONEYLINE,
    "side": "home",
    "line_quarters": None,
    "price": "+102",
    "amount_minor": 100,
}


async def lines(world, bodies, caller=None):
    """The outcomes of lines of JSON, which the book's owner sends."""
    caller = caller or await world.sign_in("b1", "owner")
    return await Door(world.bus, world.clock).execute_lines(caller, bodies)


def body(world, command=None, **fields):
    request = {"id": world.bus.new_id(), "type": "PlaceWager", "command": FIELDS}
    request |= fields
    if command is not None:
        request["command"] = {**FIELDS, **command}
    return msgspec.json.encode(request)


def test_a_request_in_json_is_a_request(stage):
    async def main(world):
        accepted, previewed, refused = await lines(
            world,
            [
                body(world),
                body(world, preview=True),
                body(world, command={"price": "+103"}, correlation="c"),
            ],
        )
        assert isinstance(accepted, Accepted)
        assert isinstance(previewed, Previewed)
        assert refused.code == "price_changed"

    stage(main)


MALFORMED = {
    "no JSON": b"PlaceWager please",
    "nothing": b"",
    "half of it": b'{"stream": "b1", "id": ',
    "a list": b"[]",
    "null": b"null",
    "invalid UTF-8": b'{"stream": "b\xff1"}',
    "half a character": b'{"stream": "\\ud800"}',
    "deep nesting": b"[" * 30_000,
    "deep nesting, closed": b"[" * 30_000 + b"]" * 30_000,
    "an object too deep": b'{"command": ' + b'{"a": ' * 5_000 + b"1" + b"}" * 5_001,
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=list(MALFORMED))
def test_what_is_no_request_is_refused_and_changes_nothing(stage, sent):
    async def main(world):
        caller = await world.sign_in("b1", "owner")
        heads = await world.engine.store.heads()
        good, bad, good_too = await lines(world, [body(world, preview=True), sent, body(world, preview=True)], caller)
        assert bad.code == "malformed_command"
        assert isinstance(good, Previewed)
        assert isinstance(good_too, Previewed)
        assert await world.engine.store.heads() == heads

    stage(main)


WRONG = {
    "an unknown command": ({"type": "StealMoney"}, None, "unknown_command"),
    "a command of the engine": ({"type": "StartBook"}, None, "unknown_command"),
    "an event": ({"type": "WagerPlaced"}, None, "unknown_command"),
    "a field too many in the request": ({"admin": True}, None, "malformed_command"),
    "a field too many in the command": ({}, {"admin": True}, "malformed_command"),
    "a fraction of a cent": ({}, {"amount_minor": 100.5}, "malformed_command"),
    "a whole number with a point": ({}, {"amount_minor": 1e300}, "malformed_command"),
    "a number in a string": ({}, {"amount_minor": "100"}, "malformed_command"),
    "true as a number": ({}, {"amount_minor": True}, "malformed_command"),
    "no amount": ({}, {"amount_minor": None}, "malformed_command"),
    "a side that is a list": ({}, {"side": ["home"]}, "malformed_command"),
    "another basis": ({}, {"basis": "all"}, "malformed_command"),
    "a stake of zero": ({}, {"amount_minor": 0}, "stake_invalid"),
    "a negative stake": ({}, {"amount_minor": -100}, "stake_invalid"),
    "a stake of 10^18": ({}, {"amount_minor": 10**18}, "stake_invalid"),
    "a stake of 64 bits": ({}, {"amount_minor": 2**64 - 1}, "stake_invalid"),
    "an unknown player": ({}, {"player": "P9"}, "unknown_player"),
    "an unknown market": ({}, {"market": "G9:game:total"}, "unknown_market"),
    "an unknown side": ({}, {"side": "over"}, "unknown_selection"),
    "another price": ({}, {"price": "+103"}, "price_changed"),
    "no price": ({}, {"price": "evens, please"}, "price_invalid"),
    "no id": ({"id": "1"}, None, "command_id_invalid"),
    "an actor": ({"actor": "P1"}, None, "malformed_command"),
}


@pytest.mark.parametrize(("request_fields", "command", "code"), WRONG.values(), ids=list(WRONG))
def test_what_is_wrong_in_a_request_has_its_stable_code_and_changes_nothing(stage, request_fields, command, code):
    async def main(world):
        caller = await world.sign_in("b1", "owner")
        heads = await world.engine.store.heads()
        (outcome,) = await lines(world, [body(world, command, **request_fields)], caller)
        assert isinstance(outcome, Refused), outcome
        assert outcome.code == code
        assert await world.engine.store.heads() == heads

    stage(main)


@pytest.mark.parametrize(
    ("stream", "actor", "code"),
    [
        ("b1", "mallory", "not_permitted"),
        ("b1", "P2", "not_permitted"),
        ("b1", "", "not_permitted"),
        ("b1", ENGINE, "not_permitted"),
        (HOUSE, "platform", "wrong_stream"),
        ("", "owner", "unknown_book"),
    ],
)
def test_a_request_of_the_wrong_actor_or_to_the_wrong_stream_changes_nothing(stage, stream, actor, code):
    async def main(world):
        heads = await world.engine.store.heads()
        request = world.request(stream, wager())
        request.actor = actor
        assert (await world.bus.send_one(request)).code == code
        assert await world.engine.store.heads() == heads

    stage(main)


@pytest.mark.parametrize("digits", [20, 400, 5_000])
def test_an_integer_of_many_digits_is_refused_and_changes_nothing(stage, digits):
    async def main(world):
        sent = body(world).replace(b'"amount_minor":100', b'"amount_minor":' + b"9" * digits)
        (outcome,) = await lines(world, [sent])
        assert outcome.code in ("malformed_command", "stake_invalid")
        assert await world.read("b1", lambda book: dict(book.risk.pending)) == {}

    stage(main)


def test_a_request_that_is_too_large_is_not_read(stage):
    async def main(world):
        sent = body(world, {"player": "P" * REQUEST_BYTES_MAX})
        (outcome,) = await lines(world, [sent])
        assert outcome.code == "too_large"

    stage(main)


@pytest.mark.parametrize(
    "number",
    [2**63, 2**64, -(2**63) - 1, 10**400, 10**5_000],
    ids=["2^63", "2^64", "under -2^63", "10^400", "10^5000"],
)
def test_a_huge_integer_within_the_process_is_refused_and_stops_nothing(stage, number):
    async def main(world):
        for command in (wager(amount_minor=number), AdjustCredit("P1", number, ""), VoidWager(number, "reason")):
            assert isinstance(await world.ask("b1", command), Refused)
        assert isinstance(await world.ask("b1", wager()), Accepted)

    stage(main)


def test_half_a_character_within_the_process_is_refused_and_stops_nothing(stage):
    async def main(world):
        for command in (wager("\ud800"), CreateAgent("\ud800", "root"), AdjustCredit("P1", 5, "\ud800")):
            assert isinstance(await world.ask("b1", command), Refused)
        for field in ("session", "correlation", "actor"):
            request = world.request("b1", wager())
            setattr(request, field, "\ud800")
            outcome = await world.bus.send_one(request)
            assert isinstance(outcome, Refused), field
        assert isinstance(await world.ask("b1", wager()), Accepted)

    stage(main)


def test_every_command_that_may_be_sent_can_be_named_in_json(stage):
    async def main(world):
        public = [
            name
            for name, command in VOCABULARY.commands.items()
            if command.needs is not None and not command.secret and command.__struct_fields__
        ]
        sent = [body(world, type=name, command=None) for name in public]
        sent = [one.replace(msgspec.json.encode(FIELDS), b"{}") for one in sent]
        codes = {outcome.code for outcome in await lines(world, sent)}
        assert codes == {"malformed_command"}

    stage(main)
