"""Explaining: why a ticket stands as it does, in sentences: the rule, the numbers, the arithmetic."""

from collections.abc import Sequence

from runline.domain.bounds import RULINGS_PER_LEAGUE_MAX
from runline.domain.catalog import Fixture
from runline.domain.grading import Result, Score, points_counted
from runline.domain.legs import Ending, Leg, LegGraded, LegReversed, LegVoided
from runline.domain.messages import Event
from runline.domain.money import format_money
from runline.domain.odds import parse_price
from runline.domain.official import LeagueRules
from runline.domain.placed import TicketPlaced
from runline.domain.points import format_points
from runline.domain.results import ResultConfirmed, ScoreConfirmed
from runline.domain.rulings import Ruling, rules_by
from runline.domain.tickets import Ticket, WagerReversed, WagerSettled, WagerVoided
from runline.domain.words import in_words, shown
from runline.engine.ports import Wanted
from runline.reads.seen import SeenSnapshot
from runline.reads.tickets import event_at, why_void

ENDED: dict[Result, str] = {
    "won": "won",
    "lost": "lost",
    "push": "a push",
    "half_won": "half won",
    "half_lost": "half lost",
    "void": "void",
}


def rules_at(seen: SeenSnapshot, game: Fixture, seq: int) -> LeagueRules:
    """The rules of a game's league as they stood at a position of the house."""
    wanted = Wanted({"league": game.league}, ascending=True)
    numbers = [number for (number,) in seen.house.find(Ruling, wanted, RULINGS_PER_LEAGUE_MAX).numbers]
    return rules_by(seen.house.rows(Ruling, numbers), game.sport, game.league, seq)


def money(minor: int) -> str:
    """An amount as people read it."""
    return shown(format_money(minor))


def points(quarters: int) -> str:
    """Points above or below something, "" for none."""
    return shown(format_points(quarters, signed=True)) if quarters else ""


class Explaining:
    """What explains the life of one ticket."""

    def __init__(self, seen: SeenSnapshot, ticket: Ticket) -> None:
        self.seen = seen
        self.ticket = ticket

    def of(self, event: Event) -> list[str]:
        """Why something has happened to the ticket."""
        ticket = self.ticket
        if isinstance(event, TicketPlaced):
            return self.placed()
        if isinstance(event, WagerSettled):
            legs = list(zip(ticket.legs, event.legs, range(1, len(event.legs) + 1), strict=False))
            told = [
                line for leg, ended, at in legs if at in event.stood for line in self.leg(leg, ended, event.settlement)
            ]
            return [*told, *self.paid(event)]
        if isinstance(event, LegGraded):
            return self.leg(ticket.legs_at((event.leg,))[0], event.ended, event.settlement)
        if isinstance(event, WagerReversed):
            change = f" The balance moves by {money(event.change_minor)}." if event.change_minor else ""
            return [f"The settlement is taken back: {event.reason}. The ticket is open again.{change}"]
        if isinstance(event, LegReversed):
            return [f"The grading of leg {event.leg} is taken back: {event.reason}. It is open again."]
        if isinstance(event, LegVoided):
            return [f"Leg {event.leg} is void: {event.reason}. The ticket goes on without it."]
        if isinstance(event, WagerVoided):
            return [f"The ticket is void: {event.reason}. Its risk of {money(ticket.risk_minor)} is free again."]
        return []

    def placed(self) -> list[str]:
        """At which lines and prices it was taken, and what it risks for what."""
        ticket = self.ticket
        lines = [in_words(self.seen.house.row(Fixture, leg.fixture), leg).selection for leg in ticket.legs]
        told = [f"Taken: {line}." for line in lines]
        if ticket.more is None:
            price = parse_price(ticket.price)
            ratio = f"{price.numerator}/{price.denominator}" if price.denominator > 1 else str(price.numerator)
            sum_ = f"{money(ticket.risk_minor)} × {ratio} = {money(ticket.win_minor)}"
            return [
                *told,
                f"At {shown(ticket.price)} each 1 that is risked wins {ratio}: {sum_}, to the smallest unit.",
            ]
        return [*told, f"Risks {money(ticket.risk_minor)} to win {money(ticket.win_minor)} if all of its legs win."]

    def leg(self, leg: Leg, ended: Ending, settlement: int) -> list[str]:
        """Why a leg has ended so. settlement: the house position of what ended it."""
        if ended.voided:
            return []
        event = event_at(self.seen.house, self.seen.vocabulary, settlement)
        game = self.seen.house.row(Fixture, leg.fixture)
        score = event.score if isinstance(event, ResultConfirmed | ScoreConfirmed) else None
        if ended.result == "void":
            return [f"Void: {why_void(event)}."]
        if game is None or score is None:
            return [f"The result of the house at {settlement}: {ENDED[ended.result]}."]
        return [self.reckoned(leg, game, score, ended.result, settlement)]

    def reckoned(self, leg: Leg, game: Fixture, score: Score, result: Result, settlement: int) -> str:
        """The rule of a leg's market with the numbers of its game."""
        _, period, kind = leg.market.rsplit(":", 2)
        counted = points_counted(rules_at(self.seen, game, settlement), kind, period, score)
        if counted is None:
            return f"{game.away} {score.away}, {game.home} {score.home}: {ENDED[result]}."
        home, away = counted
        words = in_words(game, leg)
        scored = f"{game.away} {away}, {game.home} {home}"
        if period != "game":
            scored = f"{words.period_name}: {scored}"
        if kind == "total" and leg.line_quarters is not None:
            beyond = 4 * (home + away) - leg.line_quarters
            line = format_points(leg.line_quarters, signed=False)
            apart = f", {points(beyond)} to {line}" if beyond else ""
            return f"{scored}. Total: {away} + {home} = {away + home}{apart}; {leg.side} is {ENDED[result]}."
        if leg.line_quarters is not None:
            own, other = (home, away) if leg.side == "home" else (away, home)
            left = points(4 * (own - other) + leg.line_quarters) or "0"
            sum_ = f"{own} \N{MINUS SIGN} {other} with {points(leg.line_quarters) or 'PK'} makes {left}"
            return f"{scored}. {sum_}; {leg.side} is {ENDED[result]}."
        winner = "level" if home == away else "home wins" if home > away else "away wins"
        return f"{scored}: {winner}; {leg.side} is {ENDED[result]}."

    def paid(self, event: WagerSettled) -> list[str]:
        """What comes back, and why."""
        ticket, returned = self.ticket, event.returned_minor
        change = money(returned - ticket.risk_minor)
        risk, win = money(ticket.risk_minor), money(ticket.win_minor)
        how: dict[str, Sequence[str]] = {
            "won": (f"{risk} + {win} = {money(returned)}",) if returned == ticket.risk_minor + ticket.win_minor else (),
            "lost": ("nothing",),
            "push": (f"the stake of {risk}",),
            "void": (f"the stake of {risk}",),
            "half_lost": (f"half the stake, {money(returned)}",),
            "half_won": (f"the stake of {risk} and what half of it wins, {money(returned)}",),
        }
        comes = next(iter(how.get(event.result, ())), money(returned))
        return [f"{ENDED[event.result].capitalize()}: {comes} comes back, the balance moves by {change}."]
