"""Settlement: a result of the house pays a book's wagers.

Rule: a result is taken in house order and becomes a job (see `jobs`), which a newer one of the same fixture supersedes. A second
confirmation regrades what the first has closed (stage `closed`), then settles what is open (stage `open`). What was settled and
is not by the score that stands now (a period that it does not describe, a game that goes on after all) is open again.

Rule: a result is about the legs on its game; those on others stay as they are, and so does the ticket while one is open. Only
where a book settles by results of several games of a ticket at once, whichever comes to it first judges it by all of them: what
that closes or opens, the others may not come by any more. What is so already makes no event, so that a result may be taken twice.
"""

from bisect import bisect_right, insort
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runline.domain.bounds import SETTLE_SLICE_WAGERS
from runline.domain.catalog import ArchivedFixture
from runline.domain.catalog import Result as FixtureResult
from runline.domain.grading import NotGradable, Result, Score, grade, returned
from runline.domain.jobs import Job, JobAdvanced, JobFinished, Slice
from runline.domain.lateness import LateWindow
from runline.domain.legs import Ending, Leg, LegGraded, LegReversed
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
from runline.domain.tickets import FIRST_LEG, Ticket, WagerReversed, reversal, settled

if TYPE_CHECKING:
    from runline.domain.book import Book
    from runline.domain.context import Context
    from runline.domain.house import House

SETTLEMENT = "settlement"
"""The kind of job that settles. Its subject is the fixture; its stages are `closed` (regrade what was settled before) and `open`;
its cursor is a ticket number."""

CALLED_OFF = Ending("void")


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
        """Line up the tickets that are open on a job's fixture. Regrading opens some, so that it is done again then. (What was
        placed since the result was taken is not settled by it: the game was open again.)"""
        open_on = self.tickets.open_on.get(job.subject, ())
        self.queues[job.number] = sorted(number for number in open_on if number < job.number)

    def opened_again(self, ticket: Ticket) -> None:
        """A ticket that was settled is open again: line it up with all jobs of its games."""
        games = {leg.fixture for leg in ticket.legs}
        for number, queue in self.queues.items():
            if ticket.number < number and self.jobs.by_number[number].subject in games and ticket.number not in queue:
                insort(queue, ticket.number)

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
def result_is_made_up_for(book: "Book", house_seq: int, context: "Context") -> list[ResultTaken]:
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


@evolves(WagerReversed)
def ticket_opened_again(book: "Book", event: WagerReversed) -> None:
    ticket = book.tickets.by_number[event.wager]
    if ticket.more:
        book.settlement.opened_again(ticket)


class Outcomes:
    """How legs on a game stand by its result, by the rules that stood as it was confirmed. Each selection is graded once, for a
    slice has many tickets on few."""

    def __init__(self, fixture: str, settlement: Settlement, house: "House") -> None:
        self.house = house
        self.is_late = fixture in house.lateness.windows_of
        self.house_seq = settlement.house_seq
        self.rules = house.rulings.rules(settlement.sport, settlement.league, settlement.house_seq)
        self.score = settlement.score
        self.known: dict[tuple[str, str, int | None], Ending | None] = {}

    def of(self, leg: Leg | Ticket, house_seq: int) -> Ending | None:
        """None if the result does not say: it lacks the leg's period, or the game goes on.

        house_seq: the house position at which the leg's line was taken.
        """
        if self.score is None:
            return CALLED_OFF
        if self.is_late:
            late = self.house.lateness.ended(self.house.catalog, leg.fixture, leg.market, house_seq)
            if late is not None:
                return self.of_late(leg, late)
        selection = (leg.market, leg.side, leg.line_quarters)
        if selection not in self.known:
            self.known[selection] = self.grade(*selection, self.score)
        return self.known[selection]

    def of_late(self, leg: Leg | Ticket, window: LateWindow) -> Ending:
        """How a leg ends whose window is over: as the score says that was known then, if that decides it and the rule lets it
        stand; else it is void."""
        _, period, kind = leg.market.split(":")
        if window.score is None or not self.rules.window_of(kind, period).known_stands:
            return CALLED_OFF
        return self.grade(leg.market, leg.side, leg.line_quarters, window.score) or CALLED_OFF

    def grade(self, market: str, side: str, line_quarters: int | None, score: Score) -> Ending | None:
        _, period, kind = market.split(":")
        try:
            return Ending(grade(self.rules, kind, period, side, line_quarters, score))
        except NotGradable:
            return None


class Results:
    """The results that a book is settling by at once, by game; the outcomes of each are made up once somebody asks."""

    def __init__(self, book: "Book", house: "House") -> None:
        self.house = house
        self.settlements = {book.jobs.by_number[number].subject: row for number, row in book.settlement.by_job.items()}
        self.known: dict[str, Outcomes] = {}

    def of(self, fixture: str) -> Outcomes | None:
        """How legs on a game stand; None if the book is not settling by it."""
        known = self.known.get(fixture)
        if known is None and fixture in self.settlements:
            known = self.known[fixture] = Outcomes(fixture, self.settlements[fixture], self.house)
        return known


@pays("straight")
def straight(ticket: Ticket, endings: Sequence[Ending], rounding: Rounding) -> tuple[Result, Minor]:
    """A straight ends as its leg does. If it has won as it was written, it pays what was written then, however the book rounds
    today; what a rule makes of it otherwise is computed from the price of record, or the one that counts instead."""
    (ended,) = endings
    if ended.result == "won" and ended.price is None and ended.share is None:
        return ended.result, ticket.risk_minor + ticket.win_minor
    return ended.result, returned_by(ended, ticket.price, ticket.risk_minor, rounding)


def returned_by(ended: Ending, price: str, stake_minor: Minor, rounding: Rounding) -> Minor:
    """The money back for a stake on one leg, stake included. price: of record.

    In a dead heat the share of the stake that has won is paid at the full price, and the rest is lost.
    """
    at = parse_price(ended.price or price)
    if ended.share is None or ended.result != "won":
        return returned(at, stake_minor, ended.result, rounding)
    numerator, denominator = ended.share
    return rounding.round(stake_minor * numerator * (at.numerator + at.denominator), denominator * at.denominator)


def by_results(book: "Book", ticket: Ticket, by: Outcomes, results: Results) -> list[Event]:
    """What a game's result makes of a ticket that has legs on it and is open or settled: they are graded, or graded anew, and the
    ticket is paid if no leg is open any more. Nothing where nothing changes.

    results: all by which the book is settling, that one too.
    """
    if not ticket.more and ticket.ended is None:
        # What most results are about: straights that are open.
        by_this = by.of(ticket, ticket.house_seq)
        return [settled(book, ticket, by.house_seq, (by_this,), FIRST_LEG)] if by_this is not None else []
    endings: list[Ending | None] = []
    opened: list[int] = []
    graded: dict[int, int] = {}
    stood: list[int] = []
    for number, leg in enumerate(ticket.legs, 1):
        ended = leg.ended
        outcomes = results.of(leg.fixture)
        if outcomes is not None and not (ended and ended.voided):
            by_this = outcomes.of(leg, ticket.house_seq)
            if ended is not None and by_this != ended:
                opened.append(number)
            if by_this is not None and by_this != ended:
                graded[number] = outcomes.house_seq
            ended = by_this
        if leg.ended is None or number in opened:
            stood.append(number)
        endings.append(ended)
    events: list[Event] = []
    if opened:
        reason = "regraded" if graded else "result withdrawn"
        if ticket.status == "settled":
            events.append(reversal(ticket, reason, tuple(opened)))
        else:
            events += [LegReversed(ticket.number, ticket.player, number, reason) for number in opened]
    if graded and None not in endings:
        events.append(settled(book, ticket, by.house_seq, endings, tuple(stood)))  # type: ignore[arg-type]
    else:
        for number, house_seq in graded.items():
            ended = endings[number - 1]
            assert ended is not None
            events.append(LegGraded(ticket.number, ticket.player, number, house_seq, ended))
    return events


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
    results = Results(book, house)
    by = results.of(job.subject)
    assert by is not None
    events: list[Event] = []
    handled = 0
    for number in numbers:
        found = by_results(book, book.tickets.by_number[number], by, results)
        handled += bool(found)
        events += found
    return Slice(events, handled, "open", numbers[-1]) if more else Slice(events, handled)


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
    results = Results(book, house)
    by = results.of(job.subject)
    assert by is not None
    events: list[Event] = []
    handled = 0
    for number in numbers:
        ticket = book.tickets.by_number[number]
        if ticket.status != "settled":
            continue
        found = by_results(book, ticket, by, results)
        handled += bool(found)
        events += found
    if len(numbers) < SETTLE_SLICE_WAGERS:
        return Slice(events, handled, "open", 0)
    return Slice(events, handled, "closed", numbers[-1])
