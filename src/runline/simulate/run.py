"""Run: one run of the simulator, from its decisions to what came of it.

Rule: a run is its decisions. The same ones make the same run, byte for byte.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from runline.domain.vocabulary import NOUNS, Vocabulary
from runline.simulate import pair
from runline.simulate.acts import Acts
from runline.simulate.beginning import Beginning
from runline.simulate.coverage import Coverage
from runline.simulate.decisions import Decisions, Steps
from runline.simulate.faults import Faults
from runline.simulate.loop import VirtualLoop
from runline.simulate.room import draw_small, little_room
from runline.simulate.story import Story, Wrong
from runline.simulate.watching import Watching
from runline.simulate.world import World

CHECKED_STEPS = 1_000
"""How often everything is checked in full."""

GATEWAYS = (0, 0, 1, 2)
"""Through how many gateways the people of a run come, who reach the streams over links; 0: to the engine itself."""

NODES = (0, 0, 0, 3)
"""How many nodes of a run share the database; 0: there is one process, which owns all streams."""

WARM = {"WARM_ROWS_MIN": 0}
"""Where every stream is followed before it is handed over, however small it is."""

PAUSES = 4
PAUSES_OF_NODES = 16
"""Of so many of the longest pauses one is a minute, the others a second. Where nodes beat, renew and prove all the while, most of
what a run costs would be such minutes, in which nothing happens but that."""

BEGIN_S_MAX = 600.0
"""Seconds in which a house and its books have begun, before anything goes wrong on purpose."""

ANSWERED_MIN_MAX = 15
"""Minutes in which everyone has an answer then: who has mistaken their password is made to wait."""

RIGHT_S_MAX = 90
"""Seconds in which everything is well again after all faults have ended."""


class Outcome(msgspec.Struct):
    """What came of a run. wrong: what did not hold, "" if all did. digest: of all that has happened."""

    steps: int
    digest: str
    wrong: str
    story: str
    decisions: Steps
    passed_s: float
    events: int


class Run:
    """A run: what people do, step by step, while time passes and things go wrong."""

    def __init__(self, decisions: Decisions, vocabulary: Vocabulary, loop: VirtualLoop, steps: int) -> None:
        self.decisions = decisions
        self.vocabulary = vocabulary
        self.loop = loop
        self.steps = steps
        self.nodes = 0
        self.story = Story()
        self.world = World(loop, decisions, vocabulary, self.story)
        self.faults = Faults(self.world)
        self.checked = 0
        self.acts = Acts(self.world)
        self.watching = Watching(self.world)
        self.table = [*self.acts.table, (3, self.watching.happen), (2, self.faults.happen)]

    async def go(self) -> None:
        """Do it."""
        world, decisions = self.world, self.decisions
        try:
            world.small = draw_small(decisions)
            world.excuses.little_room = bool(world.small)
            self.nodes = decisions.one(NODES)
            with little_room(world.small | (WARM if self.nodes and decisions.draw(2) else {})):
                await self.live()
        except Wrong as wrong:
            world.wrong(str(wrong))
        finally:
            self.faults.failing.end()

    async def live(self) -> None:
        """From how everything begins to how it ends."""
        world, decisions = self.world, self.decisions
        if world.small:
            world.tell(f"there is little room: {', '.join(world.small)}")
        try:
            async with asyncio.timeout(BEGIN_S_MAX):
                gateways = 0 if self.nodes else decisions.one(GATEWAYS)
                await Beginning(world).begin(gateways=gateways, nodes=self.nodes)
        except TimeoutError:
            raise Wrong(f"house and books have not begun after {BEGIN_S_MAX} s") from None
        self.faults.choose()
        while world.steps < self.steps and world.failure is None and not decisions.over:
            decisions.begin_step()
            self.story.step = world.steps
            decisions.weighted(self.table)()
            await self.pass_time()
            if world.steps >= self.checked + CHECKED_STEPS:
                self.checked = world.steps
                world.check_in_full()
        await self.finish()

    async def finish(self) -> None:
        """Nothing more is asked for, nothing goes wrong any more: everything that was asked is answered."""
        world = self.world
        self.faults.end()
        for _ in range(RIGHT_S_MAX):
            await asyncio.sleep(1.0)
            if world.is_well():
                break
        else:
            world.wrong("a minute after all faults have ended, not everything is well")
        for _ in range(ANSWERED_MIN_MAX):
            await asyncio.sleep(60.0)
            if not any(person.errands for person in world.people):
                break
        world.check_in_full()
        if world.failure is None:
            world.held(self.watching.compare)
        for person in self.world.people:
            if person.errands and self.world.failure is None:
                self.world.wrong(f"{person.name} has no answer to {person.errands[0].what} after all faults have ended")

    async def pass_time(self) -> None:
        """Until the next step."""
        number = self.decisions.draw(100)
        if number < 60:
            await asyncio.sleep(0)
        elif number < 80:
            await asyncio.sleep(0.002)
        elif number < 97:
            await asyncio.sleep(0.02)
        elif number < 99 or self.decisions.draw(PAUSES_OF_NODES if self.nodes else PAUSES):
            await asyncio.sleep(1.0)
        else:
            await asyncio.sleep(60.0)


def simulated_vocabulary() -> Vocabulary:
    """All that Runline declares, and a kind of ticket of several legs."""
    return Vocabulary(*NOUNS, pair)


def simulate(
    seed: int, steps: int, given: Steps | None = None, vocabulary: Vocabulary | None = None
) -> tuple[Outcome, Coverage]:
    """One run."""
    loop = VirtualLoop()
    decisions = Decisions(seed, given)
    run = Run(decisions, vocabulary or simulated_vocabulary(), loop, steps)
    logger = logging.getLogger("runline")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(run.world.listening)
    logger.propagate = False
    loop.set_exception_handler(run_faults(run))
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(until_over(run))
    finally:
        logger.removeHandler(run.world.listening)
        logger.setLevel(level)
        logger.propagate = propagate
    world = run.world
    for counted in (world.judging.counted, world.pages.counted, world.excuses.counted):
        world.coverage.judged += counted
    wrong = str(world.failure) if world.failure else ""
    passed_s = loop.passing.passed_ns / 1e9
    return (
        Outcome(
            world.steps, run.story.digest, wrong, run.story.text(), decisions.taken, passed_s, world.referee.events
        ),
        world.coverage,
    )


async def until_over(run: Run) -> None:
    """The run, and the end of its process."""
    await run.go()
    run.world.over = True
    await run.world.down()
    for task in list(run.world.tasks):
        task.cancel()


def run_faults(run: Run) -> Callable[[Any, dict[str, Any]], None]:
    """What is told of faults on the loop."""

    def hear(loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        run.world.wrong(f"a fault on the loop: {context.get('message')}: {error!r}", error)

    return hear
