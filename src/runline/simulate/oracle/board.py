"""Board: the house's lines, posted game by game. Each market of a post is judged by itself; what is none, or looks like a
mistake, takes its market off the board."""

from typing import Any

from runline.simulate.oracle.answers import Event, Refused, refuse_unless
from runline.simulate.oracle.bounds import MOST, one_more
from runline.simulate.oracle.games import a_game
from runline.simulate.oracle.guard import Line, tripped
from runline.simulate.oracle.official import has_period
from runline.simulate.oracle.prices import a_line, prices_of_record
from runline.simulate.oracle.rules import IN_HOUSE, REASON, Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.state import Game, Held, House, Market
from runline.simulate.oracle.suspension import is_stale

AHEAD_NS = 10 * 10**9
PERIODS = ("game", "1h", "2h", "q1", "q2", "q3", "q4")
KINDS = ("spread", "moneyline", "total", "three_way", "draw_no_bet")

ANYTHING = "\N{ASTERISM}"
"""Stands for a sentence, which nobody predicts."""


def markets_of(house: House, game: str) -> list[Market]:
    """The markets of a game, in the order of the board: the whole game first, then its parts."""
    return sorted(
        house.of_game.get(game, ()), key=lambda market: (PERIODS.index(market.period), KINDS.index(market.kind))
    )


def held_of(house: House, game: str) -> list[Held]:
    """The lines of a game that wait, by market."""
    return [house.held[name] for name in sorted(house.held) if house.held[name].game == game]


def takes_lines(game: Game, moment: Moment) -> None:
    """Lines of a game are taken before its start."""
    open_still = game.status == "scheduled" and moment.at_ns < game.start_ns
    refuse_unless(open_still, "past_cutoff", cutoff_ns=game.start_ns)


def in_time(house: House, game: Game, asked: Asked, moment: Moment) -> None:
    """Refuse a post of no time, of after the start, of a time to come, or older than what stands."""
    entered_ns = asked.entered_ns
    refuse_unless(entered_ns >= 0, "line_invalid")
    refuse_unless(entered_ns < game.start_ns, "past_cutoff", cutoff_ns=game.start_ns)
    refuse_unless(entered_ns <= moment.at_ns + AHEAD_NS, "line_ahead", now_ns=moment.at_ns)
    lines = [market.entered_ns for market in markets_of(house, game.name)]
    held = [one.entered_ns for one in held_of(house, game.name)]
    newest_ns = max([*lines, *held, house.repeated.get((game.name, moment.user.name), 0)])
    refuse_unless(entered_ns >= newest_ns, "line_out_of_order", entered_ns=newest_ns)


def sound(game: Game, given: dict[str, Any]) -> Line:
    """A line with its prices of record."""
    refuse_unless(has_period(game.sport, game.league, given["period"]), "line_invalid")
    a_line(given["kind"], given["line_quarters"])
    return Line(given["kind"], given["line_quarters"], prices_of_record(given["kind"], given["prices"]))


@command("PostLines", needs="lines_post", streams=IN_HOUSE)
def post_lines(house: House, asked: Asked, moment: Moment) -> list[Event]:
    game = a_game(house, asked.fixture)
    takes_lines(game, moment)
    in_time(house, game, asked, moment)
    refuse_unless(len(asked.lines) <= MOST["MARKETS_PER_POST_MAX"], "too_many", most=MOST["MARKETS_PER_POST_MAX"])
    given: dict[str, dict[str, Any]] = {}
    lines: dict[str, Line] = {}
    faults: dict[str, Refused] = {}
    for one in asked.lines:
        name = f"{game.name}:{one['period']}:{one['kind']}"
        try:
            if name in given and given[name] != one:
                raise Refused("line_invalid")
            given[name] = one
            if name not in faults:
                lines[name] = sound(game, one)
        except Refused as refused:
            lines.pop(name, None)
            faults[name] = refused
    new = sum(1 for name in lines if name not in house.markets)
    room_for_all = not new or len(house.markets) + new <= MOST["MARKETS_MAX"]
    refuse_unless(room_for_all, "too_many", most=MOST["MARKETS_MAX"])
    events: list[Event] = []
    waiting: list[str] = []
    for name, line in lines.items():
        market, held = house.markets.get(name), house.held.get(name)
        if market and not market.off and not is_stale(house, market) and same(market, line):
            continue
        before = Line(market.kind, market.line, market.prices) if market else None
        beside = {other.kind: other for key, other in lines.items() if given[key]["period"] == given[name]["period"]}
        checks = tripped(house, game, line, before, beside)
        reasons = tuple(check for check, _ in checks)
        holds = not asked.confirm and any(action == "hold" for _, action in checks)
        if holds and held and same(held, line) and held.reasons == reasons:
            waiting.append(name)
            continue
        if holds and not held:
            waits = len(house.held) + sum(1 for one in events if one.name == "LineHeld")
            if waits >= MOST["HELD_LINES_MAX"]:
                faults[name] = Refused("too_many", most=MOST["HELD_LINES_MAX"])
                continue
        about = {
            "market": name,
            "fixture": game.name,
            "kind": line.kind,
            "period": given[name]["period"],
            "line_quarters": line.line,
            "prices": line.prices,
            "entered_ns": asked.entered_ns,
            "source": moment.user.name,
        }
        if holds:
            events.append(happens("LineHeld", **about, reasons=reasons))
        else:
            events.append(happens("LinePosted", **about, tripped=reasons))
    on = [market.name for market in markets_of(house, game.name) if not market.off]
    there = list(dict.fromkeys([*on, *(held.market for held in held_of(house, game.name))]))
    gone = [name for name in there if name not in lines and name not in faults]
    events += [happens("LineWithdrawn", market=name, entered_ns=asked.entered_ns) for name in gone]
    if events or any(name in there for name in faults):
        for name, fault in faults.items():
            why = {"entered_ns": asked.entered_ns, "code": fault.refusal.code, "why": ANYTHING}
            events.append(happens("LineRefused", market=name, fixture=game.name, **why))
    if not events and faults:
        name, fault = next(iter(faults.items()))
        raise Refused(fault.refusal.code, **{"market": name, **fault.refusal.details})
    refuse_unless(events or not waiting, "line_held", markets=waiting)
    return events


def same(row: Market | Held, line: Line) -> bool:
    """Whether a row has this line."""
    return row.line == line.line and row.prices == line.prices


def repeated(house: House, game: str, source: str, entered_ns: int) -> None:
    """A post that changes nothing moves its source's clock all the same. That is in memory only."""
    house.repeated[game, source] = max(entered_ns, house.repeated.get((game, source), 0))


def no_longer_held(house: House, name: str) -> None:
    """What is heard of a market takes the place of what waits of it."""
    if house.held.pop(name, None) is not None:
        house.touch("held", name)


def off_the_board(house: House, name: str, why: str, entered_ns: int) -> None:
    """A market, if there is one, goes off the board."""
    market = house.markets.get(name)
    if market:
        market.off, market.entered_ns, market.seq = why, entered_ns, house.seq
        house.touch("market", name)


@event("LinePosted")
def line_posted(house: House, at: Asked) -> None:
    if at.market not in house.markets:
        house.markets[at.market] = Market(at.market, at.fixture, at.kind, at.period)
        house.of_game.setdefault(at.fixture, []).append(house.markets[at.market])
    market = house.markets[at.market]
    market.line, market.prices, market.off = at.line_quarters, tuple(at.prices), ""
    market.entered_ns, market.source, market.seq = at.entered_ns, at.source, house.seq
    house.touch("market", at.market)
    no_longer_held(house, at.market)


@event("LineWithdrawn")
def line_withdrawn(house: House, at: Asked) -> None:
    off_the_board(house, at.market, "withdrawn", at.entered_ns)
    no_longer_held(house, at.market)


@event("LineRefused")
def line_refused(house: House, at: Asked) -> None:
    off_the_board(house, at.market, "refused", at.entered_ns)
    no_longer_held(house, at.market)


@event("LineHeld")
def line_held(house: House, at: Asked) -> None:
    off_the_board(house, at.market, "held", at.entered_ns)
    place = (at.market, at.fixture, at.kind, at.period, at.line_quarters, tuple(at.prices), at.entered_ns)
    house.held[at.market] = Held(*place, tuple(at.reasons), at.source, house.seq, house.at_ns)
    house.touch("held", at.market)


@ground("PostLines")
def board_ground(house: House, asked: Asked) -> int:
    markets = [house.when_moved("market", market.name) for market in markets_of(house, asked.fixture)]
    held = [one.seq for one in held_of(house, asked.fixture)]
    return max([house.when_moved("game", asked.fixture), *markets, *held])


def the_held(house: House, asked: Asked) -> Held:
    """The line that is meant, if it waits."""
    held = house.held.get(asked.market)
    if held is None or held.seq != asked.held_seq:
        raise Refused("line_not_held", held_seq=held.seq if held else 0)
    return held


@command("ConfirmLine", needs="lines_post", streams=IN_HOUSE)
def confirm_line(house: House, asked: Asked, moment: Moment) -> list[Event]:
    held = the_held(house, asked)
    takes_lines(a_game(house, held.game), moment)
    if held.market not in house.markets:
        one_more("MARKETS_MAX", len(house.markets))
    about = {"fixture": held.game, "kind": held.kind, "period": held.period, "line_quarters": held.line}
    entered = {"prices": held.prices, "entered_ns": held.entered_ns, "tripped": held.reasons, "source": held.source}
    return [happens("LinePosted", market=held.market, **about, **entered)]


@command("DropLine", needs="lines_post", streams=IN_HOUSE, reasons=REASON)
def drop_line(house: House, asked: Asked, moment: Moment) -> list[Event]:
    held = the_held(house, asked)
    fields = {"held_seq": held.seq, "entered_ns": held.entered_ns, "reason": asked.reason}
    return [happens("LineDropped", market=held.market, **fields)]


@event("LineDropped")
def line_dropped(house: House, at: Asked) -> None:
    off_the_board(house, at.market, "withdrawn", at.entered_ns)
    no_longer_held(house, at.market)


@ground("ConfirmLine", "DropLine")
def held_ground(house: House, asked: Asked) -> int:
    return house.when_moved("held", asked.market)
