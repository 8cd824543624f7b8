"""Settlement: a result of the house pays a book's wagers, some in each slice. What an earlier result has settled is gone through
first (`closed`), and taken back where the score says otherwise; then what is open (`open`)."""

from runline.simulate.oracle.answers import Event, Refused, refuse_unless
from runline.simulate.oracle.bounds import MOST
from runline.simulate.oracle.grading import graded
from runline.simulate.oracle.lateness import ended_for
from runline.simulate.oracle.rules import BOTH, REASON, Asked, Moment, command, event, happens
from runline.simulate.oracle.rulings import league_rules
from runline.simulate.oracle.state import Book, House, Job, Leg, Score, Stream, Ticket
from runline.simulate.oracle.tickets import CALLED_OFF, VOIDED, Ending, numbers, reversal, settled, to_void


@command("TakeResult")
def take_result(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    if asked.house_seq <= book.taken_seq:
        return []
    told = moment.house.told
    refuse_unless(asked.house_seq in told, "nothing_to_take")
    for seq in range(book.taken_seq + 1, asked.house_seq):
        # What a book has missed is taken as it stands: each game's newest result only.
        skipped = seq in told and moment.house.newest.get(told[seq]["fixture"]) == seq
        refuse_unless(not skipped, "result_skipped", house_seq=seq)
    return [happens("ResultTaken", **told[asked.house_seq])]


@event("ResultTaken")
def result_taken(book: Book, at: Asked) -> None:
    # One that was set aside may be taken after later ones.
    book.taken_seq = max(book.taken_seq, at.house_seq)
    if not at.regrade and not open_on(book, at.fixture):
        return
    for number in [number for number, job in book.jobs.items() if job.game == at.fixture]:
        end_job(book, number)
    stage = "closed" if at.regrade else "open"
    job = Job(book.seq, at.fixture, stage, at.sport, at.league, at.house_seq, at.score, book.seq)
    book.jobs[job.number] = job
    line_up(book, job)


def open_on(book: Book, game: str) -> list[int]:
    """The open tickets with a leg on a game, by number."""
    return sorted(ticket.number for ticket in book.of_game.get(game, ()) if ticket.status == "open")


def line_up(book: Book, job: Job) -> None:
    """What is open is settled, but nothing that was placed since the result was taken."""
    job.queue = [number for number in open_on(book, job.game) if number < job.number]


def end_job(book: Book, number: int) -> None:
    del book.jobs[number]
    book.no_longer_aside(("job", "settlement", str(number)))


def ending_of(house: House, job: Job, leg: Leg, house_seq: int) -> Ending | None:
    """How a leg stands by a result, by the rules that stood as it was confirmed; None if the result does not say."""
    if job.score is None:
        return CALLED_OFF
    rules = league_rules(house, job.sport, job.league, job.house_seq)
    _, period, kind = leg.market.rsplit(":", 2)

    def by(score: Score) -> Ending | None:
        result = graded(rules, kind, period, leg.side, leg.line, score)
        return None if result is None else {"result": result}

    late = ended_for(house, leg.game, leg.market, house_seq)
    if late is None:
        return by(job.score)
    if late.score is None or not rules.window_of(kind, period)["known_stands"]:
        return CALLED_OFF
    return by(late.score) or CALLED_OFF


def by_results(book: Book, house: House, ticket: Ticket, job: Job) -> list[Event]:
    """What a result makes of a ticket. Where a book settles by results of several of its games, all of them count."""
    jobs = {one.game: one for one in book.jobs.values()}
    endings = [leg.ended for leg in ticket.legs]
    anew: dict[int, int] = {}
    opened: list[int] = []
    for number, leg in enumerate(ticket.legs, 1):
        if leg.game in jobs and leg.status != "void":
            by = jobs[leg.game]
            ending = ending_of(house, by, leg, ticket.house_seq)
            if ending == leg.ended:
                continue
            endings[number - 1] = ending
            if leg.ended is not None:
                opened.append(number)
            if ending is not None:
                anew[number] = by.house_seq
    events: list[Event] = []
    about = {"wager": ticket.number, "player": ticket.player}
    reason = "regraded" if anew else "result withdrawn"
    if opened and ticket.status == "settled":
        events.append(reversal(ticket, reason, tuple(opened)))
    elif opened:
        events += [happens("LegReversed", **about, leg=number, reason=reason) for number in opened]
    known = [ending for ending in endings if ending is not None]
    if anew and len(known) == len(endings):
        stood = tuple(sorted({*opened, *numbers(ticket, "open")}))
        return [*events, settled(book, ticket, job.house_seq, known, stood)]
    for number, seq in anew.items():
        events.append(happens("LegGraded", **about, leg=number, settlement=seq, ended=endings[number - 1]))
    return events


@command("DoSlice", streams=BOTH)
def do_slice(book: Stream, asked: Asked, moment: Moment) -> list[Event]:
    # The house has no jobs.
    job = book.jobs.get(asked.job) if isinstance(book, Book) else None
    if job is None or not isinstance(book, Book) or ("job", "settlement", str(job.number)) in book.aside.values():
        return []
    most = MOST["SETTLE_SLICE_WAGERS"]
    if job.stage == "closed":
        on = book.of_game.get(job.game, ())
        looked = book.seq if moment.looked_seq is None else moment.looked_seq
        closed = sorted(one.number for one in on if one.was_closed(looked) and one.number > job.cursor)
        chosen, more = closed[:most], len(closed) >= most
        following = ("closed", chosen[-1]) if more else ("open", 0)
    else:
        still = [number for number in job.queue if number > job.cursor and number in book.open]
        chosen, more = still[:most], len(still) > most
        following = ("open", chosen[-1]) if more else ("", 0)
    events: list[Event] = []
    handled = 0
    for number in chosen:
        ticket = book.tickets[number]
        if ticket.status == ("settled" if job.stage == "closed" else "open"):
            found = by_results(book, moment.house, ticket, job)
            handled += bool(found)
            events += found
    stage, cursor = following
    about = {"job": job.number, "kind": "settlement", "subject": job.game, "done": job.done + handled}
    if not stage:
        return [*events, happens("JobFinished", **about)]
    return [*events, happens("JobAdvanced", **about, stage=stage, cursor=cursor, handled=handled)]


def looks(book: Book, number: int) -> list[int]:
    """At which positions a slice of a job may have looked for what was settled before, the last first: each from which others
    were closed. What is closed while a job runs is judged by it, and need not be seen again."""
    job = book.jobs.get(number)
    if job is None or job.stage != "closed":
        return [book.seq]
    turns = {turn - 1 for ticket in book.of_game.get(job.game, ()) for turn in ticket.turned}
    return sorted({book.seq, *(seq for seq in turns if seq >= job.moved_seq)}, reverse=True)


@event("JobAdvanced")
def job_advanced(book: Book, at: Asked) -> None:
    job = book.jobs[at.job]
    job.stage, job.cursor, job.done, job.moved_seq = at.stage, at.cursor, at.done, book.seq
    if not at.cursor:
        line_up(book, job)


@event("JobFinished")
def job_finished(book: Book, at: Asked) -> None:
    end_job(book, at.job)


@command("VoidLeg", needs="wager_void", reasons=REASON)
def void_leg(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    ticket = to_void(book, asked.wager, moment)
    if len(ticket.legs) == 1 or not 1 <= asked.leg <= len(ticket.legs):
        raise Refused("unknown_leg", leg=asked.leg)
    leg, about = ticket.legs[asked.leg - 1], {"wager": ticket.number, "player": ticket.player}
    if leg.status == "void":
        return []
    events: list[Event] = []
    if ticket.status == "settled":
        events.append(reversal(ticket, asked.reason, (asked.leg,)))
    elif leg.status == "graded":
        events.append(happens("LegReversed", **about, leg=asked.leg, reason=asked.reason))
    events.append(happens("LegVoided", **about, leg=asked.leg, reason=asked.reason))
    endings = [one.ended for one in ticket.legs]
    endings[asked.leg - 1] = VOIDED
    jobs = {job.game: job for job in book.jobs.values()}
    for number, other in enumerate(ticket.legs, 1):
        if number == asked.leg or other.game not in jobs or other.status == "void":
            continue
        job = jobs[other.game]
        ending = endings[number - 1] = ending_of(moment.house, job, other, ticket.house_seq)
        if other.ended is not None and ending != other.ended:
            reason = "regraded" if ending is not None else "result withdrawn"
            events.append(happens("LegReversed", **about, leg=number, reason=reason))
        if ending is not None and ending != other.ended:
            events.append(happens("LegGraded", **about, leg=number, settlement=job.house_seq, ended=ending))
    known = [ending for ending in endings if ending is not None]
    if len(known) == len(endings):
        events.append(settled(book, ticket, ticket.settlement, known, ()))
    return events
