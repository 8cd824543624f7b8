"""Turns: who is next. Control goes first, then wagers, then bulk and jobs, streams in turns; last what is not permitted.

Rule: each lane has one turn at least in a slice, however late it is: else what waits there might wait for ever. A fault in one
stream's turn concerns that stream.
"""

import logging

from runline.engine.agenda import Agenda
from runline.engine.batch import Batches
from runline.engine.executing import Executing
from runline.engine.lanes import Rank
from runline.engine.limits import (
    BATCH_BYTES_MAX,
    BATCH_EVENTS_MAX,
    BULK_EVENTS_MAX,
    LAST_TURN,
    SLICE_NS,
    TURN_COMMANDS,
)
from runline.engine.owned import Owned
from runline.engine.process import Process
from runline.engine.queues import Queues
from runline.engine.writer import Writer

log = logging.getLogger("runline.engine")


class Turns:
    """Gives turns to what waits."""

    def __init__(
        self, process: Process, owned: Owned, queues: Queues, batches: Batches, agenda: Agenda, executing: Executing
    ) -> None:
        self.clock = process.clock
        self.owned = owned
        self.queues = queues
        self.turns = queues.turns
        self.batches = batches
        self.agenda = agenda
        self.executing = executing
        self.step = executing.step

    def slice(self) -> bool:
        """Decide for SLICE_NS and a little. Returns whether anything was executed; if not, it is for a commit or a request to
        come."""
        steps = self.executing.steps
        end_ns = self.clock.host_ns() + SLICE_NS
        served = self.take_turns("control", end_ns, BATCH_EVENTS_MAX)
        self.take_turns("wagers", end_ns, BATCH_EVENTS_MAX)
        if self.turns["bulk"]:
            self.take_turns("bulk", max(end_ns, self.clock.host_ns() + SLICE_NS // 2), BULK_EVENTS_MAX)
        if self.turns["last"]:
            self.take_turns("last", 0, BULK_EVENTS_MAX)
        self.turns["control"].update(served)
        return self.executing.steps != steps

    def take_turns(self, lane: Rank, end_ns: int, events_max: int) -> dict[Writer, None]:
        """Give one stream after the other its turn in a lane, until nothing waits, time is up or the batch is full.

        Returns the streams whose control has had a whole round, so that wagers have their turn now, and which has more.
        """
        turns = self.turns[lane]
        held: list[Writer] = []
        served: dict[Writer, None] = {}
        now_ns = self.clock.host_ns() if turns else 0
        while turns and not self.batches.is_full(events_max):
            writer = next(iter(turns))
            del turns[writer]
            if writer.held:
                continue
            if lane != "control" and writer in self.turns["control"]:
                held.append(writer)
                continue
            try:
                has_more = self.turn(writer, lane, end_ns) and not writer.stopped
            except Exception as error:
                log.exception("a fault in a turn of %s", writer.stream)
                self.owned.doubt(writer, f"{type(error).__name__}: {error}")
                has_more = False
            if has_more:
                if lane == "control" and not writer.lanes.control.unserved:
                    served[writer] = None
                else:
                    turns[writer] = None
            began_ns, now_ns = now_ns, self.clock.host_ns()
            writer.busy_ns += now_ns - began_ns
            if now_ns >= end_ns:
                break
        turns.update(dict.fromkeys(held))
        return served

    def turn(self, writer: Writer, lane: Rank, end_ns: int) -> bool:
        """One stream's turn in a lane; returns whether it wants another."""
        waiting = writer.lanes.ranks[lane]
        if lane == "control":
            self.control_turn(writer, end_ns)
            self.agenda.note_job(writer)
            return bool(waiting)
        # All of a turn waited already when it began, so it is judged by the time of then.
        now_ns = self.clock.now_ns()
        step, batches, agenda = self.step, self.batches, self.agenda
        for _ in range(min(LAST_TURN if lane == "last" else TURN_COMMANDS, len(waiting))):
            if writer.stopped or batches.filled >= BATCH_EVENTS_MAX or batches.filled_bytes >= BATCH_BYTES_MAX:
                break
            if lane == "wagers":
                self.queues.wagers_waiting -= 1
            step(writer, waiting.take(), now_ns)
        agenda.happened(writer)
        if lane != "bulk":
            agenda.note_job(writer)
            return bool(waiting)
        slice_of_job = agenda.next_slice(writer)
        if slice_of_job is not None:
            step(writer, slice_of_job)
            agenda.happened(writer)
        return bool(waiting) or agenda.has_job(writer)

    def control_turn(self, writer: Writer, end_ns: int) -> None:
        """One stream's turn in the control lane: until everyone has had theirs, as far as there is time."""
        control = writer.lanes.control
        control.begin_round()
        began_ns = self.clock.host_ns()
        for _ in range(min(TURN_COMMANDS, len(control))):
            if writer.stopped or self.batches.is_full(BATCH_EVENTS_MAX):
                break
            submission = control.take()
            self.step(writer, submission)
            self.agenda.happened(writer)
            now_ns = self.clock.host_ns()
            control.took(now_ns - began_ns)
            began_ns = now_ns
            if not control.unserved or now_ns >= end_ns:
                break
