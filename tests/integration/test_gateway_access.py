"""Who may do what: every route × role × own subtree, other subtree, other book, generated from the declarations."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.doubles.ids import uuid7
from tests.doubles.plain import VOCABULARY
from tests.integration.served import served
from tests.integration.world import MONEYLINE, NOON_NS, wager

from runline.client import RefusedError
from runline.domain.board import PostLines
from runline.domain.fixtures import CreateFixture
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.messages import HOUSE
from runline.domain.permissions import Permission, permissions_of
from runline.domain.roles import SetRole
from runline.domain.users import CreateUser
from runline.gateway.door import public_commands

BOOK_COMMANDS = [kind.__name__ for kind in public_commands(VOCABULARY) if "book" in kind.streams]
HOUSE_COMMANDS = [kind.__name__ for kind in public_commands(VOCABULARY) if "house" in kind.streams]
ONE_ROLE_EACH = permissions_of("book")
ONE_ROLE_EACH_OF_THE_HOUSE = permissions_of("house")

OWN = {"player": "P1", "agent": "A1-1", "user": "una", "node": "A1", "parent": "A1", "wager": 1}
OTHER = {"player": "P9", "agent": "A2", "user": "otto", "node": "A2", "parent": "A2", "wager": 2}

VALUES: dict[str, Any] = {
    "leg": 1,
    "market": MONEYLINE,
    "side": "home",
    "line_quarters": None,
    "price": "+102",
    "amount_minor": 1_00,
    "credit_limit_minor": 0,
    "credit_minor": 5,
    "until_ns": NOON_NS + 10**15,
    "reason": "a reason",
    "description": "a description",
    "kind": "receipt",
    "least_minor": 500_00,
    "stake_min_minor": 1,
    "stake_max_minor": 1_000_00,
    "win_max_minor": 1_000_00,
    "active": True,
    "mode": "hide",
    "role": "clerks",
    "permissions": [],
    "session": "0" * 32,
    "scope": "player",
    "fixture": "G1",
    "league": "MLB",
    "sport": "baseball",
    "rotation": 951,
    "away": "A",
    "home": "H",
    "start_ns": NOON_NS + 10**15,
    "entered_ns": NOON_NS,
    "lines": [],
    "score": {"home": 1, "away": 0},
    "revision": 1,
    "book": "b9",
    "owner": "olga",
    "feed": "platform",
    "silent_after_ms": 20_000,
    "number": 7,
    "stay_open": True,
    "check": "swap",
    "action": "hold",
    "held_seq": 1,
    "layer_seq": 1,
    "cluster_node": "n1",
    "stream": "b1",
    "rule": None,
    "place": "league",
    "zone": "UTC",
}


def fields_of(name: str, whose: dict[str, Any]) -> dict[str, Any]:
    """A command's fields, about something of a subtree."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(VOCABULARY.commands[name]):
        if field.name == "subject":
            found["subject"] = whose["player"]
        elif field.name in whose:
            found[field.name] = whose[field.name]
        elif field.required:
            found[field.name] = VALUES[field.name]
    if name in ("CreateAgent", "CreateUser", "CreatePlayer"):
        found[{"CreateAgent": "agent", "CreateUser": "user", "CreatePlayer": "player"}[name]] = "fresh"
        if name != "CreateAgent":
            found["agent" if name == "CreatePlayer" else "node"] = whose["node"]
    if name in ("SetRole", "CreateUser", "AssignRole"):
        found["role"] = "fresh" if name == "SetRole" else "nothing"
    return found


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """What every role is told about every command and query: (code or "", status) by (role, door, whose)."""
    found: dict[tuple[str, str, str], str] = {}

    async def main():
        async with served(tmp_path_factory.mktemp("access") / "book.db") as place:
            world = place.world
            await world.open_house()
            await world.open_book("b1", credit_minor=10**9)
            await world.open_book("b2", credit_minor=10**9)
            await world.do("b1", CreateAgent("A1-1", "A1"))
            await world.do("b1", CreateAgent("A2", "root"))
            await world.do("b1", CreatePlayer("P9", "A2", 10**9))
            await world.do("b1", SetRole("nothing", "root", (), "given"))
            await world.do("b1", CreateUser("una", "A1", "nothing"))
            await world.do("b1", CreateUser("otto", "A2", "nothing"))
            own = (await world.do("b1", wager("P1"))).position
            other = (await world.do("b1", wager("P9"))).position
            OWN["wager"], OTHER["wager"] = own, other
            askers = {"owner": await place.sign_in("b1", "owner"), "foreign": await place.sign_in("b2", "owner")}
            askers["player"] = await place.sign_in("b1", "P1")
            for stream, prefix, roles in (("b1", "", ONE_ROLE_EACH), (HOUSE, "house ", ONE_ROLE_EACH_OF_THE_HOUSE)):
                for permission in roles:
                    node = "A1" if stream == "b1" else "root"
                    await world.do(stream, SetRole(f"only-{permission}", "root", (Permission(permission),), "given"))
                    await world.do(stream, CreateUser(permission, node, f"only-{permission}"))
                    askers[prefix + permission] = await place.sign_in(stream, permission)
            await world.do(HOUSE, CreateFixture("G8", "MLB", 971, "A", "H", NOON_NS + 10**15))
            await world.do(HOUSE, PostLines("G8", NOON_NS, ()))
            for role, client in askers.items():
                names = HOUSE_COMMANDS if role.startswith("house ") else BOOK_COMMANDS
                for name in names:
                    for label, whose in (("own", OWN), ("other", OTHER)):
                        try:
                            await client.send_as(uuid7(world.clock.at_ns), name, fields_of(name, whose), preview=True)
                            found[role, name, label] = ""
                        except RefusedError as error:
                            found[role, name, label] = error.code
                for name in VOCABULARY.queries:
                    try:
                        await client.ask(name)
                        found[role, f"query {name}", "own"] = ""
                    except RefusedError as error:
                        found[role, f"query {name}", "own"] = error.code
                for name in VOCABULARY.topics:
                    frames = client.stream(name)
                    try:
                        await anext(frames)
                        found[role, f"topic {name}", "own"] = ""
                    except RefusedError as error:
                        found[role, f"topic {name}", "own"] = error.code
                    await frames.aclose()

    asyncio.run(main())
    return found


WHOLE_BOOK = {"MoveLine", "SetLimits", "SetLocks", "TryAgain"}
"""What only the whole book's staff may do, with the permission or without."""


@pytest.mark.parametrize("name", BOOK_COMMANDS)
@pytest.mark.parametrize("role", [*ONE_ROLE_EACH, "player"])
def test_a_command_needs_its_permission_and_the_subtree(verdicts, role, name):
    needs = VOCABULARY.commands[name].needs
    own, other = verdicts[role, name, "own"], verdicts[role, name, "other"]
    may = {"player": {Permission.BOARD_VIEW, Permission.WAGER_PLACE}}.get(role, {role})
    if needs not in may:
        assert (own, other) == ("not_permitted", "not_permitted")
        return
    if name not in WHOLE_BOOK and name != "EndSession":
        assert own != "not_permitted" or name in ("AssignRole", "CreatePlayer")
    if name != "EndSession":
        assert other == "not_permitted"


@pytest.mark.parametrize("name", BOOK_COMMANDS)
def test_the_owner_may_everything_and_the_owner_of_another_book_nothing_here(verdicts, name):
    for label in ("own", "other"):
        assert verdicts["owner", name, label] != "not_permitted"
        assert verdicts["foreign", name, label] != "" or name in {
            "CreateAgent", "CreatePlayer", "CreateUser", "SetRole", "SetLimits", "SetLocks", "MoveLine", "Suspend", "Reopen",
            "SetLargeWager", "AdjustCredit", "GrantTemporaryCredit", "EnterTransaction", "SetPlayerLimits", "PlaceWager",
        }  # fmt: skip


@pytest.mark.parametrize("name", HOUSE_COMMANDS)
@pytest.mark.parametrize("role", ONE_ROLE_EACH_OF_THE_HOUSE)
def test_a_command_of_the_house_needs_its_permission(verdicts, role, name):
    verdict = verdicts[f"house {role}", name, "own"]
    if VOCABULARY.commands[name].needs != role:
        assert verdict == "not_permitted"
    else:
        assert verdict != "not_permitted" or name in ("CreateUser", "AssignRole", "RevokeUser", "RestoreUser")


@pytest.mark.parametrize("name", list(VOCABULARY.queries))
@pytest.mark.parametrize("role", [*ONE_ROLE_EACH, "player"])
def test_a_query_needs_its_permission(verdicts, role, name):
    query = VOCABULARY.queries[name]
    may = {"player": {Permission.BOARD_VIEW, Permission.WAGER_PLACE}}.get(role, {role})
    if "book" not in query.streams:
        expected = "wrong_stream"
    elif query.needs is None or query.needs in may or (query.players and role == "player"):
        expected = ""
    else:
        expected = "not_permitted"
    assert verdicts[role, f"query {name}", "own"] == expected


@pytest.mark.parametrize("name", list(VOCABULARY.topics))
@pytest.mark.parametrize("role", [*ONE_ROLE_EACH, "player"])
def test_a_topic_needs_its_permission(verdicts, role, name):
    topic = VOCABULARY.topics[name]
    may = {"player": {Permission.BOARD_VIEW, Permission.WAGER_PLACE}}.get(role, {role})
    allowed = topic.needs in may or (topic.players and role == "player")
    assert verdicts[role, f"topic {name}", "own"] == ("" if allowed else "not_permitted")


def test_nothing_was_unavailable_or_went_wrong(verdicts):
    assert not {
        key: code for key, code in verdicts.items() if code in ("unavailable", "internal_error", "busy", "unknown")
    }
