"""Accounts: what a player may still risk, and money that moves otherwise than by wagers. The ledger has two sides and sums to
nothing: what a player gains, one of the book's accounts loses."""

from runline.simulate.oracle.answers import Event, refuse_unless
from runline.simulate.oracle.bounds import MOST, room
from runline.simulate.oracle.people import PLAYER, a_free_name, a_role_to_give, may
from runline.simulate.oracle.rules import REASON, Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.state import Book, Entry, Player, User
from runline.simulate.oracle.tree import a_node, a_player, is_below

CREDIT_MOST = 10**13
AMOUNT_MOST = 10**12
BALANCE_MOST = 10**13
TIME_MOST_NS = 2**62

GRADING = "grading"
CASH = "cash"
ADJUSTMENTS = "adjustments"


def pending(book: Book, number: str) -> int:
    """What a player's open wagers risk."""
    return sum(ticket.risk for ticket in book.of_player.get(number, {}).values())


def available(book: Book, number: str, at_ns: int) -> int:
    """What a player may still risk."""
    player = book.players[number]
    temporary = player.temporary if at_ns < player.until_ns else 0
    return player.credit + temporary + player.balance - pending(book, number)


def post(book: Book, number: str, account: str, change: int, kind: str, wager: int, why: str) -> None:
    """Money moves between a player and an account of the book; the ledger says from where to where, and why."""
    if change:
        before = book.players[number].balance
        book.players[number].balance += change
        book.accounts[account] -= change
        book.touch("balance", number)
        sides = (account, f"player:{number}")
        debit, credit = sides if change > 0 else sides[::-1]
        entry = Entry(book.at_ns, kind, debit, credit, abs(change), number, wager, before, before + change, why)
        book.entries[book.seq] = entry


def no_player(user: User) -> None:
    """Players change no account, not even their own."""
    refuse_unless(not user.player, "not_permitted")


def a_credit(minor: int) -> int:
    """Not negative, and bounded."""
    refuse_unless(0 <= minor <= CREDIT_MOST, "amount_invalid", most=CREDIT_MOST)
    return minor


@command("CreatePlayer", needs="player_create")
def create_player(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    known, user = book.players.get(asked.player), moment.user
    if known and "figures_view" in may(book, user) and is_below(book, user.node, known.agent):
        stands = {"agent": known.agent, "credit_limit_minor": known.credit, "active": known.active}
        wanted = {"agent": asked.agent, "credit_limit_minor": asked.credit_limit_minor, "active": True}
        differs = {name: value for name, value in stands.items() if value != wanted[name]}
        refuse_unless(not differs, "already_exists", id=asked.player, differs=differs)
        return []
    a_free_name(book, asked.player)
    a_node(book, user, asked.agent)
    room(book, user, "PLAYERS_MAX", "players")
    if asked.credit_limit_minor:
        refuse_unless("credit_change" in may(book, user), "not_permitted", permission="credit_change")
    a_role_to_give(book, user, PLAYER, asked.agent)
    a_credit(asked.credit_limit_minor)
    fields = {"agent": asked.agent, "credit_limit_minor": asked.credit_limit_minor}
    return [happens("PlayerCreated", player=asked.player, **fields)]


@event("PlayerCreated")
def player_created(book: Book, at: Asked) -> None:
    book.players[at.player] = Player(at.agent, at.credit_limit_minor)
    book.users[at.player] = User(at.player, at.agent, PLAYER, at.player)
    book.touch("user", at.player)


@ground("CreatePlayer")
def new_player_ground(book: Book, asked: Asked) -> int:
    return max(book.when_moved("user", asked.player), book.when_moved("agent", asked.agent))


@command("MovePlayer", needs="agent_move", reasons=REASON)
def move_player(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    no_player(moment.user)
    before = a_player(book, moment.user, asked.player).agent
    a_node(book, moment.user, asked.agent)
    if before == asked.agent:
        return []
    most = MOST["MOVED_WAGERS_MAX"]
    refuse_unless(len(book.of_player.get(asked.player, ())) <= most, "too_many", most=most)
    return [happens("PlayerMoved", player=asked.player, before=before, after=asked.agent, reason=asked.reason)]


@event("PlayerMoved")
def player_moved(book: Book, at: Asked) -> None:
    book.players[at.player].agent = book.users[at.player].node = at.after
    book.touch("user", at.player)


@ground("MovePlayer")
def move_player_ground(book: Book, asked: Asked) -> int:
    return max(book.when_moved("user", asked.player), book.when_moved("agent", asked.agent))


@command("AdjustCredit", needs="credit_change", reasons=REASON)
def adjust_credit(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    no_player(moment.user)
    player = a_player(book, moment.user, asked.player)
    after = a_credit(asked.credit_limit_minor)
    if after == player.credit:
        return []
    fields = {"before_minor": player.credit, "after_minor": after, "reason": asked.reason}
    return [happens("CreditAdjusted", player=asked.player, **fields)]


@event("CreditAdjusted")
def credit_adjusted(book: Book, at: Asked) -> None:
    book.players[at.player].credit = at.after_minor
    book.touch("credit", at.player)


@command("GrantTemporaryCredit", needs="credit_change", reasons=REASON)
def grant_temporary_credit(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    no_player(moment.user)
    player = a_player(book, moment.user, asked.player)
    refuse_unless(moment.at_ns < asked.until_ns < TIME_MOST_NS, "expiry_invalid")
    return [
        happens(
            "TemporaryCreditGranted",
            player=asked.player,
            before_minor=player.temporary,
            before_until_ns=player.until_ns,
            credit_minor=a_credit(asked.credit_minor),
            until_ns=asked.until_ns,
            reason=asked.reason,
        )
    ]


@event("TemporaryCreditGranted")
def temporary_credit_granted(book: Book, at: Asked) -> None:
    player = book.players[at.player]
    player.temporary, player.until_ns = at.credit_minor, at.until_ns
    book.set_timer("temporary_credit", at.player, at.until_ns)
    book.touch("credit", at.player)


@command("ExpireTemporaryCredit")
def expire_temporary_credit(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    player = book.players[asked.player]
    if not player.until_ns or moment.at_ns < player.until_ns:
        return []
    return [happens("TemporaryCreditExpired", player=asked.player, credit_minor=player.temporary)]


@event("TemporaryCreditExpired")
def temporary_credit_expired(book: Book, at: Asked) -> None:
    player = book.players[at.player]
    player.temporary = player.until_ns = 0
    book.end_timer("temporary_credit", at.player)
    book.touch("credit", at.player)


@ground("AdjustCredit", "GrantTemporaryCredit")
def credit_ground(book: Book, asked: Asked) -> int:
    return book.when_moved("credit", asked.player)


@command("EnterTransaction", needs="transaction_enter", reasons=("description",))
def enter_transaction(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    no_player(moment.user)
    player = a_player(book, moment.user, asked.player)
    amount = asked.amount_minor
    signed = asked.kind == "adjustment"
    refuse_unless(0 < abs(amount) <= AMOUNT_MOST and (signed or amount > 0), "amount_invalid", most=AMOUNT_MOST)
    change = -amount if asked.kind == "disbursement" else amount
    # A balance that is beyond the bound already may come nearer to it.
    after = abs(player.balance + change)
    refuse_unless(after <= BALANCE_MOST or after <= abs(player.balance), "amount_invalid", most=BALANCE_MOST)
    fields = {"kind": asked.kind, "change_minor": change, "description": asked.description}
    return [happens("TransactionEntered", player=asked.player, **fields)]


@event("TransactionEntered")
def transaction_entered(book: Book, at: Asked) -> None:
    post(book, at.player, ADJUSTMENTS if at.kind == "adjustment" else CASH, at.change_minor, at.kind, 0, at.description)


@ground("EnterTransaction")
def balance_ground(book: Book, asked: Asked) -> int:
    return book.when_moved("balance", asked.player)


@command("SetPlayerLimits", needs="limits_change", reasons=REASON)
def set_player_limits(book: Book, asked: Asked, moment: Moment) -> list[Event]:
    no_player(moment.user)
    player = a_player(book, moment.user, asked.player)
    for limit in (asked.stake_max_minor, asked.win_max_minor):
        refuse_unless(limit is None or 0 <= limit <= AMOUNT_MOST, "limits_invalid", most=AMOUNT_MOST)
    before = {"stake_max_minor": player.stake_max, "win_max_minor": player.win_max, "active": player.active}
    after = {"stake_max_minor": asked.stake_max_minor, "win_max_minor": asked.win_max_minor, "active": asked.active}
    if before == after:
        return []
    return [happens("PlayerLimitsSet", player=asked.player, before=before, after=after, reason=asked.reason)]


@event("PlayerLimitsSet")
def player_limits_set(book: Book, at: Asked) -> None:
    player = book.players[at.player]
    player.stake_max = at.after["stake_max_minor"]
    player.win_max = at.after["win_max_minor"]
    player.active = at.after["active"]
    book.touch("limits", at.player)


@ground("SetPlayerLimits")
def player_limits_ground(book: Book, asked: Asked) -> int:
    return book.when_moved("limits", asked.player)
