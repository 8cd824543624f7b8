"""Beginning: how a run begins: a house with games, and books with their people, all of whom have a session.

Rule: it is done by the same doors as all that comes after it, one thing after the other, before anything goes wrong on purpose.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from runline.domain.messages import HOUSE
from runline.simulate.clustered import Cluster
from runline.simulate.network import Answer
from runline.simulate.nodes import OWNER_NAME, OWNER_PASSWORD
from runline.simulate.oracle.cluster import Anybody
from runline.simulate.people import Errand, Person
from runline.simulate.story import Wrong
from runline.simulate.world import NOON_NS, PASSWORD, World, path_of

STAFF = {
    "agents": [
        "figures_view", "ticker_view", "board_view", "log_view", "transaction_enter", "credit_change", "limits_change",
        "player_create", "agent_create", "agent_move", "wager_place", "wager_void", "suspend", "roles_manage",
    ],
    "clerks": ["figures_view", "ticker_view", "board_view", "wager_place", "wager_void", "line_move"],
}  # fmt: skip
"""Roles of a book's staff, and what they hold."""


TOGETHER_LOOKS = 300
"""How often it is looked whether the house has its owner: in half a minute it has."""


class Beginning:
    """Begins a run in a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def answer(self, send: Callable[..., Errand], *args: Any, **options: Any) -> Answer:
        """What comes of something that is sent."""
        done: asyncio.Future[Answer | None] = self.world.loop.create_future()

        def hear(errand: Errand, answer: Answer | None) -> None:
            if not done.done():
                done.set_result(answer)

        send(*args, hear, **options)
        answer = await done
        if answer is None:
            raise Wrong("there was no answer at the beginning")
        return answer

    async def do(self, person: Person, name: str, **fields: Any) -> None:
        """A command that is accepted."""
        path = f"/v1/{path_of(name)}"
        answer = await self.answer(person.command, name, fields, self.world.new_id(), path=path)
        if answer.status != 200:
            raise Wrong(f"{name} was refused at the beginning: {answer.body.decode()}")

    async def sign_in(self, person: Person) -> None:
        """Somebody signs in."""
        fields = {"stream": person.stream, "user": person.user, "password": person.password}
        answer = await self.answer(person.post, "/v1/sign-in", fields)
        if answer.status != 200:
            raise Wrong(f"{person.name} cannot sign in: {answer.body.decode()}")
        person.token = msgspec.json.decode(answer.body)["token"]

    async def join(self, by: Person, stream: str, user: str) -> Person:
        """Somebody gets a password, and signs in."""
        fields = {"user": user, "password": PASSWORD}
        path = "/v1/set-password"
        if by.stream != stream:
            path, fields = "/v1/set-owners-password", {"book": stream, "password": PASSWORD}
        answer = await self.answer(by.post, path, fields)
        if answer.status != 200:
            raise Wrong(f"{user} of {stream} gets no password: {answer.body.decode()}")
        person = self.world.person(stream, user)
        await self.sign_in(person)
        return person

    async def begin(self, books: int = 2, players: int = 3, gateways: int = 0, nodes: int = 0) -> None:
        """A house with games, and books with their people. gateways: through how many people come, 0 for none. nodes: how many
        share the database, 0 for one process that owns all."""
        world = self.world
        if nodes:
            await self.together(nodes)
        else:
            await world.up()
        for place in range(gateways):
            world.gateways.start(place, world.to_streams)
        for gateway in world.gateways.kept.values():
            assert gateway.starting is not None
            await gateway.starting
        platform = world.person(HOUSE, OWNER_NAME, OWNER_PASSWORD)
        await self.sign_in(platform)
        await self.do(platform, "CreateLeague", league="MLB", sport="baseball")
        await self.do(platform, "CreateLeague", league="NFL", sport="football")
        for number in range(1, 4):
            start_ns = NOON_NS + number * 20 * 60 * 10**9
            league, rotation = ("MLB", "NFL")[number % 2], 900 + 2 * number + 1
            fixture = {"fixture": f"G{number}", "league": league, "rotation": rotation, "start_ns": start_ns}
            await self.do(platform, "CreateFixture", away="Visitors", home="Home", **fixture)
            await self.do(platform, "PostLines", fixture=f"G{number}", entered_ns=NOON_NS, lines=board())
        for number in range(1, books + 1):
            book = f"b{number}"
            await self.do(platform, "OpenBook", book=book, owner="owner")
            await self.settle(book)
            owner = await self.join(platform, book, "owner")
            for agent, parent in (("A1", "root"), ("A2", "A1"), ("A3", "root")):
                await self.do(owner, "CreateAgent", agent=agent, parent=parent)
            for one in range(1, players + 1):
                agent = ("A1", "A2", "A3")[one % 3]
                await self.do(owner, "CreatePlayer", player=f"P{one}", agent=agent, credit_limit_minor=50_000_00)
                await self.join(owner, book, f"P{one}")
            for role, permissions in STAFF.items():
                await self.do(owner, "SetRole", role=role, node="root", permissions=permissions, reason="opening")
            for user, node, role in (("one", "A1", "agents"), ("clerk", "root", "clerks"), ("audit", "root", "viewer")):
                await self.do(owner, "CreateUser", user=user, node=node, role=role)
                await self.join(owner, book, user)

    async def together(self, nodes: int) -> None:
        """Nodes of a cluster, and a house."""
        world = self.world
        cluster = world.cluster = Cluster(world, nodes)
        world.judging.model.nodes = Anybody()
        world.pages.fenced = True
        await cluster.begin()
        for _ in range(TOGETHER_LOOKS):
            if world.referee.heads.get(HOUSE) and world.is_well():
                break
            await asyncio.sleep(0.1)
        node = cluster.owner(HOUSE)
        assert node is not None
        assert node.server is not None
        signing = node.server.gateway.signing
        setting = world.loop.create_task(
            signing.set_first_password(HOUSE, OWNER_NAME, OWNER_PASSWORD), context=node.context
        )
        await setting

    async def settle(self, book: str) -> None:
        """Wait until a book has begun."""
        for _ in range(1_000):
            if self.world.referee.heads.get(book):
                return
            await asyncio.sleep(0.001)
        raise Wrong(f"{book} does not begin")


def board() -> list[dict[str, Any]]:
    """The first lines of a game."""
    return [
        {"kind": "moneyline", "period": "game", "line_quarters": None, "prices": {"away": "-110", "home": "+102"}},
        {"kind": "spread", "period": "game", "line_quarters": -6, "prices": {"away": "+120", "home": "-140"}},
        {"kind": "total", "period": "game", "line_quarters": 34, "prices": {"over": "-105", "under": "-115"}},
    ]
