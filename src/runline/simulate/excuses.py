"""Excuses: what is refused for no rule of the field, and whether there was a reason for it at that moment.

Rule: `unavailable` is said of a stream that does not go on, and of what the disk did not take or give; `busy` where as much
waits as may; `house_stale` where the house view is as far behind as the engine says. Each since the request came, and at no other
time. Of the view that is so if the house's next event was decided so long before; and no wager is taken where it was too long
before.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from runline.bootstrap import Parts
from runline.cluster.limits import SEEN_S
from runline.domain.messages import HOUSE
from runline.engine.envelope import Logged
from runline.engine.house_view import UNPROVED_MS
from runline.engine.limits import ACTOR_WAITING_MAX
from runline.engine.requests import Refused
from runline.reads.limits import READS_OF_ONE_MAX
from runline.simulate.disk import Disk
from runline.simulate.oracle.placing import LAG_MS_MOST
from runline.simulate.story import Wrong

MS_NS = 10**6


class Came(NamedTuple):
    """How it was as something came: the position of the house's view, the time, the loop's time, and who had the stream."""

    house: int
    at_ns: int
    s: float
    writer: Any


class Behind(NamedTuple):
    """What the engine has said of its view: how far it is behind, at which position, the host's time, and whether the house was
    its own."""

    lag_ms: int
    house: int
    host_ns: int
    owned: bool


class Excuses:
    """Why something may be refused. behind: what was said of views that were too far behind, by how far. decided: when each event
    of the house was decided, and by which process, in their order. placed: when one took its last wager at each position."""

    def __init__(self, disk: Disk, held: Callable[..., None]) -> None:
        self.disk = disk
        self.held = held
        self.behind: dict[int, Behind] = {}
        self.unproved: list[Behind] = []
        self.decided: list[tuple[int, str]] = []
        self.placed: dict[tuple[int, str], int] = {}
        self.counted: Counter[str] = Counter()
        self.registry_failed_s = -SEEN_S
        """When a registry of nodes has failed somebody last, by the loop."""
        self.little_room = False
        """Whether bounds are small in this run: then what is waited in is full, and empty again, within one round of the loop."""

    def listen(self, parts: Parts) -> None:
        """Listen to how far behind an engine's view of the house is."""
        house = parts.engine.house
        lag_of = house.lag_ms

        def heard_lag(host_ns: int = 0) -> int:
            lag_ms = lag_of(host_ns)
            if lag_ms > LAG_MS_MOST:
                writer = parts.engine.writers.get(HOUSE)
                owned = writer is not None and self.disk.is_owned_at(HOUSE, writer.head.epoch)
                self.behind[lag_ms] = Behind(lag_ms, house.state.seq, host_ns, owned)
                if lag_ms >= UNPROVED_MS:
                    self.held(self.nobody_shows, parts)
            return lag_ms

        house.lag_ms = heard_lag  # type: ignore[method-assign]

    def nobody_shows(self, parts: Parts) -> None:
        """Nobody is said to show that a view is current. Raises Wrong where the house goes on here."""
        writer = parts.engine.writers.get(HOUSE)
        if parts.engine.house.sound and writer is not None and not writer.stopped:
            raise Wrong("the view of the house is said to be unproved, and the house goes on here")

    # What is refused

    def refused(self, stream: str, outcome: Refused, parts: Parts, came: Came) -> None:
        """A command is refused. Raises Wrong."""
        if outcome.code == "unavailable":
            self.unavailable(stream, parts, came)
        elif outcome.code == "busy":
            self.busy(stream, parts)
        elif outcome.code == "house_stale":
            self.stale(outcome.details["lag_ms"])

    def refused_page(self, stream: str, code: str, parts: Parts, came: Came) -> None:
        """A question is refused. Raises Wrong."""
        if code == "unavailable":
            self.unavailable(stream, parts, came)
        elif code == "busy":
            questions = parts.questions
            owed = any(until_ns > questions.spending.now_ns() for until_ns in questions.spending.users.values())
            if not self.little_room and not owed and questions.readers.line.size < READS_OF_ONE_MAX:
                raise Wrong(f"{stream} is said to be busy, and nobody asks much")

    def about_the_cluster(self, code: str, came: Came) -> bool:
        """Whether a question about the nodes is refused since their registry does not answer, or just has not."""
        return code == "unavailable" and self.registry_failed_s + SEEN_S >= came.s

    def unavailable(self, stream: str, parts: Parts, came: Came) -> None:
        """Something cannot be recorded, or read. Raises Wrong."""
        engine = parts.engine
        writer = engine.writers.get(stream)
        if (
            not engine.process.available
            or engine.process.stopping
            or not engine.process.holds()
            or writer is None
            or writer.stopped
            or writer is not came.writer
            or writer.given
            or self.disk.failed_s >= came.s
        ):
            self.counted["unavailable with reason"] += 1
            return
        raise Wrong(f"{stream} is said to be unavailable, goes on, and the disk has failed nobody")

    def busy(self, stream: str, parts: Parts) -> None:
        """Too much is said to wait. Raises Wrong."""
        lanes = parts.engine.writers[stream].lanes.ranks
        if not self.little_room and all(len(waiting) < ACTOR_WAITING_MAX[lane] for lane, waiting in lanes.items()):
            raise Wrong(f"{stream} is said to be busy, and {[len(waiting) for waiting in lanes.values()]} wait")
        self.counted["busy with reason"] += 1

    def stale(self, lag_ms: int) -> None:
        """The view is said to be too far behind. Raises Wrong."""
        said = self.behind.get(lag_ms)
        if said is None:
            raise Wrong(f"a wager is refused since the house is {lag_ms} ms behind, of which the engine knows nothing")
        if not said.owned:
            # It goes by what it had in mind of the house itself, or by when it was told of it last.
            self.counted["house_stale where the house is another's"] += 1
        elif lag_ms < UNPROVED_MS:
            self.unproved.append(said)
            self.prove()
        self.counted["house_stale with reason"] += 1

    # How far behind it was

    def happened(self, entry: Logged) -> None:
        """The next event of the house is durable. Raises Wrong."""
        self.decided.append((entry.decided_ns, entry.node))
        placed_ns = self.placed.pop((len(self.decided) - 1, entry.node), None)
        if placed_ns is not None:
            self.current(len(self.decided) - 1, placed_ns)
        self.prove()

    def took(self, house: int, entry: Logged) -> None:
        """A wager is taken at a position of the house. Raises Wrong."""
        if house >= len(self.decided):
            place = house, entry.node
            self.placed[place] = max(entry.decided_ns, self.placed.get(place, 0))
        elif self.decided[house][1] == entry.node:
            self.current(house, entry.decided_ns)

    def current(self, house: int, placed_ns: int) -> None:
        """The house was as it is known, as a wager was taken by the process that had it. (Another one is told what is durable.)
        Raises Wrong."""
        lag_ms = (placed_ns - self.decided[house][0]) // MS_NS
        if lag_ms > LAG_MS_MOST:
            raise Wrong(f"a wager is taken at {house} of the house, {lag_ms} ms after the next event was decided")
        self.counted["wagers by a current house"] += 1

    def prove(self) -> None:
        """What was said of a view is so, as far as that is known by now. Raises Wrong."""
        waiting, self.unproved = self.unproved, []
        for said in waiting:
            if said.house >= len(self.decided):
                self.unproved.append(said)
                continue
            since_ns = self.decided[said.house][0]
            if since_ns > said.host_ns:
                # What was decided then has never become durable: another event stands in its place.
                self.counted["house_stale by what was lost"] += 1
            elif (said.host_ns - since_ns) // MS_NS != said.lag_ms:
                lag_ms = (said.host_ns - since_ns) // MS_NS
                raise Wrong(
                    f"the view of the house at {said.house} is said to be {said.lag_ms} ms behind, and is {lag_ms}"
                )
            else:
                self.counted["house_stale proved"] += 1
