"""The house view: the house as this process's books see it, which is only what is durable.

Rule: it is fed with the house's events in their order, each once. What it does not know yet makes it behind, and books whose
view is too far behind take no wagers. Nothing makes it current but the house that is owned here, or a feeder that has proved not
long ago that it has handed over all there is.
"""

from typing import Protocol

from runline.domain.execution import follow
from runline.domain.house import House
from runline.domain.invariants import BrokenInvariant, check
from runline.domain.messages import HOUSE, Event
from runline.engine.envelope import decode_envelope
from runline.engine.limits import READ_EVENTS
from runline.engine.process import Process
from runline.engine.recovery import recover_view
from runline.engine.writer import Filling, Writer

UNPROVED_MS = 10**9
"""How far behind a view is of which nobody shows that it is current, in milliseconds."""


class Hears(Protocol):
    """Who hears of each event of the house once the view has it."""

    def hear(self, seq: int, event: Event) -> None:
        """The next event, and its position."""
        ...

    def hear_again(self, after: int) -> None:
        """The view was read anew, and what came after this position was not heard of."""
        ...


class HouseView:
    """The house, durable and read-only.

    state: what books read. unproved: whether nobody shows that it is current. behind_ns: the host's time of the oldest change of
    the house that the view may not have, 0 if it has all. heard_seq: the position up to which everything was heard of, None
    before the view was read first.
    """

    def __init__(self, process: Process) -> None:
        self.store = process.store
        self.clock = process.clock
        self.vocabulary = process.vocabulary
        self.state = House(process.vocabulary)
        self.behind_ns = 1
        self.unproved = True
        self.sound = False
        """Whether it is what the store had at its position, and all of it was heard of."""
        self.heard_seq: int | None = None
        self.hears: tuple[Hears, ...] = ()

    async def reach(self, position: int) -> bool:
        """Bring it up to a durable position of the house. Returns whether it was read anew, as another state.

        Raises StoreError.
        """
        if not self.sound:
            self.state = await recover_view(self.store, self.vocabulary)
            return True
        while self.state.seq < position:
            for row in await self.store.events(HOUSE, self.state.seq, READ_EVENTS):
                if row[1] > self.state.seq:
                    entry = decode_envelope(row[4])
                    self.follow(entry.seq, entry.at_ns, entry.event(self.vocabulary))
        return False

    def follow(self, seq: int, at_ns: int, event: Event) -> None:
        """The next durable event of the house.

        Raises BrokenInvariant if it is not the next, and what the view or who hears of it fails with; nothing is followed then
        until the view was read again (`Owned.reach`).
        """
        check(self.sound, "The house view is to be read again.")
        self.sound = False
        if seq != self.state.seq + 1:
            raise BrokenInvariant(f"The house view is at {self.state.seq} and was given the house's event {seq}.")
        follow(self.state, event, seq, at_ns)
        for one in self.hears:
            one.hear(seq, event)
        self.heard_seq = seq
        self.sound = True

    def go_on(self) -> None:
        """The view was read anew, and whoever reads it has it."""
        heard_seq, self.heard_seq = self.heard_seq, self.state.seq
        if heard_seq is not None:
            for one in self.hears:
                one.hear_again(heard_seq)
        self.sound = True

    def proved(self, at_ns: int) -> None:
        """Whoever feeds the view, where the house is not owned, has handed over all that was durable of it at this time (the
        host's): so old the view is from now on. A view that is to be read again cannot be proved."""
        if self.sound:
            self.unproved = False
            self.behind_ns = at_ns

    def follow_stretch(self, writer: Writer, filling: Filling) -> None:
        """What a batch has made durable of the house, which is owned here."""
        for seq, at_ns, _, _, event in filling.happened:
            self.follow(seq, at_ns, event)
        # A stopped house is behind for as long as it is stopped.
        self.behind_ns = writer.undurable_since_ns() or int(self.unproved)

    def lag_ms(self, host_ns: int = 0) -> int:
        """How far it is behind, in milliseconds of the host's time. host_ns: that time, if it is known already."""
        if not self.behind_ns:
            return 0
        if self.unproved or not self.sound:
            return UNPROVED_MS
        return ((host_ns or self.clock.host_ns()) - self.behind_ns) // 1_000_000

    def enter(self, writer: Writer) -> None:
        """The house goes on, and the view has all that is durable of it."""
        if writer.house is None:
            self.unproved = False
            self.behind_ns = 0

    def leave(self, writer: Writer) -> None:
        """Nobody knows here how the house goes on."""
        if writer.house is None:
            self.unproved = True
            self.behind_ns = self.behind_ns or 1
