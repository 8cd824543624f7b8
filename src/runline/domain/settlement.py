"""Settlement: a result of the house pays a book's wagers.

Rule: a result is taken in house order and becomes a job: slices of a bounded number of wagers, with a stored cursor, that
alternate with other work. A newer result of the same fixture supersedes an older job. A second confirmation regrades what
the first has closed (stage `closed`), then settles what is open (stage `open`). What was settled and is not by the score that
stands now (a period that it does not describe, a game that goes on after all) is open again. Idempotent by ticket and settlement.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, ClassVar

from runline.domain.bounds import SETTLE_SLICE_WAGERS
from runline.domain.grading import NotGradable, Result, Score, grade, league_rules, returned
from runline.domain.messages import Command, Event, decides, evolves, wants
from runline.domain.odds import parse_price
from runline.domain.state import Following, Row
from runline.domain.wagers import Wager, WagerSettled, WagersState, reversal


class ResultsTaken(Row, table="results_taken"):
    """One row for each book. house_seq: the house position up to which it has taken results."""

    book: str
    house_seq: int
    changed_seq: int = 0


class Job(Row, table="jobs"):
    """Long work, done in slices.

    number: the position of the event that started it.
    score: what to grade by, None if the fixture was called off (everything is void).
    stage: closed (regrade what was settled before), then open.
    cursor: the last ticket number that the stage has handled.
    """

    number: int
    fixture: str
    sport: str
    league: str
    settlement: int
    score: Score | None
    stage: str
    cursor: int = 0
    changed_seq: int = 0


class SettlementState(WagersState):
    """A book's settlement jobs, and which results it has taken."""

    held: ClassVar[dict[type[Row], str]] = {**WagersState.held, Job: "jobs", ResultsTaken: "results_taken"}

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.jobs: dict[int, Job] = {}
        self.results_taken: dict[str, ResultsTaken] = {}
        self.queues: dict[int, list[int]] = {}

    def derive(self) -> None:
        super().derive()
        self.queues = {}
        for job in self.jobs.values():
            self.queue(job)

    @property
    def house_seq(self) -> int:
        """The house position up to which the book has taken results."""
        return self.results_taken[self.stream].house_seq

    def start(self, job: Job) -> None:
        """Begin a job, instead of any other of the same fixture."""
        for other in [other for other in self.jobs.values() if other.fixture == job.fixture]:
            self.finish(other)
        self.jobs[job.number] = self.touch(job)
        self.queue(job)

    def queue(self, job: Job) -> None:
        """Line up the tickets that are open on a job's fixture. Regrading opens some, so that it is done again then."""
        self.queues[job.number] = sorted(self.open_on.get(job.fixture, ()))

    def finish(self, job: Job) -> None:
        """Forget a job."""
        del self.jobs[job.number]
        self.queues.pop(job.number, None)
        self.drop(job)


class TakeResult(Command):
    """A result of the house reaches the book (the engine sends it, in house order).

    house_seq: the house position of the confirmation.
    """

    fixture: str
    sport: str
    league: str
    house_seq: int
    score: Score | None
    regrade: bool


class ResultTaken(Event):
    """The book has taken a result and settles by it."""

    fixture: str
    sport: str
    league: str
    house_seq: int
    score: Score | None
    regrade: bool


class SettleSlice(Command, lane="bulk"):
    """Do the next slice of a job (the engine sends it).

    job: its number.
    """

    job: int


class JobAdvanced(Event):
    """A slice is done: this many tickets, up to this one.

    wagers: tickets handled by this slice.
    """

    job: int
    fixture: str
    stage: str
    cursor: int
    wagers: int


class JobFinished(Event):
    """A settlement has handled every ticket of its fixture."""

    job: int
    fixture: str
    settlement: int
    wagers: int


@decides(TakeResult)
def take_result(book: SettlementState, command: TakeResult, context: Any) -> ResultTaken | tuple[()]:
    if command.house_seq <= book.house_seq:
        return ()
    return ResultTaken(
        command.fixture, command.sport, command.league, command.house_seq, command.score, command.regrade
    )


@evolves(ResultTaken)
def result_taken(book: SettlementState, event: ResultTaken) -> None:
    book.touch(book.results_taken[book.stream]).house_seq = event.house_seq
    if event.regrade or event.fixture in book.open_on:
        stage = "closed" if event.regrade else "open"
        book.start(Job(book.seq, event.fixture, event.sport, event.league, event.house_seq, event.score, stage))


class Outcomes:
    """How tickets stand by a job's result. Each selection is graded once, for a slice has many tickets on few."""

    def __init__(self, job: Job) -> None:
        self.rules = league_rules(job.sport, job.league)
        self.score = job.score
        self.known: dict[tuple[str, str, int | None], Result | None] = {}

    def of(self, wager: Wager) -> Result | None:
        """None if the result does not say: it lacks the ticket's period, or the game goes on."""
        if self.score is None:
            return "void"
        selection = (wager.market, wager.side, wager.line_quarters)
        if selection not in self.known:
            self.known[selection] = self.grade(*selection, self.score)
        return self.known[selection]

    def grade(self, market: str, side: str, line_quarters: int | None, score: Score) -> Result | None:
        _, period, kind = market.rsplit(":", 2)
        try:
            return grade(self.rules, kind, period, side, line_quarters, score)
        except NotGradable:
            return None


@wants(SettleSlice)
def closed_wagers(book: SettlementState, command: SettleSlice) -> list[Following]:
    job = book.jobs.get(command.job)
    if job is None or job.stage != "closed":
        return []
    return [Following(Wager, job.fixture, job.cursor, SETTLE_SLICE_WAGERS)]


@decides(SettleSlice)
def settle_slice(book: SettlementState, command: SettleSlice, context: Any) -> list[Event] | tuple[()]:
    job = book.jobs.get(command.job)
    if job is None:
        return ()
    return regrade_slice(book, job, context.fetched) if job.stage == "closed" else open_slice(book, job)


def open_slice(book: SettlementState, job: Job) -> list[Event]:
    numbers, more = next_open(book, job)
    rounding = book.settings.rounding
    outcomes = Outcomes(job)
    events: list[Event] = []
    for number in numbers:
        wager = book.wagers[number]
        result = outcomes.of(wager)
        if result is None:
            continue
        money = returned(parse_price(wager.price), wager.risk_minor, result, rounding)
        events.append(WagerSettled(number, wager.player, job.settlement, result, money))
    handled = len(events)
    if more:
        events.append(JobAdvanced(job.number, job.fixture, "open", numbers[-1], handled))
    else:
        events.append(JobFinished(job.number, job.fixture, job.settlement, handled))
    return events


def next_open(book: SettlementState, job: Job) -> tuple[list[int], bool]:
    """The next open tickets after a job's cursor, as many as a slice handles, and whether there are more.

    The queue keeps tickets that have been closed since; they are passed over, so that the same open tickets make the same
    slices before and after a restart.
    """
    queue = book.queues[job.number]
    still_open = book.open_on.get(job.fixture, {})
    numbers: list[int] = []
    for index in range(bisect_right(queue, job.cursor), len(queue)):
        if queue[index] in still_open:
            if len(numbers) == SETTLE_SLICE_WAGERS:
                return numbers, True
            numbers.append(queue[index])
    return numbers, False


def regrade_slice(book: SettlementState, job: Job, numbers: Sequence[int]) -> list[Event]:
    rounding = book.settings.rounding
    outcomes = Outcomes(job)
    events: list[Event] = []
    handled = 0
    for number in numbers:
        wager = book.wagers[number]
        if wager.status != "settled":
            continue
        result = outcomes.of(wager)
        if result is None:
            handled += 1
            events.append(reversal(wager, "result withdrawn"))
            continue
        money = returned(parse_price(wager.price), wager.risk_minor, result, rounding)
        if (result, money) == (wager.result, wager.returned_minor):
            continue
        handled += 1
        events.append(reversal(wager, "regraded"))
        events.append(WagerSettled(number, wager.player, job.settlement, result, money))
    if len(numbers) < SETTLE_SLICE_WAGERS:
        events.append(JobAdvanced(job.number, job.fixture, "open", 0, handled))
    else:
        events.append(JobAdvanced(job.number, job.fixture, "closed", numbers[-1], handled))
    return events


@evolves(JobAdvanced)
def job_advanced(book: SettlementState, event: JobAdvanced) -> None:
    job = book.touch(book.jobs[event.job])
    if job.stage != event.stage:
        book.queue(job)
    job.stage = event.stage
    job.cursor = event.cursor


@evolves(JobFinished)
def job_finished(book: SettlementState, event: JobFinished) -> None:
    book.finish(book.jobs[event.job])
