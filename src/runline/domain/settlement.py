"""Settlement: a result of the house pays a book's wagers.

Rule: a result is taken in house order and becomes a job (see `jobs`), which a newer one of the same fixture supersedes. A second
confirmation regrades what the first has closed (stage `closed`), then settles what is open (stage `open`). What was settled and
is not by the score that stands now (a period that it does not describe, a game that goes on after all) is open again. Idempotent
by ticket and settlement.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runline.domain.bounds import SETTLE_SLICE_WAGERS
from runline.domain.catalog import ArchivedFixture
from runline.domain.catalog import Result as FixtureResult
from runline.domain.grading import NotGradable, Result, Score, grade, returned
from runline.domain.jobs import Job, JobAdvanced, JobFinished, Slice
from runline.domain.lateness import LateWindow
from runline.domain.messages import (
    Command,
    Event,
    causes,
    decides,
    evolves,
    makes_up,
    misses,
    pays,
    slice_wants,
    slices,
)
from runline.domain.money import Minor, Rounding
from runline.domain.odds import parse_price
from runline.domain.postponement import WagersLetStand, WindowEnded
from runline.domain.reopening import FixtureReopened
from runline.domain.results import FixtureCancelled, ResultConfirmed, ScoreConfirmed
from runline.domain.state import Following, Part, Row
from runline.domain.tickets import Leg, Ticket, WagerSettled, reversal

if TYPE_CHECKING:
    from runline.domain.book import Book
    from runline.domain.context import Context
    from runline.domain.house import House

SETTLEMENT = "settlement"
"""The kind of job that settles. Its subject is the fixture; its stages are `closed` (regrade what was settled before) and `open`;
its cursor is a ticket number."""


class Settlement(Row, table="settlements"):
    """What a settling job goes by.

    job: its number. house_seq: the house position of the confirmation. score: what to grade by, None if the fixture was called
    off (everything is void).
    """

    job: int
    sport: str
    league: str
    house_seq: int
    score: Score | None
    changed_seq: int = 0


class Settling(Part, named="settlement", streams=("book",), keeps={Settlement: "by_job"}):
    """What a book settles by."""

    __slots__ = ("by_job", "jobs", "queues", "tickets")

    def __init__(self, book: "Book") -> None:
        super().__init__(book)
        self.jobs, self.tickets = book.jobs, book.tickets
        self.by_job: dict[int, Settlement] = {}
        self.queues: dict[int, list[int]] = {}

    def derive(self) -> None:
        self.queues = {}
        for number in self.by_job:
            self.queue(self.jobs.by_number[number])

    def start(self, job: Job, settlement: Settlement) -> None:
        """Settle by a result, instead of by any other of the same fixture."""
        for number in self.jobs.start(job):
            self.forget(number)
        self.by_job[job.number] = self.state.touch(settlement)
        self.queue(job)

    def queue(self, job: Job) -> None:
        """Line up the tickets that are open on a job's fixture. Regrading opens some, so that it is done again then."""
        self.queues[job.number] = sorted(self.tickets.open_on.get(job.subject, ()))

    def forget(self, number: int) -> None:
        """Forget what a job went by, which is over."""
        del self.queues[number]
        self.state.drop(self.by_job.pop(number))


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


def taking(house: "House", result: FixtureResult | ArchivedFixture) -> TakeResult:
    """How a book takes the result of a fixture that stands."""
    sport, league = house.catalog.graded_by(result.fixture)
    regrade = result.confirmations > 1
    score = house.catalog.score_of(result)
    return TakeResult(result.fixture, sport, league, result.confirmed_seq, score, regrade)


@causes(ResultConfirmed, TakeResult)
@causes(ScoreConfirmed, TakeResult)
@causes(FixtureCancelled, TakeResult)
@causes(FixtureReopened, TakeResult)
@causes(WindowEnded, TakeResult)
@causes(WagersLetStand, TakeResult)
def result_reaches_books(
    house: "House",
    event: ResultConfirmed | ScoreConfirmed | FixtureCancelled | FixtureReopened | WindowEnded | WagersLetStand,
) -> Command:
    return taking(house, house.catalog.results[event.fixture])


@misses(TakeResult)
def results_after(house: "House", house_seq: int) -> list[TakeResult]:
    """How a book takes the results that were confirmed after a position, in their order."""
    return [taking(house, result) for result in house.catalog.results_after(house_seq)]


@decides(TakeResult)
def take_result(book: "Book", command: TakeResult, context: "Context") -> ResultTaken | tuple[()]:
    if command.house_seq <= book.results_taken.house_seq:
        return ()
    return taken(command)


def taken(command: TakeResult) -> ResultTaken:
    return ResultTaken(
        command.fixture, command.sport, command.league, command.house_seq, command.score, command.regrade
    )


@evolves(ResultTaken)
def result_taken(book: "Book", event: ResultTaken) -> None:
    book.results_taken.move(event.house_seq)
    if event.regrade or event.fixture in book.tickets.open_on:
        settlement = Settlement(book.seq, event.sport, event.league, event.house_seq, event.score)
        book.settlement.start(
            Job(book.seq, SETTLEMENT, event.fixture, "closed" if event.regrade else "open"), settlement
        )


@makes_up(TakeResult)
def result_is_made_up_for(book: "Book", house_seq: int, context: "Context") -> list[Event]:
    """A result that was set aside is taken, unless another one stands by now."""
    house = context.view()
    first = next(house.catalog.results_after(house_seq - 1), None)
    return [taken(taking(house, first))] if first is not None and first.confirmed_seq == house_seq else []


@evolves(JobAdvanced)
def settling_advanced(book: "Book", event: JobAdvanced) -> None:
    if event.kind == SETTLEMENT and event.cursor == 0:  # another stage begins
        book.settlement.queue(book.jobs.by_number[event.job])


@evolves(JobFinished)
def settling_finished(book: "Book", event: JobFinished) -> None:
    if event.kind == SETTLEMENT:
        book.settlement.forget(event.job)


class Outcomes:
    """How legs stand by a result, by the rules that stood as it was confirmed. Each selection is graded once, for a slice has
    many tickets on few."""

    def __init__(self, settlement: Settlement, house: "House") -> None:
        self.house = house
        self.rules = house.rulings.rules(settlement.sport, settlement.league, settlement.house_seq)
        self.score = settlement.score
        self.known: dict[tuple[str, str, int | None], Result | None] = {}

    def of(self, leg: Leg, house_seq: int) -> Result | None:
        """None if the result does not say: it lacks the leg's period, or the game goes on.

        house_seq: the house position at which the leg's line was taken.
        """
        if self.score is None:
            return "void"
        late = self.house.lateness.ended(self.house.catalog, leg.fixture, leg.market, house_seq)
        if late is not None:
            return self.of_late(leg, late)
        selection = (leg.market, leg.side, leg.line_quarters)
        if selection not in self.known:
            self.known[selection] = self.grade(*selection, self.score)
        return self.known[selection]

    def of_late(self, leg: Leg, window: LateWindow) -> Result:
        """How a leg ends whose window is over: as the score says that was known then, if that decides it and the rule lets it
        stand; else it is void."""
        _, period, kind = leg.market.rsplit(":", 2)
        if window.score is None or not self.rules.window_of(kind, period).known_stands:
            return "void"
        return self.grade(leg.market, leg.side, leg.line_quarters, window.score) or "void"

    def grade(self, market: str, side: str, line_quarters: int | None, score: Score) -> Result | None:
        _, period, kind = market.rsplit(":", 2)
        try:
            return grade(self.rules, kind, period, side, line_quarters, score)
        except NotGradable:
            return None


@pays("straight")
def straight(ticket: Ticket, legs: Sequence[Result], rounding: Rounding) -> tuple[Result, Minor]:
    """A straight ends as its leg does. If it has won it pays what was written when it was placed, however the book rounds today;
    what a rule makes of it otherwise is computed from the price of record."""
    (result,) = legs
    if result == "won":
        return result, ticket.risk_minor + ticket.win_minor
    return result, returned(parse_price(ticket.legs.first.price), ticket.risk_minor, result, rounding)


def settled(book: "Book", ticket: Ticket, house_seq: int, outcomes: Outcomes) -> WagerSettled | None:
    """The event that pays a ticket by a result; None if that does not say how each leg ended."""
    legs: list[Result] = []
    for leg in ticket.legs:
        ended = outcomes.of(leg, ticket.house_seq)
        if ended is None:
            return None
        legs.append(ended)
    result, money = book.vocabulary.pays[ticket.kind](ticket, legs, book.settings.current.rounding)
    return WagerSettled(ticket.number, ticket.player, house_seq, result, money, tuple(legs))


@slice_wants(SETTLEMENT)
def closed_wagers(book: "Book", job: Job) -> list[Following]:
    return [Following(Ticket, job.subject, job.cursor, SETTLE_SLICE_WAGERS)] if job.stage == "closed" else []


@slices(SETTLEMENT)
def settle_slice(book: "Book", job: Job, context: "Context") -> Slice:
    return (
        regrade_slice(book, job, context.fetched, context.view())
        if job.stage == "closed"
        else open_slice(book, job, context.view())
    )


def open_slice(book: "Book", job: Job, house: "House") -> Slice:
    numbers, more = next_open(book, job)
    settlement = book.settlement.by_job[job.number]
    outcomes = Outcomes(settlement, house)
    events: list[Event] = []
    for number in numbers:
        event = settled(book, book.tickets.by_number[number], settlement.house_seq, outcomes)
        if event is not None:
            events.append(event)
    return Slice(events, len(events), "open", numbers[-1]) if more else Slice(events, len(events))


def next_open(book: "Book", job: Job) -> tuple[list[int], bool]:
    """The next open tickets after a job's cursor, as many as a slice handles, and whether there are more.

    The queue keeps tickets that have been closed since; they are passed over, so that the same open tickets make the same
    slices before and after a restart.
    """
    queue = book.settlement.queues[job.number]
    still_open = book.tickets.open_on.get(job.subject, {})
    numbers: list[int] = []
    for index in range(bisect_right(queue, job.cursor), len(queue)):
        if queue[index] in still_open:
            if len(numbers) == SETTLE_SLICE_WAGERS:
                return numbers, True
            numbers.append(queue[index])
    return numbers, False


def regrade_slice(book: "Book", job: Job, numbers: Sequence[int], house: "House") -> Slice:
    settlement = book.settlement.by_job[job.number]
    outcomes = Outcomes(settlement, house)
    events: list[Event] = []
    handled = 0
    for number in numbers:
        ticket = book.tickets.by_number[number]
        if ticket.status != "settled":
            continue
        event = settled(book, ticket, settlement.house_seq, outcomes)
        if event is None:
            handled += 1
            events.append(reversal(ticket, "result withdrawn"))
        elif (event.result, event.returned_minor) != (ticket.result, ticket.returned_minor):
            handled += 1
            events += reversal(ticket, "regraded"), event
    if len(numbers) < SETTLE_SLICE_WAGERS:
        return Slice(events, handled, "open", 0)
    return Slice(events, handled, "closed", numbers[-1])
