"""Watching: who switches screens on and off, and whether they show what is so.

Rule: once everything is quiet, what a screen has put together from its frames is what the queries of the same name answer.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from runline.domain.messages import HOUSE
from runline.simulate.network import Answer
from runline.simulate.people import Errand, Person
from runline.simulate.screens import Screen
from runline.simulate.story import Wrong
from runline.simulate.world import World

SCREENS_MAX = 12
PAGE_ROWS = 100
READS_AGAIN_S = (0.5, 5.0, 45.0)

QUERIES = {
    "lines": ("board", "fixture"),
    "exposure": ("exposure", "market"),
    "agents": ("figures", "agent"),
    "players": ("players", "player"),
}
"""What the rows of a topic are, as a query, and by what they are told apart."""


class Watching:
    """Who watches in a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.decisions = world.decisions
        topics = world.vocabulary.topics.values()
        self.topics = {
            "house": [one.name for one in topics if one.house],
            "staff": [one.name for one in topics],
            "player": [one.name for one in topics if one.players],
        }

    def happen(self) -> None:
        """A screen is switched on or off, or its client reads no more for a while."""
        world = self.world
        screens = world.screens = [one for one in world.screens if not one.over]
        what = self.decisions.draw(6)
        if not screens or (what < 3 and len(screens) < SCREENS_MAX):
            self.switch_on()
        elif what < 4:
            self.decisions.one(screens).close()
        else:
            pipe = self.decisions.one(screens).pipe
            if pipe is not None:
                pipe.reads = False
                world.loop.call_later(self.decisions.one(READS_AGAIN_S), pipe.read_again)

    def switch_on(self) -> None:
        """Somebody follows something."""
        world = self.world
        person = self.decisions.one([one for one in world.people if one.token] or world.people)
        kind = "house" if person.stream == HOUSE else "player" if person.user.startswith("P") else "staff"
        some = self.topics[kind]
        if self.decisions.rarely(30):
            some = self.topics["staff"]
        topics = tuple(one for one in some if self.decisions.draw(2)) or (some[0],)
        screen = Screen(world, person, topics)
        world.screens.append(screen)
        world.tell(f"{screen.name} is switched on")
        screen.open()

    # Whether they show what is so

    async def compare(self) -> None:
        """Compare all screens with what is answered now. Raises Wrong."""
        for screen in self.world.screens:
            if screen.live and screen.person.token and screen.frames:
                for name, rows in screen.told.rows.items():
                    await self.compare_rows(screen, name, rows)

    async def compare_rows(self, screen: Screen, name: str, rows: dict[str, Any]) -> None:
        query, key = QUERIES[name]
        head = self.world.referee.heads.get(screen.person.stream, 0)
        found: dict[str, Any] = {}
        after = ""
        while True:
            answer = await self.world.answer(self.ask, screen.person, query, f"?limit={PAGE_ROWS}{after}")
            if answer.status != 200:
                return
            page = msgspec.json.decode(answer.body)
            found.update((row[key], row) for row in page["items"])
            if not page.get("next"):
                break
            after = f"&after={page['next']}"
        if self.world.referee.heads.get(screen.person.stream, 0) != head:
            return
        told = shown(name, rows)
        self.world.coverage.judged["rows of screens"] += len(told)
        found = shown(name, found)
        if told != found:
            different = [one for one in {**told, **found} if told.get(one) != found.get(one)]
            first = different[0]
            raise Wrong(f"{screen.name}: {name} {first} is shown as {told.get(first)}, and is {found.get(first)}")

    def ask(self, person: Person, query: str, params: str, then: Callable[[Errand, Answer | None], None]) -> Errand:
        """Ask a page."""
        return person.query(query, params, then)


def shown(name: str, rows: dict[str, Any]) -> dict[str, Any]:
    """What of a topic's rows the query of the same name has: games that are on the board, markets with open wagers."""
    if name == "lines":
        return {key: row for key, row in rows.items() if row["status"] == "scheduled"}
    if name == "exposure":
        return {key: row for key, row in rows.items() if row["wagers"]}
    return rows
