"""Placing: what a wager must pass, in order. The refusal names the rule."""

from dataclasses import dataclass

from runline.simulate.oracle.accounts import AMOUNT_MOST, available
from runline.simulate.oracle.answers import Event, Refused, refuse_unless
from runline.simulate.oracle.bounds import MOST
from runline.simulate.oracle.lines import a_market, offered
from runline.simulate.oracle.odds import Price, price, price_of, risk_for, win_for
from runline.simulate.oracle.rules import Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.state import Book, Leg, Market, Player, Ticket
from runline.simulate.oracle.suspension import closes, closes_to
from runline.simulate.oracle.tickets import opens
from runline.simulate.oracle.tree import a_player

LAG_MS_MOST = 2_000


@dataclass
class Stake:
    """What an amount means at a price. base: what limits go by: the win of a favourite, else the risk."""

    risk: int
    win: int
    base: int


def stake(book: Book, at: Price, risk: int) -> Stake:
    """A stake of so much risk."""
    win = win_for(at, risk, book.rounding)
    return Stake(risk, win, win if at.favourite else risk)


def channel_of(book: Book, asked: Asked, moment: Moment) -> str:
    """How a wager came in: it follows from the session. Staff before a screen may say that the player phones."""
    channel = "api"
    if moment.session and book.sessions[moment.session].kind == "screen":
        channel = "web" if moment.user.player else "clerk"
    if asked.channel == "phone" and channel == "clerk":
        return "phone"
    refuse_unless(asked.channel in (None, channel), "channel_invalid", channel=channel)
    return channel


def account_open(player: Player) -> None:
    refuse_unless(player.active, "player_closed", rule="account_open")


def house_current(moment: Moment) -> None:
    refuse_unless(moment.lag_ms <= LAG_MS_MOST, "house_stale", lag_ms=moment.lag_ms, rule="house_current")


def market_open(book: Book, market: Market, asked: Asked, moment: Moment) -> None:
    house, game = moment.house, moment.house.games[market.game]
    if game.status in ("final", "cancelled"):
        raise Refused("market_closed", rule="market_open")
    if game.name in house.postponed:
        raise Refused("market_closed", rule="market_open")
    begun = game.status == "closed" or moment.at_ns >= game.start_ns
    refuse_unless(not begun, "past_cutoff", cutoff_ns=game.start_ns, rule="market_open")
    by_house, by_book = closes(house, house, market, asked.side), closes(book, house, market, asked.side)
    layer = by_house or by_book or closes_to(book, asked.player)
    if layer is not None:
        scope, subject = layer
        # Who posts the lines is not told to players.
        subject = "" if scope in ("feed", "silence") and moment.user.player else subject
        raise Refused("market_suspended", scope=scope, subject=subject, rule="market_open")


def room_left(book: Book) -> None:
    most = MOST["OPEN_WAGERS_MAX"]
    refuse_unless(len(book.open) < most, "too_many", most=most, rule="room_left")


def line_taken(book: Book, market: Market, asked: Asked) -> tuple[int | None, Price]:
    try:
        line, text = offered(book, market, asked.side)
    except Refused as refused:
        raise Refused(refused.refusal.code, **refused.refusal.details, rule="line_taken") from None
    stands = price(text)
    if (line, text) == (asked.line_quarters, asked.price):
        return line, stands
    seen = price_of(asked.price)
    if seen is None:
        raise Refused("price_invalid", rule="line_taken")
    same = line == asked.line_quarters and seen.profit == stands.profit
    if same or asked.odds_change == "accept_any":
        return line, stands
    if asked.odds_change == "accept_better" and stands.profit >= seen.profit:
        no_worse = line == asked.line_quarters
        if line is not None and asked.line_quarters is not None:
            # An over is the easier the lower its total, everything else the higher its number.
            no_worse = line <= asked.line_quarters if asked.side == "over" else line >= asked.line_quarters
        if no_worse:
            return line, stands
    raise Refused("price_changed", line_quarters=line, price=text, rule="line_taken")


def stake_valid(book: Book, asked: Asked, at: Price) -> Stake:
    amount = asked.amount_minor
    refuse_unless(0 < amount <= AMOUNT_MOST, "stake_invalid", most=AMOUNT_MOST, rule="stake_valid")
    to_win = asked.basis == "to_win" or (asked.basis == "base" and at.favourite)
    return stake(book, at, risk_for(at, amount, book.rounding) if to_win else amount)


def limits_of(book: Book, player: Player) -> tuple[int, int]:
    """The most of a base amount, and of a win: the tightest wins."""
    own = (player.stake_max, player.win_max)
    of_book = (book.stake_max, book.win_max)
    base, win = (most if mine is None else min(most, mine) for most, mine in zip(of_book, own, strict=True))
    return base, win


def most_risk(book: Book, at: Price, win: int) -> int:
    """The most that may be risked without winning more."""
    # A win that is two steps of the rounding larger is too much at any price.
    low, high = 0, int((win + 2 * book.rounding["unit_minor"]) / at.profit) + 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if stake(book, at, middle).win <= win else (low, middle)
    return low


def fit(book: Book, asked: Asked, moment: Moment, at: Price, wanted: Stake) -> Stake:
    """Cut a stake to what limits and credit allow, if the player takes less; else the tighter one refuses it."""
    base, win = limits_of(book, book.players[asked.player])
    by_limits = most_risk(book, at, min(base, win)) if at.favourite else min(most_risk(book, at, win), base)
    credit = available(book, asked.player, moment.at_ns)
    most = min(by_limits, credit)
    if most <= 0 or stake(book, at, most).base < book.stake_min:
        most = 0
    if asked.partial and most:
        return stake(book, at, min(wanted.risk, most))
    if credit < by_limits:
        raise Refused("credit_exceeded", most_minor=most, rule="credit_holds")
    raise Refused("limit_exceeded", most_minor=most, rule="limits_hold")


@command("PlaceWager", needs="wager_place")
def place_wager(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    channel = channel_of(book, asked, moment)
    player = a_player(book, moment.user, asked.player)
    market = a_market(moment.house, asked.market)
    account_open(player)
    house_current(moment)
    market_open(book, market, asked, moment)
    room_left(book)
    line, at = line_taken(book, market, asked)
    wanted = stake_valid(book, asked, at)
    base, win = limits_of(book, player)
    if wanted.base > base or wanted.win > win:
        wanted = fit(book, asked, moment, at, wanted)
    if wanted.risk > available(book, asked.player, moment.at_ns):
        wanted = fit(book, asked, moment, at, wanted)
    large_enough = wanted.win > 0 and wanted.base >= book.stake_min
    refuse_unless(large_enough, "limit_exceeded", least_minor=book.stake_min, rule="least_staked")
    return [
        happens(
            "WagerPlaced",
            wager=book.seq + 1,
            player=asked.player,
            agent=player.agent,
            fixture=market.game,
            market=market.name,
            side=asked.side,
            line_quarters=line,
            price=at.text,
            risk_minor=wanted.risk,
            win_minor=wanted.win,
            basis=asked.basis,
            house_seq=moment.house.seq,
            writer=moment.user.name,
            channel=channel,
        )
    ]


@event("WagerPlaced")
def wager_placed(book: Book, at: Asked) -> None:
    leg = Leg(at.fixture, at.market, at.side, at.line_quarters, at.price)
    ticket = Ticket(at.wager, at.player, at.risk_minor, at.win_minor, at.house_seq, [leg])
    book.tickets[at.wager] = ticket
    book.of_game.setdefault(at.fixture, []).append(ticket)
    opens(book, ticket)
    book.touch("ticket", at.wager)


@ground("PlaceWager")
def placing_ground(book: Book, asked: Asked) -> int:
    player = (book.when_moved("credit", asked.player), book.when_moved("limits", asked.player))
    return max(*player, book.when_moved("settings", ""), book.when_moved("line", asked.market))
