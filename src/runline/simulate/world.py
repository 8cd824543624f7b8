"""World: a machine with its disk, the network, the processes that run there, and the people who use them.

Rule: nothing here is Runline's but what a process is made of; everything that Runline does, it does itself.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from random import Random
from typing import Any

from runline.bus.astray import is_astray
from runline.bus.owner import LinkListener
from runline.domain.house import House
from runline.domain.messages import HOUSE
from runline.domain.tickets import Ticket
from runline.domain.vocabulary import Vocabulary
from runline.engine.ports import StoreError
from runline.engine.requests import Outcome, Refused, Request
from runline.simulate.blunders import is_planted
from runline.simulate.checks import memory_agrees, queues_are_bounded, tables_agree
from runline.simulate.clocks import Machine
from runline.simulate.clustered import Cluster
from runline.simulate.coverage import Coverage
from runline.simulate.decisions import Decisions
from runline.simulate.disk import Disk
from runline.simulate.excuses import Came, Excuses
from runline.simulate.folded import Folded
from runline.simulate.gateways import Gateways
from runline.simulate.judging import Judging
from runline.simulate.knowing import Known
from runline.simulate.listening import Listening
from runline.simulate.loop import OWNER, VirtualLoop
from runline.simulate.network import End, Pipe, Weather
from runline.simulate.nodes import Node
from runline.simulate.pages import Pages
from runline.simulate.people import Person, new_id
from runline.simulate.processes import Process
from runline.simulate.referee import Referee
from runline.simulate.screens import Screen
from runline.simulate.story import Story, Wrong
from runline.simulate.watched import Watched

NOON_NS = 1_467_374_400 * 10**9
"""1 July 2016, 12:00 UTC: where every run begins."""

START_S_MAX = 120.0
"""How long a process may take to start where nothing is wrong."""

BLUNDER_S = 5.0
"""How long after a fault of the program what follows from it may be noticed."""

PASSWORD = "a long password"


class World:
    """Everything that there is in a run. nodes: the processes that live. node: the one that people come to, None while there is
    none. starting: how many are being started. serving: by stream, where people go whose stream was adopted elsewhere."""

    def __init__(self, loop: VirtualLoop, decisions: Decisions, vocabulary: Vocabulary, story: Story) -> None:
        self.loop = loop
        self.decisions = decisions
        self.vocabulary = vocabulary
        self.story = story
        self.coverage = Coverage()
        self.machine = Machine(loop, NOON_NS)
        self.disk = Disk(Random("log").randbytes)
        self.disk.heard.append(self.durable)
        self.weather = Weather()
        self.gateways = Gateways(self.machine, vocabulary, loop, self.weather)
        self.referee = Referee()
        self.folded = Folded(vocabulary, self.referee.ended)
        self.excuses = Excuses(self.disk, self.held)
        self.judging = Judging(vocabulary, self.excuses)
        self.pages = Pages(vocabulary, self.judging, self.disk, self.folded, self.held)
        self.watched = Watched(self.pages)
        self.over = False
        self.blundered_s = -1e9
        self.small: dict[str, Any] = {}
        """The bounds that are small in this run: of what is bounded so, some is refused though nothing is wrong."""
        self.tasks: dict[asyncio.Task[None], None] = {}
        self.entropy = Random("people").randbytes
        self.alone: Node | None = None
        self.cluster: Cluster | None = None
        self.nodes: list[Node] = []
        self.serving: dict[str, Node] = {}
        self.started = 0
        self.starting = 0
        self.people: list[Person] = []
        self.screens: list[Screen] = []
        self.failure: Wrong | None = None
        self.steps = 0
        self.listening = Listening(self.wrong, self.may_be_planted)

    # What goes wrong

    def wrong(self, text: str, error: BaseException | None = None) -> None:
        """Something that must hold does not; the run is over."""
        if self.failure is None:
            self.failure = Wrong(text)
            self.failure.__cause__ = error
            self.tell(f"WRONG: {text}")

    def blundered(self) -> None:
        """Something fails that was planted."""
        # Whoever waits for the disk may be failed by that as well.
        self.blundered_s = self.disk.failed_s = self.loop.time()

    def may_be_planted(self, error: BaseException) -> bool:
        """Whether a fault of the program is one that was planted, or may follow from it."""
        return is_planted(error) or self.loop.time() <= self.blundered_s + BLUNDER_S

    def tell(self, text: str) -> None:
        """Something has happened."""
        self.story.passed_ns = self.loop.passing.passed_ns
        self.story.tell(text)

    def step(self, kind: str) -> None:
        """A step is done: a request, a delivery, a timer or a fault."""
        self.steps += 1
        self.coverage.steps[kind] += 1

    def reached(self, what: str, outcome: str) -> None:
        """Something that was sent has come to an outcome."""
        self.coverage.reached(what, outcome, self.loop.time())

    def held(self, check: Callable[..., object], *args: Any) -> None:
        """Something must hold."""
        try:
            check(*args)
        except Wrong as wrong:
            self.wrong(str(wrong))

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Something that goes on in the world."""
        task = self.loop.create_task(self.heard(work))
        self.tasks[task] = None
        task.add_done_callback(self.tasks.pop)

    async def heard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Wrong as wrong:
            self.wrong(str(wrong))

    def check_in_full(self, *, started: bool = False) -> None:
        """Log, tables and memory say the same, and (but where a process has just started) what the oracle says."""
        self.held(tables_agree, self.disk, self.folded)
        self.held(self.judging.judge_all)
        for node in self.nodes:
            if node.up:
                self.held(memory_agrees, node, self.disk, self.vocabulary)
                self.held(queues_are_bounded, node)
                for stream, writer in () if started else node.engine.writers.items():
                    if self.disk.is_owned_at(stream, writer.head.epoch):
                        self.judging.kept_by(stream, writer)
                        self.held(self.judging.compare, stream, writer.state, self.disk.kept.stored(stream, Ticket))

    # What is heard of Runline

    def durable(self, stretches: Any) -> None:
        self.held(self.referee.durable, stretches)
        self.held(self.folded.durable, stretches)
        aside = any(node.aside for node in self.nodes)
        views = [node.engine.view.seq for node in self.nodes if node.parts is not None] if aside else []
        self.judging.durable(stretches, min(views, default=None))
        for stretch in stretches:
            self.story.note(stretch.after.hash)

    def asked(self, request: Request) -> None:
        self.judging.asked(request)

    def caused(self, request: Request) -> None:
        self.step("timer")
        self.judging.asked(request)

    def hear(self, request: Request, came: Came, outcome: Outcome) -> None:
        node = OWNER.get()
        if not isinstance(node, Node) or node.dead:
            return
        self.held(self.referee.outcome, request, outcome)
        engine = node.engine
        if (
            isinstance(outcome, Refused)
            and request.stream not in engine.writers
            and is_astray(outcome.code, outcome.details)
        ):
            # It is sent again to where the stream is.
            return
        if isinstance(outcome, Refused):
            self.held(self.excuses.refused, request.stream, outcome, node.parts, came)
        writer = engine.writers.get(request.stream)
        owns = writer is not None and self.disk.is_owned_at(request.stream, writer.head.epoch)
        if owns:
            self.judging.kept_by(request.stream, writer)
        house, times = (came.house, engine.view.seq), (came.at_ns, engine.clock.now_ns())
        self.held(partial(self.judging.outcome, owns=owns), request, outcome, house, times)

    # The processes

    @property
    def node(self) -> Node | None:
        """The process that people come to, or who has the house."""
        return self.cluster.owner(HOUSE) if self.cluster is not None else self.alone

    async def up(self, name: str = "n1") -> None:
        """Start a process, again and again until it is up: from then on people come to it."""
        self.starting += 1
        began_s = self.loop.time()
        while True:
            node, error = await self.boot(name)
            if node.up:
                break
            await asyncio.sleep(1.0)
            if error is None:
                began_s = self.loop.time()
            elif self.loop.time() > self.disk.away_until_s + began_s + START_S_MAX:
                raise Wrong(f"Runline does not start: {error}") from error
        self.starting -= 1
        self.alone = node
        self.tell(f"process {node.number} is up")

    async def boot(self, name: str, *, aside: bool = False) -> tuple[Node, BaseException | None]:
        """Start a process once. Returns why it is not up, None if it is, or the power has gone."""
        self.started += 1
        node = Node(self.started, name, self.disk, self.machine, self.vocabulary, self.loop, aside=aside)
        self.nodes.append(node)
        node.start(self)
        assert node.starting is not None
        await asyncio.wait((node.starting,))
        if node.up:
            return node, None
        error = None if node.starting.cancelled() else node.starting.exception()
        self.tell(f"the process cannot start: {error or 'the power has gone'}")
        if error is not None and not isinstance(error, StoreError):
            raise error
        await self.end(node)
        return node, error

    async def end(self, node: Node) -> None:
        """The power goes for a process, if it has not yet."""
        if self.alone is node:
            self.alone = None
        if node in self.nodes:
            self.nodes.remove(node)
        self.serving = {stream: one for stream, one in self.serving.items() if one is not node}
        node.die(self.decisions.draw)
        await node.bury()

    async def down(self) -> None:
        """The power goes for all."""
        for node in list(self.nodes):
            await self.end(node)
        for gateway in self.gateways.kept.values():
            await self.gateways.end(gateway)

    def to_engine(self) -> tuple[Process, LinkListener] | None:
        """Where other engines connect to, to reach all streams."""
        return self.node.for_engines() if self.node is not None else None

    def to_streams(self) -> tuple[Process, LinkListener] | None:
        """Where gateways do."""
        return self.node.for_gateways() if self.node is not None else None

    # The people

    def connect(self, conversation: End, address: str, stream: str = "") -> Pipe | None:
        """A client is connected, if somebody is there. stream: whose it is."""
        node: Process | None = self.serving.get(stream, self.node)
        if self.cluster is not None:
            node = self.cluster.at(address)
        elif self.gateways.kept and stream not in self.serving:
            node = self.gateways.at(address)
        return node.connect(conversation, self.weather, address) if node is not None and node.up else None

    def person(self, stream: str, user: str, password: str = PASSWORD) -> Person:
        """Somebody comes."""
        address = f"192.0.2.{1 + len(self.people) % 200}"
        connect = partial(self.connect, stream=stream)
        found = Person(stream, user, password, address, self.loop, connect, self.step)
        self.people.append(found)
        return found

    def new_id(self) -> str:
        """A command's id of now."""
        return new_id(self.machine.wall(), self.entropy)

    def owner(self, stream: str) -> Node | None:
        """Whose a stream is, or where people go for it."""
        return self.serving.get(stream, self.node) if self.cluster is None else self.cluster.owner(stream)

    def state(self, stream: str) -> Any:
        """The state of a stream as its writer has it, None if there is none now."""
        node = self.owner(stream)
        if node is None or node.parts is None:
            return None
        writer = node.engine.writers.get(stream)
        return writer.state if writer is not None and not writer.stopped else None

    def known(self, stream: str) -> Known | None:
        """What whoever looks at a stream knows."""
        state = self.state(stream)
        if state is None or self.node is None:
            return None
        view: House = self.node.engine.view
        return Known(state, view, self.machine.wall(), self.decisions)

    def is_well(self) -> bool:
        """Whether one process is up, and takes commands of every stream; of a cluster, all of it."""
        if self.cluster is not None:
            return self.cluster.is_well()
        node = self.node
        alone = node is not None and self.nodes == [node]
        return (
            node is not None
            and alone
            and node.up
            and node.engine.ready
            and not self.stopped()
            and self.owns_all(node)
            and self.gateways.are_up
        )

    def owns_all(self, node: Node) -> bool:
        """Whether a process has every book that the house has opened."""
        return all(book in node.engine.writers for book in node.engine.view.books.by_name)

    def stopped(self) -> list[str]:
        """The streams that have stopped."""
        node = self.node
        writers = node.engine.writers if node is not None and node.up else {}
        return [stream for stream, writer in writers.items() if writer.stopped]


def path_of(name: str) -> str:
    """A command's name in a path."""
    return "".join(f"-{one.lower()}" if one.isupper() and place else one.lower() for place, one in enumerate(name))
