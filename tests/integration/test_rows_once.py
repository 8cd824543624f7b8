"""Rows that change more than once in one batch: what is stored is what was last, once."""

import asyncio

import pytest
from tests.integration.world import agrees, running

from runline.domain.permissions import Permission
from runline.domain.roles import SetRole
from runline.domain.suspension import Reopen, Suspend
from runline.domain.users import AssignRole, CreateUser, RestoreUser, RevokeUser
from runline.engine.requests import Accepted
from runline.store.sqlite import SqliteStore

CLERK = (Permission.SUSPEND, Permission.FIGURES_VIEW)


@pytest.mark.parametrize(
    "commands",
    [
        (Suspend("player", "P1", "mine"), "ann", Suspend("player", "P1", "ours"), "owner"),
        (
            Suspend("player", "P1", "mine"), "ann", Suspend("player", "P1", "ours"), "owner",
            Reopen("player", "P1", "over"), "owner",
        ),
        (Suspend("all", "", "given"), "owner", Reopen("all", "", ""), "owner", Suspend("all", "", "again"), "owner"),
        (SetRole("clerks", "A1", CLERK[:1], "given"), "owner", SetRole("clerks", "A1", CLERK, "back"), "owner"),
        (
            RevokeUser("ann", "given"), "owner", RestoreUser("ann", "given"), "owner", AssignRole("ann", "viewer", "x"), "owner",
            AssignRole("ann", "clerks", "given"), "owner",
        ),
    ],
)  # fmt: skip
def test_what_changes_twice_in_one_batch_is_stored_once_as_it_was_last(path, commands):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book("b1")
            await world.do("b1", SetRole("clerks", "A1", CLERK, "given"))
            await world.do("b1", CreateUser("ann", "A1", "clerks"))
            requests = [world.request("b1", *pair) for pair in zip(commands[::2], commands[1::2], strict=True)]
            outcomes = await world.bus.send(requests)
            assert all(isinstance(outcome, Accepted) for outcome in outcomes), outcomes
            return await world.read("b1", lambda book: dict(book.suspensions.layers))

    async def again():
        async with running(SqliteStore(path)) as world:
            return await world.read("b1", lambda book: dict(book.suspensions.layers))

    kept = asyncio.run(main())
    agrees(path)
    assert asyncio.run(again()) == kept
