"""Watching: who switches screens on and off, and whether they show what is so.

Rule: once everything is quiet, what a screen has put together from its frames is what is so (`watched.py`).
"""

from runline.domain.messages import HOUSE
from runline.simulate.people import Person
from runline.simulate.screens import Screen
from runline.simulate.world import World

SCREENS_MAX = 12
READS_AGAIN_S = (0.5, 5.0, 45.0)


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
        screen = Screen(world, person, topics, self.node(person) if self.decisions.rarely(3) else "")
        world.screens.append(screen)
        world.tell(f"{screen.name} is switched on")
        screen.open()

    def node(self, person: Person) -> str:
        """A part of the tree, of somebody's own or not; seldom one that there is not."""
        known = self.world.known(person.stream)
        return known.key(known.book.tree.agents) if known is not None and known.book is not None else "root"

    # Whether they show what is so

    def compare(self) -> None:
        """Compare all screens with what is so now, by the clock of whoever owns their stream: who saw a machine's clock that was
        set keeps another time than who did not. Raises Wrong."""
        self.world.judging.judge_all()
        for screen in self.world.screens:
            if screen.live and screen.person.token and screen.frames:
                count = self.world.watched.rows(screen, self.now_ns(screen.person.stream), self.now_ns(HOUSE))
                self.world.coverage.judged["rows of screens"] += count

    def now_ns(self, stream: str) -> int:
        """The time of whoever owns a stream."""
        node = self.world.owner(stream)
        assert node is not None
        now_ns: int = node.engine.clock.now_ns()
        return now_ns
