"""Two subtrees of one book: whatever happens in one, nothing of it is seen from the other, at any door.

Everything of the one has a name with `bravo` in it. The position of the log is not kept from anybody: it is one for the book.
"""

import asyncio
import json
from typing import Any

import pytest
from tests.doubles.ids import uuid7
from tests.doubles.plain import VOCABULARY
from tests.integration.served import PASSWORD, served
from tests.integration.test_gateway_access import BOOK_COMMANDS, VALUES
from tests.integration.world import MONEYLINE

from runline.client import RefusedError

AMOUNT = 76_543_21
"""Of everything in the other subtree: no sum may have it."""

BOOK_QUERIES = [name for name, query in VOCABULARY.queries.items() if "book" in query.streams]

HOW_FAST = ("health",)
"""How fast the process is concerns all of it."""

WHOLE_BOOK = {"MoveLine", "SetLimits", "SetLocks", "TryAgain"}
"""What nobody does for a subtree."""

STAKE = 765_43
LATER_NS = VALUES["until_ns"]

READERS = ("ann", "una", "P1")
"""Who may do everything at A1, who may only look there, and a player of A1."""


def reason(what):
    return f"bravo reason to {what}"


ON_P8: dict[str, Any] = {"player": "bravo-P8"}
WAGER = {"market": MONEYLINE, "side": "home", "line_quarters": None, "price": "+102", "amount_minor": STAKE}


def in_bravo(wager):
    """Every command that there is, in the other subtree, in an order in which all are accepted."""
    return [
        ("CreateAgent", {"agent": "bravo-2", "parent": "bravo"}),
        ("CreateAgent", {"agent": "bravo-3", "parent": "bravo"}),
        ("MoveAgent", {"agent": "bravo-3", "parent": "bravo-2", "reason": reason("move")}),
        ("SetRole", {"role": "bravo-role", "node": "bravo", "permissions": ["log_view"], "reason": reason("set")}),
        ("CreateUser", {"user": "bravo-ben", "node": "bravo", "role": "bravo-role"}),
        ("AssignRole", {"user": "bravo-ben", "role": "viewer", "reason": reason("assign")}),
        ("CreatePlayer", ON_P8 | {"agent": "bravo-2", "credit_limit_minor": AMOUNT}),
        ("AdjustCredit", ON_P8 | {"credit_limit_minor": AMOUNT + 1, "reason": reason("raise")}),
        ("GrantTemporaryCredit", ON_P8 | {"credit_minor": AMOUNT, "until_ns": LATER_NS, "reason": reason("grant")}),
        (
            "SetPlayerLimits",
            ON_P8 | {"stake_max_minor": AMOUNT, "win_max_minor": None, "active": True, "reason": "given"},
        ),
        ("EnterTransaction", ON_P8 | {"kind": "receipt", "amount_minor": AMOUNT, "description": reason("pay")}),
        ("PlaceWager", ON_P8 | WAGER),
        ("VoidWager", {"wager": wager, "reason": reason("void")}),
        ("MovePlayer", ON_P8 | {"agent": "bravo-3", "reason": reason("move")}),
        ("SetLargeWager", {"node": "bravo-2", "least_minor": AMOUNT, "reason": reason("set")}),
        ("Suspend", {"scope": "player", "subject": "bravo-P8", "reason": reason("close")}),
        ("Suspend", {"scope": "agent", "subject": "bravo-2", "reason": reason("close")}),
        ("Reopen", {"scope": "player", "subject": "bravo-P8", "reason": reason("open")}),
        ("Suspend", {"scope": "player", "subject": "bravo-P8", "reason": "quick"}),
        ("AddReason", {"scope": "player", "subject": "bravo-P8", "layer_seq": 0, "reason": reason("close")}),
        ("EndSession", {"session": "(of bravo-bob)", "reason": reason("end")}),
        ("RevokeUser", {"user": "bravo-ben", "reason": reason("revoke")}),
        ("RestoreUser", {"user": "bravo-ben", "reason": reason("restore")}),
    ]


def elsewhere(value):
    """The name of something that is nowhere, of the same length."""
    return value.replace("bravo", "never") if isinstance(value, str) else value


def test_every_command_that_concerns_a_subtree_is_tried():
    # (A leg of a ticket is voided by whoever may void the ticket; no ticket that a book takes has several.)
    assert {name for name, _ in in_bravo(0)} == set(BOOK_COMMANDS) - WHOLE_BOOK - {"VoidLeg"}


async def rows(client, name, **params):
    """All rows of a query; the code if it is refused."""
    found, after = [], ""
    while True:
        try:
            page = await client.ask(name, limit=100, after=after, **params)
        except RefusedError as error:
            return error.code
        found += page.items
        after = page.next
        if not after:
            return found


async def topics_of(client):
    """The topics that somebody may follow."""
    found = []
    for name in VOCABULARY.topics:
        frames = client.stream(name)
        try:
            await anext(frames)
            found.append(name)
        except RefusedError:
            pass
        await frames.aclose()
    return [name for name in found if name not in HOW_FAST]


async def image(client, topics):
    """What an image shows, by topic."""
    frames = client.stream(*topics)
    frame = await anext(frames)
    await frames.aclose()
    return frame.topics


class Sight:
    """What somebody sees, by each door, and every frame that they get meanwhile."""

    def __init__(self, client):
        self.client = client
        self.answers: dict[str, Any] = {}
        self.images: dict[str, Any] = {}
        self.frames: list[Any] = []

    async def look(self):
        for name in BOOK_QUERIES:
            self.answers[name] = await rows(self.client, name)
        self.images = await image(self.client, self.topics)
        return json.dumps([self.answers, self.images])

    async def follow(self):
        self.topics = await topics_of(self.client)
        self.stream = self.client.stream(*self.topics)
        await anext(self.stream)

    async def follow_to(self, position):
        async for frame in self.stream:
            self.frames.append(frame.topics)
            if frame.position >= position:
                return


ASKED = (
    ("find", "text", "bravo"),
    ("find", "text", "bravo-P9"),
    ("wager_totals", "player", "bravo-P9"),
    ("wager_totals", "agent", "bravo"),
    ("players", "agent", "bravo"),
    ("players", "player", "bravo-P9"),
    ("exposure", "node", "bravo"),
    ("wagers", "player", "bravo-P9"),
    ("ledger", "player", "bravo-P9"),
    ("log", "actor", "bravo-boss"),
)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What each reader saw before and after everything happened in the other subtree, and what they were told when they asked."""
    found: dict[str, Any] = {}

    async def send(place, client, name, fields, **options):
        return await client.send_as(uuid7(place.world.clock.at_ns), name, fields, **options)

    async def main():
        async with served(tmp_path_factory.mktemp("subtrees") / "book.db") as place:
            world = place.world
            await world.open_house()
            await world.open_book(players=2, credit_minor=10**9)
            owner = await place.sign_in("b1", "owner")
            everything = (await owner.ask("me")).items[0]["permissions"]
            for name, fields in (
                ("SetRole", {"role": "all", "node": "root", "permissions": everything, "reason": "given"}),
                ("CreateUser", {"user": "ann", "node": "A1", "role": "all"}),
                ("CreateUser", {"user": "una", "node": "A1", "role": "viewer"}),
                ("CreateAgent", {"agent": "bravo", "parent": "root"}),
                ("CreateUser", {"user": "bravo-boss", "node": "bravo", "role": "all"}),
                ("CreateUser", {"user": "bravo-bob", "node": "bravo", "role": "viewer"}),
                ("CreatePlayer", {"player": "bravo-P9", "agent": "bravo", "credit_limit_minor": 10**9}),
                ("PlaceWager", WAGER | {"player": "P1", "amount_minor": 10_00}),
                ("EnterTransaction", {"player": "P1", "kind": "receipt", "amount_minor": 5_00, "description": "ours"}),
                ("Suspend", {"scope": "agent", "subject": "A1", "reason": "ours"}),
                ("Suspend", {"scope": "agent", "subject": "root", "reason": "of the root"}),
                ("Reopen", {"scope": "agent", "subject": "A1", "reason": "ours"}),
            ):
                await send(place, owner, name, fields)
            await send(place, owner, "Reopen", {"scope": "agent", "subject": "root", "reason": "bravo may play"})
            readers = {name: Sight(await place.sign_in("b1", name)) for name in READERS}
            boss = await place.sign_in("b1", "bravo-boss")
            await place.sign_in("b1", "bravo-bob")
            for reader in readers.values():
                await reader.follow()
            before = {name: (await reader.look(), reader.answers, reader.images) for name, reader in readers.items()}
            first = await send(place, boss, "PlaceWager", WAGER | {"player": "bravo-P9"})
            sessions = (await boss.ask("sessions")).items
            bobs = next(row["session"] for row in sessions if row["user"] == "bravo-bob")
            await boss.post("/v1/set-password", user="bravo-P9", password=PASSWORD)
            commands = in_bravo(first.position)
            next(fields for name, fields in commands if name == "EndSession")["session"] = bobs
            closed = 0
            for name, fields in commands:
                if "layer_seq" in fields:
                    fields["layer_seq"] = closed
                closed = (done := await send(place, boss, name, fields)).position
                assert done.events, name
            for name, reader in readers.items():
                reader.answers, reader.images = {}, {}
                found[name] = (*before[name], await reader.look(), reader.answers, reader.images)
            last = await send(place, owner, "PlaceWager", WAGER | {"player": "P1", "amount_minor": 10_00})
            for name, reader in readers.items():
                await reader.follow_to(last.position)
                await reader.stream.aclose()
                found[name] = (*found[name], reader.frames)
            ann = readers["ann"].client
            answers = []
            for name, fields in commands:
                told = []
                there = {key: elsewhere(value) for key, value in fields.items()}
                if "wager" in fields:
                    there["wager"] = 10**6
                for asked in (fields, there):
                    for if_position in (None, 1):
                        try:
                            await send(place, ann, name, asked, preview=True, if_position=if_position)
                            told.append("done")
                        except RefusedError as error:
                            told.append(json.dumps([error.code, str(error), error.details]).replace("never", "bravo"))
                answers.append((name, told))
            found["told"] = answers
            found["asked"] = {
                (query, key): (
                    await rows(ann, query, **{key: value}),
                    await rows(ann, query, **{key: elsewhere(value)}),
                )
                for query, key, value in ASKED
            }
            streams = []
            for node in ("bravo", "never"):
                frames = ann.stream("wagers", node=node)
                try:
                    await anext(frames)
                except RefusedError as error:
                    streams.append((error.code, str(error)))
            found["streams"] = streams

    asyncio.run(main())
    return found


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", BOOK_QUERIES)
def test_a_query_answers_as_if_the_other_subtree_were_not_there(seen, reader, name):
    _, before, _, _, after, *_ = seen[reader]
    assert before[name] == after[name]


@pytest.mark.parametrize("reader", READERS)
def test_an_image_shows_what_it_showed_before_anything_happened_there(seen, reader):
    _, _, before, _, _, after, _ = seen[reader]
    assert before == after


@pytest.mark.parametrize("reader", READERS)
def test_no_answer_image_or_delta_has_a_name_a_reason_or_a_sum_of_the_other_subtree(seen, reader):
    before, _, _, after, _, _, frames = seen[reader]
    for text in (before, after, json.dumps(frames)):
        # (`bravo may play` is the root's own reason, for what is around all.)
        text = text.replace("bravo may play", "")
        assert "bravo" not in text
        for amount in (AMOUNT, AMOUNT + 1, STAKE):
            assert str(amount) not in text


@pytest.mark.parametrize("reader", READERS)
def test_nothing_that_happens_there_makes_a_frame_with_something_in_it(seen, reader):
    *_, last = seen[reader][-1]
    others = seen[reader][-1][:-1]
    assert last
    # (That a busy machine is slow is told to all.)
    found = [
        event
        for frame in others
        for payload in frame.values()
        for event in (*payload.get("events", ()), *payload.get("rows", ()))
        if event.get("kind") != "degraded_health"
    ]
    assert found == []


CHOSEN = {"CreateAgent", "CreateUser", "CreatePlayer", "SetRole"}
"""Ids are given once in a book: whoever chooses one may learn that it is taken. (They are refused here for where they stand.)"""


def test_a_command_on_what_is_there_is_answered_like_one_on_what_is_nowhere(seen):
    for name, (there, since, nowhere, since_nowhere) in seen["told"]:
        assert "done" not in (there, since), name
        assert (there, since) == (nowhere, since_nowhere) or name in CHOSEN, name
        # Nor is it told whether it has changed.
        assert since == there, name


def test_a_question_about_what_is_there_is_answered_like_one_about_what_is_nowhere(seen):
    for asked, (there, nowhere) in seen["asked"].items():
        assert there == nowhere, asked
    there, nowhere = seen["streams"]
    assert there == nowhere
