"""Tickets as history shows them: with the games, periods and markets in words, and why they are void."""

from collections.abc import Callable

from msgspec.structs import astuple

from runline.domain.catalog import Fixture
from runline.domain.catalog import Result as FixtureResult
from runline.domain.grading import Score
from runline.domain.legs import Leg
from runline.domain.messages import Event
from runline.domain.queries.wagers import LegRow, WagerRow
from runline.domain.results import FixtureCancelled, ResultConfirmed
from runline.domain.tickets import Ticket, WagerVoided
from runline.domain.vocabulary import Vocabulary
from runline.domain.words import in_words
from runline.engine.envelope import decode_envelope
from runline.engine.ports import Snapshot
from runline.reads.seen import SeenSnapshot


def leg_row(game: Fixture | None, score: Score | None, leg: Leg) -> LegRow:
    """A leg as its reader sees it. score: of its game."""
    ended = leg.ended
    result, counts_at, share = (ended.result, ended.price, ended.share) if ended else (None, None, None)
    return LegRow(*(*astuple(in_words(game, leg)), leg.status, result, score, counts_at, share))


def wager_rows(seen: SeenSnapshot) -> Callable[[Ticket], WagerRow]:
    """What makes a row of a ticket as its reader sees it; for one page, on which each game is looked up once."""
    games: dict[str, tuple[Fixture | None, Score | None]] = {}

    def game_of(fixture: str) -> tuple[Fixture | None, Score | None]:
        if fixture not in games:
            result = seen.house.row(FixtureResult, fixture)
            games[fixture] = seen.house.row(Fixture, fixture), result.confirmed if result is not None else None
        return games[fixture]

    def row(ticket: Ticket) -> WagerRow:
        legs = [leg_row(*game_of(leg.fixture), leg) for leg in ticket.legs]
        first = legs[0]
        return WagerRow(
            ticket.number,
            ticket.player,
            ticket.agent,
            ticket.kind,
            first.fixture,
            first.market,
            first.side,
            first.line_quarters,
            first.price,
            first.league,
            first.away,
            first.home,
            first.start_ns,
            first.rotation,
            first.period_name,
            first.market_name,
            "; ".join(leg.selection for leg in legs),
            legs,
            ticket.risk_minor,
            ticket.win_minor,
            ticket.writer,
            ticket.channel,
            ticket.placed_ns,
            ticket.status,
            ticket.result,
            first.score,
            ticket.returned_minor,
            ticket.closed_ns,
            void_reason(seen, ticket),
        )

    return row


def void_reason(seen: SeenSnapshot, ticket: Ticket) -> str:
    """Why a ticket is void; "" if it is not. Nothing follows on a void, so that its event is the last that changed the ticket."""
    if ticket.status == "void":
        event = event_at(seen.snapshot, seen.vocabulary, ticket.changed_seq)
        return event.reason if isinstance(event, WagerVoided) else ""
    if ticket.result != "void":
        return ""
    return why_void(event_at(seen.house, seen.vocabulary, ticket.settlement))


def why_void(event: Event | None) -> str:
    """Why what an event of the house settles is void by it."""
    if isinstance(event, FixtureCancelled):
        return "the game was cancelled"
    called = isinstance(event, ResultConfirmed) and event.score.length is not None
    return "the game was called before it was official" if called else "the game was not played in time"


def event_at(snapshot: Snapshot, vocabulary: Vocabulary, seq: int) -> Event | None:
    """The event at a position, if it is stored here."""
    for _, body in snapshot.entries(seq + 1, 1):
        entry = decode_envelope(body)
        return entry.event(vocabulary) if entry.seq == seq else None
    return None
