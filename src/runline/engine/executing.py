"""Executing: one submission at a time, in its stream. What it needs and is not in memory is fetched before.

Rule: a fault while a stream executes stops that stream and no other.
"""

import asyncio
import logging

from runline.domain.invariants import check
from runline.domain.jobs import DoSlice
from runline.domain.messages import ENGINE
from runline.domain.state import Following
from runline.engine.agenda import Agenda
from runline.engine.answers import Answers
from runline.engine.batch import Batches
from runline.engine.commit import ELSEWHERE
from runline.engine.house_view import HouseView
from runline.engine.lanes import is_permitted
from runline.engine.owned import Owned
from runline.engine.ports import StoreError
from runline.engine.process import Beside, Process
from runline.engine.queues import Queues
from runline.engine.requests import UNAVAILABLE, Refused, Submission, refused
from runline.engine.writer import Writer

log = logging.getLogger("runline.engine")


class Executing:
    """Executes submissions. steps: how many it was given."""

    def __init__(
        self,
        process: Process,
        owned: Owned,
        house: HouseView,
        answers: Answers,
        queues: Queues,
        batches: Batches,
        agenda: Agenda,
    ) -> None:
        self.process = process
        self.clock = process.clock
        self.owned = owned
        self.house = house
        self.answers = answers
        self.queues = queues
        self.batches = batches
        self.agenda = agenda
        self.fetching = Beside(process.wake)
        self.steps = 0

    def step(self, writer: Writer, submission: Submission, now_ns: int = 0) -> None:
        """Execute a submission, or fetch the rows that it needs first. now_ns: the time, if it is known already.

        What follows from it for the stream's agenda is for whoever gave the turn to say (`Agenda.happened`).
        """
        self.steps += 1
        if writer.stopped:
            self.answers.tell(submission, refused(writer.durable_seq, UNAVAILABLE))
            return
        duty = submission.duty
        if duty is not None and self.agenda.setbacks.rests(writer, duty):
            # What is owed in order waits for what has failed; all of it is sent again then.
            return
        state = writer.state
        filling = writer.filling
        house = self.house
        before, before_bytes = state.seq, filling.logged_bytes
        try:
            if type(submission.request.command) in state.vocabulary.wanted and self.lacks_rows(writer, submission):
                writer.fetching_job = writer.fetching_job or isinstance(submission.request.command, DoSlice)
                fetch = asyncio.create_task(self.fetch(writer, submission))
                self.fetching.note(fetch)
                writer.fetches[fetch] = None
                fetch.add_done_callback(writer.fetches.pop)
                return
            decided_ns = self.clock.host_ns()
            lag_ms = house.lag_ms(decided_ns) if house.behind_ns else 0
            outcome = writer.execute(submission, now_ns or self.clock.now_ns(), decided_ns, lag_ms)
            if duty is not None and duty[0] == "house" and type(outcome) is not Refused:
                # It would come again, and be done twice, after the next start.
                check(
                    not state.aside.owes(duty),
                    f"{' '.join(duty)} is done, and the book's position in the house stands.",
                )
        except Exception as error:
            log.exception("stream %s stops", writer.stream)
            self.owned.stop(writer, f"{type(error).__name__}: {error}")
            self.answers.tell(submission, refused(writer.durable_seq, UNAVAILABLE))
            return
        events = state.seq - before
        if outcome is not None and state.seq == writer.durable_seq:
            # What the answer reveals is durable already.
            self.answers.settled.append((submission, outcome))
        else:
            if outcome is not None:
                filling.waiting.append((submission, outcome))
            batches = self.batches
            batches.filling[writer] = None
            batches.filled += events or 1
            batches.filled_bytes += filling.logged_bytes - before_bytes
        if duty is not None:
            self.agenda.judged(writer, duty, outcome)
        if not events:
            if type(outcome) is Refused and writer.refusals:
                self.batches.note_refusals(writer)
        elif writer.house is None and not house.behind_ns:
            house.behind_ns = filling.began_ns

    def lacks_rows(self, writer: Writer, submission: Submission) -> bool:
        """Whether a command needs rows that are not in memory. For who may not send it none are fetched: it is refused."""
        request = submission.request
        if request.actor != ENGINE and not is_permitted(writer.state, request):
            return False
        try:
            return bool(writer.needs(submission))
        except Exception:
            # Without its rows it is refused when it is decided, by its own code or as a fault.
            return False

    async def fetch(self, writer: Writer, submission: Submission) -> None:
        """Fetch what a command needs, then let it be next in its lane."""
        try:
            await self.take_rows(writer, submission)
        except Exception as error:
            log.warning("fetching rows failed: %s: %s", type(error).__name__, error)
            self.process.hear_damage(error)
            submission.fetched = None
            if isinstance(error, StoreError) and error.kind == "elsewhere":
                self.owned.doubt(writer, ELSEWHERE)
            if submission.duty is not None and not writer.stopped:
                self.agenda.failed(writer, submission.duty, f"{type(error).__name__}: {error}")
        finally:
            if isinstance(submission.request.command, DoSlice):
                writer.fetching_job = False
                self.agenda.note_job(writer)
        if writer.stopped or submission.fetched is None:
            self.answers.tell(submission, refused(writer.durable_seq, UNAVAILABLE))
        else:
            self.queues.put_back(writer, submission)

    async def take_rows(self, writer: Writer, submission: Submission) -> None:
        """Take the rows that a command needs into memory.

        What has left memory is durable; what follows a key is asked for only when everything decided is durable, so that
        memory and store together have it all. Raises StoreError.
        """
        state = writer.state
        while True:
            needs = writer.needs(submission)
            follows = any(isinstance(need, Following) for need in needs)
            if follows and state.seq > writer.durable_seq and not await self.batches.durable(writer):
                return
            evictions = writer.evictions
            fetched = await self.process.store.fetch(writer.stream, needs)
            if writer.evictions == evictions:
                writer.take(submission, fetched)
                return
